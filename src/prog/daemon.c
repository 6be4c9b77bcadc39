/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "prog/daemon.h"

#include <sysexits.h>

int
daemon_main(const struct daemon_args *args)
{
	(void)args;
	return EX_UNAVAILABLE;
}
