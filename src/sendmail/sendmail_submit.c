/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "sendmail/sendmail_submit.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sysexits.h>
#include <unistd.h>

#include "base/str.h"
#include "base/xalloc.h"
#include "mail/xtext.h"
#include "smtp/smtp_caps.h"
#include "smtp/smtp_client.h"
#include "sys/clock_sys.h"

enum {
	GREETING_MS = 30 * 1000, /* ours is at once; a stopped one never */
	/* What leaves before anything is answered: a refused message should not
	 * have cost much. */
	AHEAD_RCPTS_MAX = 99,
	AHEAD_BYTES_MAX = 128 * 1024,
	COMMAND_MAX = 4096,
	READ_MAX = 4096
};

/* One connection. */
struct talk {
	const struct submit *s;
	int fd;
	struct smtp_client *smtp;
	bool is_deaf; /* it takes no more bytes; it may still have said why */
	bool is_ready, is_over;
	enum submit_end end; /* once is_over */
	struct err *err;

	/* The transaction under way. */
	struct smtp_job job;
	struct smtp_job_rcpt *rcpts;
	size_t *which; /* of s->rcpts is each */
	struct buf params, envid;
	size_t given; /* bytes of head and body */
	bool wants_body;
	/* Of those for whom it said "too many": RFC 5321 4.5.3.1.10 makes that
	 * the next transaction's matter if others were taken.  NULL: none. */
	struct verdict *too_many;
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

/* --- who is meant --------------------------------------------------------- */

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

/* rcpt == NULL: the message as a whole. */
static void
report_verdict(
    const struct talk *t, struct submit_rcpt *rcpt, const struct verdict *v)
{
	t->s->told(t->s->ctx, rcpt != NULL ? rcpt->addr : NULL, v);
	if (rcpt != NULL && v->class != VERDICT_OK)
		rcpt->state = SUBMIT_REFUSED;
}

static void
settle(struct talk *t, enum submit_state state)
{
	for (size_t i = 0; i < t->s->nrcpts; i++)
		if (t->s->rcpts[i].state == SUBMIT_OPEN)
			t->s->rcpts[i].state = state;
}

/* The message as a whole was refused: so were all who are still open. */
static void
refuse_all(struct talk *t, const struct verdict *v)
{
	report_verdict(t, NULL, v);
	settle(t, SUBMIT_REFUSED);
}

/* RFC 6531 3.2: an address with other than ASCII goes to nobody who does not
 * take such. */
static void
refuse_utf8(struct talk *t)
{
	struct verdict v;

	verdict_local(&v, VERDICT_NEVER, STAGE_RCPT, 553, "5.6.7",
	    "the server accepts only ASCII addresses (no SMTPUTF8)");
	if (!is_ascii(t->s->sender)) {
		refuse_all(t, &v);
		return;
	}
	for (size_t i = 0; i < t->s->nrcpts; i++)
		if (t->s->rcpts[i].state == SUBMIT_OPEN &&
		    !is_ascii(t->s->rcpts[i].addr))
			report_verdict(t, &t->s->rcpts[i], &v);
}

/* --- a transaction -------------------------------------------------------- */

static void
end(struct talk *t, enum submit_end how)
{
	t->is_over = true;
	t->end = how;
}

/* It came to nothing, for this reason. */
static void
give_up(struct talk *t, enum submit_end how, const struct verdict *v)
{
	if (v->code != 0)
		(void)err_set(t->err, ERR_NETWORK, "the server said: %d %s",
		    v->code, v->text);
	else
		(void)err_set(t->err, ERR_NETWORK, "%s", v->text);
	end(t, how);
}

/* "XMODE=safe XACCOUNT=work"; false: too long. */
static bool
set_params(struct talk *t, const struct smtp_caps *caps)
{
	static const char *const modes[] = {
		[SENDMAIL_DELIVERY_UNSET] = NULL,
		[SENDMAIL_DELIVERY_SAFE] = "safe",
		[SENDMAIL_DELIVERY_VERDICT] = "verdict",
		[SENDMAIL_DELIVERY_QUEUE] = "queue",
	};
	const char *mode = caps->has_xrelais ? modes[t->s->delivery] : NULL;

	buf_reset(&t->params);
	buf_reset(&t->envid);
	return (mode == NULL || buf_addf(&t->params, "XMODE=%s", mode)) &&
	       (t->s->account == NULL ||
		   buf_addf(&t->params, "%sXACCOUNT=%s",
		       mode != NULL ? " " : "", t->s->account)) &&
	       (t->s->envid == NULL ||
		   xtext_encode(&t->envid, bytes_str(t->s->envid)));
}

static void
set_job(struct talk *t, const struct smtp_caps *caps)
{
	const struct submit *s = t->s;

	t->job = (struct smtp_job) {
		.sender = s->sender,
		.rcpts = t->rcpts,
		.size_bytes = s->head.n + s->body.n,
		/* A server that does not take it by name gets it all the
		 * same. */
		.is_8bit = s->is_8bit && caps->has_8bitmime,
		.envid = s->envid != NULL ? buf_str(&t->envid) : NULL,
		.ret = s->ret,
		.params = buf_len(&t->params) > 0 ? buf_str(&t->params) : NULL,
		.keeps_nul = true,
		.is_probe = s->is_verify,
	};
	for (size_t i = 0; i < s->nrcpts; i++) {
		if (s->rcpts[i].state != SUBMIT_OPEN)
			continue;
		t->which[t->job.nrcpts] = i;
		t->rcpts[t->job.nrcpts++] = (struct smtp_job_rcpt) {
			.addr = s->rcpts[i].addr, .notify = s->notify
		};
	}
}

/* For everybody who is open. */
static void
begin_job(struct talk *t)
{
	const struct smtp_caps *caps = smtp_client_caps(t->smtp);

	if (t->s->account != NULL && !caps->has_xrelais) {
		(void)err_set(t->err, ERR_NETWORK,
		    "the server does not support choosing an account (-a)");
		end(t, SUBMIT_NOT_TAKEN);
		return;
	}
	if (!caps->has_smtputf8 && submit_needs_utf8(t->s))
		refuse_utf8(t);
	if (!set_params(t, caps)) {
		(void)err_set(t->err, ERR_INPUT, "an option is too long");
		end(t, SUBMIT_NOT_TAKEN);
		return;
	}
	set_job(t, caps);
	t->given = 0;
	if (t->job.nrcpts == 0)
		end(t, SUBMIT_OVER);
	else
		smtp_client_send(t->smtp, &t->job);
}

/* With the end of a transaction the others hear of it, too. */
static void
on_rcpt(struct talk *t, size_t i, const struct verdict *v)
{
	size_t n = t->which[i];

	if (v->stage != STAGE_RCPT || v->code == 0 || v->code == 421)
		return;
	if ((v->code != 452 && v->code != 552) || t->s->is_verify) {
		report_verdict(t, &t->s->rcpts[n], v);
		return;
	}
	if (t->too_many == NULL)
		t->too_many = xcalloc(t->s->nrcpts, sizeof(*t->too_many));
	t->too_many[n] = *v;
}

/* Were there any too many?  If nobody was taken, they are refused. */
static bool
has_rest(struct talk *t, bool was_taken)
{
	bool has = false;

	for (size_t i = 0; t->too_many != NULL && i < t->s->nrcpts; i++) {
		if (t->too_many[i].class == VERDICT_NONE)
			continue;
		has = true;
		if (!was_taken)
			report_verdict(t, &t->s->rcpts[i], &t->too_many[i]);
	}
	return has && was_taken;
}

/* Those that were in it are settled one way or the other. */
static void
on_end(struct talk *t, const struct verdict *v)
{
	bool is_rest = has_rest(t, true);

	report_verdict(t, NULL, v);
	for (size_t i = 0; i < t->s->nrcpts; i++)
		if (t->s->rcpts[i].state == SUBMIT_OPEN &&
		    (t->too_many == NULL ||
			t->too_many[i].class == VERDICT_NONE))
			t->s->rcpts[i].state = v->class == VERDICT_OK
						   ? SUBMIT_TAKEN
						   : SUBMIT_REFUSED;
	free(t->too_many);
	t->too_many = NULL;
	if (is_rest)
		begin_job(t);
	else
		end(t, SUBMIT_OVER);
}

static void
on_job_done(struct talk *t, const struct verdict *v)
{
	if (v->code >= 500 && v->class == VERDICT_LATER &&
	    v->stage != STAGE_RCPT) {
		; /* it was EHLO that was refused: SC_CLOSE follows */
	} else if (v->code == 0 || v->code == 421) {
		give_up(t,
		    v->is_uncertain ? SUBMIT_UNCERTAIN : SUBMIT_NOT_TAKEN, v);
	} else if (v->stage == STAGE_END) {
		on_end(t, v);
	} else {
		if (v->stage == STAGE_RCPT)
			IGNORE(has_rest(t, false));
		else
			refuse_all(t, v);
		end(t, SUBMIT_OVER);
	}
}

/* It never came to a transaction, or EHLO was refused while one was on its
 * way. */
static void
on_close(struct talk *t, const struct sc_info *info)
{
	struct verdict v = info->verdict;

	if (info->trouble == SC_TROUBLE_REFUSED && v.code >= 500) {
		v.class = VERDICT_NEVER;
		refuse_all(t, &v);
		end(t, SUBMIT_OVER);
	} else if (!t->is_over) {
		give_up(t, SUBMIT_NOT_TAKEN, &v);
	}
}

/* --- the crank ------------------------------------------------------------ */

static void
on_event(struct talk *t, enum sc_event ev, const struct sc_info *info)
{
	switch (ev) {
	case SC_READY:
		t->is_ready = true;
		break;
	case SC_WANT_BODY:
		t->wants_body = true;
		break;
	case SC_RCPT_DONE:
		on_rcpt(t, info->rcpt, &info->verdict);
		break;
	case SC_JOB_DONE:
		t->wants_body = false;
		on_job_done(t, &info->verdict);
		break;
	case SC_CLOSE:
		on_close(t, info);
		break;
	case SC_IDLE:
	case SC_STARTTLS: /* neither is asked for */
	case SC_AUTH:
	case SC_CHALLENGE:
	case SC_ACCEPTED:
		break;
	}
}

static void
give_body(struct talk *t)
{
	struct bytes part = t->s->head;
	size_t at = t->given, n;

	t->wants_body = false;
	if (at >= part.n) {
		at -= part.n;
		part = t->s->body;
	}
	n = smtp_client_body(t->smtp, part.p + at, part.n - at);
	t->given += n;
}

static void
run_events(struct talk *t)
{
	struct sc_info info;
	enum sc_event ev;

	smtp_client_tick(t->smtp, clock_boot_ms(clock_sys()));
	while ((ev = smtp_client_next(t->smtp, &info)) != SC_IDLE) {
		on_event(t, ev, &info);
		if (t->is_ready && smtp_client_may_send(t->smtp)) {
			t->is_ready = false;
			begin_job(t);
		}
		while (t->wants_body)
			give_body(t);
	}
}

static void
lost(struct talk *t)
{
	char text[128];

	(void)snprintf(text, sizeof(text), "connection lost: %s",
	    strerror(errno)); /* cut is good enough */
	smtp_client_eof(t->smtp, text);
}

/* True: something went. */
static bool
give_output(struct talk *t)
{
	const void *p;
	size_t len;
	ssize_t n;

	if (t->is_deaf || (len = smtp_client_peek(t->smtp, &p)) == 0)
		return false;
	n = send(t->fd, p, len, MSG_NOSIGNAL | MSG_DONTWAIT);
	if (n > 0)
		smtp_client_sent(t->smtp, (size_t)n);
	else if (n < 0 && errno != EAGAIN && errno != EINTR)
		/* Its reason may be waiting to be read. */
		t->is_deaf = true;
	return n > 0;
}

static void
take_input(struct talk *t)
{
	char p[READ_MAX];
	size_t room = smtp_client_room(t->smtp);
	ssize_t n = recv(
	    t->fd, p, room < READ_MAX ? room : READ_MAX, MSG_DONTWAIT);

	if (n > 0)
		smtp_client_put(t->smtp, p, (size_t)n);
	else if (n == 0)
		smtp_client_eof(
		    t->smtp, "the other side closed the connection");
	else if (errno != EAGAIN && errno != EINTR)
		lost(t);
}

/* Until it has said something, takes more, or the engine's patience ends. */
static void
wait_for_it(struct talk *t)
{
	const void *p;
	bool has_output = !t->is_deaf && smtp_client_peek(t->smtp, &p) > 0;
	struct pollfd pfd = { .fd = t->fd,
		.events = (short)(POLLIN | (has_output ? POLLOUT : 0)) };
	int64_t left = smtp_client_deadline(t->smtp);

	if (left != INT64_MAX)
		left -= clock_boot_ms(clock_sys());
	if (left > INT32_MAX)
		left = -1;
	else if (left < 0)
		left = 0;
	if (poll(&pfd, 1, (int)left) > 0 && (pfd.revents & ~POLLOUT) != 0)
		take_input(t);
}

static bool
is_small(const struct submit *s)
{
	size_t n = 0;

	for (size_t i = 0; i < s->nrcpts; i++)
		n += s->rcpts[i].state == SUBMIT_OPEN;
	return n <= AHEAD_RCPTS_MAX && s->head.n + s->body.n <= AHEAD_BYTES_MAX;
}

/* What its greeting promises. */
static const struct smtp_caps caps_of_relaisd = {
	.has_pipelining = true,
	.has_chunking = true,
	.has_8bitmime = true,
	.has_smtputf8 = true,
	.has_dsn = true,
	.has_size = true,
	.has_xrelais = true,
};

static struct smtp_client *
client_for(const struct submit *s)
{
	return smtp_client_new(&(struct smtp_client_opts) {
	    .ehlo_name = s->helo,
	    .tls = SC_TLS_OFF,
	    .distrust = SMTP_DISTRUST_CHUNKING, /* what it says in EHLO */
	    .is_last_try = true,
	    .if_relaisd = !s->is_verify && is_small(s) ? &caps_of_relaisd
						       : NULL,
	    .window_first = 2, /* a body does not wait for its envelope */
	    .greeting_ms = GREETING_MS,
	});
}

enum submit_end
submit_run(int fd, const struct submit *s, struct err *err)
{
	struct talk t = { .s = s, .fd = fd, .err = err };

	t.smtp = client_for(s);
	t.rcpts = xcalloc(s->nrcpts + 1, sizeof(*t.rcpts));
	t.which = xcalloc(s->nrcpts + 1, sizeof(*t.which));
	buf_init(&t.params, COMMAND_MAX);
	buf_init(&t.envid, COMMAND_MAX);
	run_events(&t); /* its clock begins */
	while (!t.is_over) {
		wait_for_it(&t);
		do
			run_events(&t);
		while (!t.is_over && give_output(&t));
	}
	/* A courtesy: nothing depends on it. */
	smtp_client_quit(t.smtp);
	IGNORE(give_output(&t));
	smtp_client_free(t.smtp);
	free(t.rcpts);
	free(t.which);
	free(t.too_many);
	buf_clear(&t.params);
	buf_clear(&t.envid);
	(void)close(fd); /* nothing is promised by a close */
	return t.end;
}
