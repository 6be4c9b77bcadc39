/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "sendmail/sendmail_submit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

#include "base/str.h"
#include "base/xalloc.h"
#include "sendmail/sendmail_wire.h"
#include "smtp/smtp_dot.h"

enum {
	GREETING_MS = 30 * 1000, /* ours is at once; a stopped one never */
	STEP_MS = 5 * 60 * 1000,
	END_MS = 10 * 60 * 1000, /* RFC 5321 4.5.3.2.6, R63 */
	/* Commands sent before their replies are read.  Their replies fit into
	 * any socket buffer, so both sides can never wait for each other. */
	BATCH_MAX = 100,
	/* What leaves before anything is answered: a refused message should not
	 * have cost much. */
	FLIGHT_RCPTS_MAX = BATCH_MAX - 1, /* and MAIL */
	FLIGHT_BYTES_MAX = 128 * 1024,
	COMMAND_MAX = 4096
};

/* What the server offers that matters here. */
struct offers {
	bool has_pipelining, has_8bitmime, has_smtputf8, has_dsn, has_size;
	bool is_relais; /* XRELAIS: takes XMODE= and XACCOUNT= */
};

struct command {
	enum verdict_stage stage;
	size_t rcpt; /* index, STAGE_RCPT only */
};

struct talk {
	const struct submit *s;
	struct wire wire;
	struct offers offers;
	bool may_fly; /* relaisd: nothing has to be waited for */
	bool is_ended; /* it said 421, and acts on nothing behind that */
	struct command batch[BATCH_MAX]; /* said, reply due */
	size_t nbatch;

	/* Of the transaction under way. */
	bool has_mail; /* MAIL was taken */
	size_t taken; /* recipients that were, not yet with the message */
	size_t deferred; /* 452: the next transaction's */
	bool wants_body; /* 354 */
	bool has_quit;
	/* One for each recipient: RCPT was taken.  Until the end of the message
	 * it stays SUBMIT_OPEN, so that a lost connection leaves the caller
	 * with the truth. */
	bool *is_in;
};

int
submit_exit_status(const struct verdict *v)
{
	static const struct {
		const char *prefix;
		int status;
	} rows[] = {
		{ "5.1.", EX_NOUSER }, /* addresses */
		{ "5.3.4", EX_DATAERR }, /* too large */
		{ "5.6.", EX_DATAERR }, /* content */
		{ "5.7.", EX_NOPERM }, /* policy */
	};

	if (v->class != VERDICT_NEVER)
		return v->class == VERDICT_OK ? EX_OK : EX_TEMPFAIL;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		if (strncmp(v->enhanced, rows[i].prefix,
			strlen(rows[i].prefix)) == 0)
			return rows[i].status;
	return v->stage == STAGE_RCPT ? EX_NOUSER : EX_UNAVAILABLE;
}

/* --- what is said --------------------------------------------------------- */

/* RFC 3461 4: printable but for "+" and "=", the rest as +XX. */
bool
submit_xtext(struct buf *to, const char *s)
{
	for (; *s != '\0'; s++) {
		unsigned char c = (unsigned char)*s;
		bool is_plain = c > ' ' && c < 0x7f && c != '+' && c != '=';

		if (!(is_plain ? buf_addc(to, *s) : buf_addf(to, "+%02X", c)))
			return false;
	}
	return true;
}

static bool
add_notify(struct buf *to, unsigned notify)
{
	static const struct {
		unsigned bit;
		const char *name;
	} rows[] = {
		{ DSN_NOTIFY_NEVER, "NEVER" },
		{ DSN_NOTIFY_SUCCESS, "SUCCESS" },
		{ DSN_NOTIFY_FAILURE, "FAILURE" },
		{ DSN_NOTIFY_DELAY, "DELAY" },
	};
	const char *between = " NOTIFY=";

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		if ((notify & rows[i].bit) != 0) {
			if (!buf_addf(to, "%s%s", between, rows[i].name))
				return false;
			between = ",";
		}
	return true;
}

static bool
is_ascii(const char *s)
{
	return str_is_ascii(bytes_str(s));
}

/* RFC 6531 3.4: asked for when an address needs it. */
bool
submit_needs_utf8(const struct submit *s)
{
	if (!is_ascii(s->sender))
		return true;
	for (size_t i = 0; i < s->nrcpts; i++)
		if (s->rcpts[i].state == SUBMIT_OPEN &&
		    !is_ascii(s->rcpts[i].addr))
			return true;
	return false;
}

static bool
build_mail(const struct talk *t, struct buf *to)
{
	static const char *const modes[] = {
		[SENDMAIL_DELIVERY_UNSET] = NULL,
		[SENDMAIL_DELIVERY_SAFE] = "safe",
		[SENDMAIL_DELIVERY_VERDICT] = "verdict",
		[SENDMAIL_DELIVERY_QUEUE] = "queue",
	};
	const struct submit *s = t->s;
	const struct offers *o = &t->offers;
	const char *ret = s->ret == DSN_RET_FULL ? "FULL" : "HDRS";
	const char *mode = modes[s->delivery];

	if (!buf_addf(to, "MAIL FROM:<%s>", s->sender) ||
	    (o->has_size &&
		!buf_addf(to, " SIZE=%zu", s->head.n + s->body.n)) ||
	    (o->has_8bitmime && s->is_8bit &&
		!buf_adds(to, " BODY=8BITMIME")) ||
	    (o->has_smtputf8 && submit_needs_utf8(s) &&
		!buf_adds(to, " SMTPUTF8")))
		return false;
	if (o->has_dsn && s->ret != DSN_RET_UNSET &&
	    !buf_addf(to, " RET=%s", ret))
		return false;
	if (o->has_dsn && s->envid != NULL &&
	    (!buf_adds(to, " ENVID=") || !submit_xtext(to, s->envid)))
		return false;
	if (o->is_relais && mode != NULL && !buf_addf(to, " XMODE=%s", mode))
		return false;
	if (s->account != NULL && !buf_addf(to, " XACCOUNT=%s", s->account))
		return false;
	return buf_adds(to, "\r\n");
}

static bool
build_rcpt(const struct talk *t, size_t i, struct buf *to)
{
	return buf_addf(to, "RCPT TO:<%s>", t->s->rcpts[i].addr) &&
	       (!t->offers.has_dsn || add_notify(to, t->s->notify)) &&
	       buf_adds(to, "\r\n");
}

/* --- what is heard -------------------------------------------------------- */

static void
tell(const struct talk *t, size_t rcpt, const struct verdict *v)
{
	t->s->told(
	    t->s->ctx, rcpt < t->s->nrcpts ? t->s->rcpts[rcpt].addr : NULL, v);
}

/* The message as a whole was refused: so were all that were in it. */
static void
refuse_all(struct talk *t, const struct verdict *v)
{
	tell(t, SIZE_MAX, v);
	for (size_t i = 0; i < t->s->nrcpts; i++) {
		t->is_in[i] = false;
		if (t->s->rcpts[i].state == SUBMIT_OPEN)
			t->s->rcpts[i].state = SUBMIT_REFUSED;
	}
	t->deferred = 0;
}

static void
on_mail(struct talk *t, const struct verdict *v)
{
	t->has_mail = v->class == VERDICT_OK;
	if (!t->has_mail)
		refuse_all(t, v);
}

static void
on_rcpt(struct talk *t, size_t i, const struct verdict *v)
{
	if (!t->has_mail)
		return; /* pipelined behind a refused MAIL: 503 says nothing */
	if (t->s->is_verify)
		tell(t, i, v);
	if (v->class == VERDICT_OK) {
		t->is_in[i] = true;
		t->taken++;
		return;
	}
	/* RFC 5321 4.5.3.1.10: 452 is "too many at once" when others were
	 * taken before. */
	if (v->code == 452 && t->taken > 0 && !t->s->is_verify) {
		t->deferred++;
		return;
	}
	if (!t->s->is_verify)
		tell(t, i, v);
	t->s->rcpts[i].state = SUBMIT_REFUSED;
}

static void
on_data(struct talk *t, const struct verdict *v)
{
	t->wants_body = v->code == 354;
	if (!t->wants_body && t->taken > 0)
		refuse_all(t, v);
}

/* Sends what was said and hears each answer. */
static int
settle(struct talk *t, struct err *err)
{
	size_t n = t->nbatch;

	t->nbatch = 0;
	if (wire_flush(&t->wire, err) != 0)
		return -1;
	for (size_t i = 0; i < n; i++) {
		const struct command *c = &t->batch[i];
		int code = wire_reply(&t->wire, STEP_MS, err);
		struct verdict v;

		if (code < 0)
			return -1;
		wire_verdict(&t->wire, c->stage, code, &v);
		/* A 421 ends everything; what is open may go elsewhere. */
		if (code == 421) {
			t->is_ended = true;
			return err_set(err, ERR_NETWORK, "it said: %s", v.text);
		}
		if (c->stage == STAGE_MAIL)
			on_mail(t, &v);
		else if (c->stage == STAGE_RCPT)
			on_rcpt(t, c->rcpt, &v);
		else
			on_data(t, &v);
	}
	return 0;
}

/* Says one command of the envelope; without PIPELINING its reply is heard
 * before the next. */
static int
say(struct talk *t, enum verdict_stage stage, size_t rcpt, struct err *err)
{
	struct buf line;
	bool fits;
	int rc;

	buf_init(&line, COMMAND_MAX);
	if (stage == STAGE_MAIL)
		fits = build_mail(t, &line);
	else if (stage == STAGE_RCPT)
		fits = build_rcpt(t, rcpt, &line);
	else
		fits = buf_adds(&line, "DATA\r\n");
	rc = fits ? wire_put(&t->wire, buf_str(&line), buf_len(&line), err)
		  : err_set(err, ERR_INPUT, "an address is too long");
	buf_clear(&line);
	if (rc != 0)
		return -1;
	t->batch[t->nbatch++] = (struct command) { stage, rcpt };
	if (!t->offers.has_pipelining || t->nbatch == BATCH_MAX)
		return settle(t, err);
	return 0;
}

/* --- the conversation ----------------------------------------------------- */

/* What its greeting promises. */
static const struct offers offers_of_relaisd = {
	.has_pipelining = true,
	.has_8bitmime = true,
	.has_smtputf8 = true,
	.has_dsn = true,
	.has_size = true,
	.is_relais = true,
};

/* One line of the EHLO reply. */
static void
note_offer(struct offers *o, struct bytes line)
{
	const struct {
		const char *keyword;
		bool *has;
	} rows[] = {
		{ "PIPELINING", &o->has_pipelining },
		{ "8BITMIME", &o->has_8bitmime },
		{ "SMTPUTF8", &o->has_smtputf8 },
		{ "DSN", &o->has_dsn },
		{ "SIZE", &o->has_size },
		{ "XRELAIS", &o->is_relais },
	};
	const char *blank = memchr(line.p, ' ', line.n);
	struct bytes word = bytes_of(
	    line.p, blank != NULL ? (size_t)(blank - line.p) : line.n);

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		if (bytes_eq_nocase(word, rows[i].keyword))
			*rows[i].has = true;
}

static void
note_offers(struct talk *t)
{
	const char *p = buf_str(&t->wire.text);

	/* The first line is the server's name. */
	while ((p = strchr(p, '\n')) != NULL) {
		p++;
		note_offer(&t->offers, bytes_of(p, strcspn(p, "\n")));
	}
}

static int
put_hello(struct talk *t, const char *verb, struct err *err)
{
	struct buf line;
	int rc = -1;

	buf_init(&line, COMMAND_MAX);
	if (buf_addf(&line, "%s %s\r\n", verb, t->s->helo)) /* a host name */
		rc = wire_put(&t->wire, buf_str(&line), buf_len(&line), err);
	buf_clear(&line);
	return rc;
}

static int
hello(struct talk *t, const char *verb, struct err *err)
{
	if (put_hello(t, verb, err) != 0 || wire_flush(&t->wire, err) != 0)
		return -1;
	return wire_reply(&t->wire, STEP_MS, err);
}

static bool
is_small(const struct submit *s)
{
	size_t n = 0;

	for (size_t i = 0; i < s->nrcpts; i++)
		n += s->rcpts[i].state == SUBMIT_OPEN;
	return n <= FLIGHT_RCPTS_MAX &&
	       s->head.n + s->body.n <= FLIGHT_BYTES_MAX;
}

/* "HOST ESMTP XRELAIS ready" */
static bool
is_relaisd(const struct talk *t)
{
	struct bytes word, rest = buf_bytes(&t->wire.text);

	for (int i = 0; i < 3; i++) {
		size_t n = 0;

		while (n < rest.n && rest.p[n] != ' ' && rest.p[n] != '\n')
			n++;
		word = bytes_of(rest.p, n);
		n += n < rest.n;
		rest = bytes_of(rest.p + n, rest.n - n);
	}
	return bytes_eq(word, "XRELAIS");
}

/* Greeting and EHLO, or HELO for a server that knows no other.  1: it wants
 * none of us, and told() has heard it. */
static int
begin(struct talk *t, struct err *err)
{
	enum verdict_stage stage = STAGE_GREETING;
	int code = wire_reply(&t->wire, GREETING_MS, err);
	struct verdict v;

	if (code == 220 && !t->s->is_verify && is_small(t->s) &&
	    is_relaisd(t)) {
		t->may_fly = true;
		t->offers = offers_of_relaisd;
		return 0;
	}
	if (code == 220) {
		stage = STAGE_EHLO;
		code = hello(t, "EHLO", err);
		if (code == 250)
			note_offers(t);
		else if (code >= 500)
			code = hello(t, "HELO", err);
	}
	if (code == 250 && t->s->account != NULL && !t->offers.is_relais)
		return err_set(
		    err, ERR_NETWORK, "it does not let one choose an account");
	if (code < 0 || code == 250)
		return code < 0 ? -1 : 0;
	wire_verdict(&t->wire, stage, code, &v);
	if (code < 500)
		return err_set(
		    err, ERR_NETWORK, "it said: %d %s", code, v.text);
	refuse_all(t, &v);
	return 1;
}

/* A part of the message on its way out: framing is smtp_dot's (R3). */
static int
put_part(
    struct talk *t, struct smtp_stuff *st, struct bytes part, struct err *err)
{
	while (part.n > 0) {
		size_t n = smtp_stuff_put(st, part.p, part.n, &t->wire.out);

		part = bytes_of(part.p + n, part.n - n);
		if (part.n > 0 && wire_flush(&t->wire, err) != 0)
			return -1;
	}
	return 0;
}

/* The message and the lone dot. */
static int
put_message(struct talk *t, struct err *err)
{
	struct smtp_stuff st;

	smtp_stuff_init(&st);
	st.keeps_nul = true;
	if (put_part(t, &st, t->s->head, err) != 0 ||
	    put_part(t, &st, t->s->body, err) != 0)
		return -1;
	while (!smtp_stuff_end(&st, &t->wire.out))
		if (wire_flush(&t->wire, err) != 0)
			return -1;
	return 0;
}

static const char quit[] = "QUIT\r\n";

/* A courtesy: nothing depends on it. */
static int
put_quit(struct talk *t, struct err *err)
{
	t->has_quit = true;
	return wire_put(&t->wire, quit, sizeof(quit) - 1, err);
}

/* After a flush, whatever it said: has all of the message left?  QUIT behind it
 * does not matter. */
static bool
has_left(const struct talk *t)
{
	return buf_len(&t->wire.out) <= (t->has_quit ? sizeof(quit) - 1 : 0);
}

/* All who were in it are settled one way or the other. */
static void
on_end(struct talk *t, const struct verdict *v)
{
	tell(t, SIZE_MAX, v);
	for (size_t i = 0; i < t->s->nrcpts; i++) {
		if (t->is_in[i])
			t->s->rcpts[i].state = v->class == VERDICT_OK
						   ? SUBMIT_TAKEN
						   : SUBMIT_REFUSED;
		t->is_in[i] = false;
	}
}

/* The answer to the message, of which the server has all if is_sent. */
static enum submit_end
hear_end(struct talk *t, bool is_sent, struct err *err)
{
	int code = wire_reply(&t->wire, END_MS, err);
	struct verdict v;

	if (code < 0)
		return is_sent ? SUBMIT_UNCERTAIN : SUBMIT_NOT_TAKEN;
	if (!is_sent && code < 400) /* an answer to half a message */
		return SUBMIT_NOT_TAKEN;
	wire_verdict(&t->wire, STAGE_END, code, &v);
	if (code == 421 || (code >= 300 && code < 400)) {
		(void)err_set(err, ERR_NETWORK, "it said: %d %s", code, v.text);
		return SUBMIT_NOT_TAKEN;
	}
	on_end(t, &v);
	return SUBMIT_OVER;
}

/* After 354.  The server may hang up in the middle of a message it does not
 * want; its reason is then waiting to be read. */
static enum submit_end
body(struct talk *t, struct err *err)
{
	bool is_sent;

	if (t->taken == 0) {
		/* RFC 2920 3.1: 354 in spite of no recipient; an empty message
		 * ends it, and the answer says nothing. */
		if (wire_put(&t->wire, ".\r\n", 3, err) != 0 ||
		    wire_flush(&t->wire, err) != 0 ||
		    wire_reply(&t->wire, STEP_MS, err) < 0)
			return SUBMIT_NOT_TAKEN;
		return SUBMIT_OVER;
	}
	is_sent = put_message(t, err) == 0 &&
		  (t->deferred > 0 || put_quit(t, err) == 0) &&
		  (wire_flush(&t->wire, err) == 0 || has_left(t));
	return hear_end(t, is_sent, err);
}

/* RFC 6531 3.2: an address with other than ASCII goes to nobody who does not
 * take such. */
static void
refuse_utf8(struct talk *t)
{
	struct verdict v;

	if (t->offers.has_smtputf8)
		return;
	verdict_local(&v, VERDICT_NEVER, STAGE_RCPT, 553, "5.6.7",
	    "the server takes ASCII addresses only (no SMTPUTF8)");
	if (!is_ascii(t->s->sender)) {
		refuse_all(t, &v);
		return;
	}
	for (size_t i = 0; i < t->s->nrcpts; i++)
		if (t->s->rcpts[i].state == SUBMIT_OPEN &&
		    !is_ascii(t->s->rcpts[i].addr)) {
			tell(t, i, &v);
			t->s->rcpts[i].state = SUBMIT_REFUSED;
		}
}

static bool
has_open(const struct submit *s)
{
	for (size_t i = 0; i < s->nrcpts; i++)
		if (s->rcpts[i].state == SUBMIT_OPEN)
			return true;
	return false;
}

/* The envelope for everybody who is open; its replies are still to come. */
static int
say_envelope(struct talk *t, struct err *err)
{
	if (say(t, STAGE_MAIL, 0, err) != 0)
		return -1;
	for (size_t i = 0; i < t->s->nrcpts; i++)
		if (t->s->rcpts[i].state == SUBMIT_OPEN &&
		    say(t, STAGE_RCPT, i, err) != 0)
			return -1;
	return 0;
}

static int
put_chunk(struct talk *t, struct err *err)
{
	const struct submit *s = t->s;
	char line[64];
	int n = snprintf(
	    line, sizeof(line), "BDAT %zu LAST\r\n", s->head.n + s->body.n);

	if (wire_put(&t->wire, line, (size_t)n, err) != 0 ||
	    wire_put(&t->wire, s->head.p, s->head.n, err) != 0)
		return -1;
	return wire_put(&t->wire, s->body.p, s->body.n, err);
}

/* EHLO, envelope and message before any answer.  With more than one recipient
 * some may have to come again (452), so QUIT waits. */
static enum submit_end
fly(struct talk *t, struct err *err)
{
	struct verdict v;
	int code;

	t->may_fly = false;
	if (put_hello(t, "EHLO", err) != 0 || say_envelope(t, err) != 0 ||
	    put_chunk(t, err) != 0 ||
	    (t->nbatch == 2 && put_quit(t, err) != 0) ||
	    (wire_flush(&t->wire, err) != 0 && !has_left(t)))
		return SUBMIT_NOT_TAKEN;
	code = wire_reply(&t->wire, STEP_MS, err);
	if (code >= 0 && code != 250) {
		/* No session, so nothing behind it counts. */
		wire_verdict(&t->wire, STAGE_EHLO, code, &v);
		if (code >= 500) {
			refuse_all(t, &v);
			return SUBMIT_OVER;
		}
		(void)err_set(err, ERR_NETWORK, "it said: %d %s", code, v.text);
		return SUBMIT_NOT_TAKEN;
	}
	if (code < 0 || settle(t, err) != 0)
		return t->is_ended ? SUBMIT_NOT_TAKEN : SUBMIT_UNCERTAIN;
	/* Refused before it came to the message, whose answer says nothing. */
	if (t->taken == 0)
		return SUBMIT_OVER;
	return hear_end(t, true, err);
}

/* One transaction for everybody who is open. */
static enum submit_end
transaction(struct talk *t, struct err *err)
{
	t->has_mail = t->wants_body = false;
	t->taken = t->deferred = 0;
	if (t->may_fly)
		return fly(t, err);
	refuse_utf8(t);
	if (!has_open(t->s))
		return SUBMIT_OVER;
	if (say_envelope(t, err) != 0)
		return SUBMIT_NOT_TAKEN;
	if (t->s->is_verify)
		return settle(t, err) == 0 ? SUBMIT_OVER : SUBMIT_NOT_TAKEN;
	if (!t->offers.has_pipelining && t->taken == 0)
		return SUBMIT_OVER;
	if (say(t, STAGE_DATA, 0, err) != 0 || settle(t, err) != 0)
		return SUBMIT_NOT_TAKEN;
	return t->wants_body ? body(t, err) : SUBMIT_OVER;
}

enum submit_end
submit_run(int fd, const struct submit *s, struct err *err)
{
	enum submit_end end = SUBMIT_OVER;
	struct talk t = { .s = s };
	int rc;

	t.is_in = xcalloc(s->nrcpts + 1, sizeof(*t.is_in));
	wire_init(&t.wire, fd);
	rc = begin(&t, err);
	if (rc < 0)
		end = SUBMIT_NOT_TAKEN;
	else if (rc == 0)
		do
			end = transaction(&t, err);
		while (end == SUBMIT_OVER && t.deferred > 0);
	if (end == SUBMIT_OVER && !t.has_quit && put_quit(&t, err) == 0)
		IGNORE(wire_flush(&t.wire, err));
	wire_clear(&t.wire);
	free(t.is_in);
	return end;
}
