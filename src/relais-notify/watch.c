/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "relais-notify/watch.h"

#include <stdlib.h>
#include <string.h>

#include "base/intl.h"
#include "base/str.h"
#include "base/str_set.h"
#include "base/xalloc.h"
#include "ctl/ctl_json.h"
#include "sys/said.h"

enum { KNOWN_MAX = 100000 }; /* then it forgets all, as at a start */

struct watch {
	watch_tell *tell;
	void *ctx;
	json_t *held; /* object: names of the accounts that were told */
	struct str_set known; /* ids of messages */
	bool has_messages; /* known is filled */
};

struct watch *
watch_new(watch_tell *tell, void *ctx)
{
	struct watch *w = xcalloc(1, sizeof(*w));

	w->tell = tell;
	w->ctx = ctx;
	w->held = json_object();
	return w;
}

void
watch_free(struct watch *w)
{
	if (w == NULL)
		return;
	json_decref(w->held);
	str_set_clear(&w->known);
	free(w);
}

/* --- accounts ------------------------------------------------------------- */

/* A sentence of the daemon's, for the person; "": there is none. */
static char *
said_of(const json_t *object, const char *key)
{
	const char *english = ctl_json_string(object, key);

	return said(english != NULL ? english : "");
}

static void
tell_account(struct watch *w, const json_t *a, const char *name)
{
	char *reason = said_of(a, "reason");
	char *key = xasprintf("account %s", name);
	char *title = xasprintf(_("Mail account %s needs you"), name);
	char *body = json_object_get(a, "sign_in") == NULL
			 ? xasprintf(_("%s\nTo see what is wrong: relais check "
				       "%s"),
			       reason, name)
			 : xasprintf(_("%s\nTo see what is wrong: relais check "
				       "%s\nTo sign in again: relais login %s"),
			       reason, name, name);

	w->tell(w->ctx, key, title, body);
	free(reason);
	free(key);
	free(title);
	free(body);
}

static void
untell_account(struct watch *w, const char *name)
{
	char *key = xasprintf("account %s", name);

	w->tell(w->ctx, key, NULL, NULL);
	free(key);
}

static void
see_account(struct watch *w, const json_t *a, json_t *held)
{
	const char *name = ctl_json_string(a, "name");

	if (name == NULL || !str_eq(ctl_json_string(a, "state"), "held"))
		return;
	(void)json_object_set_new(held, name, json_true());
	if (json_object_get(w->held, name) == NULL)
		tell_account(w, a, name);
}

bool
watch_status(struct watch *w, const json_t *status)
{
	const json_t *queue = json_object_get(status, "queue"), *a;
	json_int_t troubled = json_integer_value(
				  json_object_get(queue, "held")) +
			      json_integer_value(
				  json_object_get(queue, "failed"));
	json_t *held = json_object(), *was;
	const char *name;
	size_t i;

	json_array_foreach(json_object_get(status, "accounts"), i, a)
	    see_account(w, a, held);
	json_object_foreach(
	    w->held, name, was) if (json_object_get(held, name) == NULL)
	    untell_account(w, name);
	json_decref(w->held);
	w->held = held;
	return troubled > 0 || !w->has_messages;
}

/* --- messages ------------------------------------------------------------- */

static void
tell_message(struct watch *w, const json_t *m)
{
	const char *id = ctl_json_string(m, "id");
	const char *rcpt = json_string_value(
	    json_array_get(json_object_get(m, "recipients"), 0));
	bool is_held = str_eq(ctl_json_string(m, "state"), "held");
	char *reason = said_of(m, "reason");
	char *title = xasprintf(
	    is_held ? _("Mail to %s is held") : _("Mail to %s has failed"),
	    rcpt != NULL ? rcpt : _("nobody"));
	char *body = xasprintf(_("%s\nMore: relais show %s"), reason, id);

	w->tell(w->ctx, id, title, body);
	free(reason);
	free(title);
	free(body);
}

static void
tell_number(struct watch *w, size_t n)
{
	char *title = xasprintf(
	    n == WATCH_LISTED ? _("%zu or more messages were held or have "
				  "failed")
			      : _("%zu messages were held or have failed"),
	    n);

	w->tell(w->ctx, "messages", title, _("To see them: relais queue"));
	free(title);
}

void
watch_messages(struct watch *w, const json_t *messages)
{
	json_t *news = json_array();
	const json_t *m;
	size_t i;

	if (w->known.n > KNOWN_MAX) {
		str_set_clear(&w->known);
		w->has_messages = false;
	}
	json_array_foreach(messages, i, m)
	{
		const char *id = ctl_json_string(m, "id");

		if (id != NULL && str_set_add(&w->known, bytes_str(id)) &&
		    w->has_messages)
			(void)json_array_append(news, (json_t *)(uintptr_t)m);
	}
	w->has_messages = true;
	if (json_array_size(news) > WATCH_TOLD)
		tell_number(w, json_array_size(news));
	else
		json_array_foreach(news, i, m) tell_message(w, m);
	json_decref(news);
}
