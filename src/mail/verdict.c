/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "mail/verdict.h"

#include <string.h>

#include "base/str.h"

static const char *const class_names[] = {
	[VERDICT_NONE] = "none",
	[VERDICT_OK] = "ok",
	[VERDICT_LATER] = "later",
	[VERDICT_NEVER] = "never",
};
enum { CLASS_COUNT = sizeof(class_names) / sizeof(class_names[0]) };

static const struct {
	const char *name;
	const char *said; /* follows "said by WHO" */
	const char *met; /* follows "WHO", when nothing was said */
} stages[STAGE_COUNT] = {
	[STAGE_LOCAL] = { "local", "", "" },
	[STAGE_CONNECT] = { "connect", " on connecting", ", connecting" },
	[STAGE_TLS] = { "tls", " to STARTTLS", ", starting TLS" },
	[STAGE_GREETING] = { "greeting", " as its greeting",
	    ", before its greeting" },
	[STAGE_EHLO] = { "ehlo", " to EHLO", ", after EHLO" },
	[STAGE_AUTH] = { "auth", " to AUTH", ", after AUTH" },
	[STAGE_MAIL] = { "mail", " to MAIL", ", after MAIL" },
	[STAGE_RCPT] = { "rcpt", " to RCPT", ", after RCPT" },
	[STAGE_DATA] = { "data", " to DATA", ", during DATA" },
	[STAGE_END] = { "end", " to the end of the message",
	    ", after the end of the message" },
};

const char *
verdict_class_name(enum verdict_class c)
{
	return class_names[c];
}

bool
verdict_class_from(struct bytes name, enum verdict_class *ret)
{
	for (unsigned i = 0; i < CLASS_COUNT; i++)
		if (bytes_eq(name, class_names[i])) {
			*ret = (enum verdict_class)i;
			return true;
		}
	return false;
}

const char *
verdict_stage_name(enum verdict_stage s)
{
	return stages[s].name;
}

bool
verdict_stage_from(struct bytes name, enum verdict_stage *ret)
{
	for (unsigned i = 0; i < STAGE_COUNT; i++)
		if (bytes_eq(name, stages[i].name)) {
			*ret = (enum verdict_stage)i;
			return true;
		}
	return false;
}

/* One to three digits at the front, taken away. */
static bool
take_digits(struct bytes *b)
{
	size_t n = 0;

	while (n < b->n && n < 4 && b->p[n] >= '0' && b->p[n] <= '9')
		n++;
	*b = bytes_of(b->p + n, b->n - n);
	return n >= 1 && n <= 3;
}

static bool
take_dot(struct bytes *b)
{
	if (b->n == 0 || b->p[0] != '.')
		return false;
	*b = bytes_of(b->p + 1, b->n - 1);
	return true;
}

/* RFC 3463 2: class "." subject "." detail, and the class is the reply's. */
static bool
fits_reply(struct bytes enhanced, int code)
{
	if (enhanced.n < 2 || enhanced.p[0] != '0' + code / 100 ||
	    enhanced.p[1] != '.')
		return false;
	enhanced = bytes_of(enhanced.p + 2, enhanced.n - 2);
	return take_digits(&enhanced) && take_dot(&enhanced) &&
	       take_digits(&enhanced) && enhanced.n == 0;
}

static void
set_text(struct verdict *v, struct bytes text)
{
	/* Cut is what the header promises for long text. */
	IGNORE(str_copy(v->text, sizeof(v->text), text));
	for (size_t i = 0; i < text.n && i < sizeof(v->text) - 1; i++)
		if ((unsigned char)v->text[i] < 0x20 || v->text[i] == 0x7f)
			v->text[i] = ' ';
}

/* A 1yz or 3yz where an end was due is no "yes" and says nothing about the
 * message: try again. */
static enum verdict_class
class_of_code(int code)
{
	switch (code / 100) {
	case 2:
		return VERDICT_OK;
	case 5:
		return VERDICT_NEVER;
	default:
		return VERDICT_LATER;
	}
}

void
verdict_from_reply(struct verdict *v, enum verdict_stage stage, int code,
    struct bytes enhanced, struct bytes text)
{
	*v = (struct verdict) {
		.class = class_of_code(code), .stage = stage, .code = code
	};
	if (fits_reply(enhanced, code))
		IGNORE(str_copy(v->enhanced, sizeof(v->enhanced), enhanced));
	set_text(v, text);
}

void
verdict_local(struct verdict *v, enum verdict_class class,
    enum verdict_stage stage, int code, const char *enhanced, const char *text)
{
	*v = (struct verdict) { .class = class, .stage = stage, .code = code };
	if (enhanced != NULL)
		IGNORE(str_copy(
		    v->enhanced, sizeof(v->enhanced), bytes_str(enhanced)));
	set_text(v, bytes_str(text));
}

void
verdict_unanswered(struct verdict *v, const char *who)
{
	verdict_local(v, VERDICT_LATER, STAGE_END, 0, NULL,
	    "the whole message was sent, but the reply is not known");
	v->is_uncertain = true;
	IGNORE(str_copy(v->who, sizeof(v->who), bytes_str(who)));
}

void
verdict_text(const struct verdict *v, struct buf *to)
{
	/* A full buffer cuts the line, which is all a person loses. */
	if (v->is_uncertain)
		IGNORE(buf_adds(to, "may have been delivered: "));
	if (v->code != 0)
		IGNORE(buf_addi(to, v->code) && buf_addc(to, ' '));
	if (v->enhanced[0] != '\0')
		IGNORE(buf_adds(to, v->enhanced) && buf_addc(to, ' '));
	IGNORE(buf_adds(to, v->text));
	if (v->who[0] == '\0')
		return;
	if (v->text[0] != '\0')
		IGNORE(buf_addc(to, ' '));
	IGNORE(buf_adds(to, v->code != 0 ? "(said by " : "(") &&
	       buf_adds(to, v->who) &&
	       buf_adds(to, v->code != 0 ? stages[v->stage].said
					 : stages[v->stage].met) &&
	       buf_addc(to, ')'));
}

struct verdict
verdict_public(const struct verdict *v)
{
	struct verdict ret = *v;

	if (v->code != 0 && v->stage >= STAGE_MAIL)
		ret.text[0] = '\0';
	return ret;
}

bool
verdict_eq(const struct verdict *a, const struct verdict *b)
{
	return a->class == b->class && a->stage == b->stage &&
	       a->code == b->code && a->is_uncertain == b->is_uncertain &&
	       a->is_logged_in == b->is_logged_in &&
	       strcmp(a->enhanced, b->enhanced) == 0 &&
	       strcmp(a->text, b->text) == 0 && strcmp(a->who, b->who) == 0;
}
