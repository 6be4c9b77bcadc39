/* SPDX-License-Identifier: GPL-3.0-or-later */
/* setting.h - the table of all options.
 *
 * The table has the name, section, type, range, default and one line of help of
 * each.  The parser, `relais config`, the error sentences and the check of the
 * manual page all work from it; an option that is not here does not exist.
 *
 * Pure: no disk, no clock, no environment.
 */
#ifndef CONF_SETTING_H
#define CONF_SETTING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/must.h"

/* Which kind of section an option stands in. */
enum setting_section {
	SETTING_RELAIS = 0, /* [relais] */
	SETTING_LISTEN, /* [listen NAME] */
	SETTING_ACCOUNT /* [account NAME]; [account *] for all of them */
};
enum { SETTING_SECTIONS = 3 };

/* The type says how a value is written and, for an option with a field, what
 * the field is. */
enum setting_type {
	SETTING_TEXT, /* char *: the rest of the line */
	SETTING_WORD, /* char *: no blank in it */
	SETTING_PATH, /* char *: absolute, or one of words */
	SETTING_ADDRESS, /* char *: local@domain */
	SETTING_INT, /* int, from min to max */
	SETTING_SIZE, /* uint64_t, bytes */
	SETTING_DURATION, /* int64_t, milliseconds */
	SETTING_YESNO, /* bool */
	SETTING_ENUM, /* int: index into words */
	SETTING_LIST, /* struct conf_list, separated by blanks or commas;
		       * several lines add up; elements from words if set */
	SETTING_PORTS, /* no field; "auto" or a list of ports */
	SETTING_ARGV, /* struct conf_list; the rest of the line, argv.h */
	SETTING_SECRET /* no field; the rest of the line, every byte */
};

/* An option whose value takes more than storing it. */
#define SETTING_NO_FIELD SIZE_MAX

struct setting {
	const char *name;
	enum setting_section section;
	size_t field; /* offset in struct conf, conf_account */
	/* Used once, as root or to open something: a reload does not change
	 * it.  A string or an enum of [relais]. */
	bool needs_restart;
	enum setting_type type;
	long min, max; /* SETTING_INT */
	const char *const *words; /* NULL at the end, or NULL */
	const char *dflt; /* as it would be written; NULL: none */
	const char *help; /* one line, no full stop */
};

extern const struct setting settings[];
extern const size_t nsettings;

/* "relais", "listen", "account". */
const char *setting_section_name(enum setting_section s);

/* NULL: there is none.  Names are lower case and compared exactly. */
const struct setting *setting_find(enum setting_section s, const char *name);
/* The option of that section whose name is nearest, if it is near enough for
 * "did you mean"; else NULL. */
const struct setting *setting_nearest(enum setting_section s, const char *name);
/* The nearest of these words (NULL at the end), or NULL. */
const char *setting_nearest_word(const char *const *words, const char *word);

/* Is it one of an account's settings that say where its secret is?  Only one of
 * them can hold. */
bool setting_is_source(const struct setting *st);

/* May a comment follow the value on its line? */
bool setting_has_comment(const struct setting *st);

/* True: text is a value for this option.  False: why gets what was expected,
 * as it continues 'port = "x": '. */
bool setting_check(
    const struct setting *st, const char *text, struct buf *why) MUST_CHECK;

/* Stores a value that passed setting_check() into the field of the struct at
 * base; what was there is freed.  No-op for an option without field.  home
 * replaces "~" at the start of a path. */
void setting_store(
    const struct setting *st, const char *text, const char *home, void *base);
/* Gives every field of this section in the struct at base its default. */
void setting_defaults(enum setting_section s, void *base);
/* Frees every field of this section in the struct at base. */
void setting_clear(enum setting_section s, void *base);

struct conf_list;
/* Appends the elements of a list value, which commas and blanks separate;
 * appends one, copied. */
void setting_split_list(const char *text, struct conf_list *to);
void conf_list_add(struct conf_list *l, const char *s, size_t n);
void conf_list_clear(struct conf_list *l);

/* Index of the word, or -1; without regard to case. */
int setting_word_index(const char *const *words, const char *word);

/* The words of the enums, in the order of conf.h. */
extern const char *const setting_modes[]; /* enum conf_mode */
extern const char *const setting_tls_modes[]; /* "auto", then others */

#endif
