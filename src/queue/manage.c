/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "queue/inside.h"

#include <stdlib.h>
#include <string.h>

#include "base/xalloc.h"
#include "store/store_view.h"

/* --- showing -------------------------------------------------------------- */

static int
show_from_disk(struct queue *q, const struct entry *e,
    struct envelope **ret_env, struct buf *text, struct err *err)
{
	struct store_message *m;

	switch (q->store->ops->load(q->store, entry_place(e), e->id, &m, err)) {
	case STORE_OK:
		break;
	case STORE_GONE:
	case STORE_UNFINISHED:
		return err_set(err, ERR_DISK, "%s has left the spool", e->id);
	case STORE_DAMAGED:
	case STORE_ERROR:
		return -1;
	}
	store_view_text(q->store, m, text);
	*ret_env = store_message_take_envelope(m);
	q->store->ops->message_free(m);
	return 0;
}

static int
show_from_memory(const struct queue_message *msg, struct envelope **ret_env,
    struct buf *text, struct err *err)
{
	size_t n = (size_t)msg->e->size_bytes;
	char *head = NULL;

	IGNORE(buf_addc(text, '\n'));
	if (msg->body.bytes != NULL) {
		store_view_header(text, msg->body.bytes,
		    n < STORE_VIEW_HEADER ? n : STORE_VIEW_HEADER);
	} else {
		head = xmalloc(STORE_VIEW_HEADER);
		if (msg->q->store->ops->draft_read(msg->body.draft, 0, head,
			STORE_VIEW_HEADER, &n, err) != 0) {
			free(head);
			return -1;
		}
		store_view_header(text, head, n);
		free(head);
	}
	*ret_env = envelope_dup(msg->env);
	return 0;
}

int
queue_show(struct queue *q, const char *id, struct envelope **ret_env,
    char **ret_text, struct err *err)
{
	const struct entry *e = entry_find_listed(q, id);
	struct buf text;
	int rc;

	if (e == NULL)
		return err_set(err, ERR_INPUT, "no message %.40s", id);
	buf_init(&text, STORE_VIEW_MAX);
	rc = e->msg != NULL && e->msg->disk.state != DISK_SAFE
		 ? show_from_memory(e->msg, ret_env, &text, err)
		 : show_from_disk(q, e, ret_env, &text, err);
	if (rc == 0)
		*ret_text = buf_steal(&text);
	buf_clear(&text);
	return rc;
}

/* --- changing ------------------------------------------------------------- */

bool
queue_hold(struct queue *q, const char *id, const char *why)
{
	struct entry *e = entry_find_listed(q, id);
	struct queue_message *msg;

	if (e == NULL || e->is_failed)
		return false;
	msg = message_get(q, e);
	entry_set_held(q, e, true);
	entry_unwait(q, e);
	entry_set_reason(q, e, why);
	message_must_sync(msg);
	message_save_again(msg);
	message_noted(msg, journal_hold(&msg->disk.notes, queue_wall(q), why));
	message_advance(msg);
	return true;
}

static void
release(struct queue *q, struct entry *e)
{
	struct queue_message *msg = message_get(q, e);

	entry_set_held(q, e, false);
	e->times.life_from_s = queue_wall(q) / 1000;
	entry_set_reason(q, e, "");
	message_must_sync(msg);
	message_save_again(msg);
	message_noted(msg, journal_release(&msg->disk.notes, queue_wall(q)));
}

bool
queue_release(struct queue *q, const char *id)
{
	struct entry *e = entry_find_listed(q, id);

	if (e == NULL || !e->is_held)
		return false;
	release(q, e);
	e->times.next_ms = queue_now(q);
	message_advance(e->msg);
	return true;
}

static void
requeue(struct queue *q, struct entry *e)
{
	struct queue_message *msg = message_get(q, e);

	if (msg->is_requeue)
		return;
	msg->is_requeue = true;
	message_noted(msg, journal_requeue(&msg->disk.notes, queue_wall(q)));
	message_advance(msg);
}

bool
queue_retry(struct queue *q, const char *id)
{
	struct entry *e = entry_find_listed(q, id);

	if (e == NULL)
		return false;
	if (e->is_failed) {
		requeue(q, e);
		return true;
	}
	if (e->is_held)
		release(q, e);
	e->times.next_ms = queue_now(q);
	if (e->msg != NULL) {
		entry_unwait(q, e);
		message_advance(e->msg);
	} else {
		entry_wait(q, e);
	}
	return true;
}

bool
queue_delete(struct queue *q, const char *id)
{
	struct entry *e = entry_find_listed(q, id);
	struct queue_message *msg;

	if (e == NULL)
		return false;
	msg = message_get(q, e);
	if (msg->attempt.is_active || msg->client.state != CLIENT_TOLD)
		return false;
	entry_tell_deleted(q, e);
	msg->is_dropped = true;
	message_advance(msg);
	return true;
}

void
queue_flush(struct queue *q, int account)
{
	int64_t now = queue_now(q);

	entry_sort(q); /* the oldest first */
	list_foreach (it, &q->entries.listed) {
		struct entry *e = list_entry(it, struct entry, link);

		if (account >= 0 && e->account != account)
			continue;
		e->times.next_ms = now;
		if (due_is_in_heap(&e->node))
			entry_wait(q, e);
	}
}
