/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "smtp/smtp_caps.h"

#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "base/num.h"
#include "base/str.h"

/* RFC 9422 4: 1*6DIGIT without a leading zero. */
enum { LIMIT_VALUE_MAX = 999999 };

/* Some servers put commas between the mechanisms. */
static bool
is_between_words(char c)
{
	return c == ' ' || c == '\t' || c == ',';
}

/* The next run of other bytes; empty at the end. */
static struct bytes
next_word(struct bytes *rest)
{
	struct bytes word;
	size_t i = 0, from;

	while (i < rest->n && is_between_words(rest->p[i]))
		i++;
	from = i;
	while (i < rest->n && !is_between_words(rest->p[i]))
		i++;
	word = bytes_of(rest->p + from, i - from);
	*rest = bytes_of(rest->p + i, rest->n - i);
	return word;
}

bool
smtp_caps_has_word(const char *list, const char *word)
{
	struct bytes rest = bytes_str(list);

	for (;;) {
		struct bytes w = next_word(&rest);

		if (w.n == 0)
			return false;
		if (bytes_eq_nocase(w, word))
			return true;
	}
}

static char
upper(char c)
{
	return c >= 'a' && c <= 'z' ? (char)(c - 'a' + 'A') : c;
}

/* RFC 4422 3.1: sasl-mech = 1*20mech-char, capitals, digits, "-", "_". */
static bool
copy_mechanism(struct bytes word, char to[24])
{
	if (word.n == 0 || word.n > 20)
		return false;
	for (size_t i = 0; i < word.n; i++) {
		char c = upper(word.p[i]);

		if (!(c >= 'A' && c <= 'Z') && !(c >= '0' && c <= '9') &&
		    c != '-' && c != '_')
			return false;
		to[i] = c;
	}
	to[word.n] = '\0';
	return true;
}

static void
on_auth(struct smtp_caps *caps, struct bytes args)
{
	size_t len = strlen(caps->auth);
	struct bytes word;

	caps->has_auth = true;
	while ((word = next_word(&args)).n > 0) {
		char name[24];

		if (!copy_mechanism(word, name) ||
		    smtp_caps_has_word(caps->auth, name) ||
		    len + 1 + word.n >= sizeof(caps->auth))
			continue;
		if (len > 0)
			caps->auth[len++] = ' ';
		memcpy(caps->auth + len, name, word.n + 1);
		len += word.n;
	}
}

/* Keeps the first, cut when it is long. */
static void
note_absurd(struct smtp_caps *caps, const char *keyword, struct bytes value)
{
	if (caps->absurd[0] == '\0')
		(void)snprintf(caps->absurd, sizeof(caps->absurd), "%s %.*s",
		    keyword, value.n < 30 ? (int)value.n : 30, value.p);
}

static void
on_size(struct smtp_caps *caps, struct bytes args)
{
	struct bytes word = next_word(&args);
	uint64_t n;

	caps->has_size = true;
	/* RFC 1870 4: no number and 0 both mean no fixed maximum. */
	if (!num_u64(word, &n))
		return;
	if (n > 0 && n < SMTP_CAPS_SIZE_MIN)
		note_absurd(caps, "SIZE", word);
	else
		caps->size_max_bytes = n;
}

static void
on_limits(struct smtp_caps *caps, struct bytes args)
{
	const struct {
		const char *name;
		uint64_t *to;
	} known[] = {
		{ "RCPTMAX=", &caps->rcpt_max },
		{ "RCPTDOMAINMAX=", &caps->rcpt_domain_max },
		{ "MAILMAX=", &caps->mail_max },
	};
	struct bytes word;

	while ((word = next_word(&args)).n > 0) {
		for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
			size_t len = strlen(known[i].name);
			uint64_t n;

			if (!bytes_has_prefix_nocase(word, known[i].name))
				continue;
			if (num_u64_max(bytes_of(word.p + len, word.n - len),
				LIMIT_VALUE_MAX, &n) &&
			    n > 0)
				*known[i].to = n;
			else
				note_absurd(caps, "LIMITS", word);
		}
	}
}

/* A keyword either sets a flag or has arguments for a function. */
static const struct {
	const char *word;
	size_t flag;
	void (*take)(struct smtp_caps *caps, struct bytes args);
} keywords[] = {
	{ "PIPELINING", offsetof(struct smtp_caps, has_pipelining), NULL },
	{ "CHUNKING", offsetof(struct smtp_caps, has_chunking), NULL },
	{ "8BITMIME", offsetof(struct smtp_caps, has_8bitmime), NULL },
	{ "SMTPUTF8", offsetof(struct smtp_caps, has_smtputf8), NULL },
	{ "DSN", offsetof(struct smtp_caps, has_dsn), NULL },
	{ "STARTTLS", offsetof(struct smtp_caps, has_starttls), NULL },
	{ "XRELAIS", offsetof(struct smtp_caps, has_xrelais), NULL },
	{ "AUTH", 0, on_auth },
	{ "SIZE", 0, on_size },
	{ "LIMITS", 0, on_limits },
};

static void
take_line(struct smtp_caps *caps, struct bytes line)
{
	struct bytes args = line, word;

	/* "AUTH=PLAIN LOGIN" is the obsolete form; some servers send it in
	 * addition to the correct one. */
	if (bytes_has_prefix_nocase(line, "AUTH=")) {
		on_auth(caps, bytes_of(line.p + 5, line.n - 5));
		return;
	}
	word = next_word(&args);
	for (size_t i = 0; i < sizeof(keywords) / sizeof(keywords[0]); i++) {
		if (!bytes_eq_nocase(word, keywords[i].word))
			continue;
		if (keywords[i].take != NULL)
			keywords[i].take(caps, args);
		else
			*(bool *)(void *)((char *)caps +
					  keywords[i].flag) = true;
		return;
	}
}

void
smtp_caps_parse(struct smtp_caps *caps, struct bytes text)
{
	bool is_first = true;

	*caps = (struct smtp_caps) { 0 };
	for (;;) {
		const char *lf = text.n > 0 ? memchr(text.p, '\n', text.n)
					    : NULL;
		size_t n = lf != NULL ? (size_t)(lf - text.p) : text.n;

		if (!is_first)
			take_line(caps, bytes_of(text.p, n));
		if (lf == NULL)
			return;
		is_first = false;
		text = bytes_of(lf + 1, text.n - n - 1);
	}
}

void
smtp_caps_distrust(struct smtp_caps *caps, unsigned distrust)
{
	if ((distrust & SMTP_DISTRUST_CHUNKING) != 0)
		caps->has_chunking = false;
	/* SMTPUTF8 stays: without it, the message could not be sent at all. */
	if ((distrust & SMTP_DISTRUST_PARAMS) != 0)
		caps->has_size = caps->has_8bitmime = caps->has_dsn = false;
}
