/* SPDX-License-Identifier: GPL-3.0-or-later */
/* port_memory.h - through which port a provider can be reached, past port
 * filters.
 *
 * An account has one port or several in order of preference.  A round begins
 * with the port that worked last and goes on to the next when a port is
 * filtered, refused, or answered by something that is not the provider; never
 * to clear text.  What was found is kept as text across restarts and shown by
 * relais(1).
 *
 * A value without I/O.
 */
#ifndef ACCOUNT_PORT_MEMORY_H
#define ACCOUNT_PORT_MEMORY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "smtp/smtp_client.h"

enum { ACCOUNT_PORTS_MAX = 8 };

enum port_fault {
	PORT_UNTRIED = 0,
	PORT_WORKS,
	PORT_SILENT, /* nobody answered: filtered */
	PORT_REFUSED, /* somebody answered no: closed or filtered */
	PORT_RESET, /* connected, then cut */
	PORT_NO_GREETING, /* connected, then silence */
	PORT_NOT_SMTP, /* connected to something else */
	PORT_NO_TLS, /* STARTTLS was taken out, or TLS does not start */
	PORT_CERTIFICATE, /* somebody else's certificate */
	PORT_FAULTS
};

struct account_port {
	int port;
	enum sc_tls tls;
};

struct port_memory {
	struct {
		struct account_port at;
		enum port_fault fault;
		int64_t when_s; /* wall clock; 0: never tried */
	} ports[ACCOUNT_PORTS_MAX];
	size_t n;
	size_t first; /* where a round begins */
	size_t current; /* of this round */
	size_t tried; /* ports tried in this round */
};

void port_memory_init(
    struct port_memory *m, const struct account_port *ports, size_t n);

const struct account_port *port_memory_current(const struct port_memory *m);
/* More ports are left to try in this round, so do not wait long for this. */
bool port_memory_has_next(const struct port_memory *m);

/* This port led to the provider: the next round begins here.  True: that is
 * news worth keeping. */
bool port_memory_worked(struct port_memory *m, int64_t now_s);
/* This port did not.  True: port_memory_current() is now another port to try at
 * once; false: the round is over, and the next begins where one worked. */
bool port_memory_failed(
    struct port_memory *m, enum port_fault why, int64_t now_s);

/* For people: "465 filtered (nobody answered), 587 works". */
void port_memory_text(const struct port_memory *m, struct buf *to);

/* One line per port, to be kept; and back, matching ports by number.  Lines
 * that make no sense are skipped. */
void port_memory_save(const struct port_memory *m, struct buf *to);
void port_memory_load(struct port_memory *m, struct bytes saved);

#endif
