/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The interface of the kernel is spoken here by number: headers and C library
 * of a distribution are older than the kernels it runs on. */
#include "config.h"

#include "sys/sandbox.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { /* the same on every machine */
	NR_CREATE_RULESET = 444,
	NR_ADD_RULE = 445,
	NR_RESTRICT_SELF = 446,
	CREATE_VERSION = 1,
	RULE_PATH = 1,
	RULE_PORT = 2
};

/* landlock(7): rights to files; the ABI that brought them is behind. */
enum {
	FS_WRITE_FILE = 1 << 1,
	FS_READ_FILE = 1 << 2,
	FS_READ_DIR = 1 << 3,
	FS_REMOVE_DIR = 1 << 4,
	FS_REMOVE_FILE = 1 << 5,
	FS_MAKE_DIR = 1 << 7,
	FS_MAKE_REG = 1 << 8,
	FS_MAKE_SOCK = 1 << 9,
	FS_MAKE_FIFO = 1 << 10,
	FS_MAKE_SYM = 1 << 12,
	FS_FIRST = (1 << 13) - 1, /* 1 */
	FS_REFER = 1 << 13, /* 2 */
	FS_TRUNCATE = 1 << 14, /* 3 */
	FS_IOCTL_DEV = 1 << 15, /* 5 */
	NET_BIND_TCP = 1 << 0, /* 4 */
	NET_CONNECT_TCP = 1 << 1,
	SCOPE_ABSTRACT = 1 << 0, /* 6 */
	SCOPE_SIGNAL = 1 << 1
};

struct ruleset { /* grows with the ABI; the kernel takes any length */
	uint64_t fs, net, scoped;
};
struct path_rule {
	uint64_t allowed;
	int32_t parent_fd;
} __attribute__((packed));
struct port_rule {
	uint64_t allowed, port;
};

static struct ruleset
all_of(int abi)
{
	struct ruleset r = { .fs = FS_FIRST };

	if (abi >= 2)
		r.fs |= FS_REFER;
	if (abi >= 3)
		r.fs |= FS_TRUNCATE;
	if (abi >= 4)
		r.net = NET_BIND_TCP | NET_CONNECT_TCP;
	if (abi >= 5)
		r.fs |= FS_IOCTL_DEV;
	if (abi >= 6)
		r.scoped = SCOPE_ABSTRACT | SCOPE_SIGNAL;
	return r;
}

static bool
allow_path(int set, const char *path, uint64_t rights, uint64_t known)
{
	struct path_rule rule = { .allowed = rights & known,
		.parent_fd = open(path, O_PATH | O_CLOEXEC) };
	struct stat st;
	bool ok;

	if (rule.parent_fd < 0)
		return true; /* it is not there */
	if (fstat(rule.parent_fd, &st) == 0 && !S_ISDIR(st.st_mode))
		rule.allowed &= FS_READ_FILE | FS_WRITE_FILE | FS_TRUNCATE;
	ok = syscall(NR_ADD_RULE, set, RULE_PATH, &rule, 0) == 0;
	(void)close(rule.parent_fd); /* only named it */
	return ok;
}

static bool
allow(int set, const struct sandbox_files *f, const struct ruleset *known)
{
	/* What others left in the spool, whatever it is, is moved to corrupt/,
	 * which takes the right to make one there.  The system calls that make
	 * one are not in the filter's list. */
	const uint64_t rw = FS_READ_FILE | FS_READ_DIR | FS_WRITE_FILE |
			    FS_REMOVE_FILE | FS_REMOVE_DIR | FS_MAKE_REG |
			    FS_MAKE_DIR | FS_MAKE_SOCK | FS_MAKE_FIFO |
			    FS_MAKE_SYM | FS_REFER | FS_TRUNCATE;
	bool ok = true;

	for (const char *const *p = f->writable; *p != NULL; p++)
		ok = ok && allow_path(set, *p, rw, known->fs);
	for (const char *const *p = f->readable; *p != NULL; p++)
		ok = ok &&
		     allow_path(set, *p, FS_READ_FILE | FS_READ_DIR, known->fs);
	for (size_t i = 0; known->net != 0 && i < f->nports; i++) {
		struct port_rule rule = { NET_CONNECT_TCP,
			(uint64_t)f->ports[i] };

		ok = ok && syscall(NR_ADD_RULE, set, RULE_PORT, &rule, 0) == 0;
	}
	return ok;
}

void
sandbox_landlock(const struct sandbox_files *f, struct sandbox_state *ret)
{
	int abi = (int)syscall(NR_CREATE_RULESET, NULL, 0, CREATE_VERSION);
	struct ruleset all;
	const char *what = "ABI";
	int set;

	ret->holds = false;
	if (abi < 1) {
		(void)snprintf(ret->text, sizeof(ret->text),
		    "the kernel or a container denies it: %s", strerror(errno));
		return;
	}
	all = all_of(abi);
	/* An older kernel refuses fields that it does not know. */
	set = (int)syscall(NR_CREATE_RULESET, &all,
	    abi >= 6   ? sizeof(all)
	    : abi >= 4 ? offsetof(struct ruleset, scoped)
		       : offsetof(struct ruleset, net),
	    0);
	if (set >= 0 && allow(set, f, &all) &&
	    syscall(NR_RESTRICT_SELF, set, 0) == 0)
		ret->holds = true;
	if (!ret->holds)
		(void)snprintf(ret->text, sizeof(ret->text),
		    "the kernel does not take the rules: %s", strerror(errno));
	else if (abi < 4)
		(void)snprintf(ret->text, sizeof(ret->text),
		    "on for files; TCP ports need Linux 6.7 (%s %d)", what,
		    abi);
	else
		(void)snprintf(
		    ret->text, sizeof(ret->text), "on (%s %d)", what, abi);
	if (set >= 0)
		(void)close(set); /* the rules hold without it */
}
