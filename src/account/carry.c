/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "account/carry.h"

#include <stdlib.h>

#include "account/share.h"
#include "base/xalloc.h"
#include "store/store.h"

struct spent {
	const struct clock *clock;
	char *own, *shared; /* names: in the spool, and of what all have */
	struct buf saved; /* what the spool says */
	struct budget budget;
};

static int64_t
now_s(const struct spent *s)
{
	return clock_wall_ms(s->clock) / 1000;
}

static int
begin_spent(struct spent *s, struct store *st, const char *account,
    const struct clock *clock, struct err *err)
{
	*s = (struct spent) { .clock = clock,
		.own = xasprintf("budget.%s", account),
		.shared = xasprintf("account.%s", account) };
	buf_init(&s->saved, STORE_STATE_MAX);
	if (st->ops->state_read(st, s->own, &s->saved, err) != 0)
		return -1;
	budget_load(&s->budget, buf_bytes(&s->saved));
	return 0;
}

static void
end(struct spent *s)
{
	buf_clear(&s->saved);
	free(s->own);
	free(s->shared);
}

static void
add_spent(void *ctx, const struct share_turn *turn, struct buf *text)
{
	const struct spent *s = ctx;

	share_add_spent(text, turn, &s->budget, now_s(s));
}

int
carry_spent(struct store *st, const char *account, const struct clock *clock,
    struct err *err)
{
	struct spent s;
	int rc = begin_spent(&s, st, account, clock, err);

	if (rc == 0 && buf_len(&s.saved) > 0) {
		rc = st->ops->shared_change(st, s.shared, add_spent, &s, err);
		if (rc == 0) /* else it counts twice */
			IGNORE(st->ops->state_write(
				   st, s.own, bytes_of("", 0), NULL) == 0);
	}
	end(&s);
	return rc;
}

/* --- and back ------------------------------------------------------------- */

struct back {
	struct spent *spent;
	struct budget budget; /* with what all have */
};

static void
read_spent(void *ctx, const struct share_turn *turn, struct buf *text)
{
	struct back *b = ctx;
	struct budget shared;

	share_spent(buf_bytes(text), turn, &shared);
	b->budget = b->spent->budget;
	budget_add(&b->budget, now_s(b->spent), &shared, turn->now_ms / 1000);
}

static void
forget(void *ctx, const struct share_turn *turn, struct buf *text)
{
	(void)ctx;
	(void)turn;
	share_forget_spent(text);
}

static int
carry_back(struct back *b, struct store *st, struct err *err)
{
	struct spent *s = b->spent;

	if (st->ops->shared_change(st, s->shared, read_spent, b, err) != 0)
		return -1;
	buf_reset(&s->saved);
	budget_set_limits(&b->budget, 1, 1, 1); /* all of it is kept */
	budget_save(&b->budget, &s->saved);
	if (st->ops->state_write(st, s->own, buf_bytes(&s->saved), err) != 0)
		return -1;
	return st->ops->shared_change(st, s->shared, forget, NULL, err);
}

int
carry_spent_back(struct store *st, const char *account,
    const struct clock *clock, struct err *err)
{
	struct spent s;
	struct back b = { .spent = &s };
	int rc = begin_spent(&s, st, account, clock, err);

	if (rc == 0)
		rc = carry_back(&b, st, err);
	end(&s);
	return rc;
}
