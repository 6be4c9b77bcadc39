/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "net/port_owner.h"

#include <dirent.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/err.h"
#include "base/num.h"
#include "base/str.h"

enum { NAME_SIZE = 32 };

/* Field number n (from 1) of a line, fields being separated by blanks. */
static struct bytes
field(const char *line, int n)
{
	const char *p = line + strspn(line, " ");

	while (--n > 0) {
		p += strcspn(p, " \n");
		p += strspn(p, " \n");
	}
	return bytes_of(p, strcspn(p, " \n"));
}

/* "0100007F:0019" ends in the port, in hexadecimal. */
static bool
line_is_listener(const char *line, int port)
{
	struct bytes local = field(line, 2);
	char want[8];

	(void)snprintf(want, sizeof(want), ":%04X", (unsigned)port & 0xffff);
	return bytes_eq(field(line, 4), "0A") && local.n > 5 &&
	       memcmp(local.p + local.n - 5, want, 5) == 0;
}

/* The inode of the listening socket, 0: not found. */
static uint64_t
find_inode(const char *table, int port)
{
	FILE *f = fopen(table, "re");
	char line[512];
	uint64_t inode = 0;

	if (f == NULL)
		return 0;
	while (inode == 0 && fgets(line, sizeof(line), f) != NULL)
		if (line_is_listener(line, port) &&
		    !num_u64(field(line, 10), &inode))
			inode = 0;
	(void)fclose(f); /* only read from */
	return inode;
}

static bool
has_socket(const char *pid, const char *wanted)
{
	char path[PATH_MAX], link[64];
	struct dirent *de;
	bool is_found = false;
	ssize_t n;
	DIR *d;

	(void)snprintf(path, sizeof(path), "/proc/%s/fd", pid);
	d = opendir(path);
	while (!is_found && d != NULL && (de = readdir(d)) != NULL) {
		n = readlinkat(dirfd(d), de->d_name, link, sizeof(link) - 1);
		if (n <= 0)
			continue;
		link[n] = '\0';
		is_found = strcmp(link, wanted) == 0;
	}
	if (d != NULL)
		(void)closedir(d); /* only read from */
	return is_found;
}

static void
read_name(const char *pid, char name[NAME_SIZE])
{
	char path[PATH_MAX];
	FILE *f;

	(void)snprintf(path, sizeof(path), "/proc/%s/comm", pid);
	f = fopen(path, "re");
	if (f == NULL || fgets(name, NAME_SIZE, f) == NULL)
		IGNORE(str_copy(name, NAME_SIZE, bytes_of("a process", 9)));
	name[strcspn(name, "\n")] = '\0';
	if (f != NULL)
		(void)fclose(f); /* only read from */
}

static bool
find_process(uint64_t inode, uint64_t *ret_pid, char name[NAME_SIZE])
{
	DIR *proc = opendir("/proc");
	struct dirent *de;
	char wanted[64];
	bool is_found = false;

	(void)snprintf(wanted, sizeof(wanted), "socket:[%" PRIu64 "]", inode);
	while (!is_found && proc != NULL && (de = readdir(proc)) != NULL) {
		if (!num_u64(bytes_str(de->d_name), ret_pid))
			continue;
		is_found = has_socket(de->d_name, wanted);
		if (is_found)
			read_name(de->d_name, name);
	}
	if (proc != NULL)
		(void)closedir(proc); /* only read from */
	return is_found;
}

void
port_owner_tell(const char *host, int port, struct err *err)
{
	uint64_t inode = find_inode("/proc/net/tcp", port);
	uint64_t pid;
	char name[NAME_SIZE];

	if (inode == 0)
		inode = find_inode("/proc/net/tcp6", port);
	if (inode != 0 && find_process(inode, &pid, name))
		(void)err_set(err, ERR_BUSY,
		    "port %d on %s is taken by %s (process %" PRIu64
		    "): stop that, or choose another port with `listen`",
		    port, host, name, pid);
	else
		(void)err_set(err, ERR_BUSY,
		    "port %d on %s is taken by another program; "
		    "`ss -ltnp 'sport = :%d'` as root names it: stop that, or "
		    "choose another port with `listen`",
		    port, host, port);
}
