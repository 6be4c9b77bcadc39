/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "relaisd/control_login.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/must.h"
#include "base/str.h"
#include "base/xalloc.h"
#include "conf/conf.h"
#include "ctl/ctl_json.h"
#include "ctl/ctl_server.h"
#include "net/loop.h"
#include "net/stream.h"

enum { LINE_MAX_BYTES = 65536 };

struct sign_in {
	struct ctl_call *call;
	struct control_login_opts opts;
	struct starting *starting; /* or NULL */
	struct stream *stream; /* to the helper; NULL: it starts, or does not */
	struct err err; /* why it does not */
	struct buf in;
};

/* The start, on a worker thread; may outlive the request. */
struct starting {
	struct work work;
	struct sign_in *owner; /* NULL: gone */
	struct control_login_opts
	    opts; /* holds a reference to the configuration */
	char *flow; /* or NULL */
	int fd;
	struct err err;
};

static void
sign_in_free(void *ctx)
{
	struct sign_in *s = ctx;

	if (s->starting != NULL)
		s->starting->owner = NULL;
	stream_free(s->stream); /* and relais-cred ends */
	buf_clear(&s->in);
	free(s);
}

static void
on_ready(void *ctx)
{
	const struct sign_in *s = ctx;

	ctl_call_wake(s->call);
}

static void
start_helper(struct work *w)
{
	struct starting *t = list_entry(w, struct starting, work);

	t->fd = t->opts.start(
	    t->opts.start_ctx, t->opts.conf, t->opts.account, t->flow, &t->err);
}

static void
started(struct work *w)
{
	struct starting *t = list_entry(w, struct starting, work);
	struct sign_in *s = t->owner;

	if (s != NULL) {
		s->starting = NULL;
		s->err = t->err;
		if (t->fd >= 0)
			s->stream = stream_new(
			    s->opts.loop, t->fd, on_ready, s);
		ctl_call_wake(s->call);
	} else if (t->fd >= 0) {
		IGNORE(close(t->fd)); /* nobody is there any more */
	}
	conf_free(t->opts.conf);
	free(t->flow);
	free(t);
}

static void
begin_sign_in(struct ctl_call *call, const struct control_login_opts *opts)
{
	struct sign_in *s = xcalloc(1, sizeof(*s));
	struct starting *t = xcalloc(1, sizeof(*t));

	s->call = call;
	s->opts = *opts;
	s->starting = t;
	buf_init(&s->in, LINE_MAX_BYTES);
	ctl_call_keep(call, s, sign_in_free);
	ctl_call_listen(call);
	ctl_call_wait(call);
	t->work = (struct work) { .run = start_helper, .done = started };
	t->owner = s;
	t->opts = *opts;
	t->opts.conf = conf_ref(opts->conf);
	t->flow = xstrdup(ctl_json_string(ctl_call_args(call), "flow"));
	t->fd = -1;
	loop_submit_slow(opts->loop, LOOP_LANE_SECRETS, &t->work);
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
		str_wipe(line); /* holds a code */
	}
}

static void
finish_sign_in(struct sign_in *s, const char *word, const char *text)
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
handle_line(struct sign_in *s, struct bytes line, bool *ret_is_done)
{
	char *copy = xstrndup(line.p, line.n), *text = copy;
	const char *word = strsep(&text, " ");
	bool is_last = true;
	json_t *item;

	*ret_is_done = strcmp(word, "done") == 0;
	if (text == NULL) {
		finish_sign_in(s, "fail", copy);
	} else if (*ret_is_done || strcmp(word, "fail") == 0) {
		finish_sign_in(s, word, text);
	} else {
		item = json_pack(
		    "{s:s, s:o}", "say", word, "text", ctl_json_text(text));
		is_last = item == NULL;
		if (is_last)
			finish_sign_in(
			    s, "fail", "the helper's answer is malformed");
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
			finish_sign_in(
			    s, "fail", "the helper's answer is too long");
			return true;
		}
		stream_used(s->stream, n);
	}
	while (memchr(buf_str(&s->in), '\n', buf_len(&s->in)) != NULL) {
		struct bytes rest = buf_bytes(&s->in);
		struct bytes line = bytes_cut(&rest, '\n');
		size_t taken = line.n + 1;

		/* finish() frees s. */
		if (handle_line(s, line, ret_is_done))
			return true;
		buf_drop(&s->in, taken);
	}
	if (!stream_at_eof(s->stream) && stream_error(s->stream) == NULL)
		return false;
	finish_sign_in(s, "fail", "relais-cred has ended without a word");
	return true;
}

void
control_login_run(struct ctl_call *call, const struct control_login_opts *opts)
{
	struct sign_in *s = ctl_call_state(call);
	struct control_login_opts o;
	bool is_done = false;

	if (s == NULL) {
		begin_sign_in(call, opts);
		return;
	}
	o = s->opts; /* s goes with the request */
	if (s->starting != NULL) {
		ctl_call_wait(call);
		return;
	}
	if (s->stream == NULL) {
		finish_sign_in(s, "fail", s->err.text);
		return;
	}
	forward(s);
	if (!pass_on(s, &is_done))
		ctl_call_wait(call);
	else if (is_done)
		o.done(o.done_ctx, o.handle);
}
