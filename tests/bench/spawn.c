/* SPDX-License-Identifier: GPL-3.0-or-later */
/* spawn [-j AT_ONCE] [-r REST_MS] N FILE COMMAND... - runs each command N times
 * with FILE as its standard input.  A command is split at its blanks.
 *
 * One at a time, unless -j says how many at once; then the commands do not take
 * turns but are run after each other.  When they do, what else the machine
 * does falls on all of them alike, and -r gives what a command leaves behind
 * (a delivery) time to end before the next is timed.
 *
 * Where FILE says "0000000000" the number of the run is written there, because
 * a relay may fold equal mails into one.
 *
 * Prints one line each, in milliseconds: median, 5th and 95th percentile, and
 * how often it failed.
 */
#include <fcntl.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { COMMANDS_MAX = 16, WORDS_MAX = 32, AT_ONCE_MAX = 64 };

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

/* Finds the place for the number, once, and puts the next one there. */
static void
number_input(const char *input)
{
	static int fd = -1, number;
	static off_t at = -1;
	char text[4096] = "", digits[16];

	if (fd < 0) {
		fd = open(input, O_RDWR | O_CLOEXEC);
		if (fd >= 0 && pread(fd, text, sizeof(text) - 1, 0) > 0 &&
		    strstr(text, "0000000000") != NULL)
			at = strstr(text, "0000000000") - text;
	}
	(void)snprintf(digits, sizeof(digits), "%010d", ++number);
	if (at >= 0 && pwrite(fd, digits, 10, at) != 10)
		perror(input);
}

static pid_t
start(const struct command *c, const char *input)
{
	posix_spawn_file_actions_t fa;
	pid_t pid = -1;

	(void)posix_spawn_file_actions_init(&fa);
	(void)posix_spawn_file_actions_addopen(
	    &fa, STDIN_FILENO, input, O_RDONLY, 0);
	if (posix_spawn(&pid, c->words[0], &fa, NULL, c->words, environ) != 0)
		pid = -1;
	(void)posix_spawn_file_actions_destroy(&fa);
	return pid;
}

static void
run(struct command *c, const char *input, int i)
{
	int status = -1;
	double begun;
	pid_t pid;

	number_input(input);
	begun = now_ms();
	pid = start(c, input);
	if (pid < 0 || waitpid(pid, &status, 0) != pid || status != 0)
		c->failed++;
	c->ms[i] = now_ms() - begun;
}

/* Turns: every command once, and again. */
static void
run_in_turns(
    struct command *c, int count, const char *input, int n, int rest_ms)
{
	const struct timespec rest = { rest_ms / 1000,
		(long)(rest_ms % 1000) * 1000000 };

	for (int i = 0; i < n; i++)
		for (int k = 0; k < count; k++) {
			run(&c[k], input, i);
			if (rest_ms > 0)
				(void)nanosleep(&rest, NULL);
		}
}

struct running {
	pid_t pid; /* 0: a free place */
	double begun;
};

/* Waits for one of them and frees its place. */
static void
end_one(struct command *c, struct running *r, int at_once, int i)
{
	int status = -1, k = 0;
	pid_t pid = waitpid(-1, &status, 0);

	while (k < at_once && r[k].pid != pid)
		k++;
	if (pid <= 0 || k == at_once)
		return;
	c->ms[i] = now_ms() - r[k].begun;
	c->failed += status != 0;
	r[k].pid = 0;
}

static void
run_at_once(struct command *c, const char *input, int n, int at_once)
{
	struct running r[AT_ONCE_MAX] = { { 0 } };
	int ended = 0;

	for (int i = 0; i < n; i++) {
		int k = 0;

		number_input(input);
		if (i >= at_once)
			end_one(c, r, at_once, ended++);
		while (k < at_once - 1 && r[k].pid != 0)
			k++;
		r[k].begun = now_ms();
		r[k].pid = start(c, input);
	}
	while (ended < n)
		end_one(c, r, at_once, ended++);
}

static int
by_size(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return x < y ? -1 : x > y;
}

static void
split(struct command *c, char *arg, int n)
{
	int w = 0;

	c->name = strdup(arg);
	for (char *at = strtok(arg, " "); at != NULL && w < WORDS_MAX;
	     at = strtok(NULL, " "))
		c->words[w++] = at;
	c->ms = calloc((size_t)n, sizeof(*c->ms));
}

static void
tell(const struct command *c, int n)
{
	qsort(c->ms, (size_t)n, sizeof(*c->ms), by_size);
	(void)printf("p50=%.3f p5=%.3f p95=%.3f failed=%d %s\n", c->ms[n / 2],
	    c->ms[n * 5 / 100], c->ms[n * 95 / 100], c->failed, c->name);
}

int
main(int argc, char **argv)
{
	static struct command commands[COMMANDS_MAX];
	int at_once = 1, rest_ms = 0, option, n, count = 0;

	while ((option = getopt(argc, argv, "+j:r:")) != -1)
		*(option == 'j' ? &at_once : &rest_ms) = atoi(optarg);
	n = argc - optind > 2 ? atoi(argv[optind]) : 0;
	if (n <= 0 || argc - optind - 2 > COMMANDS_MAX || at_once < 1 ||
	    at_once > AT_ONCE_MAX) {
		(void)fprintf(stderr, "usage: spawn [-j AT_ONCE] [-r REST_MS] "
				      "N FILE COMMAND...\n");
		return EXIT_FAILURE;
	}
	for (char **arg = argv + optind + 2; *arg != NULL; arg++)
		split(&commands[count++], *arg, n);
	if (at_once == 1)
		run_in_turns(commands, count, argv[optind + 1], n, rest_ms);
	else
		for (int k = 0; k < count; k++)
			run_at_once(&commands[k], argv[optind + 1], n, at_once);
	for (int k = 0; k < count; k++)
		tell(&commands[k], n);
	return EXIT_SUCCESS;
}
