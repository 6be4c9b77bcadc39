/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "relais-setup/setup.h"

#include <libgen.h>
#include <stdarg.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/xalloc.h"
#include "relais-setup/dialogue.h"

const char *
setup_host(const struct setup *s)
{
	return s->preset_host != NULL ? s->preset_host : s->found.host;
}

const char *
setup_provider_name(const struct setup *s)
{
	if (s->found.preset != NULL)
		return s->found.preset->name;
	return s->found.name != NULL ? s->found.name : setup_host(s);
}

const struct conf_port *
setup_ports(const struct setup *s, size_t *ret_n)
{
	const struct provider *p = s->found.preset;

	*ret_n = p != NULL ? p->nports : s->found.nports;
	return p != NULL ? p->ports : s->found.ports;
}

enum setup_status
setup_stop(json_t *report, enum setup_status status, const char *fmt, ...)
{
	struct buf text;
	va_list ap;

	buf_init(&text, 4000);
	va_start(ap, fmt);
	IGNORE(buf_vaddf(&text, fmt, ap)); /* cut if it is that long */
	va_end(ap);
	(void)json_object_set_new(
	    report, "advice", json_string(buf_str(&text)));
	/* With the words of libraries in it, so it is translated as theirs. */
	dialogue_say("%s", buf_str(&text));
	buf_clear(&text);
	return status;
}

char *
setup_program(const char *folder, const char *name)
{
	char self[4096];
	char *path = xasprintf("%s/%s", folder, name);
	ssize_t n;

	if (access(path, X_OK) == 0)
		return path;
	free(path);
	n = readlink("/proc/self/exe", self, sizeof(self) - 1);
	self[n > 0 ? n : 0] = '\0';
	path = xasprintf("%s/%s", dirname(self), name);
	if (access(path, X_OK) == 0)
		return path;
	free(path);
	return NULL;
}

void
setup_report(struct setup *s, const char *key, const char *value)
{
	(void)json_object_set_new(
	    s->report, key, value != NULL ? json_string(value) : json_null());
}

void
setup_clear(struct setup *s)
{
	conf_paths_clear(&s->paths);
	providers_free(s->presets);
	providers_free(s->mozilla);
	conf_free(s->old);
	discovery_clear(&s->found);
	free(s->address);
	free(s->preset_host);
	free(s->account);
	free(s->user);
	free(s->admin);
	secret_free(s->secret);
	free(s->secret_file);
	free(s->oauth);
	free(s->client_answer);
	json_decref(s->report);
}
