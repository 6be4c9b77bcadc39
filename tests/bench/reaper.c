/* SPDX-License-Identifier: GPL-3.0-or-later */
/* reaper COMMAND... - runs a command so that all that comes of it stays below
 * this process, daemons and orphans included; so their memory can be summed
 * up, and the processor time of those that have ended is kept.
 *
 * Ends when all of them have, with the command's exit status.  SIGTERM is
 * passed on to those that are its own children, orphans too; who has not ended
 * five seconds later is killed.  The last line is "cpu_ms=", what they all have
 * used.
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

enum { PATIENCE_S = 5 };

static volatile sig_atomic_t order; /* 0, SIGTERM, in the end SIGKILL */

static void
on_signal(int sig)
{
	order = sig == SIGALRM ? SIGKILL : SIGTERM;
	(void)alarm(PATIENCE_S);
}

static void
tell_children(int sig)
{
	char path[64];
	FILE *f;
	int pid;

	(void)snprintf(
	    path, sizeof(path), "/proc/self/task/%ld/children", (long)getpid());
	f = fopen(path, "r");
	while (f != NULL && fscanf(f, "%d", &pid) == 1)
		(void)kill(pid, sig);
	if (f != NULL)
		(void)fclose(f); /* only read from */
}

static double
cpu_ms(void)
{
	struct rusage u;

	(void)getrusage(RUSAGE_CHILDREN, &u); /* cannot fail */
	return (double)(u.ru_utime.tv_sec + u.ru_stime.tv_sec) * 1e3 +
	       (double)(u.ru_utime.tv_usec + u.ru_stime.tv_usec) / 1e3;
}

int
main(int argc, char **argv)
{
	struct sigaction sa = { .sa_handler = on_signal };
	int status, ret = EXIT_FAILURE;
	pid_t child, pid;

	if (argc < 2 || prctl(PR_SET_CHILD_SUBREAPER, 1) != 0 ||
	    sigaction(SIGTERM, &sa, NULL) != 0 ||
	    sigaction(SIGALRM, &sa, NULL) != 0) {
		(void)fprintf(stderr, "usage: reaper COMMAND...\n");
		return EXIT_FAILURE;
	}
	child = fork();
	if (child == 0) {
		(void)execvp(argv[1], argv + 1);
		perror(argv[1]);
		_exit(127);
	}
	while ((pid = wait(&status)) > 0 || errno == EINTR) {
		if (pid == child)
			ret = WIFEXITED(status) ? WEXITSTATUS(status) : 1;
		/* Each end may have made others ours. */
		if (order != 0)
			tell_children(order);
	}
	(void)printf("cpu_ms=%.1f\n", cpu_ms());
	return ret;
}
