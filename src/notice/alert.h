/* SPDX-License-Identifier: GPL-3.0-or-later */
/* alert.h - decides when a person is told about a problem by other means than
 * mail.
 *
 * A problem is an event and the account or user that it concerns, if any.
 * alert_raise() reports it once; raising it again does nothing until
 * alert_over().  Events that come and go by themselves are reported again only
 * after hours.
 *
 * The result is a struct alert; relaisd/alert_command.h runs the program that
 * tells a person.  Nothing blocks.
 */
#ifndef NOTICE_ALERT_H
#define NOTICE_ALERT_H

struct alerts;
struct clock;

enum { ALERT_REASON_MAX = 1500 }; /* more than DIAGNOSIS_REASON_MAX and an id */

/* Borrowed for the call. */
struct alert {
	const char *event; /* a name from the table in alert.c */
	const char *account; /* "" unless it concerns an account */
	const char *user; /* "" unless it concerns a user */
	const char *reason; /* one line: what is known, cause and remedy */
};

struct alert_opts {
	const struct clock *clock;
	void (*tell)(void *ctx, const struct alert *a);
	void *ctx;
};

/* The name of an event by its number, from 0; NULL: no such number. */
const char *alert_event_name(unsigned number);
unsigned alert_event_number(const char *name); /* name must be an event */

struct alerts *alert_new(const struct alert_opts *opts);
void alert_free(struct alerts *a);

/* about: the account or user, or NULL. */
void alert_raise(
    struct alerts *a, const char *event, const char *about, const char *reason);
void alert_over(struct alerts *a, const char *event, const char *about);

#endif
