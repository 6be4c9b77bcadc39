/* SPDX-License-Identifier: GPL-3.0-or-later */
/* import_disk.h - lets import.h read on a real machine: files, postconf(1) and
 * postmap(1), and the spools of other programs.
 *
 * Runs no other program.  Blocks.
 */
#ifndef RELAIS_SETUP_IMPORT_DISK_H
#define RELAIS_SETUP_IMPORT_DISK_H

#include "relais-setup/import.h"

/* home and hostname are borrowed. */
void import_disk(
    struct import_files *ret, const char *home, const char *hostname);

/* The path for "~/x" below home; other paths unchanged.  The caller frees
 * it. */
char *import_path(const struct import_files *files, const char *place);

/* The number of messages that wait in the spools of a program, as far as we may
 * look. */
size_t import_waiting(
    const struct import_program *p, const struct import_files *files);

#endif
