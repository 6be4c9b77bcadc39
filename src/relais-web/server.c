/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "relais-web/server.h"

#include <microhttpd.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/intl.h"
#include "base/list.h"
#include "base/num.h"
#include "base/str.h"
#include "base/xalloc.h"
#include "net/peer.h"
#include "relais-web/accept.h"
#include "relais-web/asker.h"
#include "relais-web/events.h"
#include "relais-web/view.h"
#include "sys/language.h"

enum {
	SOCKETS_MAX = 8,
	IDLE_S = 60, /* of a connection without a request */
	REQUEST_MAX = 16384,
	ARGUMENT_MAX = 200
};

struct server {
	struct MHD_Daemon *daemons[SOCKETS_MAX]; /* one for each socket */
	size_t ndaemons;
	struct asker *asker;
	atomic_bool is_ending;
	pthread_mutex_t lock; /* of the guests */
	struct list guests;
};

/* A connection. */
struct guest {
	struct list link;
	uint32_t uid;
	bool is_one_too_many;
	bool is_unheard; /* and many more than that */
};

static int
fd_of(struct MHD_Connection *con)
{
	const union MHD_ConnectionInfo *info = MHD_get_connection_info(
	    con, MHD_CONNECTION_INFO_CONNECTION_FD);

	return info != NULL ? info->connect_fd : -1;
}

/* --- what is sent --------------------------------------------------------- */

static const struct {
	const char *name, *value;
} fields[] = {
	{ "Content-Security-Policy",
	    "default-src 'none'; script-src 'self'; style-src 'self'; "
	    "img-src 'self'; connect-src 'self'; form-action 'self'; "
	    "base-uri 'none'; frame-ancestors 'none'" },
	{ "X-Content-Type-Options", "nosniff" },
	{ "X-Frame-Options", "DENY" },
	{ "Referrer-Policy", "no-referrer" },
	{ "Cross-Origin-Opener-Policy", "same-origin" },
	{ "Cross-Origin-Resource-Policy", "same-origin" },
	{ "Cache-Control", "no-store" },
};

/* response is taken over; NULL: no memory. */
static enum MHD_Result
answer(struct MHD_Connection *con, unsigned status, const char *type,
    struct MHD_Response *response)
{
	enum MHD_Result rc;

	if (response == NULL)
		return MHD_NO; /* hangs up */
	for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++)
		(void)MHD_add_response_header(
		    response, fields[i].name, fields[i].value);
	(void)MHD_add_response_header(response, "Content-Type", type);
	if (status == MHD_HTTP_METHOD_NOT_ALLOWED)
		(void)MHD_add_response_header(response, "Allow", "GET");
	rc = MHD_queue_response(con, status, response);
	MHD_destroy_response(response);
	return rc;
}

static enum MHD_Result
answer_text(struct MHD_Connection *con, unsigned status, const char *type,
    const char *text)
{
	return answer(con, status, type,
	    MHD_create_response_from_buffer(
		strlen(text), (void *)(uintptr_t)text, MHD_RESPMEM_PERSISTENT));
}

/* why is a literal, in English. */
static enum MHD_Result
refuse(struct MHD_Connection *con, unsigned status, const char *why)
{
	return answer_text(con, status, "text/plain; charset=utf-8", _(why));
}

/* --- pages ---------------------------------------------------------------- */

static const char style[] =
#include "relais-web/style.css.inc"
    ;
static const char live[] =
#include "relais-web/live.js.inc"
    ;
static const char icon[] =
#include "relais-web/icon.svg.inc"
    ;

static const struct {
	const char *path;
	view_page *draw; /* NULL: text, of this type */
	const char *type, *text;
} pages[] = {
	{ "/", page_home, NULL, NULL },
	{ "/messages", page_messages, NULL, NULL },
	{ "/message/", page_message, NULL, NULL }, /* an id follows */
	{ "/style.css", NULL, "text/css; charset=utf-8", style },
	{ "/live.js", NULL, "text/javascript; charset=utf-8", live },
	{ "/icon.svg", NULL, "image/svg+xml", icon },
};
enum { PAGES = sizeof(pages) / sizeof(pages[0]) };

/* A path that ends in a slash is that of all below it. */
static size_t
page_find(const char *url)
{
	size_t i;

	for (i = str_is_utf8(bytes_str(url)) ? 0 : PAGES; i < PAGES; i++) {
		size_t n = strlen(pages[i].path);

		if (str_eq(pages[i].path, url) ||
		    (n > 1 && pages[i].path[n - 1] == '/' &&
			strncmp(pages[i].path, url, n) == 0))
			break;
	}
	return i;
}

/* Never NULL, and nothing the daemon would not understand. */
static const char *
argument(struct MHD_Connection *con, const char *name)
{
	const char *v = MHD_lookup_connection_value(
	    con, MHD_GET_ARGUMENT_KIND, name);

	return v != NULL && strlen(v) <= ARGUMENT_MAX &&
		       str_is_utf8(bytes_str(v))
		   ? v
		   : "";
}

static enum language
language_of(struct MHD_Connection *con)
{
	return (enum language)accept_language(
	    MHD_lookup_connection_value(
		con, MHD_HEADER_KIND, MHD_HTTP_HEADER_ACCEPT_LANGUAGE),
	    language_tags, LANGUAGES);
}

static unsigned
page_missing(struct view *v)
{
	return page_sorry(
	    v, MHD_HTTP_NOT_FOUND, _("No such page"), _("Nothing is here."));
}

static enum MHD_Result
answer_page(struct server *s, struct MHD_Connection *con, uint32_t uid,
    view_page *draw, const char *what)
{
	struct view v = { .uid = uid,
		.is_own = s->asker->is_own,
		.language = language_tags[language_speak(language_of(con))],
		.what = what,
		.text = argument(con, "text"),
		.state = argument(con, "state"),
		.trouble = "" };
	struct err err = { 0 };
	struct MHD_Response *response;
	unsigned status;
	size_t n;
	char *page;

	html_init(&v.h);
	if (asker_open(s->asker, uid, &v.client, &err) != 0) {
		v.client = NULL;
		v.trouble = err.text;
	}
	status = draw(&v);
	asker_close(s->asker, uid, v.client);
	n = buf_len(&v.h.out);
	page = buf_steal(&v.h.out);
	response = MHD_create_response_from_buffer(
	    n, page, MHD_RESPMEM_MUST_FREE);
	if (response == NULL)
		free(page);
	html_clear(&v.h);
	return answer(con, status, "text/html; charset=utf-8", response);
}

/* --- events --------------------------------------------------------------- */

static ssize_t
read_events(void *ctx, uint64_t pos, char *to, size_t max)
{
	size_t n = events_next(ctx, to, max);

	(void)pos;
	return n > 0 ? (ssize_t)n : MHD_CONTENT_READER_END_OF_STREAM;
}

static void
close_events(void *ctx)
{
	events_free(ctx);
}

static enum MHD_Result
answer_events(struct server *s, struct MHD_Connection *con, uint32_t uid)
{
	enum { BLOCK = 1024 };
	struct events *e = events_new(s->asker, uid, fd_of(con), &s->is_ending);
	struct MHD_Response *response = MHD_create_response_from_callback(
	    MHD_SIZE_UNKNOWN, BLOCK, read_events, e, close_events);

	if (response == NULL)
		events_free(e);
	return answer(con, MHD_HTTP_OK, "text/event-stream", response);
}

/* --- who may ask ---------------------------------------------------------- */

/* "localhost", an address of the loopback interface, and any port: the one here
 * may be the far end of a tunnel. */
static bool
is_own_name(const char *host)
{
	static const char *const names[] = { "localhost", "127.0.0.1",
		"[::1]" };
	uint64_t port;

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		size_t n = strlen(names[i]);

		if (!bytes_has_prefix_nocase(bytes_str(host), names[i]))
			continue;
		if (host[n] == '\0' ||
		    (host[n] == ':' &&
			num_u64_max(bytes_str(host + n + 1), 65535, &port)))
			return true;
	}
	return false;
}

/* Fields of a request that say who is asking. */
enum asking { HOST, FETCH_SITE, FETCH_MODE, FETCH_DEST, ASKING };

static const char *const asking_names[ASKING] = {
	[HOST] = "Host",
	[FETCH_SITE] = "Sec-Fetch-Site",
	[FETCH_MODE] = "Sec-Fetch-Mode",
	[FETCH_DEST] = "Sec-Fetch-Dest",
};

struct asked {
	const char *value[ASKING]; /* NULL: is not there; "": twice */
};

static enum MHD_Result
see_field(
    void *ctx, enum MHD_ValueKind kind, const char *name, const char *value)
{
	struct asked *a = ctx;

	(void)kind;
	for (int i = 0; i < ASKING; i++) {
		if (!str_eq_nocase(name, asking_names[i]))
			continue;
		a->value[i] = a->value[i] == NULL && value != NULL ? value : "";
	}
	return MHD_YES;
}

/* By one of these pages, or by none: the person has typed or chosen the
 * address, or this is no browser. */
static bool
is_asked_here(const struct asked *a)
{
	return a->value[FETCH_SITE] == NULL ||
	       str_eq(a->value[FETCH_SITE], "same-origin") ||
	       str_eq(a->value[FETCH_SITE], "none");
}

/* A link that leads here from elsewhere fills a window; what the page there
 * could use or look into is a request of another kind.  Another port of this
 * machine is elsewhere, too: who listens there may be anybody. */
static bool
is_a_link(const struct asked *a)
{
	return (str_eq(a->value[FETCH_SITE], "same-site") ||
		   str_eq(a->value[FETCH_SITE], "cross-site")) &&
	       str_eq(a->value[FETCH_MODE], "navigate") &&
	       str_eq(a->value[FETCH_DEST], "document");
}

/* NULL: nothing is wrong; *ret_status otherwise. */
static const char *
objection(const struct server *s, struct MHD_Connection *con,
    const char *method, const struct guest *g, unsigned *ret_status)
{
	struct asked asked = { .value = { NULL } };

	(void)MHD_get_connection_values(
	    con, MHD_HEADER_KIND, see_field, &asked);
	if (asked.value[HOST] == NULL || !is_own_name(asked.value[HOST])) {
		*ret_status = MHD_HTTP_MISDIRECTED_REQUEST;
		return N_("This page is at http://localhost, under no other "
			  "name.\n");
	}
	if (!str_eq(method, MHD_HTTP_METHOD_GET)) {
		*ret_status = MHD_HTTP_METHOD_NOT_ALLOWED;
		return N_("This page shows and changes nothing: GET only.\n");
	}
	if (!is_asked_here(&asked) && !is_a_link(&asked)) {
		*ret_status = MHD_HTTP_FORBIDDEN;
		return N_("A page elsewhere asks for this one: open it "
			  "yourself.\n");
	}
	if (g == NULL || g->uid == UID_UNKNOWN || g->uid == UID_HIDDEN) {
		*ret_status = MHD_HTTP_FORBIDDEN;
		return N_("The kernel does not say which user of this machine "
			  "asks: open the page on the machine itself.\n");
	}
	if (!asker_is_for(s->asker, g->uid)) {
		*ret_status = MHD_HTTP_FORBIDDEN;
		return N_("This is the page of another user.\n");
	}
	if (g->is_one_too_many) {
		*ret_status = MHD_HTTP_SERVICE_UNAVAILABLE;
		return N_("You have too many pages open: close some.\n");
	}
	return NULL;
}

static enum MHD_Result
on_request(void *ctx, struct MHD_Connection *con, const char *url,
    const char *method, const char *version, const char *body, size_t *size,
    void **state)
{
	struct server *s = ctx;
	const union MHD_ConnectionInfo *info = MHD_get_connection_info(
	    con, MHD_CONNECTION_INFO_SOCKET_CONTEXT);
	const struct guest *g = info != NULL ? info->socket_context : NULL;
	unsigned status = 0;
	const char *why = objection(s, con, method, g, &status);
	size_t i;

	language_speak(language_of(con));
	(void)version;
	(void)body;
	(void)size;
	(void)state;
	if (why != NULL)
		return refuse(con, status, why);
	if (str_eq(url, "/events"))
		return answer_events(s, con, g->uid);
	i = page_find(url);
	if (i < PAGES && pages[i].draw == NULL)
		return answer_text(
		    con, MHD_HTTP_OK, pages[i].type, pages[i].text);
	if (i == PAGES)
		return answer_page(s, con, g->uid, page_missing, "");
	return answer_page(
	    s, con, g->uid, pages[i].draw, url + strlen(pages[i].path));
}

/* --- connections ---------------------------------------------------------- */

/* Asked at once: later its client may have hung up. */
static uint32_t
uid_of(struct MHD_Connection *con)
{
	struct peer_diag diag = { .fd = -1 };
	uint32_t uid = peer_uid(&diag, fd_of(con), NULL);

	if (diag.fd >= 0)
		(void)close(diag.fd); /* holds no data */
	return uid;
}

static struct guest *
guest_new(struct server *s, uint32_t uid)
{
	struct guest *g = xcalloc(1, sizeof(*g));
	size_t same = 0;

	g->uid = uid;
	(void)pthread_mutex_lock(&s->lock); /* cannot fail: not recursive */
	list_foreach (it, &s->guests)
		same += list_entry(it, struct guest, link)->uid == uid;
	g->is_one_too_many = same >= SERVER_CONNECTIONS_PER_UID;
	g->is_unheard = same >=
			SERVER_CONNECTIONS_PER_UID + SERVER_CONNECTIONS_TOLD;
	list_append(&s->guests, &g->link);
	(void)pthread_mutex_unlock(&s->lock); /* it is ours */
	return g;
}

static void
guest_free(struct server *s, struct guest *g)
{
	if (g == NULL)
		return;
	(void)pthread_mutex_lock(&s->lock); /* cannot fail: not recursive */
	list_remove(&g->link);
	(void)pthread_mutex_unlock(&s->lock); /* it is ours */
	free(g);
}

static void
on_connection(void *ctx, struct MHD_Connection *con, void **guest,
    enum MHD_ConnectionNotificationCode what)
{
	struct server *s = ctx;

	if (what == MHD_CONNECTION_NOTIFY_STARTED) {
		struct guest *g = guest_new(s, uid_of(con));

		*guest = g;
		if (g->is_unheard) /* as if it had hung up */
			(void)shutdown(fd_of(con), SHUT_RD); /* or it has */
	} else {
		guest_free(s, *guest);
		*guest = NULL;
	}
}

size_t
server_connections(struct server *s)
{
	size_t n = 0;

	(void)pthread_mutex_lock(&s->lock); /* cannot fail: not recursive */
	list_foreach (it, &s->guests)
		n += it != NULL;
	(void)pthread_mutex_unlock(&s->lock); /* it is ours */
	return n;
}

/* --- life ----------------------------------------------------------------- */

static int
serve(struct server *s, int fd, struct err *err)
{
	struct MHD_Daemon *d = MHD_start_daemon(
	    MHD_USE_THREAD_PER_CONNECTION | MHD_USE_INTERNAL_POLLING_THREAD |
		MHD_USE_POLL | MHD_USE_ITC,
	    0, NULL, NULL, on_request, s, MHD_OPTION_LISTEN_SOCKET, fd,
	    MHD_OPTION_CONNECTION_LIMIT, (unsigned)SERVER_CONNECTIONS_MAX,
	    MHD_OPTION_CONNECTION_TIMEOUT, (unsigned)IDLE_S,
	    MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)REQUEST_MAX,
	    MHD_OPTION_NOTIFY_CONNECTION, on_connection, s, MHD_OPTION_END);

	if (d == NULL)
		return err_sys(err, "cannot start the HTTP server");
	s->daemons[s->ndaemons++] = d;
	return 0;
}

int
server_new(const int *fds, size_t n, struct asker *asker, struct server **ret,
    struct err *err)
{
	struct server *s = xcalloc(1, sizeof(*s));

	s->asker = asker;
	list_init(&s->guests);
	(void)pthread_mutex_init(&s->lock, NULL); /* cannot fail on Linux */
	for (size_t i = 0; i < n; i++) {
		if (s->ndaemons < SOCKETS_MAX && serve(s, fds[i], err) == 0)
			continue;
		if (s->ndaemons == SOCKETS_MAX)
			(void)err_set(err, ERR_CONFIG, "more than %d sockets",
			    SOCKETS_MAX);
		server_free(s);
		return -1;
	}
	*ret = s;
	return 0;
}

void
server_quiesce(struct server *s)
{
	for (size_t i = 0; i < s->ndaemons; i++)
		(void)MHD_quiesce_daemon(s->daemons[i]); /* -1: it has none */
}

void
server_free(struct server *s)
{
	if (s == NULL)
		return;
	atomic_store(&s->is_ending, true);
	for (size_t i = 0; i < s->ndaemons; i++)
		MHD_stop_daemon(s->daemons[i]);
	(void)pthread_mutex_destroy(&s->lock); /* nobody has it */
	free(s);
}
