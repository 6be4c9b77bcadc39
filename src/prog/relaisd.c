/* SPDX-License-Identifier: GPL-3.0-or-later */
/* relaisd - the daemon.  See relaisd(8). */
int
main(void)
{
	return 0;
}
