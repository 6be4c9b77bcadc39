/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "relais/relais_spool.h"

#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "conf/conf.h"
#include "ctl/ctl_json.h"
#include "mail/envelope.h"
#include "store/spool.h"
#include "store/store_view.h"
#include "sys/clock_sys.h"
#include "sys/fs_sys.h"
#include "sys/privilege.h"

struct walk {
	struct store *store;
	enum store_place place;
	void (*item)(void *ctx, json_t *item);
	void *ctx;
	int64_t now_s;
};

static json_t *
message_json(const struct walk *w, const struct envelope *e,
    const struct journal_state *st)
{
	struct store_view v;
	json_t *item;

	store_view(&v, w->place, e, st, false, w->now_s);
	item = ctl_json_message(&(struct ctl_message) {
	    .id = e->id,
	    .state = v.state,
	    .sender = e->sender,
	    .rcpt = v.rcpt,
	    .nrcpts = e->nrcpts,
	    .size_bytes = e->size_bytes,
	    .arrived_s = e->arrived_s,
	    .now_s = w->now_s,
	    .next_s = v.next_s,
	    .account = e->account,
	    .attempts = st->attempts,
	    .uid = e->uid,
	    .is_uncertain = v.is_uncertain,
	    .reason = buf_str(&v.reason),
	});
	buf_clear(&v.reason);
	return item;
}

/* One that is damaged or half written is the daemon's business; one that is
 * done was sent or deleted, and only its file is left. */
static void
list_one(const struct walk *w, const char *id)
{
	const struct store_ops *ops = w->store->ops;
	struct store_message *m;
	json_t *item;

	if (ops->load(w->store, w->place, id, &m, NULL) != STORE_OK)
		return;
	if (!m->state.is_done && !envelope_is_sent(m->env)) {
		item = message_json(w, m->env, &m->state);
		w->item(w->ctx, item);
		json_decref(item);
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
relais_spool_list(const struct conf *c, void (*item)(void *ctx, json_t *item),
    void *ctx, struct err *err)
{
	struct walk w = { .item = item, .ctx = ctx };
	struct privilege_user user;
	int rc;

	if (c->store != CONF_STORE_DISK)
		return err_set(err, ERR_CONFIG,
		    "the queue is shared; ask on a machine where relaisd runs");
	/* spool_open() would make what is missing. */
	if (access(c->spool, F_OK) != 0)
		return err_sys(err, "cannot open the spool %s", c->spool);
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
