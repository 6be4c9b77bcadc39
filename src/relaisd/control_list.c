/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "relaisd/control_core.h"

#include <stdlib.h>
#include <string.h>

#include "account/accounts.h"
#include "base/str.h"
#include "base/xalloc.h"
#include "ctl/ctl_json.h"
#include "store/store_view.h"

enum { TEXT_MAX = 200 };

/* --- rights --------------------------------------------------------------- */

bool
control_may_see(const struct ctl_call *call, const struct queue_item *it)
{
	return ctl_call_is_privileged(call) || it->uid == ctl_call_uid(call);
}

bool
control_find_visible(struct control *c, const struct ctl_call *call,
    const char *id, struct queue_item *ret)
{
	return queue_find(c->opts.queue, id, ret) && control_may_see(call, ret);
}

/* --- messages as JSON ----------------------------------------------------- */

const char *
control_state_name(enum queue_state s)
{
	static const char *const names[] = {
		[QUEUE_STATE_DUE] = "due",
		[QUEUE_STATE_ACTIVE] = "active",
		[QUEUE_STATE_HELD] = "held",
		[QUEUE_STATE_FAILED] = "failed",
	};

	return names[s];
}

/* A message waits for its account too: a paused or held one is the reason that
 * nothing happens, and when it tries again is when the message is tried. */
static bool
find_trouble(const struct control *c, int account, struct account_status *ret)
{
	return accounts_status(c->opts.accounts, account, ret) &&
	       ret->state != ACCOUNT_READY;
}

/* Seconds from now; -1: it waits for a person. */
static int64_t
next_try_s(const struct control *c, const struct queue_item *it)
{
	int64_t at_ms = it->next_try_ms, left_ms;
	struct account_status st;

	if (it->state == QUEUE_STATE_HELD || it->state == QUEUE_STATE_FAILED)
		return -1;
	if (it->state == QUEUE_STATE_DUE && find_trouble(c, it->account, &st) &&
	    st.until_ms > at_ms)
		at_ms = st.until_ms;
	if (at_ms == INT64_MAX)
		return -1;
	left_ms = at_ms - control_now_ms(c);
	return left_ms > 0 ? (left_ms + 999) / 1000 : 0;
}

/* What a provider replied to somebody's message is for those who may see
 * all. */
const char *
control_account_reason(
    const struct ctl_call *call, const struct account_status *st)
{
	return ctl_call_is_privileged(call) ? st->reason : st->public_reason;
}

/* What was said about the message, else what is wrong with its account. */
static const char *
reason_of(const struct control *c, const struct ctl_call *call,
    const struct queue_item *it)
{
	struct account_status st;

	if (it->reason[0] == '\0' && it->state == QUEUE_STATE_DUE &&
	    find_trouble(c, it->account, &st))
		return control_account_reason(call, &st);
	return it->reason;
}

const char *
control_account_name(const struct control *c, int account)
{
	return accounts_name(c->opts.accounts, account);
}

json_t *
control_item_json(const struct control *c, const struct ctl_call *call,
    const struct queue_item *it)
{
	return ctl_json_message(&(struct ctl_message) {
	    .id = it->id,
	    .node = c->opts.store->node,
	    .state = control_state_name(it->state),
	    .sender = it->sender,
	    .rcpt = it->rcpt,
	    .nrcpts = it->nrcpts,
	    .size_bytes = it->size_bytes,
	    .arrived_s = it->arrived_s,
	    .now_s = control_wall_ms(c) / 1000,
	    .next_s = next_try_s(c, it),
	    .account = control_account_name(c, it->account),
	    .attempts = it->attempts,
	    .uid = it->uid,
	    .is_uncertain = it->is_uncertain,
	    .reason = reason_of(c, call, it),
	});
}

json_t *
control_seen_json(const struct store_seen *m, int64_t now_s)
{
	struct store_view v;
	json_t *item;

	store_view(&v, m->place, m->env, m->state, m->node[0] != '\0', now_s);
	item = ctl_json_message(&(struct ctl_message) {
	    .id = m->env->id,
	    .node = m->node,
	    .state = v.state,
	    .sender = m->env->sender,
	    .rcpt = v.rcpt,
	    .nrcpts = m->env->nrcpts,
	    .size_bytes = m->env->size_bytes,
	    .arrived_s = m->env->arrived_s,
	    .now_s = now_s,
	    .next_s = v.next_s,
	    .account = m->env->account,
	    .attempts = m->state->attempts,
	    .uid = m->env->uid,
	    .is_uncertain = v.is_uncertain,
	    .reason = buf_str(&v.reason),
	});
	buf_clear(&v.reason);
	return item;
}

/* --- the listing ---------------------------------------------------------- */

/* What the other relays have comes in pages, and is merged with what is here by
 * the ids, which are in order of age. */
struct page {
	json_t *items;
	size_t at; /* the next one */
	struct store_look look; /* how far it got */
	uint32_t uid;
	bool is_over;
	char *error; /* they cannot be seen */
};

struct listing {
	struct store_query query;
	struct control *c;
	struct queue_walk *walk;
	bool is_newest_first;
	unsigned states; /* bits; those that are wanted */
	char *pattern; /* NULL: any text */
	json_int_t left; /* so many more at most; below 0: no limit */
	struct page page;
	int64_t now_s;
};

static void
listing_clear(struct store_query *f)
{
	struct listing *l = list_entry(f, struct listing, query);

	json_decref(l->page.items);
	free(l->page.error);
	free(l->pattern);
	free(l);
}

static void
listing_free(void *state)
{
	struct listing *l = state;

	queue_walk_free(l->walk);
	store_query_leave(&l->query);
}

static unsigned
states_wanted(const json_t *names)
{
	const json_t *name;
	unsigned states = 0;
	size_t i;

	json_array_foreach(names, i,
	    name) for (enum queue_state s = QUEUE_STATE_DUE;
		       s <= QUEUE_STATE_FAILED;
		       s++) if (str_eq(json_string_value(name),
				    control_state_name(s))) states |= 1U << s;
	return names != NULL ? states : ~0U;
}

static struct listing *
listing_new(struct control *c, struct ctl_call *call)
{
	const json_t *args = ctl_call_args(call);
	const char *text = ctl_json_string(args, "text");
	const json_t *limit = json_object_get(args, "limit");
	struct listing *l = xcalloc(1, sizeof(*l));

	store_query_init(&l->query, c->queries, call, listing_clear);
	l->c = c;
	l->is_newest_first = json_is_true(
	    json_object_get(args, "newest_first"));
	l->walk = queue_walk_new(c->opts.queue,
	    l->is_newest_first ? QUEUE_NEWEST_FIRST : QUEUE_OLDEST_FIRST);
	l->states = states_wanted(json_object_get(args, "states"));
	if (text != NULL)
		l->pattern = xasprintf("*%.*s*", TEXT_MAX, text);
	l->left = json_is_integer(limit) ? json_integer_value(limit) : -1;
	l->page.uid = ctl_call_uid(call);
	l->page.look.is_backward = l->is_newest_first;
	l->page.look.uid = ctl_call_is_privileged(call) ? NULL : &l->page.uid;
	l->page.is_over = control_shared(c) == NULL;
	return l;
}

static bool
has_text(const struct listing *l, const char *const *texts, size_t n)
{
	if (l->pattern == NULL)
		return true;
	for (size_t i = 0; i < n; i++)
		if (texts[i] != NULL && str_match(l->pattern, texts[i]))
			return true;
	return false;
}

static bool
is_wanted(const struct listing *l, const struct queue_item *it)
{
	const char *const texts[] = { it->id, it->sender, it->rcpt,
		control_account_name(l->c, it->account),
		reason_of(l->c, l->query.call, it) };

	return (l->states >> it->state & 1) != 0 &&
	       has_text(l, texts, sizeof(texts) / sizeof(texts[0]));
}

/* --- of other relays, on a worker thread ---------------------------------- */

static bool
is_seen_wanted(const struct listing *l, const json_t *item)
{
	const char *const texts[] = { ctl_json_string(item, "id"),
		ctl_json_string(item, "sender"),
		json_string_value(
		    json_array_get(json_object_get(item, "recipients"), 0)),
		ctl_json_string(item, "account"),
		ctl_json_string(item, "reason"),
		ctl_json_string(item, "node") };

	for (enum queue_state s = QUEUE_STATE_DUE; s <= QUEUE_STATE_FAILED; s++)
		if (str_eq(ctl_json_string(item, "state"),
			control_state_name(s)) &&
		    (l->states >> s & 1) == 0)
			return false;
	return has_text(l, texts, sizeof(texts) / sizeof(texts[0]));
}

static void
on_seen(void *ctx, const struct store_seen *m)
{
	struct listing *l = ctx;
	json_t *item = control_seen_json(m, l->now_s);

	if (is_seen_wanted(l, item))
		(void)json_array_append(l->page.items, item);
	json_decref(item);
}

static int
read_page(struct store_query *f)
{
	struct listing *l = list_entry(f, struct listing, query);
	struct store *s = l->c->opts.store;

	l->page.items = json_array();
	return s->ops->others(
	    s, &l->page.look, on_seen, l, &l->page.is_over, &f->err);
}

/* The next one of theirs, NULL: there is none, or not yet. */
static json_t *
next_of_others(struct listing *l)
{
	struct page *p = &l->page;
	struct queue_item it;

	for (; p->at < json_array_size(p->items); p->at++) {
		json_t *item = json_array_get(p->items, p->at);

		if (!queue_find(l->c->opts.queue, ctl_json_string(item, "id"),
			&it)) /* else it has come here meanwhile */
			return item;
	}
	json_decref(p->items);
	p->items = NULL;
	p->at = 0;
	return NULL;
}

static void
page_failed(struct listing *l)
{
	l->page.error = xstrdup(l->query.err.text);
	l->page.is_over = true;
	json_decref(l->page.items);
	l->page.items = NULL;
	l->query.rc = 0;
}

/* --- in steps ------------------------------------------------------------- */

static bool
comes_first(const struct listing *l, const char *id, const char *other)
{
	int order = strcmp(id, other);

	return l->is_newest_first ? order > 0 : order < 0;
}

enum step { STEP_ON, STEP_ASKS, STEP_OVER };

static enum step
step(struct listing *l, struct ctl_call *call)
{
	struct queue_item it;
	json_t *theirs = next_of_others(l), *item = NULL;

	if (l->left == 0)
		return STEP_OVER;
	if (theirs == NULL && !l->page.is_over) {
		l->now_s = control_wall_ms(l->c) / 1000;
		store_query_ask(&l->query, read_page);
		return STEP_ASKS;
	}
	if (queue_walk_peek(l->walk, &it) &&
	    (theirs == NULL ||
		comes_first(l, it.id, ctl_json_string(theirs, "id")))) {
		if (control_may_see(call, &it) && is_wanted(l, &it))
			item = control_item_json(l->c, call, &it);
		(void)queue_walk_next(l->walk, &it);
	} else if (theirs != NULL) {
		item = json_incref(theirs);
		l->page.at++;
	} else {
		return STEP_OVER;
	}
	if (item == NULL)
		return STEP_ON;
	ctl_call_item(call, item);
	json_decref(item);
	l->left -= l->left > 0;
	return STEP_ON;
}

/* Goes on where the last step stopped.  Messages that come meanwhile may be
 * missing: a listing is no promise. */
void
control_queue(void *ctx, struct ctl_call *call)
{
	struct control *c = ctx;
	struct listing *l = ctl_call_state(call);
	enum step s = STEP_ON;
	json_t *result = NULL;

	if (l == NULL) {
		l = listing_new(c, call);
		ctl_call_keep(call, l, listing_free);
	}
	if (l->query.rc != 0)
		page_failed(l);
	for (int i = 0; i < CONTROL_STEP_MESSAGES && s == STEP_ON &&
			ctl_call_has_room(call) && ctl_call_has_time(call);
	     i++)
		s = step(l, call);
	if (s != STEP_OVER)
		return;
	if (control_shared(c) != NULL)
		result = json_pack("{s:o, s:o*}", "node",
		    ctl_json_text(c->opts.store->node), "unseen",
		    l->page.error != NULL ? ctl_json_text(l->page.error)
					  : NULL);
	ctl_call_done(call, result);
	json_decref(result);
}
