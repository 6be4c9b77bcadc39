/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What every part of the server engine does to a session: replies, refusals,
 * and the ends of a transaction and of the session. */
#include <stdio.h>

#include "smtp/smtp_server_impl.h"

void
ss_say(struct smtp_server *s, int code, const char *enhanced, const char *text)
{
	if (s->mode != MODE_CLOSED)
		smtp_say(&s->out, code, enhanced, text);
}

void
ss_refuse(struct smtp_server *s, const struct smtp_refusal *why)
{
	char text[64];

	ss_say(s, why->code, why->enhanced, why->text);
	if (++s->errors <= SMTP_ERRORS_MAX)
		return;
	(void)snprintf(text, sizeof(text), "more than %d errors",
	    SMTP_ERRORS_MAX); /* fits: 11 digits */
	ss_say(s, 421, "4.7.0", text);
	ss_hang_up(s, "too many errors");
}

void
ss_reset_transaction(struct smtp_server *s)
{
	s->owed.abort |= s->t.is_open;
	s->t = (struct transaction) { .is_open = false };
	if (s->phase != PHASE_NEW)
		s->phase = PHASE_READY;
	buf_clear(&s->body);
	if (buf_len(&s->in) == 0)
		buf_clear(&s->in); /* an idle session costs little memory */
}

void
ss_hang_up(struct smtp_server *s, const char *why)
{
	if (s->mode == MODE_CLOSED)
		return;
	ss_reset_transaction(s);
	s->mode = MODE_CLOSED;
	s->awaiting = SS_IDLE;
	s->owed.close = why;
}

bool
ss_is_too_big(struct smtp_server *s, uint64_t size_bytes)
{
	if (s->opts.max_size_bytes == 0 || size_bytes <= s->opts.max_size_bytes)
		return false;
	(void)snprintf(s->too_big_text, sizeof(s->too_big_text), /* fits */
	    "no message larger than %llu bytes",
	    (unsigned long long)s->opts.max_size_bytes);
	s->too_big = (struct smtp_refusal) { 552, "5.3.4", s->too_big_text };
	return true;
}

enum ss_event
ss_ask_command(struct smtp_server *s, struct bytes line, struct ss_info *info)
{
	IGNORE(buf_add(&s->line, line.p, line.n)); /* SMTP_AUTH_LINE_MAX */
	info->text = buf_bytes(&s->line);
	info->is_dialogue = s->mode == MODE_DIALOGUE;
	info->has_more = buf_len(&s->in) > line.n + 2;
	s->mode = MODE_COMMAND;
	s->awaiting = SS_COMMAND;
	return SS_COMMAND;
}
