/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config.h"

#include "relaisd/attack.h"

#ifdef WITH_ATTACK

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/must.h"
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

/* target: family,type,protocol */
static int
make_socket(const char *target)
{
	int n[3] = { 0 }, at = 0;

	for (; *target != '\0' && at < 3; target++)
		if (*target == ',')
			at++;
		else
			n[at] = 10 * n[at] + *target - '0';
	return of(socket(n[0], n[1], n[2]));
}

/* target: the name of an abstract socket */
static int
send_to_abstract(const char *target)
{
	struct sockaddr_un to = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_DGRAM, 0);
	size_t n = strlen(target);

	if (fd < 0)
		return errno;
	memcpy(to.sun_path + 1, target, n);
	return of(connect(fd, (struct sockaddr *)&to,
	    (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 + n)));
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

/* By number, with a bit that no machine has, or of another machine. */
static int
call_as_x32(const char *target)
{
	(void)target;
	return of(syscall(0x40000000L | SYS_getpid));
}

static int
call_as_i386(const char *target)
{
	long rc = 20; /* getpid(2) there */

	(void)target;
#ifdef __x86_64__
	__asm__ volatile("int $0x80" : "+a"(rc) : : "memory");
#endif
	return of(rc < 0 ? -1 : 0);
}

/* target: FILE:NAME, a link in the folder of the spool */
static int
between(const char *target, int (*how)(const char *from, const char *to))
{
	char from[200];
	const char *colon = strchr(target, ':');

	if (colon == NULL || !str_copy(from, sizeof(from),
				 bytes_of(target, (size_t)(colon - target))))
		return EINVAL;
	return of(how(from, colon + 1));
}

static int
link_file(const char *target)
{
	return between(target, link);
}

static int
rename_file(const char *target)
{
	return between(target, rename);
}

static int
symlink_file(const char *target)
{
	return between(target, symlink);
}

/* target: what of the keeper's /proc, or of our own */
static int
read_of_keeper(const char *target)
{
	char path[200];

	(void)snprintf(
	    path, sizeof(path), "/proc/%ld/%s", (long)getppid(), target);
	return of(open(path, O_RDONLY));
}

static int
write_own_memory(const char *target)
{
	(void)target;
	return of(open("/proc/self/mem", O_RDWR));
}

/* Types into the terminal, if there is one. */
static int
type_ahead(const char *target)
{
	(void)target;
	return of(ioctl(0, TIOCSTI, "x"));
}

static int
be_dumpable(const char *target)
{
	(void)target;
	return of(prctl(PR_SET_DUMPABLE, 1, 0, 0, 0));
}

static int
outlive_keeper(const char *target)
{
	(void)target;
	return of(prctl(PR_SET_PDEATHSIG, 0));
}

/* What needs no more than to be called. */
static const struct {
	const char *name;
	long number;
} calls[] = {
	{ "io_uring", SYS_io_uring_setup },
	{ "execveat", SYS_execveat },
	{ "unshare", SYS_unshare },
	{ "setns", SYS_setns },
	{ "mount", SYS_mount },
	{ "chroot", SYS_chroot },
	{ "bpf", SYS_bpf },
	{ "keyctl", SYS_keyctl },
	{ "userfaultfd", SYS_userfaultfd },
	{ "process_vm_readv", SYS_process_vm_readv },
	{ "process_vm_writev", SYS_process_vm_writev },
	{ "pidfd_getfd", 438 },
	{ "pkey_mprotect", SYS_pkey_mprotect },
	{ "perf_event_open", SYS_perf_event_open },
	{ "open_by_handle_at", SYS_open_by_handle_at },
	{ "memfd_create", SYS_memfd_create },
	{ "pidfd_open", 434 },
	{ "pidfd_send_signal", 424 },
	{ "clone3", 435 },
	{ "sendmmsg", SYS_sendmmsg },
	{ "socketpair", SYS_socketpair },
	{ "listen", SYS_listen },
	{ "personality", SYS_personality },
	{ "shmat", SYS_shmat },
	{ "remap_file_pages", SYS_remap_file_pages },
	{ "tkill", SYS_tkill },
	{ "rt_sigqueueinfo", SYS_rt_sigqueueinfo },
	{ "kcmp", SYS_kcmp },
	{ "mknodat", SYS_mknodat },
	{ "fchmod", SYS_fchmod },
	{ "fchownat", SYS_fchownat },
	{ "setxattr", SYS_setxattr },
	{ "fallocate", SYS_fallocate },
	{ "setuid", SYS_setuid },
	{ "capset", SYS_capset },
	{ "seccomp", SYS_seccomp },
	{ "landlock_restrict_self", 446 },
	{ "splice", SYS_splice },
	{ "name_to_handle_at", SYS_name_to_handle_at },
	{ "acct", SYS_acct },
};

static int
call(const char *target)
{
	for (size_t i = 0; i < sizeof(calls) / sizeof(calls[0]); i++)
		if (strcmp(calls[i].name, target) == 0)
			return of(syscall(calls[i].number, 0L, 0L, 0L, 0L, 0L));
	return ENOENT;
}

/* --- to the keeper -------------------------------------------------------- */

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

/* With size bytes of it, and so many descriptors. */
static int
send_forged(const struct line_ask *q, size_t size, size_t passed)
{
	static char room[2 * sizeof(*q)];
	struct iovec io = { room, size };
	union {
		struct cmsghdr align;
		char room[CMSG_SPACE(8 * sizeof(int))];
	} u = { 0 };
	struct msghdr m = { .msg_iov = &io, .msg_iovlen = 1 };

	memcpy(room, q, sizeof(*q));
	if (passed > 0) {
		struct cmsghdr *c;

		m.msg_control = u.room;
		m.msg_controllen = CMSG_SPACE(passed * sizeof(int));
		c = CMSG_FIRSTHDR(&m);
		c->cmsg_level = SOL_SOCKET;
		c->cmsg_type = SCM_RIGHTS;
		c->cmsg_len = CMSG_LEN(passed * sizeof(int));
		/* Standard output, so often. */
		for (size_t i = 0; i < passed; i++)
			CMSG_DATA(c)[i * sizeof(int)] = 1;
	}
	return of(sendmsg(find_line(), &m, MSG_NOSIGNAL));
}

static const struct {
	const char *name;
	struct line_ask ask;
	int more; /* bytes */
	int ahead; /* of the number that is due */
} forged[] = {
	{ "account", { .kind = LINE_SECRET, .index = 999 }, 0, 0 },
	{ "account-of-lookup", { .kind = LINE_LOOKUP, .index = 999 }, 0, 0 },
	{ "account-of-alert", { .kind = LINE_ALERT, .index = 999 }, 0, 0 },
	{ "need", { .kind = LINE_SECRET, .wish = { .need = 99 } }, 0, 0 },
	{ "kind", { .kind = 77 }, 0, 0 },
	{ "no-kind", { .kind = 0 }, 0, 0 },
	{ "file", { .kind = LINE_OPEN, .index = LINE_FILES }, 0, 0 },
	{ "event", { .kind = LINE_ALERT, .index = LINE_NOBODY, .event = 999 },
	    0, 0 },
	{ "control",
	    { .kind = LINE_ALERT, .index = LINE_NOBODY, .text = "\033[2J" }, 0,
	    0 },
	{ "flow", { .kind = LINE_SIGN_IN, .flow = LINE_FLOWS }, 0, 0 },
	{ "sign-in", { .kind = LINE_SIGN_IN }, 0, 0 }, /* of a password */
	{ "groups", { .kind = LINE_USER, .count = 2 }, 0, 0 },
	{ "future", { .kind = LINE_SECRET, .generation = 99 }, 0, 0 },
	{ "again", { .kind = LINE_SECRET }, 0, -1 },
	{ "ahead", { .kind = LINE_SECRET }, 0, 1 },
	{ "short", { .kind = LINE_SECRET }, -1, 0 },
	{ "long", { .kind = LINE_SECRET }, 1, 0 },
	{ "huge", { .kind = LINE_SECRET }, (int)sizeof(struct line_ask), 0 },
};

/* target: which */
static int
forge(const char *target)
{
	struct line_ask q;

	for (size_t i = 0; i < sizeof(forged) / sizeof(forged[0]); i++) {
		if (strcmp(forged[i].name, target) != 0)
			continue;
		q = forged[i].ask;
		if (q.generation == 0)
			q.generation = 1;
		q.number = number + (uint32_t)forged[i].ahead;
		(void)send_forged(&q, sizeof(q) + (size_t)forged[i].more, 0);
		return EACCES;
	}
	return ENOENT;
}

/* What the keeper would have to close. */
static int
pass_descriptors(const char *target)
{
	struct line_ask q = {
		.kind = LINE_LOOKUP, .generation = 1, .number = number
	};

	(void)target;
	return send_forged(&q, sizeof(q), 8);
}

/* Nothing is an end for who receives it; and then it stays. */
static int
hang_up(const char *target)
{
	(void)target;
	IGNORE(send(find_line(), "", 0, MSG_NOSIGNAL) != 0);
	(void)sleep(1000);
	return 0;
}

static const struct {
	const char *name;
	int (*run)(const char *target);
} attacks[] = {
	{ "exec", start_program },
	{ "fork", start_process },
	{ "thread", start_thread },
	{ "ptrace", trace_keeper },
	{ "kill", kill_keeper },
	{ "limit", limit_keeper },
	{ "own", signal_keeper },
	{ "read", read_file },
	{ "write", write_file },
	{ "link", link_file },
	{ "rename", rename_file },
	{ "symlink", symlink_file },
	{ "keeper", read_of_keeper },
	{ "memory", write_own_memory },
	{ "setuid", make_setuid_file },
	{ "chmod", open_to_all },
	{ "connect", connect_port },
	{ "connect-multipath", connect_multipath },
	{ "connect-by-sending", connect_by_sending },
	{ "connect-unix", connect_unix },
	{ "abstract", send_to_abstract },
	{ "socket", make_socket },
	{ "bind", bind_port },
	{ "mprotect", make_executable },
	{ "mmap", map_executable },
	{ "x32", call_as_x32 },
	{ "i386", call_as_i386 },
	{ "type", type_ahead },
	{ "dumpable", be_dumpable },
	{ "outlive", outlive_keeper },
	{ "call", call },
	{ "forge", forge },
	{ "pass", pass_descriptors },
	{ "hang-up", hang_up },
};

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
