/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "mail/idna.h"

#include <idn2.h>
#include <stdlib.h>

#include "base/str.h"
#include "base/xalloc.h"
#include "mail/addr.h"

bool
idna_domain(struct buf *to, struct bytes domain)
{
	uint8_t *ascii = NULL;
	char *utf8;
	bool ok;

	if (str_is_ascii(domain))
		return buf_add(to, domain.p, domain.n);
	/* libidn2 leaves ASCII characters alone that no name may hold. */
	if (!addr_domain_is_name(domain))
		return false;
	utf8 = xstrndup(domain.p, domain.n);
	ok = idn2_lookup_u8((const uint8_t *)utf8, &ascii,
		 IDN2_NFC_INPUT | IDN2_NONTRANSITIONAL) == IDN2_OK;
	free(utf8);
	if (!ok)
		return false;
	ok = buf_adds(to, (const char *)ascii);
	idn2_free(ascii);
	return ok;
}

bool
idna_addr(struct buf *to, struct bytes addr)
{
	size_t before = buf_len(to);
	struct bytes local, domain;

	if (!addr_split(addr, &local, &domain))
		return buf_add(to, addr.p, addr.n);
	if (buf_add(to, local.p, local.n) && buf_addc(to, '@') &&
	    idna_domain(to, domain))
		return true;
	buf_truncate(to, before);
	return false;
}
