/* SPDX-License-Identifier: GPL-3.0-or-later */
/* port_owner.h - who has the TCP port that we wanted.
 *
 * Reads /proc.  The name of the process can be told only if we may look at its
 * descriptors; else the sentence says how to find out.  Blocks a moment; for
 * the start of the program.
 */
#ifndef NET_PORT_OWNER_H
#define NET_PORT_OWNER_H

struct err;

/* Fills err, class ERR_BUSY. */
void port_owner_tell(const char *host, int port, struct err *err);

#endif
