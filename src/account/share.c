/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "account/share.h"

#include <inttypes.h>
#include <stdlib.h>

#include "base/must.h"
#include "base/num.h"
#include "base/str.h"
#include "base/xalloc.h"

static const char first_line[] = "relais-account 1\n";

/* What one relay has. */
struct node {
	int64_t id;
	uint32_t block; /* recipients reserved for it, */
	int64_t until_ms;
	size_t has, wants; /* connections, all in all */
	int64_t since_ms; /* it has some, or waits for the first one */
};

struct share {
	struct budget budget;
	struct node *nodes;
	size_t n;
};

/* --- the text --------------------------------------------------------------- */

static bool
read_number(struct bytes *line, int64_t *ret)
{
	uint64_t n;

	if (!num_u64_max(bytes_cut(line, ' '), INT64_MAX, &n))
		return false;
	*ret = (int64_t)n;
	return true;
}

static struct node *
add_node(struct share *s, const struct node *n)
{
	s->nodes = xrealloc(s->nodes, s->n + 1, sizeof(*s->nodes));
	s->nodes[s->n] = *n;
	return &s->nodes[s->n++];
}

static void
read_node(struct share *s, struct bytes line)
{
	int64_t v[6];

	for (size_t i = 0; i < 6; i++)
		if (!read_number(&line, &v[i]))
			return;
	if (v[1] > UINT32_MAX)
		return;
	add_node(s, &(struct node) { .id = v[0],
			.block = (uint32_t)v[1],
			.until_ms = v[2],
			.has = (size_t)v[3],
			.wants = (size_t)v[4],
			.since_ms = v[5] });
}

static void
read_share(struct share *s, struct bytes text)
{
	*s = (struct share) { .n = 0 };
	while (text.n > 0) {
		struct bytes line = bytes_cut(&text, '\n'), rest = line;

		if (bytes_eq(bytes_cut(&rest, ' '), "node")) {
			read_node(s, rest);
			continue;
		}
		budget_load(&s->budget, line); /* skips what it is not */
	}
}

/* Windows without a limit are kept as well, if another relay has one there. */
static void
write_share(struct share *s, struct buf *to)
{
	uint64_t kept[BUDGET_WINDOWS];

	for (size_t i = 0; i < BUDGET_WINDOWS; i++)
		kept[i] = s->budget.windows[i].sum > 0;
	buf_reset(to);
	IGNORE(buf_adds(to, first_line)); /* it fits: a line for each relay */
	budget_set_limits(&s->budget, kept[0], kept[1], kept[2]);
	budget_save(&s->budget, to);
	for (size_t i = 0; i < s->n; i++) {
		struct node *n = &s->nodes[i];

		if (n->block == 0 && n->has == 0 && n->wants == 0)
			continue;
		if (n->has == 0 && n->wants == 0)
			n->since_ms = 0;
		IGNORE(buf_addf(to,
		    "node %" PRId64 " %" PRIu32 " %" PRId64 " %zu %zu %" PRId64
		    "\n",
		    n->id, n->block, n->until_ms, n->has, n->wants,
		    n->since_ms));
	}
}

/* --- what may be sent --------------------------------------------------------- */

static bool
is_alive(const struct share_turn *turn, int64_t id)
{
	for (size_t i = 0; i < turn->nlive; i++)
		if (turn->live[i] == id)
			return true;
	return false;
}

/* Nobody knows how much of it was sent. */
static void
lapse(struct share *s, struct node *n, int64_t now_s)
{
	budget_spend(&s->budget, n->block, now_s);
	n->block = 0;
}

static void
settle(struct share *s, const struct share_turn *turn)
{
	for (size_t i = 0; i < s->n; i++) {
		struct node *n = &s->nodes[i];

		if (n->id == turn->me)
			continue;
		if (!is_alive(turn, n->id))
			n->has = n->wants = 0;
		else if (n->until_ms > turn->now_ms)
			continue;
		if (n->block > 0)
			lapse(s, n, turn->now_ms / 1000);
	}
}

/* Beside what has been sent and what is reserved. */
static uint64_t
room(const struct share *s)
{
	uint64_t least = UINT64_MAX, reserved = 0;

	for (size_t i = 0; i < s->n; i++)
		reserved += s->nodes[i].block;
	for (size_t i = 0; i < BUDGET_WINDOWS; i++) {
		const struct budget_window *w = &s->budget.windows[i];
		uint64_t taken = w->sum + reserved;
		uint64_t left = taken < w->max ? w->max - taken : 0;

		if (w->max != 0 && left < least)
			least = left;
	}
	return least;
}

uint32_t
share_block(const uint64_t limits[BUDGET_WINDOWS])
{
	uint64_t least = UINT64_MAX;

	for (size_t i = 0; i < BUDGET_WINDOWS; i++)
		if (limits[i] != 0 && limits[i] < least)
			least = limits[i];
	if (least == UINT64_MAX)
		return 0;
	least /= SHARE_BLOCKS;
	return least == 0           ? 1
	       : least > UINT32_MAX ? UINT32_MAX
				    : (uint32_t)least;
}

static void
reserve(struct share *s, struct node *me, const struct share_turn *turn,
    const struct share_ask *ask)
{
	uint32_t block = share_block(ask->limits);
	uint64_t free;

	budget_spend(
	    &s->budget, block > 0 ? ask->used : 0, turn->now_ms / 1000);
	/* What it has now was part of what it had. */
	me->block = ask->left < me->block ? ask->left : me->block;
	me->until_ms = turn->now_ms + SHARE_LIFE_MS;
	if (!ask->wants_more || me->block >= block)
		return;
	free = room(s);
	block -= me->block;
	me->block += free < block ? (uint32_t)free : block;
}

/* --- connections -------------------------------------------------------------- */

static bool
starves(const struct node *n)
{
	return n->has == 0 && n->wants > 0;
}

static bool
came_before(const struct node *a, const struct node *b)
{
	return a->since_ms != b->since_ms ? a->since_ms < b->since_ms
					  : a->id < b->id;
}

static size_t
least_of(size_t a, size_t b)
{
	return a < b ? a : b;
}

static size_t
less(size_t a, size_t b)
{
	return a > b ? a - b : 0;
}

struct others {
	size_t have, active;
	size_t starving, before; /* that have none; and wait for longer */
	size_t lack; /* connections, to an equal part for each */
	size_t fair; /* that part */
};

static struct others
look_around(const struct share *s, const struct node *me, size_t max)
{
	struct others o = { .active = 1 };

	for (size_t i = 0; i < s->n; i++) {
		const struct node *n = &s->nodes[i];

		if (n == me)
			continue;
		o.have += n->has;
		o.active += n->has > 0 || n->wants > 0;
		o.starving += starves(n);
		o.before += starves(n) && came_before(n, me);
	}
	o.fair = max / o.active > 0 ? max / o.active : 1;
	for (size_t i = 0; i < s->n; i++)
		if (&s->nodes[i] != me)
			o.lack += less(least_of(s->nodes[i].wants, o.fair),
			    s->nodes[i].has);
	return o;
}

/* Who has none comes first, in the order of asking; who has more than an equal
 * part gives back what others lack.  If there are fewer than relays, these take
 * terms. */
static size_t
allot(const struct share *s, const struct node *me,
    const struct share_turn *turn, size_t max)
{
	struct others o = look_around(s, me, max);
	size_t free = less(max, o.have + me->has);

	if (me->has == 0)
		return least_of(me->wants, less(free, o.before));
	if (max < o.active && free == 0 && o.starving > 0 &&
	    turn->now_ms - me->since_ms >= SHARE_TERM_MS)
		return me->has - 1;
	if (free < o.lack)
		return me->has - least_of(less(me->has, o.fair), o.lack - free);
	return least_of(
	    less(max, o.have), least_of(me->wants, me->has + free - o.lack));
}

static size_t
connect(struct share *s, struct node *me, const struct share_turn *turn,
    const struct share_ask *ask)
{
	size_t had = me->has, may;

	me->wants = ask->wanted > ask->connections ? ask->wanted
						   : ask->connections;
	me->has = ask->allowed > ask->connections
		      ? least_of(ask->allowed, me->wants)
		      : ask->connections;
	if (me->wants > 0 && (me->since_ms == 0 || (had > 0 && me->has == 0)))
		me->since_ms = turn->now_ms;
	if (ask->allowed < ask->connections)
		return ask->allowed; /* it is giving back */
	may = allot(s, me, turn, ask->max_connections);
	if (may > 0 ? me->has == 0 : me->has > 0) /* its term: begins, ends */
		me->since_ms = turn->now_ms;
	me->has = may > ask->connections ? may : ask->connections;
	return may;
}

/* --- a turn ------------------------------------------------------------------- */

static struct node *
node_of(struct share *s, int64_t id)
{
	for (size_t i = 0; i < s->n; i++)
		if (s->nodes[i].id == id)
			return &s->nodes[i];
	return add_node(s, &(struct node) { .id = id });
}

void
share_take_turn(struct buf *text, const struct share_turn *turn,
    const struct share_ask *ask, struct share_answer *ret)
{
	int64_t now_s = turn->now_ms / 1000;
	struct share s;
	struct node *me;

	read_share(&s, buf_bytes(text));
	*ret = (struct share_answer) { .now_ms = turn->now_ms };
	budget_set_limits(
	    &s.budget, ask->limits[0], ask->limits[1], ask->limits[2]);
	(void)budget_wait_s(&s.budget, now_s, NULL, NULL); /* moves on */
	settle(&s, turn);
	me = node_of(&s, turn->me);
	if (is_alive(turn, turn->me)) {
		reserve(&s, me, turn, ask);
		ret->left = me->block;
		ret->connections = connect(&s, me, turn, ask);
	}
	ret->budget = s.budget;
	write_share(&s, text);
	free(s.nodes);
}
