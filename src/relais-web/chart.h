/* SPDX-License-Identifier: GPL-3.0-or-later */
/* chart.h - the last hour as bars, an SVG within the page. */
#ifndef RELAIS_WEB_CHART_H
#define RELAIS_WEB_CHART_H

#include <stdbool.h>

struct view;

enum { CHART_BARS = 12, CHART_BAR_S = 300 };

struct chart {
	long long begin_s; /* since 1970; of the first bar */
	long long sent[CHART_BARS], lost[CHART_BARS];
};

/* Ends at now_s. */
void chart_init(struct chart *c, long long now_s);
/* Something came to its end: moments outside the chart do not count. */
void chart_note(struct chart *c, long long at_s, bool is_lost);
void chart_put(struct view *v, const struct chart *c);

#endif
