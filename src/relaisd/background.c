/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "relaisd/background.h"

#include <sys/wait.h>
#include <sysexits.h>
#include <unistd.h>

#include "base/log.h"

int
background_go(void)
{
	int ends[2], status;
	char byte;
	pid_t pid;

	if (pipe(ends) != 0 || (pid = fork()) < 0)
		return -1;
	if (pid == 0) {
		(void)close(ends[0]); /* the parent's */
		(void)setsid(); /* cannot fail in a fresh child */
		return ends[1];
	}
	(void)close(ends[1]); /* the child's */
	if (read(ends[0], &byte, 1) == 1)
		_exit(EX_OK);
	if (waitpid(pid, &status, 0) == pid && WIFEXITED(status))
		_exit(WEXITSTATUS(status));
	_exit(EX_SOFTWARE);
}

void
background_report(int fd)
{
	if (fd < 0)
		return;
	if (write(fd, "+", 1) != 1)
		log_text(LOG_LEVEL_WARNING,
		    "cannot report the start: the parent process is gone");
	(void)close(fd); /* said or not */
}
