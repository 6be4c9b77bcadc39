/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config.h"

#include "relais-web/view.h"

#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/intl.h"
#include "ctl/ctl_client.h"
#include "ctl/ctl_json.h"
#include "mail/date.h"
#include "sys/clock_sys.h"
#include "sys/language.h"
#include "sys/said.h"

static const struct {
	const char *path, *name;
} links[] = {
	{ "/", N_("Overview") },
	{ "/messages", N_("Messages") },
};

/* --- what is around a page ------------------------------------------------ */

void
view_begin(struct view *v, const char *title, const char *path)
{
	struct html *h = &v->h;

	html(h,
	    "<!DOCTYPE html>\n<html lang=\"%s\">\n<head>\n"
	    "<meta charset=\"utf-8\">\n<title>%s - relais</title>\n"
	    "<meta name=\"viewport\" "
	    "content=\"width=device-width, initial-scale=1\">\n"
	    "<meta name=\"color-scheme\" content=\"light dark\">\n"
	    "<link rel=\"icon\" href=\"/icon.svg\" type=\"image/svg+xml\">\n"
	    "<link rel=\"stylesheet\" href=\"/style.css?%s\">\n"
	    "<script src=\"/live.js?%s\" defer></script>\n</head>\n<body>\n"
	    "<a class=\"skip\" href=\"#main\">%s</a>\n"
	    "<header>\n<a class=\"brand\" href=\"/\">relais</a>\n"
	    "<nav aria-label=\"%s\">",
	    v->language, title, PACKAGE_VERSION, PACKAGE_VERSION,
	    _("Skip to the content"), _("Pages"));
	for (size_t i = 0; i < sizeof(links) / sizeof(links[0]); i++) {
		html(h, "<a href=\"%s\"", links[i].path);
		if (strcmp(links[i].path, path) == 0)
			html(h, " aria-current=\"page\"");
		html(h, ">%s</a>\n", _(links[i].name));
	}
	html(h,
	    "</nav>\n<form role=\"search\" action=\"/messages\">"
	    "<label class=\"unseen\" for=\"text\">%s</label>"
	    "<input type=\"search\" id=\"text\" name=\"text\" value=\"%s\" "
	    "placeholder=\"%s\" autocomplete=\"off\">"
	    "<button>%s</button></form>\n</header>\n"
	    "<main id=\"main\" tabindex=\"-1\">\n<h1>%s</h1>\n",
	    _("Search messages"), v->text, _("Address, id or reason"),
	    _("Search"), title);
}

void
view_end(struct view *v)
{
	/* Its own thread, so that no static buffer is shared. */
	struct passwd pw, *found = NULL;
	char room[4096];
	bool is_known = getpwuid_r(v->uid, &pw, room, sizeof(room), &found) ==
			    0 &&
			found != NULL;

	html(&v->h, "</main>\n<footer><p>");
	html(&v->h, _("What %s may see."),
	    v->uid == 0 ? "root"
	    : is_known  ? pw.pw_name
			: _("this user"));
	html(&v->h,
	    " <span id=\"live\" role=\"status\" data-live-word=\"%s\" "
	    "data-away-word=\"%s\"></span></p></footer>\n</body>\n</html>\n",
	    _("Live."), _("Not live: the page tries again."));
}

bool
view_is_alone(struct view *v)
{
	if (v->client != NULL)
		return false;
	html(&v->h,
	    "<section id=\"away\" data-live class=\"card bad\">"
	    "<h2>%s</h2>",
	    _("relaisd does not answer"));
	view_said(v, NULL, v->trouble);
	html(&v->h, "<p>%s <code>systemctl %sstart relais</code></p>",
	    _("To start it, type:"), v->is_own ? "--user " : "");
	html(&v->h, "<p>%s</p></section>\n",
	    _("Mail that programs hand over meanwhile waits in the drop "
	      "folder."));
	return true;
}

unsigned
page_sorry(struct view *v, unsigned status, const char *title, const char *text)
{
	view_begin(v, title, "");
	html(&v->h, "<p>%s</p>\n", text);
	view_end(v);
	return status;
}

/* --- asking --------------------------------------------------------------- */

json_t *
view_ask(struct view *v, const char *verb, json_t *args)
{
	json_t *result = NULL;
	struct err err = { 0 };
	int rc = ctl_client_call(
	    v->client, verb, args, NULL, NULL, &result, &err);

	json_decref(args);
	return rc == 0 ? result : NULL;
}

const char *
view_string(const json_t *object, const char *key)
{
	const char *s = ctl_json_string(object, key);

	return s != NULL ? s : "";
}

long long
view_number(const json_t *object, const char *key)
{
	return json_integer_value(json_object_get(object, key));
}

/* --- parts ---------------------------------------------------------------- */

void
view_section(struct view *v, const char *id, const char *title)
{
	html(&v->h, "<section id=\"%s\" data-live><h2>%s</h2>\n", id, title);
}

void
view_each(struct view *v, const char *tag, const char *class,
    const json_t *array, view_put *put)
{
	const json_t *object;
	size_t i;

	html(&v->h, "<%s class=\"%s\">\n", tag, class);
	json_array_foreach(array, i, object)
	{
		html(&v->h, "<li>");
		put(v, object);
		html(&v->h, "</li>\n");
	}
	html(&v->h, "</%s>\n", tag);
}

void
view_said(struct view *v, const char *label, const char *english)
{
	char *text = said(english);

	if (*text != '\0' && label != NULL)
		html(&v->h, "<p><strong>%s</strong> <bdi>%s</bdi></p>", label,
		    text);
	else if (*text != '\0')
		html(&v->h, "<p class=\"reason\"><bdi>%s</bdi></p>", text);
	free(text);
}

const char *
view_duration(long long s, char *text)
{
	(void)num_duration_text(s * 1000, text); /* is text */
	return language_duration(text);
}

/* --- lists ---------------------------------------------------------------- */

void
view_time(struct view *v, long long at_s)
{
	const struct clock *c = clock_sys();
	long long ago_s = clock_wall_ms(c) / 1000 - at_s;
	char date[DATE_TEXT_SIZE], text[NUM_TEXT_SIZE];

	(void)date_iso(at_s * 1000, clock_utc_offset_s(c, at_s * 1000), date);
	html(&v->h, "<time datetime=\"%s\" title=\"%s\">", date, date);
	html(&v->h, _("%s ago"), view_duration(ago_s > 0 ? ago_s : 0, text));
	html(&v->h, "</time>");
}

/* State: the word on the page, and the class of its colour. */
static const struct {
	const char *state, *word, *class;
} states[] = {
	{ "due", N_("waiting"), "calm" },
	{ "active", N_("being sent"), "good" },
	{ "held", N_("held"), "warn" },
	{ "failed", N_("failed"), "bad" },
};

void
view_state(struct view *v, const json_t *m)
{
	const char *state = view_string(m, "state");

	for (size_t i = 0; i < sizeof(states) / sizeof(states[0]); i++)
		if (strcmp(states[i].state, state) == 0)
			html(&v->h, "<span class=\"badge %s\">%s</span> ",
			    states[i].class, _(states[i].word));
}

static void
put_message(void *ctx, json_t *m)
{
	struct view *v = ctx;
	struct html *h = &v->h;
	const char *sender = view_string(m, "sender");
	const json_t *rcpts = json_object_get(m, "recipients");
	const char *rcpt = json_string_value(json_array_get(rcpts, 0));
	long long nrcpts = view_number(m, "recipient_count");
	const json_t *next = json_object_get(m, "next_try");
	char text[NUM_TEXT_SIZE];

	html(h, "<li>");
	view_state(v, m);
	html(h, "<a href=\"/message/%s\"><bdi>%s</bdi>", view_string(m, "id"),
	    rcpt != NULL ? rcpt : _("nobody"));
	if (nrcpts > 1)
		html(h, _(" and %lld more"), nrcpts - 1);
	html(h, "</a> <span class=\"quiet\">");
	html(h, _("from <bdi>%s</bdi>, "), *sender != '\0' ? sender : "<>");
	view_time(v, view_number(m, "arrived"));
	if (json_is_integer(next) && json_integer_value(next) > 0)
		html(h, _(", next try in %s"),
		    view_duration(json_integer_value(next), text));
	html(h, "</span>");
	view_said(v, NULL, view_string(m, "reason"));
	html(h, "</li>\n");
}

struct list {
	struct view *v;
	size_t n;
};

static void
put_item(void *ctx, json_t *m)
{
	struct list *l = ctx;

	if (l->n++ == 0)
		html(&l->v->h, "<ul class=\"list\">\n");
	put_message(l->v, m);
}

size_t
view_messages(struct view *v, const struct view_query *q)
{
	json_t *args = json_pack(
	    "{s:I, s:b}", "limit", (json_int_t)q->limit, "newest_first", 1);
	json_t *names = json_array();
	struct list l = { .v = v };
	struct err err = { 0 };

	for (size_t i = 0; i < sizeof(q->states) / sizeof(q->states[0]); i++)
		if (q->states[i] != NULL)
			(void)json_array_append_new(
			    names, json_string(q->states[i]));
	if (json_array_size(names) > 0)
		(void)json_object_set(args, "states", names);
	if (*q->text != '\0')
		(void)json_object_set_new(args, "text", json_string(q->text));
	/* A connection that breaks leaves a shorter list. */
	IGNORE(ctl_client_call(
		   v->client, "queue", args, put_item, &l, NULL, &err) != 0);
	if (l.n > 0)
		html(&v->h, "</ul>\n");
	json_decref(names);
	json_decref(args);
	return l.n;
}
