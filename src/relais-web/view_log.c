/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <string.h>

#include "base/intl.h"
#include "ctl/ctl_client.h"
#include "relais-web/view.h"

static const struct {
	const char *state, *word, *class;
} states[] = {
	{ "delivered", N_("delivered"), "good" },
	{ "failed", N_("failed"), "bad" },
	{ "refused", N_("refused"), "bad" },
	{ "deleted", N_("deleted"), "calm" },
};

bool
view_is_loss(const json_t *e)
{
	const char *state = view_string(e, "state");

	return strcmp(state, "failed") == 0 || strcmp(state, "refused") == 0;
}

static void
put_reply(struct view *v, const json_t *reply)
{
	struct html *h = &v->h;

	if (!json_is_object(reply) || *view_string(reply, "text") == '\0')
		return;
	html(h, "<p class=\"reason\">");
	if (view_number(reply, "code") > 0)
		html(h, "%lld ", view_number(reply, "code"));
	html(h, "<bdi>%s %s</bdi>", view_string(reply, "enhanced"),
	    view_string(reply, "text"));
	if (*view_string(reply, "server") != '\0')
		html(h, " <span class=\"quiet\">(<bdi>%s</bdi>)</span>",
		    view_string(reply, "server"));
	html(h, "</p>");
}

void
view_cause(struct view *v, const json_t *e)
{
	view_said(v, _("Cause:"), view_string(e, "cause"));
	view_said(v, _("Remedy:"), view_string(e, "remedy"));
}

static void
put_badge(struct view *v, const char *state)
{
	for (size_t i = 0; i < sizeof(states) / sizeof(states[0]); i++)
		if (strcmp(states[i].state, state) == 0)
			html(&v->h, "<span class=\"badge %s\">%s</span> ",
			    states[i].class, _(states[i].word));
}

void
view_entry(struct view *v, const json_t *e)
{
	struct html *h = &v->h;
	const char *sender = view_string(e, "sender");
	const char *rcpt = json_string_value(
	    json_array_get(json_object_get(e, "recipients"), 0));
	long long nrcpts = view_number(e, "recipient_count");

	put_badge(v, view_string(e, "state"));
	html(h, "<a href=\"/message/%s\"><bdi>%s</bdi>", view_string(e, "id"),
	    rcpt != NULL ? rcpt : _("nobody"));
	if (nrcpts > 1)
		html(h, _(" and %lld more"), nrcpts - 1);
	html(h, "</a> <span class=\"quiet\">");
	html(h, _("from <bdi>%s</bdi>, "), *sender != '\0' ? sender : "<>");
	view_time(v, view_number(e, "time"));
	if (*view_string(e, "account") != '\0')
		html(
		    h, _(", account <bdi>%s</bdi>"), view_string(e, "account"));
	if (*view_string(e, "remote_id") != '\0')
		html(h, _(", there it is <bdi>%s</bdi>"),
		    view_string(e, "remote_id"));
	html(h, "</span>");
	if (*view_string(e, "subject") != '\0')
		html(h, "<p><bdi>%s</bdi></p>", view_string(e, "subject"));
	if (view_is_loss(e)) {
		view_cause(v, e);
		put_reply(v, json_object_get(e, "reply"));
	}
}

struct list {
	struct view *v;
	size_t n;
};

static void
put_item(void *ctx, json_t *e)
{
	struct list *l = ctx;

	if (l->n++ == 0)
		html(&l->v->h, "<ul class=\"list\">\n");
	html(&l->v->h, "<li>");
	view_entry(l->v, e);
	html(&l->v->h, "</li>\n");
}

bool
view_entries(struct view *v, json_t *args, size_t *ret_n)
{
	struct list l = { .v = v };
	struct err err = { 0 };
	int rc = ctl_client_call(
	    v->client, "log", args, put_item, &l, NULL, &err);

	json_decref(args);
	if (l.n > 0)
		html(&v->h, "</ul>\n");
	*ret_n = l.n;
	return rc == 0;
}
