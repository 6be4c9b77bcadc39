/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "store/store_view.h"

#include <stdlib.h>
#include <string.h>

#include "base/xalloc.h"
#include "mail/verdict.h"

enum { JOURNAL_SHOWN = STORE_VIEW_MAX - STORE_VIEW_HEADER - 1 };

/* What a person reads first, else what was said last about the recipient. */
static void
add_reason(struct buf *to, const struct journal_state *st, const struct rcpt *r)
{
	if (st->reason[0] != '\0')
		IGNORE(buf_adds(to, st->reason)); /* cut is fine */
	else if (r->last != NULL && r->state != RCPT_SENT)
		verdict_text(r->last, to);
}

enum store_phase
store_phase(
    enum store_place place, const struct journal_state *st, bool has_owner)
{
	if (place == STORE_FAILED)
		return STORE_GIVEN_UP;
	if (place != STORE_QUEUE || st->is_held)
		return STORE_HELD;
	return st->is_marked && has_owner ? STORE_ACTIVE : STORE_DUE;
}

void
store_view(struct store_view *ret, enum store_place place,
    const struct envelope *env, const struct journal_state *st, bool has_owner,
    int64_t now_s)
{
	static const char *const words[] = { [STORE_DUE] = "due",
		[STORE_ACTIVE] = "active",
		[STORE_HELD] = "held",
		[STORE_GIVEN_UP] = "failed" };
	const struct rcpt *r = envelope_rcpt_to_name(env);
	enum store_phase phase = store_phase(place, st, has_owner);
	bool is_active = phase == STORE_ACTIVE;
	bool waits = is_active || phase == STORE_DUE;
	int64_t next_s = st->next_wall_ms / 1000 - now_s;

	*ret = (struct store_view) {
		.state = words[phase],
		.rcpt = r->addr,
		.next_s = !waits       ? -1
			  : next_s > 0 ? next_s
				       : 0,
		.is_uncertain = !is_active &&
				(st->is_marked || envelope_is_in_doubt(env)),
	};
	buf_init(&ret->reason, STORE_REASON_MAX);
	if (!is_active)
		add_reason(&ret->reason, st, r);
}

/* Lines without their checksums. */
static void
add_journal(struct store *s, struct store_message *m, struct buf *to)
{
	struct buf raw;
	const char *p, *lf;

	buf_init(&raw, JOURNAL_SHOWN);
	/* A long journal is shown as far as there is room. */
	IGNORE(s->ops->message_journal(m, &raw, NULL));
	for (p = buf_str(&raw); (lf = strchr(p, '\n')) != NULL; p = lf + 1) {
		const char *sp = memchr(p, ' ', (size_t)(lf - p));

		if (sp != NULL)
			IGNORE(buf_add(to, sp + 1, (size_t)(lf - sp)));
	}
	buf_clear(&raw);
}

void
store_view_header(struct buf *to, const char *p, size_t n)
{
	const char *end = memmem(p, n, "\r\n\r\n", 4);

	if (end != NULL)
		n = (size_t)(end - p) + 2;
	IGNORE(buf_add(to, p, n));
}

void
store_view_text(struct store *s, struct store_message *m, struct buf *text)
{
	char *head = xmalloc(STORE_VIEW_HEADER);
	size_t n = 0;

	add_journal(s, m, text);
	IGNORE(buf_addc(text, '\n'));
	if (s->ops->message_read(m, 0, head, STORE_VIEW_HEADER, &n, NULL) == 0)
		store_view_header(text, head, n);
	free(head);
}
