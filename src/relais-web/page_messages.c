/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What is in the queue, of one state or where a text is found. */
#include <stdlib.h>
#include <string.h>

#include "base/intl.h"
#include "base/must.h"
#include "base/xalloc.h"
#include "relais-web/view.h"

enum { SHOWN = 100 };

static const struct {
	const char *state, *name;
} choices[] = {
	{ "", N_("All") },
	{ "due", N_("Waiting") },
	{ "active", N_("Being sent") },
	{ "held", N_("Held") },
	{ "failed", N_("Failed") },
};
enum { CHOICES = sizeof(choices) / sizeof(choices[0]) };

static bool
is_state(const char *state)
{
	for (size_t i = 0; i < CHOICES; i++)
		if (strcmp(choices[i].state, state) == 0)
			return true;
	return false;
}

static void
put_filter(struct view *v)
{
	struct html *h = &v->h;

	html(h,
	    "<form class=\"filter\" action=\"/messages\">"
	    "<label for=\"state\">%s</label> "
	    "<select id=\"state\" name=\"state\">",
	    _("Show"));
	for (size_t i = 0; i < CHOICES; i++)
		html(h, "<option value=\"%s\"%s>%s</option>", choices[i].state,
		    strcmp(choices[i].state, v->state) == 0 ? " selected" : "",
		    _(choices[i].name));
	html(h,
	    "</select> <label for=\"with\">%s</label> "
	    "<input type=\"search\" id=\"with\" name=\"text\" value=\"%s\" "
	    "autocomplete=\"off\"> <button>%s</button></form>\n",
	    /* TRANSLATORS: "Show" a choice "with" a text in it. */
	    _("with"), v->text, _("Show"));
}

/* By recipient, and by what may be the end of an id. */
static void
put_history(struct view *v)
{
	char *pattern = xasprintf("*%s*", v->text);
	bool is_word = strspn(
			   v->text, "abcdefghijklmnopqrstuvwxyz0123456789") ==
		       strlen(v->text);
	size_t by_rcpt = 0, by_id = 0;

	view_section(v, "history", _("What became of messages"));
	if (!view_entries(v,
		json_pack("{s:b, s:i, s:s}", "newest_first", 1, "limit", SHOWN,
		    "to", pattern),
		&by_rcpt))
		html(&v->h, "<p>%s</p>", _("No history is kept."));
	else if (is_word && *v->text != '\0')
		IGNORE(view_entries(v,
		    json_pack("{s:b, s:i, s:s}", "newest_first", 1, "limit",
			SHOWN, "id", v->text),
		    &by_id));
	if (by_rcpt + by_id == 0)
		html(&v->h, "<p>%s</p>", _("No such message."));
	html(&v->h, "</section>\n");
	free(pattern);
}

unsigned
page_messages(struct view *v)
{
	struct view_query q = { .text = v->text, .limit = SHOWN };
	size_t n;

	if (!is_state(v->state))
		v->state = "";
	if (*v->state != '\0')
		q.states[0] = v->state;
	view_begin(v, _("Messages"), "/messages");
	if (!view_is_alone(v)) {
		put_filter(v);
		view_section(v, "messages", _("In the queue"));
		n = view_messages(v, &q);
		if (n == 0)
			html(&v->h, "<p>%s</p>", _("No such message."));
		else if (n == SHOWN)
			html(&v->h, _("<p>These are the newest %lld.</p>"),
			    (long long)n);
		html(&v->h, "</section>\n");
		if (*v->state == '\0')
			put_history(v);
	}
	view_end(v);
	return 200;
}
