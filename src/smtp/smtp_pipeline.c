/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "smtp/smtp_pipeline.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/list.h"
#include "base/str.h"
#include "base/xalloc.h"
#include "smtp/smtp_dot.h"
#include "smtp/smtp_job.h"
#include "smtp/smtp_limits.h"

enum {
	/* A BDAT body up to this size is sent with its envelope. */
	EAGER_BODY_MAX = 131072,
	/* A body is asked for in pieces of at least this. */
	BODY_ROOM_MIN = 16384
};

/* Positions in the fixed sequence of a transaction with n recipients. */
enum { POS_RSET = 0, POS_MAIL = 1, POS_RCPT = 2 };

struct slot {
	struct list link;
	const struct smtp_job *job;
	size_t out_pos; /* commands before this one are queued */
	size_t in_pos; /* replies before this one have come */
	bool is_bdat;
	bool is_body; /* the body's turn has come */
	bool has_end; /* its last byte is queued */
	bool is_mail_refused; /* final says how */
	bool is_void; /* final or a refusal is the session's fault */
	bool is_done;
	uint64_t begin_bytes; /* where its first command begins in the stream */
	uint64_t end_bytes; /* where its last byte ended, with has_end */
	int64_t begun_ms, ended_ms; /* when they went out; INT64_MAX: not yet */
	uint64_t body_left;
	struct smtp_stuff stuff;
	size_t naccepted;
	struct verdict final; /* of the job, and of recipients without one of
			       * their own */
	struct verdict refusal; /* of a recipient: stands for all refused */
	size_t report; /* next recipient to report, once is_done */
	bool is_told[]; /* the verdict of recipient i was reported */
};

/* How many transactions may be in progress; grows with each reply. */
struct window {
	size_t first, max;
	size_t earned; /* answers since the connection was new or silent */
	bool is_vouched_for; /* by another connection, or by what this one
			      * had earned; until this one was silent */
};

struct smtp_pipeline {
	const struct smtp_caps *caps;
	struct smtp_out *out;
	struct list slots; /* oldest first */
	struct slot *cur; /* the one that is being said, or NULL */
	size_t nlive; /* slots that are not done */
	struct window window;
	/* A reply is late: the next transaction waits before its body, and can
	 * be taken back. */
	bool is_late;
	size_t nowed; /* replies still due for what was taken back */
	int64_t now_ms;
	int64_t answered_ms; /* the newest answer */
	uint64_t nmails; /* MAILs said, against MAILMAX */
	bool is_plain_spoken, is_last_try;
	bool is_stopped;
	/* The server may still be inside a failed transaction. */
	bool is_dirty;
	struct slot *refused; /* a recipient's refusal waits to be told */
	size_t refused_rcpt;
	struct verdict refused_verdict;
	/* Why the session ends, and the reply that says so. */
	enum sc_trouble trouble;
	struct verdict trouble_why;
	unsigned distrust;
	bool has_chunked; /* a BDAT was answered well */
	bool has_lost_bdat; /* or one had no answer when it broke */
};

static const enum verdict_stage stages[SMTP_STEP_COUNT] = {
	[SMTP_STEP_NONE] = STAGE_CONNECT,
	[SMTP_STEP_GREETING] = STAGE_GREETING,
	[SMTP_STEP_EHLO] = STAGE_EHLO,
	[SMTP_STEP_HELO] = STAGE_EHLO,
	[SMTP_STEP_STARTTLS] = STAGE_TLS,
	[SMTP_STEP_AUTH] = STAGE_AUTH,
	[SMTP_STEP_RSET] = STAGE_MAIL,
	[SMTP_STEP_MAIL] = STAGE_MAIL,
	[SMTP_STEP_RCPT] = STAGE_RCPT,
	[SMTP_STEP_DATA] = STAGE_DATA,
	[SMTP_STEP_END] = STAGE_END,
	[SMTP_STEP_QUIT] = STAGE_CONNECT,
};

enum verdict_stage
smtp_step_stage(enum smtp_step step)
{
	return stages[step];
}

static struct slot *
slot_of(struct list *link)
{
	return list_entry(link, struct slot, link);
}

struct smtp_pipeline *
smtp_pipeline_new(const struct smtp_caps *caps, struct smtp_out *out,
    const struct smtp_client_opts *opts)
{
	struct smtp_pipeline *p = xcalloc(1, sizeof(*p));
	size_t jobs = opts->window_jobs;

	p->caps = caps;
	p->out = out;
	list_init(&p->slots);
	p->window.max = jobs != 0 && jobs < SMTP_WINDOW_JOBS_MAX
			    ? jobs
			    : SMTP_WINDOW_JOBS_MAX;
	p->window.first = opts->window_first != 0 ? opts->window_first : 1;
	p->is_plain_spoken = opts->is_plain_spoken;
	p->is_last_try = opts->is_last_try;
	p->distrust = opts->distrust;
	return p;
}

void
smtp_pipeline_free(struct smtp_pipeline *p)
{
	if (p == NULL)
		return;
	list_foreach (it, &p->slots)
		free(slot_of(it));
	free(p);
}

static bool
is_pipelining(const struct smtp_pipeline *p)
{
	return p->caps->has_pipelining && !p->is_plain_spoken;
}

bool
smtp_pipeline_is_empty(const struct smtp_pipeline *p)
{
	return list_is_empty(&p->slots);
}

static size_t
window_now(const struct smtp_pipeline *p)
{
	size_t n = p->window.first + p->window.earned * p->window.earned;

	if (!is_pipelining(p))
		return 1;
	if (p->window.is_vouched_for && p->window.earned > 0)
		return p->window.max;
	return n < p->window.max ? n : p->window.max;
}

bool
smtp_pipeline_is_used_up(const struct smtp_pipeline *p)
{
	return p->caps->mail_max != 0 && p->nmails >= p->caps->mail_max;
}

bool
smtp_pipeline_may_add(const struct smtp_pipeline *p, size_t jobs_max)
{
	if (p->cur != NULL || p->is_stopped || p->trouble != SC_TROUBLE_NONE ||
	    smtp_pipeline_is_used_up(p) || p->nowed > 0)
		return false;
	return p->nlive < window_now(p) && p->nlive < jobs_max;
}

bool
smtp_pipeline_is_trusted(const struct smtp_pipeline *p)
{
	return is_pipelining(p) && p->window.earned > 0 &&
	       window_now(p) == p->window.max;
}

bool
smtp_pipeline_is_growing(const struct smtp_pipeline *p)
{
	return is_pipelining(p) && !p->is_stopped &&
	       !smtp_pipeline_is_used_up(p) && window_now(p) < p->window.max;
}

void
smtp_pipeline_tick(struct smtp_pipeline *p, int64_t now_ms, bool is_late)
{
	p->now_ms = now_ms;
	p->is_late = is_late;
}

void
smtp_pipeline_was_silent(struct smtp_pipeline *p)
{
	p->window.earned = 0;
	p->window.is_vouched_for = false;
}

void
smtp_pipeline_was_idle(struct smtp_pipeline *p)
{
	p->window.is_vouched_for = smtp_pipeline_is_trusted(p);
	p->window.earned = 0;
}

void
smtp_pipeline_vouch(struct smtp_pipeline *p)
{
	p->window.is_vouched_for = true;
}

/* Nothing is known of the server but that it took the login. */
static bool
is_untried(const struct window *w)
{
	return w->earned == 0 && w->first == 1 && !w->is_vouched_for;
}

/* The oldest slot that is not done; replies belong to it. */
static struct slot *
head(const struct smtp_pipeline *p)
{
	for (struct list *it = p->slots.next; it != &p->slots; it = it->next)
		if (!slot_of(it)->is_done)
			return slot_of(it);
	return NULL;
}

static size_t
pos_data(const struct slot *s)
{
	return POS_RCPT + s->job->nrcpts;
}

static enum smtp_step
step_at(const struct slot *s, size_t pos)
{
	if (pos == POS_RSET)
		return SMTP_STEP_RSET;
	if (pos == POS_MAIL)
		return SMTP_STEP_MAIL;
	if (pos < pos_data(s))
		return SMTP_STEP_RCPT;
	/* BDAT LAST is answered once, as the end of the message. */
	return pos == pos_data(s) && !s->is_bdat ? SMTP_STEP_DATA
						 : SMTP_STEP_END;
}

/* --- a new transaction ---------------------------------------------------- */

void
smtp_pipeline_add(struct smtp_pipeline *p, const struct smtp_job *job)
{
	struct slot *s = xcalloc(
	    1, sizeof(*s) + job->nrcpts * sizeof(s->is_told[0]));

	assert(smtp_pipeline_may_add(p, SIZE_MAX) && job->nrcpts > 0);
	s->job = job;
	s->begun_ms = s->ended_ms = INT64_MAX;
	list_append(&p->slots, &s->link);
	if (smtp_job_is_refused(job, p->caps, &s->final)) {
		s->is_done = true;
		return;
	}
	s->is_bdat = p->caps->has_chunking && !p->is_plain_spoken;
	s->body_left = job->size_bytes;
	s->begin_bytes = smtp_out_queued_bytes(p->out);
	smtp_stuff_init(&s->stuff);
	s->stuff.keeps_nul = job->keeps_nul;
	/* Only after a confirmed end is the server certainly between
	 * transactions (RFC 5321 4.1.4, RFC 3030 3). */
	s->in_pos = s->out_pos = p->is_dirty || p->nlive > 0 ? POS_RSET
							     : POS_MAIL;
	p->is_dirty = false;
	p->nlive++;
	p->nmails++;
	p->cur = s;
}

/* --- saying it ------------------------------------------------------------ */

static bool
say_data(struct smtp_pipeline *p, struct slot *s)
{
	struct smtp_out *o = p->out;

	if (!s->is_bdat) {
		smtp_out_begin(o, "DATA");
		return smtp_out_end(o);
	}
	smtp_out_begin(o, "BDAT ");
	smtp_out_add_num(o, s->body_left);
	smtp_out_add(o, " LAST");
	if (!smtp_out_end(o))
		return false;
	s->is_body = true;
	return true;
}

/* False: no room for it now. */
static bool
say_step(struct smtp_pipeline *p, struct slot *s)
{
	size_t pos = s->out_pos;
	bool ok;

	if (pos == POS_RSET) {
		smtp_out_begin(p->out, "RSET");
		ok = smtp_out_end(p->out);
	} else if (pos == POS_MAIL) {
		ok = smtp_job_say_mail(s->job, p->caps, p->out);
	} else if (pos < pos_data(s)) {
		ok = smtp_job_say_rcpt(
		    &s->job->rcpts[pos - POS_RCPT], p->caps, p->out);
	} else {
		ok = say_data(p, s);
	}
	s->out_pos += ok;
	return ok;
}

/* The last byte of the message.  False: no room for it now. */
static bool
say_end(struct smtp_pipeline *p, struct slot *s)
{
	if (!s->is_bdat) {
		if (!smtp_stuff_end(&s->stuff, &p->out->buf))
			return false;
		s->out_pos++;
	}
	s->has_end = true;
	s->end_bytes = smtp_out_queued_bytes(p->out);
	return true;
}

static bool
is_hopeless(const struct slot *s)
{
	return s->is_mail_refused || s->naccepted == 0;
}

static void
finish_slot(struct smtp_pipeline *p, struct slot *s, const struct verdict *v)
{
	if (s->is_mail_refused)
		; /* final is the answer to MAIL */
	else if (s->naccepted == 0 && s->refusal.class != VERDICT_NONE)
		s->final = s->refusal;
	else
		s->final = *v;
	s->is_done = true;
	p->window.earned += p->window.earned < p->window.max;
	p->is_dirty = s->final.class != VERDICT_OK;
	p->nlive--;
	if (p->cur == s)
		p->cur = NULL;
}

static void
end_probe(struct smtp_pipeline *p, struct slot *s)
{
	struct verdict v;

	verdict_local(&v, VERDICT_OK, STAGE_RCPT, 250, NULL, "");
	finish_slot(p, s, &v);
	p->is_dirty = true;
}

/* May the next command of s be sent before the earlier ones are answered? */
static bool
may_say(const struct smtp_pipeline *p, const struct slot *s)
{
	bool is_answered = s->in_pos == s->out_pos;

	if (!is_pipelining(p))
		return is_answered;
	if (s->out_pos < pos_data(s) || is_answered)
		return true;
	return !s->is_mail_refused && !p->is_late &&
	       !(s->is_bdat && (s->job->size_bytes > EAGER_BODY_MAX ||
				   is_untried(&p->window)));
}

void
smtp_pipeline_produce(struct smtp_pipeline *p)
{
	struct slot *s;

	while ((s = p->cur) != NULL && !p->is_stopped) {
		if (s->has_end) {
			p->cur = NULL;
		} else if (s->is_body) {
			if (s->body_left > 0 || !say_end(p, s))
				return;
		} else if (s->job->is_probe && s->out_pos == pos_data(s)) {
			if (s->in_pos != s->out_pos)
				return;
			end_probe(p, s);
		} else if (s->out_pos > pos_data(s) || !may_say(p, s)) {
			return; /* for 354, or for earlier replies */
		} else if (s->out_pos == pos_data(s) &&
			   s->in_pos == s->out_pos && is_hopeless(s)) {
			finish_slot(
			    p, s, &s->refusal); /* the body stays here */
		} else if (!say_step(p, s)) {
			return;
		}
	}
}

void
smtp_pipeline_take_back(struct smtp_pipeline *p)
{
	struct slot *s = p->cur;

	if (s == NULL || s == head(p) || s->out_pos > pos_data(s))
		return;
	p->nowed = s->out_pos - s->in_pos;
	s->is_void = true;
	s->report = s->job->nrcpts;
	finish_slot(p, s, &(struct verdict) { .class = VERDICT_NONE });
}

bool
smtp_pipeline_wants_body(const struct smtp_pipeline *p, uint64_t *ret_tag)
{
	const struct slot *s = p->cur;

	if (s == NULL || p->is_stopped || !s->is_body || s->body_left == 0 ||
	    buf_room(&p->out->buf) < BODY_ROOM_MIN)
		return false;
	*ret_tag = s->job->tag;
	return true;
}

size_t
smtp_pipeline_body(struct smtp_pipeline *p, const void *bytes, size_t n)
{
	struct slot *s = p->cur;
	size_t room = buf_room(&p->out->buf);

	if (s == NULL || p->is_stopped || !s->is_body)
		return 0;
	if (n > s->body_left)
		n = (size_t)s->body_left;
	if (!s->is_bdat) {
		n = smtp_stuff_put(&s->stuff, bytes, n, &p->out->buf);
	} else {
		if (n > room)
			n = room;
		if (!buf_add(&p->out->buf, bytes, n))
			return 0;
	}
	s->body_left -= n;
	smtp_pipeline_produce(p);
	return n;
}

void
smtp_pipeline_stop(struct smtp_pipeline *p)
{
	p->is_stopped = true;
}

bool
smtp_pipeline_has_settled(const struct smtp_pipeline *p)
{
	return p->is_stopped && head(p) == p->cur;
}

/* --- the end of a session ------------------------------------------------ */

/* The session is at fault, not the message: its recipients wait, and are sent
 * over another connection.  The first such reply counts. */
static void
end_session(struct smtp_pipeline *p, struct slot *s, enum sc_trouble trouble,
    struct verdict *v)
{
	v->class = VERDICT_LATER;
	s->is_void = true;
	if (p->trouble != SC_TROUBLE_NONE)
		return;
	p->trouble = trouble;
	p->trouble_why = *v;
}

enum sc_trouble
smtp_pipeline_trouble(const struct smtp_pipeline *p, struct verdict *ret)
{
	*ret = p->trouble_why;
	return p->trouble;
}

bool
smtp_pipeline_lost_bdat(const struct smtp_pipeline *p)
{
	return p->has_lost_bdat;
}

unsigned
smtp_pipeline_distrust(const struct smtp_pipeline *p)
{
	return p->distrust;
}

/* --- hearing it ----------------------------------------------------------- */

enum smtp_step
smtp_pipeline_step(const struct smtp_pipeline *p)
{
	const struct slot *s = head(p);

	if (s == NULL && p->nowed > 0)
		return SMTP_STEP_MAIL;
	if (s == NULL || s->in_pos == s->out_pos ||
	    (step_at(s, s->in_pos) == SMTP_STEP_END && !s->has_end))
		return SMTP_STEP_NONE;
	return step_at(s, s->in_pos);
}

static bool
says(const struct verdict *v, const char *const *patterns)
{
	for (; *patterns != NULL; patterns++)
		if (str_match(*patterns, v->text))
			return true;
	return false;
}

/* Is the refusal about a parameter? RFC 5321 4.1.1.11: 555; other servers speak
 * of a bad argument or name the parameter.  Refusals of an address or a name in
 * EHLO do not count. */
static bool
is_about_params(const struct verdict *v)
{
	static const char *const words[] = { "*parameter*", "*argument*",
		"*option*", "*size=*", "*body=*", "*ret=*", "*envid*",
		"*notify*", "*orcpt*", "*extension*", NULL };
	static const char *const others[] = { "*address*", "*helo*", "*ehlo*",
		NULL };

	if (v->code == 555)
		return true;
	if (v->code / 10 != 50 || strncmp(v->enhanced, "5.1.", 4) == 0 ||
	    says(v, others))
		return false;
	return strcmp(v->enhanced, "5.5.4") == 0 || says(v, words);
}

/* A 503 that speaks of a sender who may not be used, and not of the order of
 * commands; a row of mail/replies says what that means. */
static bool
is_about_sender(const struct verdict *v)
{
	static const char *const who[] = { "*sender*", "*from address*",
		"*from header*", "*from domain*", NULL };
	static const char *const what[] = { "*not authori*", "*not allowed*",
		"*not owned*", "*not permitted*", "*may not*", "*denied*",
		"*rejected*", "*refused*", NULL };
	static const char *const order[] = { "*already*", "*authenticat*",
		"*login*", "*log in*", "*logged in*", "*ehlo*", "*helo*",
		"*sequence*", "*first*", "* yet*", NULL };

	return says(v, who) && says(v, what) && !says(v, order);
}

/* Handles a refusal of MAIL, RCPT or DATA that is really about the session: the
 * verdict is changed, and the session ends. */
static void
look_behind(
    struct smtp_pipeline *p, struct slot *s, bool has_params, struct verdict *v)
{
	/* Postfix refuses the name this late (smtpd_delay_reject). */
	static const char *const name[] = { "*helo command rejected*",
		"*invalid helo*", "*bad helo*", "*helo name*", "*ehlo name*",
		"*helo hostname*", "*helo rejected*", NULL };

	if (p->is_last_try)
		return;
	if (v->code == 503 && !is_about_sender(v)) {
		end_session(p, s, SC_TROUBLE_BROKEN, v);
	} else if (v->code / 100 == 5 && says(v, name)) {
		end_session(p, s, SC_TROUBLE_NAME, v);
	} else if (has_params && is_about_params(v)) {
		end_session(p, s, SC_TROUBLE_OFFER, v);
		p->distrust |= SMTP_DISTRUST_PARAMS;
	}
}

/* The last byte may have gone out. */
static bool
has_left(const struct smtp_pipeline *p, const struct slot *s)
{
	return s->has_end && smtp_out_left_bytes(p->out) >= s->end_bytes;
}

void
smtp_pipeline_sent(struct smtp_pipeline *p)
{
	/* The newest first: everything before a transaction that was sent has
	 * been sent. */
	for (struct list *it = p->slots.prev; it != &p->slots; it = it->prev) {
		struct slot *s = slot_of(it);

		if (s->ended_ms != INT64_MAX)
			return;
		if (s->begun_ms == INT64_MAX &&
		    p->out->sent_bytes > s->begin_bytes)
			s->begun_ms = p->now_ms;
		if (has_left(p, s))
			s->ended_ms = p->now_ms;
	}
}

int64_t
smtp_pipeline_waits_since(const struct smtp_pipeline *p)
{
	const struct slot *s = head(p);
	enum smtp_step step = smtp_pipeline_step(p);

	if (s == NULL && p->nowed > 0)
		return p->answered_ms;
	if (step == SMTP_STEP_NONE || s->begun_ms == INT64_MAX)
		return INT64_MAX;
	if (step == SMTP_STEP_END)
		return s->ended_ms;
	/* Without pipelining each command waited for the answer before it. */
	return is_pipelining(p) || s->begun_ms > p->answered_ms
		   ? s->begun_ms
		   : p->answered_ms;
}

/* The reply is reported at once. */
static struct verdict *
tell_rcpt(struct smtp_pipeline *p, struct slot *s, const struct smtp_reply *r)
{
	p->refused = s;
	p->refused_rcpt = s->in_pos - POS_RCPT;
	s->is_told[p->refused_rcpt] = true;
	smtp_reply_verdict(r, STAGE_RCPT, &p->refused_verdict);
	return &p->refused_verdict;
}

static void
on_rcpt_refused(
    struct smtp_pipeline *p, struct slot *s, const struct smtp_reply *r)
{
	struct verdict *v = tell_rcpt(p, s, r);
	size_t i = p->refused_rcpt;

	/* RFC 5321 4.5.3.1.10: too many recipients, whatever the text says. */
	if (r->code == 552)
		v->class = VERDICT_LATER;
	look_behind(
	    p, s, smtp_job_has_rcpt_params(&s->job->rcpts[i], p->caps), v);
	/* If no recipient is accepted, the job gets the mildest refusal: it has
	 * failed for good only if it has for everybody. */
	if (s->refusal.class == VERDICT_NONE ||
	    (s->refusal.class == VERDICT_NEVER && v->class == VERDICT_LATER))
		s->refusal = *v;
}

static enum smtp_pipeline_result
on_data(struct smtp_pipeline *p, struct slot *s, const struct smtp_reply *r)
{
	struct verdict v;

	if (r->code / 100 == 3) {
		/* RFC 2920 3.1: a 354 although nobody was accepted must be
		 * answered with a lone dot. */
		s->is_body = true;
		if (is_hopeless(s))
			s->body_left = 0;
		return SMTP_PIPELINE_OK;
	}
	if (r->code / 100 == 2)
		return SMTP_PIPELINE_BAD;
	smtp_reply_verdict(r, STAGE_DATA, &v);
	/* "No valid recipients" is expected after refusals. */
	if (!is_hopeless(s))
		look_behind(p, s, false, &v);
	finish_slot(p, s, &v);
	return SMTP_PIPELINE_OK;
}

/* The server does not know BDAT and reads the message as commands.  If an
 * earlier BDAT succeeded, 503 means something else: the server is out of
 * step. */
static bool
is_about_bdat(const struct smtp_pipeline *p, const struct slot *s, int code)
{
	return s->is_bdat && code >= 500 && code <= 504 &&
	       !(code == 503 && p->has_chunked);
}

/* The reply to the whole message, or, while we are still sending, to the part
 * that the server has seen. */
static enum smtp_pipeline_result
on_end(struct smtp_pipeline *p, struct slot *s, const struct smtp_reply *r)
{
	bool is_early = !s->has_end || p->out->sent_bytes < s->end_bytes;
	bool was_refused = s->is_mail_refused;
	struct verdict v;

	if (r->code / 100 == 3 || (is_early && r->code / 100 == 2))
		return SMTP_PIPELINE_BAD;
	smtp_reply_verdict(r, is_early ? STAGE_DATA : STAGE_END, &v);
	if (!is_hopeless(s) && !p->is_last_try &&
	    is_about_bdat(p, s, r->code)) {
		end_session(p, s, SC_TROUBLE_OFFER, &v);
		p->distrust |= SMTP_DISTRUST_CHUNKING;
		is_early = true; /* later replies are to the body */
	} else if (!is_hopeless(s)) {
		look_behind(p, s, false, &v);
	}
	p->has_chunked |= s->is_bdat && v.class == VERDICT_OK;
	finish_slot(p, s, &v);
	if (was_refused && v.class == VERDICT_OK)
		return SMTP_PIPELINE_BAD; /* it takes what it refused */
	/* The server ignores the rest, so later replies cannot be matched; but
	 * this reply counts (R65). */
	return is_early ? SMTP_PIPELINE_OVER : SMTP_PIPELINE_OK;
}

static enum smtp_pipeline_result
on_envelope(struct smtp_pipeline *p, struct slot *s, const struct smtp_reply *r,
    enum smtp_step step)
{
	int class = r->code / 100;

	if (class == 3 || (step == SMTP_STEP_RSET && class != 2))
		return SMTP_PIPELINE_BAD;
	if (step == SMTP_STEP_MAIL && class != 2) {
		s->is_mail_refused = true;
		smtp_reply_verdict(r, STAGE_MAIL, &s->final);
		look_behind(
		    p, s, smtp_job_has_mail_params(s->job, p->caps), &s->final);
	} else if (step == SMTP_STEP_RCPT && !s->is_mail_refused) {
		if (class != 2) {
			on_rcpt_refused(p, s, r);
			return SMTP_PIPELINE_OK;
		}
		s->naccepted++;
		if (s->job->is_probe)
			(void)tell_rcpt(p, s, r); /* as it is */
	}
	return SMTP_PIPELINE_OK;
}

enum smtp_pipeline_result
smtp_pipeline_reply(struct smtp_pipeline *p, const struct smtp_reply *r)
{
	struct slot *s = head(p);
	enum smtp_pipeline_result res;
	enum smtp_step step;

	p->is_late = false;
	if (s == NULL && p->nowed > 0) {
		/* The server may have accepted that MAIL. */
		p->is_dirty = true;
		p->nowed--;
		p->answered_ms = p->now_ms;
		return SMTP_PIPELINE_OK;
	}
	if (s == NULL || p->out->sent_bytes <= s->begin_bytes)
		return SMTP_PIPELINE_BAD; /* nobody asked */
	step = step_at(s, s->in_pos);
	if (s->in_pos == s->out_pos && !s->is_body)
		return SMTP_PIPELINE_BAD;
	if (step == SMTP_STEP_END)
		res = on_end(p, s, r);
	else if (step == SMTP_STEP_DATA)
		res = on_data(p, s, r);
	else
		res = on_envelope(p, s, r, step);
	if (res != SMTP_PIPELINE_BAD)
		s->in_pos++;
	p->answered_ms = p->now_ms;
	return res;
}

void
smtp_pipeline_fail(
    struct smtp_pipeline *p, const struct verdict *why, bool may_be_taken)
{
	const struct slot *first = head(p);
	enum verdict_stage stage = first != NULL
				       ? stages[step_at(first, first->in_pos)]
				       : STAGE_CONNECT;

	p->has_lost_bdat = may_be_taken && first != NULL && first->is_bdat &&
			   stage == STAGE_END && !p->has_chunked;
	list_foreach (it, &p->slots) {
		struct slot *s = slot_of(it);
		struct verdict v = *why;

		if (s->is_done)
			continue;
		/* The message being answered may have broken the connection;
		 * the later ones did not. */
		if (v.stage != STAGE_LOCAL)
			v.stage = s == first && p->trouble == SC_TROUBLE_NONE
				      ? stage
				      : STAGE_CONNECT;
		v.is_uncertain = may_be_taken && has_left(p, s);
		if (s->in_pos < pos_data(s) && !s->is_mail_refused) {
			/* Some RCPT is unanswered, so the refusals so far do
			 * not apply to all. */
			s->refusal.class = VERDICT_NONE;
		}
		if (p->trouble != SC_TROUBLE_NONE)
			s->is_void = true;
		finish_slot(p, s, &v);
	}
	p->is_stopped = true;
}

/* --- telling it ----------------------------------------------------------- */

enum sc_event
smtp_pipeline_event(struct smtp_pipeline *p, struct sc_info *ret)
{
	struct slot *s = p->refused;

	if (s != NULL) {
		p->refused = NULL;
		ret->job = s->job->tag;
		ret->rcpt = p->refused_rcpt;
		ret->verdict = p->refused_verdict;
		ret->is_void = s->is_void;
		return SC_RCPT_DONE;
	}
	list_foreach (it, &p->slots) {
		s = slot_of(it);
		if (!s->is_done)
			continue;
		ret->job = s->job->tag;
		ret->verdict = s->final;
		ret->is_void = s->is_void;
		while (s->report < s->job->nrcpts && s->is_told[s->report])
			s->report++;
		if (s->report < s->job->nrcpts) {
			ret->rcpt = s->report++;
			return SC_RCPT_DONE;
		}
		list_remove(&s->link);
		free(s);
		return SC_JOB_DONE;
	}
	return SC_IDLE;
}
