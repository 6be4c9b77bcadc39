/* SPDX-License-Identifier: GPL-3.0-or-later */
/* setting.h - the table of all options.
 *
 * The table has the name, section, type, range, default and one line of help of
 * each option.  The parser, `relais config`, error messages and the check of
 * the manual page all use it; an option that is not in the table does not
 * exist.
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

/* The kind of section that has an option. */
enum setting_section {
	SETTING_RELAIS = 0, /* [relais] */
	SETTING_LISTEN, /* [listen NAME] */
	SETTING_ACCOUNT /* [account NAME]; [account *] for all of them */
};
enum { SETTING_SECTIONS = 3 };

/* The type says how a value is written and, for an option with a field, the
 * type of the field. */
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

/* For an option whose value is not simply stored. */
#define SETTING_NO_FIELD SIZE_MAX

struct setting {
	const char *name;
	enum setting_section section;
	size_t field; /* offset in struct conf, conf_account */
	/* Used once, as root or to open something, so a reload does not change
	 * it.  Only for a string or an enum of [relais]. */
	bool needs_restart;
	enum setting_type type;
	long min, max; /* SETTING_INT */
	const char *const *words; /* NULL at the end, or NULL */
	const char *dflt; /* as written in the file; NULL: none */
	const char *help; /* one line, no full stop */
};

extern const struct setting settings[];
extern const size_t nsettings;

/* "relais", "listen", "account". */
const char *setting_section_name(enum setting_section s);

/* NULL: there is no such option.  Names are lower case and compared exactly. */
const struct setting *setting_find(enum setting_section s, const char *name);
/* The option of that section with the most similar name, for "did you mean";
 * NULL: none is similar enough. */
const struct setting *setting_nearest(enum setting_section s, const char *name);
/* The most similar of these words (NULL at the end), or NULL. */
const char *setting_nearest_word(const char *const *words, const char *word);

/* True: this option of an account says where its secret is.  Only one of them
 * may be set. */
bool setting_is_source(const struct setting *st);

/* True: a comment may follow the value on its line. */
bool setting_has_comment(const struct setting *st);

/* True: text is a valid value.  False: why gets what was expected, to continue
 * 'port = "x": '. */
bool setting_check(
    const struct setting *st, const char *text, struct buf *why) MUST_CHECK;

/* Stores a value that passed setting_check() in the struct at base, and frees
 * the old value.  Does nothing for an option without a field.  home replaces
 * "~" at the start of a path. */
void setting_store(
    const struct setting *st, const char *text, const char *home, void *base);
/* Sets every field of this section in the struct at base to its default. */
void setting_defaults(enum setting_section s, void *base);
/* Frees every field of this section in the struct at base. */
void setting_clear(enum setting_section s, void *base);

struct conf_list;
/* Appends the elements of a list value, which are separated by commas and
 * blanks. */
void setting_split_list(const char *text, struct conf_list *to);
/* Appends a copy of one element. */
void conf_list_add(struct conf_list *l, const char *s, size_t n);
void conf_list_clear(struct conf_list *l);

/* The index of the word, without regard to case, or -1. */
int setting_word_index(const char *const *words, const char *word);

/* The words of the enums, in the order of conf.h. */
extern const char *const setting_modes[]; /* enum conf_mode */
extern const char *const setting_tls_modes[]; /* "auto", then others */

#endif
