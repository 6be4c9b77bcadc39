/* SPDX-License-Identifier: GPL-3.0-or-later */
/* terminal.h - how wide lines on standard output may be.
 *
 * Does not block.
 */
#ifndef SYS_TERMINAL_H
#define SYS_TERMINAL_H

#include <stddef.h>

/* The columns of the terminal, or COLUMNS in the environment if it is set.  0:
 * no terminal, so lines may have any length. */
size_t terminal_columns(void);

#endif
