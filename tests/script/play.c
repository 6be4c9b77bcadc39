/* SPDX-License-Identifier: GPL-3.0-or-later */
/* play - plays SMTP dialogues (tests/script/README) against the engine in
 * memory or against a daemon. */
#include <errno.h>
#include <netdb.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/num.h"
#include "base/str.h"
#include "tests/lib/ss_driver.h"

enum { WAIT_MS = 20000, TEXT_MAX = 1 << 20 };

/* The other side: in memory or behind a socket. */
struct side {
	size_t chunk; /* 0: a socket */
	int fd;
	struct ss_driver driver;
	struct buf in; /* what it said and the script has not looked at */
	bool is_closed;
};

struct play {
	const char *file;
	unsigned line;
	struct side *side;
	struct buf pending; /* what the client says, not sent yet */
	struct buf message; /* what M\: lines want */
	bool is_failed;
};

/* --- options ----------------------------------------------------------------
 */

static bool
option(struct smtp_server_opts *opts, struct ss_login_opts *login,
    struct bytes word)
{
	uint64_t n;

	if (bytes_has_prefix_nocase(word, "size="))
		return num_u64(
		    bytes_of(word.p + 5, word.n - 5), &opts->max_size_bytes);
	if (bytes_has_prefix_nocase(word, "rcpts=") &&
	    num_u64(bytes_of(word.p + 6, word.n - 6), &n))
		opts->max_rcpts = (size_t)n;
	else if (bytes_eq(word, "chunking"))
		opts->may_chunk = true;
	else if (bytes_eq(word, "starttls"))
		login->may_starttls = true;
	else if (bytes_eq(word, "auth"))
		login->mechanisms = "PLAIN";
	else
		return false;
	return true;
}

/* The O: lines of a script.  *ret_has: there is one. */
static bool
options(struct bytes script, struct smtp_server_opts *opts,
    struct ss_login_opts *login, bool *ret_has)
{
	const char *p = script.p, *end = p + script.n, *lf, *blank;

	*ret_has = false;
	for (; p < end; p = lf + 1) {
		lf = memchr(p, '\n', (size_t)(end - p));
		if (lf == NULL)
			lf = end;
		if (lf - p < 2 || memcmp(p, "O:", 2) != 0)
			continue;
		*ret_has = true;
		for (p += 2; p < lf; p = blank + 1) {
			blank = memchr(p, ' ', (size_t)(lf - p));
			if (blank == NULL)
				blank = lf;
			if (blank > p && !option(opts, login,
					     bytes_of(p, (size_t)(blank - p))))
				return false;
		}
	}
	return true;
}

/* --- the two sides ----------------------------------------------------------
 */

static void
side_collect(struct side *s)
{
	IGNORE(buf_add(&s->in, buf_str(&s->driver.out),
	    buf_len(&s->driver.out))); /* TEXT_MAX is plenty for a script */
	buf_reset(&s->driver.out);
	s->is_closed = s->driver.is_closed;
}

static bool
side_send(struct side *s, struct bytes b)
{
	if (s->chunk > 0) {
		(void)ss_driver_feed(&s->driver, b.p, b.n, s->chunk);
		side_collect(s);
		return !s->driver.is_broken;
	}
	while (b.n > 0) {
		ssize_t n = send(s->fd, b.p, b.n, MSG_NOSIGNAL);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0) /* closed on us: what it said is still there */
			return errno == EPIPE || errno == ECONNRESET;
		b = bytes_of(b.p + n, b.n - (size_t)n);
	}
	return true;
}

/* Waits for more; false: none will come. */
static bool
side_more(struct side *s)
{
	struct pollfd p = { .fd = s->fd, .events = POLLIN };
	char in[4096];
	ssize_t n;

	if (s->chunk > 0 || s->is_closed)
		return false;
	if (poll(&p, 1, WAIT_MS) <= 0)
		return false;
	n = recv(s->fd, in, sizeof(in), 0);
	s->is_closed = n == 0 || (n < 0 && errno == ECONNRESET);
	return n > 0 && buf_add(&s->in, in, (size_t)n);
}

/* --- the script -------------------------------------------------------------
 */

static void __attribute__((format(printf, 2, 3)))
fail(struct play *p, const char *fmt, ...)
{
	va_list ap;

	fprintf(stderr, "%s:%u: ", p->file, p->line);
	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	if (p->side->chunk > 0)
		fprintf(stderr, " (%zu bytes at a time)", p->side->chunk);
	fputc('\n', stderr);
	p->is_failed = true;
}

static int
hex(char c)
{
	const char *digits = "0123456789abcdef0123456789ABCDEF", *at;

	at = c != '\0' ? strchr(digits, c) : NULL;
	return at != NULL ? (int)((at - digits) % 16) : -1;
}

static bool
unescape(const char *p, struct buf *to)
{
	static const char names[] = "rnt0\\", values[] = "\r\n\t\0\\";
	const char *name;

	for (; *p != '\0'; p++) {
		char c = *p;

		if (c == '\\') {
			c = *++p;
			name = c != '\0' ? strchr(names, c) : NULL;
			if (name != NULL)
				c = values[name - names];
			else if (c == 'x' && hex(p[1]) >= 0 && hex(p[2]) >= 0) {
				c = (char)(hex(p[1]) * 16 + hex(p[2]));
				p += 2;
			} else
				return false;
		}
		if (!buf_addc(to, c))
			return false;
	}
	return true;
}

/* The next line that the server says, without its CR LF. */
static bool
next_line(struct play *p, char *line, size_t size)
{
	struct buf *in = &p->side->in;
	const char *lf;
	size_t n;

	while ((lf = memchr(buf_str(in), '\n', buf_len(in))) == NULL)
		if (!side_more(p->side)) {
			fail(p, "no answer, %s",
			    p->side->is_closed ? "and it closed" : "");
			return false;
		}
	n = (size_t)(lf - buf_str(in));
	if (n == 0 || lf[-1] != '\r' ||
	    !str_copy(line, size, bytes_of(buf_str(in), n - 1))) {
		fail(p, "a line that does not end in CR LF");
		return false;
	}
	buf_drop(in, n + 1);
	return true;
}

static void
flush(struct play *p)
{
	if (!side_send(p->side, buf_bytes(&p->pending)))
		fail(p, "cannot send, or a promise was broken");
	buf_reset(&p->pending);
}

static void
expect_line(struct play *p, const char *pattern)
{
	char line[1024];

	if (next_line(p, line, sizeof(line)) && !str_match(pattern, line))
		fail(p, "wanted: %s\n\tgot:    %s", pattern, line);
}

static void
expect_reply(struct play *p, const char *pattern)
{
	char line[1024];

	do
		if (!next_line(p, line, sizeof(line)))
			return;
	while (strlen(line) > 3 && line[3] == '-');
	if (!str_match(pattern, line))
		fail(p, "wanted: %s\n\tgot:    %s", pattern, line);
}

static void
expect_close(struct play *p)
{
	while (side_more(p->side))
		;
	if (buf_len(&p->side->in) > 0)
		fail(p, "wanted nothing more, got: %s", buf_str(&p->side->in));
	else if (!p->side->is_closed)
		fail(p, "it does not close");
}

static void
run_line(struct play *p, const char *line)
{
	static const struct {
		const char *head;
		void (*expect)(struct play *p, const char *pattern);
	} expectations[] = { { "S: ", expect_line }, { "R: ", expect_reply } };

	if (strncmp(line, "C: ", 3) == 0 || strcmp(line, "C:") == 0) {
		if (!buf_addf(&p->pending, "%s\r\n", line[2] ? line + 3 : ""))
			fail(p, "too much");
		return;
	}
	if (strncmp(line, "C\\: ", 4) == 0) {
		if (!unescape(line + 4, &p->pending))
			fail(p, "bad escape");
		return;
	}
	if (strncmp(line, "M\\:", 3) == 0) {
		if (!unescape(line[3] != '\0' ? line + 4 : "", &p->message))
			fail(p, "bad escape");
		return;
	}
	if (*line == '\0' || *line == '#' || strncmp(line, "O:", 2) == 0)
		return;
	flush(p);
	for (size_t i = 0; i < 2; i++)
		if (strncmp(line, expectations[i].head, 3) == 0) {
			expectations[i].expect(p, line + 3);
			return;
		}
	if (strcmp(line, "X:") == 0)
		expect_close(p);
	else
		fail(p, "what is this: %s", line);
}

static void
check_message(struct play *p)
{
	const struct buf *have = &p->side->driver.message;
	struct buf shown;

	if (p->side->chunk == 0 || buf_len(&p->message) == 0)
		return;
	if (buf_len(have) == buf_len(&p->message) &&
	    memcmp(buf_str(have), buf_str(&p->message), buf_len(have)) == 0)
		return;
	buf_init(&shown, TEXT_MAX);
	IGNORE(str_escape(&shown, buf_bytes(have), 1000)); /* only for show */
	fail(p, "the message is: %s", buf_str(&shown));
	buf_clear(&shown);
}

/* Plays what is between here and the end; true: as it should be. */
static bool
play_script(const char *file, struct bytes script, struct side *side)
{
	struct play p = { .file = file, .side = side };
	const char *at = script.p, *end = at + script.n, *lf;
	char line[4096];

	buf_init(&p.pending, TEXT_MAX);
	buf_init(&p.message, TEXT_MAX);
	for (; at < end && !p.is_failed; at = lf + 1) {
		lf = memchr(at, '\n', (size_t)(end - at));
		if (lf == NULL)
			lf = end;
		p.line++;
		if (str_copy(
			line, sizeof(line), bytes_of(at, (size_t)(lf - at))))
			run_line(&p, line);
		else
			fail(&p, "line too long");
	}
	flush(&p);
	if (!p.is_failed)
		check_message(&p);
	buf_clear(&p.pending);
	buf_clear(&p.message);
	return !p.is_failed;
}

static bool
play_in_memory(const char *file, struct bytes script)
{
	static const size_t chunks[] = { 1, 2, 7, TEXT_MAX };
	struct smtp_server_opts opts = { .hostname = "relay.example" };
	struct ss_login_opts login = { .may_starttls = false };
	bool has_options, is_good = true;

	if (!options(script, &opts, &login, &has_options)) {
		fprintf(stderr, "%s: unknown option\n", file);
		return false;
	}
	for (size_t i = 0; i < sizeof(chunks) / sizeof(chunks[0]); i++) {
		struct side side = { .chunk = chunks[i] };

		if (login.may_starttls || login.mechanisms != NULL)
			ss_driver_init_login(&side.driver, &opts, &login);
		else
			ss_driver_init(&side.driver, &opts);
		if (login.mechanisms != NULL && !login.may_starttls)
			ss_login_tls_up(&side.driver.login);
		buf_init(&side.in, TEXT_MAX);
		is_good &= play_script(file, script, &side);
		buf_clear(&side.in);
		ss_driver_clear(&side.driver);
	}
	return is_good;
}

/* --- a daemon ----------------------------------------------------------------
 */

static int
connect_unix(const char *path)
{
	struct sockaddr_un sun = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);

	if (!str_copy(sun.sun_path, sizeof(sun.sun_path), bytes_str(path)) ||
	    connect(fd, (struct sockaddr *)&sun, sizeof(sun)) != 0) {
		perror(path);
		exit(1);
	}
	return fd;
}

static int
connect_tcp(const char *host_port)
{
	struct addrinfo hints = { .ai_socktype = SOCK_STREAM }, *list = NULL;
	const char *colon = strrchr(host_port, ':');
	char host[256];
	int fd = -1;

	if (colon == NULL ||
	    !str_copy(host, sizeof(host),
		bytes_of(host_port, (size_t)(colon - host_port))) ||
	    getaddrinfo(host, colon + 1, &hints, &list) != 0) {
		fprintf(stderr, "%s: no such address\n", host_port);
		exit(2);
	}
	for (struct addrinfo *a = list; a != NULL && fd < 0; a = a->ai_next) {
		fd = socket(a->ai_family, a->ai_socktype, a->ai_protocol);
		if (connect(fd, a->ai_addr, a->ai_addrlen) != 0) {
			close(fd);
			fd = -1;
		}
	}
	freeaddrinfo(list);
	if (fd < 0) {
		perror(host_port);
		exit(1);
	}
	return fd;
}

static bool
play_against(const char *file, struct bytes script, int fd)
{
	struct side side = { .fd = fd };
	bool is_good;

	buf_init(&side.in, TEXT_MAX);
	is_good = play_script(file, script, &side);
	buf_clear(&side.in);
	close(fd);
	return is_good;
}

/* --- main --------------------------------------------------------------------
 */

static bool
read_file(const char *name, struct buf *to)
{
	FILE *f = fopen(name, "r");
	char in[4096];
	size_t n;

	if (f == NULL) {
		perror(name);
		return false;
	}
	while ((n = fread(in, 1, sizeof(in), f)) > 0)
		if (!buf_add(to, in, n))
			break;
	fclose(f);
	return n == 0;
}

static bool
play_file(const char *name, const char *how, const char *where)
{
	struct smtp_server_opts unused = { .hostname = "" };
	struct ss_login_opts too;
	struct buf script;
	bool is_good, has_options;

	buf_init(&script, TEXT_MAX);
	is_good = read_file(name, &script);
	if (!is_good)
		;
	else if (how == NULL)
		is_good = play_in_memory(name, buf_bytes(&script));
	else if (options(buf_bytes(&script), &unused, &too, &has_options) &&
		 has_options) {
		printf("skip %s\n", name);
		buf_clear(&script);
		return true;
	} else
		is_good = play_against(name, buf_bytes(&script),
		    strcmp(how, "--unix") == 0 ? connect_unix(where)
					       : connect_tcp(where));
	printf("%s %s\n", is_good ? "ok  " : "FAIL", name);
	buf_clear(&script);
	return is_good;
}

int
main(int argc, char **argv)
{
	const char *how = NULL, *where = NULL;
	int bad = 0, at = 1;

	if (argc > 2 && (strcmp(argv[1], "--connect") == 0 ||
			    strcmp(argv[1], "--unix") == 0)) {
		how = argv[1];
		where = argv[2];
		at = 3;
	}
	if (at >= argc || argv[at][0] == '-') {
		fprintf(stderr, "usage: play [--connect HOST:PORT | --unix "
				"PATH] FILE...\n");
		return 2;
	}
	for (; at < argc; at++)
		bad += !play_file(argv[at], how, where);
	return bad > 0;
}
