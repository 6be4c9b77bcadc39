/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "account/share.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

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
	struct share_standing standing;
	struct buf learnt;
	uint64_t flushes;
};

/* --- the text ------------------------------------------------------------- */

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
add_line(struct buf *to, struct bytes line)
{
	if (line.n < buf_room(to)) {
		IGNORE(buf_add(to, line.p, line.n));
		IGNORE(buf_addc(to, '\n'));
	}
}

static void
read_line(struct share *s, struct bytes line)
{
	struct bytes rest = line, word = bytes_cut(&rest, ' ');
	uint64_t number;

	if (bytes_eq(word, "node"))
		read_node(s, rest);
	else if (bytes_eq(word, "standing") && num_u64(rest, &number))
		s->standing.version = number;
	else if (bytes_eq(word, "flush") && num_u64(rest, &number))
		s->flushes = number;
	else if (bytes_eq(word, "is"))
		add_line(&s->standing.text, rest);
	else if (bytes_eq(word, "learnt"))
		add_line(&s->learnt, rest);
	else
		budget_load(&s->budget, line); /* skips what it is not */
}

static void
read_share(struct share *s, struct bytes text)
{
	*s = (struct share) { .n = 0 };
	buf_init(&s->standing.text, SHARE_PART_MAX);
	buf_init(&s->learnt, SHARE_PART_MAX);
	while (text.n > 0)
		read_line(s, bytes_cut(&text, '\n'));
}

static void
share_clear(struct share *s)
{
	buf_clear(&s->standing.text);
	buf_clear(&s->learnt);
	free(s->nodes);
}

static void
write_lines(const char *word, const struct buf *lines, struct buf *to)
{
	struct bytes left = buf_bytes(lines);

	while (left.n > 0) {
		struct bytes line = bytes_cut(&left, '\n');

		IGNORE(buf_adds(to, word)); /* it fits, as all here */
		IGNORE(buf_add(to, line.p, line.n));
		IGNORE(buf_addc(to, '\n'));
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
	if (s->standing.version > 0)
		IGNORE(buf_addf(
		    to, "standing %" PRIu64 "\n", s->standing.version));
	write_lines("is ", &s->standing.text, to);
	write_lines("learnt ", &s->learnt, to);
	if (s->flushes > 0)
		IGNORE(buf_addf(to, "flush %" PRIu64 "\n", s->flushes));
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

/* --- what may be sent ----------------------------------------------------- */

static bool
is_alive(const struct share_turn *turn, int64_t id)
{
	for (size_t i = 0; i < turn->nlive; i++)
		if (turn->live[i] == id)
			return true;
	return false;
}

/* The one that has been there for longest. */
static bool
is_speaker(const struct share_turn *turn)
{
	for (size_t i = 0; i < turn->nlive; i++)
		if (turn->live[i] < turn->me)
			return false;
	return turn->nlive > 0;
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
	me->until_ms = block > 0 ? turn->now_ms + SHARE_LIFE_MS : 0;
	if (!ask->wants_more || me->block >= block)
		return;
	free = room(s);
	block -= me->block;
	me->block += free < block ? (uint32_t)free : block;
}

/* --- connections ---------------------------------------------------------- */

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

/* A relay that has none comes first, in the order of asking; one that has more
 * than an equal part gives back what others lack.  If there are fewer than
 * relays, these take terms. */
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

/* --- standing, and what was learnt ---------------------------------------- */

static void
copy_text(struct buf *to, const struct buf *from)
{
	buf_reset(to);
	IGNORE(
	    buf_add(to, buf_str(from), buf_len(from))); /* the same maximum */
}

/* A relay that has not read the newest standing cannot replace it, unless it
 * must. */
static void
settle_standing(struct share *s, const struct share_ask *ask)
{
	if (!ask->has_standing ||
	    (!ask->must_standing &&
		ask->standing.version != s->standing.version))
		return;
	s->standing.version++;
	copy_text(&s->standing.text, &ask->standing.text);
}

/* The time of the line, and what it is about. */
static int64_t
read_fact(struct bytes line, struct bytes *ret_about)
{
	struct bytes rest = line;
	int64_t when;

	IGNORE(bytes_cut(&rest, ' ').n);
	IGNORE(bytes_cut(&rest, ' ').n);
	*ret_about = bytes_of(line.p, line.n - rest.n);
	IGNORE(bytes_cut(&rest, ' ').n);
	return rest.n < line.n && read_number(&rest, &when) ? when : -1;
}

static bool
is_same(struct bytes a, struct bytes b)
{
	return a.n == b.n && memcmp(a.p, b.p, a.n) == 0;
}

/* Is there a line about the same that is newer, or as new and comes before? */
static bool
is_outdated(struct bytes line, struct bytes lines, bool is_first)
{
	struct bytes about, other;
	int64_t when = read_fact(line, &about), then;

	while (lines.n > 0) {
		then = read_fact(bytes_cut(&lines, '\n'), &other);
		if (is_same(about, other) &&
		    (then > when || (then == when && !is_first)))
			return true;
	}
	return when < 0;
}

static void
add_newer(
    struct buf *to, struct bytes lines, struct bytes others, bool is_first)
{
	while (lines.n > 0) {
		struct bytes line = bytes_cut(&lines, '\n');

		if (!is_outdated(line, others, is_first))
			add_line(to, line);
	}
}

static void
settle_learnt(struct share *s, const struct share_ask *ask)
{
	struct buf merged;

	if (buf_len(&ask->learnt) == 0)
		return;
	buf_init(&merged, SHARE_PART_MAX);
	add_newer(
	    &merged, buf_bytes(&s->learnt), buf_bytes(&ask->learnt), true);
	add_newer(
	    &merged, buf_bytes(&ask->learnt), buf_bytes(&s->learnt), false);
	copy_text(&s->learnt, &merged);
	buf_clear(&merged);
}

/* --- a turn --------------------------------------------------------------- */

static struct node *
node_of(struct share *s, int64_t id)
{
	for (size_t i = 0; i < s->n; i++)
		if (s->nodes[i].id == id)
			return &s->nodes[i];
	return add_node(s, &(struct node) { .id = id });
}

void
share_ask_init(struct share_ask *ask)
{
	*ask = (struct share_ask) { .used = 0 };
	buf_init(&ask->standing.text, SHARE_PART_MAX);
	buf_init(&ask->learnt, SHARE_PART_MAX);
}

void
share_ask_clear(struct share_ask *ask)
{
	buf_clear(&ask->standing.text);
	buf_clear(&ask->learnt);
}

void
share_answer_init(struct share_answer *answer)
{
	*answer = (struct share_answer) { .left = 0 };
	buf_init(&answer->standing.text, SHARE_PART_MAX);
	buf_init(&answer->learnt, SHARE_PART_MAX);
}

void
share_answer_clear(struct share_answer *answer)
{
	buf_clear(&answer->standing.text);
	buf_clear(&answer->learnt);
}

static void
answer_from(struct share_answer *answer, const struct share *s, int64_t now_ms)
{
	answer->now_ms = now_ms;
	answer->budget = s->budget;
	answer->standing.version = s->standing.version;
	copy_text(&answer->standing.text, &s->standing.text);
	copy_text(&answer->learnt, &s->learnt);
	answer->flushes = s->flushes;
}

void
share_take_turn(struct buf *text, const struct share_turn *turn,
    const struct share_ask *ask, struct share_answer *answer)
{
	int64_t now_s = turn->now_ms / 1000;
	struct share s;
	struct node *me;

	read_share(&s, buf_bytes(text));
	answer->left = 0;
	answer->connections = 0;
	budget_set_limits(
	    &s.budget, ask->limits[0], ask->limits[1], ask->limits[2]);
	(void)budget_wait_s(&s.budget, now_s, NULL, NULL); /* moves on */
	settle(&s, turn);
	me = node_of(&s, turn->me);
	if (is_alive(turn, turn->me)) {
		settle_standing(&s, ask);
		settle_learnt(&s, ask);
		s.flushes += ask->has_flush;
		reserve(&s, me, turn, ask);
		answer->left = me->block;
		answer->connections = connect(&s, me, turn, ask);
	}
	answer_from(answer, &s, turn->now_ms);
	answer->is_speaker = is_speaker(turn);
	write_share(&s, text);
	share_clear(&s);
}

static void
lapse_all(struct share *s, int64_t now_s)
{
	for (size_t i = 0; i < s->n; i++)
		lapse(s, &s->nodes[i], now_s);
}

void
share_spent(
    struct bytes text, const struct share_turn *turn, struct budget *ret)
{
	struct share s;

	read_share(&s, text);
	lapse_all(&s, turn->now_ms / 1000);
	*ret = s.budget;
	share_clear(&s);
}

void
share_forget_spent(struct buf *text)
{
	struct share s;

	read_share(&s, buf_bytes(text));
	lapse_all(&s, 0);
	budget_init(&s.budget, 0, 0, 0);
	write_share(&s, text);
	share_clear(&s);
}

void
share_add_spent(struct buf *text, const struct share_turn *turn,
    const struct budget *spent, int64_t now_s)
{
	struct share s;

	read_share(&s, buf_bytes(text));
	budget_add(&s.budget, turn->now_ms / 1000, spent, now_s);
	write_share(&s, text);
	share_clear(&s);
}
