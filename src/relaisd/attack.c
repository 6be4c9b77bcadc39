/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config.h"

#include "relaisd/attack.h"

#ifdef WITH_ATTACK

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/num.h"
#include "base/str.h"
#include "relaisd/line.h"

/* The errno of what returned -1. */
static int
of(long rc)
{
	return rc < 0 ? errno : 0;
}

static int
start_program(const char *target)
{
	char *argv[] = { (char *)(uintptr_t) "true", NULL };

	(void)target;
	return of(execv("/bin/true", argv));
}

static int
start_process(const char *target)
{
	pid_t pid = fork();

	(void)target;
	if (pid == 0)
		_exit(0);
	return of(pid);
}

static void *
no_thread(void *ctx)
{
	return ctx;
}

static int
start_thread(const char *target)
{
	pthread_t t;

	(void)target;
	return pthread_create(&t, NULL, no_thread, NULL);
}

static int
trace_keeper(const char *target)
{
	(void)target;
	return of(ptrace(PTRACE_ATTACH, getppid(), NULL, NULL));
}

static int
kill_keeper(const char *target)
{
	(void)target;
	return of(kill(getppid(), SIGKILL));
}

static int
limit_keeper(const char *target)
{
	const struct rlimit none = { 0, 0 };

	(void)target;
	return of(prlimit(getppid(), RLIMIT_NOFILE, &none, NULL));
}

static int
read_file(const char *target)
{
	return of(open(target, O_RDONLY));
}

static int
write_file(const char *target)
{
	return of(open(target, O_WRONLY | O_CREAT, 0600));
}

static int
make_setuid_file(const char *target)
{
	return of(open(target, O_WRONLY | O_CREAT, 04755));
}

static int
open_to_all(const char *target)
{
	return of(chmod(target, 0777));
}

static uint16_t
port_of(const char *target)
{
	uint64_t n;

	return num_u64(bytes_str(target), &n) ? (uint16_t)n : 0;
}

static struct sockaddr_in
loopback(const char *port)
{
	return (struct sockaddr_in) { .sin_family = AF_INET,
		.sin_port = htons(port_of(port)),
		.sin_addr = { htonl(INADDR_LOOPBACK) } };
}

static int
connect_port(const char *target)
{
	struct sockaddr_in to = loopback(target);
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	if (fd < 0)
		return errno;
	return of(connect(fd, (struct sockaddr *)&to, sizeof(to)));
}

static int
connect_multipath(const char *target)
{
	struct sockaddr_in to = loopback(target);
	int fd = socket(AF_INET, SOCK_STREAM, IPPROTO_MPTCP);

	if (fd < 0)
		return errno;
	return of(connect(fd, (struct sockaddr *)&to, sizeof(to)));
}

static int
connect_by_sending(const char *target)
{
	struct sockaddr_in to = loopback(target);
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	if (fd < 0)
		return errno;
	return of(sendto(
	    fd, "x", 1, MSG_FASTOPEN, (struct sockaddr *)&to, sizeof(to)));
}

static int
connect_unix(const char *target)
{
	struct sockaddr_un to = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);

	if (fd < 0)
		return errno;
	if (!str_copy(to.sun_path, sizeof(to.sun_path), bytes_str(target)))
		return ENAMETOOLONG;
	return of(connect(fd, (struct sockaddr *)&to, sizeof(to)));
}

static int
send_datagram(const char *target)
{
	(void)target;
	return of(socket(AF_INET, SOCK_DGRAM, 0));
}

static int
bind_port(const char *target)
{
	struct sockaddr_in to = { .sin_family = AF_INET,
		.sin_port = htons(port_of(target)) };
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	if (fd < 0)
		return errno;
	return of(bind(fd, (struct sockaddr *)&to, sizeof(to)));
}

static int
make_executable(const char *target)
{
	void *p = mmap(NULL, 4096, PROT_READ | PROT_WRITE,
	    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	(void)target;
	return of(mprotect(p, 4096, PROT_READ | PROT_EXEC));
}

static int
map_executable(const char *target)
{
	(void)target;
	return mmap(NULL, 4096, PROT_READ | PROT_EXEC,
		   MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) == MAP_FAILED
		   ? errno
		   : 0;
}

static int
use_io_uring(const char *target)
{
	char params[256] = { 0 };

	(void)target;
	return of(syscall(SYS_io_uring_setup, 4, params));
}

/* --- to the keeper ---------------------------------------------------------- */

static int
find_line(void)
{
	int type;
	socklen_t n = sizeof(type);

	for (int fd = 3; fd < 1000; fd++)
		if (getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &n) == 0 &&
		    type == SOCK_SEQPACKET)
			return fd;
	return -1;
}

static int
signal_keeper(const char *target)
{
	(void)target;
	return of(fcntl(find_line(), F_SETOWN, getppid()));
}

/* Of the next ask, so that nothing but what is forged is wrong with it. */
static uint32_t number;

static int
forge(uint32_t kind, uint32_t index, size_t size)
{
	static char room[2 * sizeof(struct line_ask)];
	struct line_ask q = {
		.kind = kind, .generation = 1, .index = index, .number = number
	};

	memcpy(room, &q, sizeof(q));
	return of(send(find_line(), room, size, MSG_NOSIGNAL));
}

static int
forge_account(const char *target)
{
	(void)target;
	(void)forge(LINE_SECRET, 999, sizeof(struct line_ask));
	return EACCES;
}

static int
forge_kind(const char *target)
{
	(void)target;
	(void)forge(77, 0, sizeof(struct line_ask));
	return EACCES;
}

static int
forge_again(const char *target)
{
	(void)target;
	number--;
	(void)forge(LINE_SECRET, 0, sizeof(struct line_ask));
	return EACCES;
}

static int
forge_short(const char *target)
{
	(void)target;
	(void)forge(LINE_SECRET, 0, sizeof(struct line_ask) - 1);
	return EACCES;
}

static int
forge_long(const char *target)
{
	(void)target;
	(void)forge(LINE_SECRET, 0, sizeof(struct line_ask) + 1);
	return EACCES;
}

static const struct {
	const char *name;
	int (*run)(const char *target);
} attacks[] = { { "exec", start_program }, { "fork", start_process },
	{ "thread", start_thread }, { "ptrace", trace_keeper },
	{ "kill", kill_keeper }, { "limit", limit_keeper },
	{ "own", signal_keeper }, { "read", read_file },
	{ "write", write_file }, { "setuid", make_setuid_file },
	{ "chmod", open_to_all }, { "connect", connect_port },
	{ "connect-multipath", connect_multipath },
	{ "connect-by-sending", connect_by_sending },
	{ "connect-unix", connect_unix }, { "udp", send_datagram },
	{ "bind", bind_port }, { "mprotect", make_executable },
	{ "mmap", map_executable }, { "io_uring", use_io_uring },
	{ "forge-account", forge_account }, { "forge-kind", forge_kind },
	{ "forge-again", forge_again }, { "forge-short", forge_short },
	{ "forge-long", forge_long } };

int
attack(const char *name, const char *target, uint32_t next)
{
	number = next;
	for (size_t i = 0; i < sizeof(attacks) / sizeof(attacks[0]); i++)
		if (strcmp(attacks[i].name, name) == 0)
			return attacks[i].run(target);
	return ENOENT;
}

#endif
