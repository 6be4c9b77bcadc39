/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "net/people.h"

#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>

#include "base/list.h"
#include "base/xalloc.h"
#include "net/loop.h"
#include "net/peer.h"

enum { ROOM_MIN = 1024, ROOM_MAX = 1024 * 1024, GROUPS_MAX = 65536 };

/* What is known about one uid, or is being looked up. */
struct entry {
	struct list link; /* the one answered last is last */
	uint32_t uid;
	struct person *who; /* NULL: nothing was ever said */
	int64_t until_ms; /* then it is asked for again */
	int64_t asked_ms; /* of the look-up under way */
	struct look *look; /* or NULL */
	struct list asks;
};

struct people {
	struct loop *loop;
	people_look *look;
	void *ctx;
	struct loop_timer *timer; /* the patience of the first to lose it */
	struct list entries;
	size_t nentries;
	bool wants_groups;
};

struct people_ask {
	struct list link;
	void (*told)(void *ctx, const struct person *who);
	void *ctx;
};

/* One question to the database. */
struct look {
	struct work work;
	people_look *run;
	void *ctx;
	struct people *people; /* NULL: cancelled */
	struct entry *entry;
	struct person *who;
	bool wants_groups;
	bool is_outdated; /* asked before a refresh */
};

/* --- persons -------------------------------------------------------------- */

struct person *
person_new(uint32_t uid)
{
	struct person *who = xcalloc(1, sizeof(*who));

	who->refs = 1;
	who->uid = uid;
	return who;
}

struct person *
person_ref(const struct person *who)
{
	struct person *mine = (struct person *)(uintptr_t)who;

	mine->refs++;
	return mine;
}

void
person_free(struct person *who)
{
	if (who == NULL || --who->refs > 0)
		return;
	for (size_t i = 0; i < who->ngroups; i++)
		free(who->groups[i]);
	free(who->groups);
	free(who->name);
	free(who->full_name);
	free(who);
}

/* --- the machine's database ----------------------------------------------- */

/* getpwuid(3): failures that may pass; others are ways to say "not there". */
static bool
is_passing(int os)
{
	return os == EIO || os == EAGAIN || os == EMFILE || os == ENFILE ||
	       os == ENOMEM || os == ETIMEDOUT || os == ECONNREFUSED;
}

/* 0 or errno; what was found lives in *room. */
static int
find_user(uint32_t uid, struct passwd *pw, struct passwd **found, char **room)
{
	int os = ERANGE;

	for (size_t n = ROOM_MIN; os == ERANGE && n <= ROOM_MAX; n *= 4) {
		*room = xrealloc(*room, n, 1);
		*found = NULL;
		do
			os = getpwuid_r(uid, pw, *room, n, found);
		while (os == EINTR);
	}
	return os;
}

/* NULL: it has no name, or none that can be found. */
static char *
group_name(gid_t gid, int *ret_os)
{
	struct group gr, *found = NULL;
	char *room = NULL, *name = NULL;
	int os = ERANGE;

	for (size_t n = ROOM_MIN; os == ERANGE && n <= ROOM_MAX; n *= 4) {
		room = xrealloc(room, n, 1);
		found = NULL;
		do
			os = getgrgid_r(gid, &gr, room, n, &found);
		while (os == EINTR);
	}
	if (os == 0 && found != NULL)
		name = xstrdup(found->gr_name);
	free(room);
	*ret_os = os;
	return name;
}

static void
add_groups(struct person *who, const struct passwd *pw)
{
	int n = 64, had = 0, os;
	gid_t *gids = NULL;

	do {
		had = n;
		gids = xrealloc(gids, (size_t)n, sizeof(*gids));
		if (getgrouplist(pw->pw_name, pw->pw_gid, gids, &n) >= 0)
			break;
		n = n > had ? n : 2 * had;
	} while (n <= GROUPS_MAX);
	if (n > GROUPS_MAX)
		n = had;
	who->groups = xcalloc((size_t)n + 1, sizeof(*who->groups));
	for (int i = 0; i < n; i++) {
		char *name = group_name(gids[i], &os);

		if (name != NULL)
			who->groups[who->ngroups++] = name;
		else
			who->is_silent |= is_passing(os);
	}
	who->has_groups = true;
	free(gids);
}

void
people_look_up(void *ctx, struct person *who, bool wants_groups)
{
	struct passwd pw, *found = NULL;
	char *room = NULL;
	int os = find_user(who->uid, &pw, &found, &room);

	(void)ctx;
	if (found != NULL) {
		who->name = xstrdup(pw.pw_name);
		who->full_name = xstrndup(
		    pw.pw_gecos, strcspn(pw.pw_gecos, ","));
		if (wants_groups)
			add_groups(who, &pw);
	} else {
		who->is_silent = is_passing(os);
	}
	free(room);
}

/* --- asking --------------------------------------------------------------- */

static bool
is_fresh(const struct people *p, const struct entry *e)
{
	return e->who != NULL && loop_now_ms(p->loop) < e->until_ms;
}

static bool
is_overdue(const struct people *p, const struct entry *e)
{
	return e->look != NULL &&
	       loop_now_ms(p->loop) >= e->asked_ms + PEOPLE_PATIENCE_MS;
}

/* The earliest moment at which somebody's patience ends. */
static void
set_timer(struct people *p)
{
	int64_t at = INT64_MAX;

	list_foreach (it, &p->entries) {
		const struct entry *e = list_entry(it, struct entry, link);

		if (!list_is_empty(&e->asks) &&
		    e->asked_ms + PEOPLE_PATIENCE_MS < at)
			at = e->asked_ms + PEOPLE_PATIENCE_MS;
	}
	loop_timer_set(p->timer, at);
}

/* Tells the callers of e the last known answer, or that nothing is known. */
static struct person *
person_of(const struct entry *e)
{
	struct person *who;

	if (e->who != NULL)
		return person_ref(e->who);
	who = person_new(e->uid);
	who->is_silent = true;
	return who;
}

/* Callbacks may ask again, or cancel others. */
static void
answer_asks(struct entry *e)
{
	struct person *who = person_of(e);
	struct list asks;

	list_init(&asks);
	while (!list_is_empty(&e->asks)) {
		struct list *first = e->asks.next;

		list_remove(first);
		list_append(&asks, first);
	}
	while (!list_is_empty(&asks)) {
		struct people_ask *a = list_entry(
		    asks.next, struct people_ask, link);

		list_remove(&a->link);
		a->told(a->ctx, who);
		free(a);
	}
	person_free(who);
}

static void
entry_free(struct people *p, struct entry *e)
{
	if (e->look != NULL)
		e->look->people = NULL;
	list_remove(&e->link);
	p->nentries--;
	person_free(e->who);
	free(e);
}

static void begin_look(struct people *p, struct entry *e);

static void
look_run(struct work *w)
{
	struct look *k = list_entry(w, struct look, work);

	k->run(k->ctx, k->who, k->wants_groups);
}

static void
look_done(struct work *w)
{
	struct look *k = list_entry(w, struct look, work);
	struct people *p = k->people;
	struct entry *e = k->entry;

	if (p != NULL) {
		e->look = NULL;
		/* An old answer is better than none. */
		if (!k->who->is_silent || e->who == NULL) {
			person_free(e->who);
			e->who = person_ref(k->who);
		}
		e->until_ms = loop_now_ms(p->loop) + (k->who->is_silent
							     ? PEOPLE_AGAIN_MS
							     : PEOPLE_KEEP_MS);
		list_remove(&e->link);
		list_append(&p->entries, &e->link);
		if (k->is_outdated && !list_is_empty(&e->asks))
			begin_look(p, e);
		else
			answer_asks(e);
		set_timer(p);
	}
	person_free(k->who);
	free(k);
}

static void
begin_look(struct people *p, struct entry *e)
{
	struct look *k = xcalloc(1, sizeof(*k));

	k->work = (struct work) { .run = look_run, .done = look_done };
	k->run = p->look;
	k->ctx = p->ctx;
	k->people = p;
	k->entry = e;
	k->who = person_new(e->uid);
	k->wants_groups = p->wants_groups;
	e->look = k;
	e->asked_ms = loop_now_ms(p->loop);
	loop_submit_slow(p->loop, LOOP_LANE_PEOPLE, &k->work);
}

/* The one that was answered first goes. */
static void
make_room(struct people *p)
{
	list_foreach (it, &p->entries) {
		struct entry *e = list_entry(it, struct entry, link);

		if (p->nentries < PEOPLE_MAX)
			return;
		if (e->look == NULL)
			entry_free(p, e);
	}
}

static struct entry *
entry_of(struct people *p, uint32_t uid)
{
	struct entry *e;

	list_foreach (it, &p->entries) {
		e = list_entry(it, struct entry, link);
		if (e->uid == uid)
			return e;
	}
	make_room(p);
	e = xcalloc(1, sizeof(*e));
	e->uid = uid;
	list_init(&e->asks);
	list_append(&p->entries, &e->link);
	p->nentries++;
	return e;
}

static void
tell_now(struct person *who, void (*told)(void *ctx, const struct person *who),
    void *ctx)
{
	told(ctx, who);
	person_free(who);
}

struct people_ask *
people_ask(struct people *p, uint32_t uid,
    void (*told)(void *ctx, const struct person *who), void *ctx)
{
	struct people_ask *a;
	struct entry *e;

	if (uid == UID_UNKNOWN || uid == UID_HIDDEN) {
		tell_now(person_new(uid), told, ctx);
		return NULL;
	}
	e = entry_of(p, uid);
	if (is_fresh(p, e) || is_overdue(p, e)) {
		tell_now(person_of(e), told, ctx);
		return NULL;
	}
	if (e->look == NULL)
		begin_look(p, e);
	a = xcalloc(1, sizeof(*a));
	a->told = told;
	a->ctx = ctx;
	list_append(&e->asks, &a->link);
	set_timer(p);
	return a;
}

void
people_forget(struct people_ask *a)
{
	if (a == NULL)
		return;
	list_remove(&a->link);
	free(a);
}

static void
on_timer(void *ctx)
{
	struct people *p = ctx;

	list_foreach (it, &p->entries) {
		struct entry *e = list_entry(it, struct entry, link);

		/* The answer, when it comes, serves later callers. */
		if (is_overdue(p, e) && !list_is_empty(&e->asks)) {
			answer_asks(e);
			break; /* the list may be another now */
		}
	}
	set_timer(p);
}

/* --- life ----------------------------------------------------------------- */

void
people_refresh(struct people *p, bool wants_groups)
{
	p->wants_groups = wants_groups;
	list_foreach (it, &p->entries) {
		struct entry *e = list_entry(it, struct entry, link);

		e->until_ms = 0;
		if (e->look != NULL)
			e->look->is_outdated = true;
	}
}

struct people *
people_new(struct loop *l, people_look *look, void *ctx)
{
	struct people *p = xcalloc(1, sizeof(*p));

	p->loop = l;
	p->look = look;
	p->ctx = ctx;
	p->timer = loop_timer_new(l, on_timer, p);
	list_init(&p->entries);
	return p;
}

void
people_free(struct people *p)
{
	if (p == NULL)
		return;
	while (!list_is_empty(&p->entries)) {
		struct entry *e = list_entry(
		    p->entries.next, struct entry, link);

		answer_asks(e);
		entry_free(p, e);
	}
	loop_timer_free(p->timer);
	free(p);
}
