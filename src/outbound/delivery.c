/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "outbound/delivery.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/num.h"
#include "base/str.h"
#include "base/xalloc.h"
#include "mail/addr.h"
#include "mail/diagnosis.h"
#include "mail/envelope.h"
#include "mail/idna.h"
#include "net/loop.h"
#include "outbound/answers.h"
#include "outbound/null_sender.h"
#include "outbound/pool.h"
#include "queue/queue.h"
#include "smtp/smtp_caps.h"
#include "smtp/smtp_client.h"

enum {
	LOGGED_RCPTS_MAX = 5,
	HEAD_MAX = 64 * 1024,
	/* A server that accepted only one recipient usually had another reason:
	 * the next message offers at least this many. */
	RCPTS_MIN = 2
};

struct delivery {
	struct list link;
	struct pool *pool;
	struct account_opts *opts; /* as they were when it began */
	struct queue_claim *qd;
	const struct envelope *env;
	struct delivery_remote *remote;
	struct smtp_job job;
	struct smtp_job_rcpt *rcpts; /* of the transaction under way */
	size_t *index; /* rcpts[i] is env->rcpts[index[i]] */
	bool *offered; /* one per env->rcpts */
	size_t split; /* how many it accepted before it said: no more */
	struct answers answers; /* one per env->rcpts */
	struct content *content;
	char **addrs; /* of env->rcpts where the wire needs another form */
	size_t naddrs;
	char *sender; /* likewise, or NULL */
	int64_t began_ms;
	bool is_busy; /* a transaction is under way */
	/* The commit mark of this transaction is written, or is being
	 * written. */
	bool is_offered, is_offering;
	bool is_denied; /* it cannot be written, so the last byte must not go */
	bool offers_dsn; /* the server */
	bool is_sent; /* some recipient was accepted */
	bool is_void; /* it waits for a reason that is not its own */
	struct answer hold; /* class set: this message waits until a person
			     * changes a setting */
};

static int64_t
now_ms(const struct delivery *d)
{
	return loop_now_ms(d->pool->loop);
}

/* The message cannot be sent.  A header without room for the changes stays so;
 * a disk that cannot be read may recover. */
static void
give_up(struct delivery *d, const struct err *err)
{
	struct verdict v;

	if (err->class == ERR_INPUT)
		verdict_local(
		    &v, VERDICT_NEVER, STAGE_LOCAL, 554, "5.6.0", err->text);
	else
		verdict_local(
		    &v, VERDICT_LATER, STAGE_LOCAL, 451, "4.3.0", err->text);
	log_text(LOG_LEVEL_ERROR, "%s: %s", d->env->id, err->text);
	delivery_end(d, &v);
}

/* The address as it is sent: the domain in A-labels, which every server
 * understands; the local part has no other form (RFC 6531 3.2).  NULL:
 * unchanged. */
static char *
wire_addr(const char *addr)
{
	struct bytes b = bytes_str(addr);
	struct buf ascii;

	if (str_is_ascii(b))
		return NULL;
	buf_init(&ascii, 2 * ADDR_MAX);
	if (idna_addr(&ascii, b))
		return buf_steal(&ascii);
	buf_clear(&ascii);
	return NULL;
}

static void
make_wire_addrs(struct delivery *d)
{
	d->naddrs = d->env->nrcpts;
	d->addrs = xcalloc(d->naddrs, sizeof(*d->addrs));
	for (size_t i = 0; i < d->env->nrcpts; i++)
		d->addrs[i] = wire_addr(d->env->rcpts[i].addr);
	d->sender = wire_addr(content_identity(d->content)->sender);
}

/* The account's setting, corrected by what was learnt about the provider. */
static struct identity_opts
identity_for(const struct account *a)
{
	struct identity_opts o = account_options(a)->identity;

	if (account_fact(a, LEARNT_NO_NULL_SENDER) != 0)
		o.keeps_null_sender = false;
	return o;
}

static struct bytes
claim_bytes(void *ctx)
{
	return queue_claim_bytes(ctx);
}

static int
claim_read(
    void *ctx, uint64_t at, void *p, size_t n, size_t *ret_n, struct err *err)
{
	return queue_claim_read(ctx, at, p, n, ret_n, err);
}

struct content_source
delivery_source(struct queue_claim *qd)
{
	return (struct content_source) { queue_claim_envelope(qd), claim_bytes,
		claim_read, qd };
}

struct delivery *
delivery_new(struct pool *p, struct queue_claim *qd,
    const struct smtp_client *smtp, struct delivery_remote *remote)
{
	const struct smtp_caps *caps = smtp_client_caps(smtp);
	struct content_opts opts = {
		.identity = identity_for(p->account),
		.has_8bitmime = caps->has_8bitmime,
		.has_smtputf8 = caps->has_smtputf8,
	};
	struct delivery *d = xcalloc(1, sizeof(*d));
	struct content_source source;
	struct err err;

	list_init(&d->link);
	d->pool = p;
	d->opts = account_opts_ref(account_options(p->account));
	d->qd = qd;
	d->env = queue_claim_envelope(qd);
	d->remote = remote;
	d->rcpts = xcalloc(d->env->nrcpts, sizeof(*d->rcpts));
	d->index = xcalloc(d->env->nrcpts, sizeof(*d->index));
	answers_init(&d->answers, d->env->nrcpts);
	d->offered = xcalloc(d->env->nrcpts, sizeof(*d->offered));
	d->began_ms = now_ms(d);
	source = delivery_source(qd);
	if (content_new(&source, &opts, &d->content, &err) != 0) {
		give_up(d, &err);
		return NULL;
	}
	make_wire_addrs(d);
	return d;
}

struct delivery *
delivery_of_link(struct list *link)
{
	return list_entry(link, struct delivery, link);
}

struct list *
delivery_link(struct delivery *d)
{
	return &d->link;
}

uint64_t
delivery_tag(const struct delivery *d)
{
	return (uint64_t)(uintptr_t)d;
}

bool
delivery_is_cause(const struct delivery *d)
{
	return pool_knows(d->pool, d->qd);
}

/* --- the transaction ------------------------------------------------------ */

static bool
is_to_offer(const struct delivery *d, size_t i)
{
	return d->env->rcpts[i].state == RCPT_WAITING && !d->offered[i];
}

static bool
has_more(const struct delivery *d)
{
	for (size_t i = 0; i < d->env->nrcpts; i++)
		if (is_to_offer(d, i))
			return true;
	return false;
}

bool
delivery_is_between(const struct delivery *d)
{
	return !d->is_busy && has_more(d);
}

static size_t
group_max(const struct delivery *d, const struct smtp_client *smtp)
{
	size_t max = d->opts->max_rcpts;
	size_t offered = (size_t)smtp_client_caps(smtp)->rcpt_max;

	size_t learnt = account_fact(d->pool->account, LEARNT_RCPT_MAX);

	if (max == 0 || (offered != 0 && offered < max))
		max = offered;
	if (max == 0 || (learnt != 0 && learnt < max))
		max = learnt;
	if (max == 0 || (d->split != 0 && d->split < max))
		max = d->split;
	return max != 0 ? max : SIZE_MAX;
}

static size_t
domains_max(const struct delivery *d, const struct smtp_client *smtp)
{
	size_t max = (size_t)smtp_client_caps(smtp)->rcpt_domain_max;

	if (account_fact(d->pool->account, LEARNT_ONE_DOMAIN) != 0)
		max = 1;
	return max != 0 ? max : SIZE_MAX;
}

static const char *
rcpt_addr(const struct delivery *d, size_t i)
{
	return d->addrs[i] != NULL ? d->addrs[i] : d->env->rcpts[i].addr;
}

static bool
is_utf8_addr(const char *addr)
{
	return !str_is_ascii(bytes_str(addr));
}

static struct bytes
domain_of(const char *addr)
{
	return addr_domain(bytes_str(addr));
}

/* Is this the domain of one of the n that have been picked? */
static bool
has_domain(const struct delivery *d, size_t n, struct bytes domain)
{
	for (size_t i = n; i-- > 0;)
		if (addr_domain_eq(domain_of(d->rcpts[i].addr), domain))
			return true;
	return false;
}

struct group {
	size_t max, domains_max;
	size_t ndomains;
	bool needs_utf8;
};

/* May it go with the n that have been picked? */
static bool
fits_group(struct delivery *d, struct group *g, size_t n, const char *addr)
{
	struct bytes domain = domain_of(addr);

	if (n > 0 && is_utf8_addr(addr) != g->needs_utf8)
		return false;
	if (g->domains_max != SIZE_MAX && !has_domain(d, n, domain) &&
	    g->ndomains++ >= g->domains_max)
		return false;
	g->needs_utf8 = is_utf8_addr(addr);
	return true;
}

/* Picks the recipients of one transaction and returns how many.  Addresses that
 * need SMTPUTF8 go separately, so that a server without it refuses only
 * them. */
static size_t
pick_group(struct delivery *d, struct group *g)
{
	size_t n = 0;

	for (size_t i = 0; i < d->env->nrcpts && n < g->max; i++) {
		const struct rcpt *r = &d->env->rcpts[i];

		if (!is_to_offer(d, i) || !fits_group(d, g, n, rcpt_addr(d, i)))
			continue;
		d->offered[i] = true;
		d->index[n] = i;
		d->rcpts[n++] = (struct smtp_job_rcpt) { rcpt_addr(d, i),
			r->orcpt, r->notify };
	}
	return n;
}

void
delivery_send(struct delivery *d, struct smtp_client *smtp)
{
	const char *sender = d->sender != NULL
				 ? d->sender
				 : content_identity(d->content)->sender;
	struct group g = { .max = group_max(d, smtp),
		.domains_max = domains_max(d, smtp) };
	size_t n = pick_group(d, &g);

	d->job = (struct smtp_job) {
		.tag = delivery_tag(d),
		.sender = sender,
		.rcpts = d->rcpts,
		.nrcpts = n,
		.size_bytes = content_size(d->content),
		.is_8bit = content_is_8bit(d->content),
		.needs_utf8 = g.needs_utf8 || is_utf8_addr(sender) ||
			      content_needs_utf8(d->content),
		.envid = d->env->envid,
		.ret = d->env->ret,
	};
	d->is_busy = true;
	d->is_offered = d->is_denied = false;
	d->offers_dsn = smtp_client_caps(smtp)->has_dsn;
	content_rewind(d->content);
	queue_claim_round_trip(d->qd, smtp_client_round_trip_ms(smtp));
	smtp_client_send(smtp, &d->job);
}

static void
on_noted(void *ctx)
{
	struct delivery *d = ctx;

	d->is_offering = false;
	d->is_offered = true;
	d->is_denied = !queue_claim_may_offer(d->qd);
	d->remote->go_on(d->remote->ctx);
}

/* The end of the message follows the last byte of the body at once, so the mark
 * must be there before.  False: not yet. */
static bool
may_end(struct delivery *d)
{
	if (d->is_offered || d->is_offering)
		return d->is_offered && !d->is_denied;
	d->is_offered = queue_claim_mark(
	    d->qd, d->index, d->job.nrcpts, d->remote->who, on_noted, d);
	d->is_offering = !d->is_offered;
	return d->is_offered;
}

bool
delivery_feed(struct delivery *d, struct smtp_client *smtp)
{
	struct bytes piece;
	struct err err;
	bool went = false;
	size_t n;

	for (;;) {
		if (d->is_denied) {
			/* Another relay may have it: the connection is given up
			 * before the last byte. */
			smtp_client_body_failed(smtp,
			    "the shared queue does not know of the delivery");
			return true;
		}
		if (content_peek(d->content, &piece, &err) != 0) {
			/* The connection is given up, so that the server never
			 * takes half a message for a whole one. */
			log_text(
			    LOG_LEVEL_ERROR, "%s: %s", d->env->id, err.text);
			smtp_client_body_failed(
			    smtp, "cannot read the message from the spool");
			return true;
		}
		if (piece.n > 0 && content_ends_with(d->content, piece) &&
		    !may_end(d))
			return went;
		if (piece.n == 0 ||
		    (n = smtp_client_body(smtp, piece.p, piece.n)) == 0)
			return went;
		content_used(d->content, n);
		went = true;
	}
}

/* A 5yz that means something else, a quota say, must not end the message, and a
 * 4yz may be for good (a row of the user's), or be 552 for a full mailbox, which
 * the engine takes for "later"; code and text stay as they were said. */
static void
reconsider(struct delivery *d, struct answer *a)
{
	enum diagnosis_act act = a->meaning.act;

	if (act == DIAGNOSIS_HOLD_MESSAGE &&
	    d->hold.verdict.class == VERDICT_NONE)
		d->hold = *a;
	a->verdict.class = act == DIAGNOSIS_FAIL ? VERDICT_NEVER
						 : VERDICT_LATER;
}

static void
learn(const struct delivery *d, enum learnt_fact f, uint32_t value)
{
	account_learn(d->pool->account, d->opts, f, value);
}

/* From now on the account's address replaces <>, and a person is told. */
static void
learn_no_null_sender(const struct delivery *d, const struct verdict *v)
{
	static const struct diagnosis advice = {
		.cause = "the provider accepts no mail from <>, so notices are "
			 "sent with the address of the account",
		.remedy = "set null_sender = no for this account",
	};
	struct buf why;

	if (account_fact(d->pool->account, LEARNT_NO_NULL_SENDER) != 0)
		return;
	learn(d, LEARNT_NO_NULL_SENDER, 1);
	buf_init(&why, DIAGNOSIS_REASON_MAX);
	diagnosis_reason(v, &advice, &why);
	account_alert(d->pool->account, "null-sender", buf_str(&why));
	buf_clear(&why);
}

/* A notice from <> that was refused for its sender is sent once more with the
 * address of the account, if there is one. */
static bool
replaces_null_sender(struct delivery *d, const struct answer *a)
{
	const char *own = d->opts->identity.address;

	if (account_is_past(d->pool->account, d->opts) ||
	    d->job.sender[0] != '\0' || own == NULL || own[0] == '\0' ||
	    !null_sender_is_refused(&a->verdict, a->meaning.act))
		return false;
	learn_no_null_sender(d, &a->verdict);
	return true;
}

void
delivery_rcpt(
    struct delivery *d, size_t rcpt, const struct answer *a, bool is_void)
{
	size_t i = d->index[rcpt];
	struct answer mine = *a;
	struct verdict *v = &mine.verdict;

	d->is_void |= is_void;
	if (v->class == VERDICT_NEVER && replaces_null_sender(d, a)) {
		v->class = VERDICT_LATER;
		d->is_void = true;
	} else if (v->class == VERDICT_NEVER ||
		   (v->class == VERDICT_LATER && v->code != 0 && !is_void)) {
		reconsider(d, &mine);
	}
	if (v->class == VERDICT_OK)
		d->is_sent = true;
	answers_keep(&d->answers, i, &mine);
	queue_claim_rcpt(d->qd, i, v);
}

static bool
has_several_domains(const struct delivery *d)
{
	for (size_t i = 1; i < d->job.nrcpts; i++)
		if (!addr_domain_eq(domain_of(d->rcpts[0].addr),
			domain_of(d->rcpts[i].addr)))
			return true;
	return false;
}

/* RFC 3463 3.6, or in words: 552 alone may be a full mailbox. */
static bool
is_about_number(const struct verdict *v)
{
	return (v->enhanced[0] != '\0' &&
		   strcmp(v->enhanced + 1, ".5.3") == 0) ||
	       str_match("*recipients*", v->text);
}

/* The server accepted the first n and found the others too many. */
static void
learn_limit(struct delivery *d, size_t n)
{
	for (size_t i = 0; i < d->job.nrcpts; i++) {
		const struct verdict *v = answers_verdict(
		    &d->answers, d->index[i]);

		if ((v->class == VERDICT_OK) != (i < n) ||
		    (i == n && !is_about_number(v)))
			return;
	}
	learn(d, LEARNT_RCPT_MAX, (uint32_t)(n > RCPTS_MIN ? n : RCPTS_MIN));
}

/* Recipients that were too many for this transaction, or of another domain, are
 * offered in the next one at once (R61).  This ends, because each time fewer
 * recipients or domains are left. */
static void
offer_rest_again(struct delivery *d, bool is_taken)
{
	bool may_split = is_taken || has_several_domains(d);
	size_t taken = 0, too_many = 0;

	for (size_t i = 0; i < d->job.nrcpts; i++) {
		size_t at = d->index[i];
		enum diagnosis_act act =
		    answers_get(&d->answers, at)->meaning.act;

		taken += act == DIAGNOSIS_NONE;
		if (act == DIAGNOSIS_SPLIT_DOMAINS) {
			learn(d, LEARNT_ONE_DOMAIN, 1);
			d->offered[at] = !may_split;
		} else if (act == DIAGNOSIS_SPLIT && is_taken) {
			d->offered[at] = false;
			too_many++;
		}
	}
	if (too_many == 0)
		return;
	d->split = taken;
	learn_limit(d, taken);
}

bool
delivery_job_done(struct delivery *d, const struct answer *a, bool is_void)
{
	const struct verdict *v = &a->verdict;
	enum diagnosis_act act = a->meaning.act;
	bool is_domains = act == DIAGNOSIS_SPLIT_DOMAINS, is_over;

	d->is_busy = false;
	d->is_void |= is_void;
	if (v->class == VERDICT_OK || is_domains)
		offer_rest_again(d, v->class == VERDICT_OK);
	/* After trouble with the message or the connection the others are not
	 * offered on it; they keep waiting, with this verdict.  A deferred
	 * recipient does not stop the others. */
	is_over = (v->class == VERDICT_LATER && v->stage != STAGE_RCPT &&
		      !is_domains) ||
		  v->code == 421 || act == DIAGNOSIS_RECONNECT || d->is_void ||
		  d->hold.verdict.class != VERDICT_NONE || !has_more(d);
	if (!is_over)
		queue_claim_note(d->qd);
	return is_over;
}

/* --- the end -------------------------------------------------------------- */

static bool
is_hold(const struct delivery *d, const struct verdict *v)
{
	return d->hold.verdict.class != VERDICT_NONE &&
	       v->class == VERDICT_LATER && v->code == d->hold.verdict.code &&
	       strcmp(v->text, d->hold.verdict.text) == 0;
}

static const char *
class_word(const struct delivery *d, const struct verdict *v)
{
	static const char *words[] = {
		[VERDICT_NONE] = "untried",
		[VERDICT_OK] = "sent",
		[VERDICT_LATER] = "deferred",
		[VERDICT_NEVER] = "failed",
	};

	if (is_hold(d, v))
		return "held";
	return v->is_uncertain ? "uncertain" : words[v->class];
}

static void
log_submitter(struct log_line *l, const struct envelope *e)
{
	if (e->user != NULL)
		log_str(l, "user", e->user);
	else if (uid_is_known(e->uid))
		log_num(l, "uid", e->uid);
	else
		log_str(l, "peer", e->peer);
}

static bool
same_answer(const struct verdict *a, const struct verdict *b)
{
	return a->class == b->class && a->code == b->code &&
	       a->is_uncertain == b->is_uncertain &&
	       strcmp(a->text, b->text) == 0;
}

/* The identity that the provider saw, if it differs from what was submitted. */
static void
log_identity(struct log_line *l, const struct delivery *d)
{
	const struct identity_result *id = content_identity(d->content);

	if ((id->changed & IDENTITY_CHANGED_ENVELOPE) != 0)
		log_addr(l, "as", id->sender);
	if ((id->changed & IDENTITY_CHANGED_FROM) != 0)
		log_addr(l, "header_from_was", id->old_from);
	if (content_is_repaired(d->content))
		log_str(l, "body", "re-encoded");
}

static void
log_advice(struct log_line *l, const struct delivery *d, const struct answer *a)
{
	const struct diagnosis *meaning = &a->meaning;

	/* The courier reports what is wrong with the session. */
	if (d->is_void && a->verdict.class == VERDICT_LATER)
		return;
	if (meaning->act != DIAGNOSIS_NONE && meaning->cause[0] != '\0')
		log_sentence(l, "cause", meaning->cause);
	if (meaning->act != DIAGNOSIS_NONE && meaning->remedy[0] != '\0')
		log_sentence(l, "remedy", meaning->remedy);
}

/* One line for all recipients that got the same answer as recipient i. */
static void
log_group(const struct delivery *d, size_t i)
{
	const struct verdict *v = answers_verdict(&d->answers, i);
	const struct envelope *e = d->env;
	char text[NUM_TEXT_SIZE];
	struct log_line l;
	size_t n = 0;

	log_begin(&l,
	    v->class == VERDICT_OK ? LOG_LEVEL_INFO
	    : is_hold(d, v)        ? LOG_LEVEL_ERROR
				   : LOG_LEVEL_WARNING,
	    class_word(d, v));
	log_str(&l, "id", e->id);
	log_submitter(&l, e);
	log_addr(&l, "from", e->sender);
	log_identity(&l, d);
	for (size_t k = i; k < e->nrcpts; k++)
		if (same_answer(v, answers_verdict(&d->answers, k)) &&
		    n++ < LOGGED_RCPTS_MAX)
			log_addr(&l, "to", e->rcpts[k].addr);
	if (n > 1)
		log_num(&l, "nrcpts", (int64_t)n);
	log_str(&l, "account", d->opts->name);
	log_str(&l, "remote", d->remote->who);
	log_str(&l, "tls", d->remote->tls[0] != '\0' ? d->remote->tls : "none");
	log_num(&l, "code", v->code);
	log_str(&l, "reply", v->text);
	log_advice(&l, d, answers_get(&d->answers, i));
	log_str(&l, "delay",
	    num_duration_text(
		clock_wall_ms(loop_clock(d->pool->loop)) - e->arrived_s * 1000,
		text));
	log_num(&l, "took_ms", now_ms(d) - d->began_ms);
	log_num(&l, "attempt", queue_claim_attempts(d->qd) + 1);
	log_end(&l);
}

static void
log_outcome(const struct delivery *d)
{
	for (size_t i = 0; i < d->env->nrcpts; i++) {
		bool is_told = false;

		if (answers_verdict(&d->answers, i)->class == VERDICT_NONE)
			continue;
		for (size_t k = 0; k < i && !is_told; k++)
			is_told = same_answer(answers_verdict(&d->answers, k),
			    answers_verdict(&d->answers, i));
		if (!is_told)
			log_group(d, i);
	}
}

static enum account_deferral
deferral_of(const struct delivery *d, const struct answer *a)
{
	static const enum account_deferral of_acts[] = {
		[DIAGNOSIS_RECONNECT] = ACCOUNT_DEFERRED_CONNECTION,
		[DIAGNOSIS_PAUSE] = ACCOUNT_DEFERRED_CONNECTION,
		[DIAGNOSIS_QUOTA] = ACCOUNT_DEFERRED_LIMIT,
		[DIAGNOSIS_NEXT_MECHANISM] = ACCOUNT_DEFERRED_LOGIN,
		[DIAGNOSIS_HOLD_ACCOUNT] = ACCOUNT_DEFERRED_LOGIN,
		[DIAGNOSIS_FAIL] = ACCOUNT_DEFERRED_MESSAGE, /* as all others */
	};

	if (is_hold(d, &a->verdict))
		return ACCOUNT_DEFERRED_HELD;
	return a->verdict.code == 0 ? ACCOUNT_DEFERRED_CONNECTION
				    : of_acts[a->meaning.act];
}

static void
count_deferred(const struct delivery *d)
{
	for (size_t i = 0; i < d->env->nrcpts; i++)
		if (answers_verdict(&d->answers, i)->class == VERDICT_LATER)
			account_deferred(d->pool->account,
			    deferral_of(d, answers_get(&d->answers, i)), 1);
}

/* A partial result must be durable before any courier takes more work. */
static bool
is_partial(const struct delivery *d)
{
	bool has_ok = false, has_other = false;

	for (size_t i = 0; i < d->env->nrcpts; i++) {
		/* Decided before this delivery. */
		if (d->env->rcpts[i].state != RCPT_WAITING &&
		    answers_verdict(&d->answers, i)->class == VERDICT_NONE)
			continue;
		if (answers_verdict(&d->answers, i)->class == VERDICT_OK)
			has_ok = true;
		else
			has_other = true;
	}
	return has_ok && has_other;
}

/* The connection broke, or was broken off, while this message was being
 * answered: it may be the cause. */
static bool
broke_it(const struct answer *a)
{
	const struct verdict *v = &a->verdict;

	return v->class == VERDICT_LATER &&
	       (v->code == 0 || v->code == 421 ||
		   a->meaning.act == DIAGNOSIS_RECONNECT) &&
	       (v->stage == STAGE_MAIL || v->stage == STAGE_RCPT ||
		   v->stage == STAGE_DATA || v->stage == STAGE_END);
}

/* A message that breaks every connection must not be the first on each (R49):
 * it waits like one that was deferred.  A single break at MAIL does not count,
 * because the server may just have closed an idle connection; nor does the end
 * of a connection that has reached its limit. */
static bool
is_suspect(const struct delivery *d)
{
	bool is_spent = d->remote->is_spent, is_again;

	for (size_t i = 0; i < d->env->nrcpts; i++) {
		const struct answer *a = answers_get(&d->answers, i);
		enum verdict_stage stage = a->verdict.stage;

		if (!broke_it(a))
			continue;
		if (is_spent && stage != STAGE_END)
			return false;
		is_again = pool_suspects(d->pool, d->qd);
		d->remote->is_explained = pool_knows(d->pool, d->qd);
		if (a->meaning.act == DIAGNOSIS_RECONNECT)
			return d->remote->is_explained;
		return is_again || (stage != STAGE_MAIL && !is_spent);
	}
	return false;
}

/* What the answers mean for the account.  True: the trouble is the account's
 * and no answer is final, so nothing is charged to the message. */
static bool
is_untried(const struct delivery *d)
{
	bool is_account = !is_suspect(d);

	for (size_t i = 0; i < d->env->nrcpts; i++) {
		const struct answer *a = answers_get(&d->answers, i);
		const struct verdict *v = &a->verdict;

		if (v->class == VERDICT_NONE)
			continue;
		/* The courier reports a lost connection; one that has reached
		 * its limit is no trouble. */
		if (v->is_uncertain ||
		    (!(d->is_void && v->class == VERDICT_LATER) &&
			!(v->code == 0 && broke_it(a)) &&
			!(v->code == 421 && d->remote->is_spent) &&
			!pool_heard_of(d->pool, d->opts, a, d->qd)))
			is_account = false;
	}
	return is_account;
}

static bool
wants_relayed(const struct delivery *d)
{
	for (size_t i = 0; i < d->env->nrcpts; i++)
		if (answers_verdict(&d->answers, i)->class == VERDICT_OK &&
		    (d->env->rcpts[i].notify & DSN_NOTIFY_SUCCESS) != 0)
			return true;
	return false;
}

/* RFC 3461 5.2.2: NOTIFY=SUCCESS ends here, and its sender is told. */
static void
tell_relayed(const struct delivery *d)
{
	const struct outbound_hooks *hooks = d->pool->hooks;
	struct envelope *env;
	char *head;
	size_t n = 0;

	if (d->offers_dsn || hooks->relayed == NULL || !wants_relayed(d))
		return;
	env = envelope_dup(d->env);
	for (size_t i = 0; i < env->nrcpts; i++) {
		struct rcpt *r = &env->rcpts[i];

		/* Earlier attempts have reported theirs. */
		r->state = answers_verdict(&d->answers, i)->class == VERDICT_OK
			       ? RCPT_SENT
			       : RCPT_WAITING;
		if (r->state == RCPT_SENT)
			rcpt_set_verdict(r, answers_verdict(&d->answers, i));
	}
	head = xmalloc(HEAD_MAX);
	/* A notice without the header is better than none. */
	IGNORE(queue_claim_read(d->qd, 0, head, HEAD_MAX, &n, NULL));
	hooks->relayed(hooks->ctx, env, bytes_of(head, n));
	free(head);
	envelope_free(env);
}

/* This message waits for a person. */
static void
alert_held(const struct pool *p, const char *id, const char *why)
{
	struct queue_item it;
	char text[ENVELOPE_ID_SIZE + DIAGNOSIS_REASON_MAX + 2];

	/* A client that waited has been told. */
	if (!queue_find(p->queue, id, &it) || it.state != QUEUE_STATE_HELD)
		return;
	(void)snprintf(text, sizeof(text), "%s: %s", id, why);
	account_alert(p->account, "message-held", text);
}

static void
end_held(struct delivery *d, bool must_settle)
{
	char id[ENVELOPE_ID_SIZE];
	struct buf why;

	memcpy(id, d->env->id, sizeof(id));
	buf_init(&why, DIAGNOSIS_REASON_MAX);
	diagnosis_reason(&d->hold.verdict, &d->hold.meaning, &why);
	queue_claim_end(d->qd, QUEUE_END_HELD, &d->hold.verdict, 0,
	    must_settle ? pool_settled : NULL, d->pool);
	alert_held(d->pool, id, buf_str(&why));
	buf_clear(&why);
}

void
delivery_end(struct delivery *d, const struct verdict *v)
{
	bool must_settle = is_partial(d) || queue_syncs_each(d->pool->queue);
	bool untried;

	/* Written before it is logged, so that a kill cannot undo it. */
	queue_claim_note(d->qd);
	log_outcome(d);
	count_deferred(d);
	tell_relayed(d);
	untried = is_untried(d) && (v == NULL || v->stage != STAGE_LOCAL);
	if (d->is_sent)
		pool_sent(d->pool, d->opts);
	if (must_settle && !untried)
		pool_settling(d->pool);
	if (untried)
		queue_claim_end(d->qd, QUEUE_END_UNTRIED, NULL, 0, NULL, NULL);
	else if (d->hold.verdict.class != VERDICT_NONE)
		end_held(d, must_settle);
	else
		queue_claim_end(d->qd, QUEUE_END_TRIED, v, 0,
		    must_settle ? pool_settled : NULL, d->pool);
	list_remove(&d->link);
	for (size_t i = 0; i < d->naddrs; i++)
		free(d->addrs[i]);
	free(d->addrs);
	free(d->sender);
	content_free(d->content);
	account_opts_free(d->opts);
	free(d->rcpts);
	free(d->index);
	free(d->offered);
	answers_clear(&d->answers);
	free(d);
}
