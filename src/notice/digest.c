/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "notice/digest.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/intl.h"
#include "base/str.h"
#include "mail/date.h"
#include "mail/diagnosis.h"
#include "notice/page.h"

enum { VERDICT_SHOWN_MAX = 1200, RCPTS_LISTED_MAX = 10 };

/* --- the list ------------------------------------------------------------- */

static void
add_verdict(struct page *p, const struct verdict *v)
{
	struct diagnosis d;
	struct buf text, plain;

	if (v == NULL)
		return;
	d = diagnosis_of(v);
	buf_init(&text, VERDICT_SHOWN_MAX);
	verdict_text(v, &text);
	page_reply(&plain, buf_str(&text));
	page_wrap(p, N_("  Reason:     "), buf_str(&plain));
	page_wrap(p, N_("  Cause:      "), d.cause);
	page_wrap(p, N_("  Remedy:     "), d.remedy);
	buf_clear(&text);
	buf_clear(&plain);
}

static bool
same_verdict(const struct rcpt *a, const struct rcpt *b)
{
	return a != NULL && a->last != NULL && b->last != NULL &&
	       a->last->code == b->last->code &&
	       strcmp(a->last->text, b->last->text) == 0;
}

/* The recipients, and after those that heard the same, what it was. */
static void
add_rcpts(struct page *p, const struct envelope *env, enum dsn_action action)
{
	const struct rcpt *before = NULL;
	size_t listed = 0, all = dsn_count(env, action);

	for (size_t i = 0; i < env->nrcpts; i++) {
		const struct rcpt *r = &env->rcpts[i];

		if (!dsn_rcpt_wants(r, action) || listed++ >= RCPTS_LISTED_MAX)
			continue;
		if (before != NULL && !same_verdict(before, r))
			add_verdict(p, before->last);
		page_wrapf(p, N_("  To:         "), "<%s>", r->addr);
		before = r;
	}
	if (all > RCPTS_LISTED_MAX)
		page_wrapf(p, N_("  To:         "), N_("and %zu more"),
		    all - RCPTS_LISTED_MAX);
	if (before != NULL)
		add_verdict(p, before->last);
}

/* True: all of it fits; else nothing of it stays. */
static bool
ends(struct page *p, size_t before)
{
	if (p->is_full)
		buf_truncate(p->to, before);
	return !p->is_full;
}

bool
digest_list_add(struct buf *list, const struct envelope *env,
    enum dsn_action action, int32_t utc_offset_s,
    char *(*say)(const char *english))
{
	struct page p = { .to = list, .say = say };
	size_t before = buf_len(list);
	char date[DATE_TEXT_SIZE];
	const char *user = env->user != NULL ? env->user : "";

	page_addf(&p, "\r\n%s\r\n", env->id);
	page_wrap(&p, N_("  Arrived:    "),
	    date_rfc5322(env->arrived_s * 1000, utc_offset_s, date));
	if (*user != '\0')
		page_wrapf(&p, N_("  From:       "), "<%s>, submitted by %s",
		    env->sender, user);
	else
		page_wrapf(&p, N_("  From:       "), "<%s>", env->sender);
	if (action != DSN_FAILED)
		page_wrap(&p, N_("  State:      "),
		    "late; delivery is still being attempted");
	add_rcpts(&p, env, action);
	return ends(&p, before);
}

/* --- the mail ------------------------------------------------------------- */

static void
add_header(struct page *p, const struct digest_opts *d)
{
	char subject[400];
	char *own;
	struct page_head head = {
		.hostname = d->hostname,
		.from = d->from,
		.to = d->to,
		.subject = subject,
		.wall_ms = d->wall_ms,
		.utc_offset_s = d->utc_offset_s,
		.rng = d->rng,
	};

	if (d->is_for_sender)
		(void)snprintf(subject, sizeof(subject),
		    "%zu more notices about your mail",
		    d->nmessages + d->ndelayed + d->nrelayed);
	else
		(void)snprintf(
		    subject, sizeof(subject), "Mail failed on %s", d->hostname);
	own = p->say != NULL ? p->say(subject) : NULL;
	if (own != NULL && str_is_ascii(bytes_str(own)))
		head.subject = own; /* a field has no other letters */
	page_head(p, &head);
	free(own);
	page_add(p, /* RFC 3834 5 */
	    "Auto-Submitted: auto-generated\r\n"
	    "MIME-Version: 1.0\r\n");
	page_add(p, p->say != NULL
			? "Content-Type: text/plain; charset=utf-8\r\n"
			  "Content-Transfer-Encoding: 8bit\r\n\r\n"
			: "Content-Type: text/plain; charset=us-ascii\r\n"
			  "\r\n");
}

/* "3 messages are ..."; nothing about none. */
static void
add_count(struct page *p, size_t n, const char *one, const char *many)
{
	if (n > 0)
		page_wrapf(p, "", "%zu %s", n, n == 1 ? one : many);
}

static void
add_list(
    struct page *p, const struct digest_opts *d, size_t all, const char *where)
{
	if (!buf_add(p->to, d->list.p, d->list.n))
		p->is_full = true;
	if (all > DIGEST_LISTED_MAX) {
		page_add(p, "\r\n");
		page_wrapf(p, "", N_("... and %zu more%s"),
		    all - DIGEST_LISTED_MAX, where);
	}
}

static void
add_sender_body(struct page *p, const struct digest_opts *d)
{
	page_wrapf(p, "",
	    "This is the mail relay on %s. You have recently received several "
	    "notices about your messages. This one stands for all further "
	    "ones:",
	    d->hostname);
	page_add(p, "\r\n");
	add_count(p, d->nmessages, "message could not be delivered.",
	    "messages could not be delivered.");
	add_count(p, d->ndelayed,
	    "message is late; delivery is still being attempted.",
	    "messages are late; delivery is still being attempted.");
	add_count(p, d->nrelayed,
	    "message was relayed to a server that sends no notices.",
	    "messages were relayed to servers that send no notices.");
	add_list(p, d, d->nmessages + d->ndelayed, "");
}

static void
add_admin_body(struct page *p, const struct digest_opts *d)
{
	page_wrapf(p, "", "This is the mail relay on %s.", d->hostname);
	page_add(p, "\r\n");
	if (d->nmessages == 1)
		page_wrap(p, "",
		    "A message that a program on this machine submitted could "
		    "not be delivered. It is kept in failed/ for some time.");
	else
		page_wrapf(p, "",
		    "%zu messages that programs on this machine submitted "
		    "could not be delivered. They are kept in failed/ for some "
		    "time.",
		    d->nmessages);
	add_list(p, d, d->nmessages, ": relais queue");
	page_add(p, "\r\n");
	page_line(p, "    relais show ID      shows the details of a message");
	page_line(p, "    relais retry ID     sends it again");
	page_line(p, "    relais delete ID    deletes it");
}

bool
digest_build(struct buf *to, const struct digest_opts *d)
{
	struct page p = { .to = to, .say = d->is_for_sender ? NULL : d->say };
	size_t before = buf_len(to);

	add_header(&p, d);
	if (d->is_for_sender)
		add_sender_body(&p, d);
	else
		add_admin_body(&p, d);
	return ends(&p, before);
}
