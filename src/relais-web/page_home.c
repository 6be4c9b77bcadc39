/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The first page: is all well, and if not, what to do. */
#include <string.h>
#include <time.h>

#include "base/intl.h"
#include "ctl/ctl_client.h"
#include "relais-web/chart.h"
#include "relais-web/view.h"

enum {
	TROUBLED_SHOWN = 10,
	ENTRIES_SHOWN = 8,
	ENTRIES_COUNTED = 5000,
	END_NEAR_S = 10 * 86400
};

/* --- accounts ------------------------------------------------------------- */

static const struct {
	const char *state, *word, *class;
} standings[] = {
	{ "ready", N_("ready"), "good" },
	{ "paused", N_("paused"), "warn" },
	{ "held", N_("needs you"), "bad" },
};

static void
put_standing(struct view *v, const json_t *a)
{
	const char *state = view_string(a, "state");

	for (size_t i = 0; i < sizeof(standings) / sizeof(standings[0]); i++)
		if (strcmp(standings[i].state, state) == 0)
			html(&v->h, " <span class=\"badge %s\">%s</span>",
			    standings[i].class, _(standings[i].word));
}

/* Only somebody else can put it right, or time. */
static void
put_remedy(struct view *v, const json_t *a)
{
	const json_t *next = json_object_get(a, "next_try");
	const char *name = view_string(a, "name");
	char text[NUM_TEXT_SIZE];

	view_said(v, NULL, view_string(a, "reason"));
	if (strcmp(view_string(a, "state"), "ready") == 0)
		return;
	if (json_is_integer(next))
		html(&v->h, _("<p>Next try in %s.</p>"),
		    view_duration(json_integer_value(next), text));
	html(&v->h,
	    _("<p>To see what is wrong, type: <code>relais check "
	      "%s</code></p>"),
	    name);
	if (strcmp(view_string(a, "state"), "held") != 0)
		return;
	if (json_object_get(a, "sign_in") != NULL)
		html(&v->h,
		    _("<p>To sign in again: <code>relais login "
		      "%s</code></p>"),
		    name);
	html(&v->h,
	    _("<p>When that is put right: <code>relais flush "
	      "%s</code></p>"),
	    name);
}

static void
put_sign_in(struct view *v, const json_t *in)
{
	long long ends = view_number(in, "ends");
	const char *user = view_string(in, "user");

	if (in == NULL || view_number(in, "signed_in") <= 0)
		return;
	html(&v->h, "<p class=\"quiet\">");
	if (*user != '\0')
		html(&v->h, _("Signed in as <bdi>%s</bdi> "), user);
	else
		html(&v->h, _("Signed in "));
	view_time(v, view_number(in, "signed_in"));
	html(&v->h, "%s</p>",
	    ends > 0 && ends - (long long)time(NULL) < END_NEAR_S
		? _("; the sign-in ends soon unless it is refreshed")
		: "");
}

static void
put_account(struct view *v, const json_t *a)
{
	long long last = view_number(a, "last_sent");

	html(&v->h, "<h3><bdi>%s</bdi>", view_string(a, "name"));
	put_standing(v, a);
	html(&v->h, "</h3><p class=\"quiet\">");
	html(&v->h, _("<bdi>%s</bdi>: %lld sent"), view_string(a, "host"),
	    view_number(a, "sent"));
	if (last > 0) {
		html(&v->h, _(", the last "));
		view_time(v, last);
	}
	html(&v->h, "</p>");
	put_remedy(v, a);
	put_sign_in(v, json_object_get(a, "sign_in"));
}

static void
put_accounts(struct view *v, const json_t *accounts)
{
	view_section(v, "accounts", _("Accounts"));
	if (json_array_size(accounts) == 0)
		html(&v->h, "<p>%s <code>relais setup</code></p>",
		    _("None is configured.  To add one, type:"));
	view_each(v, "ul", "cards", accounts, put_account);
	html(&v->h, "</section>\n");
}

/* --- the queue ------------------------------------------------------------ */

static void
put_count(struct view *v, const json_t *queue, const char *state,
    const char *name, const char *class)
{
	long long n = view_number(queue, state);

	html(&v->h,
	    "<li class=\"card%s%s\"><a href=\"/messages?state=%s\">"
	    "<strong>%lld</strong> %s</a></li>\n",
	    n > 0 ? " " : "", n > 0 ? class : "", state, n, name);
}

static void
put_queue(struct view *v, const json_t *queue)
{
	long long oldest_s = view_number(queue, "oldest_age");
	long long folded = view_number(queue, "folded");
	char text[NUM_TEXT_SIZE];

	view_section(v, "queue", _("Queue"));
	html(&v->h, "<ul class=\"counts\">\n");
	put_count(v, queue, "due", _("waiting"), "");
	put_count(v, queue, "active", _("being sent"), "");
	/* In other languages one is held and two are "helds". */
	put_count(v, queue, "held",
	    ngettext("held", "held", (unsigned long)view_number(queue, "held")),
	    "warn");
	put_count(v, queue, "failed", _("failed"), "bad");
	html(&v->h, "</ul>\n");
	if (oldest_s > 0)
		html(&v->h, _("<p>The oldest has waited for %s.</p>"),
		    view_duration(oldest_s, text));
	if (view_number(queue, "folding") > 0)
		html(&v->h,
		    _("<p>Equal messages were folded: %lld of them stand for "
		      "%lld more.</p>"),
		    view_number(queue, "folding"), folded);
	html(&v->h, "</section>\n");
}

static void
put_troubled(struct view *v, const json_t *queue)
{
	const struct view_query q = { .states = { "held", "failed" },
		.text = "",
		.limit = TROUBLED_SHOWN };

	view_section(v, "troubled", _("Held and failed"));
	/* To find none takes the daemon longest, and it has counted them. */
	if (view_number(queue, "held") + view_number(queue, "failed") == 0 ||
	    view_messages(v, &q) == 0)
		html(&v->h, "<p>%s</p>", _("None."));
	html(&v->h, "</section>\n");
}

/* --- the last hour -------------------------------------------------------- */

struct hour {
	struct chart chart;
	json_t *newest; /* array */
	size_t n;
};

static void
note_entry(void *ctx, json_t *e)
{
	struct hour *hour = ctx;

	if (hour->n++ < ENTRIES_SHOWN)
		(void)json_array_append(hour->newest, e);
	if (strcmp(view_string(e, "state"), "deleted") != 0)
		chart_note(
		    &hour->chart, view_number(e, "time"), view_is_loss(e));
}

static void
put_hour(struct view *v, const struct hour *hour)
{
	view_section(v, "hour", _("The last hour"));
	if (hour->n == ENTRIES_COUNTED)
		html(&v->h,
		    _("<p>Of so many, the newest %lld are counted.</p>"),
		    (long long)hour->n);
	chart_put(v, &hour->chart);
	html(&v->h, "</section>\n");
}

static void
put_newest(struct view *v, const json_t *newest)
{
	size_t n;

	view_section(v, "newest", _("What became of messages"));
	if (json_array_size(newest) == ENTRIES_SHOWN) {
		view_each(v, "ul", "list", newest, view_entry);
	} else if (!view_entries(v,
		       json_pack("{s:b, s:i}", "newest_first", 1, "limit",
			   ENTRIES_SHOWN),
		       &n) ||
		   n == 0) {
		html(&v->h, "<p>%s</p>", _("Nothing yet."));
	}
	html(&v->h, "</section>\n");
}

static void
put_losses(struct view *v)
{
	size_t n;

	view_section(v, "losses", _("Failed lately"));
	if (!view_entries(v,
		json_pack("{s:b, s:b, s:i}", "newest_first", 1, "failed", 1,
		    "limit", ENTRIES_SHOWN),
		&n) ||
	    n == 0)
		html(&v->h, "<p>%s</p>", _("None."));
	html(&v->h, "</section>\n");
}

/* Without a history (history = 0) the page has none of it. */
static void
put_history(struct view *v)
{
	long long now_s = (long long)time(NULL);
	struct hour hour = { .newest = json_array() };
	json_t *args = json_pack("{s:b, s:i, s:I}", "newest_first", 1, "limit",
	    ENTRIES_COUNTED, "since",
	    (json_int_t)(now_s - CHART_BARS * CHART_BAR_S));
	struct err err = { 0 };

	chart_init(&hour.chart, now_s);
	if (ctl_client_call(
		v->client, "log", args, note_entry, &hour, NULL, &err) == 0) {
		put_hour(v, &hour);
		put_losses(v);
		put_newest(v, hour.newest);
	}
	json_decref(args);
	json_decref(hour.newest);
}

unsigned
page_home(struct view *v)
{
	json_t *status;

	view_begin(v, _("Overview"), "/");
	if (!view_is_alone(v) &&
	    (status = view_ask(v, "status", NULL)) != NULL) {
		put_accounts(v, json_object_get(status, "accounts"));
		put_queue(v, json_object_get(status, "queue"));
		put_troubled(v, json_object_get(status, "queue"));
		put_history(v);
		json_decref(status);
	}
	view_end(v);
	return 200;
}
