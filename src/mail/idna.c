/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "mail/idna.h"

#include <idn2.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "base/xalloc.h"
#include "mail/addr.h"

bool
idna_domain(struct buf *to, struct bytes domain)
{
	uint8_t *ascii = NULL;
	char *utf8;
	size_t n;
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
	n = strlen((const char *)ascii);
	/* An ideographic full stop at the end is a dot now. */
	n -= n > 1 && ascii[n - 1] == '.' && domain.p[domain.n - 1] != '.';
	/* So may be a full-width colon. */
	ok = addr_domain_is_name(bytes_of((const char *)ascii, n)) &&
	     buf_add(to, (const char *)ascii, n);
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
