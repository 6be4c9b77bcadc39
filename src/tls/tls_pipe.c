/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tls/tls_pipe.h"

#include <arpa/inet.h>
#include <assert.h>
#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <gnutls/gnutls.h>

#include "base/xalloc.h"
#include "tls/tls_ctx.h"
#include "tls/tls_inside.h"
#include "tls/tls_verify.h"

enum {
	/* One read of the socket beside a record that is not complete yet. */
	IN_MAX = 128 * 1024,
	/* What the driver may have waiting, and the handshake on top. */
	OUT_MAX = 512 * 1024,
	BINDING_SIZE = 32 /* RFC 9266 section 2 */
};

enum state { SHAKING, UP, ENDED, BROKEN };

struct tls_pipe {
	struct tls_ctx *ctx;
	gnutls_session_t session;
	char *name; /* NULL: server */
	struct buf in; /* ciphertext not yet taken by the library */
	struct buf out; /* ciphertext for the peer */
	enum state state;
	bool is_transport_eof;
	bool is_clean_eof;
	bool is_upgraded;
	bool has_begun; /* the peer's first byte was looked at */
	bool has_offered_ticket;
	bool is_refused; /* why: certificate or pin */
	struct err *why; /* while BROKEN */
	char binding[BINDING_SIZE];
};

/* --- the library's transport -------------------------------------------- */

static ssize_t
on_pull(gnutls_transport_ptr_t p, void *to, size_t n)
{
	struct tls_pipe *t = p;

	if (buf_len(&t->in) == 0) {
		if (t->is_transport_eof)
			return 0;
		gnutls_transport_set_errno(t->session, EAGAIN);
		return -1;
	}
	if (n > buf_len(&t->in))
		n = buf_len(&t->in);
	memcpy(to, buf_str(&t->in), n);
	buf_drop(&t->in, n);
	return (ssize_t)n;
}

static int
on_pull_timeout(gnutls_transport_ptr_t p, unsigned ms)
{
	struct tls_pipe *t = p;

	(void)ms; /* nothing here waits */
	return buf_len(&t->in) > 0 || t->is_transport_eof;
}

static ssize_t
on_push(gnutls_transport_ptr_t p, const void *from, size_t n)
{
	struct tls_pipe *t = p;

	if (buf_add(&t->out, from, n))
		return (ssize_t)n;
	/* Only a peer that makes us answer endlessly gets here. */
	gnutls_transport_set_errno(t->session, EMSGSIZE);
	return -1;
}

/* --- failing ------------------------------------------------------------ */

static const char *
peer_name(const struct tls_pipe *t)
{
	return t->name != NULL ? t->name : "the client";
}

static int
fail_again(const struct tls_pipe *t, struct err *err)
{
	if (err != NULL)
		*err = *t->why;
	return -1;
}

/* Keeps the sentence: every later call gives it again. */
static int
broken(struct tls_pipe *t, const struct err *why, struct err *err)
{
	if (t->why == NULL) {
		t->why = xmalloc(sizeof(*t->why));
		*t->why = *why;
	}
	if (t->state == SHAKING && t->name != NULL)
		tls_ctx_drop_ticket(t->ctx); /* may have been the cause */
	t->state = BROKEN;
	buf_clear(&t->in);
	return fail_again(t, err);
}

static void
tell_alert(const struct tls_pipe *t, struct err *why)
{
	gnutls_alert_description_t a = gnutls_alert_get(t->session);
	const char *words = gnutls_alert_get_name(a);

	if (a == GNUTLS_A_PROTOCOL_VERSION)
		(void)err_set(why, ERR_TLS,
		    "%s offers only TLS versions older than 1.2, which are no "
		    "longer safe",
		    peer_name(t));
	else
		(void)err_set(why, ERR_TLS, "%s refused TLS with the alert: %s",
		    peer_name(t), words != NULL ? words : "unknown");
}

static void
tell_library(const struct tls_pipe *t, int rc, struct err *why)
{
	switch (rc) {
	case GNUTLS_E_FATAL_ALERT_RECEIVED:
		tell_alert(t, why);
		break;
	case GNUTLS_E_UNSUPPORTED_VERSION_PACKET:
		(void)err_set(why, ERR_TLS,
		    "%s offers only TLS versions older than 1.2, which are no "
		    "longer safe",
		    peer_name(t));
		break;
	case GNUTLS_E_PREMATURE_TERMINATION:
		(void)err_set(why, ERR_TLS,
		    "%s closed the connection during the TLS handshake",
		    peer_name(t));
		break;
	default:
		(void)err_set(why, ERR_TLS, "TLS with %s failed: %s",
		    peer_name(t), gnutls_strerror(rc));
		break;
	}
}

static int
library_failed(struct tls_pipe *t, int rc, struct err *err)
{
	struct err why;

	if (t->why != NULL) { /* reported by on_verify() */
		/* Tells the peer why, in the library's words; best effort. */
		(void)gnutls_alert_send(
		    t->session, GNUTLS_AL_FATAL, GNUTLS_A_BAD_CERTIFICATE);
		return broken(t, t->why, err);
	}
	tell_library(t, rc, &why);
	(void)gnutls_alert_send_appropriate(t->session, rc); /* best effort */
	return broken(t, &why, err);
}

/* --- verifying ---------------------------------------------------------- */

static int
check_pin(struct tls_pipe *t, struct err *err)
{
	struct buf pin;
	int rc = 0;

	buf_init(&pin, 128);
	if (tls_verify_pin(t->session, &pin) != 0)
		rc = err_set(err, ERR_TLS,
		    "%s presents no readable certificate", t->name);
	else if (!tls_ctx_has_pin(t->ctx, buf_str(&pin)))
		rc = err_set(err, ERR_CERTIFICATE,
		    "the key of %s does not match tls_pin; the server presents "
		    "%s",
		    t->name, buf_str(&pin));
	buf_clear(&pin);
	return rc;
}

/* Called as soon as the server's certificate is there: a wrong server gets
 * nothing, not even the client certificate. */
static int
on_verify(gnutls_session_t session)
{
	struct tls_pipe *t = gnutls_session_get_ptr(session);
	struct err why;
	int rc;

	if (t->name == NULL) {
		unsigned status = 0;

		if (!tls_ctx_asks(t->ctx))
			return 0;
		rc = gnutls_certificate_verify_peers2(session, &status);
		return rc == 0 && status == 0 ? 0 : GNUTLS_E_CERTIFICATE_ERROR;
	}
	rc = tls_ctx_has_pins(t->ctx)
		 ? check_pin(t, &why)
		 : tls_verify_session(session, t->name, time(NULL), &why);
	/* The first of an authority; the next ones find it. */
	if (rc != 0 && !tls_ctx_has_pins(t->ctx) &&
	    tls_ctx_trust(t->ctx, session))
		rc = tls_verify_session(session, t->name, time(NULL), &why);
	if (rc == 0)
		return 0;
	t->why = xmalloc(sizeof(*t->why));
	*t->why = why;
	return GNUTLS_E_CERTIFICATE_ERROR;
}

/* --- resuming ----------------------------------------------------------- */

static void
keep_ticket(struct tls_pipe *t)
{
	gnutls_datum_t d = { NULL, 0 };

	if (gnutls_session_get_data2(t->session, &d) != 0)
		return; /* the next connection shakes hands in full */
	tls_ctx_put_ticket(t->ctx, t->name, &d);
	explicit_bzero(d.data, d.size);
	gnutls_free(d.data);
}

/* TLS 1.3 sends tickets after the handshake, at any time. */
static int
on_ticket(gnutls_session_t session, unsigned type, unsigned when,
    unsigned incoming, const gnutls_datum_t *msg)
{
	struct tls_pipe *t = gnutls_session_get_ptr(session);

	(void)type;
	(void)when;
	(void)msg;
	if (incoming != 0 && t->state == UP &&
	    gnutls_protocol_get_version(session) == GNUTLS_TLS1_3)
		keep_ticket(t);
	return 0;
}

static void
offer_ticket(struct tls_pipe *t)
{
	gnutls_datum_t d;

	if (!tls_ctx_ticket(t->ctx, t->name, &d))
		return;
	if (gnutls_session_set_data(t->session, d.data, d.size) == 0)
		t->has_offered_ticket = true;
	else
		tls_ctx_drop_ticket(t->ctx); /* too old */
}

/* --- life --------------------------------------------------------------- */

static bool
is_address(const char *name)
{
	unsigned char a[16];

	return inet_pton(AF_INET, name, a) == 1 ||
	       inet_pton(AF_INET6, name, a) == 1;
}

static void
set_up_client(struct tls_pipe *t)
{
	/* RFC 6066 section 3: no addresses in SNI.  Without SNI, which only
	 * an impossible name can cause, verification still decides. */
	if (!is_address(t->name))
		IGNORE(gnutls_server_name_set(
		    t->session, GNUTLS_NAME_DNS, t->name, strlen(t->name)));
	gnutls_handshake_set_hook_function(t->session,
	    GNUTLS_HANDSHAKE_NEW_SESSION_TICKET, GNUTLS_HOOK_POST, on_ticket);
	offer_ticket(t);
}

static void
set_up_server(struct tls_pipe *t)
{
	gnutls_certificate_server_set_request(t->session,
	    tls_ctx_asks(t->ctx) ? GNUTLS_CERT_REQUIRE : GNUTLS_CERT_IGNORE);
	/* Without tickets there is no resumption. */
	IGNORE(gnutls_session_ticket_enable_server(
	    t->session, tls_ctx_ticket_key(t->ctx)));
}

static int
set_up_session(struct tls_pipe *t, struct err *err)
{
	unsigned side = t->name != NULL ? GNUTLS_CLIENT : GNUTLS_SERVER;
	int rc = gnutls_init(
	    &t->session, side | GNUTLS_NONBLOCK | GNUTLS_NO_SIGNAL);

	if (rc == 0)
		rc = gnutls_priority_set(t->session, tls_ctx_priority(t->ctx));
	if (rc == 0)
		rc = gnutls_credentials_set(t->session, GNUTLS_CRD_CERTIFICATE,
		    tls_ctx_credentials(t->ctx));
	if (rc != 0)
		return err_set(err, ERR_TLS, "TLS cannot be set up: %s",
		    gnutls_strerror(rc));
	gnutls_session_set_ptr(t->session, t);
	gnutls_transport_set_ptr(t->session, t);
	gnutls_transport_set_pull_function(t->session, on_pull);
	gnutls_transport_set_pull_timeout_function(t->session, on_pull_timeout);
	gnutls_transport_set_push_function(t->session, on_push);
	gnutls_session_set_verify_function(t->session, on_verify);
	if (t->name != NULL)
		set_up_client(t);
	else
		set_up_server(t);
	return 0;
}

int
tls_pipe_new(struct tls_ctx *ctx, const char *name, struct tls_pipe **ret,
    struct err *err)
{
	struct tls_pipe *t;

	assert(tls_ctx_is_server(ctx) == (name == NULL));
	if (tls_ctx_take(ctx, err) != 0)
		return -1;
	t = xcalloc(1, sizeof(*t));
	t->ctx = ctx;
	t->name = xstrdup(name);
	buf_init(&t->in, IN_MAX);
	buf_init(&t->out, OUT_MAX);
	if (set_up_session(t, err) != 0) {
		tls_pipe_free(t);
		return -1;
	}
	*ret = t;
	return 0;
}

void
tls_pipe_free(struct tls_pipe *t)
{
	if (t == NULL)
		return;
	if (t->session != NULL)
		gnutls_deinit(t->session);
	tls_ctx_give(t->ctx);
	buf_clear(&t->in);
	buf_clear(&t->out);
	explicit_bzero(t->binding, sizeof(t->binding));
	free(t->why);
	free(t->name);
	free(t);
}

void
tls_pipe_upgraded(struct tls_pipe *t)
{
	t->is_upgraded = true;
}

/* --- running ------------------------------------------------------------ */

static bool
is_over_for_now(int rc)
{
	return rc == GNUTLS_E_AGAIN || rc == GNUTLS_E_INTERRUPTED;
}

int
tls_pipe_run(struct tls_pipe *t, struct err *err)
{
	int rc;

	if (t->state == BROKEN)
		return fail_again(t, err);
	if (t->state != SHAKING)
		return 0;
	do
		rc = gnutls_handshake(t->session);
	while (rc < 0 && !is_over_for_now(rc) && !gnutls_error_is_fatal(rc));
	if (rc < 0)
		return is_over_for_now(rc) ? 0 : library_failed(t, rc, err);
	t->state = UP;
	if (t->name != NULL &&
	    gnutls_protocol_get_version(t->session) != GNUTLS_TLS1_3)
		keep_ticket(t);
	return 0;
}

/* Every TLS record begins with its type, 20 to 23.  A letter or a digit means
 * that the port greets in clear; the library would only speak of an unexpected
 * packet. */
static int
check_first_byte(struct tls_pipe *t, const char *p, struct err *err)
{
	struct err why;

	if (t->has_begun || (*p >= 20 && *p <= 23)) {
		t->has_begun = true;
		return 0;
	}
	if (t->name != NULL && !t->is_upgraded && *p >= ' ' && *p <= '~')
		(void)err_set(&why, ERR_TLS,
		    "%s does not begin with TLS on this port but speaks clear "
		    "text first; set tls = starttls, or use the port for "
		    "implicit TLS (465)",
		    t->name);
	else
		(void)err_set(
		    &why, ERR_TLS, "%s does not speak TLS here", peer_name(t));
	return broken(t, &why, err);
}

int
tls_pipe_put(struct tls_pipe *t, const void *p, size_t n, struct err *err)
{
	struct err why;

	if (t->state == BROKEN)
		return fail_again(t, err);
	if (n > 0 && check_first_byte(t, p, err) != 0)
		return -1;
	if (!buf_add(&t->in, p, n)) {
		(void)err_set(&why, ERR_TLS,
		    "%s sent more data than can be processed", peer_name(t));
		return broken(t, &why, err);
	}
	return tls_pipe_run(t, err);
}

void
tls_pipe_eof(struct tls_pipe *t)
{
	t->is_transport_eof = true;
}

size_t
tls_pipe_peek(struct tls_pipe *t, const void **ret_p)
{
	*ret_p = buf_str(&t->out);
	return buf_len(&t->out);
}

void
tls_pipe_sent(struct tls_pipe *t, size_t n)
{
	buf_drop(&t->out, n);
}

void
tls_pipe_rest(struct tls_pipe *t)
{
	if (buf_len(&t->out) == 0)
		buf_clear(&t->out);
}

bool
tls_pipe_is_up(const struct tls_pipe *t)
{
	return t->state == UP || t->state == ENDED;
}

static void
end_reading(struct tls_pipe *t, bool is_clean)
{
	t->is_clean_eof = is_clean;
	if (t->state == UP)
		t->state = ENDED;
}

/* The library says "again" not only when it needs more bytes but also after a
 * session ticket or a key update, with the next record already here. */
static ssize_t
receive(struct tls_pipe *t, void *p, size_t n)
{
	size_t before;
	ssize_t rc;

	do {
		before = buf_len(&t->in);
		rc = gnutls_record_recv(t->session, p, n);
	} while (rc < 0 && !gnutls_error_is_fatal((int)rc) &&
		 buf_len(&t->in) < before);
	return rc;
}

/* Asking the library costs as much when there is nothing. */
static bool
has_nothing(const struct tls_pipe *t)
{
	return buf_len(&t->in) == 0 && !t->is_transport_eof &&
	       gnutls_record_check_pending(t->session) == 0;
}

size_t
tls_pipe_read(struct tls_pipe *t, void *p, size_t n)
{
	ssize_t rc;

	if (t->state != UP || n == 0)
		return 0;
	rc = has_nothing(t) ? GNUTLS_E_AGAIN : receive(t, p, n);
	if (rc > 0)
		return (size_t)rc;
	if (buf_len(&t->in) == 0)
		buf_clear(&t->in); /* an idle pipe keeps no buffer */
	if (rc == 0)
		end_reading(t, true);
	else if (rc == GNUTLS_E_PREMATURE_TERMINATION)
		end_reading(t, false);
	else if (gnutls_error_is_fatal((int)rc))
		IGNORE(library_failed(t, (int)rc, NULL)); /* told by the next */
	return 0;
}

bool
tls_pipe_at_eof(const struct tls_pipe *t)
{
	return t->state == ENDED;
}

int
tls_pipe_write(struct tls_pipe *t, const void *p, size_t n, struct err *err)
{
	const char *from = p;
	ssize_t rc;

	if (t->state == BROKEN)
		return fail_again(t, err);
	assert(tls_pipe_is_up(t));
	/* The library has given up the session then. */
	if (t->state == ENDED && !t->is_clean_eof)
		return err_set(
		    err, ERR_NETWORK, "%s closed the connection", peer_name(t));
	while (n > 0) {
		rc = gnutls_record_send(t->session, from, n);
		if (rc < 0)
			return library_failed(t, (int)rc, err);
		from += rc;
		n -= (size_t)rc;
	}
	return 0;
}

void
tls_pipe_bye(struct tls_pipe *t)
{
	/* Best effort: an end without it is understood too (R71). */
	if (tls_pipe_is_up(t))
		IGNORE(gnutls_bye(t->session, GNUTLS_SHUT_WR));
}

/* --- what was agreed ---------------------------------------------------- */

const char *
tls_pipe_version(const struct tls_pipe *t)
{
	gnutls_protocol_t v = gnutls_protocol_get_version(t->session);

	return v == GNUTLS_TLS1_3   ? "TLSv1.3"
	       : v == GNUTLS_TLS1_2 ? "TLSv1.2"
				    : "TLS";
}

int64_t
tls_pipe_expires_s(const struct tls_pipe *t)
{
	return tls_verify_expires_s(t->session);
}

bool
tls_pipe_was_resumed(const struct tls_pipe *t)
{
	return gnutls_session_is_resumed(t->session) != 0;
}

bool
tls_pipe_offered_ticket(const struct tls_pipe *t)
{
	return t->has_offered_ticket;
}

const char *
tls_pipe_binding(struct tls_pipe *t, struct bytes *ret)
{
	static const char label[] = "EXPORTER-Channel-Binding";

	*ret = bytes_of(t->binding, 0);
	if (!tls_pipe_is_up(t) ||
	    gnutls_protocol_get_version(t->session) != GNUTLS_TLS1_3 ||
	    gnutls_prf_rfc5705(t->session, strlen(label), label, 0, NULL,
		sizeof(t->binding), t->binding) != 0)
		return "";
	*ret = bytes_of(t->binding, sizeof(t->binding));
	return "tls-exporter";
}
