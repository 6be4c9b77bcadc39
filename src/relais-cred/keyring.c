/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The keyring's answer: the desktop's Secret Service, asked without a word to
 * the user.
 *
 * Looks for {service: relais, account: NAME}, then for what msmtp stores:
 * {service: smtp, host: HOST, user: LOGIN}.  Never unlocks and never prompts:
 * a locked keyring is told apart from a missing entry (R53).  The only file
 * that links GLib and D-Bus.
 */
#include "relais-cred/answer.h"

#include <stdlib.h>
#include <string.h>

/* The header stands, so to say, in front of our own warnings. */
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wcast-qual"
#pragma GCC diagnostic ignored "-Wundef"
#include <libsecret/secret.h>
#pragma GCC diagnostic pop

#include "cred/cred_wire.h"

/* What one search found. */
enum found { FOUND_NONE, FOUND_LOCKED, FOUND_SECRET, FOUND_ERROR };

/* A deadline for calls that have none of their own: D-Bus waits 25 s for each
 * answer, and there are several. */
struct deadline {
	GCancellable *cancel;
	GThread *thread;
	GMutex lock;
	GCond is_over;
	bool is_done;
	gint64 at_us;
};

static gpointer
watch(gpointer arg)
{
	struct deadline *d = arg;

	g_mutex_lock(&d->lock);
	while (!d->is_done)
		if (!g_cond_wait_until(&d->is_over, &d->lock, d->at_us)) {
			g_cancellable_cancel(d->cancel);
			break;
		}
	g_mutex_unlock(&d->lock);
	return NULL;
}

static void
deadline_start(struct deadline *d, int64_t ms)
{
	d->cancel = g_cancellable_new();
	d->is_done = false;
	d->at_us = g_get_monotonic_time() + ms * 1000;
	g_mutex_init(&d->lock);
	g_cond_init(&d->is_over);
	d->thread = g_thread_new("deadline", watch, d);
}

static void
deadline_stop(struct deadline *d)
{
	g_mutex_lock(&d->lock);
	d->is_done = true;
	g_cond_signal(&d->is_over);
	g_mutex_unlock(&d->lock);
	g_thread_join(d->thread);
	g_cond_clear(&d->is_over);
	g_mutex_clear(&d->lock);
	g_object_unref(d->cancel);
}

/* The first readable item; unlocked ones come first. */
static enum found
take_item(GList *items, struct secret **ret)
{
	enum found found = FOUND_NONE;

	for (GList *l = items; l != NULL; l = l->next) {
		SecretValue *v;
		const gchar *p;
		gsize n;

		if (secret_item_get_locked(l->data)) {
			found = FOUND_LOCKED;
			continue;
		}
		if ((v = secret_item_get_secret(l->data)) == NULL)
			continue;
		p = secret_value_get(v, &n);
		*ret = n > 0 ? secret_new(bytes_of(p, n)) : NULL;
		secret_value_unref(v);
		if (*ret != NULL)
			return FOUND_SECRET;
	}
	return found;
}

static enum found
search(SecretService *service, GHashTable *attributes, GCancellable *cancel,
    struct secret **ret, GError **error)
{
	enum found found;
	GList *items = secret_service_search_sync(service, NULL, attributes,
	    SECRET_SEARCH_ALL | SECRET_SEARCH_LOAD_SECRETS, cancel, error);

	if (*error != NULL)
		return FOUND_ERROR;
	found = take_item(items, ret);
	g_list_free_full(items, g_object_unref);
	return found;
}

/* The attributes are borrowed from w. */
static GHashTable *
attributes_of(const struct cred_wire *w, bool is_own)
{
	const char *pairs[][2] = { { "service", is_own ? "relais" : "smtp" },
		{ is_own ? "account" : "host", is_own ? w->account : w->host },
		{ is_own ? NULL : "user", w->login } };
	GHashTable *t = g_hash_table_new_full(
	    g_str_hash, g_str_equal, g_free, g_free);

	for (size_t i = 0; i < sizeof(pairs) / sizeof(pairs[0]); i++)
		if (pairs[i][0] != NULL)
			g_hash_table_insert(
			    t, g_strdup(pairs[i][0]), g_strdup(pairs[i][1]));
	return t;
}

static enum found
search_both(SecretService *service, const struct cred_wire *w,
    GCancellable *cancel, struct secret **ret, GError **error)
{
	enum found found = FOUND_NONE;

	for (int own = 1; own >= 0 && found == FOUND_NONE; own--) {
		GHashTable *t = attributes_of(w, own == 1);

		found = search(service, t, cancel, ret, error);
		g_hash_table_unref(t);
	}
	return found;
}

static enum cred_result
judge(enum found found, const struct cred_wire *w, const GError *error,
    struct err *err)
{
	switch (found) {
	case FOUND_SECRET:
		return CRED_OK;
	case FOUND_LOCKED:
		err_set(err, ERR_SECRET,
		    "the keyring is locked; it opens when its owner logs in");
		return CRED_LATER;
	case FOUND_NONE:
		err_set(err, ERR_SECRET,
		    "the keyring has no entry for this account; type: "
		    "secret-tool store --label=relais service smtp host %s "
		    "user %s",
		    w->host, w->login);
		return CRED_NEVER;
	case FOUND_ERROR:
		break;
	}
	if (g_error_matches(error, G_IO_ERROR, G_IO_ERROR_CANCELLED))
		err_set(err, ERR_SECRET, "the keyring did not answer in time");
	else
		err_set(err, ERR_SECRET, "cannot connect to the keyring: %s",
		    error != NULL ? error->message : "no reason given");
	return CRED_LATER;
}

enum cred_result
answer(const struct cred_wire *w, struct secret **ret, struct cred_facts *facts,
    struct err *err)
{
	struct deadline d;
	GError *error = NULL;
	SecretService *service;
	enum found found = FOUND_ERROR;
	enum cred_result r;

	(void)facts; /* a password has none */
	deadline_start(&d, w->timeout_ms);
	service = secret_service_get_sync(
	    SECRET_SERVICE_OPEN_SESSION, d.cancel, &error);
	if (service != NULL) {
		found = search_both(service, w, d.cancel, ret, &error);
		g_object_unref(service);
	}
	r = judge(found, w, error, err);
	g_clear_error(&error);
	deadline_stop(&d);
	return r;
}
