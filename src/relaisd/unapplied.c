/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "relaisd/unapplied.h"

#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "base/log.h"
#include "conf/conf.h"
#include "conf/config_json.h"
#include "conf/setting.h"

enum { VALUE_MAX = 4096 };

/* A section, as one configuration or the other has it. */
struct side {
	const struct conf *conf;
	const void *base;
};

static void
compare_setting(const struct setting *st, const char *section,
    const struct side *is, const struct side *wanted)
{
	struct buf a, b;

	buf_init(&a, VALUE_MAX);
	buf_init(&b, VALUE_MAX);
	config_value(&a, st, is->base, is->conf); /* cut when full */
	config_value(&b, st, wanted->base, wanted->conf);
	if (strcmp(buf_str(&a), buf_str(&b)) != 0)
		log_text(LOG_LEVEL_WARNING,
		    "%s in [%s] is now \"%s\" in the file; until relaisd is "
		    "restarted, it stays \"%s\"",
		    st->name, section, buf_str(&b), buf_str(&a));
	buf_clear(&a);
	buf_clear(&b);
}

static void
compare_section(enum setting_section kind, const char *section,
    const struct side *is, const struct side *wanted)
{
	for (size_t i = 0; i < nsettings; i++)
		if (settings[i].section == kind && settings[i].needs_restart)
			compare_setting(&settings[i], section, is, wanted);
}

/* What `listen` and `socket` made is compared as those. */
static bool
is_section(const struct conf_listen *l)
{
	return strcmp(l->name, "listen") != 0 && strcmp(l->name, "socket") != 0;
}

static const struct conf_listen *
find_listen(const struct conf *c, const char *name)
{
	for (size_t i = 0; i < c->nlistens; i++)
		if (strcmp(c->listens[i].name, name) == 0)
			return &c->listens[i];
	return NULL;
}

static void
tell_missing(const struct conf *in, const struct conf *from, const char *what)
{
	for (size_t i = 0; i < from->nlistens; i++) {
		const struct conf_listen *l = &from->listens[i];

		if (is_section(l) && !l->is_optional &&
		    find_listen(in, l->name) == NULL)
			log_text(LOG_LEVEL_WARNING,
			    "[listen %s] is %s; it takes effect when relaisd "
			    "is restarted",
			    l->name, what);
	}
}

void
unapplied_log(const struct conf *in_force, const struct conf *wanted)
{
	struct side is = { in_force, in_force };
	struct side will_be = { wanted, wanted };
	char section[80];

	compare_section(SETTING_RELAIS, "relais", &is, &will_be);
	for (size_t i = 0; i < wanted->nlistens; i++) {
		const struct conf_listen *l = &wanted->listens[i];
		const struct conf_listen *old = find_listen(in_force, l->name);

		/* "localhost" and "*" make two with one name. */
		if (!is_section(l) || old == NULL || l->is_optional)
			continue;
		is.base = old;
		will_be.base = l;
		(void)snprintf(section, sizeof(section), "listen %s", l->name);
		compare_section(SETTING_LISTEN, section, &is, &will_be);
	}
	tell_missing(in_force, wanted, "new in the file");
	tell_missing(wanted, in_force, "gone from the file");
}
