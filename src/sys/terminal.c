/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "sys/terminal.h"

#include <stdint.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "base/num.h"

size_t
terminal_columns(void)
{
	const char *columns = getenv("COLUMNS");
	struct winsize size;
	uint64_t n;

	if (columns != NULL && num_u64_max(bytes_str(columns), 10000, &n))
		return (size_t)n;
	if (isatty(STDOUT_FILENO) == 1 &&
	    ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0)
		return size.ws_col;
	return 0;
}
