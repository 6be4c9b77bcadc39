/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tests/lib/provider.h"

#include <fcntl.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sysexits.h>
#include <unistd.h>

#include "base/num.h"
#include "base/str.h"
#include "net/listen.h"
#include "net/loop.h"
#include "sys/clock_sys.h"
#include "tests/lib/rules.h"
#include "tls/tls_ctx.h"

static const char usage[] =
    "usage: provider --port N [--implicit-port N] --cert FILE --key FILE\n"
    "                [--user NAME --password-file FILE] [OPTION]...\n"
    "\n"
    "  --port N            listen on 127.0.0.1:N, STARTTLS; 0: any free port\n"
    "  --implicit-port N   listen on 127.0.0.1:N, TLS from the first byte\n"
    "  --host ADDRESS      listen there instead of 127.0.0.1\n"
    "  --user NAME         who may log in, and with --password-file or\n"
    "                      --token-file, the secret (its first line)\n"
    "  --client-ca FILE    want a client certificate from there\n"
    "  --priority TEXT     of GnuTLS, to play an old server\n"
    "  --mechanisms LIST   offer these, blank separated\n"
    "  --no-auth           offer and want no login\n"
    "  --no-tls            offer and want no TLS\n"
    "  --store DIR         keep NNNN.eml and NNNN.env\n"
    "  --hide LIST         pipelining,chunking,8bitmime,smtputf8,dsn,size,\n"
    "                      starttls,auth\n"
    "  --limits TEXT       offer LIMITS (RFC 9422); what follows a line feed\n"
    "                      is another line, true or not\n"
    "  --size N            the largest message\n"
    "  --rcpts N           the most recipients\n"
    "  --per-connection N  421 to the MAIL behind N messages\n"
    "  --rules FILE:NAME   check what this provider checks (rules.h)\n"
    "  --owner ADDRESS     the address of the login, if not --user\n"
    "  --one-domain        451 to a recipient of another domain than the "
    "first\n"
    "  --fail STAGE[/PATTERN]:CODE:ENHANCED:TEXT[:COUNT]\n"
    "  --drop STAGE[/PATTERN][:COUNT]\n"
    "  --hang STAGE[/PATTERN][:COUNT]\n"
    "  --say STAGE[/PATTERN]:BYTES[:COUNT]\n"
    "  --cut STAGE[/PATTERN]:BYTES[:COUNT]\n"
    "  --flood STAGE[/PATTERN]:CODE:LINES[:COUNT]\n"
    "                      greeting ehlo starttls auth mail rcpt data body "
    "end\n"
    "  --delay-ms N        before each answer to MAIL, RCPT and the end\n"
    "  --ready-fd N        write \"ready\" there when listening\n"
    "  --lifetime SECONDS  end by itself\n";

/* What the command line says, beyond what struct provider holds. */
struct args {
	const char *host, *cert, *key, *client_ca, *priority, *user;
	int64_t port, implicit_port; /* -1: not that one */
	const char *password_file, *token_file, *store, *rules, *owner;
	bool no_auth, no_tls;
	int64_t ready_fd; /* -1: none */
	int64_t lifetime_s; /* 0: until SIGTERM */
	int64_t size, rcpts; /* 0: the engine's own */
};

struct port {
	struct provider *p;
	struct listener *listener;
	bool is_implicit;
};

static _Noreturn void
die(const char *what)
{
	(void)fprintf(stderr, "provider: %s\n", what);
	exit(EX_USAGE);
}

/* --- options -------------------------------------------------------------- */

/* The faults in the order of enum fault_kind. */
enum kind {
	TEXT,
	NUMBER,
	FLAG,
	UNFLAG,
	HIDE,
	FAIL,
	DROP,
	HANG,
	SAY,
	CUT,
	FLOOD
};

/* The whole command line as a table; to is where the value goes. */
struct option_row {
	const char *name;
	enum kind kind;
	void *to; /* const char **, int64_t *, bool *; or NULL */
};

static int64_t
number(const char *text)
{
	uint64_t n;

	if (!num_u64_max(bytes_str(text), INT64_MAX, &n))
		die("a number is missing or too large");
	return (int64_t)n;
}

/* What --hide may name. */
static bool
hide(struct provider *p, struct args *a, struct bytes word)
{
	const struct option_row rows[] = {
		{ "pipelining", FLAG, &p->smtp.hide_pipelining },
		{ "chunking", UNFLAG, &p->smtp.may_chunk },
		{ "8bitmime", FLAG, &p->smtp.hide_8bitmime },
		{ "smtputf8", FLAG, &p->smtp.hide_smtputf8 },
		{ "dsn", FLAG, &p->smtp.hide_dsn },
		{ "size", FLAG, &p->smtp.hide_size },
		{ "starttls", UNFLAG, &p->login.may_starttls },
		{ "auth", FLAG, &a->no_auth },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		if (bytes_eq(word, rows[i].name)) {
			*(bool *)rows[i].to = rows[i].kind == FLAG;
			return true;
		}
	return false;
}

static bool
hide_all(struct provider *p, struct args *a, const char *list)
{
	while (*list != '\0') {
		size_t n = strcspn(list, ",");

		if (!hide(p, a, bytes_of(list, n)))
			return false;
		list += n + (list[n] == ',');
	}
	return true;
}

static void
set(struct provider *p, struct args *a, const struct option_row *row,
    const char *value)
{
	bool is_good = true;

	switch (row->kind) {
	case TEXT:
		*(const char **)row->to = value;
		break;
	case NUMBER:
		*(int64_t *)row->to = number(value);
		break;
	case FLAG:
	case UNFLAG:
		*(bool *)row->to = row->kind == FLAG;
		break;
	case HIDE:
		is_good = hide_all(p, a, value);
		break;
	case FAIL:
	case DROP:
	case HANG:
	case SAY:
	case CUT:
	case FLOOD:
		is_good = fault_add(
		    &p->faults, (enum fault_kind)(row->kind - FAIL), value);
		break;
	}
	if (!is_good)
		die("--hide or one of the faults: not understood");
}

static void
read_args(struct provider *p, struct args *a, char **argv)
{
	const struct option_row rows[] = {
		{ "--port", NUMBER, &a->port },
		{ "--implicit-port", NUMBER, &a->implicit_port },
		{ "--host", TEXT, &a->host },
		{ "--cert", TEXT, &a->cert },
		{ "--key", TEXT, &a->key },
		{ "--client-ca", TEXT, &a->client_ca },
		{ "--priority", TEXT, &a->priority },
		{ "--user", TEXT, &a->user },
		{ "--password-file", TEXT, &a->password_file },
		{ "--token-file", TEXT, &a->token_file },
		{ "--mechanisms", TEXT, &p->login.mechanisms },
		{ "--scram-iterations", TEXT, &p->scram_iterations },
		{ "--no-auth", FLAG, &a->no_auth },
		{ "--no-tls", FLAG, &a->no_tls },
		{ "--store", TEXT, &a->store },
		{ "--rules", TEXT, &a->rules },
		{ "--owner", TEXT, &a->owner },
		{ "--limits", TEXT, &p->smtp.limits },
		{ "--size", NUMBER, &a->size },
		{ "--rcpts", NUMBER, &a->rcpts },
		{ "--per-connection", NUMBER, &p->per_connection },
		{ "--one-domain", FLAG, &p->one_domain },
		{ "--delay-ms", NUMBER, &p->delay_ms },
		{ "--ready-fd", NUMBER, &a->ready_fd },
		{ "--lifetime", NUMBER, &a->lifetime_s },
		{ "--hide", HIDE, NULL },
		{ "--fail", FAIL, NULL },
		{ "--drop", DROP, NULL },
		{ "--hang", HANG, NULL },
		{ "--say", SAY, NULL },
		{ "--cut", CUT, NULL },
		{ "--flood", FLOOD, NULL },
	};

	while (*++argv != NULL) {
		const struct option_row *row = NULL;

		for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
			if (strcmp(*argv, rows[i].name) == 0)
				row = &rows[i];
		if (row == NULL)
			die(usage);
		if (row->kind == FLAG || row->kind == UNFLAG)
			set(p, a, row, NULL);
		else if (argv[1] == NULL)
			die("the last option lacks its value");
		else
			set(p, a, row, *++argv);
	}
}

/* The first line of a file; lives as long as the program. */
static char *
first_line(const char *path)
{
	char *line = NULL;
	size_t room = 0;
	ssize_t n;
	FILE *f = fopen(path, "r");

	if (f == NULL || (n = getline(&line, &room, f)) < 0) {
		perror(path);
		exit(EX_NOINPUT);
	}
	if (n > 0 && line[n - 1] == '\n')
		line[n - 1] = '\0';
	(void)fclose(f);
	return line;
}

/* "FILE:NAME" */
static void
load_rules(struct provider *p, struct args *a)
{
	const char *colon = a->rules != NULL ? strrchr(a->rules, ':') : NULL;
	const char *owner = a->owner != NULL ? a->owner : a->user;
	char file[4096];

	if (a->rules == NULL)
		return;
	if (colon == NULL || owner == NULL ||
	    !str_copy(file, sizeof(file),
		bytes_of(a->rules, (size_t)(colon - a->rules))))
		die("--rules FILE:NAME needs --owner or --user");
	p->rules = rules_load(file, colon + 1, owner);
	if (rules_hidden(p->rules) != NULL &&
	    !hide_all(p, a, rules_hidden(p->rules)))
		die("the rules hide what there is not");
}

/* Fills in what follows from several options together. */
static void
settle(struct provider *p, const struct args *a)
{
	p->smtp.max_size_bytes = (uint64_t)a->size;
	p->smtp.max_rcpts = (size_t)a->rcpts;
	p->user.name = a->user;
	if (a->password_file != NULL)
		p->user.password = first_line(a->password_file);
	if (a->token_file != NULL)
		p->user.token = first_line(a->token_file);
	if (a->no_auth || a->user == NULL)
		p->login.mechanisms = NULL;
	/* --hide auth: none offered, but mail is not taken without one. */
	p->login.must_auth = a->user != NULL;
	if (a->no_tls) {
		p->login.may_starttls = p->login.must_starttls = false;
		if (a->port < 0)
			die("--no-tls needs --port");
	} else if (a->cert == NULL || a->key == NULL) {
		die("--cert and --key are needed");
	}
	if (a->store == NULL)
		return;
	p->store_dirfd = open(a->store, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (p->store_dirfd < 0) {
		perror(a->store);
		exit(EX_CANTCREAT);
	}
}

/* --- life ----------------------------------------------------------------- */

static void
on_accepted(void *ctx, int fd)
{
	struct port *port = ctx;

	provider_session_start(port->p, fd, port->is_implicit);
}

static int
port_of(int fd)
{
	struct sockaddr_storage ss;
	socklen_t len = sizeof(ss);

	if (getsockname(fd, (struct sockaddr *)&ss, &len) != 0)
		return 0;
	return ntohs(ss.ss_family == AF_INET6
			 ? ((struct sockaddr_in6 *)&ss)->sin6_port
			 : ((struct sockaddr_in *)&ss)->sin_port);
}

static void
open_port(struct port *port, const char *host, int number, struct err *err)
{
	int fd = listen_tcp(host, number, err);

	if (fd < 0 || listener_new(port->p->loop, fd, on_accepted, port,
			  &port->listener, err) != 0) {
		(void)fprintf(stderr, "provider: %s\n", err->text);
		exit(EX_UNAVAILABLE);
	}
	(void)printf("{\"event\":\"ready\",\"port\":%d,\"implicit\":%s}\n",
	    port_of(fd), port->is_implicit ? "true" : "false");
}

static void
on_signal(void *ctx, int sig)
{
	(void)sig;
	loop_stop(ctx);
}

static void
on_lifetime(void *ctx)
{
	loop_stop(ctx);
}

static void
say_ready(int fd)
{
	if (fd < 0)
		return;
	if (write(fd, "ready\n", 6) != 6)
		perror("provider: --ready-fd");
	(void)close(fd);
}

static int
run(struct provider *p, const struct args *a)
{
	struct port ports[] = { { p, NULL, false }, { p, NULL, true } };
	struct tls_server_opts tls = {
		.cert_file = a->cert,
		.key_file = a->key,
		.client_ca_file = a->client_ca,
		.priority = a->priority,
	};
	struct loop_timer *end;
	struct err err;

	if (loop_new(clock_sys(), &p->loop, &err) != 0 ||
	    (a->cert != NULL && tls_ctx_new_server(&tls, &p->tls, &err) != 0) ||
	    loop_on_signal(p->loop, SIGTERM, on_signal, p->loop, &err) != 0 ||
	    loop_on_signal(p->loop, SIGINT, on_signal, p->loop, &err) != 0) {
		(void)fprintf(stderr, "provider: %s\n", err.text);
		return EX_OSERR;
	}
	if (a->port >= 0)
		open_port(&ports[0], a->host, (int)a->port, &err);
	if (a->implicit_port >= 0)
		open_port(&ports[1], a->host, (int)a->implicit_port, &err);
	say_ready((int)a->ready_fd);
	end = loop_timer_new(p->loop, on_lifetime, p->loop);
	if (a->lifetime_s > 0)
		loop_timer_set(
		    end, clock_boot_ms(clock_sys()) + a->lifetime_s * 1000);

	loop_run(p->loop);

	loop_timer_free(end);
	listener_free(ports[0].listener);
	listener_free(ports[1].listener);
	provider_stop_sessions(p);
	loop_free(p->loop);
	tls_ctx_free(p->tls);
	return EX_OK;
}

int
main(int argc, char **argv)
{
	struct provider p = {
		.smtp = {
			.hostname = "provider.example.test",
			.may_chunk = true,
		},
		.login = {
			.may_starttls = true,
			.must_starttls = true,
			.mechanisms =
			    "PLAIN LOGIN SCRAM-SHA-256 SCRAM-SHA-256-PLUS",
		},
		.store_dirfd = -1,
		.out = stdout,
	};
	struct args a = { .host = "127.0.0.1",
		.port = -1,
		.implicit_port = -1,
		.ready_fd = -1 };
	int status;

	(void)argc;
	(void)setvbuf(stdout, NULL, _IOLBF, 0);
	(void)signal(SIGPIPE, SIG_IGN);
	list_init(&p.sessions);
	read_args(&p, &a, argv);
	load_rules(&p, &a);
	settle(&p, &a);
	status = run(&p, &a);
	if (p.store_dirfd >= 0)
		(void)close(p.store_dirfd);
	rules_free(p.rules);
	/* The secrets were read with getline(). */
	free((void *)(uintptr_t)p.user.password);
	free((void *)(uintptr_t)p.user.token);
	return status;
}
