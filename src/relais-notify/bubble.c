/* SPDX-License-Identifier: GPL-3.0-or-later */
/* GDBus and not sd-bus: GLib comes with relais-keyring already, and it needs no
 * systemd, which not every desktop has. */
#include "relais-notify/bubble.h"

#include <stdlib.h>
#include <string.h>

/* As in relais-cred/keyring.c: their headers, our warnings. */
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wcast-qual"
#pragma GCC diagnostic ignored "-Wundef"
#include <gio/gio.h>
#pragma GCC diagnostic pop

#include "base/list.h"
#include "base/str.h"
#include "base/xalloc.h"

enum {
	TIMEOUT_MS = 5000,
	TITLE_MAX = 200,
	BODY_MAX = 1000,
	SHOWN_MAX = 200 /* remembered, so that they can be replaced */
};

static const char service[] = "org.freedesktop.Notifications";
static const char object[] = "/org/freedesktop/Notifications";

struct bubble {
	struct list link;
	char *key;
	char *title; /* NULL: away with it */
	char *body;
	guint32 id; /* of the desktop; 0: not shown yet */
};

struct bubbles {
	GDBusConnection *bus; /* NULL: not connected */
	bool has_markup;
	struct list waiting, shown;
	size_t nwaiting, nshown;
};

struct bubbles *
bubbles_new(void)
{
	struct bubbles *b = xcalloc(1, sizeof(*b));

	list_init(&b->waiting);
	list_init(&b->shown);
	return b;
}

static void
bubble_free(struct bubble *one)
{
	list_remove(&one->link);
	free(one->key);
	free(one->title);
	free(one->body);
	free(one);
}

static void
disconnect(struct bubbles *b)
{
	if (b->bus != NULL)
		g_object_unref(b->bus);
	b->bus = NULL;
}

void
bubbles_free(struct bubbles *b)
{
	if (b == NULL)
		return;
	list_foreach (it, &b->waiting)
		bubble_free(list_entry(it, struct bubble, link));
	list_foreach (it, &b->shown)
		bubble_free(list_entry(it, struct bubble, link));
	disconnect(b);
	free(b);
}

static struct bubble *
find_bubble(struct list *in, const char *key)
{
	list_foreach (it, in) {
		struct bubble *one = list_entry(it, struct bubble, link);

		if (strcmp(one->key, key) == 0)
			return one;
	}
	return NULL;
}

/* --- text ----------------------------------------------------------------- */

/* Desktops that know markup understand it in the body, others show it as it is
 * (Desktop Notifications Specification 1.2, "Markup"). */
static char *
body_text(const struct bubbles *b, const char *text)
{
	struct buf out;
	char *line, *rest, *copy = rest = xstrdup(text);
	char *result, *escaped;

	buf_init(&out, 5 * BODY_MAX);
	while ((line = strsep(&rest, "\n")) != NULL) {
		IGNORE(buf_len(&out) > 0 && !buf_addc(&out, '\n'));
		IGNORE(str_escape(&out, bytes_str(line), BODY_MAX));
	}
	free(copy);
	result = buf_steal(&out);
	if (!b->has_markup)
		return result;
	escaped = g_markup_escape_text(result, -1);
	free(result);
	result = xstrdup(escaped);
	g_free(escaped);
	return result;
}

static char *
title_text(const char *text)
{
	struct buf out;

	buf_init(&out, 5 * TITLE_MAX);
	IGNORE(str_escape(&out, bytes_str(text), TITLE_MAX));
	return buf_steal(&out);
}

/* --- the bus -------------------------------------------------------------- */

static int
failed(struct err *err, const char *what, GError *why)
{
	(void)err_set(err, ERR_NETWORK, "%s: %s", what,
	    why != NULL ? why->message : "no reason given");
	g_clear_error(&why);
	return -1;
}

/* NULL: err. */
static GVariant *
call(struct bubbles *b, const char *method, GVariant *args, const char *type,
    struct err *err)
{
	GError *why = NULL;
	GVariant *answer = g_dbus_connection_call_sync(b->bus, service, object,
	    service, method, args, type != NULL ? G_VARIANT_TYPE(type) : NULL,
	    G_DBUS_CALL_FLAGS_NONE, TIMEOUT_MS, NULL, &why);

	if (answer == NULL)
		(void)failed(err, "the desktop shows no notifications", why);
	return answer;
}

/* One of our own, so that its end is not the end of this program. */
static int
connect_bus(struct bubbles *b, struct err *err)
{
	GError *why = NULL;
	gchar *address = g_dbus_address_get_for_bus_sync(
	    G_BUS_TYPE_SESSION, NULL, &why);

	if (address == NULL)
		return failed(err, "no session bus", why);
	b->bus = g_dbus_connection_new_for_address_sync(address,
	    G_DBUS_CONNECTION_FLAGS_AUTHENTICATION_CLIENT |
		G_DBUS_CONNECTION_FLAGS_MESSAGE_BUS_CONNECTION,
	    NULL, NULL, &why);
	g_free(address);
	if (b->bus == NULL)
		return failed(err, "no session bus", why);
	return 0;
}

/* Each time: there may be another desktop now. */
static int
learn_markup(struct bubbles *b, struct err *err)
{
	GVariant *answer = call(b, "GetCapabilities", NULL, "(as)", err);
	GVariantIter *names;
	const gchar *name;

	if (answer == NULL)
		return -1;
	b->has_markup = false;
	g_variant_get(answer, "(as)", &names);
	while (g_variant_iter_next(names, "&s", &name))
		b->has_markup |= strcmp(name, "body-markup") == 0;
	g_variant_iter_free(names);
	g_variant_unref(answer);
	return 0;
}

static int
notify(struct bubbles *b, struct bubble *one, struct err *err)
{
	char *title = title_text(one->title);
	char *body = body_text(b, one->body);
	GVariantBuilder actions, hints;
	GVariant *answer;

	g_variant_builder_init(&actions, G_VARIANT_TYPE("as"));
	g_variant_builder_init(&hints, G_VARIANT_TYPE("a{sv}"));
	g_variant_builder_add(
	    &hints, "{sv}", "category", g_variant_new_string("email"));
	answer = call(b, "Notify",
	    g_variant_new("(susssasa{sv}i)", "relais", one->id, "mail-unread",
		title, body, &actions, &hints, -1),
	    "(u)", err);
	free(title);
	free(body);
	if (answer == NULL)
		return -1;
	g_variant_get(answer, "(u)", &one->id);
	g_variant_unref(answer);
	return 0;
}

static int
close_one(struct bubbles *b, const struct bubble *one, struct err *err)
{
	GVariant *answer;

	if (one->id == 0)
		return 0;
	answer = call(
	    b, "CloseNotification", g_variant_new("(u)", one->id), NULL, err);
	if (answer != NULL)
		g_variant_unref(answer);
	/* The person has closed it: the desktop may say so by an error. */
	return g_dbus_connection_is_closed(b->bus) ? -1 : 0;
}

/* --- what is shown -------------------------------------------------------- */

static void
make_room(struct list *in, size_t *n, size_t max)
{
	while (*n >= max) {
		bubble_free(list_entry(in->next, struct bubble, link));
		(*n)--;
	}
}

void
bubbles_show(
    struct bubbles *b, const char *key, const char *title, const char *body)
{
	struct bubble *one = find_bubble(&b->waiting, key);

	if (one == NULL && (one = find_bubble(&b->shown, key)) != NULL) {
		list_remove(&one->link);
		b->nshown--;
	} else if (one != NULL) {
		list_remove(&one->link);
		b->nwaiting--;
	} else if (body == NULL) {
		return; /* never shown, or long forgotten */
	} else {
		one = xcalloc(1, sizeof(*one));
		one->key = xstrdup(key);
	}
	free(one->title);
	free(one->body);
	one->title = body != NULL ? xstrdup(title) : NULL;
	one->body = xstrdup(body);
	make_room(&b->waiting, &b->nwaiting, BUBBLE_WAITING_MAX);
	list_append(&b->waiting, &one->link);
	b->nwaiting++;
}

static void
settle(struct bubbles *b, struct bubble *one)
{
	b->nwaiting--;
	if (one->title == NULL) {
		bubble_free(one);
		return;
	}
	list_remove(&one->link);
	make_room(&b->shown, &b->nshown, SHOWN_MAX);
	list_append(&b->shown, &one->link);
	b->nshown++;
}

int
bubbles_flush(struct bubbles *b, struct err *err)
{
	if (list_is_empty(&b->waiting))
		return 0;
	if (b->bus != NULL && g_dbus_connection_is_closed(b->bus))
		disconnect(b);
	if ((b->bus == NULL && connect_bus(b, err) != 0) ||
	    learn_markup(b, err) != 0)
		return -1;
	while (!list_is_empty(&b->waiting)) {
		struct bubble *one = list_entry(
		    b->waiting.next, struct bubble, link);

		if ((one->title != NULL ? notify(b, one, err)
					: close_one(b, one, err)) != 0)
			return -1;
		settle(b, one);
	}
	return 0;
}
