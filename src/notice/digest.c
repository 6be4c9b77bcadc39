/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "notice/digest.h"

#include <stdio.h>
#include <string.h>

#include "base/str.h"
#include "mail/date.h"
#include "mail/diagnosis.h"
#include "mail/header.h"
#include "mail/msgid.h"

enum {
	TEXT_WIDTH = 72,
	LINE_MAX_SHOWN = 1200,
	RCPTS_LISTED_MAX = 10,
	MARK_BYTES = 12
};

/* --- the list ------------------------------------------------------------- */

/* One paragraph: the label, then the text in lines of TEXT_WIDTH, broken at
 * blanks if there are any.  What came from outside appears in printable ASCII
 * only. */
static bool
add_wrapped(struct buf *to, const char *label, const char *text)
{
	size_t width = TEXT_WIDTH - strlen(label);
	int indent = (int)strlen(label);
	bool ok = true;

	while (ok && *text != '\0') {
		size_t cut = strlen(text);

		if (cut > width)
			for (cut = width; cut > 0 && text[cut] != ' '; cut--)
				;
		if (cut == 0)
			cut = width;
		ok = buf_addf(to, "%-*s", indent, label);
		for (size_t i = 0; ok && i < cut; i++)
			ok = buf_addc(to,
			    text[i] >= ' ' && text[i] < 0x7f ? text[i] : '?');
		ok = ok && buf_adds(to, "\r\n");
		text += cut;
		text += strspn(text, " ");
		label = "";
	}
	return ok;
}

static bool __attribute__((format(printf, 3, 4)))
add_wrappedf(struct buf *to, const char *label, const char *fmt, ...)
{
	struct buf text;
	va_list ap;
	bool ok;

	buf_init(&text, LINE_MAX_SHOWN);
	va_start(ap, fmt);
	IGNORE(buf_vaddf(&text, fmt, ap)); /* what is longer is left out */
	va_end(ap);
	ok = add_wrapped(to, label, buf_str(&text));
	buf_clear(&text);
	return ok;
}

static bool
add_verdict(struct buf *to, const struct verdict *v)
{
	struct diagnosis d;
	struct buf text, plain;
	bool ok;

	if (v == NULL)
		return true;
	d = diagnosis_of(v);
	buf_init(&text, LINE_MAX_SHOWN);
	buf_init(&plain, LINE_MAX_SHOWN);
	verdict_text(v, &text);
	IGNORE(str_add_plain(&plain, buf_bytes(&text))); /* cut when full */
	ok = add_wrapped(to, "  Reason:     ", buf_str(&plain)) &&
	     add_wrapped(to, "  Cause:      ", d.cause) &&
	     add_wrapped(to, "  Remedy:     ", d.remedy);
	buf_clear(&text);
	buf_clear(&plain);
	return ok;
}

static bool
same_verdict(const struct rcpt *a, const struct rcpt *b)
{
	return a != NULL && a->last != NULL && b->last != NULL &&
	       a->last->code == b->last->code &&
	       strcmp(a->last->text, b->last->text) == 0;
}

/* The recipients, and after those that heard the same, what it was. */
static bool
add_rcpts(struct buf *to, const struct envelope *env, enum dsn_action action)
{
	const struct rcpt *before = NULL;
	size_t listed = 0, all = dsn_count(env, action);
	bool ok = true;

	for (size_t i = 0; ok && i < env->nrcpts; i++) {
		const struct rcpt *r = &env->rcpts[i];

		if (!dsn_rcpt_wants(r, action) || listed++ >= RCPTS_LISTED_MAX)
			continue;
		if (before != NULL && !same_verdict(before, r))
			ok = add_verdict(to, before->last);
		ok = ok && add_wrappedf(to, "  To:         ", "<%s>", r->addr);
		before = r;
	}
	if (ok && all > RCPTS_LISTED_MAX)
		ok = add_wrappedf(to, "  To:         ", "and %zu more",
		    all - RCPTS_LISTED_MAX);
	return ok && (before == NULL || add_verdict(to, before->last));
}

bool
digest_list_add(struct buf *list, const struct envelope *env,
    enum dsn_action action, int32_t utc_offset_s)
{
	size_t before = buf_len(list);
	char date[DATE_TEXT_SIZE];
	const char *user = env->user != NULL ? env->user : "";

	if (buf_addf(list, "\r\n%s\r\n", env->id) &&
	    add_wrapped(list, "  Arrived:    ",
		date_rfc5322(env->arrived_s * 1000, utc_offset_s, date)) &&
	    add_wrappedf(list, "  From:       ", "<%s>%s%s", env->sender,
		*user != '\0' ? ", submitted by " : "", user) &&
	    (action == DSN_FAILED ||
		add_wrapped(list, "  State:      ",
		    "late; delivery is still being attempted")) &&
	    add_rcpts(list, env, action))
		return true;
	buf_truncate(list, before);
	return false;
}

/* --- the mail ------------------------------------------------------------- */

static bool __attribute__((format(printf, 3, 4)))
add_field(struct buf *to, const char *name, const char *fmt, ...)
{
	struct buf value;
	va_list ap;
	bool ok;

	buf_init(&value, HEADER_LINE_MAX);
	va_start(ap, fmt);
	ok = buf_vaddf(&value, fmt, ap) &&
	     header_fold(to, name, buf_bytes(&value));
	va_end(ap);
	buf_clear(&value);
	return ok;
}

static bool
add_subject(struct buf *to, const struct digest_opts *d)
{
	if (!d->is_for_sender)
		return add_field(
		    to, "Subject", "Mail failed on %s", d->hostname);
	return add_field(to, "Subject", "%zu more notices about your mail",
	    d->nmessages + d->ndelayed + d->nrelayed);
}

static bool
add_header(struct buf *to, const struct digest_opts *d)
{
	char mark[sizeof(NOTICE_MARK) + 2 * MARK_BYTES] = NOTICE_MARK;
	unsigned char random[MARK_BYTES];
	char date[DATE_TEXT_SIZE];
	struct buf id;
	bool ok;

	rng_fill(d->rng, random, sizeof(random));
	for (size_t i = 0; i < sizeof(random); i++)
		(void)snprintf(
		    mark + strlen(NOTICE_MARK) + 2 * i, 3, "%02x", random[i]);
	buf_init(&id, HEADER_LINE_MAX);
	ok = msgid_value(&id, mark, d->hostname, d->from, d->wall_ms) &&
	     add_field(to, "From", "Mail relay <%s>", d->from) &&
	     add_field(to, "To", "<%s>", d->to) && add_subject(to, d) &&
	     add_field(to, "Date", "%s",
		 date_rfc5322(d->wall_ms, d->utc_offset_s, date)) &&
	     add_field(to, "Message-ID", "%s", buf_str(&id)) &&
	     buf_adds(to, /* RFC 3834 5 */
		 "Auto-Submitted: auto-generated\r\n"
		 "MIME-Version: 1.0\r\n"
		 "Content-Type: text/plain; charset=us-ascii\r\n\r\n");
	buf_clear(&id);
	return ok;
}

/* "3 messages are ..."; nothing about none. */
static bool
add_count(struct buf *to, size_t n, const char *one, const char *many)
{
	return n == 0 || add_wrappedf(to, "", "%zu %s", n, n == 1 ? one : many);
}

static bool
add_rest(struct buf *to, size_t all, const char *where)
{
	return all <= DIGEST_LISTED_MAX ||
	       buf_addf(to, "\r\n... and %zu more%s\r\n",
		   all - DIGEST_LISTED_MAX, where);
}

static bool
add_sender_body(struct buf *to, const struct digest_opts *d)
{
	return add_wrappedf(to, "",
		   "This is the mail relay on %s. You have recently received "
		   "several notices about your messages. This one stands for "
		   "all further ones:",
		   d->hostname) &&
	       buf_adds(to, "\r\n") &&
	       add_count(to, d->nmessages, "message could not be delivered.",
		   "messages could not be delivered.") &&
	       add_count(to, d->ndelayed,
		   "message is late; delivery is still being attempted.",
		   "messages are late; delivery is still being attempted.") &&
	       add_count(to, d->nrelayed,
		   "message was relayed to a server that sends no notices.",
		   "messages were relayed to servers that send no notices.") &&
	       buf_add(to, d->list.p, d->list.n) &&
	       add_rest(to, d->nmessages + d->ndelayed, "");
}

static bool
add_admin_body(struct buf *to, const struct digest_opts *d)
{
	bool ok = add_wrappedf(
		      to, "", "This is the mail relay on %s.", d->hostname) &&
		  buf_adds(to, "\r\n");

	if (ok && d->nmessages == 1)
		ok = add_wrapped(to, "",
		    "A message that a program on this machine submitted could "
		    "not be delivered. It is kept in failed/ for some time.");
	else if (ok)
		ok = add_wrappedf(to, "",
		    "%zu messages that programs on this machine submitted "
		    "could not be delivered. They are kept in failed/ for some "
		    "time.",
		    d->nmessages);
	ok = ok && buf_add(to, d->list.p, d->list.n) &&
	     add_rest(to, d->nmessages, ": relais queue");
	return ok &&
	       buf_adds(to, "\r\n    relais show ID      shows the details of "
			    "a message\r\n    relais retry ID     sends it "
			    "again\r\n    relais delete ID    deletes it\r\n");
}

bool
digest_build(struct buf *to, const struct digest_opts *d)
{
	size_t before = buf_len(to);

	if (add_header(to, d) &&
	    (d->is_for_sender ? add_sender_body(to, d) : add_admin_body(to, d)))
		return true;
	buf_truncate(to, before);
	return false;
}
