/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The two protocols of the service manager, sd_listen_fds(3) and sd_notify(3),
 * spoken without its library: two environment variables and one datagram. */
#include <fcntl.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/num.h"
#include "net/listen.h"

enum { FIRST_FD = 3, FDS_MAX = 64 };

static bool
env_number(const char *name, uint64_t *ret)
{
	const char *v = getenv(name);

	return v != NULL && num_u64(bytes_str(v), ret);
}

static int
check_inherited(int fd, struct err *err)
{
	int is_listening = 0, type = 0;
	socklen_t len = sizeof(type);

	if (fcntl(fd, F_SETFD, FD_CLOEXEC) != 0)
		return err_sys(err, "descriptor %d of the service manager", fd);
	if (getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &len) == 0 &&
	    type == SOCK_STREAM &&
	    getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &is_listening, &len) ==
		0 &&
	    is_listening != 0)
		return 0;
	return err_set(err, ERR_CONFIG,
	    "descriptor %d of the service manager is not a listening stream "
	    "socket: the socket unit needs ListenStream= and Accept=no",
	    fd);
}

int
listen_inherited(struct err *err)
{
	uint64_t pid, n;

	/* Meant for another process of the same family. */
	if (!env_number("LISTEN_PID", &pid) || pid != (uint64_t)getpid() ||
	    !env_number("LISTEN_FDS", &n) || n == 0)
		return 0;
	if (n > FDS_MAX)
		return err_set(err, ERR_CONFIG,
		    "the service manager passes more than %d sockets", FDS_MAX);
	for (int fd = FIRST_FD; fd < FIRST_FD + (int)n; fd++)
		if (check_inherited(fd, err) != 0)
			return -1;
	return (int)n;
}

void
listen_notify(const char *state)
{
	const char *path = getenv("NOTIFY_SOCKET");
	struct sockaddr_un sun = { .sun_family = AF_UNIX };
	size_t n;
	int fd;

	if (path == NULL || (path[0] != '/' && path[0] != '@') ||
	    (n = strlen(path)) >= sizeof(sun.sun_path))
		return;
	memcpy(sun.sun_path, path, n);
	if (path[0] == '@')
		sun.sun_path[0] = '\0'; /* the abstract name space */
	fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return;
	/* Best effort: without an answer the manager times out and says so. */
	IGNORE(
	    sendto(fd, state, strlen(state), MSG_NOSIGNAL,
		(struct sockaddr *)&sun,
		(socklen_t)(offsetof(struct sockaddr_un, sun_path) + n)) < 0);
	(void)close(fd); /* a datagram is gone or not by now */
}

int64_t
listen_watchdog_ms(void)
{
	uint64_t us, pid;

	if (!env_number("WATCHDOG_USEC", &us) || us > INT64_MAX ||
	    (env_number("WATCHDOG_PID", &pid) && pid != (uint64_t)getpid()))
		return 0;
	return us == 0 ? 0 : us < 2000 ? 1 : (int64_t)(us / 2000);
}
