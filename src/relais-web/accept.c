/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "relais-web/accept.h"

#include <string.h>

#include "base/ascii.h"
#include "base/str.h"

enum { WHOLE = 1000 };

/* "q=0.8" as thousandths; what is no weight counts as 0. */
static int
weight(struct bytes b)
{
	int w = 0, unit = WHOLE;

	if (b.n == 0)
		return WHOLE;
	if (b.n < 3 || (b.p[0] | 0x20) != 'q' || b.p[1] != '=' ||
	    (b.p[2] != '0' && b.p[2] != '1') || b.n > sizeof("q=0.123") - 1 ||
	    (b.n > 3 && b.p[3] != '.'))
		return 0;
	if (b.p[2] == '1')
		return WHOLE;
	for (size_t i = 4; i < b.n; i++) {
		if (!ascii_is_digit(b.p[i]))
			return 0;
		unit /= 10;
		w += (b.p[i] - '0') * unit;
	}
	return w;
}

size_t
accept_language(const char *field, const char *const *offered, size_t n)
{
	struct bytes rest = bytes_str(field);
	size_t best = 0;
	int most = 0;

	while (rest.n > 0) {
		struct bytes item = bytes_cut(&rest, ',');
		struct bytes range = bytes_cut(&item, ';');
		struct bytes tag = bytes_trim(bytes_cut(&range, '-'));
		int w = weight(bytes_trim(item));

		for (size_t i = 0; i < n; i++)
			if (w > most && bytes_eq_nocase(tag, offered[i])) {
				most = w;
				best = i;
			}
	}
	return best;
}
