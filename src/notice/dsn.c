/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "notice/dsn.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "mail/date.h"
#include "mail/header.h"
#include "mail/xtext.h"
#include "notice/page.h"

/* "=_" can stand in no quoted-printable or base64 text (RFC 2045 6.7). */
#define BOUNDARY_START "=_relais_"

enum { HUMAN_RCPTS_MAX = 50, VALUE_MAX = 16384 };

static const struct {
	const char *name; /* RFC 3464 2.3.3 */
	const char *subject;
	const char *intro; /* follows "Your message ..." */
	const char *status; /* where the verdict has none */
	unsigned notify; /* what must have been asked for */
	bool is_default; /* sent too if nothing was asked for */
	enum rcpt_state state;
} actions[] = {
	[DSN_FAILED] = { "failed", "Message could not be delivered",
	    "could not be delivered to the recipients below. Delivery will not "
	    "be attempted again.",
	    "5.0.0", DSN_NOTIFY_FAILURE, true, RCPT_FAILED },
	[DSN_DELAYED] = { "delayed", "Message is delayed",
	    "has not yet been delivered to the recipients below. Delivery is "
	    "still being attempted; you do not need to send the message again.",
	    "4.0.0", DSN_NOTIFY_DELAY, true, RCPT_WAITING },
	[DSN_RELAYED] = { "relayed", "Message was relayed",
	    "was relayed, for the recipients below, to a server that does not "
	    "report deliveries. If you hear nothing more, the message most "
	    "likely arrived.",
	    "2.0.0", DSN_NOTIFY_SUCCESS, false, RCPT_SENT },
};

struct notice {
	struct page page;
	const struct dsn_opts *o;
	char boundary[sizeof(BOUNDARY_START) + PAGE_HEX_SIZE];
	size_t header_n; /* of the original */
	bool returns_all; /* of the original */
	bool is_8bit;
};

/* The line end in front of a boundary belongs to it (RFC 2046 5.1.1). */
static void
begin_part(struct notice *n, const char *type)
{
	page_addf(
	    &n->page, "\r\n--%s\r\nContent-Type: %s\r\n", n->boundary, type);
}

/* --- who wants one -------------------------------------------------------- */

bool
dsn_rcpt_wants(const struct rcpt *r, enum dsn_action action)
{
	if (r->state != actions[action].state || r->is_told)
		return false;
	if (r->notify == DSN_NOTIFY_UNSET)
		return actions[action].is_default;
	return (r->notify & actions[action].notify) != 0;
}

size_t
dsn_count(const struct envelope *env, enum dsn_action action)
{
	size_t n = 0;

	if (env->sender[0] == '\0')
		return 0;
	for (size_t i = 0; i < env->nrcpts; i++)
		n += dsn_rcpt_wants(&env->rcpts[i], action);
	return n;
}

/* --- the part for programs: RFC 3464 -------------------------------------- */

static void
add_date(struct notice *n, const char *name, int64_t wall_ms)
{
	char date[DATE_TEXT_SIZE];

	if (wall_ms != 0)
		page_field(&n->page, name, "%s",
		    date_rfc5322(wall_ms, n->o->utc_offset_s, date));
}

/* One UTF-8 character, or one byte that is none, as \x{HEX} (RFC 6533 3). */
static size_t
add_code_point(struct buf *to, struct bytes from)
{
	static const unsigned char marks[] = { 0, 0x7f, 0x1f, 0x0f, 0x07 };
	size_t len = 1;
	unsigned long c;

	while (len < 4 && len < from.n && !str_is_utf8(bytes_of(from.p, len)))
		len++;
	if (!str_is_utf8(bytes_of(from.p, len)))
		len = 1;
	c = (unsigned char)from.p[0] & marks[len];
	for (size_t i = 1; i < len; i++)
		c = c << 6 | ((unsigned char)from.p[i] & 0x3f);
	IGNORE(buf_addf(to, "\\x{%lX}", c)); /* the caller's is large */
	return len;
}

/* "rfc822; addr", or for UTF-8 "utf-8; " and utf-8-addr-xtext. */
static void
add_final_recipient(struct notice *n, const char *addr)
{
	struct bytes b = bytes_str(addr);
	struct buf coded;

	if (str_is_ascii(b)) {
		page_field(&n->page, "Final-Recipient", "rfc822; %s", addr);
		return;
	}
	buf_init(&coded, VALUE_MAX);
	while (b.n > 0) {
		size_t len = 1;

		if (b.p[0] > ' ' && b.p[0] < 0x7f &&
		    strchr("\\+=", b.p[0]) == NULL)
			IGNORE(buf_addc(&coded, b.p[0])); /* it is large */
		else
			len = add_code_point(&coded, b);
		b = bytes_of(b.p + len, b.n - len);
	}
	page_field(&n->page, "Final-Recipient", "utf-8; %s", buf_str(&coded));
	buf_clear(&coded);
}

/* "rfc822;xtext" as the client gave it, decoded (RFC 3464 2.3.1). */
static void
add_original_recipient(struct notice *n, const char *orcpt)
{
	const char *text = orcpt != NULL ? strchr(orcpt, ';') : NULL;
	struct buf plain;

	if (text == NULL)
		return;
	text++;
	buf_init(&plain, VALUE_MAX);
	if (xtext_decode(&plain, bytes_str(text)))
		page_field(&n->page, "Original-Recipient", "%.*s %s",
		    (int)(text - orcpt), orcpt, buf_str(&plain));
	buf_clear(&plain);
}

/* Did it fail because time ran out and not because somebody said never? */
static bool
is_expired(const struct notice *n, const struct rcpt *r)
{
	return n->o->action == DSN_FAILED && r->last != NULL &&
	       r->last->class == VERDICT_LATER;
}

static const char *
status_of(const struct notice *n, const struct rcpt *r)
{
	const char *otherwise = actions[n->o->action].status;

	if (is_expired(n, r))
		return "4.4.7"; /* RFC 3463: delivery time expired */
	if (r->last == NULL || r->last->enhanced[0] != otherwise[0])
		return otherwise;
	return r->last->enhanced;
}

/* "smtp.example.org[192.0.2.1]:465": the name. */
static void
add_remote(struct notice *n, const struct verdict *v)
{
	int name_n = (int)strcspn(v->who, "[");

	if (name_n > 0)
		page_field(&n->page, "Remote-MTA", "dns; %.*s", name_n, v->who);
	else if (v->who[0] != '\0')
		page_field(&n->page, "Remote-MTA", "dns; %s", v->who);
}

static void
add_diagnostic(struct notice *n, const struct verdict *v)
{
	bool is_reply = v->code != 0 && v->stage != STAGE_LOCAL;
	struct buf said;

	page_reply(&said, v->text);
	if (is_reply)
		page_field(&n->page, "Diagnostic-Code", "smtp; %d%s%s %s",
		    v->code, v->enhanced[0] != '\0' ? " " : "", v->enhanced,
		    buf_str(&said));
	else
		page_field(&n->page, "Diagnostic-Code", "x-relais; %s",
		    buf_str(&said));
	buf_clear(&said);
}

static void
add_rcpt_fields(struct notice *n, const struct rcpt *r)
{
	page_add(&n->page, "\r\n");
	add_original_recipient(n, r->orcpt);
	add_final_recipient(n, r->addr);
	page_field(&n->page, "Action", "%s", actions[n->o->action].name);
	page_field(&n->page, "Status", "%s", status_of(n, r));
	if (r->last != NULL) {
		add_remote(n, r->last);
		add_diagnostic(n, r->last);
	}
	add_date(n, "Last-Attempt-Date", n->o->tried_ms);
	if (n->o->action == DSN_DELAYED)
		add_date(n, "Will-Retry-Until", n->o->give_up_ms);
}

static void
add_status_part(struct notice *n)
{
	const struct envelope *e = n->o->env;
	struct buf envid;
	size_t listed = 0;

	begin_part(n, "message/delivery-status");
	page_add(&n->page, "\r\n");
	buf_init(&envid, VALUE_MAX);
	if (e->envid != NULL && xtext_decode(&envid, bytes_str(e->envid)))
		page_field(
		    &n->page, "Original-Envelope-Id", "%s", buf_str(&envid));
	buf_clear(&envid);
	page_field(&n->page, "Reporting-MTA", "dns; %s", n->o->hostname);
	add_date(n, "Arrival-Date", e->arrived_s * 1000);
	if (e->id[0] != '\0')
		page_field(&n->page, "X-Relais-Queue-Id", "%s", e->id);
	for (size_t i = 0; i < e->nrcpts && listed < DSN_RCPTS_MAX; i++)
		if (dsn_rcpt_wants(&e->rcpts[i], n->o->action)) {
			add_rcpt_fields(n, &e->rcpts[i]);
			listed++;
		}
}

/* --- the part for people -------------------------------------------------- */

/* By the front of the status; the last takes all. */
static const char *
advice_for(const char *status)
{
	static const char *const rows[][2] = {
		{ "4.4.7",
		    "If it is still relevant, send it again. The administrator "
		    "of this machine can see what prevented the delivery." },
		{ "5.1.",
		    "Check the address for typing errors, or ask the recipient "
		    "for the right one, and send the message again." },
		{ "5.2.2", "The mailbox is full. Tell the recipient, and send "
			   "the message again later." },
		{ "5.2.3", "The message is too large. Send it in parts, or "
			   "transfer the files in another way." },
		{ "5.3.4", "The message is too large. Send it in parts, or "
			   "transfer the files in another way." },
		{ "5.4.6", "The message was forwarded in a loop. The person "
			   "who set up the forwarding must correct it." },
		{ "5.6.", "The server does not accept a message of this form. "
			  "Send it again as plain text." },
		{ "5.7.", "The server refused the message by its own rules. "
			  "The text above says which; the server's support can "
			  "tell you more." },
		{ "", "If this is not enough information, ask the "
		      "administrator of this machine." },
	};
	size_t i = 0;

	while (strncmp(status, rows[i][0], strlen(rows[i][0])) != 0)
		i++;
	return rows[i][1];
}

/* "90 minutes", "5 days" */
static void
add_age(struct notice *n, int64_t ms)
{
	static const struct {
		int64_t ms;
		const char *name;
	} units[] = { { 86400000, "days" }, { 3600000, "hours" },
		{ 60000, "minutes" }, { 1000, "seconds" } };
	size_t i = 0;

	while (i < 3 && ms < 2 * units[i].ms)
		i++;
	page_wrapf(&n->page, "    ", "Delivery was attempted for %lld %s.",
	    (long long)(ms / units[i].ms), units[i].name);
}

static void
add_reason(struct notice *n, const struct rcpt *r)
{
	int64_t age_ms = n->o->wall_ms - n->o->env->arrived_s * 1000;
	struct buf line, said;

	if (is_expired(n, r) && age_ms > 0)
		add_age(n, age_ms);
	if (r->last == NULL)
		return;
	buf_init(&line, VALUE_MAX);
	verdict_text(r->last, &line);
	page_reply(&said, buf_str(&line));
	page_wrapf(&n->page, "    ", "%s: %s",
	    r->last->code != 0 && r->last->stage != STAGE_LOCAL
		? "The server said"
		: "The reason",
	    buf_str(&said));
	buf_clear(&line);
	buf_clear(&said);
}

static void
add_rcpt_text(struct notice *n, const struct rcpt *r)
{
	page_add(&n->page, "\r\n");
	page_wrapf(&n->page, "  ", "<%s>", r->addr);
	add_reason(n, r);
	if (n->o->action == DSN_FAILED)
		page_wrap(&n->page, "    ", advice_for(status_of(n, r)));
}

static void
add_human_part(struct notice *n)
{
	const struct envelope *e = n->o->env;
	size_t all = dsn_count(e, n->o->action), told = 0;
	char date[DATE_TEXT_SIZE];

	begin_part(n, "text/plain; charset=us-ascii");
	page_add(&n->page, "\r\n");
	page_wrapf(
	    &n->page, "", "This is the mail relay on %s.", n->o->hostname);
	page_add(&n->page, "\r\n");
	page_wrapf(&n->page, "", "Your message of %s %s",
	    date_rfc5322(e->arrived_s * 1000, n->o->utc_offset_s, date),
	    actions[n->o->action].intro);
	if (n->o->action == DSN_DELAYED && n->o->give_up_ms != 0)
		page_wrapf(&n->page, "", "The relay will keep trying until %s.",
		    date_rfc5322(n->o->give_up_ms, n->o->utc_offset_s, date));
	for (size_t i = 0; i < e->nrcpts && told < HUMAN_RCPTS_MAX; i++)
		if (dsn_rcpt_wants(&e->rcpts[i], n->o->action)) {
			add_rcpt_text(n, &e->rcpts[i]);
			told++;
		}
	if (told < all)
		page_addf(&n->page,
		    "\r\n  ... and %zu more recipients, listed in the "
		    "machine-readable part.\r\n",
		    all - told);
	if (e->id[0] != '\0') {
		page_add(&n->page, "\r\n");
		page_wrapf(&n->page, "",
		    "For details, the administrator can type: relais show %s",
		    e->id);
	}
}

/* --- the original --------------------------------------------------------- */

/* Length of its header, cut at a line end if it is very long. */
static size_t
header_length(struct bytes original)
{
	const char *end;
	size_t n;

	if (original.n == 0)
		return 0;
	end = memmem(original.p, original.n, "\r\n\r\n", 4);
	n = end != NULL ? (size_t)(end - original.p) + 2 : original.n;
	if (n <= DSN_HEADER_MAX)
		return n;
	for (n = DSN_HEADER_MAX; n > 0 && original.p[n - 1] != '\n'; n--)
		;
	return n;
}

static struct bytes
returned_part(const struct notice *n)
{
	return n->returns_all ? n->o->original
			      : bytes_of(n->o->original.p, n->header_n);
}

static void
add_original_part(struct notice *n)
{
	struct bytes b = returned_part(n);

	if (b.n == 0)
		return;
	begin_part(
	    n, n->returns_all ? "message/rfc822" : "text/rfc822-headers");
	if (n->is_8bit)
		page_add(&n->page, "Content-Transfer-Encoding: 8bit\r\n");
	page_add(&n->page, "\r\n");
	if (!buf_add(n->page.to, b.p, b.n))
		n->page.is_full = true;
	if (b.p[b.n - 1] != '\n')
		page_add(&n->page, "\r\n");
}

/* --- the whole ------------------------------------------------------------ */

/* So that the notice is shown beside what it is about. */
static void
add_reference(struct notice *n)
{
	struct header *h = header_new();
	struct buf id;
	size_t i;

	buf_init(&id, VALUE_MAX);
	IGNORE(header_put(h, n->o->original.p, n->header_n)); /* or less */
	header_end(h);
	i = header_find(h, "Message-ID", 0);
	if (i != HEADER_NONE && header_value(h, i, &id) && buf_len(&id) > 0)
		page_field(&n->page, "In-Reply-To", "%s", buf_str(&id));
	buf_clear(&id);
	header_free(h);
}

static void
add_header(struct notice *n)
{
	const struct page_head head = {
		.hostname = n->o->hostname,
		.from = n->o->from,
		.to = n->o->env->sender,
		.subject = actions[n->o->action].subject,
		.wall_ms = n->o->wall_ms,
		.utc_offset_s = n->o->utc_offset_s,
		.rng = n->o->rng,
	};

	page_head(&n->page, &head);
	add_reference(n);
	/* RFC 3834 5; 3464 2 */
	page_add(
	    &n->page, "Auto-Submitted: auto-replied\r\nMIME-Version: 1.0\r\n");
	page_addf(&n->page,
	    "Content-Type: multipart/report; report-type=delivery-status;\r\n"
	    " boundary=\"%s\"\r\n",
	    n->boundary);
	if (n->is_8bit)
		page_add(&n->page, "Content-Transfer-Encoding: 8bit\r\n");
}

bool
dsn_build(struct buf *to, const struct dsn_opts *o, bool *ret_is_8bit)
{
	struct notice n = { .page = { .to = to }, .o = o };
	size_t before = buf_len(to);

	memcpy(n.boundary, BOUNDARY_START, sizeof(BOUNDARY_START));
	page_hex(o->rng, n.boundary + sizeof(BOUNDARY_START) - 1);
	n.header_n = header_length(o->original);
	n.returns_all = o->action == DSN_FAILED &&
			o->env->ret == DSN_RET_FULL && o->original_is_whole &&
			o->original.n <= DSN_FULL_MAX;
	n.is_8bit = !str_is_ascii(returned_part(&n));
	add_header(&n);
	add_human_part(&n);
	add_status_part(&n);
	add_original_part(&n);
	page_addf(&n.page, "\r\n--%s--\r\n", n.boundary);
	if (n.page.is_full) {
		buf_truncate(to, before);
		return false;
	}
	*ret_is_8bit = n.is_8bit;
	return true;
}
