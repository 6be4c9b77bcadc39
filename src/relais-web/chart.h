/* SPDX-License-Identifier: GPL-3.0-or-later */
/* chart.h - the last hour as bars, an SVG within the page.
 *
 * No I/O.
 */
#ifndef RELAIS_WEB_CHART_H
#define RELAIS_WEB_CHART_H

#include <stdbool.h>

struct view;

enum { CHART_BARS = 12, CHART_BAR_S = 300 };

struct chart {
	long long begin_s; /* begin of the first bar, since 1970 */
	long long sent[CHART_BARS], lost[CHART_BARS];
};

/* An empty chart of the hour that ends at now_s. */
void chart_init(struct chart *c, long long now_s);
/* Counts a message that was sent, or (is_lost) was not.  Times outside the
 * chart are ignored. */
void chart_note(struct chart *c, long long at_s, bool is_lost);
void chart_put(struct view *v, const struct chart *c);

#endif
