/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "relaisd/sign_in.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/must.h"
#include "base/str.h"
#include "base/xalloc.h"
#include "ctl/ctl_json.h"
#include "ctl/ctl_server.h"
#include "net/stream.h"

enum { LINE_MAX_BYTES = 65536 };

struct sign_in {
	struct ctl_call *call;
	struct stream *stream; /* to the helper */
	pid_t pid; /* 0: none of ours */
	struct buf in;
};

static void
sign_in_free(void *ctx)
{
	struct sign_in *s = ctx;

	stream_free(s->stream);
	if (s->pid > 0) {
		/* It has said its last word, or nobody hears it any more; what
		 * it writes is replaced as a whole or not at all. */
		IGNORE(kill(s->pid, SIGKILL));
		IGNORE(waitpid(s->pid, NULL, 0) < 0);
	}
	buf_clear(&s->in);
	free(s);
}

static void
on_ready(void *ctx)
{
	struct sign_in *s = ctx;

	ctl_call_wake(s->call);
}

/* NULL: the request is refused. */
static struct sign_in *
begin(struct ctl_call *call, struct loop *loop, sign_in_start *start, void *ctx)
{
	const char *flow = ctl_json_string(ctl_call_args(call), "flow");
	struct sign_in *s;
	struct err err;
	pid_t pid = 0;
	int ends[2];

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0) {
		ctl_call_refuse(call, "socketpair: %s", strerror(errno));
		return NULL;
	}
	err_clear(&err);
	if (start(ctx, flow, ends[1], &pid, &err) != 0) {
		ctl_call_refuse(call, "%s", err.text);
		IGNORE(close(ends[0])); /* nothing was said */
		IGNORE(close(ends[1]));
		return NULL;
	}
	IGNORE(close(ends[1]));
	s = xcalloc(1, sizeof(*s));
	s->call = call;
	s->pid = pid;
	buf_init(&s->in, LINE_MAX_BYTES);
	s->stream = stream_new(loop, ends[0], on_ready, s);
	ctl_call_keep(call, s, sign_in_free);
	ctl_call_listen(call);
	return s;
}

/* What the person has typed. */
static void
forward(struct sign_in *s)
{
	char *line;

	while ((line = ctl_call_line(s->call)) != NULL) {
		line[strcspn(line, "\n")] = '\0';
		if (stream_room(s->stream) > strlen(line)) {
			IGNORE(stream_write(s->stream, line, strlen(line)));
			IGNORE(stream_write(s->stream, "\n", 1));
		}
		explicit_bzero(line, strlen(line)); /* holds a code */
		free(line);
	}
}

static void
finish(struct sign_in *s, const char *word, const char *text)
{
	json_t *result;

	if (strcmp(word, "done") != 0) {
		ctl_call_refuse(s->call, "%s", text);
		return;
	}
	result = json_pack("{s:o}", "text", ctl_json_text(text));
	ctl_call_done(s->call, result);
	json_decref(result);
}

/* True: it was the last line. */
static bool
tell(struct sign_in *s, struct bytes line, bool *ret_is_done)
{
	char *copy = xstrndup(line.p, line.n), *text = copy;
	const char *word = strsep(&text, " ");
	bool is_last = true;
	json_t *item;

	*ret_is_done = strcmp(word, "done") == 0;
	if (text == NULL) {
		finish(s, "fail", copy);
	} else if (*ret_is_done || strcmp(word, "fail") == 0) {
		finish(s, word, text);
	} else {
		item = json_pack(
		    "{s:s, s:o}", "say", word, "text", ctl_json_text(text));
		is_last = item == NULL;
		if (is_last)
			finish(s, "fail", "the helper's answer is malformed");
		else
			ctl_call_item(s->call, item);
		json_decref(item);
	}
	free(copy);
	return is_last;
}

/* Lines of the helper; true: the request is over. */
static bool
pass_on(struct sign_in *s, bool *ret_is_done)
{
	const void *p;
	size_t n;

	while ((n = stream_peek(s->stream, &p)) > 0) {
		if (!buf_add(&s->in, p, n)) {
			finish(s, "fail", "the helper's answer is too long");
			return true;
		}
		stream_used(s->stream, n);
	}
	while (memchr(buf_str(&s->in), '\n', buf_len(&s->in)) != NULL) {
		struct bytes rest = buf_bytes(&s->in);
		struct bytes line = bytes_cut(&rest, '\n');
		size_t taken = line.n + 1;

		/* finish() frees s. */
		if (tell(s, line, ret_is_done))
			return true;
		buf_drop(&s->in, taken);
	}
	if (!stream_at_eof(s->stream) && stream_error(s->stream) == NULL)
		return false;
	finish(s, "fail", "relais-cred has ended without a word");
	return true;
}

void
sign_in_run(struct ctl_call *call, struct loop *loop, sign_in_start *start,
    void *ctx, void (*done)(void *ctx))
{
	struct sign_in *s = ctl_call_state(call);
	bool is_done = false;

	if (s == NULL && (s = begin(call, loop, start, ctx)) == NULL)
		return;
	forward(s);
	if (!pass_on(s, &is_done))
		ctl_call_wait(call);
	else if (is_done)
		done(ctx);
}
