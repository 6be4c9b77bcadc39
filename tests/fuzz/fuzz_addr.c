/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Address lists: whatever the text, each result is a safe address, and the
 * parts borrow from the text. */
#include "tests/fuzz/fuzz.h"

#include <string.h>

#include "mail/addr.h"
#include "mail/addr_list.h"
#include "mail/idna.h"

static void
check_item(const struct addr_item *it, const char *from, const char *to)
{
	struct bytes addr = bytes_str(it->addr), a, b;
	struct buf out;

	FUZZ_REQUIRE(addr_is_safe(addr) && addr.n > 0);
	FUZZ_REQUIRE(it->spec.p >= from && it->spec.p + it->spec.n <= to);
	FUZZ_REQUIRE(
	    it->phrase.n == 0 ||
	    (it->phrase.p >= from && it->phrase.p + it->phrase.n <= to));
	FUZZ_REQUIRE(addr_eq(addr, addr));
	IGNORE(addr_split(addr, &a, &b));
	FUZZ_REQUIRE(a.n + b.n <= addr.n);
	buf_init(&out, 4096);
	addr_item_name(it, &out);
	buf_reset(&out);
	IGNORE(idna_addr(&out, addr));
	buf_clear(&out);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *text = (const char *)data;
	struct addr_list l;

	addr_list_parse(&l, bytes_of(text, size));
	for (size_t i = 0; i < l.n; i++)
		check_item(&l.items[i], text, text + size);
	addr_list_clear(&l);
	IGNORE(addr_is_mailbox(bytes_of(text, size)));
	IGNORE(addr_is_local_name(bytes_of(text, size), "host.example"));
	return 0;
}
