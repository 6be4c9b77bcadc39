/* SPDX-License-Identifier: GPL-3.0-or-later */
/* floor DIR - the least that keeps a mail: standard input into a file, synced,
 * renamed, the directory synced. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static int
keep(int dir, const char *from, const char *to)
{
	char piece[65536];
	ssize_t n;
	int fd = openat(dir, from, O_WRONLY | O_CREAT | O_EXCL, 0600);

	if (fd < 0)
		return -1;
	while ((n = read(STDIN_FILENO, piece, sizeof(piece))) > 0)
		if (write(fd, piece, (size_t)n) != n)
			return -1;
	if (n < 0 || fsync(fd) != 0 || close(fd) != 0 ||
	    renameat(dir, from, dir, to) != 0)
		return -1;
	return fsync(dir);
}

int
main(int argc, char **argv)
{
	char from[32], to[32];
	int dir = argc == 2 ? open(argv[1], O_RDONLY | O_DIRECTORY) : -1;

	(void)snprintf(from, sizeof(from), "t%ld", (long)getpid());
	(void)snprintf(to, sizeof(to), "m%ld", (long)getpid());
	if (dir < 0 || keep(dir, from, to) != 0) {
		perror("floor");
		return EXIT_FAILURE;
	}
	return EXIT_SUCCESS;
}
