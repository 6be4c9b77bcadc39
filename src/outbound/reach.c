/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "outbound/reach.h"

#include <assert.h>
#include <inttypes.h>
#include <string.h>

#include "base/must.h"
#include "base/num.h"
#include "base/str.h"

static const struct {
	const char *word; /* in the saved state */
	const char *text; /* for people */
} faults[REACH_FAULTS] = {
	[REACH_UNTRIED] = { "untried", "not tried" },
	[REACH_WORKS] = { "works", "works" },
	[REACH_SILENT] = { "silent", "filtered (nobody answered)" },
	[REACH_REFUSED] = { "refused", "refused" },
	[REACH_RESET] = { "reset", "cut off (reset after connecting)" },
	[REACH_NO_GREETING] = { "no-greeting", "silent after connecting" },
	[REACH_NOT_SMTP] = { "not-smtp", "answered by something else" },
	[REACH_NO_TLS] = { "no-tls", "without TLS (STARTTLS stripped?)" },
	[REACH_CERTIFICATE] = { "certificate", "a foreign certificate" },
};

void
reach_init(struct reach *r, const struct reach_port *ports, size_t n)
{
	assert(n > 0 && n <= REACH_PORTS_MAX);
	*r = (struct reach) { .n = n };
	for (size_t i = 0; i < n; i++)
		r->ports[i].at = ports[i];
}

const struct reach_port *
reach_current(const struct reach *r)
{
	return &r->ports[r->current].at;
}

bool
reach_has_next(const struct reach *r)
{
	return r->tried + 1 < r->n;
}

bool
reach_worked(struct reach *r, int64_t now_s)
{
	bool is_news = r->ports[r->current].fault != REACH_WORKS ||
		       r->first != r->current;

	r->ports[r->current].fault = REACH_WORKS;
	r->ports[r->current].when_s = now_s;
	r->first = r->current;
	r->tried = 0;
	return is_news;
}

/* The port after this one in order of preference, the first one skipped
 * because the round began there. */
static size_t
next_port(const struct reach *r)
{
	size_t i = r->tried == 1 ? 0 : r->current + 1;

	return i == r->first ? i + 1 : i;
}

bool
reach_failed(struct reach *r, enum reach_fault why, int64_t now_s)
{
	r->ports[r->current].fault = why;
	r->ports[r->current].when_s = now_s;
	r->tried++;
	if (r->tried >= r->n) {
		r->tried = 0;
		r->current = r->first;
		return false;
	}
	r->current = next_port(r);
	return true;
}

const char *
reach_fault_text(enum reach_fault f)
{
	return faults[f].text;
}

void
reach_text(const struct reach *r, struct buf *to)
{
	for (size_t i = 0; i < r->n; i++)
		IGNORE(buf_addf(to, "%s%d %s", i > 0 ? ", " : "",
		    r->ports[i].at.port,
		    faults[r->ports[i].fault].text)); /* cut when full */
}

void
reach_save(const struct reach *r, struct buf *to)
{
	for (size_t i = 0; i < r->n; i++)
		IGNORE(buf_addf(to, "%d %s %" PRId64 "\n", r->ports[i].at.port,
		    faults[r->ports[i].fault].word,
		    r->ports[i].when_s)); /* cut when full */
}

static void
load_line(struct reach *r, struct bytes line)
{
	struct bytes port = bytes_cut(&line, ' ');
	struct bytes word = bytes_cut(&line, ' ');
	uint64_t number, when;

	if (!num_u64_max(port, 65535, &number) ||
	    !num_u64_max(line, INT64_MAX, &when))
		return;
	for (size_t i = 0; i < r->n; i++) {
		if ((uint64_t)r->ports[i].at.port != number)
			continue;
		for (int f = 0; f < REACH_FAULTS; f++)
			if (bytes_eq(word, faults[f].word)) {
				r->ports[i].fault = (enum reach_fault)f;
				r->ports[i].when_s = (int64_t)when;
			}
		if (r->ports[i].fault == REACH_WORKS)
			r->first = r->current = i;
	}
}

void
reach_load(struct reach *r, struct bytes saved)
{
	while (saved.n > 0)
		load_line(r, bytes_cut(&saved, '\n'));
}
