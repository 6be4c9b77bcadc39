/* SPDX-License-Identifier: GPL-3.0-or-later */
/* spawn N FILE COMMAND [-- COMMAND]... - runs each command N times with FILE
 * as its standard input, taking turns, so that what else the machine does
 * falls on all of them alike.  A command is split at its blanks.  Prints one
 * line each: median and 95th percentile in milliseconds, and how often it
 * failed.
 */
#include <fcntl.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { COMMANDS_MAX = 16, WORDS_MAX = 32 };

struct command {
	char *name, *words[WORDS_MAX + 1];
	double *ms;
	int failed;
};

static double
now_ms(void)
{
	struct timespec ts;

	(void)clock_gettime(CLOCK_MONOTONIC, &ts); /* cannot fail */
	return (double)ts.tv_sec * 1e3 + (double)ts.tv_nsec / 1e6;
}

static void
run(struct command *c, const char *input, int i)
{
	posix_spawn_file_actions_t fa;
	double begun = now_ms();
	int status = -1;
	pid_t pid;

	(void)posix_spawn_file_actions_init(&fa);
	(void)posix_spawn_file_actions_addopen(
	    &fa, STDIN_FILENO, input, O_RDONLY, 0);
	if (posix_spawn(&pid, c->words[0], &fa, NULL, c->words, environ) != 0 ||
	    waitpid(pid, &status, 0) != pid || status != 0)
		c->failed++;
	c->ms[i] = now_ms() - begun;
	(void)posix_spawn_file_actions_destroy(&fa);
}

static int
by_size(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return x < y ? -1 : x > y;
}

int
main(int argc, char **argv)
{
	static struct command commands[COMMANDS_MAX];
	int n = argc > 3 ? atoi(argv[1]) : 0, count = 0;

	if (n <= 0 || argc - 3 > COMMANDS_MAX) {
		(void)fprintf(stderr, "usage: spawn N FILE COMMAND...\n");
		return EXIT_FAILURE;
	}
	for (char **arg = argv + 3; *arg != NULL; arg++, count++) {
		struct command *c = &commands[count];
		char *at = c->name = strdup(*arg);
		int w = 0;

		for (at = strtok(*arg, " "); at != NULL && w < WORDS_MAX;
		     at = strtok(NULL, " "))
			c->words[w++] = at;
		c->ms = calloc((size_t)n, sizeof(*c->ms));
	}
	for (int i = 0; i < n; i++)
		for (int k = 0; k < count; k++)
			run(&commands[k], argv[2], i);
	for (int k = 0; k < count; k++) {
		struct command *c = &commands[k];

		qsort(c->ms, (size_t)n, sizeof(*c->ms), by_size);
		(void)printf("p50=%.3f p95=%.3f failed=%d %s\n", c->ms[n / 2],
		    c->ms[n * 95 / 100], c->failed, c->name);
	}
	return EXIT_SUCCESS;
}
