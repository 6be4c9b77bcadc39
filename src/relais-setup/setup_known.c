/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What is known of the provider, and the end with an advice. */
#include <jansson.h>
#include <stdarg.h>

#include "relais-setup/dialogue.h"
#include "relais-setup/setup.h"

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
