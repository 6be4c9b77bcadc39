/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "sys/own_daemon.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/str.h"
#include "base/xalloc.h"

char *
own_daemon_socket(const char *name)
{
	bool is_safe = geteuid() == getuid() && getegid() == getgid();
	const char *runtime = is_safe ? secure_getenv("XDG_RUNTIME_DIR") : NULL;

	return runtime != NULL && *runtime != '\0'
		   ? xasprintf("%s/relais/%s", runtime, name)
		   : xasprintf("/run/user/%lu/relais/%s",
			 (unsigned long)geteuid(), name);
}

bool
own_daemon_is_mine(int fd)
{
	struct ucred peer;
	socklen_t n = sizeof(peer);

	return getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &n) == 0 &&
	       peer.uid == geteuid();
}

bool
own_daemon_is_meant(void)
{
	struct sockaddr_un sa = { .sun_family = AF_UNIX };
	char *path = own_daemon_socket("smtp.sock");
	bool fits = str_copy(sa.sun_path, sizeof(sa.sun_path), bytes_str(path));
	bool is_meant = false;
	int fd;

	free(path);
	if (!fits)
		return false;
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return false;
	if (connect(fd, (const struct sockaddr *)&sa, sizeof(sa)) == 0)
		is_meant = own_daemon_is_mine(fd);
	else
		is_meant = errno == EAGAIN; /* its backlog is full */
	(void)close(fd);
	return is_meant;
}

char *
own_daemon_control(const char *given)
{
	const char *env = secure_getenv("RELAIS_CONTROL");

	if (given != NULL)
		return xstrdup(given);
	if (env != NULL && *env != '\0')
		return xstrdup(env);
	if (own_daemon_is_meant())
		return own_daemon_socket("control.sock");
	return xstrdup(RELAIS_RUN_DIR "/control.sock");
}
