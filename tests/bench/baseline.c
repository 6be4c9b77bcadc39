/* SPDX-License-Identifier: GPL-3.0-or-later */
/* baseline DIR [COUNT] - the least that keeps a mail: standard input into a
 * file, synced, renamed, the directory synced.  With COUNT so many times in a
 * row, and the line "rate=" says how many a second. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

static int
keep(int dir, const char *text, size_t n, const char *from, const char *to)
{
	int fd = openat(dir, from, O_WRONLY | O_CREAT | O_EXCL, 0600);

	if (fd < 0 || write(fd, text, n) != (ssize_t)n || fsync(fd) != 0 ||
	    close(fd) != 0 || renameat(dir, from, dir, to) != 0)
		return -1;
	return fsync(dir);
}

static double
now_s(void)
{
	struct timespec ts;

	(void)clock_gettime(CLOCK_MONOTONIC, &ts); /* cannot fail */
	return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

int
main(int argc, char **argv)
{
	static char text[65536];
	int dir = argc > 1 ? open(argv[1], O_RDONLY | O_DIRECTORY) : -1;
	int count = argc > 2 ? atoi(argv[2]) : 1;
	ssize_t n = read(STDIN_FILENO, text, sizeof(text));
	double begun = now_s();
	char from[48], to[48];

	for (int i = 0; i < count; i++) {
		(void)snprintf(
		    from, sizeof(from), "t%ld.%d", (long)getpid(), i);
		(void)snprintf(to, sizeof(to), "m%ld.%d", (long)getpid(), i);
		if (n < 0 || dir < 0 ||
		    keep(dir, text, (size_t)n, from, to) != 0) {
			perror("baseline");
			return EXIT_FAILURE;
		}
	}
	if (argc > 2)
		(void)printf("rate=%.1f\n", count / (now_s() - begun));
	return EXIT_SUCCESS;
}
