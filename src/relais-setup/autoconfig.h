/* SPDX-License-Identifier: GPL-3.0-or-later */
/* autoconfig.h - reads the file with which a domain, or Mozilla's database,
 * names its submission server (draft-ietf-mailmaint-autoconfig).
 *
 * Only submission servers with TLS and a login are used.  The file comes from
 * the network: a DOCTYPE, and with it entities, is refused; invalid host names
 * are dropped.
 *
 * Pure.
 */
#ifndef RELAIS_SETUP_AUTOCONFIG_H
#define RELAIS_SETUP_AUTOCONFIG_H

#include <stdbool.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/must.h"
#include "conf/conf.h"

enum { AUTOCONFIG_MAX = 64 * 1024 };

/* Owned strings. */
struct autoconfig {
	char *host; /* lower case */
	struct conf_port ports[CONF_PORTS_MAX]; /* of that host */
	size_t nports; /* at least 1 */
	char *user; /* with %EMAILADDRESS% and the like; NULL: not said */
	bool takes_password, takes_oauth;
	char *name; /* of the provider, or NULL */
	char *page; /* documentation, https, or NULL */
	struct conf_list domains;
};

/* -1 (ERR_INPUT): err has one sentence; *ret is untouched. */
int autoconfig_parse(
    struct bytes xml, struct autoconfig *ret, struct err *err) MUST_CHECK;
void autoconfig_clear(struct autoconfig *a);

/* The login name for this address; the caller frees it. */
char *autoconfig_user(const struct autoconfig *a, const char *address);

/* True: two or more labels of letters, digits and hyphens, 253 bytes at
 * most. */
bool autoconfig_is_host(const char *text);

#endif
