/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "account/account_impl.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/must.h"
#include "base/num.h"
#include "base/xalloc.h"

enum { COUNTS_SAVE_MS = 10 * 1000 };

/* --- for the next start --------------------------------------------------- */

/* The content of this account's file of that kind; the caller frees it. */
static char *
kept(const struct account *a, const char *kind)
{
	char *name = xasprintf("%s.%s", kind, a->opts->name);
	char *text = a->hooks->read(a->hooks->ctx, name);

	free(name);
	return text != NULL ? text : xstrdup("");
}

/* Takes text over. */
static void
keep(const struct account *a, const char *kind, struct buf *text)
{
	char *name = xasprintf("%s.%s", kind, a->opts->name);
	struct err err;

	if (a->hooks->write(a->hooks->ctx, name, buf_bytes(text), &err) != 0)
		log_err(LOG_LEVEL_WARNING, &err);
	free(name);
	buf_clear(text);
}

static void
refresh_ports_text(struct account *a)
{
	struct buf b;

	buf_init(&b, ACCOUNT_KEPT_MAX);
	port_memory_text(&a->ports, &b);
	free(a->ports_text);
	a->ports_text = buf_steal(&b);
}

void
account_save_ports(struct account *a)
{
	struct buf b;

	refresh_ports_text(a);
	buf_init(&b, ACCOUNT_KEPT_MAX);
	port_memory_save(&a->ports, &b);
	keep(a, "reach", &b);
}

/* How many it has sent, and when the last one went: "COUNT SECONDS". */
static void
save_sent(struct account *a)
{
	struct buf b;

	buf_init(&b, ACCOUNT_KEPT_MAX);
	IGNORE(buf_addf(&b, "%" PRIu64 " %" PRId64 "\n", a->sent,
	    a->last_sent_s)); /* fits: two numbers */
	keep(a, "sent", &b);
}

static void
load_sent(struct account *a)
{
	char *text = kept(a, "sent"), *last = text;
	const char *count = strsep(&last, " ");
	uint64_t n, s;

	if (last != NULL && num_u64(bytes_str(count), &n) &&
	    num_u64(bytes_of(last, strcspn(last, "\n")), &s) &&
	    s <= INT64_MAX) {
		a->sent = n;
		a->last_sent_s = (int64_t)s;
	}
	free(text);
}

void
account_save_counts(struct account *a, bool is_last)
{
	struct buf b;

	if (!a->are_counts_dirty ||
	    (!is_last &&
		account_now_ms(a) < a->counts_saved_ms + COUNTS_SAVE_MS))
		return;
	if (!a->reservation.is_shared) {
		buf_init(&b, ACCOUNT_KEPT_MAX);
		budget_save(&a->budget, &b);
		keep(a, "budget", &b);
	}
	save_sent(a);
	a->are_counts_dirty = false;
	a->counts_saved_ms = account_now_ms(a);
}

void
account_save_standing(struct account *a)
{
	struct buf b;

	buf_init(&b, ACCOUNT_KEPT_MAX);
	standing_save(&a->standing, account_now_ms(a), account_wall_s(a), &b);
	keep(a, "standing", &b);
}

/* "HOST SIZE": the limit of another provider does not count. */
void
account_save_size(struct account *a)
{
	struct buf b;

	buf_init(&b, ACCOUNT_KEPT_MAX);
	IGNORE(buf_addf(&b, "%s %" PRIu64 "\n", a->opts->host,
	    a->size_max_bytes)); /* fits: a host name and a number */
	keep(a, "size", &b);
}

static void
load_size(struct account *a)
{
	char *text = kept(a, "size"), *size = text;
	const char *host = strsep(&size, " ");
	uint64_t n;

	if (size != NULL && strcmp(host, a->opts->host) == 0 &&
	    num_u64(bytes_of(size, strcspn(size, "\n")), &n) &&
	    n >= SMTP_CAPS_SIZE_MIN)
		a->size_max_bytes = n;
	free(text);
}

void
account_save_learnt(struct account *a)
{
	struct buf b;

	buf_init(&b, ACCOUNT_KEPT_MAX);
	learnt_save(&a->learnt, a->opts->host, &b);
	keep(a, "learnt", &b);
}

void
account_load(struct account *a)
{
	char *text = kept(a, "reach");

	port_memory_load(&a->ports, bytes_str(text));
	free(text);
	refresh_ports_text(a);
	if (!a->reservation.is_shared) {
		text = kept(a, "budget");
		budget_load(&a->budget, bytes_str(text));
		free(text);
	}
	load_size(a);
	load_sent(a);
	text = kept(a, "learnt");
	learnt_load(&a->learnt, a->opts->host, bytes_str(text));
	free(text);
	text = kept(a, "standing");
	standing_load(&a->standing, account_now_ms(a), account_wall_s(a),
	    bytes_str(text));
	free(text);
}

/* --- for other relays ----------------------------------------------------- */

void
account_share(const struct account *a)
{
	if (a->reservation.is_shared)
		a->hooks->share(a->hooks->ctx);
}

void
account_share_standing(struct account *a, enum standing_cause cause, bool must)
{
	a->shared.has_news = true;
	a->shared.must = must;
	a->shared.cause = cause;
	a->reservation.has_news = true;
	account_share(a);
}

void
account_share_learnt(struct account *a)
{
	a->shared.has_learnt = a->reservation.has_news = true;
	account_share(a);
}

void
account_share_flush(struct account *a)
{
	a->shared.has_flush = a->reservation.has_news = true;
	account_share(a);
}
