/* SPDX-License-Identifier: GPL-3.0-or-later */
/* timeshift.c - a library to preload into relaisd, so that a test can have the
 * clocks jump, and a day pass in a minute, in the real daemon.
 *
 * TIMESHIFT names a file of 64-bit numbers that both sides have mapped
 * (tests/lib/timeshift.py writes and reads it):
 *
 *	wall_ms, boot_ms	added to CLOCK_REALTIME and to CLOCK_BOOTTIME;
 *				the second alone is what a suspend does to it
 *	idle_ms, talking_ms	how far all clocks are moved on whenever the
 *				loop has waited SLICE_MS in vain: while no
 *				outgoing connection is open, and while one is
 *	skipped_ms		the sum of that, kept by us
 *	wakes			times the loop has woken, kept by us
 *
 * While a look-up or another job is under way on a thread they go as they are:
 * how long that takes is the machine's business, and none may be taken for one
 * that hangs.
 *
 * The clocks never move past the time for which the loop has set its timerfd,
 * so every timer goes off at its moment, in order, however fast time passes.
 * faketime(1) cannot do this: all its clocks jump together, and they run fast
 * also while a reply is on its way, which then is late.
 */
#include <dlfcn.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>
#include <uv.h>

enum { SLICE_MS = 1, FDS_MAX = 65536 };

struct shift {
	_Atomic int64_t wall_ms, boot_ms, idle_ms, talking_ms;
	_Atomic int64_t skipped_ms, wakes;
};

static struct shift none;
static struct shift *shift = &none;
/* The one timerfd, and when it is to go off; INT64_MAX: not. */
static int timer_fd = -1;
static int64_t timer_at_ms = INT64_MAX;
static bool is_talking[FDS_MAX]; /* connect() was called on it */

static int64_t
now_ms(clockid_t id)
{
	struct timespec ts = { 0 };

	(void)clock_gettime(id, &ts);
	return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

__attribute__((constructor)) static void
begin(void)
{
	const char *path = getenv("TIMESHIFT");
	int fd = path != NULL ? open(path, O_RDWR | O_CLOEXEC) : -1;
	void *p;

	if (fd < 0)
		return;
	p = mmap(
	    NULL, sizeof(*shift), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (p != MAP_FAILED)
		shift = p;
	(void)close(fd);
}

/* --- clocks --------------------------------------------------------------- */

static int64_t
moved_ms(clockid_t id)
{
	int64_t ms = shift->skipped_ms;

	if (id == CLOCK_REALTIME || id == CLOCK_REALTIME_COARSE)
		ms += shift->wall_ms;
	else if (id == CLOCK_BOOTTIME)
		ms += shift->boot_ms;
	else if (id == CLOCK_PROCESS_CPUTIME_ID ||
		 id == CLOCK_THREAD_CPUTIME_ID)
		ms = 0;
	return ms;
}

int
clock_gettime(clockid_t id, struct timespec *ts)
{
	int rc = (int)syscall(SYS_clock_gettime, id, ts);
	int64_t ms = moved_ms(id);

	if (rc != 0)
		return rc;
	ts->tv_sec += ms / 1000;
	ts->tv_nsec += ms % 1000 * 1000000;
	if (ts->tv_nsec < 0) {
		ts->tv_nsec += 1000000000;
		ts->tv_sec--;
	} else if (ts->tv_nsec >= 1000000000) {
		ts->tv_nsec -= 1000000000;
		ts->tv_sec++;
	}
	return 0;
}

int
gettimeofday(struct timeval *restrict tv, void *restrict tz)
{
	struct timespec ts;

	(void)tz;
	(void)clock_gettime(CLOCK_REALTIME, &ts);
	tv->tv_sec = ts.tv_sec;
	tv->tv_usec = ts.tv_nsec / 1000;
	return 0;
}

time_t
time(time_t *ret)
{
	struct timespec ts;

	(void)clock_gettime(CLOCK_REALTIME, &ts);
	if (ret != NULL)
		*ret = ts.tv_sec;
	return ts.tv_sec;
}

/* --- the timer of the loop ------------------------------------------------ */

/* Relative and without interval is all that the loop asks for. */
int
timerfd_settime(
    int fd, int flags, const struct itimerspec *its, struct itimerspec *was)
{
	int64_t in_ms = (int64_t)its->it_value.tv_sec * 1000 +
			its->it_value.tv_nsec / 1000000;
	bool is_off = its->it_value.tv_sec == 0 && its->it_value.tv_nsec == 0;

	timer_fd = fd;
	timer_at_ms = is_off ? INT64_MAX : now_ms(CLOCK_BOOTTIME) + in_ms;
	return (int)syscall(SYS_timerfd_settime, fd, flags, its, was);
}

static void
fire_if_due(void)
{
	struct itimerspec at_once = { .it_value = { .tv_nsec = 1 } };

	if (timer_at_ms == INT64_MAX || now_ms(CLOCK_BOOTTIME) < timer_at_ms)
		return;
	timer_at_ms = INT64_MAX;
	(void)syscall(SYS_timerfd_settime, timer_fd, 0, &at_once, NULL);
}

/* --- waiting -------------------------------------------------------------- */

int
connect(int fd, const struct sockaddr *sa, socklen_t len)
{
	if (fd >= 0 && fd < FDS_MAX)
		is_talking[fd] = sa->sa_family != AF_UNIX;
	return (int)syscall(SYS_connect, fd, sa, len);
}

static bool
talks(void)
{
	struct sockaddr_storage ss;
	socklen_t len;
	bool any = false;

	for (int fd = 0; fd < FDS_MAX; fd++) {
		if (!is_talking[fd])
			continue;
		len = sizeof(ss);
		is_talking[fd] = getpeername(
				     fd, (struct sockaddr *)&ss, &len) == 0;
		any |= is_talking[fd];
	}
	return any;
}

/* --- jobs ----------------------------------------------------------------- */

/* What libuv's threads do for the loop, until it has heard of the end. */
struct job {
	struct job *next;
	void *req;
	void (*done)(void);
};

static struct job *jobs;

static void
begins(void *req, void (*done)(void))
{
	struct job *j = malloc(sizeof(*j));

	if (j == NULL)
		abort();
	*j = (struct job) { jobs, req, done };
	jobs = j;
}

static void (*ends(void *req))(void)
{
	struct job **at = &jobs, *j;
	void (*done)(void);

	while ((*at)->req != req)
		at = &(*at)->next;
	j = *at;
	*at = j->next;
	done = j->done;
	free(j);
	return done;
}

static void
work_ends(uv_work_t *req, int status)
{
	((uv_after_work_cb)ends(req))(req, status);
}

static void
lookup_ends(uv_getaddrinfo_t *req, int status, struct addrinfo *ai)
{
	((uv_getaddrinfo_cb)ends(req))(req, status, ai);
}

int
uv_queue_work(
    uv_loop_t *l, uv_work_t *req, uv_work_cb work, uv_after_work_cb done)
{
	int (*real)(uv_loop_t *, uv_work_t *, uv_work_cb, uv_after_work_cb);
	int rc;

	*(void **)&real = dlsym(RTLD_NEXT, "uv_queue_work");
	rc = real(l, req, work, work_ends);
	if (rc == 0)
		begins(req, (void (*)(void))done);
	return rc;
}

int
uv_getaddrinfo(uv_loop_t *l, uv_getaddrinfo_t *req, uv_getaddrinfo_cb done,
    const char *node, const char *service, const struct addrinfo *hints)
{
	int (*real)(uv_loop_t *, uv_getaddrinfo_t *, uv_getaddrinfo_cb,
	    const char *, const char *, const struct addrinfo *);
	int rc;

	*(void **)&real = dlsym(RTLD_NEXT, "uv_getaddrinfo");
	rc = real(l, req, lookup_ends, node, service, hints);
	if (rc == 0)
		begins(req, (void (*)(void))done);
	return rc;
}

/* --- waiting in vain ------------------------------------------------------ */

static void
move_on(void)
{
	int64_t by = jobs != NULL ? 0
		     : talks()    ? shift->talking_ms
				  : shift->idle_ms;
	int64_t left;

	if (timer_at_ms != INT64_MAX) {
		left = timer_at_ms - now_ms(CLOCK_BOOTTIME);
		if (by > left)
			by = left > 0 ? left : 0;
	}
	shift->skipped_ms += by;
}

int
epoll_pwait(int ep, struct epoll_event *events, int max, int timeout_ms,
    const sigset_t *mask)
{
	for (;;) {
		int wait = timeout_ms >= 0 && timeout_ms < SLICE_MS ? timeout_ms
								    : SLICE_MS;
		int n;

		fire_if_due();
		n = (int)syscall(
		    SYS_epoll_pwait, ep, events, max, wait, mask, 8);
		if (n != 0 || timeout_ms == 0) {
			shift->wakes++;
			return n;
		}
		if (timeout_ms > 0)
			timeout_ms -= wait;
		move_on();
	}
}

int
epoll_wait(int ep, struct epoll_event *events, int max, int timeout_ms)
{
	return epoll_pwait(ep, events, max, timeout_ms, NULL);
}
