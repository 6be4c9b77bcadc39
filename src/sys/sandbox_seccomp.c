/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config.h"

#include "sys/sandbox.h"

#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>

#include "base/must.h"

void
sandbox_no_new_privileges(struct sandbox_state *ret)
{
	ret->holds = prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0;
	(void)snprintf(ret->text, sizeof(ret->text), "%s",
	    ret->holds ? "on" : "the kernel does not know it");
}

#ifdef HAVE_SECCOMP

#include <errno.h>
#include <fcntl.h>
#include <linux/netlink.h>
#include <netinet/in.h>
#include <seccomp.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

/* Names, because numbers differ between machines; a name that one of them lacks
 * is left out there.  The second half of some pairs is what 32-bit machines, or
 * newer C libraries, have in its place. */
static const char *const allowed[] = {
	/* descriptors and files */
	"close",
	"read",
	"write",
	"readv",
	"writev",
	"pread64",
	"pwrite64",
	"lseek",
	"_llseek",
	"dup",
	"newfstatat",
	"fstatat64",
	"fstat",
	"fstat64",
	"stat",
	"stat64",
	"lstat",
	"lstat64",
	"statx",
	"readlinkat",
	"readlink",
	"faccessat",
	"faccessat2",
	"access",
	"getdents64",
	"unlinkat",
	"unlink",
	"renameat",
	"renameat2",
	"rename",
	"ftruncate",
	"ftruncate64",
	"fsync",
	"fdatasync",
	"syncfs",
	"flock",
	"statfs",
	"statfs64",
	"fstatfs",
	"fstatfs64",
	"fadvise64",
	"fadvise64_64",
	"arm_fadvise64_64",
	"inotify_add_watch",
	"inotify_rm_watch",
	"inotify_init1",
	/* waiting */
	"epoll_ctl",
	"epoll_wait",
	"epoll_pwait",
	"epoll_pwait2",
	"epoll_create1",
	"poll",
	"ppoll",
	"ppoll_time64",
	"eventfd2",
	"pipe2",
	"timerfd_create",
	"timerfd_settime",
	"timerfd_settime64",
	"timerfd_gettime",
	"timerfd_gettime64",
	"nanosleep",
	"clock_nanosleep",
	"clock_nanosleep_time64",
	"sched_yield",
	"restart_syscall",
	/* sockets; socket() and sending are below */
	"accept4",
	"connect",
	"getpeername",
	"getsockname",
	"getsockopt",
	"recvfrom",
	"recv",
	"recvmsg",
	"recvmmsg",
	"recvmmsg_time64",
	"setsockopt",
	"shutdown",
	/* memory; mmap() and mprotect() are below */
	"brk",
	"madvise",
	"mlock",
	"mlock2",
	"munlock",
	"mremap",
	"munmap",
	"membarrier",
	/* time and randomness */
	"clock_gettime",
	"clock_gettime64",
	"clock_getres",
	"clock_getres_time64",
	"gettimeofday",
	"time",
	"getrandom",
	/* threads that exist, signals to ourselves, the end */
	"futex",
	"futex_time64",
	"set_robust_list",
	"rseq",
	"gettid",
	"rt_sigaction",
	"rt_sigprocmask",
	"rt_sigreturn",
	"sigreturn",
	"sigaltstack",
	"exit",
	"exit_group",
	"sched_getaffinity",
	/* about us and the machine */
	"getpid",
	"getppid",
	"getuid",
	"getuid32",
	"geteuid",
	"geteuid32",
	"getgid",
	"getgid32",
	"getegid",
	"getegid32",
	"getcwd",
	"uname",
	"sysinfo",
	"ugetrlimit",
	"getrlimit",
	"setrlimit",
	"umask",
};

/* No worker of ours ever does these. */
static const char *const fatal[] = {
	"execve",
	"execveat",
	"fork",
	"vfork",
	"ptrace",
	"process_vm_readv",
	"process_vm_writev",
	"bpf",
	"mount",
	"umount",
	"umount2",
	"mount_setattr",
	"move_mount",
	"open_tree",
	"fsopen",
	"fsmount",
	"pivot_root",
	"chroot",
	"setns",
	"unshare",
	"init_module",
	"finit_module",
	"delete_module",
	"kexec_load",
	"kexec_file_load",
	"add_key",
	"request_key",
	"keyctl",
	"userfaultfd",
	"io_uring_setup",
	"io_uring_enter",
	"io_uring_register",
	"perf_event_open",
	"open_by_handle_at",
	"pidfd_getfd",
	"iopl",
	"ioperm",
	"swapon",
	"reboot",
};

struct filter {
	scmp_filter_ctx ctx;
	uint32_t arch;
	uint32_t kill; /* or log */
	int rc; /* the first failure */
};

/* libseccomp takes the number that this machine has, or its own for a name of
 * others, and translates. */
static int
number_of(const char *name)
{
	return seccomp_syscall_resolve_name(name);
}

static void
note(struct filter *f, int rc)
{
	/* An action that is the default's is refused, and not needed. */
	if (rc != 0 && rc != -EACCES && f->rc == 0)
		f->rc = rc;
}

static void
add_rule(struct filter *f, uint32_t action, const char *name)
{
	int nr = number_of(name);

	if (nr != __NR_SCMP_ERROR)
		note(f, seccomp_rule_add(f->ctx, action, nr, 0));
}

static void
add_if(
    struct filter *f, uint32_t action, const char *name, struct scmp_arg_cmp c)
{
	int nr = number_of(name);

	if (nr != __NR_SCMP_ERROR)
		note(f, seccomp_rule_add_array(f->ctx, action, nr, 1, &c));
}

static void
add_socket(struct filter *f, int family, int type, int protocol)
{
	const struct scmp_arg_cmp cmp[] = {
		SCMP_A0(SCMP_CMP_EQ, (scmp_datum_t)family),
		SCMP_A1(SCMP_CMP_MASKED_EQ, 0xf, (scmp_datum_t)type),
		SCMP_A2(SCMP_CMP_EQ, (scmp_datum_t)protocol),
	};

	/* i386 goes through socketcall(2), whose arguments cannot be seen: what
	 * would be compared is the address of them. */
	if (f->arch == SCMP_ARCH_X86)
		add_rule(f, SCMP_ACT_ALLOW, "socket");
	else
		note(f, seccomp_rule_add_array(f->ctx, SCMP_ACT_ALLOW,
			    number_of("socket"), 3, cmp));
}

static void
add_sockets(struct filter *f)
{
	static const struct {
		int family, type, protocol;
	} may[] = {
		/* Landlock knows the ports of TCP itself, not those of
		 * MPTCP. */
		{ AF_INET, SOCK_STREAM, 0 },
		{ AF_INET, SOCK_STREAM, IPPROTO_TCP },
		{ AF_INET6, SOCK_STREAM, 0 },
		{ AF_INET6, SOCK_STREAM, IPPROTO_TCP },
		/* For syslog; a database listens for streams. */
		{ AF_UNIX, SOCK_DGRAM, 0 },
		/* Is the network up; who is behind a connection. */
		{ AF_NETLINK, SOCK_RAW, NETLINK_ROUTE },
		{ AF_NETLINK, SOCK_RAW, NETLINK_SOCK_DIAG },
	};

	for (size_t i = 0; i < sizeof(may) / sizeof(may[0]); i++)
		add_socket(f, may[i].family, may[i].type, may[i].protocol);
}

/* With MSG_FASTOPEN sending connects, which Landlock does not hear of.  On i386
 * the rule would be asked of socketcall(2), too, and of the wrong arguments. */
static void
add_sending(struct filter *f, const char *name, struct scmp_arg_cmp flags)
{
	if (f->arch == SCMP_ARCH_X86)
		add_rule(f, SCMP_ACT_ALLOW, name);
	else
		add_if(f, SCMP_ACT_ALLOW, name, flags);
}

static void
add_memory(struct filter *f, const char *name, uint32_t else_action)
{
	add_if(
	    f, SCMP_ACT_ALLOW, name, SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_EXEC, 0));
	add_if(f, else_action, name,
	    SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_EXEC, PROT_EXEC));
}

/* Not F_SETOWN, which sends signals to others, nor F_SETFL, which would let
 * what only appends overwrite. */
static void
add_fcntl(struct filter *f, const char *name)
{
	static const int may[] = { F_GETFD, F_SETFD, F_GETFL, F_DUPFD_CLOEXEC };

	for (size_t i = 0; i < sizeof(may) / sizeof(may[0]); i++)
		add_if(f, SCMP_ACT_ALLOW, name,
		    SCMP_A1(SCMP_CMP_EQ, (scmp_datum_t)may[i]));
}

/* libpq makes its sockets non-blocking by F_SETFL.  With its value something
 * opened for appending could be overwritten, so nobody else may. */
static void
add_database(struct filter *f, enum sandbox_database db)
{
	static const char *const names[] = { "fcntl", "fcntl64" };

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		const struct scmp_arg_cmp cmp[] = {
			SCMP_A1(SCMP_CMP_EQ, F_SETFL),
			SCMP_A2(SCMP_CMP_EQ, O_RDWR | O_NONBLOCK),
		};
		int nr = number_of(names[i]);

		if (nr != __NR_SCMP_ERROR)
			note(f, seccomp_rule_add_array(
				    f->ctx, SCMP_ACT_ALLOW, nr, 2, cmp));
	}
	if (db == SANDBOX_DATABASE_UNIX)
		add_socket(f, AF_UNIX, SOCK_STREAM, 0);
}

/* No file that gives rights to who starts it; without O_CREAT there may be
 * anything for a mode. */
static void
add_making(struct filter *f)
{
	const scmp_datum_t makes = O_CREAT | (O_TMPFILE & ~O_DIRECTORY);
	const scmp_datum_t ids = S_ISUID | S_ISGID;

	add_if(
	    f, SCMP_ACT_ALLOW, "openat", SCMP_A2(SCMP_CMP_MASKED_EQ, makes, 0));
	add_if(
	    f, SCMP_ACT_ALLOW, "openat", SCMP_A3(SCMP_CMP_MASKED_EQ, ids, 0));
	add_if(
	    f, SCMP_ACT_ALLOW, "open", SCMP_A1(SCMP_CMP_MASKED_EQ, makes, 0));
	add_if(f, SCMP_ACT_ALLOW, "open", SCMP_A2(SCMP_CMP_MASKED_EQ, ids, 0));
	add_if(
	    f, SCMP_ACT_ALLOW, "mkdirat", SCMP_A2(SCMP_CMP_MASKED_EQ, ids, 0));
	add_if(f, SCMP_ACT_ALLOW, "mkdir", SCMP_A1(SCMP_CMP_MASKED_EQ, ids, 0));
}

static void
add_all(struct filter *f, bool is_log, enum sandbox_database db)
{
	for (size_t i = 0; i < sizeof(allowed) / sizeof(allowed[0]); i++)
		add_rule(f, SCMP_ACT_ALLOW, allowed[i]);
	for (size_t i = 0; i < sizeof(fatal) / sizeof(fatal[0]); i++)
		add_rule(f, f->kill, fatal[i]);
	add_sockets(f);
	add_sending(f, "sendmsg", SCMP_A2(SCMP_CMP_MASKED_EQ, MSG_FASTOPEN, 0));
	add_sending(f, "sendto", SCMP_A3(SCMP_CMP_MASKED_EQ, MSG_FASTOPEN, 0));
	add_sending(f, "send", SCMP_A3(SCMP_CMP_MASKED_EQ, MSG_FASTOPEN, 0));
	/* Something that loads a library may do without; code that was written
	 * and is now made executable is an attack. */
	add_memory(f, "mmap", is_log ? SCMP_ACT_LOG : SCMP_ACT_ERRNO(EACCES));
	add_memory(f, "mmap2", is_log ? SCMP_ACT_LOG : SCMP_ACT_ERRNO(EACCES));
	add_memory(f, "mprotect", f->kill);
	add_rule(f, f->kill, "pkey_mprotect");
	add_making(f);
	add_fcntl(f, "fcntl");
	add_fcntl(f, "fcntl64");
	if (db != SANDBOX_NO_DATABASE)
		add_database(f, db);
	/* FIONBIO and FIOCLEX of libuv. */
	add_if(f, SCMP_ACT_ALLOW, "ioctl", SCMP_A1(SCMP_CMP_EQ, 0x5421));
	add_if(f, SCMP_ACT_ALLOW, "ioctl", SCMP_A1(SCMP_CMP_EQ, 0x5451));
	add_if(f, SCMP_ACT_ALLOW, "prctl", SCMP_A0(SCMP_CMP_EQ, PR_SET_NAME));
	/* abort(3), and nobody else. */
	add_if(f, SCMP_ACT_ALLOW, "tgkill",
	    SCMP_A0(SCMP_CMP_EQ, (scmp_datum_t)getpid()));
	/* Of this process only; Landlock lets a parent's be set. */
	add_if(f, SCMP_ACT_ALLOW, "prlimit64", SCMP_A0(SCMP_CMP_EQ, 0));
	/* All threads have been started.  clone3(2) hides its flags, so the C
	 * library is told that there is none. */
	add_rule(f, f->kill, "clone");
}

static bool
filter_new(
    struct filter *f, uint32_t arch, bool is_log, enum sandbox_database db)
{
	*f = (struct filter) { .arch = arch,
		.kill = is_log ? SCMP_ACT_LOG : SCMP_ACT_KILL_PROCESS };
	f->ctx = seccomp_init(is_log ? SCMP_ACT_LOG : SCMP_ACT_ERRNO(ENOSYS));
	if (f->ctx == NULL)
		return false;
	if (arch != seccomp_arch_native()) {
		note(f, seccomp_arch_remove(f->ctx, SCMP_ARCH_NATIVE));
		note(f, seccomp_arch_add(f->ctx, arch));
	}
	note(f, seccomp_attr_set(f->ctx, SCMP_FLTATR_ACT_BADARCH, f->kill));
	note(f, seccomp_attr_set(f->ctx, SCMP_FLTATR_CTL_TSYNC, 1));
	add_all(f, is_log, db);
	return true;
}

void
sandbox_no_io_uring(void)
{
	scmp_filter_ctx ctx = seccomp_init(SCMP_ACT_ALLOW);
	int nr = number_of("io_uring_setup");

	/* Where it cannot be had, the filter cannot either, and says so. */
	if (ctx != NULL && nr != __NR_SCMP_ERROR &&
	    seccomp_rule_add(ctx, SCMP_ACT_ERRNO(ENOSYS), nr, 0) == 0)
		IGNORE(seccomp_load(ctx));
	seccomp_release(ctx);
}

void
sandbox_seccomp(
    bool is_log, enum sandbox_database db, struct sandbox_state *ret)
{
	struct filter f;
	int rc = -ENOMEM;

	if (filter_new(&f, seccomp_arch_native(), is_log, db)) {
		/* A tree of comparisons in place of a list. */
		note(&f, seccomp_attr_set(f.ctx, SCMP_FLTATR_CTL_OPTIMIZE, 2));
		rc = f.rc != 0 ? f.rc : seccomp_load(f.ctx);
		seccomp_release(f.ctx);
	}
	ret->holds = rc == 0 && !is_log;
	if (rc == 0)
		(void)snprintf(ret->text, sizeof(ret->text), "%s",
		    is_log ? "only logs, because seccomp = log" : "on");
	else
		(void)snprintf(ret->text, sizeof(ret->text),
		    "the kernel does not take the filter: %s", strerror(-rc));
}

int
sandbox_seccomp_list(const char *arch, char *to, size_t size)
{
	uint32_t token = seccomp_arch_resolve_name(arch);
	struct filter f;
	size_t n = 0;

	if (token == 0 || !filter_new(&f, token, false, SANDBOX_NO_DATABASE))
		return -1;
	to[0] = '\0';
	for (size_t i = 0; i < sizeof(allowed) / sizeof(allowed[0]); i++)
		if (seccomp_syscall_resolve_name_arch(token, allowed[i]) >= 0 &&
		    n < size)
			n += (size_t)snprintf(
			    to + n, size - n, "%s\n", allowed[i]);
	seccomp_release(f.ctx);
	return f.rc;
}

#else

void
sandbox_no_io_uring(void)
{
}

void
sandbox_seccomp(
    bool is_log, enum sandbox_database db, struct sandbox_state *ret)
{
	(void)is_log;
	(void)db;
	ret->holds = false;
	(void)snprintf(ret->text, sizeof(ret->text),
	    "relaisd was built without libseccomp");
}

int
sandbox_seccomp_list(const char *arch, char *to, size_t size)
{
	(void)arch;
	(void)to;
	(void)size;
	return -1;
}

#endif
