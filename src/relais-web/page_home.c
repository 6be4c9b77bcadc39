/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The first page: is all well, and if not, what to do. */
#include <string.h>
#include <time.h>

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
	{ "ready", "ready", "good" },
	{ "paused", "paused", "warn" },
	{ "held", "needs you", "bad" },
};

static void
put_standing(struct view *v, const json_t *a)
{
	const char *state = view_string(a, "state");

	for (size_t i = 0; i < sizeof(standings) / sizeof(standings[0]); i++)
		if (strcmp(standings[i].state, state) == 0)
			html(&v->h, " <span class=\"badge %s\">%s</span>",
			    standings[i].class, standings[i].word);
}

/* Only somebody else can put it right, or time. */
static void
put_remedy(struct view *v, const json_t *a)
{
	const json_t *next = json_object_get(a, "next_try");
	const char *name = view_string(a, "name");
	char text[NUM_TEXT_SIZE];

	if (*view_string(a, "reason") != '\0')
		html(&v->h, "<p class=\"reason\"><bdi>%s</bdi></p>",
		    view_string(a, "reason"));
	if (strcmp(view_string(a, "state"), "ready") == 0)
		return;
	if (json_is_integer(next))
		html(&v->h, "<p>Next try in %s.</p>",
		    num_duration_text(json_integer_value(next) * 1000, text));
	html(&v->h,
	    "<p>To see what is wrong, type: "
	    "<code>relais check %s</code></p>",
	    name);
	if (strcmp(view_string(a, "state"), "held") != 0)
		return;
	if (json_object_get(a, "sign_in") != NULL)
		html(&v->h,
		    "<p>To sign in again: <code>relais login %s</code></p>",
		    name);
	html(&v->h,
	    "<p>When that is put right: <code>relais flush %s</code></p>",
	    name);
}

static void
put_sign_in(struct view *v, const json_t *in)
{
	long long ends = view_number(in, "ends");
	const char *user = view_string(in, "user");

	if (in == NULL || view_number(in, "signed_in") <= 0)
		return;
	html(&v->h, "<p class=\"quiet\">Signed in%s<bdi>%s</bdi> ",
	    *user != '\0' ? " as " : "", user);
	view_time(v, view_number(in, "signed_in"));
	html(&v->h, "%s</p>",
	    ends > 0 && ends - (long long)time(NULL) < END_NEAR_S
		? "; the sign-in ends soon unless it is refreshed"
		: "");
}

static void
put_account(struct view *v, const json_t *a)
{
	long long last = view_number(a, "last_sent");
	long long sent = view_number(a, "sent");

	html(&v->h, "<li class=\"card\"><h3><bdi>%s</bdi>",
	    view_string(a, "name"));
	put_standing(v, a);
	html(&v->h, "</h3><p class=\"quiet\"><bdi>%s</bdi>: %lld sent",
	    view_string(a, "host"), sent);
	if (last > 0) {
		html(&v->h, ", the last ");
		view_time(v, last);
	}
	html(&v->h, "</p>");
	put_remedy(v, a);
	put_sign_in(v, json_object_get(a, "sign_in"));
	html(&v->h, "</li>\n");
}

static void
put_accounts(struct view *v, const json_t *accounts)
{
	const json_t *a;
	size_t i;

	html(&v->h, "<section id=\"accounts\" data-live>"
		    "<h2>Accounts</h2>\n");
	if (json_array_size(accounts) == 0)
		html(&v->h, "<p>None is configured.  To add one, type: "
			    "<code>relais setup</code></p>");
	html(&v->h, "<ul class=\"cards\">\n");
	json_array_foreach(accounts, i, a) put_account(v, a);
	html(&v->h, "</ul></section>\n");
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

	html(&v->h, "<section id=\"queue\" data-live><h2>Queue</h2>\n"
		    "<ul class=\"counts\">\n");
	put_count(v, queue, "due", "waiting", "");
	put_count(v, queue, "active", "being sent", "");
	put_count(v, queue, "held", "held", "warn");
	put_count(v, queue, "failed", "failed", "bad");
	html(&v->h, "</ul>\n");
	if (oldest_s > 0)
		html(&v->h, "<p>The oldest has waited for %s.</p>\n",
		    num_duration_text(oldest_s * 1000, text));
	if (view_number(queue, "folding") > 0)
		html(&v->h,
		    "<p>Equal messages were folded: %lld of them stand for "
		    "%lld more.</p>\n",
		    view_number(queue, "folding"), folded);
	html(&v->h, "</section>\n");
}

static void
put_troubled(struct view *v, const json_t *queue)
{
	const struct view_query q = { .states = { "held", "failed" },
		.text = "",
		.limit = TROUBLED_SHOWN };

	html(&v->h, "<section id=\"troubled\" data-live>"
		    "<h2>Held and failed</h2>\n");
	/* To find none takes the daemon longest, and it has counted them. */
	if (view_number(queue, "held") + view_number(queue, "failed") == 0 ||
	    view_messages(v, &q) == 0)
		html(&v->h, "<p>None.</p>");
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
	html(&v->h, "<section id=\"hour\" data-live><h2>The last hour</h2>\n");
	if (hour->n == ENTRIES_COUNTED)
		html(&v->h, "<p>Of so many, the newest %lld are counted.</p>\n",
		    (long long)hour->n);
	chart_put(v, &hour->chart);
	html(&v->h, "</section>\n");
}

static void
put_newest(struct view *v, const json_t *newest)
{
	const json_t *e;
	size_t i, n;

	html(&v->h, "<section id=\"newest\" data-live>"
		    "<h2>What became of messages</h2>\n");
	if (json_array_size(newest) == ENTRIES_SHOWN) {
		html(&v->h, "<ul class=\"list\">\n");
		json_array_foreach(newest, i, e) view_entry(v, e);
		html(&v->h, "</ul>\n");
	} else if (!view_entries(v,
		       json_pack("{s:b, s:i}", "newest_first", 1, "limit",
			   ENTRIES_SHOWN),
		       &n) ||
		   n == 0) {
		html(&v->h, "<p>Nothing yet.</p>");
	}
	html(&v->h, "</section>\n");
}

static void
put_losses(struct view *v)
{
	size_t n;

	html(&v->h, "<section id=\"losses\" data-live>"
		    "<h2>Failed lately</h2>\n");
	if (!view_entries(v,
		json_pack("{s:b, s:b, s:i}", "newest_first", 1, "failed", 1,
		    "limit", ENTRIES_SHOWN),
		&n) ||
	    n == 0)
		html(&v->h, "<p>None.</p>");
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

	view_begin(v, "Overview", "/");
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
