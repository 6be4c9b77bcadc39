/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "outbound/null_sender.h"

#include <string.h>

#include "base/ascii.h"
#include "base/buf.h"
#include "base/str.h"

/* The next word of *text that is not a filler. */
static struct bytes
cut_telling_word(struct bytes *text)
{
	static const char *const fillers[] = { "is", "address", "smtp", "mail",
		"envelope", "reverse", NULL };
	struct bytes w;

	do {
		while (text->n > 0 && !ascii_is_alnum(*text->p))
			text->p++, text->n--;
		for (w = bytes_of(text->p, 0);
		     text->n > 0 && ascii_is_alnum(*text->p); w.n++)
			text->p++, text->n--;
	} while (bytes_is_one_of(w, fillers));
	return w;
}

/* "null reverse-path", "Empty MAIL FROM", "sender address required"; but "no
 * mail from", "no path" and "no reverse DNS" have other meanings. */
static bool
names_null_sender(struct bytes text)
{
	static const char *const senders[] = { "sender", "return", "originator",
		"from", "path", NULL };
	static const char *const none[] = { "null", "empty", "blank", "missing",
		NULL };
	struct bytes was = { "", 0 }, w;

	for (; (w = cut_telling_word(&text)).n > 0; was = w) {
		if (bytes_is_one_of(was, none) && bytes_is_one_of(w, senders))
			return true;
		if (bytes_eq_nocase(was, "no") &&
		    (bytes_eq_nocase(w, "sender") ||
			bytes_eq_nocase(w, "return")))
			return true;
		if (bytes_is_one_of(was, senders) &&
		    (bytes_is_one_of(w, none) ||
			bytes_eq_nocase(w, "required")))
			return true;
	}
	return false;
}

bool
null_sender_is_refused(const struct verdict *v, enum diagnosis_act act)
{
	if (names_null_sender(bytes_str(v->text)))
		return true;
	/* At MAIL there is nothing else to refuse; some servers refuse
	 * later. */
	if (act != DIAGNOSIS_FAIL && act != DIAGNOSIS_HOLD_MESSAGE)
		return false;
	return v->stage == STAGE_MAIL || act == DIAGNOSIS_HOLD_MESSAGE ||
	       strstr(v->text, "<>") != NULL;
}
