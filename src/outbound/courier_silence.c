/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "outbound/courier_impl.h"

#include "outbound/delivery.h"
#include "smtp/smtp_limits.h"

/* When the connection will be stalled (boot clock).  During the TLS handshake
 * the engine does not know about the wait. */
static int64_t
stalls_at(const struct courier *c)
{
	int64_t ms = c->timing.dialled_ms * SMTP_STALL_ROUNDS;

	if (c->wire.stream == NULL)
		return INT64_MAX; /* dialling has its own patience */
	if (c->wire.smtp != NULL && c->wire.handshake_by == INT64_MAX)
		return smtp_client_stalls_at(c->wire.smtp);
	return c->timing.heard_ms + (ms > SMTP_STALL_MS ? ms : SMTP_STALL_MS);
}

bool
courier_is_stalled(const struct courier *c)
{
	return courier_now_ms(c) >= stalls_at(c);
}

void
courier_note_stall(struct courier *c)
{
	bool is_stalled = courier_is_stalled(c);

	if (is_stalled && !c->timing.was_stalled) {
		pool_stalls(c->pool);
		if (!list_is_empty(&c->deliveries) && !courier_is_past(c) &&
		    !smtp_client_awaits_end(c->wire.smtp))
			delivery_stalls(delivery_of_link(c->deliveries.next));
	}
	c->timing.was_stalled = is_stalled;
}

int64_t
courier_hopeless_at(const struct courier *c)
{
	int64_t since;

	/* Up to the greeting each step has a deadline as short as this. */
	if (c->wire.smtp == NULL || !c->timing.has_greeted ||
	    c->wire.handshake_by != INT64_MAX)
		return INT64_MAX;
	/* Nothing depends on the answer to QUIT. */
	if (c->is_quitting)
		return stalls_at(c);
	since = smtp_client_waits_since(c->wire.smtp);
	if (since == INT64_MAX || smtp_client_awaits_end(c->wire.smtp))
		return INT64_MAX;
	return (c->timing.heard_ms > since ? c->timing.heard_ms : since) +
	       pool_silence_ms(c->pool);
}

void
courier_note_answer(struct courier *c)
{
	int64_t since = smtp_client_waits_since(c->wire.smtp);

	if (!c->is_ready || courier_is_past(c) || since == INT64_MAX ||
	    smtp_client_awaits_end(c->wire.smtp))
		return;
	pool_answered(c->pool,
	    courier_now_ms(c) -
		(since > c->timing.heard_ms ? since : c->timing.heard_ms));
}

int64_t
courier_look_at(const struct courier *c)
{
	const int64_t times[] = { c->wire.smtp != NULL
				      ? smtp_client_overdue_at(c->wire.smtp)
				      : INT64_MAX,
		stalls_at(c), courier_hopeless_at(c) };
	int64_t at = INT64_MAX, now = courier_now_ms(c);

	for (size_t i = 0; i < sizeof(times) / sizeof(times[0]); i++)
		if (times[i] > now && times[i] < at)
			at = times[i];
	return at;
}
