/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "smtp/smtp_server.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/xalloc.h"
#include "smtp/smtp_server_impl.h"
#include "smtp/syntax.h"

/* With more unread output than this, no command is run; the rest is space for
 * the replies that may still come: the driver's and a 421. */
enum { OUT_FULL = SMTP_SERVER_OUT_MAX - 2 * SMTP_SAY_SPACE };

/* --- life ---------------------------------------------------------------- */

/* Then the greeting says XRELAIS, and our sendmail need not wait for the reply
 * to EHLO. */
static bool
offers_all(const struct smtp_server_opts *o)
{
	return o->may_xrelais && o->may_chunk && !o->hide_pipelining &&
	       !o->hide_8bitmime && !o->hide_smtputf8 && !o->hide_dsn &&
	       !o->hide_size;
}

struct smtp_server *
smtp_server_new(const struct smtp_server_opts *opts)
{
	struct smtp_server *s = xcalloc(1, sizeof(*s));
	char hello[SMTP_DOMAIN_MAX + 32];

	s->opts = *opts;
	if (s->opts.max_rcpts == 0)
		s->opts.max_rcpts = SMTP_RCPTS_MAX;
	if (s->opts.idle_ms == 0)
		s->opts.idle_ms = SMTP_SERVER_IDLE_MS;
	buf_init(&s->in, SMTP_SERVER_IN_MAX);
	buf_init(&s->out, SMTP_SERVER_OUT_MAX);
	buf_init(&s->body, SMTP_DOT_SPACE(SMTP_SERVER_IN_MAX));
	buf_init(&s->line, SMTP_AUTH_LINE_MAX);
	s->mode = MODE_COMMAND;
	s->phase = PHASE_NEW;
	s->is_first_line = true;
	/* cut if the host name is absurd */
	(void)snprintf(hello, sizeof(hello), "%s ESMTP%s ready", opts->hostname,
	    offers_all(opts) ? " XRELAIS" : "");
	ss_say(s, 220, NULL, hello);
	return s;
}

void
smtp_server_free(struct smtp_server *s)
{
	if (s == NULL)
		return;
	buf_wipe(&s->in);
	buf_wipe(&s->line);
	buf_clear(&s->out);
	buf_clear(&s->body);
	free(s);
}

/* --- input: one function for each mode ---------------------------------------
 *
 * Each takes what it can from the buffer and says whether it got anywhere;
 * *ret_ev is an event, if it led to one. */

/* Counts bytes of a message or chunk that is refused already; too many of them
 * end the session. */
static void
discard(struct smtp_server *s, size_t n, const struct smtp_refusal *why)
{
	uint64_t max = s->opts.max_size_bytes > SMTP_REFUSED_DISCARD_MIN
			   ? s->opts.max_size_bytes
			   : SMTP_REFUSED_DISCARD_MIN;

	s->discarded_bytes += n;
	if (s->discarded_bytes <= max)
		return;
	ss_refuse(s, why);
	ss_hang_up(s, "sends on after a refusal");
}

enum line { LINE_PART, LINE_WHOLE, LINE_LONG };

/* Only CR LF ends a line.  max counts it. */
static enum line
find_line(const struct smtp_server *s, size_t max, struct bytes *ret)
{
	const char *p = buf_str(&s->in), *lf;
	size_t n = buf_len(&s->in) < max ? buf_len(&s->in) : max, i = 0;

	while ((lf = memchr(p + i, '\n', n - i)) != NULL) {
		i = (size_t)(lf - p) + 1;
		if (i >= 2 && lf[-1] == '\r') {
			*ret = bytes_of(p, i - 2);
			return LINE_WHOLE;
		}
	}
	return n < max ? LINE_PART : LINE_LONG;
}

/* Lines may contain a password, so they are overwritten. */
static void
drop_input(struct smtp_server *s, size_t n)
{
	if (n > 0)
		explicit_bzero(s->in.p + s->in.head, n);
	buf_drop(&s->in, n);
}

static const struct smtp_refusal line_too_long = { 500, "5.5.2",
	"line too long" };

static void
begin_overlong(struct smtp_server *s, size_t have)
{
	s->overlong.ends_in_cr = buf_str(&s->in)[have - 1] == '\r';
	s->overlong.bytes = have;
	s->mode = MODE_OVERLONG;
	s->is_first_line = false;
	drop_input(s, have);
}

static bool
take_command(struct smtp_server *s, struct ss_info *info, enum ss_event *ret_ev)
{
	size_t max = s->opts.has_commands ? SMTP_AUTH_LINE_MAX
					  : SMTP_COMMAND_LINE_MAX;
	struct bytes line;

	if (s->is_first_line && !ss_is_smtp(s))
		return true;
	switch (find_line(s, max, &line)) {
	case LINE_PART:
		return false;
	case LINE_LONG:
		begin_overlong(s, max);
		return true;
	case LINE_WHOLE:
		break;
	}
	s->clock.is_touched = true;
	s->line_bytes = line.n + 2;
	*ret_ev = ss_command(s, line, info);
	drop_input(s, s->line_bytes);
	return true;
}

static bool
take_dialogue(
    struct smtp_server *s, struct ss_info *info, enum ss_event *ret_ev)
{
	struct bytes line;

	switch (find_line(s, SMTP_AUTH_LINE_MAX, &line)) {
	case LINE_PART:
		return false;
	case LINE_LONG:
		begin_overlong(s, SMTP_AUTH_LINE_MAX);
		return true;
	case LINE_WHOLE:
		break;
	}
	s->clock.is_touched = true;
	*ret_ev = ss_ask_command(s, line, info);
	drop_input(s, line.n + 2);
	return true;
}

/* How many bytes of the over-long line are in the buffer; *ret_end: the last
 * of them are its CR LF. */
static size_t
overlong_rest(struct smtp_server *s, bool *ret_end)
{
	const char *p = buf_str(&s->in), *lf;
	size_t n = buf_len(&s->in), i = 0;

	*ret_end = true;
	while ((lf = memchr(p + i, '\n', n - i)) != NULL) {
		i = (size_t)(lf - p) + 1;
		if (i >= 2 ? lf[-1] == '\r' : s->overlong.ends_in_cr)
			return i;
	}
	*ret_end = false;
	if (n > 0)
		s->overlong.ends_in_cr = p[n - 1] == '\r';
	return n;
}

static bool
take_overlong(
    struct smtp_server *s, struct ss_info *info, enum ss_event *ret_ev)
{
	bool is_end;
	size_t n = overlong_rest(s, &is_end);

	(void)info;
	(void)ret_ev;
	drop_input(s, n);
	s->overlong.bytes += n;
	if (s->overlong.bytes > SMTP_OVERLONG_DISCARD_MAX) {
		ss_refuse(s, &line_too_long);
		ss_hang_up(s, "line too long"); /* R77 */
		return true;
	}
	if (!is_end)
		return false;
	s->clock.is_touched = true;
	s->mode = MODE_COMMAND;
	ss_refuse(s, &line_too_long);
	return true;
}

/* What the decoder left in s->body goes to the driver, unless the message is
 * over the limit by now. */
static enum ss_event
lend_body(struct smtp_server *s, struct ss_info *info)
{
	if (buf_len(&s->body) == 0)
		return SS_IDLE;
	s->t.size_bytes += buf_len(&s->body);
	if (!s->t.is_too_big && ss_is_too_big(s, s->t.size_bytes)) {
		s->t.is_too_big = true;
		s->t.is_open = false;
		s->owed.abort = true;
	}
	if (s->t.is_too_big) {
		size_t n = buf_len(&s->body);

		buf_reset(&s->body);
		discard(s, n, &s->too_big);
		return SS_IDLE;
	}
	info->body = buf_bytes(&s->body);
	return SS_BODY;
}

static enum ss_event
end_message(struct smtp_server *s, struct ss_info *info)
{
	s->mode = MODE_COMMAND;
	s->discarded_bytes = 0;
	if (s->t.is_too_big) {
		ss_reset_transaction(s);
		ss_refuse(s, &s->too_big);
		return SS_IDLE;
	}
	info->had_bare = s->t.dot.had_bare;
	info->mail = s->t.mail.mail;
	s->awaiting = SS_END;
	return SS_END;
}

/* Runs up to n bytes of the input through the decoder. */
static enum ss_event
decode(struct smtp_server *s, size_t n, struct ss_info *info)
{
	size_t used = smtp_dot_put(&s->t.dot, buf_str(&s->in), n, &s->body);

	s->clock.is_touched = true;
	s->chunk.left -= s->mode == MODE_CHUNK ? used : 0;
	buf_drop(&s->in, used);
	return lend_body(s, info);
}

static bool
take_data(struct smtp_server *s, struct ss_info *info, enum ss_event *ret_ev)
{
	if (s->t.dot.is_end) {
		*ret_ev = end_message(s, info);
		return true;
	}
	if (buf_len(&s->in) == 0)
		return false;
	*ret_ev = decode(s, buf_len(&s->in), info);
	return true;
}

static void
end_refused_chunk(struct smtp_server *s)
{
	s->mode = MODE_COMMAND;
	s->discarded_bytes = 0;
	ss_refuse(s, s->chunk.refusal);
	s->chunk.refusal = NULL;
}

/* All bytes of an accepted chunk have come. */
static enum ss_event
end_chunk(struct smtp_server *s, struct ss_info *info)
{
	if (s->t.is_too_big || (s->chunk.is_last && s->t.is_complete))
		return end_message(s, info);
	if (s->chunk.is_last) {
		s->t.is_complete = true;
		IGNORE(smtp_dot_finish(&s->t.dot, &s->body)); /* is empty */
		return lend_body(s, info);
	}
	s->mode = MODE_COMMAND;
	ss_say(s, 250, "2.0.0", "chunk received");
	return SS_IDLE;
}

static bool
take_chunk(struct smtp_server *s, struct ss_info *info, enum ss_event *ret_ev)
{
	size_t n = buf_len(&s->in);

	if (n > s->chunk.left)
		n = (size_t)s->chunk.left;
	if (s->chunk.left == 0) {
		if (s->chunk.refusal != NULL)
			end_refused_chunk(s);
		else
			*ret_ev = end_chunk(s, info);
		return true;
	}
	if (n == 0)
		return false;
	if (s->chunk.refusal != NULL) {
		s->clock.is_touched = true;
		s->chunk.left -= n;
		buf_drop(&s->in, n);
		discard(s, n, s->chunk.refusal);
	} else
		*ret_ev = decode(s, n, info);
	return true;
}

static bool (*const take[MODE_COUNT])(
    struct smtp_server *s, struct ss_info *info, enum ss_event *ret_ev) = {
	[MODE_COMMAND] = take_command,
	[MODE_DIALOGUE] = take_dialogue,
	[MODE_OVERLONG] = take_overlong,
	[MODE_DATA] = take_data,
	[MODE_CHUNK] = take_chunk,
};

/* --- events ------------------------------------------------------------------
 */

static enum ss_event
owed(struct smtp_server *s, struct ss_info *info)
{
	if (s->owed.abort) {
		s->owed.abort = false;
		return SS_ABORT;
	}
	if (s->owed.close != NULL) {
		info->text = bytes_str(s->owed.close);
		s->owed.close = NULL;
		buf_wipe(&s->in);
		return SS_CLOSE;
	}
	return SS_IDLE;
}

/* False: the client or the driver must act first. */
static bool
may_go_on(const struct smtp_server *s)
{
	return s->mode != MODE_CLOSED && s->awaiting == SS_IDLE &&
	       buf_len(&s->out) < OUT_FULL;
}

enum ss_event
smtp_server_next(struct smtp_server *s, struct ss_info *ret_info)
{
	enum ss_event ev = SS_IDLE;

	*ret_info = (struct ss_info) { .addr = NULL };
	buf_reset(&s->body);
	if (buf_len(&s->line) > 0)
		buf_wipe(&s->line);
	while (ev == SS_IDLE && (ev = owed(s, ret_info)) == SS_IDLE &&
	       may_go_on(s)) {
		if (take[s->mode](s, ret_info, &ev))
			continue;
		if (!s->is_eof)
			return SS_IDLE;
		/* Everything complete has been handled; half a command or
		 * message does not count (R51). */
		ss_hang_up(s, "connection closed by the client");
	}
	return ev;
}

/* --- bytes -------------------------------------------------------------------
 */

size_t
smtp_server_room(const struct smtp_server *s)
{
	return may_go_on(s) && !s->is_eof ? buf_room(&s->in) : 0;
}

void
smtp_server_put(struct smtp_server *s, const void *p, size_t n)
{
	bool fits;

	if (s->mode == MODE_CLOSED)
		return;
	fits = buf_add(&s->in, p, n);
	assert(fits); /* the driver asked smtp_server_room() */
}

void
smtp_server_eof(struct smtp_server *s)
{
	s->is_eof = true;
}

size_t
smtp_server_peek(struct smtp_server *s, const void **ret_p)
{
	*ret_p = buf_str(&s->out);
	return buf_len(&s->out);
}

void
smtp_server_sent(struct smtp_server *s, size_t n)
{
	buf_drop(&s->out, n);
	s->clock.is_touched = true;
}

/* --- time --------------------------------------------------------------------
 *
 * A command line must be complete in time; content has to move, and a
 * transaction has its time as a whole (R68). */

static int64_t
slow_at(const struct smtp_server *s)
{
	if (s->phase < PHASE_MAIL)
		return INT64_MAX;
	return s->t.since_ms + SMTP_SLOW_MS +
	       (int64_t)(s->t.size_bytes / SMTP_SLOW_BYTES) * 1000;
}

int64_t
smtp_server_deadline(const struct smtp_server *s)
{
	int64_t idle_at;

	if (s->mode == MODE_CLOSED || s->awaiting != SS_IDLE)
		return INT64_MAX;
	if (!s->clock.is_set)
		return 0; /* tick, then ask again */
	idle_at = (s->clock.is_touched ? s->clock.now_ms
				       : s->clock.touched_ms) +
		  s->opts.idle_ms;
	return idle_at < slow_at(s) ? idle_at : slow_at(s);
}

void
smtp_server_tick(struct smtp_server *s, int64_t now_ms)
{
	char text[64];

	if (s->clock.is_touched || !s->clock.is_set)
		s->clock.touched_ms = now_ms;
	s->clock.is_touched = false;
	s->clock.is_set = true;
	s->clock.now_ms = now_ms;
	if (now_ms < smtp_server_deadline(s))
		return;
	if (now_ms >= slow_at(s)) {
		ss_say(s, 421, "4.4.2", "the message comes too slowly");
		ss_hang_up(s, "too slow");
		return;
	}
	(void)snprintf(text, sizeof(text), "nothing came for %lld seconds",
	    (long long)(s->opts.idle_ms / 1000)); /* fits: 20 digits */
	ss_say(s, 421, "4.4.2", text);
	ss_hang_up(s, "idle for too long");
}

/* --- answers -----------------------------------------------------------------
 */

static bool
is_yes(int code)
{
	return code / 100 == 2;
}

static void
answer_mail(struct smtp_server *s, int code)
{
	if (!is_yes(code)) {
		ss_reset_transaction(s);
		return;
	}
	s->phase = PHASE_MAIL;
	s->t.is_open = true;
	s->t.since_ms = s->clock.now_ms;
}

static void
answer_rcpt(struct smtp_server *s, int code)
{
	if (!is_yes(code)) {
		s->t.refused++;
		return;
	}
	s->t.accepted++;
	s->phase = PHASE_RCPT;
}

static void
answer_end(struct smtp_server *s, int code)
{
	if (is_yes(code))
		s->errors = 0;
	s->t.is_open = false; /* no SS_ABORT: the driver decided */
	ss_reset_transaction(s);
}

void
smtp_server_reply(
    struct smtp_server *s, int code, const char *enhanced, const char *text)
{
	enum ss_event what = s->awaiting;

	if (s->mode == MODE_CLOSED)
		return; /* shut down meanwhile */
	assert(what == SS_MAIL || what == SS_RCPT || what == SS_END);
	assert(is_yes(code) || code / 100 == 4 || code / 100 == 5);
	s->awaiting = SS_IDLE;
	s->clock.is_touched = true;
	ss_say(s, code, enhanced, text);
	if (what == SS_MAIL)
		answer_mail(s, code);
	else if (what == SS_RCPT)
		answer_rcpt(s, code);
	else
		answer_end(s, code);
	if (code == 421)
		ss_hang_up(s, "421 said");
}

/* One line, however long it is: a challenge must not be broken. */
static void
say_challenge(struct smtp_server *s, const char *base64)
{
	bool fits;

	assert(!syntax_has_control(bytes_str(base64)));
	fits = buf_addf(&s->out, "334 %s\r\n", base64);
	assert(fits); /* a challenge is at most SMTP_SAY_SPACE long */
}

void
smtp_server_command(
    struct smtp_server *s, int code, const char *enhanced, const char *text)
{
	if (s->mode == MODE_CLOSED)
		return;
	assert(s->awaiting == SS_COMMAND);
	s->clock.is_touched = true;
	if (code != 220)
		s->awaiting = SS_IDLE;
	if (code == 334) {
		s->mode = MODE_DIALOGUE;
		say_challenge(s, text);
	} else if (code / 100 == 5)
		ss_refuse(s, &(struct smtp_refusal) { code, enhanced, text });
	else
		ss_say(s, code, enhanced, text);
	if (code == 421)
		ss_hang_up(s, "421 said");
}

void
smtp_server_offer(struct smtp_server *s, const char *lines)
{
	s->offers = lines;
}

void
smtp_server_restart(struct smtp_server *s)
{
	if (s->mode == MODE_CLOSED)
		return;
	assert(s->awaiting == SS_COMMAND || s->phase == PHASE_NEW);
	s->awaiting = SS_IDLE;
	s->clock.is_touched = true;
	s->is_first_line = true;
	s->helo.is_extended = false;
	s->helo.name[0] = '\0';
	ss_reset_transaction(s);
	s->phase = PHASE_NEW;
}

void
smtp_server_shutdown(struct smtp_server *s, const char *text)
{
	if (s->mode == MODE_CLOSED)
		return;
	ss_say(s, 421, "4.3.2", text);
	s->t.is_open |= s->awaiting == SS_MAIL;
	ss_hang_up(s, "shut down");
}

void
smtp_server_turn_away(
    struct smtp_server *s, int code, const char *enhanced, const char *text)
{
	assert(s->phase == PHASE_NEW);
	buf_reset(&s->out); /* the greeting */
	ss_say(s, code, enhanced, text);
	ss_hang_up(s, "turned away");
}

/* --- facts -------------------------------------------------------------------
 */

const char *
smtp_server_helo(const struct smtp_server *s)
{
	return s->helo.name[0] != '\0' ? s->helo.name : NULL;
}

const char *
smtp_server_with(const struct smtp_server *s)
{
	if (!s->helo.is_extended)
		return "SMTP";
	return s->t.mail.mail.is_utf8 ? "UTF8SMTP" : "ESMTP";
}
