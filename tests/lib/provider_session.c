/* SPDX-License-Identifier: GPL-3.0-or-later */
/* One conversation of the throw-away provider. */
#include <assert.h>
#include <fcntl.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/num.h"
#include "base/str.h"
#include "base/xalloc.h"
#include "ctl/ctl_json.h"
#include "mail/addr.h"
#include "mail/header.h"
#include "net/loop.h"
#include "net/stream.h"
#include "tests/lib/provider.h"
#include "tests/lib/rules.h"
#include "tls/tls_pipe.h"

enum { LINGER_MS = 2000 };

/* An answer that waits for its time (--delay-ms). */
struct answer {
	int code; /* 0: none waits */
	char enhanced[16];
	char text[600];
};

struct session {
	struct list link;
	struct provider *p;
	struct stream *stream;
	struct smtp_server *smtp;
	struct ss_login login;
	struct sasl_server *sasl; /* from the first AUTH on */
	struct loop_timer *timer; /* of the engine */
	struct loop_timer *pause; /* of the answer */
	struct answer answer;
	char mechanism[32];
	bool is_waiting_tls;
	bool is_hung; /* says nothing any more */
	bool is_closing;
	bool is_cut; /* closing without another byte */

	/* The message under way. */
	char *sender;
	json_t *rcpts;
	uint64_t size_bytes;
	struct header *header; /* with rules only */
	FILE *file;
	bool in_body;
	int64_t nmails; /* transactions begun on this connection */
};

static void drive(struct session *s);

/* Takes over the line. */
static void
say_event(const struct provider *p, json_t *line)
{
	assert(line != NULL);
	if (p->out != NULL) {
		(void)json_dumpf(line, p->out, JSON_COMPACT);
		(void)fputc('\n', p->out);
	}
	json_decref(line);
}

/* --- the message ---------------------------------------------------------- */

static void
forget_message(struct session *s)
{
	free(s->sender);
	s->sender = NULL;
	json_decref(s->rcpts);
	s->rcpts = NULL;
	header_free(s->header);
	s->header = NULL;
	if (s->file != NULL)
		(void)fclose(s->file);
	s->file = NULL;
	s->size_bytes = 0;
	s->in_body = false;
}

static void
file_name(const struct provider *p, const char *suffix, char out[32])
{
	(void)snprintf(out, 32, "%04lu.%s", p->messages + 1, suffix);
}

static FILE *
open_file(const struct provider *p, const char *suffix)
{
	char name[32];
	int fd;

	if (p->store_dirfd < 0)
		return NULL;
	file_name(p, suffix, name);
	fd = openat(p->store_dirfd, name,
	    O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	return fd < 0 ? NULL : fdopen(fd, "w");
}

/* The body grows under a name of its session and gets its number at the end,
 * so that sessions side by side do not mix. */
static void
part_name(const struct session *s, char out[64])
{
	(void)snprintf(out, 64, "part-%p", (const void *)s);
}

static void
write_body(struct session *s, struct bytes b)
{
	if (s->file == NULL && s->p->store_dirfd >= 0) {
		char name[64];
		int fd;

		part_name(s, name);
		fd = openat(s->p->store_dirfd, name,
		    O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
		if (fd >= 0)
			s->file = fdopen(fd, "w");
	}
	s->size_bytes += b.n;
	s->in_body = true;
	if (s->file != NULL && fwrite(b.p, 1, b.n, s->file) != b.n)
		perror("provider: write");
}

static void
write_envelope(const struct session *s)
{
	FILE *f = open_file(s->p, "env");
	const json_t *rcpt;
	size_t i;

	if (f == NULL)
		return;
	(void)fprintf(f, "sender: <%s>\n", s->sender);
	json_array_foreach(s->rcpts, i, rcpt)(void)
	    fprintf(f, "recipient: <%s>\n", json_string_value(rcpt));
	(void)fclose(f);
}

/* One line about each transaction that was taken. */
static void
tell_message(const struct session *s)
{
	struct tls_pipe *tls = stream_tls(s->stream);
	const char *user = NULL;
	struct timespec now;
	json_t *line;

	if (s->sasl != NULL)
		user = sasl_server_user(s->sasl);
	(void)clock_gettime(CLOCK_REALTIME, &now); /* cannot fail */
	line = json_pack(
	    "{s:s, s:i, s:I, s:o, s:O, s:I, s:o, s:s, s:s?, s:s?, s:s?}",
	    "event", "message", "number", (int)s->p->messages, "at_us",
	    (json_int_t)now.tv_sec * 1000000 + now.tv_nsec / 1000, "sender",
	    ctl_json_text(s->sender), "recipients", s->rcpts, "size",
	    (json_int_t)s->size_bytes, "helo",
	    ctl_json_text(smtp_server_helo(s->smtp)), "with",
	    ss_login_with(&s->login), "tls",
	    tls != NULL ? tls_pipe_version(tls) : NULL, "mechanism",
	    user != NULL ? s->mechanism : NULL, "user", user);
	say_event(s->p, line);
}

static void
keep_message(struct session *s)
{
	write_envelope(s);
	if (s->file != NULL) {
		char from[64], to[32];

		(void)fclose(s->file);
		s->file = NULL;
		part_name(s, from);
		file_name(s->p, "eml", to);
		if (renameat(s->p->store_dirfd, from, s->p->store_dirfd, to) !=
		    0)
			perror("provider: rename");
	}
	s->p->messages++;
	s->p->nrcpts += json_array_size(s->rcpts);
	tell_message(s);
}

/* --- answers -------------------------------------------------------------- */

static void
say(struct session *s, int code, const char *enhanced, const char *text)
{
	struct answer *a = &s->answer;

	if (s->p->delay_ms == 0) {
		smtp_server_reply(s->smtp, code, enhanced, text);
		return;
	}
	a->code = code;
	(void)snprintf(a->enhanced, sizeof(a->enhanced), "%s",
	    enhanced != NULL ? enhanced : "");
	(void)snprintf(a->text, sizeof(a->text), "%s", text);
	loop_timer_set(s->pause, loop_now_ms(s->p->loop) + s->p->delay_ms);
}

static void
on_pause_over(void *ctx)
{
	struct session *s = ctx;
	struct answer a = s->answer;

	s->answer.code = 0;
	if (a.code == 0 || s->is_closing)
		return;
	smtp_server_reply(s->smtp, a.code, a.enhanced, a.text);
	drive(s);
}

static void
cut(struct session *s)
{
	s->is_closing = s->is_cut = true;
}

/* So many lines of one reply. */
static void
flood(struct session *s, const struct fault *f)
{
	char line[64];
	int n;

	for (size_t i = 1; i <= f->lines; i++) {
		n = snprintf(line, sizeof(line), "%d%c line %zu\r\n", f->code,
		    i < f->lines ? '-' : ' ', i);
		(void)stream_write(s->stream, line, (size_t)n);
	}
}

/* True: a fault took this step over, but for a refusal, which the caller
 * says in its own way. */
static bool
struck(struct session *s, const struct fault *f)
{
	if (f == NULL || f->kind == FAULT_FAIL)
		return false;
	if (f->kind == FAULT_SAY || f->kind == FAULT_CUT)
		(void)stream_write(s->stream, f->text, f->text_len);
	if (f->kind == FAULT_FLOOD)
		flood(s, f);
	if (f->kind == FAULT_DROP)
		cut(s);
	else if (f->kind == FAULT_CUT)
		s->is_closing = true; /* once the bytes have left */
	else
		s->is_hung = true;
	return true;
}

/* Bytes that the engine knows nothing of. */
static void
say_raw(struct session *s, const struct fault *f)
{
	char line[600];
	int n = snprintf(
	    line, sizeof(line), "%d %s %s\r\n", f->code, f->enhanced, f->text);

	(void)stream_write(s->stream, line, (size_t)n);
}

/* --- the provider's rules ------------------------------------------------- */

/* One line about each rule that was broken. */
static void
tell_broken(const struct provider *p, const struct fault *f)
{
	json_t *line = json_pack("{s:s, s:s, s:o, s:i, s:s, s:s}", "event",
	    f->code / 100 == 2 ? "changed" : "refused", "rule",
	    rules_name(p->rules), "what",
	    ctl_json_text(rules_culprit(p->rules)), "code", f->code, "enhanced",
	    f->enhanced, "text", f->text);

	say_event(p, line);
}

/* The refusal of this stage, or NULL; text is what the stage is about. */
static const struct fault *
broken_rule(const struct session *s, enum stage stage, const char *text)
{
	struct rules_case c = {
		.stage = stage,
		.ehlo = stage == AT_EHLO ? text : smtp_server_helo(s->smtp),
		.sender = stage == AT_MAIL ? text : s->sender,
		.rcpt = stage == AT_RCPT ? text : "",
		.nrcpts = json_array_size(s->rcpts) + (stage == AT_RCPT),
		.header = s->header,
	};
	const struct fault *f;

	if (s->p->rules == NULL)
		return NULL;
	f = rules_broken(s->p->rules, &c);
	if (f != NULL)
		tell_broken(s->p, f);
	return f != NULL && f->code / 100 != 2 ? f : NULL;
}

/* What fails here: by order of the test, or by the provider's rules. */
static const struct fault *
trouble(const struct session *s, enum stage stage, const char *fault_addr,
    const char *text)
{
	size_t nth = stage == AT_RCPT   ? json_array_size(s->rcpts) + 1
		     : stage == AT_MAIL ? (size_t)s->nmails + 1
					: 1;
	const struct fault *f = fault_hit_nth(
	    &s->p->faults, stage, fault_addr, nth);

	return f != NULL ? f : broken_rule(s, stage, text);
}

/* --- events --------------------------------------------------------------- */

/* All that the transport takes. */
static void
give_output(struct session *s)
{
	const void *p;
	size_t n;

	while ((n = smtp_server_peek(s->smtp, &p)) > 0 &&
	       (n = stream_write(s->stream, p, n)) > 0)
		smtp_server_sent(s->smtp, n);
}

static void
start_tls(struct session *s)
{
	struct err err;

	if (stream_start_tls(s->stream, s->p->tls, NULL, &err) != 0) {
		(void)fprintf(stderr, "provider: %s\n", err.text);
		cut(s);
		return;
	}
	s->is_waiting_tls = true;
}

static struct sasl_server *
new_sasl(struct session *s)
{
	struct sasl_server_opts opts = {
		.mechanisms = s->p->login.mechanisms,
		.users = &s->p->user,
		.nusers = 1,
		.hostname = s->p->smtp.hostname,
		.scram_iterations = s->p->scram_iterations,
	};

	if (stream_tls(s->stream) != NULL)
		opts.binding_type = tls_pipe_binding(
		    stream_tls(s->stream), &opts.binding);
	return sasl_server_new(&opts);
}

/* The first line of a dialogue is "MECH" or "MECH initial-response". */
static void
note_mechanism(struct session *s, struct bytes line)
{
	const char *blank = memchr(line.p, ' ', line.n);

	if (blank != NULL)
		line.n = (size_t)(blank - line.p);
	IGNORE(!str_copy(s->mechanism, sizeof(s->mechanism), line));
}

/* Connections that are logged in; one that has said QUIT is none. */
static int
logged_in(const struct provider *p)
{
	int n = 0;

	list_foreach (it, &p->sessions) {
		const struct session *s = list_entry(it, struct session, link);

		if (s->sasl != NULL && sasl_server_user(s->sasl) != NULL)
			n++;
	}
	return n;
}

/* One line about each login, let in or not. */
static void
tell_login(const struct provider *p, int code)
{
	say_event(p, json_pack("{s:s, s:i, s:i}", "event", "login", "code",
			 code, "logged_in", logged_in(p)));
}

/* The fault of a dialogue that begins, by mechanism: "PLAIN", or "PLAIN +" if
 * an initial response came with it. */
static const struct fault *
auth_fault(struct session *s, struct bytes line, bool is_dialogue)
{
	const char *blank = memchr(line.p, ' ', line.n);
	char what[64];

	(void)snprintf(what, sizeof(what), "%.*s%s",
	    (int)(blank != NULL ? blank - line.p : (ptrdiff_t)line.n), line.p,
	    blank != NULL ? " +" : "");
	return fault_hit(&s->p->faults, AT_AUTH, is_dialogue ? NULL : what);
}

static void
on_auth(struct session *s, struct bytes line, bool is_dialogue)
{
	const struct fault *f = auth_fault(s, line, is_dialogue);
	struct buf text;
	int code;

	if (struck(s, f))
		return;
	if (f != NULL) {
		ss_login_answer(&s->login, f->code, f->enhanced, f->text);
		tell_login(s->p, f->code);
		return;
	}
	if (s->sasl == NULL)
		s->sasl = new_sasl(s);
	if (!is_dialogue)
		note_mechanism(s, line);
	buf_init(&text, 32768);
	code = sasl_server_step(s->sasl, line, &text);
	ss_login_answer(
	    &s->login, code, sasl_server_enhanced(code), buf_str(&text));
	buf_wipe(&text);
	if (code != 334)
		tell_login(s->p, code);
}

/* "452 4.4.5 text" or "452 text". */
static void
say_enough(struct session *s)
{
	const char *reply = s->p->per_connection_reply;
	char enhanced[16] = "";
	int code = 0, at = 0;

	s->p->over_connection++;
	if (reply == NULL)
		reply = "421 4.7.0 enough for one connection";
	if (sscanf(reply, "%d %15[0-9.] %n", &code, enhanced, &at) < 2 ||
	    strchr(enhanced, '.') == NULL) {
		enhanced[0] = '\0';
		at = 4;
	}
	say(s, code, enhanced[0] != '\0' ? enhanced : NULL, reply + at);
}

static void
on_command(struct session *s, const struct ss_info *info)
{
	struct bytes line;

	switch (ss_login_command(&s->login, info, &line)) {
	case SS_LOGIN_NOTHING:
		break;
	case SS_LOGIN_TLS:
		give_output(s); /* the 220 leaves in clear */
		start_tls(s);
		break;
	case SS_LOGIN_LINE:
		on_auth(s, line, info->is_dialogue);
		break;
	}
}

static void
on_mail(struct session *s, const struct ss_info *info)
{
	const struct fault *f;

	if (ss_login_refuses_mail(&s->login))
		return;
	f = trouble(s, AT_MAIL, info->addr, info->addr);
	if (struck(s, f))
		return;
	if (f != NULL) {
		say(s, f->code, f->enhanced, f->text);
		return;
	}
	if (s->p->per_connection != 0 && s->nmails >= s->p->per_connection) {
		say_enough(s);
		return;
	}
	s->nmails++;
	forget_message(s);
	s->sender = xstrdup(info->addr);
	s->rcpts = json_array();
	say(s, 250, "2.1.0", "sender taken");
}

static struct bytes
domain_of(const char *addr)
{
	return addr_domain(bytes_str(addr));
}

static bool
is_of_another_domain(const struct session *s, const char *addr)
{
	const char *first = json_string_value(json_array_get(s->rcpts, 0));

	return s->p->one_domain && first != NULL &&
	       !addr_domain_eq(domain_of(first), domain_of(addr));
}

static void
on_rcpt(struct session *s, const struct ss_info *info)
{
	const struct fault *f = trouble(s, AT_RCPT, info->addr, info->addr);

	if (struck(s, f))
		return;
	if (f == NULL && is_of_another_domain(s, info->addr)) {
		(void)puts("{\"event\":\"another-domain\"}");
		say(s, 451, "4.3.0",
		    "Multiple destination domains per transaction is "
		    "unsupported.  Please try again.");
		return;
	}
	if (f != NULL) {
		say(s, f->code, f->enhanced, f->text);
		return;
	}
	(void)json_array_append_new(s->rcpts, ctl_json_text(info->addr));
	say(s, 250, "2.1.5", "recipient taken");
}

static void
on_body(struct session *s, struct bytes body)
{
	if (!s->in_body &&
	    struck(s, fault_hit(&s->p->faults, AT_BODY, s->sender)))
		return;
	if (s->p->rules != NULL) {
		if (s->header == NULL)
			s->header = header_new();
		if (header_state(s->header) == HEADER_MORE)
			IGNORE(header_put(s->header, body.p, body.n) > 0);
	}
	write_body(s, body);
}

static void
on_end(struct session *s)
{
	const struct fault *f;
	char text[64];

	if (s->header != NULL && header_state(s->header) == HEADER_MORE)
		header_end(s->header);
	f = trouble(s, AT_END, s->sender, NULL);

	if (f != NULL && f->kind == FAULT_FAIL) {
		say(s, f->code, f->enhanced, f->text);
		forget_message(s);
		return;
	}
	/* Who says something else has not taken it. */
	if (f == NULL || f->kind == FAULT_DROP || f->kind == FAULT_HANG)
		keep_message(s);
	forget_message(s);
	if (struck(s, f))
		return;
	(void)snprintf(
	    text, sizeof(text), "taken as number %lu", s->p->messages);
	say(s, 250, "2.0.0", text);
}

static void
on_event(struct session *s, enum ss_event ev, const struct ss_info *info)
{
	switch (ev) {
	case SS_IDLE:
		break;
	case SS_COMMAND:
		on_command(s, info);
		break;
	case SS_MAIL:
		on_mail(s, info);
		break;
	case SS_RCPT:
		on_rcpt(s, info);
		break;
	case SS_BODY:
		on_body(s, info->body);
		break;
	case SS_END:
		on_end(s);
		break;
	case SS_ABORT:
		forget_message(s);
		break;
	case SS_CLOSE:
		s->is_closing = true;
		break;
	}
}

/* --- the crank ------------------------------------------------------------ */

static const struct fault *
ehlo_trouble(const struct session *s, const char *p, size_t n)
{
	const char *end = memchr(p, '\r', n);
	char *name = xstrndup(p, end != NULL ? (size_t)(end - p) : n);
	const struct fault *f = trouble(s, AT_EHLO, name, name);

	free(name);
	return f;
}

/* EHLO, STARTTLS and DATA are answered by the engine itself, so a fault there
 * has to catch the line before the engine sees it.  All three end what a client
 * sends in one go, because it must wait for the answer.  Returns how many bytes
 * of p the engine may have. */
static size_t
intercept(struct session *s, const char *p, size_t n, const struct fault **ret)
{
	static const char starttls[] = "STARTTLS\r\n", data[] = "DATA\r\n";
	const size_t len = sizeof(data) - 1;

	if (s->in_body)
		return n;
	if (n > 5 && bytes_has_prefix_nocase(bytes_of(p, n), "EHLO ")) {
		*ret = ehlo_trouble(s, p + 5, n - 5);
		return *ret != NULL ? 0 : n;
	}
	if (bytes_eq_nocase(bytes_of(p, n), starttls)) {
		*ret = fault_hit(&s->p->faults, AT_STARTTLS, NULL);
		return *ret != NULL ? 0 : n;
	}
	if (n >= len && bytes_eq_nocase(bytes_of(p + n - len, len), data)) {
		*ret = fault_hit(&s->p->faults, AT_DATA, s->sender);
		return *ret != NULL ? n - len : n;
	}
	return n;
}

static void
run_events(struct session *s)
{
	struct ss_info info;
	enum ss_event ev;

	while (!s->is_closing && !s->is_hung && !s->is_waiting_tls &&
	       (ev = smtp_server_next(s->smtp, &info)) != SS_IDLE) {
		give_output(s); /* before STARTTLS: in clear */
		on_event(s, ev, &info);
	}
	if (!s->is_waiting_tls && !s->is_cut && !s->is_hung)
		give_output(s);
}

static bool
take_input(struct session *s)
{
	const struct fault *f = NULL;
	size_t n, mine, room = smtp_server_room(s->smtp);
	const void *p;

	if (s->is_waiting_tls || room == 0 ||
	    (n = stream_peek(s->stream, &p)) == 0)
		return false;
	if (n > room)
		n = room;
	mine = intercept(s, p, n, &f);
	smtp_server_put(s->smtp, p, mine);
	stream_used(s->stream, n);
	if (f == NULL)
		return true;
	run_events(s);
	if (!struck(s, f))
		say_raw(s, f);
	return true;
}

static void
session_free(struct session *s)
{
	char name[64];

	part_name(s, name);
	if (s->file != NULL && s->p->store_dirfd >= 0)
		(void)unlinkat(s->p->store_dirfd, name, 0);
	forget_message(s);
	list_remove(&s->link);
	sasl_server_free(s->sasl);
	smtp_server_free(s->smtp);
	loop_timer_free(s->timer);
	loop_timer_free(s->pause);
	if (s->is_cut)
		stream_free(s->stream);
	else
		stream_finish(s->stream, LINGER_MS);
	free(s);
}

/* TLS came up since the last turn. */
static void
note_tls(struct session *s)
{
	if (!s->is_waiting_tls || !stream_tls_is_up(s->stream))
		return;
	s->is_waiting_tls = false;
	ss_login_tls_up(&s->login);
}

static void
drive(struct session *s)
{
	bool took;

	do {
		if (stream_error(s->stream) != NULL) {
			cut(s);
			break;
		}
		note_tls(s);
		took = !s->is_hung && take_input(s);
		if (stream_at_eof(s->stream)) {
			smtp_server_eof(s->smtp);
			if (s->is_hung || s->is_waiting_tls)
				cut(s);
		}
		smtp_server_tick(s->smtp, loop_now_ms(s->p->loop));
		run_events(s);
	} while (took && !s->is_closing);
	if (s->is_closing)
		session_free(s);
	else
		loop_timer_set(s->timer,
		    s->is_hung ? INT64_MAX : smtp_server_deadline(s->smtp));
}

static void
on_ready(void *ctx)
{
	drive(ctx);
}

/* --- life ----------------------------------------------------------------- */

void
provider_session_start(struct provider *p, int fd, bool is_implicit_tls)
{
	struct session *s = xcalloc(1, sizeof(*s));
	const struct fault *f = fault_hit(&p->faults, AT_GREETING, NULL);
	struct smtp_server_opts opts = p->smtp;

	s->p = p;
	s->stream = stream_new(p->loop, fd, on_ready, s);
	opts.has_commands = true;
	s->smtp = smtp_server_new(&opts);
	ss_login_init(&s->login, &p->login, s->smtp);
	s->timer = loop_timer_new(p->loop, on_ready, s);
	s->pause = loop_timer_new(p->loop, on_pause_over, s);
	list_append(&p->sessions, &s->link);
	if (is_implicit_tls)
		start_tls(s);
	if (f != NULL && !struck(s, f)) {
		say_raw(s, f);
		s->is_closing = true;
	}
	drive(s);
}

void
provider_stop_sessions(struct provider *p)
{
	while (!list_is_empty(&p->sessions))
		session_free(
		    list_entry(p->sessions.next, struct session, link));
}
