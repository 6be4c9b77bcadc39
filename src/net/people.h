/* SPDX-License-Identifier: GPL-3.0-or-later */
/* people.h - looks up the names and groups of a uid without blocking the loop.
 *
 * The database may be a directory on the network that answers after seconds or
 * never.  So a worker thread queries it, once per uid however many callers
 * wait, and the answer is kept for PEOPLE_KEEP_MS.  Each caller gets an answer
 * within PEOPLE_PATIENCE_MS: if the database is silent, the earlier answer
 * about this uid, or that nothing is known (is_silent).
 */
#ifndef NET_PEOPLE_H
#define NET_PEOPLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct loop;
struct people;
struct people_ask;

enum {
	PEOPLE_KEEP_MS = 60 * 1000,
	PEOPLE_PATIENCE_MS = 15 * 1000,
	PEOPLE_AGAIN_MS = 5000, /* after a failure of the database */
	/* This many uids are remembered, besides those being looked up. */
	PEOPLE_MAX = 256
};

/* Reference-counted; freed by the last person_free(). */
struct person {
	unsigned refs;
	uint32_t uid; /* or UID_UNKNOWN, UID_HIDDEN */
	/* The database has not answered, so nothing else is known.  Otherwise a
	 * missing name means that there is no such user. */
	bool is_silent;
	bool has_groups; /* they were asked for */
	char *name; /* login name, or NULL */
	char *full_name; /* from GECOS, or NULL */
	char **groups; /* names */
	size_t ngroups;
};
struct person *person_new(uint32_t uid);
struct person *person_ref(const struct person *who);
void person_free(struct person *who);

/* How to look a user up: fills in *who.  Runs on a worker thread and may
 * block. */
typedef void people_look(void *ctx, struct person *who, bool wants_groups);
people_look people_look_up; /* the machine's database; ctx is not used */

struct people *people_new(struct loop *l, people_look *look, void *ctx);
/* Answers everyone who still waits that the database is silent. */
void people_free(struct people *p);

/* Sets whether groups are looked up, which takes a query each and is only
 * useful if a rule needs them.  Also forgets all answers, because the
 * configuration was reloaded. */
void people_refresh(struct people *p, bool wants_groups);

/* told() is called once, with a person borrowed for the call.  NULL: told() was
 * called already, because the answer was known. */
struct people_ask *people_ask(struct people *p, uint32_t uid,
    void (*told)(void *ctx, const struct person *who), void *ctx);
void people_forget(struct people_ask *ask); /* told() will not be called */

#endif
