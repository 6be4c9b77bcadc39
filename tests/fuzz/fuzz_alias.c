/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Any file of aliases: problems are sentences that a terminal may show, and
 * what a name leads to are safe addresses. */
#include "tests/fuzz/fuzz.h"

#include <string.h>

#include "conf/alias.h"
#include "conf/conf.h"
#include "mail/addr.h"
#include "mail/addr_list.h"

static void
check_name(const struct aliases *a, const char *name)
{
	const struct alias_opts o = { .hosts = { "box.example" },
		.admin = "admin@example.org" };
	struct addr_list to;

	memset(&to, 0, sizeof(to));
	(void)alias_is_name(a, name);
	if (alias_resolve(a, &o, name, &to))
		FUZZ_REQUIRE(to.n > 0);
	for (size_t i = 0; i < to.n; i++)
		FUZZ_REQUIRE(addr_is_safe(bytes_str(to.items[i].addr)));
	addr_list_clear(&to);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct conf_problems problems = { NULL, 0 };
	struct aliases *a = alias_parse(
	    "aliases", bytes_of(data, size), &problems);

	for (size_t i = 0; i < problems.n; i++)
		fuzz_sentence(problems.v[i].text);
	check_name(a, "root");
	check_name(a, "a");
	check_name(a, "b@box.example");
	check_name(a, "b+tag@localhost");
	check_name(a, "x@example.org");
	conf_problems_clear(&problems);
	alias_free(a);
	return 0;
}
