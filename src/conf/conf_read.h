/* SPDX-License-Identifier: GPL-3.0-or-later */
/* conf_read.h - reads relais.conf into sections, keys, values and line numbers.
 *
 *	file    = *( comment / section / key )
 *	section = "[" ( "relais" / ( "listen" / "account" ) 1*blank NAME ) "]"
 *	key     = NAME *blank "=" *blank value
 *	comment = ( "#" / ";" ) *any, also behind a value and a blank
 *
 * Every value here has passed setting_check().  Indentation means nothing, and
 * a value cannot continue on the next line.  A value of type text, argv or
 * secret is the whole rest of the line, of any length; in a secret even
 * trailing blanks count.
 *
 * inih parses the lines.  What it cannot tell is read beside it: the value of a
 * long line, because its line buffer has 200 bytes in most builds; a text or a
 * secret, in which "; " begins no comment; the line of a section and of a
 * mistake.  Its buffer is wiped behind each line.
 *
 * Variables (conf_vars.h) replace what the file sets.
 *
 * Internal to conf.  Blocks on the disk.
 */
#ifndef CONF_CONF_READ_H
#define CONF_CONF_READ_H

#include <stddef.h>
#include <sys/types.h>

#include "base/secret.h"
#include "conf/conf.h"
#include "conf/setting.h"

struct conf_value {
	int line; /* 0: not set; below 0: by the variable of that number */
	char *text;
	struct secret *secret; /* in place of text for SETTING_SECRET */
};

struct conf_section {
	enum setting_section kind;
	char *name; /* NULL for [relais] */
	char *title; /* "[account work]" */
	int line; /* as of a value */
	struct conf_value *values; /* as many as settings, in their order */
};

struct conf_raw {
	char *file;
	struct conf_section *v;
	size_t n;
};

/* Never NULL: what could be read is there, what was wrong is in problems. */
struct conf_raw *conf_read(const char *file, const struct conf_env *env,
    struct conf_problems *problems);
void conf_raw_free(struct conf_raw *r);

/* NULL: there is none. */
const struct conf_section *conf_raw_find(
    const struct conf_raw *r, enum setting_section kind, const char *name);
/* NULL: not set; s may be NULL. */
const struct conf_value *conf_section_get(
    const struct conf_section *s, const char *name);

/* Stores what the section sets in the struct at base; s may be NULL.  home: as
 * for setting_store(). */
void conf_section_store(
    const struct conf_section *s, const char *home, void *base);

/* Adds "WHAT, line N of FILE: WHY"; without a line "WHAT: WHY", and without a
 * what "FILE: WHY". */
void conf_problem_add(struct conf_problems *p, const char *file, int line,
    const char *what, const char *why, ...)
    __attribute__((format(printf, 5, 6)));
/* The problems from the first one on say which variable they are about. */
void conf_problems_name(
    struct conf_problems *p, size_t first, const struct conf_vars *vars);

#endif
