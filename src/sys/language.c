/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <config.h>

#include "sys/language.h"

#include <errno.h>
#include <iconv.h>
#include <langinfo.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "base/intl.h"
#include "base/xalloc.h"
#include "sys/files.h"

/* TEXTDOMAINDIR, as gettext(1) has it, is for tests.  The words of errno and of
 * GnuTLS come from catalogues of their own. */
static void
bind(void)
{
	const char *dir = secure_getenv("TEXTDOMAINDIR");

	(void)bindtextdomain("relais", dir != NULL ? dir : RELAIS_LOCALE_DIR);
	(void)bind_textdomain_codeset("relais", "UTF-8");
	(void)bind_textdomain_codeset("libc", "UTF-8");
	(void)bind_textdomain_codeset("gnutls", "UTF-8");
	(void)textdomain("relais");
}

void
language_choose(void)
{
	(void)setlocale(LC_MESSAGES, "");
	bind();
}

static locale_t learnt;

void
language_learn(void)
{
	bool has_one = false;
	locale_t before;

	learnt = newlocale(LC_MESSAGES_MASK, "", (locale_t)0);
	bind();
	if (learnt == (locale_t)0)
		return;
	before = uselocale(learnt);
	has_one = *gettext("") != '\0';
	if (has_one) /* its file is read now, and that of the C library */
		(void)dgettext("libc", "No such file or directory");
	(void)uselocale(before);
	if (has_one)
		return;
	freelocale(learnt);
	learnt = (locale_t)0;
}

locale_t
language_learnt(void)
{
	return learnt;
}

/* glibc finds a catalogue by LANGUAGE under any locale but "C", so no locale of
 * the language is needed; but it is one for the process, so a second language
 * would need locales of its own here. */
const char *const language_tags[LANGUAGES] = {
	[LANGUAGE_ENGLISH] = "en",
	[LANGUAGE_FRENCH] = "fr",
};
static locale_t offered[LANGUAGES];

void
language_offer(void)
{
	locale_t french, before;
	bool has_one;

	if (setenv("LANGUAGE", language_tags[LANGUAGE_FRENCH], 1) != 0)
		return; /* no memory: English */
	bind();
	offered[LANGUAGE_ENGLISH] = newlocale(
	    LC_MESSAGES_MASK, "C", (locale_t)0);
	french = newlocale(LC_MESSAGES_MASK, "C.UTF-8", (locale_t)0);
	if (french == (locale_t)0)
		return;
	before = uselocale(french);
	has_one = *gettext("") != '\0';
	(void)uselocale(before);
	if (has_one)
		offered[LANGUAGE_FRENCH] = french;
	else
		freelocale(french);
}

enum language
language_speak(enum language l)
{
	if (offered[l] == (locale_t)0)
		l = LANGUAGE_ENGLISH;
	if (offered[l] != (locale_t)0)
		(void)uselocale(offered[l]); /* a valid one cannot fail */
	return l;
}

bool
language_is_yes(const char *answer)
{
	/* TRANSLATORS: letters that mean yes, besides y and Y. */
	const char *letters = _("yY");

	return answer[0] == 'y' || answer[0] == 'Y' ||
	       (answer[0] != '\0' && strchr(letters, answer[0]) != NULL);
}

static char *
replace(char *text, char from, char to)
{
	for (char *p = text; *p != '\0'; p++)
		if (*p == from)
			*p = to;
	return text;
}

static char
letter_for_days(void)
{
	/* TRANSLATORS: the letter for days in "3d", one byte. */
	return _("d")[0];
}

char *
language_duration(char *text)
{
	return replace(text, 'd', letter_for_days());
}

char *
language_duration_typed(char *text)
{
	return replace(text, letter_for_days(), 'd');
}

#ifdef __GLIBC__

/* --- another character set ------------------------------------------------ */

/* UTF-8 in, the character set of the locale out; what it does not have is
 * written in other letters, or as "?". */
struct converter {
	int fd;
	iconv_t cd;
	char rest[8]; /* the beginning of a character */
	size_t nrest;
};

/* NULL: UTF-8, or nothing that we could say in it. */
static char *
charset(void)
{
	locale_t loc = newlocale(LC_CTYPE_MASK, "", (locale_t)0);
	const char *name = loc != (locale_t)0 ? nl_langinfo_l(CODESET, loc)
					      : "";
	bool is_english = *gettext("") == '\0';
	char *ret = NULL;

	if (!is_english && *name != '\0' && strcasecmp(name, "UTF-8") != 0)
		ret = xasprintf("%s//TRANSLIT", name);
	if (loc != (locale_t)0)
		freelocale(loc);
	return ret;
}

/* As much of p as is whole characters; the count of bytes that are left. */
static size_t
convert(struct converter *c, char *p, size_t n, bool *is_good)
{
	char out[1024];

	while (n > 0) {
		char *to = out;
		size_t room = sizeof(out);
		size_t rc = iconv(c->cd, &p, &n, &to, &room);
		int why = errno;

		if (files_write_all(c->fd, bytes_of(out, (size_t)(to - out))) !=
		    0)
			*is_good = false;
		if (rc != (size_t)-1 || why == E2BIG)
			continue;
		if (why == EINVAL)
			break;
		*is_good = *is_good &&
			   files_write_all(c->fd, bytes_of("?", 1)) == 0;
		p++;
		n--;
	}
	return n;
}

static ssize_t
on_write(void *cookie, const char *p, size_t n)
{
	struct converter *c = cookie;
	size_t all = c->nrest + n;
	char *text = xmalloc(all + 1);
	bool is_good = true;

	memcpy(text, c->rest, c->nrest);
	memcpy(text + c->nrest, p, n);
	c->nrest = convert(c, text, all, &is_good);
	if (c->nrest > sizeof(c->rest))
		c->nrest = 0; /* iconv keeps less than a character */
	memcpy(c->rest, text + all - c->nrest, c->nrest);
	free(text);
	return is_good ? (ssize_t)n : 0;
}

/* The stream in place of old, or old itself. */
static FILE *
converted(FILE *old, int fd, int buffering)
{
	static const cookie_io_functions_t calls = { .write = on_write };
	char *name = charset();
	struct converter *c;
	FILE *f = NULL;
	iconv_t cd = name != NULL ? iconv_open(name, "UTF-8") : (iconv_t)-1;

	free(name);
	if (cd == (iconv_t)-1)
		return old;
	c = xcalloc(1, sizeof(*c)); /* for as long as the program runs */
	c->fd = fd;
	c->cd = cd;
	(void)fflush(old);
	f = fopencookie(c, "w", calls);
	if (f == NULL)
		return old;
	(void)setvbuf(f, NULL, buffering, BUFSIZ);
	return f;
}

void
language_convert_errors(void)
{
	stderr = converted(stderr, STDERR_FILENO, _IOLBF);
}

void
language_convert_output(void)
{
	stdout = converted(stdout, STDOUT_FILENO,
	    isatty(STDOUT_FILENO) == 1 ? _IOLBF : _IOFBF);
}

#else

/* Elsewhere (musl) every locale is UTF-8. */
void
language_convert_errors(void)
{
}

void
language_convert_output(void)
{
}

#endif
