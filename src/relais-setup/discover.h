/* SPDX-License-Identifier: GPL-3.0-or-later */
/* discover.h - finds the submission server of an email address.
 *
 * Sources, best first: a preset for the domain; the domain's own autoconfig
 * file; its SRV records (RFC 6186, RFC 8314); the mail server of the domain,
 * looked up in the presets; Mozilla's database, shipped and on the network; a
 * guess.  All are queried at the same time, and the best one with a result
 * wins, after five seconds at most.
 *
 * Files are fetched only over https with a verified certificate, with at most
 * three redirections, all https, and 64 KiB.  Only the domain is sent, not the
 * address.  Results are not proven: the caller shows them, and asks before it
 * sends a secret to a host that is neither in the domain nor in a preset.
 *
 * Blocks, up to five seconds.
 */
#ifndef RELAIS_SETUP_DISCOVER_H
#define RELAIS_SETUP_DISCOVER_H

#include <stdbool.h>

#include "base/err.h"
#include "base/must.h"
#include "conf/provider.h"

enum { DISCOVER_MS = 5000 };

enum discover_source {
	DISCOVER_PRESET = 0, /* by domain */
	DISCOVER_AUTOCONFIG,
	DISCOVER_SRV,
	DISCOVER_MX,
	DISCOVER_MOZILLA,
	DISCOVER_GUESS
};

/* Owned strings; preset is borrowed. */
struct discovery {
	enum discover_source source;
	char *from; /* "its MX is mx00.ionos.de", for people */
	const struct provider *preset; /* or NULL, and then: */
	char *host;
	struct conf_port ports[CONF_PORTS_MAX];
	size_t nports;
	char *user; /* NULL: the address */
	bool is_oauth; /* the server takes no password */
	char *name, *page; /* or NULL */
};

struct discover_opts {
	const char *address;
	const struct providers *presets;
	const struct providers *mozilla; /* the converted database, or NULL */
};

/* -1: nothing was found; err says which sources were queried (ERR_CONFIG), or
 * that no name server answers (ERR_NETWORK). */
int discover(const struct discover_opts *opts, struct discovery *ret,
    struct err *err) MUST_CHECK;
void discovery_clear(struct discovery *d);

/* "SRV", "MX" ...: for JSON. */
const char *discover_source_name(enum discover_source s);

/* True: the server's name ends in the domain of the address. */
bool discovery_is_own_host(const char *host, const char *address);

#endif
