/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "sys/userns.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/must.h"
#include "sys/privilege.h"

/* A line of the map: so many users from this one on. */
struct range {
	unsigned long first, outside, count;
};

static bool
next(FILE *f, struct range *ret)
{
	return f != NULL && fscanf(f, "%lu %lu %lu", &ret->first, &ret->outside,
				&ret->count) == 3;
}

static FILE *
open_map(void)
{
	return fopen("/proc/self/uid_map", "re");
}

static void
close_map(FILE *f)
{
	if (f != NULL)
		IGNORE(fclose(f)); /* only read */
}

/* Without a map to read everybody is there. */
static bool
is_mapped(uint32_t uid)
{
	FILE *f = open_map();
	bool ret = f == NULL;
	struct range r;

	while (!ret && next(f, &r))
		ret = uid >= r.first && uid - r.first < r.count;
	close_map(f);
	return ret;
}

static uint32_t
find_hidden(void)
{
	char text[32] = "";
	int fd = open("/proc/sys/kernel/overflowuid", O_RDONLY | O_CLOEXEC);
	ssize_t n;
	uint32_t uid;

	if (fd < 0)
		return USERNS_SHOWS_ALL;
	n = read(fd, text, sizeof(text) - 1);
	IGNORE(close(fd)); /* only read */
	if (n <= 0)
		return USERNS_SHOWS_ALL;
	uid = (uint32_t)strtoul(text, NULL, 10);
	return is_mapped(uid) ? USERNS_SHOWS_ALL : uid;
}

static bool
is_own(void)
{
	FILE *f = open_map();
	bool ret = f != NULL;
	struct range r;

	while (ret && next(f, &r))
		ret = r.count == 1 && (r.first == 0 || r.first == geteuid());
	close_map(f);
	return ret;
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
	has_looked = true;
	here = (struct userns) { .hidden = find_hidden() };
	here.is_own = here.hidden != USERNS_SHOWS_ALL && is_own();
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
