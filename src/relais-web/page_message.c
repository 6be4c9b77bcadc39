/* SPDX-License-Identifier: GPL-3.0-or-later */
/* One message: who gets it, what was said about it, and what to do. */
#include <stdlib.h>
#include <string.h>

#include "base/intl.h"
#include "relais-web/view.h"
#include "sys/said.h"

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
	char *reason = said(view_string(m, "reason"));
	char text[NUM_TEXT_SIZE];

	view_section(v, "facts", _("State"));
	html(&v->h, "<dl>\n<dt>%s</dt><dd>", _("State"));
	view_state(v, m);
	html(&v->h, "</dd>\n");
	put_fact(v, _("Reason"), reason);
	if (json_is_integer(next) && json_integer_value(next) > 0)
		put_fact(v, _("Next try in"),
		    view_duration(json_integer_value(next), text));
	html(&v->h, "<dt>%s</dt><dd>%lld</dd>\n", _("Attempts"),
	    view_number(m, "attempts"));
	put_fact(v, _("Account"), view_string(m, "account"));
	put_fact(v, _("From"), *sender != '\0' ? sender : "<>");
	html(&v->h, "<dt>%s</dt><dd>", _("Arrived"));
	view_time(v, view_number(m, "arrived"));
	html(&v->h, "</dd>\n");
	put_fact(v, _("Size"),
	    num_size_text((uint64_t)view_number(m, "size"), text));
	put_fact(v, _("Submitted by"), view_string(m, "user"));
	put_fact(v, _("Coming from"), view_string(m, "peer"));
	free(reason);
	html(&v->h, "</dl></section>\n");
}

static const struct {
	const char *state, *word, *class;
} rcpt_states[] = {
	{ "waiting", N_("waiting"), "calm" },
	{ "sent", N_("sent"), "good" },
	{ "failed", N_("failed"), "bad" },
};

static void
put_rcpt(struct view *v, const json_t *r)
{
	const char *state = view_string(r, "state");

	for (size_t i = 0; i < sizeof(rcpt_states) / sizeof(rcpt_states[0]);
	     i++)
		if (strcmp(rcpt_states[i].state, state) == 0)
			html(&v->h, "<span class=\"badge %s\">%s</span> ",
			    rcpt_states[i].class, _(rcpt_states[i].word));
	html(&v->h, "<bdi>%s</bdi>\n", view_string(r, "address"));
	view_cause(v, r);
	view_said(v, NULL, view_string(r, "verdict"));
}

static void
put_rcpts(struct view *v, const json_t *rcpts)
{
	view_section(v, "recipients", _("Recipients"));
	view_each(v, "ul", "list", rcpts, put_rcpt);
	html(&v->h, "</section>\n");
}

static void
put_event(struct view *v, const json_t *e)
{
	char *text = said(view_string(e, "text"));

	view_time(v, view_number(e, "time"));
	html(&v->h, " <bdi>%s</bdi>", text);
	free(text);
}

static void
put_events(struct view *v, const json_t *events)
{
	if (json_array_size(events) == 0)
		return;
	view_section(v, "events", _("What happened"));
	view_each(v, "ol", "list", events, put_event);
	html(&v->h, "</section>\n");
}

/* What a person with the right to it would type. */
static void
put_remedies(struct view *v, const json_t *m)
{
	const char *state = view_string(m, "state"), *id = view_string(m, "id");

	view_section(v, "remedies", _("What you can do"));
	html(&v->h, "<p>%s</p>\n<ul>\n",
	    _("This page changes nothing.  Type in a terminal:"));
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
	    "<section><h2>%s</h2>\n"
	    "<pre tabindex=\"0\" role=\"region\" aria-label=\"%s\">",
	    _("Header"), _("Header"));
	html_lines(&v->h, header, HEADER_SHOWN);
	html(&v->h, "</pre></section>\n");
}

/* It is in the queue no more. */
static unsigned
page_past(struct view *v)
{
	struct view past = *v;
	size_t n = 0;

	view_begin(&past, _("Message"), "");
	html(&past.h, "<p class=\"quiet\">%s</p>\n<section><h2>%s</h2>\n",
	    past.what, _("What became of it"));
	/* Without an id all messages would do. */
	if (*past.what == '\0' ||
	    !view_entries(&past, json_pack("{s:s}", "id", past.what), &n) ||
	    n == 0) {
		html_clear(&past.h);
		return page_sorry(v, 404, _("No such message"),
		    _("It was deleted, or delivered long ago, or it is not "
		      "yours."));
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
	view_begin(v, _("Message"), "");
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
