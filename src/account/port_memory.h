/* SPDX-License-Identifier: GPL-3.0-or-later */
/* port_memory.h - remembers through which port a provider can be reached, past
 * port filters.
 *
 * An account has one port, or several in order of preference.  A round begins
 * with the port that worked last.  If a port is filtered, refused, or answered
 * by something other than the provider, the round continues with the next one,
 * but never with a port in clear text.  The result is kept across restarts and
 * shown by relais(1).
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
	PORT_REFUSED, /* the connection was refused: closed or filtered */
	PORT_RESET, /* connected, then cut */
	PORT_NO_GREETING, /* connected, then silence */
	PORT_NOT_SMTP, /* connected to something else */
	PORT_NO_TLS, /* STARTTLS is missing, or TLS does not start */
	PORT_CERTIFICATE, /* the certificate is not the provider's */
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
	size_t current; /* the port of this round that is tried now */
	size_t tried; /* ports tried in this round */
};

void port_memory_init(
    struct port_memory *m, const struct account_port *ports, size_t n);

const struct account_port *port_memory_current(const struct port_memory *m);
/* True: this round has more ports, so do not wait long for the current one. */
bool port_memory_has_next(const struct port_memory *m);

/* The current port led to the provider; the next round begins with it.  True:
 * this is new and should be saved. */
bool port_memory_worked(struct port_memory *m, int64_t now_s);
/* The current port did not lead to the provider.  True: port_memory_current()
 * is another port, to be tried at once.  False: the round is over; the next one
 * begins with the port that worked last. */
bool port_memory_failed(
    struct port_memory *m, enum port_fault why, int64_t now_s);

/* For people: "465 filtered (nobody answered), 587 works". */
void port_memory_text(const struct port_memory *m, struct buf *to);

/* Saves one line per port; reads them, matched by port number.  Lines that make
 * no sense are skipped. */
void port_memory_save(const struct port_memory *m, struct buf *to);
void port_memory_load(struct port_memory *m, struct bytes saved);

#endif
