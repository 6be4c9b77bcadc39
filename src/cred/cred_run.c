/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "cred/cred_run.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/must.h"
#include "base/secret.h"

enum { ERR_MAX = 4096, GRACE_MS = 20 };

/* Our ends of the child's descriptors; -1: closed. */
struct pipes {
	int in[2], out[2], err[2]; /* 0: theirs for in, ours for the others */
};

void
cred_run_init(struct cred_run *r)
{
	*r = (struct cred_run) { .argv = NULL };
	buf_init(&r->out, SECRET_MAX + 4096);
	buf_init(&r->err, ERR_MAX);
}

void
cred_run_clear(struct cred_run *r)
{
	buf_wipe(&r->out);
	buf_wipe(&r->err);
}

static int64_t
now_ms(void)
{
	struct timespec ts;

	IGNORE(clock_gettime(CLOCK_MONOTONIC, &ts)); /* cannot fail */
	return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

static void
close_one(int *fd)
{
	if (*fd >= 0)
		IGNORE(close(*fd)); /* a pipe: nothing to be told */
	*fd = -1;
}

static void
close_all(struct pipes *p)
{
	for (int i = 0; i < 2; i++) {
		close_one(&p->in[i]);
		close_one(&p->out[i]);
		close_one(&p->err[i]);
	}
}

/* A descriptor below 3 would be overwritten before it is copied, if we were
 * started with standard descriptors closed. */
static int
lift(int fd[2])
{
	for (int i = 0; i < 2; i++)
		if (fd[i] < 3) {
			int up = fcntl(fd[i], F_DUPFD_CLOEXEC, 3);

			if (up < 0)
				return -1;
			close_one(&fd[i]);
			fd[i] = up;
		}
	return 0;
}

/* Input goes through a socket because writing to it can be told not to raise
 * SIGPIPE, which other threads share. */
static int
open_all(struct pipes *p, bool has_input)
{
	*p = (struct pipes) { { -1, -1 }, { -1, -1 }, { -1, -1 } };
	if (has_input) {
		if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, p->in) !=
		    0)
			return -1;
	} else if ((p->in[0] = open("/dev/null", O_RDONLY | O_CLOEXEC)) < 0 ||
		   (p->in[1] = fcntl(p->in[0], F_DUPFD_CLOEXEC, 3)) < 0) {
		return -1;
	}
	if (pipe2(p->out, O_CLOEXEC) != 0 || pipe2(p->err, O_CLOEXEC) != 0 ||
	    lift(p->in) != 0 || lift(p->out) != 0 || lift(p->err) != 0)
		return -1;
	return 0;
}

static int
spawn(const struct cred_run *r, const struct pipes *p, pid_t *ret_pid)
{
	posix_spawn_file_actions_t fa;
	posix_spawnattr_t at;
	sigset_t none, all;
	int rc;

	if ((rc = posix_spawn_file_actions_init(&fa)) != 0)
		return rc;
	if ((rc = posix_spawnattr_init(&at)) != 0) {
		IGNORE(posix_spawn_file_actions_destroy(&fa)); /* never fails */
		return rc;
	}
	IGNORE(sigemptyset(&none)); /* these two cannot fail */
	IGNORE(sigfillset(&all));
	if ((rc = posix_spawn_file_actions_adddup2(&fa, p->in[0], 0)) == 0 &&
	    (rc = posix_spawn_file_actions_adddup2(&fa, p->out[1], 1)) == 0 &&
	    (rc = posix_spawn_file_actions_adddup2(&fa, p->err[1], 2)) == 0 &&
	    (rc = posix_spawnattr_setsigmask(&at, &none)) == 0 &&
	    (rc = posix_spawnattr_setsigdefault(&at, &all)) == 0 &&
	    (rc = posix_spawnattr_setflags(
		 &at, POSIX_SPAWN_SETSID | POSIX_SPAWN_SETSIGMASK |
			  POSIX_SPAWN_SETSIGDEF)) == 0)
		rc = posix_spawnp(
		    ret_pid, r->argv[0], &fa, &at, r->argv, r->envp);
	IGNORE(posix_spawnattr_destroy(&at)); /* these two never fail */
	IGNORE(posix_spawn_file_actions_destroy(&fa));
	return rc;
}

/* One read; closes the descriptor at its end.  What goes beyond the maximum of
 * the buffer is read and dropped, so that the child does not get stuck. */
static void
read_some(int *fd, struct buf *b)
{
	char spill[1024];
	ssize_t n;

	n = read(*fd, spill, sizeof(spill));
	if (n > 0 && !buf_add(b, spill, (size_t)n))
		IGNORE(buf_add(b, spill, buf_room(b)));
	else if (n == 0 || (n < 0 && errno != EINTR && errno != EAGAIN))
		close_one(fd);
	explicit_bzero(spill, sizeof(spill));
}

/* Waits for output up to wait_ms and takes it. */
static void
take_some(struct cred_run *r, struct pipes *p, int wait_ms)
{
	struct pollfd fds[] = { { p->out[0], POLLIN, 0 },
		{ p->err[0], POLLIN, 0 } };

	if (poll(fds, 2, wait_ms) <= 0)
		return;
	if (fds[0].revents != 0)
		read_some(&p->out[0], &r->out);
	if (fds[1].revents != 0)
		read_some(&p->err[0], &r->err);
}

/* A grandchild that lives on (gpg-agent) may keep the pipes open, so the end
 * of the child, not of its output, is what counts. */
static enum cred_ran
attend(struct cred_run *r, struct pipes *p, pid_t pid)
{
	int64_t deadline = now_ms() + r->timeout_ms;
	int status;
	pid_t gone;

	while ((gone = waitpid(pid, &status, WNOHANG)) == 0) {
		if (now_ms() >= deadline) {
			IGNORE(kill(-pid, SIGKILL)); /* it may just be gone */
			IGNORE(waitpid(pid, &status, 0) < 0);
			return CRED_RAN_TIMEOUT;
		}
		take_some(r, p, GRACE_MS);
	}
	for (int i = 0; i < 2 * (SECRET_MAX + ERR_MAX) / 1024; i++)
		take_some(r, p, 0);
	if (gone > 0 && WIFEXITED(status)) {
		r->code = WEXITSTATUS(status);
		return CRED_RAN_EXITED;
	}
	r->code = gone > 0 ? WTERMSIG(status) : 0;
	return CRED_RAN_KILLED;
}

/* Requests are far smaller than a socket's buffer.  A child that does not read
 * them says so by its exit. */
static void
give_input(const struct cred_run *r, struct pipes *p)
{
	if (r->input.n > 0)
		IGNORE(
		    send(p->in[1], r->input.p, r->input.n, MSG_NOSIGNAL) < 0);
	close_one(&p->in[1]);
}

enum cred_ran
cred_run_over(struct cred_run *r, int talk)
{
	struct pipes p;
	pid_t pid;
	int status;

	if (open_all(&p, r->input.n > 0) != 0 ||
	    dup3(talk, p.out[1], O_CLOEXEC) < 0 ||
	    dup3(talk, p.err[1], O_CLOEXEC) < 0)
		r->code = errno;
	else if ((r->code = spawn(r, &p, &pid)) == 0)
		give_input(r, &p);
	close_all(&p);
	if (r->code != 0)
		return CRED_RAN_NOT;
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	r->code = WIFEXITED(status) ? WEXITSTATUS(status) : WTERMSIG(status);
	return WIFEXITED(status) ? CRED_RAN_EXITED : CRED_RAN_KILLED;
}

enum cred_ran
cred_run(struct cred_run *r)
{
	struct pipes p;
	pid_t pid;
	enum cred_ran ran = CRED_RAN_NOT;

	if (open_all(&p, r->input.n > 0) != 0) {
		r->code = errno;
	} else if ((r->code = spawn(r, &p, &pid)) == 0) {
		close_one(&p.in[0]);
		close_one(&p.out[1]);
		close_one(&p.err[1]);
		give_input(r, &p);
		ran = attend(r, &p, pid);
	}
	close_all(&p);
	return ran;
}
