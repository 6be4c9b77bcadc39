/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "postgres/pg_pool.h"

#include <arpa/inet.h>
#include <errno.h>
#include <inttypes.h>
#include <netdb.h>
#include <poll.h>
#include <pthread.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "base/list.h"
#include "base/num.h"
#include "base/xalloc.h"

enum {
	CONNECT_MS = 3000, /* shared by the hosts, */
	HOST_MS = 1000, /* each of which has so much of it */
	ANSWER_MS = 8000,
	LOOP_ANSWER_MS = 2000, /* on the loop's thread */
	AGAIN_MS = 500, /* after a failure to connect */
	REST_MS = 10 * 1000, /* one that is not needed for so long is closed, */
	/* but for the heartbeat's, and one for the loop meanwhile */
	REST_CONNS = 2,
	OPTIONS_MAX = 64,
	HOSTS_MAX = 4096, /* bytes of a list */
};

struct pg_pool {
	char *name;
	PQconninfoOption *options;
	char *user; /* unless the URL names one */
	char *called; /* of its connections, at the server; may be NULL */
	struct hosts {
		struct buf names, addrs, ports; /* lists of equal length */
		size_t n; /* 0: the URL is taken as it is */
		size_t last; /* that answered, under the mutex */
	} hosts;
	pthread_t loop;
	bool is_started; /* the loop is */
	pthread_mutex_t mutex; /* all below */
	struct list idle; /* the one used last in front, */
	size_t nidle; /* as many */
	int64_t failed_ms; /* 0: the last try to connect succeeded */
	struct err why;
	int (*check)(struct pg_conn *c, struct err *err);
};

struct pg_conn {
	struct list link;
	struct pg_pool *pool;
	PGconn *pq;
	int64_t given_ms; /* when it was used last */
	bool is_broken;
	bool is_warned; /* by the server, about the last statement */
};

static int64_t
now_ms(void)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_BOOTTIME, &t); /* cannot fail */
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

/* --- the URL -------------------------------------------------------------- */

static const char *
option(const PQconninfoOption *options, const char *word)
{
	for (const PQconninfoOption *o = options; o->keyword != NULL; o++)
		if (strcmp(o->keyword, word) == 0 && o->val != NULL &&
		    o->val[0] != '\0')
			return o->val;
	return NULL;
}

static int
parse_url(const char *url, PQconninfoOption **ret, struct err *err)
{
	char *text = NULL;
	PQconninfoOption *options = PQconninfoParse(url, &text);

	if (options == NULL) {
		err_set(err, ERR_CONFIG, "store_url: %.200s",
		    text != NULL ? text : "not understood");
		PQfreemem(text);
		return -1;
	}
	if (option(options, "password") != NULL) {
		PQconninfoFree(options);
		return err_set(err, ERR_CONFIG,
		    "store_url: a password in it would be shown by relais "
		    "config; put the line HOST:PORT:DATABASE:USER:PASSWORD "
		    "into a file of mode 600 and add ?passfile=FILE");
	}
	*ret = options;
	return 0;
}

/* Without a host libpq takes its usual one. */
static bool
has_unix(const char *hosts)
{
	if (hosts == NULL)
		return true;
	for (;; hosts++) {
		if (*hosts == '/' || *hosts == '@' || *hosts == ',' ||
		    *hosts == '\0')
			return true;
		hosts = strchr(hosts, ',');
		if (hosts == NULL)
			return false;
	}
}

/* The first of a list. */
static int
port_of(const char *list)
{
	uint64_t n;

	return num_u64_max(bytes_of(list, strcspn(list, ",")), 65535, &n)
		   ? (int)n
		   : 5432;
}

int
pg_needs(const char *url, void (*port)(void *ctx, int port),
    void (*file)(void *ctx, const char *path), void *ctx, struct err *err)
{
	static const char *const files[] = { "passfile", "sslrootcert",
		"sslcert", "sslkey", "sslcrl" };
	PQconninfoOption *options;
	const char *ports;

	if (parse_url(url, &options, err) != 0)
		return -1;
	ports = option(options, "port");
	for (ports = ports != NULL ? ports : "5432"; ports != NULL;
	     ports = strchr(ports, ',')) {
		ports += *ports == ',';
		port(ctx, port_of(ports));
	}
	if (has_unix(option(options, "host")))
		port(ctx, 0);
	for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
		const char *path = option(options, files[i]);

		if (path != NULL && path[0] == '/')
			file(ctx, path);
	}
	PQconninfoFree(options);
	return 0;
}

int
pg_pool_new(const char *url, struct pg_pool **ret, struct err *err)
{
	struct pg_pool *p;
	const struct passwd *self;
	PQconninfoOption *options;
	const char *host, *port, *db;

	if (parse_url(url, &options, err) != 0)
		return -1;
	p = xcalloc(1, sizeof(*p));
	p->options = options;
	host = option(options, "host");
	port = option(options, "port");
	db = option(options, "dbname");
	p->name = xasprintf("postgres %s:%s/%s",
	    host != NULL ? host : "(local socket)",
	    port != NULL ? port : "5432", db != NULL ? db : "");
	/* libpq would ask for it each time, and in the sandbox nobody
	 * answers. */
	if (option(options, "user") == NULL &&
	    (self = getpwuid(geteuid())) != NULL)
		p->user = xstrdup(self->pw_name);
	p->loop = pthread_self();
	(void)pthread_mutex_init(&p->mutex, NULL); /* cannot fail on Linux */
	list_init(&p->idle);
	buf_init(&p->hosts.names, HOSTS_MAX);
	buf_init(&p->hosts.addrs, HOSTS_MAX);
	buf_init(&p->hosts.ports, HOSTS_MAX);
	*ret = p;
	return 0;
}

void
pg_pool_start(struct pg_pool *p)
{
	p->is_started = true;
}

void
pg_pool_stop(struct pg_pool *p)
{
	p->is_started = false;
}

void
pg_pool_check_by(
    struct pg_pool *p, int (*check)(struct pg_conn *c, struct err *err))
{
	p->check = check;
}

void
pg_pool_call(struct pg_pool *p, const char *name)
{
	free(p->called);
	p->called = xstrdup(name);
}

const char *
pg_pool_name(const struct pg_pool *p)
{
	return p->name;
}

static void
add_word(struct buf *to, const char *word)
{
	if (buf_len(to) > 0)
		IGNORE(buf_addc(to, ','));
	IGNORE(buf_adds(to, word)); /* a list that long is cut */
}

static void
add_host(struct hosts *h, const char *name, const char *addr, const char *port)
{
	/* The first of a list may be empty: then a comma says so. */
	add_word(&h->names, name);
	if (h->n > 0)
		IGNORE(buf_addc(&h->addrs, ','));
	IGNORE(buf_adds(&h->addrs, addr));
	add_word(&h->ports, port);
	h->n++;
}

/* The n-th of a list, or the only one. */
static char *
nth(const char *list, size_t n)
{
	const char *comma;

	while (n-- > 0 && (comma = strchr(list, ',')) != NULL)
		list = comma + 1;
	return xstrndup(list, strcspn(list, ","));
}

static int
look_up(struct hosts *h, const char *name, const char *port, struct err *err)
{
	struct addrinfo hints = { .ai_socktype = SOCK_STREAM }, *all = NULL;
	char addr[INET6_ADDRSTRLEN + 20];
	int rc;

	if (name[0] == '\0' || name[0] == '/' || name[0] == '@') {
		add_host(h, name, "", port);
		return 0;
	}
	rc = getaddrinfo(name, NULL, &hints, &all);
	if (rc != 0)
		return err_set(err, ERR_NETWORK, "no address for %s: %s", name,
		    gai_strerror(rc));
	for (const struct addrinfo *a = all; a != NULL; a = a->ai_next)
		if (getnameinfo(a->ai_addr, a->ai_addrlen, addr, sizeof(addr),
			NULL, 0, NI_NUMERICHOST) == 0)
			add_host(h, name, addr, port);
	freeaddrinfo(all);
	return 0;
}

int
pg_pool_look_up(struct pg_pool *p, struct err *err)
{
	const char *hosts = option(p->options, "host");
	const char *ports = option(p->options, "port");
	char *list, *rest, *name, *port;
	int rc = -1;
	size_t n = 0;

	if (hosts == NULL || option(p->options, "hostaddr") != NULL)
		return 0;
	rest = list = xstrdup(hosts);
	while ((name = strsep(&rest, ",")) != NULL) {
		port = nth(ports != NULL ? ports : "5432", n++);
		if (look_up(&p->hosts, name, port, err) == 0)
			rc = 0; /* one is enough */
		free(port);
	}
	free(list);
	return rc;
}

/* --- connecting ----------------------------------------------------------- */

static void
conn_free(struct pg_conn *c)
{
	PQfinish(c->pq);
	free(c);
}

/* libpq's text: its first line, without LF. */
static const char *
words_of(const char *text, char to[300])
{
	size_t n = strcspn(text, "\n");

	if (n >= 300)
		n = 299;
	memcpy(to, text, n);
	to[n] = '\0';
	return to;
}

static PGconn *
begin_connection(const struct pg_pool *p, size_t host)
{
	const char *words[OPTIONS_MAX + 8], *values[OPTIONS_MAX + 8];
	char *of_host[3] = { NULL, NULL, NULL };
	size_t n = 0;
	PGconn *pq;

	for (const PQconninfoOption *o = p->options; o->keyword != NULL; o++) {
		if (o->val == NULL || n == OPTIONS_MAX)
			continue;
		words[n] = o->keyword;
		values[n++] = o->val;
	}
#define DEFAULT(word, value)                                                   \
	do {                                                                   \
		if (option(p->options, word) == NULL) {                        \
			words[n] = word;                                       \
			values[n++] = value;                                   \
		}                                                              \
	} while (0)
	DEFAULT("fallback_application_name", "relais");
	DEFAULT("gssencmode", "disable");
	DEFAULT("target_session_attrs", "read-write");
	DEFAULT("tcp_user_timeout", "5000");
	if (p->user != NULL)
		DEFAULT("user", p->user);
#undef DEFAULT
	/* The last word of a name counts. */
	if (p->called != NULL) {
		words[n] = "application_name";
		values[n++] = p->called;
	}
	if (p->hosts.n > 0) {
		words[n] = "host";
		values[n++] = of_host[0] = nth(buf_str(&p->hosts.names), host);
		words[n] = "hostaddr";
		values[n++] = of_host[1] = nth(buf_str(&p->hosts.addrs), host);
		words[n] = "port";
		values[n++] = of_host[2] = nth(buf_str(&p->hosts.ports), host);
	}
	words[n] = NULL;
	values[n] = NULL;
	pq = PQconnectStartParams(words, values, 0);
	for (int i = 0; i < 3; i++)
		free(of_host[i]);
	return pq;
}

/* False: time is up. */
static bool
wait_for(int fd, short events, int64_t until_ms)
{
	struct pollfd f = { fd, events, 0 };
	int64_t left;
	int rc;

	do {
		left = until_ms - now_ms();
		if (left <= 0)
			return false;
		rc = poll(&f, 1, (int)left);
	} while (rc < 0 && errno == EINTR);
	return rc > 0;
}

/* The server has done what it was told, but: a cancelled wait for a standby is
 * one of these, and no error. */
static void
on_notice(void *ctx, const PGresult *r)
{
	struct pg_conn *c = ctx;
	const char *severity = PQresultErrorField(
	    r, PG_DIAG_SEVERITY_NONLOCALIZED);

	if (severity != NULL && strcmp(severity, "WARNING") == 0)
		c->is_warned = true;
}

static PGconn *
connect_to(const struct pg_pool *p, size_t host, int ms, struct err *err)
{
	int64_t until = now_ms() + ms;
	PostgresPollingStatusType s = PGRES_POLLING_WRITING;
	PGconn *pq = begin_connection(p, host);
	char words[300];

	while (PQstatus(pq) != CONNECTION_BAD &&
	       (s == PGRES_POLLING_READING || s == PGRES_POLLING_WRITING)) {
		if (!wait_for(PQsocket(pq),
			s == PGRES_POLLING_READING ? POLLIN : POLLOUT, until))
			break;
		s = PQconnectPoll(pq);
	}
	if (s == PGRES_POLLING_OK) {
		(void)PQsetnonblocking(pq, 1); /* PQflush() says if it is not */
		return pq;
	}
	err_set(err, ERR_NETWORK, "%s: %s", p->name,
	    PQstatus(pq) == CONNECTION_BAD ? words_of(PQerrorMessage(pq), words)
					   : "it does not answer");
	PQfinish(pq);
	return NULL;
}

/* Each host in turn, with a time of its own, because one that is switched off
 * does not even refuse; first the one that answered last, and what that one
 * says is told: of a standby one hears only that it is one. */
static PGconn *
connect_now(struct pg_pool *p, struct err *err)
{
	size_t n = p->hosts.n > 0 ? p->hosts.n : 1, first;
	int ms = CONNECT_MS / (int)n > HOST_MS ? CONNECT_MS / (int)n : HOST_MS;
	PGconn *pq = NULL;
	struct err unused;

	(void)pthread_mutex_lock(&p->mutex);
	first = p->hosts.last;
	(void)pthread_mutex_unlock(&p->mutex);
	for (size_t i = 0; pq == NULL && i < n; i++) {
		size_t host = (first + i) % n;

		pq = connect_to(p, host, ms, i == 0 ? err : &unused);
		if (pq == NULL)
			continue;
		(void)pthread_mutex_lock(&p->mutex);
		p->hosts.last = host;
		(void)pthread_mutex_unlock(&p->mutex);
	}
	return pq;
}

static struct pg_conn *
conn_new(struct pg_pool *p, struct err *err)
{
	struct pg_conn *c = NULL;
	PGconn *pq = connect_now(p, err);

	if (pq != NULL) {
		c = xcalloc(1, sizeof(*c));
		c->pool = p;
		c->pq = pq;
		list_init(&c->link);
		(void)PQsetNoticeReceiver(pq, on_notice, c);
		if (p->check != NULL && p->check(c, err) != 0) {
			conn_free(c);
			c = NULL;
		}
	}
	(void)pthread_mutex_lock(&p->mutex);
	p->failed_ms = c == NULL ? now_ms() : 0;
	if (c == NULL)
		p->why = *err;
	(void)pthread_mutex_unlock(&p->mutex);
	return c;
}

/* From the idle ones; under the mutex. */
static struct pg_conn *
remove_idle(struct pg_pool *p, struct list *link)
{
	struct pg_conn *c = list_entry(link, struct pg_conn, link);

	list_remove(link);
	p->nidle--;
	return c;
}

/* The server has closed it, as it does when it ends. */
static bool
is_stale(const struct pg_conn *c)
{
	struct pollfd f = { PQsocket(c->pq), POLLIN, 0 };

	return poll(&f, 1, 0) != 0;
}

/* Before it runs, that thread may. */
bool
pg_may_wait(const struct pg_pool *p)
{
	return !p->is_started || !pthread_equal(p->loop, pthread_self());
}

struct pg_conn *
pg_take(struct pg_pool *p, struct err *err)
{
	struct pg_conn *c = NULL;
	struct err unused;
	bool is_down;

	if (err == NULL)
		err = &unused;
	(void)pthread_mutex_lock(&p->mutex);
	while (c == NULL && !list_is_empty(&p->idle)) {
		c = remove_idle(p, p->idle.next);
		if (is_stale(c)) {
			conn_free(c);
			c = NULL;
		}
	}
	is_down = p->failed_ms != 0 && now_ms() < p->failed_ms + AGAIN_MS;
	if (c == NULL && is_down)
		*err = p->why;
	(void)pthread_mutex_unlock(&p->mutex);
	if (c != NULL || is_down)
		return c;
	if (!pg_may_wait(p)) {
		err_set(err, ERR_NETWORK, "%s: no connection is there just now",
		    p->name);
		return NULL;
	}
	return conn_new(p, err);
}

/* What one has lost the others have lost as well, and to find out takes as long
 * for each of them. */
static void
close_idle(struct pg_pool *p)
{
	(void)pthread_mutex_lock(&p->mutex);
	while (!list_is_empty(&p->idle))
		conn_free(remove_idle(p, p->idle.next));
	(void)pthread_mutex_unlock(&p->mutex);
}

void
pg_pool_rest(struct pg_pool *p)
{
	struct pg_conn *c = NULL;

	(void)pthread_mutex_lock(&p->mutex);
	if (p->nidle > REST_CONNS) {
		c = list_entry(p->idle.prev, struct pg_conn, link);
		if (now_ms() >= c->given_ms + REST_MS)
			(void)remove_idle(p, &c->link);
		else
			c = NULL;
	}
	(void)pthread_mutex_unlock(&p->mutex);
	if (c != NULL)
		conn_free(c);
}

void
pg_give(struct pg_conn *c)
{
	struct pg_pool *p = c->pool;

	if (c->is_broken)
		close_idle(p);
	if (c->is_broken || PQtransactionStatus(c->pq) != PQTRANS_IDLE) {
		conn_free(c);
		return;
	}
	c->given_ms = now_ms();
	(void)pthread_mutex_lock(&p->mutex);
	list_prepend(&p->idle, &c->link);
	p->nidle++;
	(void)pthread_mutex_unlock(&p->mutex);
}

void
pg_pool_free(struct pg_pool *p)
{
	if (p == NULL)
		return;
	close_idle(p);
	(void)pthread_mutex_destroy(&p->mutex);
	PQconninfoFree(p->options);
	buf_clear(&p->hosts.names);
	buf_clear(&p->hosts.addrs);
	buf_clear(&p->hosts.ports);
	free(p->user);
	free(p->called);
	free(p->name);
	free(p);
}

/* --- asking --------------------------------------------------------------- */

static enum pg_said
lost(struct pg_conn *c, const char *why, struct err *err)
{
	char words[300];

	c->is_broken = true;
	if (why == NULL)
		why = PQerrorMessage(c->pq)[0] != '\0'
			  ? words_of(PQerrorMessage(c->pq), words)
			  : "the connection is lost";
	err_set(err, ERR_NETWORK, "%s: %s", c->pool->name, why);
	return PG_LOST;
}

/* A server that ends, or only reads from now on, is as good as gone. */
static bool
is_end_of_server(const char *state)
{
	return strncmp(state, "57P", 3) == 0 || strncmp(state, "08", 2) == 0 ||
	       strcmp(state, "25006") == 0;
}

static enum pg_said
judge(struct pg_conn *c, PGresult *r, struct err *err)
{
	const char *state;
	char words[300];

	if (PQresultStatus(r) == PGRES_COMMAND_OK ||
	    PQresultStatus(r) == PGRES_TUPLES_OK)
		return PG_DONE;
	state = PQresultErrorField(r, PG_DIAG_SQLSTATE);
	if (state == NULL || is_end_of_server(state))
		return lost(c, words_of(PQresultErrorMessage(r), words), err);
	err_set(err, ERR_SYSTEM, "%s: %s", c->pool->name,
	    words_of(PQresultErrorMessage(r), words));
	return PG_REFUSED;
}

/* False: the connection is lost, or time is up. */
static bool
send_all(struct pg_conn *c, int64_t until)
{
	int rc;

	while ((rc = PQflush(c->pq)) == 1) {
		if (!wait_for(PQsocket(c->pq), POLLIN | POLLOUT, until))
			return false;
		/* A server that answers early must be able to. */
		if (PQconsumeInput(c->pq) == 0)
			return false;
	}
	return rc == 0;
}

static bool
receive(struct pg_conn *c, int64_t until)
{
	while (PQisBusy(c->pq))
		if (!wait_for(PQsocket(c->pq), POLLIN, until) ||
		    PQconsumeInput(c->pq) == 0)
			return false;
	return true;
}

enum pg_said
pg_ask(struct pg_conn *c, const char *sql, const struct pg_arg *args, int nargs,
    PGresult **ret, struct err *err)
{
	const char *values[PG_ARGS_MAX];
	int lengths[PG_ARGS_MAX], formats[PG_ARGS_MAX];
	char numbers[PG_ARGS_MAX][24];
	int64_t until = now_ms() + (pthread_equal(c->pool->loop, pthread_self())
					   ? LOOP_ANSWER_MS
					   : ANSWER_MS);
	PGresult *r = NULL, *next;
	enum pg_said said;
	struct err unused;

	if (err == NULL)
		err = &unused;
	c->is_warned = false;
	for (int i = 0; i < nargs; i++) {
		values[i] = args[i].p != NULL ? args[i].p : "";
		if (args[i].kind == PG_ARG_NUMBER) {
			(void)snprintf(numbers[i], sizeof(numbers[i]),
			    "%" PRId64, args[i].number);
			values[i] = numbers[i];
		}
		lengths[i] = (int)args[i].n;
		formats[i] = args[i].kind == PG_ARG_BYTES;
	}
	if (!PQsendQueryParams(
		c->pq, sql, nargs, NULL, values, lengths, formats, 1) ||
	    !send_all(c, until))
		return lost(c, NULL, err);
	for (;;) {
		if (!receive(c, until)) {
			PQclear(r);
			return lost(c,
			    now_ms() >= until ? "does not answer in time"
					      : NULL,
			    err);
		}
		next = PQgetResult(c->pq);
		if (next == NULL)
			break;
		PQclear(r);
		r = next;
	}
	if (r == NULL)
		return lost(c, NULL, err);
	said = judge(c, r, err);
	if (said == PG_DONE && c->is_warned)
		said = lost(
		    c, "done with a warning, perhaps on one server only", err);
	if (said == PG_DONE && ret != NULL)
		*ret = r;
	else
		PQclear(r);
	return said;
}

int
pg_pid(const struct pg_conn *c)
{
	return PQbackendPID(c->pq);
}

int64_t
pg_int(const PGresult *r, int row, int column)
{
	const unsigned char *p = (const unsigned char *)PQgetvalue(
	    r, row, column);
	int n = PQgetlength(r, row, column);
	uint64_t v = n > 0 && n < 8 && n != 1 && (p[0] & 0x80) ? UINT64_MAX : 0;

	for (int i = 0; i < n; i++)
		v = v << 8 | p[i];
	return (int64_t)v;
}

struct bytes
pg_bytes(const PGresult *r, int row, int column)
{
	return bytes_of(
	    PQgetvalue(r, row, column), (size_t)PQgetlength(r, row, column));
}

long
pg_changed(const PGresult *r)
{
	const char *text = PQcmdTuples((PGresult *)(uintptr_t)r);

	return text != NULL ? strtol(text, NULL, 10) : 0;
}
