/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "sys/userns.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/must.h"
#include "sys/privilege.h"

/* The uid that the kernel shows for every hidden user. */
static uint32_t
overflow_uid(void)
{
	char text[32] = "";
	int fd = open("/proc/sys/kernel/overflowuid", O_RDONLY | O_CLOEXEC);
	ssize_t n;

	if (fd < 0)
		return USERNS_SHOWS_ALL;
	n = read(fd, text, sizeof(text) - 1);
	IGNORE(close(fd)); /* only read */
	return n > 0 ? (uint32_t)strtoul(text, NULL, 10) : USERNS_SHOWS_ALL;
}

/* Does the map have uid, and does it have nobody but root and us?  Without a
 * map to read everybody is there. */
static void
read_map(uint32_t uid, bool *ret_has, bool *ret_is_own)
{
	unsigned long first, outside, count;
	FILE *f = fopen("/proc/self/uid_map", "re");

	*ret_has = f == NULL;
	*ret_is_own = f != NULL;
	if (f == NULL)
		return;
	while (fscanf(f, "%lu %lu %lu", &first, &outside, &count) == 3) {
		*ret_has |= uid >= first && uid - first < count;
		*ret_is_own &= count == 1 && (first == 0 || first == geteuid());
	}
	IGNORE(fclose(f)); /* only read */
}

static void
find_home(struct userns *u)
{
	struct privilege_user self;
	char *real;

	privilege_self(&self);
	real = realpath(self.home, NULL);
	(void)snprintf(u->home, sizeof(u->home), "%s", self.home);
	(void)snprintf(u->real_home, sizeof(u->real_home), "%s",
	    real != NULL ? real : self.home);
	free(real);
}

static bool has_looked;
static struct userns here;

void
userns_look(void)
{
	uint32_t uid = overflow_uid();
	bool has_uid, is_own;

	has_looked = true;
	read_map(uid, &has_uid, &is_own);
	here = (struct userns) { .hidden = has_uid ? USERNS_SHOWS_ALL : uid };
	here.is_own = here.hidden != USERNS_SHOWS_ALL && is_own;
	if (here.is_own)
		find_home(&here);
}

const struct userns *
userns_here(void)
{
	if (!has_looked)
		userns_look();
	return &here;
}
