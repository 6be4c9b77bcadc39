/* SPDX-License-Identifier: GPL-3.0-or-later */
/* relais-web - shows in a browser what happens to mail; relais-web(8). */
#include "config.h"

#include <errno.h>
#include <getopt.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "base/intl.h"
#include "base/num.h"
#include "net/listen.h"
#include "relais-web/asker.h"
#include "relais-web/server.h"
#include "sys/language.h"
#include "sys/own_daemon.h"
#include "sys/said.h"

enum {
	EX_OK = 0,
	EX_FAILED = 1,
	EX_WRONG_USAGE = 64,
	FIRST_FD = 3, /* of the service manager */
	FDS_MAX = 8,
	PORT = 8587,
	IDLE_S = 600, /* then the service manager starts it again when needed */
	LAST_S = 5 /* for those who came just before */
};

struct sockets {
	int fds[FDS_MAX];
	size_t n;
	bool are_inherited;
};

static int
complain(int status, const char *text)
{
	char *own = said(text);

	(void)fprintf(stderr, "relais-web: %s\n", own);
	free(own);
	return status;
}

static int
print_help(void)
{
	return printf(_("usage: relais-web [--port NUMBER] [--control "
			"SOCKET]\n\n"
			"Shows the state of relais at http://localhost:%d to "
			"the users of this machine:\neverybody sees their "
			"own mail, root all.  relais-web(8) has more.\n"),
		   PORT) < 0
		   ? EX_FAILED
		   : EX_OK;
}

/* --- sockets -------------------------------------------------------------- */

/* Nobody else may reach it: what is shown depends on who asks, and of another
 * machine nobody knows. */
static bool
is_on_loopback(int fd)
{
	struct sockaddr_storage ss = { 0 };
	struct sockaddr_in v4;
	struct sockaddr_in6 v6;
	socklen_t len = sizeof(ss);

	if (getsockname(fd, (struct sockaddr *)&ss, &len) != 0)
		return false;
	if (ss.ss_family == AF_INET) {
		memcpy(&v4, &ss, sizeof(v4));
		return ntohl(v4.sin_addr.s_addr) >> 24 == IN_LOOPBACKNET;
	}
	memcpy(&v6, &ss, sizeof(v6));
	return ss.ss_family == AF_INET6 && IN6_IS_ADDR_LOOPBACK(&v6.sin6_addr);
}

static int
inherit(struct sockets *s, struct err *err)
{
	int n = listen_inherited(err);

	if (n < 0)
		return -1;
	if (n > FDS_MAX)
		return err_set(err, ERR_CONFIG,
		    "the service manager passes more than %d sockets", FDS_MAX);
	for (int i = 0; i < n; i++) {
		if (!is_on_loopback(FIRST_FD + i))
			return err_set(err, ERR_CONFIG,
			    "the socket unit listens beyond this machine: "
			    "use ListenStream=127.0.0.1:%d",
			    PORT);
		s->fds[s->n++] = FIRST_FD + i;
	}
	s->are_inherited = n > 0;
	return 0;
}

/* A machine has IPv4, IPv6 or both. */
static int
bind_port(struct sockets *s, int port, struct err *err)
{
	static const char *const hosts[] = { "127.0.0.1", "::1" };

	for (size_t i = 0; i < sizeof(hosts) / sizeof(hosts[0]); i++) {
		int fd = listen_tcp(hosts[i], port, err);

		if (fd >= 0)
			s->fds[s->n++] = fd;
		else if (err->class == ERR_BUSY)
			return err_set(err, ERR_BUSY,
			    "port %d is in use by another program: choose "
			    "another with --port; to see its name, type: ss "
			    "-ltnp 'sport = :%d'",
			    port, port);
		else if (err->os != EADDRNOTAVAIL && err->os != EAFNOSUPPORT)
			return -1;
	}
	return s->n > 0 ? 0 : -1;
}

/* --- until it ends -------------------------------------------------------- */

static bool
has_idled(struct server *s, const struct sockets *sockets, int *idle_s)
{
	if (!sockets->are_inherited)
		return false;
	if (*idle_s >= IDLE_S) /* nobody is let in any more */
		return server_connections(s) == 0 ||
		       ++*idle_s > IDLE_S + LAST_S;
	*idle_s = server_connections(s) == 0 ? *idle_s + 1 : 0;
	if (*idle_s < IDLE_S)
		return false;
	/* New clients wait in the socket that systemd holds. */
	server_quiesce(s);
	return server_connections(s) == 0;
}

static void
serve_until(
    struct server *s, const struct sockets *sockets, const sigset_t *ends)
{
	static const struct timespec second = { .tv_sec = 1 };
	int idle_s = 0;

	listen_notify("READY=1");
	while (sigtimedwait(ends, NULL, &second) < 0)
		if (has_idled(s, sockets, &idle_s))
			break;
	listen_notify("STOPPING=1");
}

static int
start_server(const char *control, int port)
{
	struct sockets sockets = { .n = 0 };
	struct err err = { 0 };
	struct server *s = NULL;
	struct asker asker;
	sigset_t ends;

	/* Before there are threads, so that they do not get them either. */
	(void)signal(SIGPIPE, SIG_IGN); /* cannot fail for this signal */
	(void)sigemptyset(&ends);
	(void)sigaddset(&ends, SIGTERM);
	(void)sigaddset(&ends, SIGINT);
	(void)pthread_sigmask(SIG_BLOCK, &ends, NULL); /* valid arguments */

	asker_init(&asker, control);
	if (inherit(&sockets, &err) != 0 ||
	    (sockets.n == 0 && bind_port(&sockets, port, &err) != 0))
		return complain(EX_FAILED, err.text);
	language_offer();
	if (server_new(sockets.fds, sockets.n, &asker, &s, &err) != 0)
		return complain(EX_FAILED, err.text);
	serve_until(s, &sockets, &ends);
	server_free(s);
	return EX_OK;
}

int
main(int argc, char **argv)
{
	static const struct option options[] = {
		{ "port", required_argument, NULL, 'p' },
		{ "control", required_argument, NULL, 'c' },
		{ "help", no_argument, NULL, 'h' },
		{ "version", no_argument, NULL, 'v' },
		{ NULL, 0, NULL, 0 },
	};
	const char *given = NULL;
	uint64_t port = PORT;
	char *control;
	int c, status;

	language_choose();
	language_convert_errors();
	while ((c = getopt_long(argc, argv, "h", options, NULL)) != -1)
		switch (c) {
		case 'p':
			if (num_u64_max(bytes_str(optarg), 65535, &port) &&
			    port > 0)
				break;
			return complain(EX_WRONG_USAGE,
			    N_("--port: expected a number from 1 to 65535"));
		case 'c':
			given = optarg;
			break;
		case 'h':
			language_convert_output();
			return print_help();
		case 'v':
			return printf("relais-web %s\n", PACKAGE_VERSION) < 0;
		default:
			return EX_WRONG_USAGE; /* getopt has said why */
		}
	if (optind < argc)
		return complain(EX_WRONG_USAGE,
		    N_("takes no arguments; for the options, type: relais-web "
		       "--help"));
	control = own_daemon_control(given);
	status = start_server(control, (int)port);
	free(control);
	return status;
}
