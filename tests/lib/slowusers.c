/* SPDX-License-Identifier: GPL-3.0-or-later */
/* slowusers.c - a library to preload into relaisd, so that the user database
 * takes its time, as one behind a network does.
 *
 * SLOWUSERS names a file with one line, "UID MS": a look-up of that user, by
 * getpwuid(3) or getpwuid_r(3), takes so long.  It is read at each look-up; if
 * it is not there, all are quick.
 */
#include <dlfcn.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/types.h>
#include <time.h>

static void
wait_for(uid_t uid)
{
	const char *path = getenv("SLOWUSERS");
	FILE *f = path != NULL ? fopen(path, "re") : NULL;
	unsigned long slow, ms;
	struct timespec ts;

	if (f == NULL)
		return;
	if (fscanf(f, "%lu %lu", &slow, &ms) == 2 && slow == uid) {
		ts.tv_sec = (time_t)(ms / 1000);
		ts.tv_nsec = (long)(ms % 1000) * 1000000;
		(void)nanosleep(&ts, NULL);
	}
	(void)fclose(f);
}

struct passwd *
getpwuid(uid_t uid)
{
	struct passwd *(*real)(uid_t) = (struct passwd * (*)(uid_t))
	    dlsym(RTLD_NEXT, "getpwuid");

	wait_for(uid);
	return real(uid);
}

int
getpwuid_r(
    uid_t uid, struct passwd *pw, char *room, size_t n, struct passwd **found)
{
	int (*real)(uid_t, struct passwd *, char *, size_t,
	    struct passwd **) = (int (*)(uid_t, struct passwd *, char *, size_t,
	    struct passwd **))dlsym(RTLD_NEXT, "getpwuid_r");

	wait_for(uid);
	return real(uid, pw, room, n, found);
}
