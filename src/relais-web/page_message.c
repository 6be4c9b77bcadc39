/* SPDX-License-Identifier: GPL-3.0-or-later */
/* One message: who gets it, what was said about it, and what to do. */
#include <stdlib.h>
#include <string.h>

#include "base/xalloc.h"
#include "relais-web/view.h"

enum { HEADER_SHOWN = 65536 };

static void
put_fact(struct view *v, const char *name, const char *value)
{
	if (*value != '\0')
		html(&v->h, "<dt>%s</dt><dd><bdi>%s</bdi></dd>\n", name, value);
}

static void
put_facts(struct view *v, const json_t *m)
{
	const json_t *next = json_object_get(m, "next_try");
	const char *sender = view_string(m, "sender");
	char text[NUM_TEXT_SIZE];

	html(&v->h, "<section id=\"facts\" data-live><h2>State</h2>\n<dl>\n");
	html(&v->h, "<dt>State</dt><dd>");
	view_state(v, m);
	html(&v->h, "</dd>\n");
	put_fact(v, "Reason", view_string(m, "reason"));
	if (json_is_integer(next) && json_integer_value(next) > 0)
		put_fact(v, "Next try in",
		    num_duration_text(json_integer_value(next) * 1000, text));
	html(&v->h, "<dt>Attempts</dt><dd>%lld</dd>\n",
	    view_number(m, "attempts"));
	put_fact(v, "Account", view_string(m, "account"));
	put_fact(v, "From", *sender != '\0' ? sender : "<>");
	html(&v->h, "<dt>Arrived</dt><dd>");
	view_time(v, view_number(m, "arrived"));
	html(&v->h, "</dd>\n");
	put_fact(
	    v, "Size", num_size_text((uint64_t)view_number(m, "size"), text));
	put_fact(v, "Submitted by", view_string(m, "user"));
	put_fact(v, "  from", view_string(m, "peer"));
	html(&v->h, "</dl></section>\n");
}

static const struct {
	const char *state, *class;
} rcpt_states[] = {
	{ "waiting", "calm" },
	{ "sent", "good" },
	{ "failed", "bad" },
};

static void
put_rcpt(struct view *v, const json_t *r)
{
	const char *state = view_string(r, "state");

	html(&v->h, "<li>");
	for (size_t i = 0; i < sizeof(rcpt_states) / sizeof(rcpt_states[0]);
	     i++)
		if (strcmp(rcpt_states[i].state, state) == 0)
			html(&v->h, "<span class=\"badge %s\">%s</span> ",
			    rcpt_states[i].class, state);
	html(&v->h, "<bdi>%s</bdi>\n", view_string(r, "address"));
	if (*view_string(r, "cause") != '\0')
		html(&v->h, "<p><strong>Cause:</strong> <bdi>%s</bdi></p>",
		    view_string(r, "cause"));
	if (*view_string(r, "remedy") != '\0')
		html(&v->h, "<p><strong>Remedy:</strong> <bdi>%s</bdi></p>",
		    view_string(r, "remedy"));
	if (*view_string(r, "verdict") != '\0')
		html(&v->h, "<p class=\"reason\"><bdi>%s</bdi></p>",
		    view_string(r, "verdict"));
	html(&v->h, "</li>\n");
}

static void
put_rcpts(struct view *v, const json_t *rcpts)
{
	const json_t *r;
	size_t i;

	html(&v->h, "<section id=\"recipients\" data-live><h2>Recipients</h2>\n"
		    "<ul class=\"list\">\n");
	json_array_foreach(rcpts, i, r) put_rcpt(v, r);
	html(&v->h, "</ul></section>\n");
}

static void
put_events(struct view *v, const json_t *events)
{
	const json_t *e;
	size_t i;

	if (json_array_size(events) == 0)
		return;
	html(&v->h, "<section id=\"events\" data-live><h2>What happened</h2>\n"
		    "<ol class=\"list\">\n");
	json_array_foreach(events, i, e)
	{
		html(&v->h, "<li>");
		view_time(v, view_number(e, "time"));
		html(&v->h, " <bdi>%s</bdi></li>\n", view_string(e, "text"));
	}
	html(&v->h, "</ol></section>\n");
}

/* What a person with the right to it would type. */
static void
put_remedies(struct view *v, const json_t *m)
{
	const char *state = view_string(m, "state"), *id = view_string(m, "id");

	html(&v->h,
	    "<section id=\"remedies\" data-live><h2>What you can do</h2>\n"
	    "<p>This page changes nothing.  Type in a terminal:</p>\n<ul>\n");
	if (strcmp(state, "held") == 0)
		html(&v->h, "<li><code>relais release %s</code></li>\n", id);
	html(&v->h,
	    "<li><code>relais retry %s</code></li>\n"
	    "<li><code>relais delete %s</code></li>\n</ul></section>\n",
	    id, id);
}

static void
put_header(struct view *v, const char *text)
{
	/* The journal comes first, and an empty line. */
	const char *header = strstr(text, "\n\n");

	if (*text == '\n')
		header = text;
	else if (header != NULL)
		header += 2;
	if (header == NULL || *header == '\0')
		return;
	html(&v->h,
	    "<section><h2>Header</h2>\n"
	    "<pre tabindex=\"0\" role=\"region\" aria-label=\"Header\">");
	html_lines(&v->h, header, HEADER_SHOWN);
	html(&v->h, "</pre></section>\n");
}

/* It is in the queue no more. */
static unsigned
page_past(struct view *v)
{
	struct view past = *v;
	size_t n = 0;

	view_begin(&past, "Message", "");
	html(&past.h,
	    "<p class=\"quiet\">%s</p>\n<section><h2>What became of it</h2>\n",
	    past.what);
	/* Without an id all messages would do. */
	if (*past.what == '\0' ||
	    !view_entries(&past, json_pack("{s:s}", "id", past.what), &n) ||
	    n == 0) {
		html_clear(&past.h);
		return page_sorry(v, 404, "No such message",
		    "It was deleted, or delivered long ago, or it is not "
		    "yours.");
	}
	html(&past.h, "</section>\n");
	view_end(&past);
	v->h = past.h;
	return 200;
}

unsigned
page_message(struct view *v)
{
	json_t *m = NULL;

	if (v->client != NULL)
		m = view_ask(v, "show", json_pack("{s:s}", "id", v->what));
	if (v->client != NULL && m == NULL)
		return page_past(v);
	view_begin(v, "Message", "");
	if (!view_is_alone(v)) {
		html(
		    &v->h, "<p class=\"quiet\">%s</p>\n", view_string(m, "id"));
		put_facts(v, m);
		put_rcpts(v, json_object_get(m, "recipients"));
		put_events(v, json_object_get(m, "history"));
		put_remedies(v, m);
		put_header(v, view_string(m, "text"));
	}
	json_decref(m);
	view_end(v);
	return 200;
}
