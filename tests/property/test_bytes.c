/* SPDX-License-Identifier: GPL-3.0-or-later */
/* test_bytes.c - every byte value at every position of the commands of a client
 * and of what a spool file says of an envelope: it is refused, or it goes out
 * as one address or one parameter, and never as a second command (R8, R9).
 *
 * Exhaustive: each byte in place of each and in front of each.  What the server
 * engine takes is written to a spool header, read again, and said by the client
 * engine to a server that forgives nothing and counts (strict.h).
 */
#include "tests/lib/check.h"

#include <stdio.h>
#include <stdlib.h>

#include "smtp/smtp_client.h"
#include "smtp/smtp_server.h"
#include "store/store_text.h"
#include "tests/property/strict.h"

enum { STREAM_MAX = 1 << 16, TURNS_MAX = 1000 };

/* --- out: one transaction, counted ---------------------------------------- */

static const char content[] = "Subject: s\r\n\r\nx\r\n";

static void
on_mail(void *ctx, const struct strict_mail *m)
{
	const struct envelope *e = ctx;

	assert_string_equal(m->sender, e->sender);
	assert_int_equal(m->nrcpts, e->nrcpts);
	for (size_t i = 0; i < m->nrcpts; i++)
		assert_string_equal(m->rcpts[i], e->rcpts[i].addr);
	assert_buf(&m->content, content);
}

static bool
carry(struct smtp_client *c, struct strict *s)
{
	const void *p;
	size_t n = smtp_client_peek(c, &p), out = buf_len(&s->out);

	if (n > 0) {
		if (!strict_put(s, p, n))
			fail_msg("%s", s->trouble);
		smtp_client_sent(c, n);
	}
	if (out > 0) {
		smtp_client_put(c, buf_str(&s->out), out);
		buf_drop(&s->out, out);
	}
	return n > 0 || out > 0;
}

static bool
turn(struct smtp_client *c, const struct smtp_job *job)
{
	struct sc_info info;
	enum sc_event ev;
	bool went = false;

	smtp_client_tick(c, 1);
	while ((ev = smtp_client_next(c, &info)) != SC_IDLE) {
		went = true;
		if (ev == SC_READY)
			smtp_client_send(c, job);
		else if (ev == SC_WANT_BODY)
			assert_int_equal(
			    smtp_client_body(c, content, sizeof(content) - 1),
			    sizeof(content) - 1);
		else if (ev == SC_JOB_DONE)
			assert_int_equal(info.verdict.class, VERDICT_OK);
		assert_int_not_equal(ev, SC_CLOSE);
	}
	return went;
}

static void
send_on(struct envelope *e, bool is_utf8)
{
	struct strict_opts server = { true, true, true, true, true, true,
		true };
	struct smtp_client_opts opts = { .ehlo_name = "me", .tls = SC_TLS_OFF };
	struct smtp_job_rcpt rcpts[2];
	struct smtp_job job = { .sender = e->sender,
		.rcpts = rcpts,
		.nrcpts = e->nrcpts,
		.size_bytes = sizeof(content) - 1,
		.is_8bit = e->is_8bit,
		.needs_utf8 = is_utf8,
		.envid = e->envid,
		.ret = e->ret };
	struct smtp_client *c = smtp_client_new(&opts);
	struct strict s;
	bool went = true;

	for (size_t i = 0; i < e->nrcpts; i++)
		rcpts[i] = (struct smtp_job_rcpt) { e->rcpts[i].addr,
			e->rcpts[i].orcpt, e->rcpts[i].notify };
	strict_init(&s, &server, on_mail, e);
	for (int i = 0; went; i++) {
		assert_true(i < TURNS_MAX);
		went = carry(c, &s);
		went = turn(c, &job) || went;
	}
	/* EHLO, MAIL, one RCPT each, BDAT. */
	assert_int_equal(s.ncommands, 3 + e->nrcpts);
	assert_int_equal(s.nmails, 1);
	smtp_client_free(c);
	strict_clear(&s);
}

/* --- the spool ------------------------------------------------------------ */

static void
assert_same(const char *a, const char *b)
{
	if (a == NULL || b == NULL)
		assert_true(a == b);
	else
		assert_string_equal(a, b);
}

static size_t
count_lines(struct bytes b)
{
	size_t n = 0;

	for (size_t i = 0; i < b.n; i++)
		n += b.p[i] == '\n';
	return n;
}

/* Written and read: the same, in as many lines as were expected (0: any). */
static struct envelope *
through_spool(const struct envelope *e, size_t lines)
{
	struct envelope *back;
	struct buf text;
	size_t body;

	buf_init(&text, STREAM_MAX);
	assert_true(store_text_header(&text, STORE_TEXT_MESSAGE, e, 0));
	assert_int_equal(store_text_header_parse(STORE_TEXT_MESSAGE,
			     buf_bytes(&text), &back, &body),
	    STORE_TEXT_OK);
	assert_int_equal(body, buf_len(&text));
	if (lines > 0)
		assert_int_equal(count_lines(buf_bytes(&text)), lines);
	assert_same(back->sender, e->sender);
	assert_same(back->envid, e->envid);
	assert_same(back->user, e->user);
	assert_same(back->peer, e->peer);
	assert_same(back->helo, e->helo);
	assert_same(back->listener, e->listener);
	assert_same(back->account, e->account);
	assert_int_equal(back->ret, e->ret);
	assert_int_equal(back->nrcpts, e->nrcpts);
	for (size_t i = 0; i < e->nrcpts; i++) {
		assert_same(back->rcpts[i].addr, e->rcpts[i].addr);
		assert_same(back->rcpts[i].orcpt, e->rcpts[i].orcpt);
		assert_int_equal(back->rcpts[i].notify, e->rcpts[i].notify);
	}
	buf_clear(&text);
	return back;
}

/* Each text of an envelope, with any byte but NUL, which no string holds. */
static void
R9_no_byte_forges_a_line_of_the_spool(void **state)
{
	static const char base[] = "ab: cd";
	size_t lines = 0;

	(void)state;
	for (int c = 'x'; c < 'x' + 256; c++)
		for (size_t at = 0; at <= sizeof(base) - 1; at++) {
			struct envelope *e = envelope_new(), *back;
			struct rcpt *r;
			char text[16];

			if ((c & 255) == 0) {
				envelope_free(e);
				continue;
			}
			(void)snprintf(text, sizeof(text), "%.*s%c%s", (int)at,
			    base, c & 255, base + at);
			envelope_set(&e->sender, text);
			envelope_set(&e->envid, text);
			envelope_set(&e->user, text);
			envelope_set(&e->peer, text);
			envelope_set(&e->helo, text);
			envelope_set(&e->listener, text);
			envelope_set(&e->account, text);
			r = envelope_add_rcpt(e, text);
			envelope_set(&r->orcpt, text);
			back = through_spool(e, lines);
			if (lines == 0) { /* of the first, which is harmless */
				struct buf b;

				buf_init(&b, STREAM_MAX);
				assert_true(store_text_header(
				    &b, STORE_TEXT_MESSAGE, e, 0));
				lines = count_lines(buf_bytes(&b));
				buf_clear(&b);
			}
			envelope_free(back);
			envelope_free(e);
		}
}

/* --- in ------------------------------------------------------------------- */

struct visit {
	struct smtp_server *s;
	struct envelope *env;
	bool is_utf8, has_ended;
	unsigned nmails;
	struct buf said;
};

static void
on_event(struct visit *v, enum ss_event ev, const struct ss_info *info)
{
	struct rcpt *r;

	switch (ev) {
	case SS_MAIL:
		v->nmails++;
		envelope_free(v->env);
		v->env = envelope_new();
		envelope_set(&v->env->sender, info->addr);
		envelope_set(&v->env->envid, info->mail.envid);
		envelope_set(&v->env->account, info->mail.account);
		envelope_set(&v->env->peer, "unix");
		envelope_set(&v->env->helo, smtp_server_helo(v->s));
		v->env->ret = info->mail.ret;
		v->env->is_8bit = info->mail.is_8bit;
		v->is_utf8 = info->mail.is_utf8;
		smtp_server_reply(v->s, 250, NULL, "ok");
		break;
	case SS_RCPT:
		r = envelope_add_rcpt(v->env, info->addr);
		envelope_set(&r->orcpt, info->rcpt.orcpt);
		r->notify = info->rcpt.notify;
		smtp_server_reply(v->s, 250, NULL, "ok");
		break;
	case SS_END:
		v->has_ended = true;
		smtp_server_reply(v->s, 250, NULL, "ok");
		break;
	case SS_IDLE:
	case SS_COMMAND:
	case SS_BODY:
	case SS_ABORT:
	case SS_CLOSE:
		break;
	}
}

/* Says these bytes; what comes back is in v->said. */
static void
say(struct visit *v, const void *p, size_t n)
{
	struct ss_info info;
	enum ss_event ev;
	const void *out;

	buf_reset(&v->said);
	if (n > 0 && smtp_server_room(v->s) >= n)
		smtp_server_put(v->s, p, n);
	smtp_server_tick(v->s, 1);
	while (
	    (ev = smtp_server_next(v->s, &info)) != SS_IDLE && ev != SS_CLOSE)
		on_event(v, ev, &info);
	while ((n = smtp_server_peek(v->s, &out)) > 0) {
		assert_true(buf_add(&v->said, out, n));
		smtp_server_sent(v->s, n);
	}
}

static void
says(struct visit *v, const char *text)
{
	say(v, text, strlen(text));
}

static bool
is_refused(const struct visit *v)
{
	return buf_len(&v->said) > 0 && buf_str(&v->said)[0] == '5';
}

/* The commands before and behind the one under test. */
struct row {
	const char *before, *command, *behind;
};
static const struct row rows[] = {
	{ "", "EHLO client.example", "MAIL FROM:<a@b>\r\nRCPT TO:<c@d>\r\n" },
	{ "EHLO x\r\n",
	    "MAIL FROM:<us.er@ex.org> SIZE=10 BODY=8BITMIME RET=HDRS "
	    "ENVID=Q+2Bz",
	    "RCPT TO:<c@d>\r\n" },
	{ "EHLO x\r\n",
	    "MAIL FROM:<@r.example:\"q \\\"t\"@[10.0.0.1]> SMTPUTF8 AUTH=<>",
	    "RCPT TO:<c@d>\r\n" },
	{ "EHLO x\r\n", "MAIL FROM:us@ex.org AUTH=a+2Bb XMODE=safe XACCOUNT=w",
	    "RCPT TO:<c@d>\r\n" },
	{ "EHLO x\r\nMAIL FROM:<a@b> SMTPUTF8\r\n",
	    "RCPT TO:<us.er@ex.org> NOTIFY=DELAY,SUCCESS ORCPT=rfc822;a+2Bb@c",
	    "" },
	{ "EHLO x\r\nMAIL FROM:<a@b> SMTPUTF8\r\n",
	    "RCPT TO: < \"a b\"@ex.org. > NOTIFY=NEVER ORCPT=utf-8;\xc3\xb6@c",
	    "" },
};

static unsigned long ntried, nrefused, nsent;

/* No control character in a command is ever taken, wherever it stands; blanks
 * and line ends at its end belong to nobody. */
static bool
must_be_refused(const char *line, size_t n)
{
	while (n > 0 && strchr("\t\r\n ", line[n - 1]) != NULL &&
	       line[n - 1] != '\0')
		n--;
	for (size_t i = 0; i < n; i++)
		if ((unsigned char)line[i] < ' ' || line[i] == 0x7f)
			return true;
	return false;
}

static void
play(const struct row *row, const char *line, size_t n)
{
	static const struct smtp_server_opts opts = { .hostname = "me",
		.may_chunk = true,
		.may_xrelais = true,
		.has_commands = true };
	struct visit v = { .s = smtp_server_new(&opts) };
	struct envelope *back;
	char whole[260];

	buf_init(&v.said, STREAM_MAX);
	says(&v, row->before);
	memcpy(whole, line, n);
	memcpy(whole + n, "\r\n", 2);
	say(&v, whole, n + 2);
	ntried++;
	nrefused += is_refused(&v);
	if (must_be_refused(line, n) && memchr(line, '\n', n) == NULL &&
	    !is_refused(&v)) {
		for (size_t i = 0; i < n; i++)
			(void)fprintf(stderr,
			    line[i] >= ' ' && line[i] <= '~' ? "%c" : "\\x%02x",
			    (unsigned char)line[i]);
		fail_msg("taken: %s", buf_str(&v.said));
	}
	says(&v, row->behind);
	says(&v, "DATA\r\n.\r\n");
	/* A line end in the middle makes two commands of one; whoever sends
	 * that says them both. */
	assert_true(v.nmails <= 2);
	if (v.has_ended) {
		nsent++;
		back = through_spool(v.env, 0);
		send_on(back, v.is_utf8);
		envelope_free(back);
	}
	envelope_free(v.env);
	smtp_server_free(v.s);
	buf_clear(&v.said);
}

static void
R8_no_byte_in_a_command_makes_another(void **state)
{
	(void)state;
	for (size_t r = 0; r < ARRAY_LEN(rows); r++) {
		size_t n = strlen(rows[r].command);
		char line[256];

		for (size_t at = 0; at <= n; at++)
			for (int c = 0; c < 256; c++) {
				memcpy(line, rows[r].command, at);
				line[at] = (char)c;
				memcpy(line + at + 1, rows[r].command + at,
				    n - at);
				play(&rows[r], line, n + 1);
				if (at == n)
					continue;
				memcpy(line + at + 1, rows[r].command + at + 1,
				    n - at - 1);
				play(&rows[r], line, n);
			}
	}
	print_message("%lu commands: %lu refused, %lu messages sent\n", ntried,
	    nrefused, nsent);
	/* It must not be that nothing comes through. */
	assert_true(nsent > ntried / 8 && nrefused > ntried / 8);
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(R9_no_byte_forges_a_line_of_the_spool),
		cmocka_unit_test(R8_no_byte_in_a_command_makes_another),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
