/* SPDX-License-Identifier: GPL-3.0-or-later */
/* alert.h - decides when a person is told about a problem by another way than
 * mail, and what.
 *
 * A problem is an event and the account or user it is about, if any.  Raising
 * it tells it once; raising it again does nothing until alert_over().  Some
 * events come and go by themselves: these are told again only after hours.
 *
 * What is to be told is a value.  relaisd/alert_command.h runs the program that
 * tells it.
 */
#ifndef NOTICE_ALERT_H
#define NOTICE_ALERT_H

struct alerts;
struct clock;

enum { ALERT_REASON_MAX = 1500 }; /* more than DIAGNOSIS_REASON_MAX and an id */

/* Borrowed for the call. */
struct alert {
	const char *event; /* of the table in alert.c */
	const char *account; /* "" unless it is about one */
	const char *user; /* likewise */
	const char *reason; /* one line: what is known, cause and remedy */
};

struct alert_opts {
	const struct clock *clock;
	void (*tell)(void *ctx, const struct alert *a);
	void *ctx;
};

/* The events have numbers, 0 to so many.  NULL: there is none. */
const char *alert_event_name(unsigned number);
unsigned alert_event_number(const char *name); /* it is one */

struct alerts *alert_new(const struct alert_opts *opts);
void alert_free(struct alerts *a);

/* about: the account or user, may be NULL. */
void alert_raise(
    struct alerts *a, const char *event, const char *about, const char *reason);
void alert_over(struct alerts *a, const char *event, const char *about);

#endif
