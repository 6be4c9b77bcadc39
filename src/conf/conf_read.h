/* SPDX-License-Identifier: GPL-3.0-or-later */
/* conf_read.h - reads relais.conf into sections, keys, values and line numbers.
 *
 *	file    = *( comment / section / key )
 *	section = "[" ( "relais" / ( "listen" / "account" ) 1*blank NAME ) "]"
 *	key     = NAME *blank "=" *blank value
 *	comment = ( "#" / ";" ) *any, also behind a value and a blank
 *
 * Every value in the result has passed setting_check().  Indentation has no
 * meaning, and a value cannot continue on the next line.  A value of type text,
 * argv or secret is the whole rest of the line, of any length; in a secret even
 * trailing blanks count.
 *
 * inih parses the lines.  What it cannot report is read separately: the value
 * of a long line, because its line buffer has 200 bytes in most builds; a text
 * or a secret, in which "; " begins no comment; the line number of a section or
 * of a mistake.  Its buffer is wiped after each line.
 *
 * Variables (conf_vars.h) replace settings of the file.
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
	struct secret *secret; /* instead of text, for SETTING_SECRET */
};

struct conf_section {
	enum setting_section kind;
	char *name; /* NULL for [relais] */
	char *title; /* "[account work]" */
	int line; /* as in struct conf_value */
	/* one for each of settings[], in that order */
	struct conf_value *values;
};

struct conf_raw {
	char *file;
	struct conf_section *v;
	size_t n;
};

/* Never NULL: the result has everything that could be read; problems has the
 * rest. */
struct conf_raw *conf_read(const char *file, const struct conf_env *env,
    struct conf_problems *problems);
void conf_raw_free(struct conf_raw *r);

/* NULL: there is no such section. */
const struct conf_section *conf_raw_find(
    const struct conf_raw *r, enum setting_section kind, const char *name);
/* NULL: not set; s may be NULL. */
const struct conf_value *conf_section_get(
    const struct conf_section *s, const char *name);

/* Stores the values of the section in the struct at base; s may be NULL.  home:
 * see setting_store(). */
void conf_section_store(
    const struct conf_section *s, const char *home, void *base);

/* Adds the problem "WHAT, line N of FILE: WHY"; without a line "WHAT: WHY", and
 * without what "FILE: WHY". */
void conf_problem_add(struct conf_problems *p, const char *file, int line,
    const char *what, const char *why, ...)
    __attribute__((format(printf, 5, 6)));
/* Makes the problems from index first on name the variable that they are
 * about. */
void conf_problems_name(
    struct conf_problems *p, size_t first, const struct conf_vars *vars);

#endif
