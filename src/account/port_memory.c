/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "account/port_memory.h"

#include <assert.h>
#include <inttypes.h>
#include <string.h>

#include "base/must.h"
#include "base/num.h"
#include "base/str.h"

static const struct {
	const char *word; /* in the saved state */
	const char *text; /* for people */
} faults[PORT_FAULTS] = {
	[PORT_UNTRIED] = { "untried", "not tried" },
	[PORT_WORKS] = { "works", "works" },
	[PORT_SILENT] = { "silent", "filtered (no answer)" },
	[PORT_REFUSED] = { "refused", "refused" },
	[PORT_RESET] = { "reset", "cut off (reset after connecting)" },
	[PORT_NO_GREETING] = { "no-greeting", "silent after connecting" },
	[PORT_NOT_SMTP] = { "not-smtp", "answered by something else" },
	[PORT_NO_TLS] = { "no-tls", "without TLS (STARTTLS stripped?)" },
	[PORT_CERTIFICATE] = { "certificate",
	    "a certificate of another server" },
};

void
port_memory_init(
    struct port_memory *r, const struct account_port *ports, size_t n)
{
	assert(n > 0 && n <= ACCOUNT_PORTS_MAX);
	*r = (struct port_memory) { .n = n };
	for (size_t i = 0; i < n; i++)
		r->ports[i].at = ports[i];
}

const struct account_port *
port_memory_current(const struct port_memory *r)
{
	return &r->ports[r->current].at;
}

bool
port_memory_has_next(const struct port_memory *r)
{
	return r->tried + 1 < r->n;
}

bool
port_memory_worked(struct port_memory *r, int64_t now_s)
{
	bool is_news = r->ports[r->current].fault != PORT_WORKS ||
		       r->first != r->current;

	r->ports[r->current].fault = PORT_WORKS;
	r->ports[r->current].when_s = now_s;
	r->first = r->current;
	r->tried = 0;
	return is_news;
}

/* The port after this one in order of preference, the first one skipped
 * because the round began there. */
static size_t
next_port(const struct port_memory *r)
{
	size_t i = r->tried == 1 ? 0 : r->current + 1;

	return i == r->first ? i + 1 : i;
}

bool
port_memory_failed(struct port_memory *r, enum port_fault why, int64_t now_s)
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

void
port_memory_text(const struct port_memory *r, struct buf *to)
{
	for (size_t i = 0; i < r->n; i++)
		IGNORE(buf_addf(to, "%s%d %s", i > 0 ? ", " : "",
		    r->ports[i].at.port,
		    faults[r->ports[i].fault].text)); /* cut when full */
}

void
port_memory_save(const struct port_memory *r, struct buf *to)
{
	for (size_t i = 0; i < r->n; i++)
		IGNORE(buf_addf(to, "%d %s %" PRId64 "\n", r->ports[i].at.port,
		    faults[r->ports[i].fault].word,
		    r->ports[i].when_s)); /* cut when full */
}

static void
load_line(struct port_memory *r, struct bytes line)
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
		for (int f = 0; f < PORT_FAULTS; f++)
			if (bytes_eq(word, faults[f].word)) {
				r->ports[i].fault = (enum port_fault)f;
				r->ports[i].when_s = (int64_t)when;
			}
		if (r->ports[i].fault == PORT_WORKS)
			r->first = r->current = i;
	}
}

void
port_memory_load(struct port_memory *r, struct bytes saved)
{
	while (saved.n > 0)
		load_line(r, bytes_cut(&saved, '\n'));
}
