/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "relais/relais_spool.h"

#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "conf/conf.h"
#include "ctl/ctl_json.h"
#include "mail/envelope.h"
#include "mail/verdict.h"
#include "store/spool.h"
#include "sys/clock_sys.h"
#include "sys/fs_sys.h"
#include "sys/privilege.h"

struct walk {
	struct store *store;
	enum store_place place;
	void (*item)(void *ctx, struct bytes item);
	void *ctx;
	int64_t now_s;
};

static void
add_reason(struct buf *to, const struct journal_state *st, const struct rcpt *r)
{
	struct buf text;

	buf_init(&text, 2048);
	if (st->reason[0] != '\0')
		IGNORE(buf_adds(&text, st->reason)); /* cut is fine */
	else if (r->last != NULL && r->state != RCPT_SENT)
		verdict_text(r->last, &text);
	ctl_json_add_text(to, "reason", buf_str(&text));
	buf_clear(&text);
}

static void
add_message(const struct walk *w, const struct envelope *e,
    const struct journal_state *st, struct buf *to)
{
	const struct rcpt *r = envelope_rcpt_to_name(e);
	const char *addr = r->addr;
	bool waits = w->place == STORE_QUEUE && !st->is_held;
	int64_t next_s = st->next_wall_ms / 1000 - w->now_s;

	IGNORE(buf_addc(to, '{')); /* a full buffer is told by its end */
	ctl_json_add_text(to, "id", e->id);
	ctl_json_add_text(to, "state",
	    waits                      ? "due"
	    : w->place == STORE_FAILED ? "failed"
				       : "held");
	ctl_json_add_text(to, "sender", e->sender);
	ctl_json_add_texts(to, "recipients", &addr, 1);
	ctl_json_add_number(to, "recipient_count", (int64_t)e->nrcpts);
	ctl_json_add_number(to, "size", (int64_t)e->size_bytes);
	ctl_json_add_number(to, "arrived", e->arrived_s);
	ctl_json_add_number(
	    to, "age", w->now_s > e->arrived_s ? w->now_s - e->arrived_s : 0);
	if (waits)
		ctl_json_add_number(to, "next_try", next_s > 0 ? next_s : 0);
	else
		ctl_json_add_raw(to, "next_try", "null");
	if (e->account == NULL)
		ctl_json_add_raw(to, "account", "null");
	else
		ctl_json_add_text(to, "account", e->account);
	ctl_json_add_number(to, "attempts", st->attempts);
	ctl_json_add_number(to, "uid", e->uid);
	ctl_json_add_raw(to, "uncertain",
	    st->is_offered || envelope_is_in_doubt(e) ? "true" : "false");
	add_reason(to, st, r);
	IGNORE(buf_addc(to, '}'));
}

/* One that is damaged or half written is the daemon's business; one that is
 * done was sent or deleted, and only its file is left. */
static void
list_one(const struct walk *w, const char *id)
{
	const struct store_ops *ops = w->store->ops;
	struct store_message *m;
	struct buf text;

	if (ops->load(w->store, w->place, id, &m, NULL) != STORE_OK)
		return;
	if (!m->state.is_done && !envelope_is_sent(m->env)) {
		buf_init(&text, 65536);
		add_message(w, m->env, &m->state, &text);
		w->item(w->ctx, buf_bytes(&text));
		buf_clear(&text);
	}
	ops->message_free(m);
}

static int
list_all(struct walk *w, struct err *err)
{
	const struct store_ops *ops = w->store->ops;
	struct store_scan *scan = ops->scan_new(w->store, w->now_s * 1000);
	enum store_found found;
	char id[QID_SIZE];

	do {
		found = ops->scan_next(scan, &w->place, id, err);
		if (found == STORE_FOUND_ONE)
			list_one(w, id);
	} while (found == STORE_FOUND_ONE || found == STORE_FOUND_NONE);
	ops->scan_free(scan);
	return found == STORE_FOUND_END ? 0 : -1;
}

int
relais_spool_list(const struct conf *c,
    void (*item)(void *ctx, struct bytes item), void *ctx, struct err *err)
{
	struct walk w = { .item = item, .ctx = ctx };
	struct privilege_user user;
	int rc;

	/* spool_open() would make what is missing. */
	if (access(c->spool, F_OK) != 0)
		return err_sys(err, "the spool %s", c->spool);
	if (geteuid() == 0 && (privilege_find(c->user, &user, err) != 0 ||
				  privilege_drop(&user, err) != 0))
		return -1;
	if (spool_open(c->spool, fs_sys(), &w.store, err) != 0)
		return -1;
	w.now_s = clock_wall_ms(clock_sys()) / 1000;
	rc = list_all(&w, err);
	store_free(w.store);
	return rc;
}
