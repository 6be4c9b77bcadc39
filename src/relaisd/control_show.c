/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "relaisd/control_core.h"

#include <stdlib.h>
#include <string.h>

#include "base/xalloc.h"
#include "ctl/ctl_json.h"
#include "mail/diagnosis.h"
#include "mail/envelope.h"
#include "store/journal_text.h"
#include "store/store_view.h"

static json_t *
rcpts_json(const struct envelope *e)
{
	static const char *const states[] = {
		[RCPT_WAITING] = "waiting",
		[RCPT_SENT] = "sent",
		[RCPT_FAILED] = "failed",
	};
	json_t *all = json_array();
	static const struct verdict none;
	struct diagnosis advice;
	struct buf text;

	buf_init(&text, 4096);
	for (size_t i = 0; i < e->nrcpts; i++) {
		const struct rcpt *r = &e->rcpts[i];

		buf_reset(&text);
		if (r->last != NULL)
			verdict_text(r->last, &text);
		advice = diagnosis_of(r->last != NULL ? r->last : &none);
		(void)json_array_append_new(
		    all, json_pack("{s:o, s:s, s:b, s:o, s:s, s:s}", "address",
			     ctl_json_text(r->addr), "state", states[r->state],
			     "uncertain", rcpt_is_in_doubt(r), "verdict",
			     ctl_json_bytes(buf_bytes(&text)), "cause",
			     advice.cause, "remedy", advice.remedy));
	}
	buf_clear(&text);
	return all;
}

/* The journal, which ends at an empty line, as sentences with their times. */
static json_t *
history_json(const char *text, const struct envelope *e)
{
	json_t *all = json_array();
	struct buf sentence;
	int64_t at_ms = e->arrived_s * 1000;

	buf_init(&sentence, 4096);
	while (*text != '\0' && *text != '\n') {
		size_t n = strcspn(text, "\n");

		buf_reset(&sentence);
		if (journal_text(bytes_of(text, n), e, &sentence, &at_ms))
			(void)json_array_append_new(
			    all, json_pack("{s:I, s:o}", "time",
				     (json_int_t)(at_ms / 1000), "text",
				     ctl_json_bytes(buf_bytes(&sentence))));
		text += n + (text[n] == '\n');
	}
	buf_clear(&sentence);
	return all;
}

static json_t *
text_or_null(const char *s)
{
	return s != NULL ? ctl_json_text(s) : json_null();
}

static void
add_details(json_t *result, const struct envelope *env, const char *text)
{
	(void)json_object_set_new(result, "recipients", rcpts_json(env));
	(void)json_object_set_new(result, "user", text_or_null(env->user));
	(void)json_object_set_new(result, "peer", ctl_json_text(env->peer));
	(void)json_object_set_new(result, "helo", text_or_null(env->helo));
	(void)json_object_set_new(
	    result, "listener", text_or_null(env->listener));
	(void)json_object_set_new(result, "history", history_json(text, env));
	(void)json_object_set_new(result, "text", ctl_json_text(text));
}

static void
refuse(struct ctl_call *call, const char *id)
{
	ctl_call_refuse(
	    call, "no message %.40s", id != NULL ? id : "without id");
}

static void
show_ours(struct control *c, struct ctl_call *call, const char *id)
{
	struct envelope *env = NULL;
	struct queue_item it;
	struct err err = { 0 };
	char *text = NULL;
	json_t *result;

	if (id == NULL || !control_find_visible(c, call, id, &it)) {
		refuse(call, id);
		return;
	}
	result = control_item_json(c, call, &it);
	if (queue_show(c->opts.queue, id, &env, &text, &err) != 0) {
		ctl_call_refuse(call, "%s", err.text);
		json_decref(result);
		return;
	}
	add_details(result, env, text);
	ctl_call_done(call, result);
	json_decref(result);
	envelope_free(env);
	free(text);
}

/* --- of a store behind a network ------------------------------------------ */

struct showing {
	struct store_query query;
	struct control *c;
	char *id;
	bool is_everybodys; /* the one who asks may see all */
	uint32_t uid;
	int64_t now_s;
	enum store_result found;
	bool is_theirs; /* of who asks */
	json_t *result; /* what is written down */
};

static void
showing_clear(struct store_query *f)
{
	struct showing *s = list_entry(f, struct showing, query);

	json_decref(s->result);
	free(s->id);
	free(s);
}

static void
showing_free(void *state)
{
	struct showing *s = state;

	store_query_leave(&s->query);
}

static void
on_seen(void *ctx, struct store_message *message, const struct store_seen *m)
{
	struct showing *s = ctx;
	struct buf text;

	s->is_theirs = s->is_everybodys ||
		       (strcmp(m->origin, s->c->opts.store->node) == 0 &&
			   m->env->uid == s->uid);
	s->result = control_seen_json(m, s->now_s);
	buf_init(&text, STORE_VIEW_MAX);
	store_view_text(s->c->opts.store, message, &text);
	add_details(s->result, m->env, buf_str(&text));
	buf_clear(&text);
	if (m->origin[0] != '\0')
		(void)json_object_set_new(
		    s->result, "origin", ctl_json_text(m->origin));
}

static int
look_for_message(struct store_query *f)
{
	struct showing *s = list_entry(f, struct showing, query);
	struct store *st = s->c->opts.store;

	s->found = st->ops->peek(st, s->id, on_seen, s, &f->err);
	return 0;
}

/* The queue knows more of what is ours than is written down. */
static void
add_what_is_here(struct showing *s)
{
	struct queue_item it;
	json_t *item;

	if (!queue_find(s->c->opts.queue, s->id, &it))
		return;
	item = control_item_json(s->c, s->query.call, &it);
	(void)json_object_del(item, "recipients");
	(void)json_object_del(item, "uid");
	(void)json_object_update(s->result, item);
	json_decref(item);
}

static void
show_shared(struct control *c, struct ctl_call *call, const char *id)
{
	struct showing *s = ctl_call_state(call);

	if (s == NULL) {
		s = xcalloc(1, sizeof(*s));
		store_query_init(&s->query, c->queries, call, showing_clear);
		s->c = c;
		s->id = xstrdup(id);
		s->is_everybodys = ctl_call_is_privileged(call);
		s->uid = ctl_call_uid(call);
		s->now_s = control_wall_ms(c) / 1000;
		ctl_call_keep(call, s, showing_free);
		store_query_ask(&s->query, look_for_message);
		return;
	}
	if (s->found == STORE_OK && s->is_theirs) {
		add_what_is_here(s);
		ctl_call_done(call, s->result);
	} else if (s->found == STORE_GONE) {
		show_ours(c, call, id); /* in memory, perhaps */
	} else if (s->found == STORE_OK) {
		refuse(call, id);
	} else {
		ctl_call_refuse(call, "%s", s->query.err.text);
	}
}

void
control_show(void *ctx, struct ctl_call *call)
{
	struct control *c = ctx;
	const char *id = ctl_json_string(ctl_call_args(call), "id");

	if (control_shared(c) != NULL && id != NULL)
		show_shared(c, call, id);
	else
		show_ours(c, call, id);
}
