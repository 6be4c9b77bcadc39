/* SPDX-License-Identifier: GPL-3.0-or-later */
/* load - many SMTP clients at once, in one process and one thread, so that
 * what is measured is the server and not the clients.
 *
 *   load --port N [--host ADDRESS] | --unix PATH
 *     --sessions 10           clients at the same time
 *     --mails 1000            of all together
 *     --size 2048             of each message, header included
 *     --to to@example.org     the recipient; only what goes to it arrives
 *     --each 1                messages per connection; 0: all of them
 *     --window 0              transactions under way at once; 0: as a plain
 *                             client, one command after the other
 *     --interval-ms 0         rest after each message
 *     --idle N                connections that say nothing, beside the others
 *     --tls --ca FILE --name NAME
 *     --user NAME --password-file FILE
 *     --arrivals FILE         the provider's log: wait there for as many
 *                             messages, and tell how long the way took
 *     --arrivals-only         send nothing, only wait for the arrivals
 *     --begun-us N            when it all began, if that was not now
 *     --wait-ms N             the server may take so long to be there
 *     --give-up-s 120
 *
 * Prints one line of "key=value", times in milliseconds:
 *   mails ok failed  seconds (all answered)  rate
 *   p50 p95 max            from the first byte of a mail to its answer; with
 *                          --each 1 from the connect on
 *   arrived_seconds arrived_rate     when the last one was at the provider
 *   way_p50 way_p95        from the submission to the arrival (one session)
 *   first_ms               until the first greeting
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "base/num.h"
#include "base/secret.h"
#include "base/str.h"
#include "base/xalloc.h"
#include "net/loop.h"
#include "net/stream.h"
#include "smtp/smtp_client.h"
#include "sys/clock_sys.h"
#include "tls/tls_ctx.h"
#include "tls/tls_pipe.h"

enum { LINGER_MS = 200, POLL_MS = 1, AGAIN_MS = 1, PATIENCE_MS = 50 };

#define HEAD                                                                   \
	"From: <relay@example.test>\r\nTo: <to@example.org>\r\n"               \
	"Subject: mail %010lld of the load\r\n\r\n"
enum { HEAD_LEN = sizeof(HEAD) - 1 - sizeof("%010lld") + 1 + 10 };

struct args {
	const char *host, *path, *ca, *name, *user, *password_file, *arrivals;
	const char *to;
	int64_t port, sessions, mails, size, each, window, interval_ms, idle;
	int64_t wait_ms, give_up_s, begun_us;
	bool wants_tls, arrivals_only;
};

struct client;

struct mail {
	struct list link;
	struct client *c;
	struct smtp_job job;
	int64_t begun_us;
	size_t at; /* of head and text together */
	char head[HEAD_LEN + 1];
};

struct load {
	struct args a;
	struct smtp_job_rcpt rcpt;
	struct loop *loop;
	struct tls_ctx *tls;
	struct secret *password;
	char *text;
	size_t text_len;
	struct loop_timer *timer, *end;
	struct client *clients;
	int64_t started, done, ok, failed; /* mails */
	int64_t begun_us, over_us, first_us;
	bool has_given_up;
	int64_t *took_us, *began_us; /* per mail, in order of its answer */
	/* The provider's log. */
	int log_fd;
	struct buf log;
	int64_t arrived, arrived_us;
	int64_t *arrived_at_us; /* of each, as the provider says */
};

struct client {
	struct load *l;
	struct stream *stream;
	struct smtp_client *smtp;
	struct loop_timer *timer; /* the next connection, the next mail */
	struct list mails;
	struct mail *body;
	int64_t carried; /* on this connection */
	int64_t connected_us, rest_until_ms;
	bool is_ready, is_quitting, is_shaking;
};

static void connect_client(struct client *c);
static void drive(struct client *c);

static _Noreturn void
die(const char *what)
{
	(void)fprintf(stderr, "load: %s\n", what);
	exit(EXIT_FAILURE);
}

/* Wall clock: the provider stamps its arrivals with it. */
static int64_t
now_us(void)
{
	struct timespec ts;

	(void)clock_gettime(CLOCK_REALTIME, &ts); /* cannot fail */
	return (int64_t)ts.tv_sec * 1000000 + ts.tv_nsec / 1000;
}

static int64_t
now_ms(void)
{
	return clock_boot_ms(clock_sys());
}

/* --- the mails ------------------------------------------------------------ */

static void
make_text(struct load *l)
{
	static const char line[] =
	    "a line of the message that only fills its place.............\r\n";
	size_t n = 0, want = (size_t)l->a.size;

	want = want > HEAD_LEN ? want - HEAD_LEN : 1;
	l->text = xmalloc(want + sizeof(line));
	do {
		memcpy(l->text + n, line, sizeof(line) - 1);
		n += sizeof(line) - 1;
	} while (n < want);
	l->text_len = n;
}

static void
begin_mail(struct client *c)
{
	struct load *l = c->l;
	struct mail *m = xcalloc(1, sizeof(*m));

	/* No two are equal, because a relay may fold those into one. */
	(void)snprintf(m->head, sizeof(m->head), HEAD, (long long)l->started);
	m->c = c;
	m->begun_us = l->a.each == 1 ? c->connected_us : now_us();
	m->job = (struct smtp_job) {
		.tag = (uint64_t)(uintptr_t)m,
		.sender = "relay@example.test",
		.rcpts = &l->rcpt,
		.nrcpts = 1,
		.size_bytes = HEAD_LEN + l->text_len,
	};
	list_append(&c->mails, &m->link);
	l->started++;
	c->carried++;
	smtp_client_send(c->smtp, &m->job);
}

static void
end_mail(struct load *l, struct mail *m, const struct verdict *v)
{
	int64_t now = now_us();

	l->took_us[l->done] = now - m->begun_us;
	l->began_us[l->done] = m->begun_us;
	l->done++;
	l->over_us = now;
	if (v->class == VERDICT_OK)
		l->ok++;
	else if (l->failed++ < 3)
		(void)fprintf(stderr, "load: %d %s\n", v->code, v->text);
	if (m->c->body == m)
		m->c->body = NULL;
	list_remove(&m->link);
	free(m);
}

/* --- one client ----------------------------------------------------------- */

static bool
wants_more(const struct client *c)
{
	const struct load *l = c->l;

	return l->started < l->a.mails &&
	       (l->a.each == 0 || c->carried < l->a.each);
}

static void
on_timer(void *ctx)
{
	struct client *c = ctx;

	if (c->stream == NULL)
		connect_client(c);
	else
		drive(c);
}

static void
hang_up(struct client *c)
{
	struct load *l = c->l;
	static const struct verdict lost = { .class = VERDICT_LATER };

	list_foreach (it, &c->mails)
		end_mail(l, list_entry(it, struct mail, link), &lost);
	smtp_client_free(c->smtp);
	stream_finish(c->stream, LINGER_MS);
	c->smtp = NULL;
	c->stream = NULL;
	if (l->started < l->a.mails)
		loop_timer_set(c->timer, c->rest_until_ms);
}

/* True: bytes went, so the engine has room for more of a body. */
static bool
give_output(struct client *c)
{
	const void *p;
	bool went = false;
	size_t n;

	while ((n = smtp_client_peek(c->smtp, &p)) > 0 &&
	       (n = stream_write(c->stream, p, n)) > 0) {
		smtp_client_sent(c->smtp, n);
		went = true;
	}
	return went;
}

static bool
feed(struct client *c)
{
	struct mail *m = c->body;
	size_t n = 1, all = 0;

	while (m != NULL && m->at < HEAD_LEN + c->l->text_len && n > 0) {
		if (m->at < HEAD_LEN)
			n = smtp_client_body(
			    c->smtp, m->head + m->at, HEAD_LEN - m->at);
		else
			n = smtp_client_body(c->smtp,
			    c->l->text + m->at - HEAD_LEN,
			    HEAD_LEN + c->l->text_len - m->at);
		m->at += n;
		all += n;
	}
	return all > 0;
}

static void
start_tls(struct client *c)
{
	struct err err;

	IGNORE(give_output(c)); /* STARTTLS itself */
	if (stream_start_tls(c->stream, c->l->tls, c->l->a.name, &err) != 0)
		die(err.text);
	c->is_shaking = true;
}

static void
log_in(struct client *c, const struct sc_info *info)
{
	char text[512];
	int n = snprintf(text, sizeof(text), "%c%s%c%s", 0, c->l->a.user, 0,
	    secret_bytes(c->l->password).p);
	struct bytes plain = bytes_of(text, (size_t)n);

	if (info->verdict.class == VERDICT_NONE)
		smtp_client_auth(c->smtp, "PLAIN", &plain);
	else
		smtp_client_no_login(c->smtp, SC_TROUBLE_AUTH, &info->verdict);
}

/* True: the connection is over. */
static bool
on_event(struct client *c, enum sc_event ev, const struct sc_info *info)
{
	struct mail *m = (struct mail *)(uintptr_t)info->job;

	switch (ev) {
	case SC_IDLE:
	case SC_RCPT_DONE:
		break;
	case SC_STARTTLS:
		start_tls(c);
		break;
	case SC_AUTH:
		log_in(c, info);
		break;
	case SC_CHALLENGE: /* PLAIN has none */
		smtp_client_respond(c->smtp, bytes_of("", 0));
		break;
	case SC_ACCEPTED:
		smtp_client_logged_in(c->smtp);
		break;
	case SC_READY:
		c->is_ready = true;
		break;
	case SC_WANT_BODY:
		c->body = m;
		break;
	case SC_JOB_DONE:
		end_mail(c->l, m, &info->verdict);
		c->rest_until_ms = now_ms() + c->l->a.interval_ms;
		break;
	case SC_CLOSE:
		if (info->trouble != SC_TROUBLE_NONE && c->l->failed < 3)
			(void)fprintf(stderr, "load: %s\n", info->verdict.text);
		hang_up(c);
		return true;
	}
	return false;
}

static bool
take_input(struct client *c)
{
	size_t room = smtp_client_room(c->smtp), n;
	const void *p;

	if (room == 0 || (n = stream_peek(c->stream, &p)) == 0)
		return false;
	if (c->l->first_us == 0)
		c->l->first_us = now_us();
	if (n > room)
		n = room;
	smtp_client_put(c->smtp, p, n);
	stream_used(c->stream, n);
	return true;
}

static bool
next_mail(struct client *c)
{
	if (!c->is_ready || c->is_quitting || !smtp_client_may_send(c->smtp) ||
	    !wants_more(c))
		return false;
	if (now_ms() < c->rest_until_ms) {
		loop_timer_set(c->timer, c->rest_until_ms);
		return false;
	}
	begin_mail(c);
	return true;
}

static void
crank(struct client *c)
{
	struct sc_info info;
	enum sc_event ev;
	bool goes_on;

	do {
		goes_on = take_input(c);
		if (stream_error(c->stream) != NULL)
			smtp_client_eof(c->smtp, stream_error(c->stream)->text);
		else if (stream_at_eof(c->stream))
			smtp_client_eof(c->smtp, "closed");
		smtp_client_tick(c->smtp, now_ms());
		while ((ev = smtp_client_next(c->smtp, &info)) != SC_IDLE)
			if (on_event(c, ev, &info))
				return;
		goes_on = next_mail(c) || goes_on;
		goes_on = feed(c) || goes_on;
		goes_on = give_output(c) || goes_on;
	} while (goes_on);
	if (c->is_ready && !c->is_quitting && !wants_more(c) &&
	    smtp_client_is_idle(c->smtp)) {
		c->is_quitting = true;
		smtp_client_quit(c->smtp);
		IGNORE(give_output(c)); /* what stays goes with the next turn */
	}
}

static void
drive(struct client *c)
{
	if (c->stream == NULL)
		return;
	if (c->is_shaking) {
		if (stream_error(c->stream) != NULL)
			die(stream_error(c->stream)->text);
		if (!stream_tls_is_up(c->stream))
			return;
		c->is_shaking = false;
		smtp_client_tls_up(c->smtp);
	}
	crank(c);
}

static void
on_ready(void *ctx)
{
	drive(ctx);
}

/* --- connecting ----------------------------------------------------------- */

static int
connect_fd(const struct args *a)
{
	struct sockaddr_in v4 = { .sin_family = AF_INET };
	struct sockaddr_un un = { .sun_family = AF_UNIX };
	struct sockaddr *sa = (struct sockaddr *)&v4;
	socklen_t len = sizeof(v4);
	int on = 1, fd;

	if (a->path != NULL) {
		(void)snprintf(un.sun_path, sizeof(un.sun_path), "%s", a->path);
		sa = (struct sockaddr *)&un;
		len = sizeof(un);
	} else {
		v4.sin_port = htons((uint16_t)a->port);
		if (inet_pton(AF_INET, a->host, &v4.sin_addr) != 1)
			die("--host wants an IPv4 address");
	}
	fd = socket(
	    sa->sa_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		die("no more sockets");
	/* A server whose backlog is full lets nobody wait but this client. */
	if (connect(fd, sa, len) != 0 && errno != EINPROGRESS) {
		(void)close(fd);
		return -1;
	}
	if (a->path == NULL)
		(void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	return fd;
}

static void
connect_client(struct client *c)
{
	struct load *l = c->l;
	struct smtp_client_opts opts = {
		.ehlo_name = "client.example.test",
		.tls = l->a.wants_tls ? SC_TLS_STARTTLS : SC_TLS_OFF,
		.wants_auth = l->a.user != NULL,
		.is_plain_spoken = l->a.window == 0,
		.window_jobs = (size_t)l->a.window,
		.window_first = (size_t)l->a.window,
	};
	int fd;

	if (l->started >= l->a.mails)
		return; /* the others have taken the rest */
	c->connected_us = now_us();
	fd = connect_fd(&l->a);
	if (fd < 0) {
		if (now_us() - l->begun_us > l->a.wait_ms * 1000)
			die("nobody listens");
		loop_timer_set(c->timer, now_ms() + AGAIN_MS);
		return;
	}
	c->stream = stream_new(l->loop, fd, on_ready, c);
	c->smtp = smtp_client_new(&opts);
	c->carried = 0;
	c->is_ready = c->is_quitting = c->is_shaking = false;
}

/* --- arrivals ------------------------------------------------------------- */

/* The provider writes a line of JSON for each message; smtp-sink, which can
 * only dump them, one line that says this for each recipient. */
static bool
is_arrival(const struct load *l, struct bytes line)
{
	return memmem(line.p, line.n, l->a.to, strlen(l->a.to)) != NULL &&
	       (bytes_has_prefix_nocase(line, "{\"event\":\"message\"") ||
		   bytes_has_prefix_nocase(line, "X-Rcpt-Args:"));
}

static void
note_arrival(struct load *l, struct bytes line)
{
	static const char key[] = "\"at_us\":";
	const char *at = memmem(line.p, line.n, key, sizeof(key) - 1);

	if (!is_arrival(l, line) || l->arrived >= l->a.mails)
		return;
	l->arrived_us = now_us();
	if (at != NULL) {
		at += sizeof(key) - 1;
		l->arrived_us = strtoll(at, NULL, 10);
	}
	l->arrived_at_us[l->arrived++] = l->arrived_us;
}

static void
read_arrivals(struct load *l)
{
	char *to, *lf;
	ssize_t n;

	while ((to = buf_space(&l->log, 65536)) != NULL &&
	       (n = read(l->log_fd, to, 65536)) > 0) {
		buf_added(&l->log, (size_t)n);
		while ((lf = memchr(buf_str(&l->log), '\n',
			    buf_len(&l->log))) != NULL) {
			n = lf - buf_str(&l->log);
			note_arrival(l, bytes_of(buf_str(&l->log), (size_t)n));
			buf_drop(&l->log, (size_t)n + 1);
		}
	}
}

/* --- the end -------------------------------------------------------------- */

static bool
is_over(struct load *l)
{
	/* Not until the last client is gone: a server whose backlog ran over
	 * may never greet one that thinks it is connected. */
	if (!l->a.arrivals_only && l->done < l->a.mails)
		return false;
	if (l->log_fd < 0)
		return true;
	read_arrivals(l);
	return l->arrived >= (l->a.arrivals_only ? l->a.mails : l->ok);
}

static void
on_poll(void *ctx)
{
	struct load *l = ctx;

	if (is_over(l))
		loop_stop(l->loop);
	else
		loop_timer_set(l->timer, now_ms() + POLL_MS);
}

static void
on_end(void *ctx)
{
	struct load *l = ctx;

	(void)fprintf(stderr,
	    "load: gave up with %lld answered, %lld arrived\n",
	    (long long)l->done, (long long)l->arrived);
	l->has_given_up = true;
	loop_stop(l->loop);
}

static int
by_size(const void *a, const void *b)
{
	int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

	return x < y ? -1 : x > y;
}

static double
ms_at(const int64_t *sorted, int64_t n, int percent)
{
	return n == 0 ? 0 : (double)sorted[(n - 1) * percent / 100] / 1000;
}

static void
tell_times(const char *name, int64_t *v, int64_t n)
{
	qsort(v, (size_t)n, sizeof(*v), by_size);
	(void)printf(" %sp50=%.3f %sp95=%.3f %smax=%.3f", name, ms_at(v, n, 50),
	    name, ms_at(v, n, 95), name, ms_at(v, n, 100));
}

static void
report(struct load *l)
{
	double s = (double)(l->over_us - l->begun_us) / 1e6;
	double far = (double)(l->arrived_us - l->begun_us) / 1e6;

	(void)printf("mails=%lld ok=%lld failed=%lld", (long long)l->a.mails,
	    (long long)l->ok, (long long)l->failed);
	if (!l->a.arrivals_only)
		(void)printf(" seconds=%.3f rate=%.1f", s, (double)l->done / s);
	if (l->log_fd >= 0)
		(void)printf(
		    " arrived=%lld arrived_seconds=%.3f arrived_rate=%.1f",
		    (long long)l->arrived, far, (double)l->arrived / far);
	/* With one session they arrive in the order of their answers. */
	if (l->log_fd >= 0 && l->a.sessions == 1 && l->arrived == l->done) {
		for (int64_t i = 0; i < l->done; i++)
			l->arrived_at_us[i] -= l->began_us[i];
		tell_times("way_", l->arrived_at_us, l->done);
	}
	tell_times("", l->took_us, l->done);
	(void)printf(" first_ms=%.1f\n",
	    l->first_us > 0 ? (double)(l->first_us - l->begun_us) / 1000 : 0);
}

/* --- the command line ----------------------------------------------------- */

static void
read_args(struct args *a, char **argv)
{
	const struct {
		const char *name;
		const char **text;
		int64_t *number;
		bool *flag;
	} rows[] = {
		{ "--host", &a->host, NULL, NULL },
		{ "--unix", &a->path, NULL, NULL },
		{ "--ca", &a->ca, NULL, NULL },
		{ "--name", &a->name, NULL, NULL },
		{ "--user", &a->user, NULL, NULL },
		{ "--password-file", &a->password_file, NULL, NULL },
		{ "--arrivals", &a->arrivals, NULL, NULL },
		{ "--to", &a->to, NULL, NULL },
		{ "--port", NULL, &a->port, NULL },
		{ "--sessions", NULL, &a->sessions, NULL },
		{ "--mails", NULL, &a->mails, NULL },
		{ "--size", NULL, &a->size, NULL },
		{ "--each", NULL, &a->each, NULL },
		{ "--window", NULL, &a->window, NULL },
		{ "--interval-ms", NULL, &a->interval_ms, NULL },
		{ "--idle", NULL, &a->idle, NULL },
		{ "--wait-ms", NULL, &a->wait_ms, NULL },
		{ "--give-up-s", NULL, &a->give_up_s, NULL },
		{ "--begun-us", NULL, &a->begun_us, NULL },
		{ "--tls", NULL, NULL, &a->wants_tls },
		{ "--arrivals-only", NULL, NULL, &a->arrivals_only },
	};

	while (*++argv != NULL) {
		size_t i = 0, n = sizeof(rows) / sizeof(rows[0]);

		while (i < n && strcmp(*argv, rows[i].name) != 0)
			i++;
		if (i == n)
			die("unknown option");
		if (rows[i].flag != NULL)
			*rows[i].flag = true;
		else if (*++argv == NULL)
			die("the last option lacks its value");
		else if (rows[i].text != NULL)
			*rows[i].text = *argv;
		else
			*rows[i].number = strtoll(*argv, NULL, 10);
	}
}

static void
read_password(struct load *l)
{
	char *line = NULL;
	size_t room = 0;
	FILE *f = fopen(l->a.password_file, "r");

	if (f == NULL || getline(&line, &room, f) < 0)
		die("the password cannot be read");
	line[strcspn(line, "\n")] = '\0';
	l->password = secret_new(bytes_str(line));
	free(line);
	(void)fclose(f); /* only read from */
}

static void
open_arrivals(struct load *l)
{
	l->log_fd = open(l->a.arrivals, O_RDONLY | O_CLOEXEC);
	if (l->log_fd < 0)
		die("the log of the arrivals cannot be read");
	if (!l->a.arrivals_only)
		(void)lseek(l->log_fd, 0, SEEK_END);
	buf_init(&l->log, 1 << 20);
}

/* A server may have no place for them all; those wait in its backlog. */
static void
hold_idle(const struct args *a)
{
	int64_t greeted = 0;

	for (int64_t i = 0; i < a->idle; i++) {
		struct pollfd p = { .fd = connect_fd(a), .events = POLLIN };

		if (p.fd < 0)
			break;
		greeted += poll(&p, 1, PATIENCE_MS) == 1 &&
			   (p.revents & POLLERR) == 0;
	}
	(void)printf("idle=%lld\n", (long long)greeted);
	(void)fflush(stdout);
}

static void
set_up(struct load *l)
{
	struct tls_client_opts tls = { .ca_file = l->a.ca };
	size_t n = (size_t)l->a.mails + 1;
	struct rlimit files;
	struct err err;

	if (getrlimit(RLIMIT_NOFILE, &files) == 0) {
		files.rlim_cur = files.rlim_max;
		(void)setrlimit(RLIMIT_NOFILE, &files); /* may be enough */
	}
	if (loop_new(clock_sys(), &l->loop, &err) != 0 ||
	    (l->a.wants_tls && tls_ctx_new_client(&tls, &l->tls, &err) != 0))
		die(err.text);
	l->log_fd = -1;
	if (l->a.password_file != NULL)
		read_password(l);
	if (l->a.arrivals != NULL)
		open_arrivals(l);
	l->rcpt.addr = l->a.to;
	make_text(l);
	if (l->a.idle > 0)
		hold_idle(&l->a);
	l->took_us = xcalloc(n, sizeof(*l->took_us));
	l->began_us = xcalloc(n, sizeof(*l->began_us));
	l->arrived_at_us = xcalloc(n, sizeof(*l->arrived_at_us));
	l->clients = xcalloc((size_t)l->a.sessions, sizeof(*l->clients));
}

int
main(int argc, char **argv)
{
	struct load l = {
		.a = { .host = "127.0.0.1",
		    .to = "to@example.org",
		    .sessions = 10,
		    .mails = 1000,
		    .size = 2048,
		    .each = 1,
		    .give_up_s = 120 },
	};

	(void)argc;
	read_args(&l.a, argv);
	set_up(&l);
	l.timer = loop_timer_new(l.loop, on_poll, &l);
	l.end = loop_timer_new(l.loop, on_end, &l);
	l.begun_us = l.a.begun_us > 0 ? l.a.begun_us : now_us();
	for (int64_t i = 0; i < l.a.sessions && !l.a.arrivals_only; i++) {
		struct client *c = &l.clients[i];

		c->l = &l;
		list_init(&c->mails);
		c->timer = loop_timer_new(l.loop, on_timer, c);
		connect_client(c);
	}
	loop_timer_set(l.timer, now_ms() + POLL_MS);
	loop_timer_set(l.end, now_ms() + l.a.give_up_s * 1000);
	loop_run(l.loop);
	report(&l);
	/* The kernel takes the rest. */
	return l.failed == 0 && !l.has_given_up ? EXIT_SUCCESS : EXIT_FAILURE;
}
