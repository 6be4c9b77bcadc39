/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Any file at all as autoconfig: what comes out is a host with ports, and no
 * text in it can do harm in a configuration or on a terminal. */
#include "tests/fuzz/fuzz.h"

#include <string.h>

#include "relais-setup/autoconfig.h"

static void
check_text(const char *s)
{
	for (; s != NULL && *s != '\0'; s++)
		FUZZ_REQUIRE((unsigned char)*s >= 0x20 && *s != 0x7f);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct autoconfig a;
	struct err err = { 0 };
	char *user;

	if (autoconfig_parse(bytes_of(data, size), &a, &err) != 0) {
		FUZZ_REQUIRE(err.text[0] != '\0');
		return 0;
	}
	FUZZ_REQUIRE(autoconfig_is_host(a.host));
	FUZZ_REQUIRE(a.nports > 0 && a.nports <= CONF_PORTS_MAX);
	for (size_t i = 0; i < a.nports; i++)
		FUZZ_REQUIRE(a.ports[i].port > 0 && a.ports[i].port < 65536 &&
			     a.ports[i].tls != CONF_TLS_OFF);
	FUZZ_REQUIRE(a.takes_password || a.takes_oauth);
	check_text(a.name);
	check_text(a.page);
	user = autoconfig_user(&a, "jane@example.org");
	check_text(user);
	free(user);
	autoconfig_clear(&a);
	return 0;
}
