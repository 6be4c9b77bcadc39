/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "outbound/delivery_impl.h"

#include <string.h>

#include "base/log.h"
#include "base/str.h"
#include "base/xalloc.h"
#include "mail/addr.h"
#include "mail/diagnosis.h"
#include "mail/envelope.h"
#include "mail/idna.h"
#include "outbound/null_sender.h"
#include "queue/queue.h"
#include "smtp/smtp_caps.h"
#include "smtp/smtp_client.h"

/* A server that accepted only one recipient usually had another reason: the
 * next message offers at least this many. */
enum { RCPTS_MIN = 2 };

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
    const struct smtp_client *smtp, const struct delivery_remote *remote)
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
	d->was_suspect = delivery_is_suspect(d);
	d->env = queue_claim_envelope(qd);
	d->first = queue_claim_next_rcpt(qd);
	d->remote = remote;
	d->rcpts = xcalloc(d->env->nrcpts, sizeof(*d->rcpts));
	d->index = xcalloc(d->env->nrcpts, sizeof(*d->index));
	answers_init(&d->answers, d->env->nrcpts);
	d->offered = xcalloc(d->env->nrcpts, sizeof(*d->offered));
	d->began_ms = delivery_now_ms(d);
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
delivery_is_suspect(const struct delivery *d)
{
	return queue_claim_suspicion(d->qd) != 0;
}

void
delivery_stalls(struct delivery *d)
{
	pool_suspects(d->pool, d->qd);
}

bool
delivery_is_cause(const struct delivery *d)
{
	return pool_is_known_cause(d->pool, d->qd);
}

/* --- the transaction ------------------------------------------------------ */

static bool
is_to_offer(const struct delivery *d, size_t i)
{
	return i >= d->first && d->env->rcpts[i].state == RCPT_WAITING &&
	       !d->offered[i];
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
delivery_was_answered(const struct delivery *d)
{
	return d->was_answered;
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
	size_t limit = (size_t)smtp_client_caps(smtp)->rcpt_max;

	size_t learnt = account_fact(d->pool->account, LEARNT_RCPT_MAX);

	if (max == 0 || (limit != 0 && limit < max))
		max = limit;
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
	if (d->mark != DELIVERY_MARKING)
		d->mark = DELIVERY_UNMARKED;
	d->has_dsn = smtp_client_caps(smtp)->has_dsn;
	content_rewind(d->content);
	account_spend(d->pool->account, n);
	queue_claim_round_trip(d->qd, smtp_client_round_trip_ms(smtp));
	smtp_client_send(smtp, &d->job);
}

static void
on_marked(void *ctx)
{
	struct delivery *d = ctx;

	d->mark = queue_claim_may_end(d->qd) ? DELIVERY_MARKED
					     : DELIVERY_DENIED;
	d->remote->go_on(d->remote->ctx);
}

/* The end of the message follows the last byte of the body at once, so the mark
 * must be there before.  False: not yet. */
static bool
may_end(struct delivery *d)
{
	if (d->mark == DELIVERY_UNMARKED)
		d->mark = queue_claim_mark(d->qd, d->index, d->job.nrcpts,
			      d->remote->who, on_marked, d)
			      ? DELIVERY_MARKED
			      : DELIVERY_MARKING;
	return d->mark == DELIVERY_MARKED;
}

bool
delivery_feed(struct delivery *d, struct smtp_client *smtp)
{
	struct bytes piece;
	struct err err;
	bool went = false;
	size_t n;

	for (;;) {
		if (d->mark == DELIVERY_DENIED) {
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
 * 4yz may be for good (a row of the user's), or be 552 for a full mailbox,
 * which the engine takes for "later"; code and text stay as they were said. */
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
	d->was_answered |= !is_over;
	if (!is_over)
		queue_claim_note(d->qd);
	return is_over;
}
