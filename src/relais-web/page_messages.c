/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What is in the queue, of one state or where a text is found. */
#include <string.h>

#include "relais-web/view.h"

enum { SHOWN = 100 };

static const struct {
	const char *state, *name;
} choices[] = {
	{ "", "All" },
	{ "due", "Waiting" },
	{ "active", "Being sent" },
	{ "held", "Held" },
	{ "failed", "Failed" },
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

	html(h, "<form class=\"filter\" action=\"/messages\">"
		"<label for=\"state\">Show</label> "
		"<select id=\"state\" name=\"state\">");
	for (size_t i = 0; i < CHOICES; i++)
		html(h, "<option value=\"%s\"%s>%s</option>", choices[i].state,
		    strcmp(choices[i].state, v->state) == 0 ? " selected" : "",
		    choices[i].name);
	html(h,
	    "</select> <label for=\"with\">with</label> "
	    "<input type=\"search\" id=\"with\" name=\"text\" value=\"%s\" "
	    "autocomplete=\"off\"> <button>Show</button></form>\n",
	    v->text);
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
	view_begin(v, "Messages", "/messages");
	if (!view_is_alone(v)) {
		put_filter(v);
		html(&v->h, "<section id=\"messages\" data-live>"
			    "<h2>In the queue</h2>\n");
		n = view_messages(v, &q);
		if (n == 0)
			html(&v->h, "<p>No such message.</p>");
		else if (n == SHOWN)
			html(&v->h, "<p>These are the newest %lld.</p>",
			    (long long)n);
		html(&v->h, "</section>\n");
	}
	view_end(v);
	return 200;
}
