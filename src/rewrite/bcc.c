/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "rewrite/bcc.h"

#include "base/str.h"
#include "mail/field_name.h"

void
bcc_remove(struct header *h)
{
	for (size_t i = header_find(h, NULL, 0); i != HEADER_NONE;
	     i = header_find(h, NULL, i + 1)) {
		struct bytes name = header_at(h, i).name;

		if (field_name_is_bcc(name) ||
		    bytes_eq_nocase(name, "Return-Path"))
			header_remove(h, i);
	}
}
