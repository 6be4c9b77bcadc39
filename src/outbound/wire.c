/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "outbound/wire.h"

#include <stdio.h>

#include "base/must.h"
#include "base/str.h"
#include "net/loop.h"
#include "net/stream.h"

static int64_t
now_ms(const struct wire *w)
{
	return loop_now_ms(w->login.loop);
}

void
wire_init(struct wire *w, struct loop *l, struct account *account,
    const char *host, void (*go_on)(void *ctx), void *ctx)
{
	*w = (struct wire) { .login = { .loop = l,
				 .account = account,
				 .go_on = go_on,
				 .ctx = ctx },
		.host = host,
		.handshake_by = INT64_MAX };
}

void
wire_clear(struct wire *w, int64_t linger_ms)
{
	courier_login_clear(&w->login);
	smtp_client_free(w->smtp);
	stream_finish(w->stream, linger_ms);
}

void
wire_connected(struct wire *w, struct stream *s)
{
	w->stream = w->login.stream = s;
	(void)snprintf(w->who, sizeof(w->who), "%s[%s]:%d", w->host,
	    stream_peer_host(s), stream_peer_port(s));
	(void)snprintf(w->login.literal, sizeof(w->login.literal), "%s",
	    stream_local_literal(s));
}

int
wire_start_tls(
    struct wire *w, struct tls_ctx *ctx, int64_t patience_ms, struct err *err)
{
	if (stream_start_tls(w->stream, ctx, w->host, err) != 0)
		return -1;
	w->handshake_by = now_ms(w) + patience_ms;
	return 0;
}

enum wire_handshake
wire_handshake(struct wire *w)
{
	if (w->handshake_by == INT64_MAX)
		return WIRE_READY;
	if (stream_error(w->stream) != NULL || stream_at_eof(w->stream))
		return WIRE_BROKEN;
	if (!stream_tls_is_up(w->stream))
		return now_ms(w) >= w->handshake_by ? WIRE_TIMED_OUT
						    : WIRE_WAITS;
	w->handshake_by = INT64_MAX;
	if (w->smtp != NULL)
		smtp_client_tls_up(w->smtp);
	return WIRE_TLS_UP;
}

void
wire_begin(struct wire *w, struct smtp_client_opts *opts,
    struct account_opts *o, int port)
{
	courier_login_names(&w->login, o, opts);
	w->smtp = w->login.smtp = smtp_client_new(opts);
	courier_login_begin(&w->login, o, port);
	smtp_client_tick(w->smtp, now_ms(w));
}

bool
wire_has_input(struct wire *w)
{
	const void *p;

	return smtp_client_room(w->smtp) > 0 && stream_peek(w->stream, &p) > 0;
}

bool
wire_take(struct wire *w)
{
	const struct err *e;
	size_t room = smtp_client_room(w->smtp), n = 0;
	const void *p;

	if (room > 0 && (n = stream_peek(w->stream, &p)) > 0) {
		if (n > room)
			n = room;
		smtp_client_put(w->smtp, p, n);
		stream_used(w->stream, n);
	}
	smtp_client_unsent(w->smtp, stream_unsent(w->stream));
	e = stream_error(w->stream);
	if (e != NULL)
		smtp_client_eof(w->smtp, e->text);
	else if (stream_at_eof(w->stream))
		smtp_client_eof(w->smtp, "the server closed the connection");
	return n > 0;
}

bool
wire_give(struct wire *w)
{
	const void *p;
	bool went = false;
	size_t n;

	while ((n = smtp_client_peek(w->smtp, &p)) > 0 &&
	       (n = stream_write(w->stream, p, n)) > 0) {
		smtp_client_sent(w->smtp, n);
		went = true;
	}
	return went;
}

enum sc_event
wire_next(struct wire *w, bool is_logged_in, struct sc_info *ret)
{
	enum sc_event ev = smtp_client_next(w->smtp, ret);

	if (ev == SC_IDLE)
		return ev;
	IGNORE(str_copy(ret->verdict.who, sizeof(ret->verdict.who),
	    bytes_str(w->who))); /* of the same size */
	ret->verdict.is_logged_in = is_logged_in;
	return ev;
}
