/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "notice/alert.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/list.h"
#include "base/xalloc.h"

#define HOURS(n) ((n)*INT64_C(3600) * 1000)

/* What comes and goes by itself is told again only after a while. */
static const struct event {
	const char *name;
	int64_t again_ms;
	bool is_about_user; /* and not about an account */
} events[] = {
	{ "account-held", 0, false },
	{ "account-paused", HOURS(6), false },
	{ "quota", HOURS(6), false },
	{ "message-held", 0, false },
	{ "disk", HOURS(6), false },
	{ "mail-failed", 0, false },
	{ "null-sender", 0, false },
	{ "user-limit", HOURS(6), true },
};

static const struct event *
find_event(const char *name)
{
	for (size_t i = 0; i < sizeof(events) / sizeof(events[0]); i++)
		if (strcmp(events[i].name, name) == 0)
			return &events[i];
	abort(); /* the program raises what is in the table */
}

const char *
alert_event_name(unsigned number)
{
	return number < sizeof(events) / sizeof(events[0]) ? events[number].name
							   : NULL;
}

unsigned
alert_event_number(const char *name)
{
	return (unsigned)(find_event(name) - events);
}

struct cause {
	struct list link;
	char *event, *about;
	int64_t raised_ms;
	bool is_over;
};

struct alerts {
	struct alert_opts o;
	struct list causes;
};

struct alerts *
alert_new(const struct alert_opts *opts)
{
	struct alerts *a = xcalloc(1, sizeof(*a));

	a->o = *opts;
	list_init(&a->causes);
	return a;
}

void
alert_free(struct alerts *a)
{
	if (a == NULL)
		return;
	list_foreach (it, &a->causes) {
		struct cause *c = list_entry(it, struct cause, link);

		list_remove(&c->link);
		free(c->event);
		free(c->about);
		free(c);
	}
	free(a);
}

static struct cause *
find_cause(struct alerts *a, const char *event, const char *about)
{
	list_foreach (it, &a->causes) {
		struct cause *c = list_entry(it, struct cause, link);

		if (strcmp(c->event, event) == 0 &&
		    strcmp(c->about, about) == 0)
			return c;
	}
	return NULL;
}

static bool
is_news(struct alerts *a, const char *event, const char *about)
{
	int64_t now = clock_boot_ms(a->o.clock);
	struct cause *c = find_cause(a, event, about);

	if (c == NULL) {
		c = xcalloc(1, sizeof(*c));
		c->event = xstrdup(event);
		c->about = xstrdup(about);
		list_append(&a->causes, &c->link);
	} else if (!c->is_over ||
		   now - c->raised_ms < find_event(event)->again_ms) {
		c->is_over = false;
		return false;
	}
	c->is_over = false;
	c->raised_ms = now;
	return true;
}

/* One line: what came from a server must not look like another variable. */
static void
tidy(char *text)
{
	for (; *text != '\0'; text++)
		if ((unsigned char)*text < ' ' || *text == 0x7f)
			*text = ' ';
}

void
alert_raise(
    struct alerts *a, const char *event, const char *about, const char *reason)
{
	char text[ALERT_REASON_MAX];
	struct alert told = {
		.event = event, .account = "", .user = "", .reason = text
	};

	if (about == NULL)
		about = "";
	if (!is_news(a, event, about))
		return;
	(void)snprintf(text, sizeof(text), "%s", reason);
	tidy(text);
	*(find_event(event)->is_about_user ? &told.user
					   : &told.account) = about;
	a->o.tell(a->o.ctx, &told);
}

void
alert_over(struct alerts *a, const char *event, const char *about)
{
	struct cause *c = find_cause(a, event, about != NULL ? about : "");

	if (c != NULL)
		c->is_over = true;
}
