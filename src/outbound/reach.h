/* SPDX-License-Identifier: GPL-3.0-or-later */
/* reach.h - through which port a provider can be reached, past port filters.
 *
 * An account has one port or several in order of preference.  A round begins
 * with the port that worked last and goes on to the next when a port is
 * filtered, refused, or answered by something that is not the provider; never
 * to clear text.  What was found is kept as text across restarts and shown by
 * relais(1).
 *
 * A value without I/O.
 */
#ifndef OUTBOUND_REACH_H
#define OUTBOUND_REACH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "smtp/smtp_client.h"

enum { REACH_PORTS_MAX = 8 };

enum reach_fault {
	REACH_UNTRIED = 0,
	REACH_WORKS,
	REACH_SILENT, /* nobody answered: filtered */
	REACH_REFUSED, /* somebody answered no: closed or filtered */
	REACH_RESET, /* connected, then cut */
	REACH_NO_GREETING, /* connected, then silence */
	REACH_NOT_SMTP, /* connected to something else */
	REACH_NO_TLS, /* STARTTLS was taken out, or TLS does not start */
	REACH_CERTIFICATE, /* somebody else's certificate */
	REACH_FAULTS
};

struct reach_port {
	int port;
	enum sc_tls tls;
};

struct reach {
	struct {
		struct reach_port at;
		enum reach_fault fault;
		int64_t when_s; /* wall clock; 0: never tried */
	} ports[REACH_PORTS_MAX];
	size_t n;
	size_t first; /* where a round begins */
	size_t current; /* of this round */
	size_t tried; /* ports tried in this round */
};

void reach_init(struct reach *r, const struct reach_port *ports, size_t n);

const struct reach_port *reach_current(const struct reach *r);
/* More ports are left to try in this round, so do not wait long for this. */
bool reach_has_next(const struct reach *r);

/* This port led to the provider: the next round begins here.  True: that is
 * news worth keeping. */
bool reach_worked(struct reach *r, int64_t now_s);
/* This port did not.  True: reach_current() is now another port to try at
 * once; false: the round is over, and the next begins where one worked. */
bool reach_failed(struct reach *r, enum reach_fault why, int64_t now_s);

/* For people: "465 filtered (nobody answered), 587 works". */
void reach_text(const struct reach *r, struct buf *to);
const char *reach_fault_text(enum reach_fault f);

/* One line per port, to be kept; and back, matching ports by number.  Lines
 * that make no sense are skipped. */
void reach_save(const struct reach *r, struct buf *to);
void reach_load(struct reach *r, struct bytes saved);

#endif
