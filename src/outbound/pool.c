/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "outbound/pool.h"

#include <inttypes.h>
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/base64.h"
#include "base/log.h"
#include "base/must.h"
#include "base/num.h"
#include "base/siphash.h"
#include "base/str.h"
#include "base/xalloc.h"
#include "cred/cred.h"
#include "mail/diagnosis.h"
#include "mail/envelope.h"
#include "mail/verdict.h"
#include "net/loop.h"
#include "outbound/courier.h"
#include "outbound/fetch.h"
#include "queue/budget.h"
#include "queue/queue.h"
#include "smtp/smtp_limits.h"

enum {
	PATIENCE_MS = 30 * 1000,
	PATIENCE_AUTO_MS = 4 * 1000, /* another port is waiting */
	PAUSE_MAX_MS = 15 * 60 * 1000,
	WAKE_JITTER_MS = 2000,
	LONG_QUEUE = 50, /* messages that are worth a courier of their own */
	BROKEN_MAX = 3,
	LONG_PAUSE_MS = 60 * 60 * 1000, /* then a person is told */
	LONG_WINDOW_MS = 15 * 60 * 1000,
	KEPT_MAX = 8192,
	BUDGET_SAVE_MS = 10 * 1000,
	WATCH_MS = 15 * 1000,
	EXTRA_MS = 10 * 1000, /* between connections that are not needed */
	SILENCE_MS = 30 * 1000, /* stalled so long, without a byte */
	SILENCE_MAX_MS = 5 * 60 * 1000,
	CULPRITS_MAX = 8,
	ASKING_MAX = 2, /* couriers with a password nobody has taken yet */
	TAG_MASK = 0xffff
};

/* The login that a hold is about, to be known again after a restart.  Both tags
 * are of the key, which is drawn for each hold; they are so short that nobody
 * learns a password from them, and one change in 65,536 waits for its time. */
struct about {
	bool is_set;
	bool has_secret; /* it is about the secret, or that there is none */
	unsigned char key[SIPHASH_KEY_BYTES];
	unsigned login, secret;
};

/* A message whose answer closed the account; see pool_heard_of(). */
struct culprit {
	char id[ENVELOPE_ID_SIZE];
	uint64_t sent; /* by the account, at that time */
};

struct pool {
	struct loop *loop;
	struct queue *queue;
	const struct rng *rng;
	int account;
	struct pool_opts *opts;
	struct reach reach;
	struct tls_ctx *tls;
	struct list couriers;
	struct list fetches; /* secrets being fetched */
	struct loop_timer *timer;
	struct about about; /* while the account is held */
	struct loop_timer *watch; /* looks whether the secret has changed */
	/* Without a cause, since a message was taken: see pool_set_opts(). */
	bool has_tried_again;
	enum pool_state state;
	int64_t until_ms;
	int64_t troubled_since_ms; /* boot clock, while there is a reason */
	bool is_proven; /* the newest login worked, no trouble since */
	int troubles; /* since a message was taken */
	int64_t paused_since_ms; /* the first of them; 0: none */
	int64_t extra_at_ms; /* see pool_extra_failed() */
	int refusals; /* of the login, in a row */
	int broken; /* sessions in a row that took nothing: see pool_broken() */
	char reason[DIAGNOSIS_REASON_MAX + 1];
	size_t silences; /* connections given up since a message was taken */
	int64_t slow_ms; /* the slowest answer of late */
	char suspect[ENVELOPE_ID_SIZE]; /* see pool_suspects() */
	struct culprit culprits[CULPRITS_MAX]; /* a ring */
	size_t next_culprit;
	char *ports_text;
	struct budget budget; /* on steady_s() */
	int64_t wall_ahead_ms; /* of the boot clock, at first */
	bool is_budget_dirty;
	int64_t budget_saved_ms;
	size_t unsettled;
	struct learnt learnt;
	bool has_lost_bdat; /* see pool_lost_bdat() */
	unsigned names_refused; /* in EHLO, since a session came to be */
	char absurd[SMTP_CAPS_ABSURD_MAX]; /* that was logged */
	size_t spent; /* messages before the last 421 in the middle */
	bool splits_domains; /* the provider wants one per transaction */
	bool speaks_plainly; /* the server misbehaved under pipelining */
	bool is_window_closed; /* paused by a quota: the network is no cure */
	bool is_own_limit; /* the quota is one of the options */
	bool is_on_trial; /* see pool_is_on_trial() */
	bool is_stopping;
	bool is_turning; /* within pool_turn() */
	uint64_t sent;
	int64_t last_sent_s;
	uint64_t size_max_bytes; /* of the last EHLO */
};

static int64_t
now_ms(const struct pool *p)
{
	return clock_boot_ms(loop_clock(p->loop));
}

static int64_t
now_s(const struct pool *p)
{
	return clock_wall_ms(loop_clock(p->loop)) / 1000;
}

/* The wall clock as it was when the pool was made, moved on by the boot clock:
 * a limit by the hour must neither reopen nor close because somebody sets the
 * clock (R47). */
static int64_t
steady_s(const struct pool *p)
{
	return (now_ms(p) + p->wall_ahead_ms) / 1000;
}

/* --- what the queue keeps for us across restarts -------------------------- */

/* The file of this account for one kind of fact; the caller frees it. */
static char *
kept(const struct pool *p, const char *kind)
{
	char *name = xasprintf("%s.%s", kind, p->opts->name);
	char *text = queue_state_read(p->queue, name);

	free(name);
	return text != NULL ? text : xstrdup("");
}

static void
keep(const struct pool *p, const char *kind, const struct buf *text)
{
	char *name = xasprintf("%s.%s", kind, p->opts->name);
	struct err err;

	if (queue_state_write(p->queue, name, buf_bytes(text), &err) != 0)
		log_err(LOG_LEVEL_WARNING, &err);
	free(name);
}

static void
refresh_ports_text(struct pool *p)
{
	struct buf b;

	buf_init(&b, KEPT_MAX);
	reach_text(&p->reach, &b);
	free(p->ports_text);
	p->ports_text = buf_steal(&b);
}

static void
save_reach(struct pool *p)
{
	struct buf b;

	refresh_ports_text(p);
	buf_init(&b, KEPT_MAX);
	reach_save(&p->reach, &b);
	keep(p, "reach", &b);
	buf_clear(&b);
}

/* Not at every message: what a crash forgets is less than a minute's. */
static void
save_budget(struct pool *p, bool is_last)
{
	struct buf b;

	if (!p->is_budget_dirty ||
	    (!is_last && now_ms(p) < p->budget_saved_ms + BUDGET_SAVE_MS))
		return;
	buf_init(&b, KEPT_MAX);
	budget_save(&p->budget, &b);
	keep(p, "budget", &b);
	buf_clear(&b);
	p->is_budget_dirty = false;
	p->budget_saved_ms = now_ms(p);
}

/* What a login is made of besides its secret. */
static unsigned
login_tag(const unsigned char *key, const struct pool_opts *o)
{
	const char *texts[] = { o->host, o->user, o->auth,
		o->is_token ? "token" : NULL,
		o->secret != NULL ? o->secret->value : NULL };
	struct siphash s;

	siphash_init(&s, key);
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		if (texts[i] != NULL)
			siphash_put(&s, texts[i], strlen(texts[i]));
		siphash_put(&s, texts[i] != NULL ? "" : "-", 1);
	}
	return (unsigned)siphash_end(&s) & TAG_MASK;
}

static unsigned
secret_tag(const unsigned char *key, const struct secret *secret)
{
	struct siphash s;

	if (secret == NULL)
		return 0;
	siphash_init(&s, key);
	siphash_put(&s, secret_bytes(secret).p, secret_bytes(secret).n);
	return (unsigned)siphash_end(&s) & TAG_MASK;
}

/* Key, both tags, and whether there is a second one, in BASE64. */
enum { ABOUT_BYTES = SIPHASH_KEY_BYTES + 5 };

static void
put_about(const struct about *a, struct buf *to)
{
	unsigned char raw[ABOUT_BYTES];
	unsigned char *tags = raw + sizeof(a->key);

	memcpy(raw, a->key, sizeof(a->key));
	tags[0] = (unsigned char)(a->login >> 8);
	tags[1] = (unsigned char)a->login;
	tags[2] = (unsigned char)(a->secret >> 8);
	tags[3] = (unsigned char)a->secret;
	tags[4] = a->has_secret;
	IGNORE(buf_adds(to, "about ")); /* all of this fits */
	IGNORE(base64_encode(to, bytes_of(raw, sizeof(raw))));
	IGNORE(buf_addc(to, '\n'));
}

/* The line behind the first one; a hold without it is about nothing. */
static void
read_about(const char *line, struct about *a)
{
	static const char word[] = "about ";
	const unsigned char *raw;
	struct buf b;

	if (strncmp(line, word, strlen(word)) != 0)
		return;
	line += strlen(word);
	buf_init(&b, 2 * ABOUT_BYTES);
	if (base64_decode(&b, bytes_of(line, strcspn(line, "\n"))) &&
	    buf_len(&b) == ABOUT_BYTES) {
		raw = (const unsigned char *)buf_str(&b);
		memcpy(a->key, raw, sizeof(a->key));
		raw += sizeof(a->key);
		a->login = (unsigned)raw[0] << 8 | raw[1];
		a->secret = (unsigned)raw[2] << 8 | raw[3];
		a->has_secret = raw[4] != 0;
		a->is_set = true;
	}
	buf_clear(&b);
}

/* A hold begins; remember what it is about. */
static void
set_about(struct pool *p)
{
	if (!p->about.is_set)
		rng_fill(p->rng, p->about.key, sizeof(p->about.key));
	p->about.is_set = true;
	p->about.login = login_tag(p->about.key, p->opts);
}

/* One line: state, when it ends (wall clock), refusals in a row, reason; and one
 * that says which login it is about. */
static void
save_standing(struct pool *p)
{
	struct buf b;

	buf_init(&b, KEPT_MAX);
	/* Our own limits follow from what has been spent. */
	if (p->state != POOL_READY && !p->is_own_limit)
		IGNORE(buf_addf(&b, "%s %" PRId64 " %d %s\n",
		    p->state == POOL_HELD ? "held"
		    : p->is_window_closed ? "quota"
					  : "paused",
		    now_s(p) + (p->until_ms - now_ms(p)) / 1000, p->refusals,
		    p->reason)); /* fits: DIAGNOSIS_REASON_MAX */
	if (p->state == POOL_HELD && p->about.is_set)
		put_about(&p->about, &b);
	keep(p, "standing", &b);
	buf_clear(&b);
}

/* A hold or a closed window outlasts a restart: some providers count every try
 * against us.  A pause by the network does not.  No wait is believed that is
 * longer than a day, for the clock may have been wrong. */
static void
load_standing(struct pool *p)
{
	char *text = kept(p, "standing"), *reason = text, *until, *refusals;
	uint64_t at, n;

	(void)strsep(&reason, " ");
	until = strsep(&reason, " ");
	refusals = strsep(&reason, " ");
	if (reason != NULL &&
	    num_u64_max(bytes_str(until), INT64_MAX / 1000, &at) &&
	    num_u64_max(bytes_str(refusals), 1000, &n) &&
	    (int64_t)at > now_s(p) && (int64_t)at < now_s(p) + 86400 + 3600 &&
	    strcmp(text, "paused") != 0) {
		char *rest = reason + strcspn(reason, "\n");

		if (*rest != '\0')
			*rest++ = '\0';
		p->state = strcmp(text, "held") == 0 ? POOL_HELD : POOL_PAUSED;
		p->is_window_closed = p->state == POOL_PAUSED;
		p->is_on_trial = p->is_window_closed;
		p->refusals = (int)n;
		p->until_ms = now_ms(p) + ((int64_t)at - now_s(p)) * 1000;
		(void)snprintf(p->reason, sizeof(p->reason), "%s", reason);
		if (p->state == POOL_HELD)
			read_about(rest, &p->about);
		loop_timer_set(p->timer, p->until_ms);
	}
	free(text);
}

static void clear_trouble(struct pool *p);

/* A hold that was kept is about a login that may have been mended meanwhile. */
static void
check_about(struct pool *p)
{
	if (p->state != POOL_HELD || !p->about.is_set)
		return;
	if (p->about.login != login_tag(p->about.key, p->opts))
		clear_trouble(p);
	else if (p->about.has_secret)
		loop_timer_set(p->watch, now_ms(p));
}

/* "HOST SIZE": what another provider says of sizes is not this one's word. */
static void
save_size(struct pool *p)
{
	struct buf b;

	buf_init(&b, KEPT_MAX);
	IGNORE(buf_addf(&b, "%s %" PRIu64 "\n", p->opts->host,
	    p->size_max_bytes)); /* fits: a host name and a number */
	keep(p, "size", &b);
	buf_clear(&b);
}

static void
load_size(struct pool *p)
{
	char *text = kept(p, "size"), *size = text;
	const char *host = strsep(&size, " ");
	uint64_t n;

	if (size != NULL && strcmp(host, p->opts->host) == 0 &&
	    num_u64(bytes_of(size, strcspn(size, "\n")), &n) &&
	    n >= SMTP_CAPS_SIZE_MIN)
		p->size_max_bytes = n;
	free(text);
}

static void
save_learnt(struct pool *p)
{
	struct buf b;

	buf_init(&b, KEPT_MAX);
	learnt_save(&p->learnt, p->opts->host, &b);
	keep(p, "learnt", &b);
	buf_clear(&b);
}

static void
load_learnt(struct pool *p)
{
	char *text = kept(p, "learnt");

	learnt_load(&p->learnt, p->opts->host, bytes_str(text));
	free(text);
}

static void
load_kept(struct pool *p)
{
	char *text = kept(p, "reach");

	reach_load(&p->reach, bytes_str(text));
	free(text);
	refresh_ports_text(p);
	text = kept(p, "budget");
	budget_load(&p->budget, bytes_str(text));
	free(text);
	load_size(p);
	load_learnt(p);
	load_standing(p);
	check_about(p);
}

/* --- life ----------------------------------------------------------------- */

static void check_budget(struct pool *p);

/* Not ready yet, only allowed to try: the reason and the count of troubles stay
 * until something succeeds. */
static void
let_try(struct pool *p)
{
	p->state = POOL_READY;
	p->until_ms = 0;
	p->is_window_closed = p->is_own_limit = false;
	for (size_t i = 0; i < CULPRITS_MAX; i++)
		queue_step_back(p->queue, p->culprits[i].id);
	loop_timer_set(p->timer, now_ms(p));
	check_budget(p);
}

static void
on_timer(void *ctx)
{
	struct pool *p = ctx;

	if (p->state != POOL_READY)
		let_try(p);
	pool_turn(p);
}

/* --- a refused secret ------------------------------------------------------ */

static void
on_watched(void *ctx, const struct secret *now, const struct err *why)
{
	struct pool *p = ctx;

	(void)why; /* told when a courier asks */
	if (p->state != POOL_HELD || !p->about.has_secret || p->is_stopping)
		return;
	if (now == NULL || secret_tag(p->about.key, now) == p->about.secret) {
		loop_timer_set(p->watch, now_ms(p) + WATCH_MS);
		return;
	}
	log_text(LOG_LEVEL_NOTICE,
	    "account %s: its secret has changed, so it is tried again at once",
	    p->opts->name);
	p->refusals = 0;
	pool_flush(p, false);
}

static void
on_watch(void *ctx)
{
	struct pool *p = ctx;

	if (p->state == POOL_HELD && p->about.has_secret && !p->is_stopping)
		(void)fetch_new(p, on_watched, p); /* in the pool's list */
}

void
pool_refused(struct pool *p, const struct secret *secret)
{
	/* A second courier that tried it: this counts, too. */
	if (p->state == POOL_HELD)
		p->refusals++;
	set_about(p);
	p->about.has_secret = true;
	p->about.secret = secret_tag(p->about.key, secret);
	loop_timer_set(p->watch, now_ms(p) + WATCH_MS);
}

struct pool *
pool_new(struct loop *l, struct queue *q, const struct rng *rng, int account,
    struct pool_opts *opts)
{
	struct pool *p = xcalloc(1, sizeof(*p));

	p->loop = l;
	p->queue = q;
	p->rng = rng;
	p->account = account;
	p->opts = opts;
	p->wall_ahead_ms = clock_wall_ms(loop_clock(l)) - now_ms(p);
	list_init(&p->couriers);
	list_init(&p->fetches);
	p->timer = loop_timer_new(l, on_timer, p);
	p->watch = loop_timer_new(l, on_watch, p);
	reach_init(&p->reach, opts->ports, opts->nports);
	budget_init(&p->budget, opts->max_per_minute, opts->max_per_hour,
	    opts->max_per_day);
	load_kept(p);
	check_budget(p);
	return p;
}

void
pool_cut(struct pool *p)
{
	p->is_stopping = true;
	list_foreach (it, &p->couriers)
		courier_free(courier_of_link(it));
	save_budget(p, true);
}

void
pool_free(struct pool *p)
{
	if (p == NULL)
		return;
	pool_cut(p);
	list_foreach (it, &p->fetches) {
		fetch_forget(fetch_of_link(it));
		list_remove(it);
	}
	loop_timer_free(p->timer);
	loop_timer_free(p->watch);
	tls_ctx_free(p->tls);
	free(p->ports_text);
	pool_opts_free(p->opts);
	free(p);
}

bool
pool_is_away(const struct pool *p)
{
	return p->state == POOL_HELD ||
	       (p->state == POOL_PAUSED &&
		   now_ms(p) - p->troubled_since_ms >= POOL_AWAY_MS);
}

/* --- other options -------------------------------------------------------- */

struct pool_opts *
pool_opts_new(const struct pool_opts *from)
{
	struct pool_opts *o = xmalloc(sizeof(*o));

	*o = *from;
	o->refs = 0;
	return o;
}

struct pool_opts *
pool_opts_ref(struct pool_opts *o)
{
	o->refs++;
	return o;
}

void
pool_opts_free(struct pool_opts *o)
{
	if (o == NULL || o->refs-- > 0)
		return;
	if (o->gone != NULL)
		o->gone(o->owner);
	free(o);
}

static bool
same_user(const struct pool_opts *a, const struct pool_opts *b)
{
	return strcmp(a->host, b->host) == 0 && str_eq(a->user, b->user);
}

static bool
same_login(const struct pool_opts *a, const struct pool_opts *b)
{
	return same_user(a, b) && a->wants_auth == b->wants_auth &&
	       a->is_token == b->is_token && str_eq(a->auth, b->auth) &&
	       (a->secret == b->secret ||
		   (a->secret != NULL && b->secret != NULL &&
		       cred_source_eq(a->secret, b->secret)));
}

static bool
same_ports(const struct pool_opts *a, const struct pool_opts *b)
{
	if (a->nports != b->nports)
		return false;
	for (size_t i = 0; i < a->nports; i++)
		if (a->ports[i].port != b->ports[i].port ||
		    a->ports[i].tls != b->ports[i].tls)
			return false;
	return true;
}

static bool
same_tls(const struct pool_opts *a, const struct pool_opts *b)
{
	for (size_t i = 0; i < TLS_PINS_MAX; i++)
		if (!str_eq(a->tls.pins[i], b->tls.pins[i]))
			return false;
	return strcmp(a->host, b->host) == 0 &&
	       str_eq(a->tls.ca_file, b->tls.ca_file) &&
	       str_eq(a->tls.cert_file, b->tls.cert_file) &&
	       str_eq(a->tls.key_file, b->tls.key_file);
}

static bool
same_way(const struct pool_opts *a, const struct pool_opts *b)
{
	return same_login(a, b) && same_ports(a, b) && same_tls(a, b) &&
	       str_eq(a->ehlo_name, b->ehlo_name);
}

bool
pool_is_past(const struct pool *p, const struct pool_opts *o)
{
	return o != p->opts && !same_way(o, p->opts);
}

/* What is known of a port stays known while the host is the same. */
static void
change_ports(struct pool *p, bool is_same_host)
{
	struct buf known;

	buf_init(&known, KEPT_MAX);
	if (is_same_host)
		reach_save(&p->reach, &known);
	reach_init(&p->reach, p->opts->ports, p->opts->nports);
	reach_load(&p->reach, buf_bytes(&known));
	buf_clear(&known);
	save_reach(p);
}

static void
forget_provider(struct pool *p)
{
	p->spent = p->silences = 0;
	p->slow_ms = 0;
	p->splits_domains = p->speaks_plainly = false;
	p->learnt = (struct learnt) { 0 };
	p->absurd[0] = '\0';
	p->size_max_bytes = 0;
	save_size(p);
	save_learnt(p);
}

static void
change_way(struct pool *p, const struct pool_opts *was)
{
	bool is_same_host = strcmp(was->host, p->opts->host) == 0;

	if (!is_same_host)
		forget_provider(p);
	if (!is_same_host || !same_ports(was, p->opts))
		change_ports(p, is_same_host);
	if (!same_tls(was, p->opts)) {
		tls_ctx_free(p->tls);
		p->tls = NULL;
	}
	p->is_proven = false;
	p->names_refused = 0;
	p->extra_at_ms = 0;
	list_foreach (it, &p->couriers)
		courier_stop(courier_of_link(it));
}

static void
alert(const struct pool *p, const char *event, const char *reason)
{
	if (p->opts->alert != NULL)
		p->opts->alert(p->opts->ctx, p->opts->name, event, reason);
}

static void
clear_trouble(struct pool *p)
{
	alert(p, "account-held", NULL);
	alert(p, "account-paused", NULL);
	alert(p, "quota", NULL);
	p->refusals = p->troubles = p->broken = 0;
	p->paused_since_ms = 0;
	p->reason[0] = '\0';
	p->about = (struct about) { .is_set = false };
	p->is_on_trial = p->has_tried_again = false;
	let_try(p);
	save_standing(p);
}

static void
look_again(struct pool *p)
{
	if (p->state == POOL_READY || p->is_own_limit) {
		let_try(p);
	} else if (!p->has_tried_again) {
		p->has_tried_again = true;
		let_try(p);
	} else if (p->about.has_secret) {
		loop_timer_set(p->watch, now_ms(p));
	}
}

void
pool_set_opts(struct pool *p, struct pool_opts *opts)
{
	struct pool_opts *was = p->opts;

	p->opts = opts;
	p->is_stopping = false;
	budget_set_limits(&p->budget, opts->max_per_minute, opts->max_per_hour,
	    opts->max_per_day);
	if (!same_way(was, opts))
		change_way(p, was);
	if (!same_login(was, opts))
		clear_trouble(p);
	else
		look_again(p);
	pool_opts_free(was);
}

/* --- work ----------------------------------------------------------------- */

bool
pool_may_take(const struct pool *p)
{
	return p->state == POOL_READY && p->unsettled == 0 && !p->is_stopping;
}

static bool
has_work(const struct pool *p)
{
	return pool_may_take(p) && queue_has_due(p->queue, p->account);
}

/* Those that the provider counts as ours, too. */
static size_t
count_couriers(const struct pool *p)
{
	size_t n = 0;

	for (struct list *it = p->couriers.next; it != &p->couriers;
	     it = it->next)
		n += same_user(courier_opts(courier_of_link(it)), p->opts);
	return n;
}

static size_t
connections_max(const struct pool *p)
{
	return p->is_on_trial ? 1 : p->opts->max_connections;
}

/* A courier that is not ready yet is the only one of its kind: whether the
 * login works is found out once.  As long as that is known and a long queue
 * waits, several may log in side by side: at a far provider a login takes
 * longer than a hundred messages. */
static bool
may_open(const struct pool *p)
{
	size_t n = count_couriers(p), coming = 0, asking = 0;
	bool is_new = false;

	for (struct list *it = p->couriers.next; it != &p->couriers;
	     it = it->next) {
		const struct courier *c = courier_of_link(it);

		if (courier_is_stalled(c))
			;
		else if (!courier_is_ready(c))
			coming++, is_new = true;
		else if (courier_is_growing(c))
			coming++;
		asking += courier_is_asking(c);
	}
	if (n >= connections_max(p) || (n > 0 && now_ms(p) < p->extra_at_ms) ||
	    (!p->is_proven && (is_new || asking >= ASKING_MAX)))
		return false;
	return queue_backlog(p->queue, p->account) >= coming * LONG_QUEUE;
}

/* All that there may be are stalled, and mail waits: NULL, or the one that has
 * said nothing for longest, if that is long enough. */
static struct courier *
most_hopeless(const struct pool *p)
{
	struct courier *found = NULL;
	int64_t at, first = now_ms(p);

	for (struct list *it = p->couriers.next; it != &p->couriers;
	     it = it->next) {
		struct courier *c = courier_of_link(it);

		if (!courier_is_stalled(c))
			return NULL;
		at = courier_hopeless_at(c);
		if (at <= first) {
			found = c;
			first = at;
		}
	}
	return found;
}

void
pool_turn(struct pool *p)
{
	struct courier *hopeless;

	if (!pool_may_take(p)) {
		if (p->state != POOL_READY)
			queue_give_up_waiting(p->queue, p->account);
		return;
	}
	p->is_turning = true;
	/* See pool_favours_other(). */
	list_foreach (it, &p->couriers)
		if (courier_is_growing(courier_of_link(it)))
			courier_turn(courier_of_link(it));
	list_foreach (it, &p->couriers)
		courier_turn(courier_of_link(it));
	p->is_turning = false;
	while (has_work(p) && may_open(p))
		courier_open(p);
	if (!has_work(p))
		return;
	if (count_couriers(p) >= connections_max(p) &&
	    (hopeless = most_hopeless(p)) != NULL)
		courier_give_up(hopeless); /* its end makes another turn */
	else if (now_ms(p) < p->extra_at_ms)
		loop_timer_set(p->timer, p->extra_at_ms);
}

bool
pool_vouches(const struct pool *p)
{
	for (struct list *it = p->couriers.next; it != &p->couriers;
	     it = it->next)
		if (courier_is_trusted(courier_of_link(it)))
			return true;
	return false;
}

bool
pool_favours_other(const struct pool *p, const struct courier *c)
{
	for (struct list *it = p->couriers.next; it != &p->couriers;
	     it = it->next)
		if (courier_of_link(it) != c &&
		    courier_is_growing(courier_of_link(it)))
			return !p->is_turning;
	return false;
}

void
pool_look(struct pool *p)
{
	if (has_work(p))
		loop_timer_set(p->timer, now_ms(p));
}

void
pool_relieve(struct pool *p)
{
	if (!pool_may_take(p) || !p->is_proven || p->is_on_trial ||
	    count_couriers(p) >= p->opts->max_connections)
		return;
	list_foreach (it, &p->couriers)
		if (!courier_is_ready(courier_of_link(it)))
			return;
	courier_open(p);
}

void
pool_flush(struct pool *p, bool is_gentle)
{
	if (is_gentle && (p->state == POOL_HELD || p->is_window_closed))
		return;
	let_try(p);
	pool_turn(p);
}

void
pool_network_changed(struct pool *p)
{
	if (p->state != POOL_PAUSED || p->is_window_closed)
		return;
	p->troubles = 0;
	p->until_ms = now_ms(p) + 500 + rng_below(p->rng, WAKE_JITTER_MS);
	loop_timer_set(p->timer, p->until_ms);
}

void
pool_stop(struct pool *p)
{
	p->is_stopping = true;
	list_foreach (it, &p->couriers)
		courier_stop(courier_of_link(it));
}

bool
pool_has_stopped(const struct pool *p)
{
	return list_is_empty(&p->couriers) && p->unsettled == 0;
}

/* --- trouble -------------------------------------------------------------- */

static void
log_state(const struct pool *p, enum log_level level, const char *word)
{
	char wait[NUM_TEXT_SIZE];
	struct log_line l;

	log_begin(&l, level, word);
	log_str(&l, "account", p->opts->name);
	log_sentence(&l, "reason", p->reason);
	log_str(
	    &l, "retry_in", num_duration_text(p->until_ms - now_ms(p), wait));
	log_end(&l);
}

static void
stand_down(
    struct pool *p, enum pool_state state, const char *why, int64_t wait_ms)
{
	if (p->reason[0] == '\0')
		p->troubled_since_ms = now_ms(p);
	p->state = state;
	p->is_proven = false;
	(void)snprintf(p->reason, sizeof(p->reason), "%s", why);
	p->until_ms = now_ms(p) + wait_ms;
	loop_timer_set(p->timer, p->until_ms);
	save_standing(p);
	queue_give_up_waiting(p->queue, p->account);
}

/* First wait a quarter of retry_after, doubled up to a quarter of an hour,
 * with a tenth of jitter. */
static int64_t
pause_ms(struct pool *p)
{
	int64_t wait = p->opts->retry_after_ms / 4;

	if (wait < 500)
		wait = 500;
	for (int i = 0; i < p->troubles && wait < PAUSE_MAX_MS; i++)
		wait *= 2;
	if (wait > PAUSE_MAX_MS)
		wait = PAUSE_MAX_MS;
	p->troubles++;
	return wait + rng_below(p->rng, (uint32_t)(wait / 10 + 1));
}

void
pool_pause(struct pool *p, const char *why)
{
	if (p->state != POOL_READY)
		return;
	stand_down(p, POOL_PAUSED, why, pause_ms(p));
	log_state(p, LOG_LEVEL_WARNING, "paused");
	if (p->paused_since_ms == 0)
		p->paused_since_ms = now_ms(p);
	else if (now_ms(p) - p->paused_since_ms >= LONG_PAUSE_MS)
		alert(p, "account-paused", p->reason);
}

bool
pool_works_without(const struct pool *p, const struct courier *c)
{
	for (struct list *it = p->couriers.next; it != &p->couriers;
	     it = it->next) {
		const struct courier *other = courier_of_link(it);

		if (other != c && courier_is_ready(other) &&
		    !pool_is_past(p, courier_opts(other)) &&
		    !courier_is_stalled(other))
			return p->state == POOL_READY;
	}
	return false;
}

void
pool_extra_failed(struct pool *p, const char *why)
{
	log_text(LOG_LEVEL_NOTICE, "account %s: one connection of several: %s",
	    p->opts->name, why);
	p->extra_at_ms = now_ms(p) + EXTRA_MS;
}

void
pool_given_up(struct pool *p, const char *why)
{
	if (p->troubles > 0) {
		pool_pause(p, why);
		return;
	}
	p->troubles++;
	log_text(LOG_LEVEL_NOTICE,
	    "account %s: %s; another connection is opened", p->opts->name, why);
}

/* R57: tries after a refused login, at most 12 a day. */
void
pool_hold(struct pool *p, const struct pool_opts *o, const char *why)
{
	static const int64_t waits_s[] = { 60, 15 * 60, 3600, 6 * 3600 };
	size_t last = sizeof(waits_s) / sizeof(waits_s[0]) - 1;
	size_t i = (size_t)p->refusals < last ? (size_t)p->refusals : last;

	if (p->state == POOL_HELD)
		return;
	if (o != p->opts && !p->has_tried_again) {
		p->has_tried_again = true;
		log_text(LOG_LEVEL_NOTICE,
		    "account %s: a connection from before the reload heard "
		    "this, so it is tried once more: %s",
		    p->opts->name, why);
		return;
	}
	p->refusals++;
	set_about(p);
	stand_down(p, POOL_HELD, why, waits_s[i] * 1000);
	log_state(p, LOG_LEVEL_ERROR, "held");
	alert(p, "account-held", p->reason);
}

/* The window is closed: no attempt until it reopens, because some providers
 * close it anew at every try. */
static void
close_window(struct pool *p, const char *why, int64_t wait_ms)
{
	if (p->state != POOL_READY)
		return;
	p->is_window_closed = true;
	stand_down(p, POOL_PAUSED, why, wait_ms);
	log_state(p, LOG_LEVEL_ERROR, "quota");
	/* A limit by the minute is how things should be. */
	if (wait_ms >= LONG_WINDOW_MS)
		alert(p, "quota", p->reason);
}

static bool
concerns_account(enum diagnosis_act act)
{
	return act == DIAGNOSIS_RECONNECT || act == DIAGNOSIS_NEXT_MECHANISM ||
	       act == DIAGNOSIS_PAUSE || act == DIAGNOSIS_QUOTA ||
	       act == DIAGNOSIS_HOLD_ACCOUNT;
}

bool
pool_heard(struct pool *p, const struct pool_opts *o, const struct verdict *v)
{
	struct diagnosis d = diagnose(v, o->host);
	struct buf why;

	if (!concerns_account(d.act))
		return false;
	if (pool_is_past(p, o))
		return true;
	if (d.act == DIAGNOSIS_RECONNECT)
		return true; /* the courier sees to it */
	buf_init(&why, DIAGNOSIS_REASON_MAX);
	diagnosis_reason(v, &d, &why);
	if (d.act == DIAGNOSIS_PAUSE) {
		pool_pause(p, buf_str(&why));
	} else if (d.act == DIAGNOSIS_QUOTA) {
		p->is_on_trial = true;
		close_window(p, buf_str(&why), d.pause_ms);
	} else {
		pool_hold(p, o, buf_str(&why));
	}
	buf_clear(&why);
	return true;
}

void
pool_broken(struct pool *p, const struct pool_opts *o, const struct verdict *v)
{
	static const struct diagnosis d = {
		.cause = "the last three sessions ended like this before a "
			 "message was taken",
		.remedy = "check port, tls and user of this account, or ask "
			  "the provider; then: relais flush",
	};
	struct buf why;

	if (pool_is_past(p, o) || ++p->broken < BROKEN_MAX)
		return;
	buf_init(&why, DIAGNOSIS_REASON_MAX);
	diagnosis_reason(v, &d, &why);
	pool_hold(p, o, buf_str(&why));
	buf_clear(&why);
}

/* What to say when no port leads to the provider: the newest reason, and what
 * was found on each port if there are several. */
static void
pause_unreached(struct pool *p, const char *text)
{
	char why[DIAGNOSIS_REASON_MAX];

	if (p->reach.n > 1)
		(void)snprintf(why, sizeof(why), "%s (ports of %s: %s)", text,
		    p->opts->host, p->ports_text);
	else
		(void)snprintf(why, sizeof(why), "%s", text);
	pool_pause(p, why);
}

void
pool_port_failed(struct pool *p, enum reach_fault why, const char *text)
{
	int port = reach_current(&p->reach)->port;
	bool has_next = reach_failed(&p->reach, why, now_s(p));

	save_reach(p);
	if (!has_next) {
		pause_unreached(p, text);
		return;
	}
	log_text(LOG_LEVEL_NOTICE,
	    "account %s: port %d does not lead to the provider (%s); trying "
	    "port %d next",
	    p->opts->name, port, text, reach_current(&p->reach)->port);
	/* The courier that found out is still in the list; the next one opens
	 * when it is gone. */
}

void
pool_reached(struct pool *p, uint64_t size_max_bytes)
{
	if (size_max_bytes != p->size_max_bytes) {
		p->size_max_bytes = size_max_bytes;
		save_size(p);
	}
	p->refusals = 0;
	p->is_proven = true;
	p->about = (struct about) { .is_set = false };
	if (reach_worked(&p->reach, now_s(p)))
		save_reach(p);
	/* Another courier has heard otherwise meanwhile. */
	if (p->state != POOL_READY)
		return;
	if (p->reason[0] != '\0') {
		log_text(
		    LOG_LEVEL_NOTICE, "account %s works again", p->opts->name);
		p->reason[0] = '\0';
		save_standing(p);
	}
	/* More couriers may be opened now, if there is more to do. */
	loop_timer_set(p->timer, now_ms(p));
}

/* Our own limits: a closed window before the provider closes it. */
static void
check_budget(struct pool *p)
{
	const char *name = NULL;
	uint64_t max = 0;
	int64_t wait_s = budget_wait_s(&p->budget, steady_s(p), &name, &max);
	char why[200];

	if (wait_s == 0)
		return;
	if (p->state != POOL_READY)
		return;
	p->is_own_limit = true;
	save_budget(p, true); /* lest a kill opens the window */
	(void)snprintf(why, sizeof(why),
	    "%s = %" PRIu64 " of account %s is used up; mail waits until there "
	    "is room again",
	    name, max, p->opts->name);
	close_window(p, why, wait_s * 1000);
}

void
pool_took(struct pool *p, size_t nrcpts)
{
	const char *name;

	budget_spend(&p->budget, (uint32_t)nrcpts, steady_s(p));
	p->is_budget_dirty = true;
	save_budget(p, false);
	name = budget_warning(&p->budget, steady_s(p));
	if (name != NULL)
		log_text(LOG_LEVEL_WARNING,
		    "account %s: 80 %% of %s is used up", p->opts->name, name);
	check_budget(p);
}

size_t
pool_per_connection(const struct pool *p)
{
	size_t max = p->opts->max_per_connection;
	size_t learnt = pool_learnt(p, LEARNT_PER_CONNECTION);

	if (learnt != 0 && (max == 0 || learnt < max))
		max = learnt;
	return max;
}

void
pool_limited(struct pool *p, size_t messages)
{
	pool_learn(p, LEARNT_PER_CONNECTION, (uint32_t)messages);
}

/* One alone may be a server that restarts. */
void
pool_spent(struct pool *p, size_t answered)
{
	if (p->spent == answered)
		pool_limited(p, answered);
	p->spent = answered;
}

uint32_t
pool_learnt(const struct pool *p, enum learnt_fact f)
{
	return learnt_value(&p->learnt, f, now_s(p));
}

void
pool_learn(struct pool *p, enum learnt_fact f, uint32_t value)
{
	struct buf text;

	if (!learnt_set(&p->learnt, f, value, now_s(p)))
		return;
	save_learnt(p);
	if (value == 0)
		return;
	buf_init(&text, DIAGNOSIS_REASON_MAX);
	learnt_text(f, value, &text);
	log_text(
	    LOG_LEVEL_NOTICE, "account %s: %s", p->opts->name, buf_str(&text));
	buf_clear(&text);
}

void
pool_no_null_sender(struct pool *p, const struct verdict *v)
{
	static const struct diagnosis d = {
		.cause = "the provider takes no mail from <>, so notices go "
			 "out with the address of the account",
		.remedy = "set null_sender = no for this account",
	};
	struct buf why;

	if (pool_learnt(p, LEARNT_NO_NULL_SENDER) != 0)
		return;
	pool_learn(p, LEARNT_NO_NULL_SENDER, 1);
	buf_init(&why, DIAGNOSIS_REASON_MAX);
	diagnosis_reason(v, &d, &why);
	alert(p, "null-sender", buf_str(&why));
	buf_clear(&why);
}

bool
pool_lost_bdat(struct pool *p)
{
	bool is_again = p->has_lost_bdat;

	p->has_lost_bdat = true;
	return is_again;
}

void
pool_absurd(struct pool *p, const char *what)
{
	if (what[0] == '\0' || strcmp(p->absurd, what) == 0)
		return;
	(void)snprintf(p->absurd, sizeof(p->absurd), "%s", what);
	log_text(LOG_LEVEL_WARNING,
	    "account %s: the provider states \"%s\", which cannot be meant and "
	    "is ignored",
	    p->opts->name, what);
}

unsigned
pool_names_refused(const struct pool *p)
{
	return p->names_refused |
	       learnt_ehlo_refused(
		   pool_learnt(p, LEARNT_EHLO), p->opts->ehlo_name);
}

void
pool_refuse_names(struct pool *p, unsigned refused)
{
	p->names_refused = refused;
	if (refused == 0)
		pool_learn(p, LEARNT_EHLO, 0);
}

struct identity_opts
pool_identity(const struct pool *p)
{
	struct identity_opts o = p->opts->identity;

	if (pool_learnt(p, LEARNT_NO_NULL_SENDER) != 0)
		o.keeps_null_sender = false;
	return o;
}

bool
pool_is_on_trial(const struct pool *p)
{
	return p->is_on_trial;
}

void
pool_misbehaved(struct pool *p)
{
	p->speaks_plainly = true;
}

bool
pool_speaks_plainly(const struct pool *p)
{
	return p->speaks_plainly;
}

void
pool_split_domains(struct pool *p)
{
	if (!p->splits_domains)
		log_text(LOG_LEVEL_NOTICE,
		    "account %s: the provider takes the recipients of one "
		    "domain at a time, and from now on gets them so",
		    p->opts->name);
	p->splits_domains = true;
}

bool
pool_splits_domains(const struct pool *p)
{
	return p->splits_domains;
}

void
pool_sent(struct pool *p, const struct pool_opts *o)
{
	p->sent++;
	p->last_sent_s = now_s(p);
	if (pool_is_past(p, o))
		return;
	p->has_tried_again = false;
	p->paused_since_ms = 0;
	p->is_on_trial = false;
	alert(p, "account-held", NULL);
	alert(p, "account-paused", NULL);
	alert(p, "quota", NULL);
	/* Not before: a provider that takes the login and nothing else is in
	 * trouble, too, and must not be asked again at once for ever. */
	p->troubles = 0;
	p->broken = 0;
	p->silences = 0;
	p->slow_ms -= p->slow_ms / 8;
	p->has_lost_bdat = false;
}

int64_t
pool_silence_ms(const struct pool *p)
{
	int64_t ms = SILENCE_MS;

	for (size_t n = p->silences / connections_max(p);
	     n > 0 && ms < SILENCE_MAX_MS; n--)
		ms *= 2;
	if (ms < 2 * p->slow_ms)
		ms = 2 * p->slow_ms;
	return ms < SILENCE_MAX_MS ? ms : SILENCE_MAX_MS;
}

void
pool_fell_silent(struct pool *p)
{
	p->silences++;
}

void
pool_answered(struct pool *p, int64_t took_ms)
{
	if (took_ms > p->slow_ms)
		p->slow_ms = took_ms;
}

bool
pool_heard_of(struct pool *p, const struct pool_opts *o,
    const struct verdict *v, const char *id)
{
	enum diagnosis_act act = diagnose(v, o->host).act;
	bool was_ready = p->state == POOL_READY;
	struct culprit *c;

	for (size_t i = 0; i < CULPRITS_MAX; i++)
		if (act != DIAGNOSIS_RECONNECT &&
		    strcmp(p->culprits[i].id, id) == 0 &&
		    p->culprits[i].sent != p->sent)
			return false;
	if (!pool_heard(p, o, v))
		return false;
	if (was_ready && p->state != POOL_READY) {
		c = &p->culprits[p->next_culprit++ % CULPRITS_MAX];
		(void)snprintf(c->id, sizeof(c->id), "%s", id);
		c->sent = p->sent;
	}
	return true;
}

bool
pool_suspects(struct pool *p, const char *id)
{
	bool is_again = strcmp(p->suspect, id) == 0;

	(void)snprintf(p->suspect, sizeof(p->suspect), "%s", id);
	return is_again;
}

void
pool_message_held(struct pool *p, const char *id, const char *why)
{
	struct queue_item it;
	char text[ENVELOPE_ID_SIZE + DIAGNOSIS_REASON_MAX + 2];

	/* Who waited has heard it. */
	if (!queue_find(p->queue, id, &it) || it.state != QUEUE_STATE_HELD)
		return;
	(void)snprintf(text, sizeof(text), "%s: %s", id, why);
	alert(p, "message-held", text);
}

void
pool_settling(struct pool *p)
{
	p->unsettled++;
}

void
pool_settled(void *pool)
{
	struct pool *p = pool;

	p->unsettled--;
	loop_timer_set(
	    p->timer, p->state == POOL_READY ? now_ms(p) : p->until_ms);
}

void
pool_courier_gone(struct pool *p)
{
	if (!list_is_empty(&p->couriers)) {
		loop_timer_set(
		    p->timer, p->state == POOL_READY ? now_ms(p) : p->until_ms);
		return;
	}
	if (p->state == POOL_READY && !p->is_stopping &&
	    queue_has_due(p->queue, p->account)) {
		loop_timer_set(p->timer, now_ms(p));
		return;
	}
	/* The trust store is worth 4 MB: give it back until it is needed. */
	if (p->tls != NULL)
		tls_ctx_trim(p->tls);
	(void)malloc_trim(0); /* nothing to give back is fine */
}

/* --- facts ---------------------------------------------------------------- */

void
pool_status(const struct pool *p, struct pool_status *ret)
{
	*ret = (struct pool_status) {
		.name = p->opts->name,
		.host = p->opts->host,
		.state = p->state,
		.reason = p->reason,
		.until_ms = p->until_ms,
		.couriers = count_couriers(p),
		.ports = p->ports_text,
		.sent = p->sent,
		.last_sent_s = p->last_sent_s,
		.size_max_bytes = p->size_max_bytes,
	};
}

struct loop *
pool_loop(const struct pool *p)
{
	return p->loop;
}

struct queue *
pool_queue(const struct pool *p)
{
	return p->queue;
}

struct pool_opts *
pool_opts_of(const struct pool *p)
{
	return p->opts;
}

int
pool_account(const struct pool *p)
{
	return p->account;
}

struct list *
pool_couriers(struct pool *p)
{
	return &p->couriers;
}

struct list *
pool_fetches(struct pool *p)
{
	return &p->fetches;
}

int
pool_tls(struct pool *p, struct tls_ctx **ret, struct err *err)
{
	if (p->tls == NULL &&
	    tls_ctx_new_client(&p->opts->tls, &p->tls, err) != 0)
		return -1;
	*ret = p->tls;
	return 0;
}

const struct reach_port *
pool_port(const struct pool *p)
{
	return reach_current(&p->reach);
}

int64_t
pool_patience_ms(const struct pool *p)
{
	return reach_has_next(&p->reach) ? PATIENCE_AUTO_MS : PATIENCE_MS;
}
