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
    struct port_memory *m, const struct account_port *ports, size_t n)
{
	assert(n > 0 && n <= ACCOUNT_PORTS_MAX);
	*m = (struct port_memory) { .n = n };
	for (size_t i = 0; i < n; i++)
		m->ports[i].at = ports[i];
}

const struct account_port *
port_memory_current(const struct port_memory *m)
{
	return &m->ports[m->current].at;
}

bool
port_memory_has_next(const struct port_memory *m)
{
	return m->tried + 1 < m->n;
}

bool
port_memory_worked(struct port_memory *m, int64_t now_s)
{
	bool is_news = m->ports[m->current].fault != PORT_WORKS ||
		       m->first != m->current;

	m->ports[m->current].fault = PORT_WORKS;
	m->ports[m->current].when_s = now_s;
	m->first = m->current;
	m->tried = 0;
	return is_news;
}

/* The port after this one in order of preference, the first one skipped
 * because the round began there. */
static size_t
next_port(const struct port_memory *m)
{
	size_t i = m->tried == 1 ? 0 : m->current + 1;

	return i == m->first ? i + 1 : i;
}

bool
port_memory_failed(struct port_memory *m, enum port_fault why, int64_t now_s)
{
	m->ports[m->current].fault = why;
	m->ports[m->current].when_s = now_s;
	m->tried++;
	if (m->tried >= m->n) {
		m->tried = 0;
		m->current = m->first;
		return false;
	}
	m->current = next_port(m);
	return true;
}

void
port_memory_text(const struct port_memory *m, struct buf *to)
{
	for (size_t i = 0; i < m->n; i++)
		IGNORE(buf_addf(to, "%s%d %s", i > 0 ? ", " : "",
		    m->ports[i].at.port,
		    faults[m->ports[i].fault].text)); /* cut when full */
}

void
port_memory_save(const struct port_memory *m, struct buf *to)
{
	for (size_t i = 0; i < m->n; i++)
		IGNORE(buf_addf(to, "%d %s %" PRId64 "\n", m->ports[i].at.port,
		    faults[m->ports[i].fault].word,
		    m->ports[i].when_s)); /* cut when full */
}

static void
load_line(struct port_memory *m, struct bytes line)
{
	struct bytes port = bytes_cut(&line, ' ');
	struct bytes word = bytes_cut(&line, ' ');
	uint64_t number, when;

	if (!num_u64_max(port, 65535, &number) ||
	    !num_u64_max(line, INT64_MAX, &when))
		return;
	for (size_t i = 0; i < m->n; i++) {
		if ((uint64_t)m->ports[i].at.port != number)
			continue;
		for (int f = 0; f < PORT_FAULTS; f++)
			if (bytes_eq(word, faults[f].word)) {
				m->ports[i].fault = (enum port_fault)f;
				m->ports[i].when_s = (int64_t)when;
			}
		if (m->ports[i].fault == PORT_WORKS)
			m->first = m->current = i;
	}
}

void
port_memory_load(struct port_memory *m, struct bytes saved)
{
	while (saved.n > 0)
		load_line(m, bytes_cut(&saved, '\n'));
}
