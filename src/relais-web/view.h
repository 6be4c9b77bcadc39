/* SPDX-License-Identifier: GPL-3.0-or-later */
/* view.h - the pages, and the functions that draw them.
 *
 * A page is a function in page_NAME.c.  It queries the daemon, writes HTML, and
 * returns the status of HTTP.  It runs on a thread of its own and shares
 * nothing.
 */
#ifndef RELAIS_WEB_VIEW_H
#define RELAIS_WEB_VIEW_H

#include <stdbool.h>
#include <stdint.h>

#include <jansson.h>

#include "base/num.h"
#include "relais-web/html.h"

struct ctl_client;

struct view {
	struct html h;
	struct ctl_client *client; /* NULL: no daemon answers, see trouble */
	const char *trouble; /* why, a sentence; "" */
	uint32_t uid; /* the user who looks */
	bool is_own; /* the daemon is one user's, not the machine's */
	const char *what; /* the path after the page's name, or "" */
	const char *language; /* its tag */
	const char *text; /* of the search; "" */
	const char *state; /* the state that is searched for, or "" */
};

typedef unsigned view_page(struct view *v);
view_page page_home, page_message, page_messages;
/* A page with nothing but a sentence.  Returns status. */
unsigned page_sorry(
    struct view *v, unsigned status, const char *title, const char *text);

/* Begins and ends a page.  path: of the page itself. */
void view_begin(struct view *v, const char *title, const char *path);
void view_end(struct view *v);
/* True: no daemon answers, and the page says so. */
bool view_is_alone(struct view *v);

/* --- what several pages show ---------------------------------------------- */

/* Begins a part of the page that an open page keeps up to date; it ends with
 * "</section>". */
void view_section(struct view *v, const char *id, const char *title);
/* Draws one object of an array, within "<li>".  view_each() draws the whole
 * array as a list of this tag and class. */
typedef void view_put(struct view *v, const json_t *object);
void view_each(struct view *v, const char *tag, const char *class,
    const json_t *array, view_put *put);
/* Draws a sentence of the daemon's, translated for the reader if possible;
 * label may be NULL. */
void view_said(struct view *v, const char *label, const char *english);
/* "5m", for the reader; text has NUM_TEXT_SIZE. */
const char *view_duration(long long s, char *text);

/* Calls a verb whose answer is one value, for the caller to json_decref().
 * NULL: refused or lost.  Takes over args. */
json_t *view_ask(struct view *v, const char *verb, json_t *args);

/* Draws messages of the queue as a list, at most limit of them.  Returns how
 * many. */
struct view_query {
	const char *states[4]; /* ends early with NULL; none: all */
	const char *text; /* "": any */
	long long limit;
};
size_t view_messages(struct view *v, const struct view_query *q);

/* Draws entries of the history, as "log" gives them.  Takes over args.  False:
 * there is no history. */
bool view_entries(struct view *v, json_t *args, size_t *ret_n);
view_put view_entry; /* one of them, of an array */
bool view_is_loss(const json_t *e);
/* Draws cause and remedy of an entry or a recipient, if it has them. */
void view_cause(struct view *v, const json_t *object);

/* Members of an object, never NULL. */
const char *view_string(const json_t *object, const char *key);
long long view_number(const json_t *object, const char *key);

/* Draws the state of a message as a badge. */
void view_state(struct view *v, const json_t *m);

/* Draws "5m ago", with the exact time as a tooltip. */
void view_time(struct view *v, long long at_s);

#endif
