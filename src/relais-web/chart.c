/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "relais-web/chart.h"

#include "base/intl.h"
#include "mail/date.h"
#include "relais-web/view.h"
#include "sys/clock_sys.h"

enum { BAR = 40, GAP = 4, HEIGHT = 80, BELOW = 16 }; /* units of the drawing */

void
chart_init(struct chart *c, long long now_s)
{
	*c = (struct chart) { .begin_s = now_s - CHART_BARS * CHART_BAR_S + 1 };
}

void
chart_note(struct chart *c, long long at_s, bool is_lost)
{
	long long i = (at_s - c->begin_s) / CHART_BAR_S;

	if (at_s < c->begin_s || i >= CHART_BARS)
		return;
	(is_lost ? c->lost : c->sent)[i]++;
}

/* "14:05" */
static void
put_clock(struct view *v, long long at_s)
{
	enum { FROM = sizeof("2026-11-29T") - 1, LENGTH = sizeof("14:05") - 1 };
	const struct clock *clock = clock_sys();
	char date[DATE_TEXT_SIZE];

	(void)date_iso(
	    at_s * 1000, clock_utc_offset_s(clock, at_s * 1000), date);
	date[FROM + LENGTH] = '\0';
	html(&v->h, "%s", date + FROM);
}

static void
put_bar(struct view *v, long long x, long long above, long long height,
    const char *class)
{
	html(&v->h,
	    "<rect class=\"%s\" x=\"%lld\" y=\"%lld\" width=\"%lld\" "
	    "height=\"%lld\"/>",
	    class, x, above, (long long)(BAR - GAP), height);
}

/* The failed ones on top of the others; one alone can be seen, too. */
static long long
units(long long n, long long most)
{
	long long h = n * HEIGHT / most;

	return n > 0 && h < 2 ? 2 : h;
}

void
chart_put(struct view *v, const struct chart *c)
{
	struct html *h = &v->h;
	long long sent = 0, lost = 0, most = 1;

	for (int i = 0; i < CHART_BARS; i++) {
		sent += c->sent[i];
		lost += c->lost[i];
		if (c->sent[i] + c->lost[i] > most)
			most = c->sent[i] + c->lost[i];
	}
	html(h, _("<p>%lld delivered, %lld failed.</p>"), sent, lost);
	html(h,
	    "\n<svg class=\"chart\" viewBox=\"0 0 %lld %lld\" role=\"img\" "
	    "aria-label=\"",
	    (long long)CHART_BARS * BAR, (long long)(HEIGHT + BELOW));
	html(h,
	    _("Bars of five minutes each: %lld delivered, %lld failed in the "
	      "last hour, at most %lld in five minutes"),
	    sent, lost, most);
	html(h, "\">\n");
	for (int i = 0; i < CHART_BARS; i++) {
		long long x = i * BAR, s = units(c->sent[i], most),
			  f = units(c->lost[i], most);

		html(h, "<g><title>");
		put_clock(v, c->begin_s + i * CHART_BAR_S);
		html(h, _(": %lld delivered, %lld failed"), c->sent[i],
		    c->lost[i]);
		html(h, "</title>");
		put_bar(v, x, 0, HEIGHT, "room");
		put_bar(v, x, HEIGHT - s, s, "sent");
		put_bar(v, x, HEIGHT - s - f, f, "lost");
		html(h, "</g>\n");
	}
	html(h, "<text x=\"0\" y=\"%lld\">", (long long)(HEIGHT + BELOW - 3));
	put_clock(v, c->begin_s);
	html(h,
	    "</text><text x=\"%lld\" y=\"%lld\" text-anchor=\"end\">%s</text>"
	    "</svg>\n",
	    (long long)CHART_BARS * BAR - GAP, (long long)(HEIGHT + BELOW - 3),
	    _("until now"));
}
