/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "relaisd/control_log.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/str.h"
#include "base/xalloc.h"
#include "ctl/ctl_json.h"
#include "ctl/ctl_server.h"
#include "mail/diagnosis.h"
#include "net/loop.h"
#include "relaisd/recorder.h"
#include "relaisd/store_query.h"
#include "store/history.h"
#include "store/spool_word.h"
#include "sys/clock_sys.h"

enum {
	STEP_ENTRIES = 300, /* are looked at in one step */
	PATTERN_MAX = 320, /* longer than any address */
	/* What a follower has not been given yet; more, and it hears no
	 * more. */
	BEHIND_MAX = 1024 * 1024,
	FAR_MS = 1000 /* a follower asks a shared store so often */
};

/* What is asked for; texts are borrowed from the arguments, NULL: any. */
struct wish {
	const char *id, *to, *account;
	int64_t since_ms;
	bool only_failed;
	bool is_all; /* of every user */
	uint32_t uid;
};

struct run {
	struct store_query query; /* a store behind a network is read there */
	struct loop_timer *timer; /* of a follower of that; or NULL */
	bool is_over; /* of that: all is read that was there */
	bool is_late; /* what comes now has come since the beginning */
	struct ctl_call *call;
	struct recorder *recorder;
	struct store *store;
	/* Of the store, which may be gone before a read of it has come back. */
	void (*close)(struct store_history *h);
	struct recorder_reader reader;
	struct wish wish;
	bool is_backward, is_following, wants_past;
	json_int_t left; /* to be given */
	struct store_history *history; /* NULL: not open yet, or read */
	struct bytes lines; /* of it, not looked at yet, */
	const char *node; /* and the relay that has written them */
	struct buf live; /* lines of entries that came meanwhile */
	bool is_behind;
	json_int_t damaged;
	struct err err;
	int rc;
};

/* --- entries as JSON ------------------------------------------------------ */

static json_t *
reply_json(const struct verdict *v)
{
	if (v->class == VERDICT_NONE)
		return json_null();
	return json_pack("{s:s, s:i, s:o, s:o, s:s, s:o, s:b}", "class",
	    verdict_class_name(v->class), "code", v->code, "enhanced",
	    ctl_json_text(v->enhanced), "text", ctl_json_text(v->text), "stage",
	    verdict_stage_name(v->stage), "server", ctl_json_text(v->who),
	    "uncertain", v->is_uncertain);
}

static json_t *
text_or_null(const char *s)
{
	return s[0] != '\0' ? ctl_json_text(s) : json_null();
}

static json_t *
remote_id_json(const struct verdict *v)
{
	struct bytes id = history_remote_id(v);

	return id.n > 0 ? ctl_json_bytes(id) : json_null();
}

static json_t *
entry_json(const struct history_entry *e, const char *node)
{
	struct diagnosis d = diagnosis_of(&e->answer);
	json_t *rcpts = json_array(), *item;

	for (size_t i = 0; i < e->nnamed; i++)
		(void)json_array_append_new(rcpts, ctl_json_text(e->rcpts[i]));
	item = json_pack("{s:o, s:s, s:I, s:I, s:o, s:i, s:I, s:o, s:o, s:I,"
			 " s:o, s:o, s:s, s:s, s:I, s:o}",
	    "id", ctl_json_text(e->id), "state", history_state_name(e->state),
	    "time", (json_int_t)(e->at_ms / 1000), "arrived",
	    (json_int_t)e->arrived_s, "account", text_or_null(e->account),
	    "attempts", e->attempts, "size", (json_int_t)e->size_bytes,
	    "sender", ctl_json_text(e->sender), "recipients", rcpts,
	    "recipient_count", (json_int_t)e->nrcpts, "reply",
	    reply_json(&e->answer), "remote_id", remote_id_json(&e->answer),
	    "cause", d.cause, "remedy", d.remedy, "uid", (json_int_t)e->uid,
	    "user", text_or_null(e->user));
	if (e->subject[0] != '\0')
		(void)json_object_set_new(
		    item, "subject", ctl_json_text(e->subject));
	if (node != NULL)
		(void)json_object_set_new(item, "node", ctl_json_text(node));
	return item;
}

/* --- which entries -------------------------------------------------------- */

/* A pattern without an @ may also be that of a domain, or of what is before the
 * @. */
static bool
is_address(const char *pattern, const char *address)
{
	const char *at = strrchr(address, '@');
	char *local;
	bool is_same;

	if (str_match(pattern, address))
		return true;
	if (at == NULL || strchr(pattern, '@') != NULL)
		return false;
	local = xstrndup(address, (size_t)(at - address));
	is_same = str_match(pattern, at + 1) || str_match(pattern, local);
	free(local);
	return is_same;
}

static bool
is_to(const struct history_entry *e, const char *pattern)
{
	for (size_t i = 0; i < e->nnamed; i++)
		if (is_address(pattern, e->rcpts[i]))
			return true;
	return false;
}

/* What comes while somebody follows is wanted whatever the clock says: it may
 * have been set back. */
static bool
is_wanted(const struct wish *w, const struct history_entry *e, bool is_new)
{
	return (w->is_all || e->uid == w->uid) &&
	       (is_new || e->at_ms >= w->since_ms) &&
	       (w->id == NULL || str_ends_with(e->id, w->id)) &&
	       (w->account == NULL || strcmp(e->account, w->account) == 0) &&
	       (!w->only_failed || e->state == HISTORY_FAILED ||
		   e->state == HISTORY_REFUSED) &&
	       (w->to == NULL || is_to(e, w->to));
}

/* A uid is one of the machine that has written it. */
static bool
may_see(const struct run *r)
{
	return r->wish.is_all || r->node == NULL ||
	       strcmp(r->node, r->store->node) == 0;
}

static void
give(struct run *r, struct bytes line, bool is_new)
{
	struct history_entry *e = history_parse(line);
	json_t *item;

	if (e == NULL) {
		r->damaged++;
		return;
	}
	if (may_see(r) && is_wanted(&r->wish, e, is_new)) {
		item = entry_json(
		    e, r->node != NULL ? r->node : r->store->node);
		ctl_call_item(r->call, item);
		json_decref(item);
		r->left--;
	}
	history_entry_free(e);
}

/* --- what the store has --------------------------------------------------- */

static void
take_first(struct bytes *lines, struct bytes *ret)
{
	IGNORE(spool_take_line(lines, ret)); /* each has its LF */
}

static void
take_last(struct bytes *lines, struct bytes *ret)
{
	size_t end = lines->n - 1;
	const char *lf = end > 0 ? memrchr(lines->p, '\n', end) : NULL;
	size_t begin = lf != NULL ? (size_t)(lf - lines->p) + 1 : 0;

	*ret = bytes_of(lines->p + begin, end - begin);
	lines->n = begin;
}

static void
close_history(struct run *r)
{
	if (r->history != NULL)
		r->store->ops->history_close(r->history);
	r->history = NULL;
	if (r->damaged > 0)
		recorder_note_damage(r->recorder);
}

static void
look_at_one(struct run *r)
{
	struct bytes line;

	if (r->is_backward)
		take_last(&r->lines, &line);
	else
		take_first(&r->lines, &line);
	give(r, line, r->is_late);
}

static void
look_on(struct run *r)
{
	if (r->lines.n > 0) {
		look_at_one(r);
		return;
	}
	r->rc = r->store->ops->history_read(
	    r->history, &r->lines, &r->node, &r->err);
	if (r->rc != 0 || r->lines.n == 0)
		close_history(r);
}

/* --- what comes meanwhile ------------------------------------------------- */

/* Readers wait until all that was noted is written, so what is opened here is
 * whole, and what is told from now on is not in it. */
static void
on_written(void *ctx)
{
	struct run *r = ctx;

	if (r->wants_past && !r->store->is_remote)
		r->rc = r->store->ops->history_open(
		    r->store, r->is_backward, &r->history, &r->err);
	ctl_call_wake(r->call);
}

static void
on_entry(void *ctx, const struct history_entry *e)
{
	struct run *r = ctx;

	if (!is_wanted(&r->wish, e, true))
		return;
	if (!history_line(&r->live, e))
		r->is_behind = true;
	ctl_call_wake(r->call);
}

static void
follow(struct run *r)
{
	struct bytes rest = buf_bytes(&r->live), line;
	size_t all = rest.n;

	while (r->left > 0 && ctl_call_has_room(r->call) &&
	       spool_take_line(&rest, &line))
		give(r, line, true);
	buf_drop(&r->live, all - rest.n);
	if (buf_len(&r->live) == 0 && r->left > 0)
		ctl_call_wait(r->call);
}

/* --- the verb ------------------------------------------------------------- */

static void
run_clear(struct store_query *f)
{
	struct run *r = list_entry(f, struct run, query);

	if (r->history != NULL)
		r->close(r->history);
	buf_clear(&r->live);
	free(r);
}

static void
run_free(void *state)
{
	struct run *r = state;

	recorder_leave(&r->reader);
	loop_timer_free(r->timer);
	r->timer = NULL;
	store_query_leave(&r->query);
}

static struct wish
wish_of(const struct ctl_call *call, const struct recorder *recorder)
{
	const json_t *args = ctl_call_args(call);
	int64_t oldest_ms = clock_wall_ms(clock_sys()) -
			    recorder_life_ms(recorder);
	struct wish w = { .id = ctl_json_string(args, "id"),
		.to = ctl_json_string(args, "to"),
		.account = ctl_json_string(args, "account"),
		.since_ms = json_integer_value(json_object_get(args, "since")),
		.only_failed = json_is_true(json_object_get(args, "failed")),
		.is_all = ctl_call_is_privileged(call),
		.uid = ctl_call_uid(call) };

	w.since_ms = w.since_ms < 0                  ? 0
		     : w.since_ms < INT64_MAX / 1000 ? w.since_ms * 1000
						     : INT64_MAX;
	if (w.since_ms < oldest_ms)
		w.since_ms = oldest_ms;
	return w;
}

static void
begin_listing(struct ctl_call *call, struct recorder *recorder,
    struct store *store, struct store_queries *queries)
{
	const json_t *args = ctl_call_args(call);
	json_int_t limit = json_integer_value(json_object_get(args, "limit"));
	const char *to = ctl_json_string(args, "to");
	struct run *r;

	if (to != NULL && strlen(to) > PATTERN_MAX) {
		ctl_call_refuse(call, "\"to\" is too long");
		return;
	}
	r = xcalloc(1, sizeof(*r));
	store_query_init(&r->query, queries, call, run_clear);
	r->call = call;
	r->recorder = recorder;
	r->store = store;
	r->close = store->ops->history_close;
	r->wish = wish_of(call, recorder);
	r->is_backward = json_is_true(json_object_get(args, "newest_first"));
	r->is_following = json_is_true(json_object_get(args, "follow"));
	r->wants_past = !r->is_following ||
			json_object_get(args, "since") != NULL;
	r->is_late = !r->wants_past;
	r->left = limit > 0 ? limit : INT64_MAX;
	buf_init(&r->live, BEHIND_MAX);
	r->reader = (struct recorder_reader) { .done = on_written,
		.entry = r->is_following && !store->is_remote ? on_entry : NULL,
		.ctx = r };
	list_init(&r->reader.link);
	ctl_call_keep(call, r, run_free);
	ctl_call_wait(call);
	recorder_read(recorder, &r->reader);
}

static void
end(struct run *r)
{
	json_t *result = json_pack("{s:I}", "damaged", r->damaged);

	ctl_call_done(r->call, result);
	json_decref(result);
}

/* --- a store behind a network --------------------------------------------- */

static int
read_remote(struct store_query *f)
{
	struct run *r = list_entry(f, struct run, query);
	const struct store_ops *ops = r->store->ops;
	int rc = 0;

	if (r->history == NULL && !r->wants_past)
		rc = ops->history_follow(r->store, &r->history, &f->err);
	else if (r->history == NULL)
		rc = ops->history_open(
		    r->store, r->is_backward, &r->history, &f->err);
	if (rc != 0)
		return -1;
	if (ops->history_read(r->history, &r->lines, &r->node, &f->err) != 0)
		return -1;
	r->is_over = r->lines.n == 0;
	return 0;
}

static void
on_timer(void *ctx)
{
	struct run *r = ctx;

	r->is_over = false;
	store_query_ask(&r->query, read_remote);
}

/* Of all that the relays have written, also of what they write from now on. */
static void
wait_for_more(struct run *r, struct loop *l)
{
	r->is_late = true;
	if (r->timer == NULL)
		r->timer = loop_timer_new(l, on_timer, r);
	loop_timer_set(r->timer, loop_now_ms(l) + FAR_MS);
	ctl_call_wait(r->call);
}

static void
go_on_remote(struct run *r, struct loop *l)
{
	if (r->query.rc != 0) {
		ctl_call_refuse(r->call, "%s", r->query.err.text);
		return;
	}
	for (int i = 0;
	     i < STEP_ENTRIES && r->left > 0 && r->lines.n > 0 &&
	     ctl_call_has_room(r->call) && ctl_call_has_time(r->call);
	     i++)
		look_at_one(r);
	if (r->left > 0 && r->lines.n > 0)
		return; /* for another turn */
	if (r->left > 0 && !r->is_over) {
		store_query_ask(&r->query, read_remote);
	} else if (r->left > 0 && r->is_following) {
		wait_for_more(r, l);
	} else {
		if (r->damaged > 0)
			recorder_note_damage(r->recorder);
		end(r);
	}
}

void
control_log(struct ctl_call *call, struct loop *l, struct recorder *recorder,
    struct store *store, struct store_queries *queries)
{
	struct run *r = ctl_call_state(call);

	if (r == NULL) {
		begin_listing(call, recorder, store, queries);
		return;
	}
	if (store->is_remote) {
		go_on_remote(r, l);
		return;
	}
	for (int i = 0; i < STEP_ENTRIES && r->rc == 0 && r->left > 0 &&
			r->history != NULL && ctl_call_has_room(call) &&
			ctl_call_has_time(call);
	     i++)
		look_on(r);
	if (r->rc != 0)
		ctl_call_refuse(call, "%s", r->err.text);
	else if (r->is_behind)
		ctl_call_refuse(call, "too many entries came at once");
	else if (r->left <= 0 || (r->history == NULL && !r->is_following))
		end(r);
	else if (r->history == NULL)
		follow(r);
}
