/* SPDX-License-Identifier: GPL-3.0-or-later */
/* test_roundtrip.c - whatever mail is handed in goes out identical, or repaired
 * as documented (tests/property/model.h), and nothing on the wire is a bare CR,
 * LF or NUL.
 *
 * Random mail (mails.h) takes the real road: the command's own filters or none,
 * the server engine, incoming with its the intake, the queue and its spool;
 * then the queue is closed and opened again, and what it holds goes through the
 * account's identity and repair and the client engine to a server that forgives
 * nothing (strict.h).  That server offers other extensions each time.
 *
 * PROPERTY_COUNT is how many (6000), PROPERTY_SEED where to begin; both are
 * printed.  After a failure the seed that is told plays it again with a count
 * of one; PROPERTY_SHOW is how many bytes of the message are shown then.
 */
#include "tests/lib/check.h"

#include <stdio.h>
#include <stdlib.h>

#include "inbound/incoming.h"
#include "mail/addr.h"
#include "mail/idna.h"
#include "net/loop.h"
#include "net/people.h"
#include "outbound/delivery.h"
#include "rewrite/identity.h"
#include "sendmail/sendmail_input.h"
#include "sendmail/sendmail_message.h"
#include "smtp/smtp_caps.h"
#include "smtp/smtp_client.h"
#include "smtp/smtp_dot.h"
#include "smtp/smtp_server.h"
#include "tests/lib/queue_fixture.h"
#include "tests/property/mails.h"
#include "tests/property/model.h"
#include "tests/property/strict.h"

enum {
	BATCH = 50,
	COUNT = 6000,
	TRANSACTIONS_MAX = 2,
	STREAM_MAX = 1 << 26,
	TURNS_MAX = 10000000,
	SHOWN = 4000
};

#define SENDMAIL_FROM "user@" MODEL_HOST

enum road { ROAD_DATA, ROAD_BDAT, ROAD_SENDMAIL };

/* A transaction as the server saw it. */
struct seen {
	char *sender, *params;
	size_t nrcpts;
	char **rcpts, **rcpt_params;
	struct buf content;
};

struct sample {
	uint64_t seed;
	struct mails_mail mail;
	enum road road;
	struct buf text; /* the lines that were submitted */
	char id[ENVELOPE_ID_SIZE]; /* "": it was refused */
	struct verdict refusal;
	struct verdict failure; /* of a recipient, on the way out */
	struct seen seen[TRANSACTIONS_MAX];
	size_t nseen;
};

struct bench {
	struct queue_fixture fixture;
	struct loop *loop;
	struct inbound_shared shared;
	struct random_source chance;
	struct sample samples[BATCH];
	size_t n;
	struct strict_opts server; /* of this batch */
	/* what the whole run came to */
	unsigned long ntaken, nrefused, nunsendable, nrepaired, nrecipients;
};

static void
add(struct buf *to, const char *p, size_t n)
{
	assert_true(buf_add(to, p, n));
}

static void
adds(struct buf *to, const char *s)
{
	assert_true(buf_adds(to, s));
}

static unsigned long long
number(const char *name, unsigned long long otherwise)
{
	const char *text = getenv(name);

	return text != NULL && *text != '\0' ? strtoull(text, NULL, 10)
					     : otherwise;
}

static void
show(const char *title, struct bytes b)
{
	size_t max = number("PROPERTY_SHOW", SHOWN);
	struct buf shown;

	buf_init(&shown, STREAM_MAX);
	for (size_t i = 0; i < b.n && i < max; i++) {
		unsigned char c = (unsigned char)b.p[i];

		if (c == '\n')
			adds(&shown, "\\n\n");
		else if (c >= ' ' && c < 0x7f)
			assert_true(buf_addc(&shown, (char)c));
		else
			assert_true(buf_addf(&shown, "\\x%02x", c));
	}
	/* cmocka's own cuts it short. */
	(void)fprintf(
	    stderr, "--- %s, %zu bytes\n%s\n", title, b.n, buf_str(&shown));
	buf_clear(&shown);
}

#define REQUIRE(s, cond, ...)                                                  \
	do {                                                                   \
		if (!(cond)) {                                                 \
			print_error("PROPERTY_SEED=%llu PROPERTY_COUNT=1\n",   \
			    (unsigned long long)(s)->seed);                    \
			show("submitted", buf_bytes(&(s)->text));              \
			if ((s)->nseen > 0)                                    \
				show("on the wire",                            \
				    buf_bytes(&(s)->seen[0].content));         \
			fail_msg(__VA_ARGS__);                                 \
		}                                                              \
	} while (0)

/* --- the machine ---------------------------------------------------------- */

static bool
is_local(void *ctx, const char *addr)
{
	(void)ctx;
	return addr_is_local_name(bytes_str(addr), MODEL_HOST);
}

static bool
resolve(void *ctx, const char *addr, struct addr_list *to)
{
	addr_list_add(to, is_local(ctx, addr) ? MODEL_ADMIN : addr);
	return true;
}

static bool
refuses(void *ctx, const struct envelope *e, struct verdict *ret)
{
	(void)ctx;
	(void)e;
	(void)ret;
	return false;
}

static void
bench_open(struct bench *b)
{
	struct err err;

	fixture_init(&b->fixture, FIXTURE_DISK);
	assert_int_equal(loop_new(&b->fixture.clock, &b->loop, &err), 0);
	b->shared.loop = b->loop;
	b->shared.opts = (struct inbound_opts) {
		.hostname = MODEL_HOST,
		.refuses = refuses,
		.locals = { is_local, resolve, NULL, NULL },
	};
	for (size_t i = 0; i < BATCH; i++) {
		mails_init(&b->samples[i].mail);
		buf_init(&b->samples[i].text, STREAM_MAX);
	}
}

static void
seen_clear(struct seen *s)
{
	for (size_t i = 0; i < s->nrcpts; i++) {
		free(s->rcpts[i]);
		free(s->rcpt_params[i]);
	}
	free(s->rcpts);
	free(s->rcpt_params);
	free(s->sender);
	free(s->params);
	buf_clear(&s->content);
}

static void
sample_reset(struct sample *s)
{
	for (size_t i = 0; i < s->nseen; i++)
		seen_clear(&s->seen[i]);
	s->nseen = 0;
	s->id[0] = '\0';
	s->refusal = (struct verdict) { .class = VERDICT_NONE };
	s->failure = (struct verdict) { .class = VERDICT_NONE };
	buf_reset(&s->text);
}

static void
bench_close(struct bench *b)
{
	for (size_t i = 0; i < BATCH; i++) {
		sample_reset(&b->samples[i]);
		mails_clear(&b->samples[i].mail);
		buf_clear(&b->samples[i].text);
	}
	assert_true(loop_free(b->loop));
	fixture_clear(&b->fixture);
}

/* --- in ------------------------------------------------------------------- */

/* What the client of this sample sends, all at once. */
static void
put_envelope(struct sample *s, struct buf *to)
{
	static const char *const rets[] = { "", " RET=FULL", " RET=HDRS" };
	static const struct {
		unsigned bit;
		const char *word;
	} words[] = { { DSN_NOTIFY_NEVER, "NEVER" },
		{ DSN_NOTIFY_SUCCESS, "success" },
		{ DSN_NOTIFY_FAILURE, "FAILURE" },
		{ DSN_NOTIFY_DELAY, "Delay" } };
	struct mails_mail *m = &s->mail;
	bool is_cmd = s->road == ROAD_SENDMAIL;

	assert_true(
	    buf_addf(to, is_cmd ? "MAIL FROM:<%s>%s" : "mail From: %s%s",
		is_cmd ? m->sender.canonical : m->sender.path, rets[m->ret]));
	if (m->envid[0] != '\0')
		assert_true(buf_addf(to, " ENVID=%s", m->envid));
	if (m->says_8bit)
		adds(to, " BODY=8BITMIME");
	if (m->says_utf8)
		adds(to, " SMTPUTF8");
	adds(to, "\r\n");
	for (size_t i = 0; i < m->nrcpts; i++) {
		const struct mails_rcpt *r = &m->rcpts[i];
		const char *between = " NOTIFY=";

		assert_true(buf_addf(to, is_cmd ? "RCPT TO:<%s>" : "RCPT to:%s",
		    is_cmd ? r->addr.canonical : r->addr.path));
		for (size_t k = 0; k < ARRAY_LEN(words); k++)
			if ((r->notify & words[k].bit) != 0) {
				assert_true(buf_addf(
				    to, "%s%s", between, words[k].word));
				between = ",";
			}
		if (r->orcpt[0] != '\0')
			assert_true(buf_addf(to, " ORCPT=%s", r->orcpt));
		adds(to, "\r\n");
	}
}

/* By its own words: a dot behind CR LF is doubled, and the last line ended. */
static void
put_data(struct bytes b, struct buf *to)
{
	adds(to, "DATA\r\n");
	for (size_t i = 0; i < b.n; i++) {
		if (b.p[i] == '.' && (i == 0 || (i >= 2 && b.p[i - 1] == '\n' &&
						    b.p[i - 2] == '\r')))
			adds(to, ".");
		add(to, b.p + i, 1);
	}
	if (b.n > 0 &&
	    (b.n < 2 || b.p[b.n - 1] != '\n' || b.p[b.n - 2] != '\r'))
		adds(to, "\r\n");
	adds(to, ".\r\n");
}

static void
put_chunks(struct bench *b, struct bytes text, struct buf *to)
{
	size_t at = 0, n;

	do {
		n = random_below(&b->chance, (uint32_t)(text.n - at) + 1);
		if (random_below(&b->chance, 3) == 0)
			n = text.n - at;
		assert_true(buf_addf(
		    to, "BDAT %zu%s\r\n", n, at + n == text.n ? " LAST" : ""));
		add(to, text.p + at, n);
		at += n;
	} while (at < text.n);
}

/* As sendmail reads, mends and frames it.  False: it refuses it itself. */
static bool
put_sendmail(struct bench *b, struct sample *s, struct buf *to)
{
	struct bytes text = buf_bytes(&s->mail.text);
	struct sendmail_wishes w = { .from = "Full Name <" SENDMAIL_FROM ">" };
	struct sendmail_message m;
	struct sendmail_input in;
	struct smtp_stuff st;
	struct err err;
	bool ok;

	sendmail_input_init(&in, random_below(&b->chance, 2) == 0);
	for (size_t at = 0, n; at < text.n; at += n) {
		n = 1 + random_below(&b->chance, (uint32_t)(text.n - at));
		assert_int_equal(
		    sendmail_input_put(&in, text.p + at, n, &err), 0);
	}
	assert_int_equal(sendmail_input_end(&in, &err), 0);
	sendmail_message_init(&m);
	ok = sendmail_message_set(&m, buf_bytes(&in.text), &w, &err) == 0;
	if (ok) {
		adds(to, "DATA\r\n");
		smtp_stuff_init(&st);
		st.keeps_nul = true;
		assert_int_equal(
		    smtp_stuff_put(&st, buf_str(&m.head), buf_len(&m.head), to),
		    buf_len(&m.head));
		assert_int_equal(
		    smtp_stuff_put(&st, m.body.p, m.body.n, to), m.body.n);
		assert_true(smtp_stuff_end(&st, to));
	}
	/* The model's word on where a lone dot ends it. */
	if (!in.ignores_dots) {
		const char *p = buf_str(&s->text);
		size_t n = buf_len(&s->text);

		for (size_t i = 0; i + 2 < n; i++)
			if (p[i] == '.' && p[i + 1] == '\r' &&
			    (i == 0 || p[i - 1] == '\n')) {
				buf_truncate(&s->text, i);
				break;
			}
	}
	if (!ok)
		verdict_local(&s->refusal, VERDICT_NEVER, STAGE_LOCAL, 554,
		    "5.3.4", err.text);
	sendmail_message_clear(&m);
	sendmail_input_clear(&in);
	return ok;
}

/* What session.c does with the events, less the sockets. */
struct visit {
	struct bench *b;
	struct sample *s;
	struct smtp_server *smtp;
	struct person by;
	struct envelope *env;
	struct addr_list known;
	struct incoming *r;
	bool is_waiting, is_done;
	struct buf said;
};

static void
on_told(void *ctx, const struct queue_told *t)
{
	struct visit *v = ctx;

	assert_int_equal(t->outcome, QUEUE_SAFE);
	memcpy(v->s->id, v->env->id, sizeof(v->s->id));
	v->is_waiting = false;
	smtp_server_reply(v->smtp, 250, "2.0.0", "queued");
}

static void
begin(struct visit *v)
{
	if (v->r == NULL)
		v->r = incoming_new(
		    &v->b->shared, v->env, &v->by, smtp_server_with(v->smtp));
}

static void
on_end(struct visit *v)
{
	begin(v);
	v->is_done = true;
	v->is_waiting = incoming_offer(v->r, QUEUE_MODE_QUEUE, on_told, v);
	if (v->is_waiting)
		return;
	v->s->refusal = *incoming_refusal(v->r);
	smtp_server_reply(v->smtp, v->s->refusal.code, v->s->refusal.enhanced,
	    v->s->refusal.text);
}

static void
on_event(struct visit *v, enum ss_event ev, const struct ss_info *info)
{
	struct locals_rcpt rcpt = { info->addr, info->rcpt.orcpt,
		info->rcpt.notify };

	switch (ev) {
	case SS_MAIL:
		v->env = envelope_new();
		envelope_set(&v->env->sender, info->addr);
		envelope_set(&v->env->envid, info->mail.envid);
		v->env->ret = info->mail.ret;
		v->env->is_8bit = info->mail.is_8bit;
		v->env->is_utf8 = info->mail.is_utf8;
		envelope_set(&v->env->peer, "127.0.0.1:40112");
		envelope_set(&v->env->helo, smtp_server_helo(v->smtp));
		smtp_server_reply(v->smtp, 250, "2.1.0", "ok");
		break;
	case SS_RCPT:
		assert_true(locals_add_rcpt(&v->b->shared.opts.locals,
		    v->b->shared.opts.hostname, v->env, &v->known, &rcpt));
		smtp_server_reply(v->smtp, 250, "2.1.5", "ok");
		break;
	case SS_BODY:
		begin(v);
		incoming_put(v->r, info->body);
		break;
	case SS_END:
		on_end(v);
		break;
	case SS_IDLE:
	case SS_COMMAND:
	case SS_ABORT:
	case SS_CLOSE:
		break;
	}
}

static void
pump(struct visit *v)
{
	struct ss_info info;
	enum ss_event ev;
	const void *p;
	size_t n;

	smtp_server_tick(v->smtp, v->b->fixture.boot_ms);
	while ((ev = smtp_server_next(v->smtp, &info)) != SS_IDLE &&
	       ev != SS_CLOSE)
		on_event(v, ev, &info);
	while ((n = smtp_server_peek(v->smtp, &p)) > 0) {
		add(&v->said, p, n);
		smtp_server_sent(v->smtp, n);
	}
}

static void
converse(struct visit *v, struct bytes stream)
{
	bool is_whole = random_below(&v->b->chance, 3) > 0;

	pump(v);
	for (int turn = 0; stream.n > 0; turn++) {
		size_t room = smtp_server_room(v->smtp);
		size_t n = room < stream.n ? room : stream.n;

		REQUIRE(v->s, turn < TURNS_MAX && room > 0, "it stalls: %s",
		    buf_str(&v->said));
		if (!is_whole)
			n = 1 + random_below(&v->b->chance, (uint32_t)n);
		smtp_server_put(v->smtp, stream.p, n);
		stream = bytes_of(stream.p + n, stream.n - n);
		pump(v);
	}
	REQUIRE(v->s, v->is_done, "it was not taken: %s", buf_str(&v->said));
	for (int turn = 0; v->is_waiting && turn < 100; turn++)
		(void)fixture_tick(&v->b->fixture);
	pump(v);
	REQUIRE(v->s, !v->is_waiting, "the queue says nothing");
}

static void
submit(struct bench *b, struct sample *s)
{
	struct smtp_server_opts opts = { .hostname = MODEL_HOST,
		.may_chunk = true };
	struct visit v = { .b = b, .s = s, .by = { .uid = UID_UNKNOWN } };
	struct buf stream;
	bool is_sent = true;

	buf_init(&stream, STREAM_MAX);
	buf_init(&v.said, STREAM_MAX);
	adds(&stream, "EHLO client.example\r\n");
	if (s->road == ROAD_SENDMAIL)
		s->mail.says_8bit = false;
	put_envelope(s, &stream);
	if (s->road == ROAD_DATA) {
		put_data(buf_bytes(&s->mail.text), &stream);
		/* The client ended a last line that had a bare end. */
		if (buf_len(&s->mail.text) > 0 &&
		    (buf_len(&s->mail.text) < 2 ||
			memcmp(
			    buf_str(&s->mail.text) + buf_len(&s->mail.text) - 2,
			    "\r\n", 2) != 0))
			adds(&s->mail.text, "\r\n");
	}
	model_lines(buf_bytes(&s->mail.text), &s->text);
	if (s->road == ROAD_BDAT)
		put_chunks(b, buf_bytes(&s->mail.text), &stream);
	if (s->road == ROAD_SENDMAIL)
		is_sent = put_sendmail(b, s, &stream);
	if (is_sent) {
		v.smtp = smtp_server_new(&opts);
		b->shared.queue = b->fixture.q;
		converse(&v, buf_bytes(&stream));
	}
	incoming_free(v.r);
	envelope_free(v.env);
	addr_list_clear(&v.known);
	smtp_server_free(v.smtp);
	buf_clear(&v.said);
	buf_clear(&stream);
}

/* --- out ------------------------------------------------------------------ */

/* A delivery, as outbound/delivery.c makes its transactions. */
struct parcel {
	struct sample *s;
	struct queue_claim *qd;
	const struct envelope *env;
	struct content *content;
	struct smtp_job job;
	struct smtp_job_rcpt rcpts[MAILS_RCPTS_MAX];
	char *addrs[MAILS_RCPTS_MAX], *sender;
	bool offered[MAILS_RCPTS_MAX];
	bool is_busy, is_over;
};

struct tour {
	struct bench *b;
	struct smtp_client *c;
	struct strict strict;
	struct parcel parcels[BATCH];
	size_t n;
	struct parcel *body;
	bool is_ready, is_closed;
};

static struct sample *
sample_of(struct bench *b, const char *id)
{
	for (size_t i = 0; i < b->n; i++)
		if (strcmp(b->samples[i].id, id) == 0)
			return &b->samples[i];
	fail_msg("nobody knows %s", id);
	return NULL;
}

/* Which it is says its Received field. */
static struct sample *
sample_by_trace(struct bench *b, struct bytes content)
{
	const char *at = memmem(content.p, content.n, " id", 3);
	char id[ENVELOPE_ID_SIZE] = "";

	assert_non_null(at);
	at += 3;
	at += strspn(at, " \r\n");
	(void)snprintf(id, sizeof(id), "%.*s", (int)strcspn(at, " ;\r\n"), at);
	return sample_of(b, id);
}

static void
on_mail(void *ctx, const struct strict_mail *m)
{
	struct sample *s = sample_by_trace(ctx, buf_bytes(&m->content));
	struct seen *to = &s->seen[s->nseen];

	REQUIRE(s, s->nseen < TRANSACTIONS_MAX, "too many transactions");
	s->nseen++;
	*to = (struct seen) { strdup(m->sender), strdup(m->params), m->nrcpts,
		calloc(m->nrcpts, sizeof(char *)),
		calloc(m->nrcpts, sizeof(char *)), { 0 } };
	for (size_t i = 0; i < m->nrcpts; i++) {
		to->rcpts[i] = strdup(m->rcpts[i]);
		to->rcpt_params[i] = strdup(m->rcpt_params[i]);
	}
	buf_init(&to->content, STREAM_MAX);
	add(&to->content, buf_str(&m->content), buf_len(&m->content));
}

static char *
wire_form(const char *addr)
{
	struct bytes b = bytes_str(addr);
	struct buf ascii;

	buf_init(&ascii, 2 * ADDR_MAX);
	if (!idna_addr(&ascii, b))
		assert_true(buf_add(&ascii, b.p, b.n));
	return buf_steal(&ascii);
}

static bool
open_parcel(struct tour *t, struct queue_claim *qd)
{
	static const char *const allowed[] = { "*@" MODEL_ALLOWED_DOMAIN };
	struct content_opts opts = {
		.identity = { .address = MODEL_ADDRESS,
		    .allowed = allowed,
		    .nallowed = 1,
		    .hostname = MODEL_HOST },
		.has_8bitmime = t->b->server.has_8bitmime,
		.has_smtputf8 = t->b->server.has_smtputf8,
	};
	struct content_source source = delivery_source(qd);
	struct parcel *p = &t->parcels[t->n];
	struct err err;

	*p = (struct parcel) { .qd = qd };
	p->env = queue_claim_envelope(qd);
	p->s = sample_of(t->b, p->env->id);
	if (content_new(&source, &opts, &p->content, &err) != 0) {
		verdict_local(&p->s->failure, VERDICT_NEVER, STAGE_LOCAL, 554,
		    "5.6.0", err.text);
		queue_claim_end(
		    qd, QUEUE_END_TRIED, &p->s->failure, 0, NULL, NULL);
		return false;
	}
	p->sender = wire_form(content_identity(p->content)->sender);
	for (size_t i = 0; i < p->env->nrcpts; i++)
		p->addrs[i] = wire_form(p->env->rcpts[i].addr);
	t->n++;
	return true;
}

/* Recipients that need SMTPUTF8 go by themselves. */
static bool
send_group(struct tour *t, struct parcel *p)
{
	size_t n = 0;
	bool is_utf8 = false;

	for (size_t i = 0; i < p->env->nrcpts; i++) {
		const struct rcpt *r = &p->env->rcpts[i];

		if (p->offered[i])
			continue;
		if (n == 0)
			is_utf8 = mails_is_high(p->addrs[i]);
		if (is_utf8 != mails_is_high(p->addrs[i]))
			continue;
		p->offered[i] = true;
		p->rcpts[n++] = (struct smtp_job_rcpt) { p->addrs[i], r->orcpt,
			r->notify };
	}
	if (n == 0)
		return false;
	p->job = (struct smtp_job) {
		.tag = (uint64_t)(p - t->parcels),
		.sender = p->sender,
		.rcpts = p->rcpts,
		.nrcpts = n,
		.size_bytes = content_size(p->content),
		.is_8bit = content_is_8bit(p->content),
		.needs_utf8 = is_utf8 || mails_is_high(p->sender) ||
			      content_needs_utf8(p->content),
		.envid = p->env->envid,
		.ret = p->env->ret,
	};
	content_rewind(p->content);
	p->is_busy = true;
	smtp_client_send(t->c, &p->job);
	return true;
}

static void
close_parcel(struct parcel *p)
{
	struct verdict v;

	verdict_local(&v, VERDICT_OK, STAGE_END, 250, "", "ok");
	p->is_over = true;
	for (size_t i = 0; i < p->env->nrcpts; i++)
		free(p->addrs[i]);
	free(p->sender);
	content_free(p->content);
	queue_claim_end(p->qd, QUEUE_END_TRIED, &v, 0, NULL, NULL);
}

/* True: something happened. */
static bool
load(struct tour *t)
{
	struct parcel *p = t->body;
	struct bytes piece;
	struct err err;
	size_t n;

	if (p != NULL) {
		assert_int_equal(content_peek(p->content, &piece, &err), 0);
		if (piece.n == 0 ||
		    (n = smtp_client_body(t->c, piece.p, piece.n)) == 0) {
			t->body = NULL;
			return false;
		}
		content_used(p->content, n);
		return true;
	}
	if (!t->is_ready || !smtp_client_may_send(t->c))
		return false;
	for (size_t i = 0; i < t->n; i++) {
		p = &t->parcels[i];
		if (p->is_busy || p->is_over)
			continue;
		if (send_group(t, p))
			return true;
		close_parcel(p);
	}
	return false;
}

/* What is said of those in ASCII counts, if there are some. */
static void
note_failure(struct parcel *p, const struct sc_info *info)
{
	if (p->s->failure.class == VERDICT_NONE ||
	    !mails_is_high(p->rcpts[info->rcpt].addr))
		p->s->failure = info->verdict;
}

static bool
turn_client(struct tour *t)
{
	struct sc_info info;
	enum sc_event ev;
	bool went = false;

	smtp_client_tick(t->c, 1);
	while ((ev = smtp_client_next(t->c, &info)) != SC_IDLE) {
		went = true;
		if (ev == SC_READY)
			t->is_ready = true;
		else if (ev == SC_WANT_BODY)
			t->body = &t->parcels[info.job];
		else if (ev == SC_RCPT_DONE && info.verdict.class != VERDICT_OK)
			note_failure(&t->parcels[info.job], &info);
		else if (ev == SC_JOB_DONE)
			t->parcels[info.job].is_busy = false;
		else if (ev == SC_CLOSE)
			t->is_closed = true;
		if (t->is_closed)
			break;
	}
	return went;
}

static bool
carry(struct tour *t)
{
	struct random_source *d = &t->b->chance;
	const void *p;
	size_t n = smtp_client_peek(t->c, &p), room;
	bool went = n > 0;

	if (n > 0) {
		n = random_below(d, 2) == 0 ? n
					    : 1 + random_below(d, (uint32_t)n);
		if (!strict_put(&t->strict, p, n))
			fail_msg("PROPERTY_SEED=%llu PROPERTY_COUNT=%d: %s",
			    (unsigned long long)t->b->samples[0].seed, BATCH,
			    t->strict.trouble);
		smtp_client_sent(t->c, n);
	}
	n = buf_len(&t->strict.out);
	room = smtp_client_room(t->c);
	n = n < room ? n : room;
	if (n > 0) {
		smtp_client_put(t->c, buf_str(&t->strict.out), n);
		buf_drop(&t->strict.out, n);
		went = true;
	}
	return went;
}

static void
deliver(struct bench *b)
{
	struct smtp_client_opts opts = { .ehlo_name = "me.example",
		.tls = SC_TLS_OFF,
		.window_jobs = 1 + random_below(&b->chance, 8),
		.window_first = 1 + random_below(&b->chance, 8) };
	struct tour *t = calloc(1, sizeof(*t));
	struct queue_claim *qd;
	bool went = true;

	assert_non_null(t);
	t->b = b;
	t->c = smtp_client_new(&opts);
	strict_init(&t->strict, &b->server, on_mail, b);
	while ((qd = queue_take(b->fixture.q, 0)) != NULL)
		IGNORE(open_parcel(t, qd));
	for (int turn = 0; went; turn++) {
		assert_true(turn < TURNS_MAX);
		went = carry(t);
		went = turn_client(t) || went;
		went = load(t) || went;
	}
	for (size_t i = 0; i < t->n; i++)
		assert_true(t->parcels[i].is_over);
	assert_false(t->is_closed);
	strict_clear(&t->strict);
	smtp_client_free(t->c);
	free(t);
}

/* --- what must be true ---------------------------------------------------- */

static struct model_rules
rules_of(const struct bench *b, const struct sample *s)
{
	const char *sender = s->mail.sender.canonical;
	size_t n = strlen(sender);
	/* An "@" inside quotes is none. */
	const char *author = strchr(sender, '@') != NULL && sender[n - 1] != '"'
				 ? sender
				 : "postmaster@" MODEL_HOST;

	return (struct model_rules) {
		.has_8bitmime = b->server.has_8bitmime,
		.has_smtputf8 = b->server.has_smtputf8,
		.wants_utf8 = s->mail.says_utf8,
		.is_8bit = s->mail.says_8bit,
		.author = s->road == ROAD_SENDMAIL ? SENDMAIL_FROM : author,
		.author_of_empty = author,
		.is_from_nobody = n == 0,
	};
}

static const char *
expected_sender(const struct sample *s)
{
	const char *given = s->mail.sender.canonical;

	return given[0] != '\0' && model_allows(given) ? given : MODEL_ADDRESS;
}

struct expected {
	const char *addr;
	char orcpt[1200];
	unsigned notify;
};

/* RFC 3461 4.2, 6533 3: in ASCII whatever it was. */
static void
expected_orcpt(const struct mails_rcpt *r, bool is_local, struct expected *e)
{
	const char *given = r->addr.canonical;
	char *to = e->orcpt;

	*to = '\0';
	if (r->orcpt[0] != '\0') {
		for (const char *p = r->orcpt; *p != '\0'; p++) {
			unsigned c = (unsigned char)*p;

			if (c >= 0x80) { /* of two bytes, here */
				c = (c & 31) << 6 | (*++p & 63);
				to += sprintf(to, "\\x{%02X}", c);
			} else {
				to += sprintf(to, "%c", *p);
			}
		}
		return;
	}
	if (!is_local)
		return;
	to += sprintf(to, "rfc822;");
	for (const char *p = given; *p != '\0'; p++) {
		unsigned char c = (unsigned char)*p;

		to += sprintf(to,
		    c > ' ' && c < 0x7f && c != '+' && c != '=' ? "%c"
								: "+%02X",
		    c);
	}
	if (strrchr(given, '@') == NULL ||
	    (given[0] == '"' && given[strlen(given) - 1] == '"'))
		(void)sprintf(to, "@" MODEL_HOST);
}

static size_t
expected_rcpts(const struct sample *s, struct expected *to)
{
	size_t n = 0;

	for (size_t i = 0; i < s->mail.nrcpts; i++) {
		const struct mails_rcpt *r = &s->mail.rcpts[i];
		bool is_here = model_is_local(r->addr.canonical), is_new = true;
		const char *addr = is_here ? MODEL_ADMIN : r->addr.canonical;

		for (size_t k = 0; k < n; k++)
			is_new = is_new && strcmp(to[k].addr, addr) != 0;
		if (!is_new)
			continue;
		to[n].addr = addr;
		to[n].notify = r->notify;
		expected_orcpt(r, is_here, &to[n]);
		n++;
	}
	return n;
}

static bool
param_is(const char *params, const char *key, const char *value)
{
	size_t n;
	const char *p = strict_param(params, key, &n);

	if (value[0] == '\0')
		return p == NULL;
	return p != NULL && n == strlen(value) && strncmp(p, value, n) == 0;
}

static const char *
notify_text(unsigned n)
{
	static const char *const words[16] = { "", "NEVER", "SUCCESS", NULL,
		"FAILURE", NULL, "SUCCESS,FAILURE", NULL, "DELAY", NULL,
		"SUCCESS,DELAY", NULL, "FAILURE,DELAY", NULL,
		"SUCCESS,FAILURE,DELAY" };

	return words[n];
}

static bool
has_high_header(struct bytes content)
{
	const char *end = memmem(content.p, content.n, "\r\n\r\n", 4);
	size_t n = end != NULL ? (size_t)(end - content.p) : content.n;

	for (size_t i = 0; i < n; i++)
		if ((unsigned char)content.p[i] >= 0x80)
			return true;
	return false;
}

static bool
has_high_body(struct bytes content)
{
	const char *at = memmem(content.p, content.n, "\r\n\r\n", 4);

	for (; at != NULL && at < content.p + content.n; at++)
		if ((unsigned char)*at >= 0x80)
			return true;
	return false;
}

/* MAIL of one transaction. */
static void
check_mail(struct bench *b, struct sample *s, const struct seen *t)
{
	static const char *const rets[] = { "", "FULL", "HDRS" };
	struct bytes content = buf_bytes(&t->content);
	char *sender = wire_form(expected_sender(s));
	bool needs_utf8 = mails_is_high(t->sender) || has_high_header(content);
	char size[32];
	size_t n;

	REQUIRE(s, strcmp(sender, t->sender) == 0, "sender %s", t->sender);
	free(sender);
	(void)snprintf(size, sizeof(size), "%zu", content.n);
	REQUIRE(s, param_is(t->params, "SIZE", b->server.has_size ? size : ""),
	    "SIZE of %zu:%s", content.n, t->params);
	REQUIRE(s,
	    param_is(
		t->params, "RET", b->server.has_dsn ? rets[s->mail.ret] : ""),
	    "RET:%s", t->params);
	REQUIRE(s,
	    param_is(
		t->params, "ENVID", b->server.has_dsn ? s->mail.envid : ""),
	    "ENVID:%s", t->params);
	for (size_t i = 0; i < t->nrcpts; i++)
		needs_utf8 |= mails_is_high(t->rcpts[i]);
	REQUIRE(s,
	    (strict_param(t->params, "SMTPUTF8", &n) != NULL) == needs_utf8,
	    "SMTPUTF8:%s", t->params);
	REQUIRE(s,
	    !has_high_body(content) ||
		strict_param(t->params, "BODY", &n) != NULL,
	    "8 bits and no BODY:%s", t->params);
}

/* Each recipient once, in some transaction, with its own wishes. */
static void
check_rcpts(struct bench *b, struct sample *s)
{
	struct expected e[MAILS_RCPTS_MAX];
	size_t n = expected_rcpts(s, e), found = 0, all = 0;

	for (size_t k = 0; k < s->nseen; k++)
		all += s->seen[k].nrcpts;
	for (size_t i = 0; i < n; i++) {
		char *addr = wire_form(e[i].addr);
		size_t times = 0;

		for (size_t k = 0; k < s->nseen; k++)
			for (size_t j = 0; j < s->seen[k].nrcpts; j++) {
				const char *p = s->seen[k].rcpt_params[j];

				if (strcmp(s->seen[k].rcpts[j], addr) != 0)
					continue;
				times++;
				REQUIRE(s,
				    param_is(p, "ORCPT",
					b->server.has_dsn ? e[i].orcpt : "") &&
					param_is(p, "NOTIFY",
					    b->server.has_dsn
						? notify_text(e[i].notify)
						: ""),
				    "%s: %s, not %s", addr, p, e[i].orcpt);
			}
		if (mails_is_high(addr) && !b->server.has_smtputf8)
			REQUIRE(s,
			    times == 0 && s->failure.class == VERDICT_NEVER,
			    "%s to a server without SMTPUTF8", addr);
		else
			REQUIRE(s, times == 1, "%s: %zu times", addr, times);
		found += times;
		free(addr);
	}
	REQUIRE(s, found == all, "somebody else got it, too");
	b->nrecipients += found;
}

static void
check_sent(struct bench *b, struct sample *s, const struct model_rules *rules)
{
	struct buf why;

	buf_init(&why, STREAM_MAX);
	for (size_t i = 0; i < s->nseen; i++) {
		const struct seen *t = &s->seen[i];

		check_mail(b, s, t);
		REQUIRE(s,
		    model_same(buf_bytes(&s->text), buf_bytes(&t->content),
			rules, &why),
		    "%s", buf_str(&why));
	}
	buf_clear(&why);
	check_rcpts(b, s);
}

static bool
needs_utf8_sender(const struct sample *s)
{
	char *sender = wire_form(expected_sender(s));
	bool is = mails_is_high(sender);

	free(sender);
	return is;
}

/* Every recipient needs SMTPUTF8. */
static bool
nobody_is_ascii(const struct sample *s)
{
	struct expected e[MAILS_RCPTS_MAX];
	size_t n = expected_rcpts(s, e);
	bool is = true;

	for (size_t i = 0; i < n; i++) {
		char *addr = wire_form(e[i].addr);

		is = is && mails_is_high(addr);
		free(addr);
	}
	return is;
}

static bool
has_nul(const struct buf *b)
{
	return memchr(buf_str(b), '\0', buf_len(b)) != NULL;
}

static void
check(struct bench *b, struct sample *s)
{
	struct model_rules rules = rules_of(b, s);
	struct model_judgment j = model_judge(buf_bytes(&s->text), &rules);

	if ((j.fate == MODEL_SENT || strcmp(j.enhanced, "5.6.3") == 0) &&
	    needs_utf8_sender(s) && !b->server.has_smtputf8)
		j.fate = MODEL_UNSENDABLE, j.enhanced = "5.6.7";
	b->nrepaired += j.is_repaired && s->nseen > 0;
	if (s->id[0] == '\0') {
		b->nrefused++;
		REQUIRE(s,
		    j.is_vague ||
			(j.fate == MODEL_REFUSED &&
			    (strcmp(j.enhanced, s->refusal.enhanced) == 0 ||
				/* of two reasons sendmail sees this one
				 * first */
				has_nul(&s->text))),
		    "refused: %s %s, not %d %s", s->refusal.enhanced,
		    s->refusal.text, j.fate, j.enhanced);
		return;
	}
	b->ntaken++;
	REQUIRE(s, j.fate != MODEL_REFUSED || j.is_vague,
	    "it was taken, and should be refused with %s", j.enhanced);
	if (s->nseen == 0) {
		b->nunsendable++;
		REQUIRE(s, s->failure.class == VERDICT_NEVER, "lost: %s",
		    s->failure.text);
		REQUIRE(s,
		    j.is_vague ||
			(j.fate == MODEL_UNSENDABLE &&
			    strcmp(j.enhanced, s->failure.enhanced) == 0) ||
			(nobody_is_ascii(s) && !b->server.has_smtputf8 &&
			    strcmp(s->failure.enhanced, "5.6.7") == 0),
		    "not sent: %s %s, not %s", s->failure.enhanced,
		    s->failure.text, j.enhanced);
		return;
	}
	REQUIRE(s, j.fate == MODEL_SENT || j.is_vague,
	    "it was sent, and should not be: %s", j.enhanced);
	check_sent(b, s, &rules);
}

/* --- the run -------------------------------------------------------------- */

/* The batch decides over the server, the sample over itself: so a sample may be
 * played again alone. */
static void
choose_server(struct bench *b, uint64_t seed)
{
	struct random_source d = { .state = seed / BATCH };

	b->server = (struct strict_opts) {
		.has_pipelining = random_below(&d, 4) != 0,
		.has_chunking = random_below(&d, 2) == 0,
		.has_8bitmime = random_below(&d, 2) == 0,
		.has_smtputf8 = random_below(&d, 2) == 0,
		.has_dsn = random_below(&d, 2) == 0,
		.has_size = random_below(&d, 3) != 0,
	};
	/* RFC 6531 3.1 (8) */
	b->server.has_8bitmime |= b->server.has_smtputf8;
}

static void
run_batch(struct bench *b, uint64_t seed, size_t n)
{
	choose_server(b, seed);
	b->n = n;
	for (size_t i = 0; i < n; i++) {
		struct sample *s = &b->samples[i];

		sample_reset(s);
		s->seed = seed + i;
		b->chance.state = s->seed * UINT64_C(0xd1342543de82ef95);
		s->road = random_below(&b->chance, 3);
		mails_make(&s->mail, &b->chance);
		submit(b, s);
	}
	fixture_restart(&b->fixture);
	(void)fixture_tick(&b->fixture);
	queue_flush(b->fixture.q, -1);
	(void)fixture_tick(&b->fixture);
	deliver(b);
	(void)fixture_tick(&b->fixture);
	for (size_t i = 0; i < n; i++)
		check(b, &b->samples[i]);
}

static void
what_goes_out_is_what_came_in(void **state)
{
	unsigned long long count = number("PROPERTY_COUNT", COUNT), done = 0;
	uint64_t seed = number("PROPERTY_SEED", 1);
	struct bench *b = calloc(1, sizeof(*b));

	(void)state;
	assert_non_null(b);
	print_message("PROPERTY_SEED=%llu PROPERTY_COUNT=%llu\n",
	    (unsigned long long)seed, count);
	bench_open(b);
	while (done < count) {
		/* Batches begin where the server changes. */
		size_t n = BATCH - (size_t)((seed + done) % BATCH);

		n = n < count - done ? n : (size_t)(count - done);
		run_batch(b, seed + done, n);
		done += n;
	}
	print_message("%llu mails: %lu taken, %lu refused at entry, %lu no "
		      "server could have, %lu with a repaired body, %lu "
		      "recipients, %lu comparisons lenient\n",
	    done, b->ntaken, b->nrefused, b->nunsendable, b->nrepaired,
	    b->nrecipients, model_vague);
	/* A model that shrugs proves nothing. */
	if (count >= 5000) {
		assert_true(b->ntaken > count * 8 / 10);
		assert_true(b->nrepaired > count / 10);
		assert_true(model_vague < count * 6 / 10);
	}
	bench_close(b);
	free(b);
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_goes_out_is_what_came_in),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
