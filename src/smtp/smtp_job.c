/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "smtp/smtp_job.h"

#include "base/str.h"

/* R8, on the way out: no control characters, and in parameters no blanks. */
static bool
is_clean(const char *text, unsigned char lowest)
{
	for (; text != NULL && *text != '\0'; text++)
		if ((unsigned char)*text < lowest || *text == 0x7f)
			return false;
	return true;
}

static bool
is_ascii(const char *text)
{
	return str_is_ascii(bytes_str(text));
}

static bool
is_clean_job(const struct smtp_job *j)
{
	bool ok = is_clean(j->sender, ' ') && is_clean(j->envid, '!') &&
		  is_clean(j->params, ' ');

	for (size_t i = 0; ok && i < j->nrcpts; i++)
		ok = is_clean(j->rcpts[i].addr, ' ') &&
		     is_clean(j->rcpts[i].orcpt, '!');
	return ok;
}

static bool
needs_utf8(const struct smtp_job *j)
{
	if (j->needs_utf8 || !is_ascii(j->sender))
		return true;
	for (size_t i = 0; i < j->nrcpts; i++)
		if (!is_ascii(j->rcpts[i].addr))
			return true;
	return false;
}

bool
smtp_job_is_refused(
    const struct smtp_job *j, const struct smtp_caps *caps, struct verdict *ret)
{
	const char *enhanced = NULL, *text = NULL;
	int code = 0;

	if (!is_clean_job(j)) {
		code = 501, enhanced = "5.1.3";
		text = "an address holds a control character";
	} else if (caps->size_max_bytes != 0 &&
		   j->size_bytes > caps->size_max_bytes) {
		code = 552, enhanced = "5.3.4";
		text = "the message is larger than the server takes";
	} else if (needs_utf8(j) && !caps->has_smtputf8) {
		code = 550, enhanced = "5.6.7";
		text = "the message has addresses beyond ASCII, and the "
		       "server offers no SMTPUTF8";
	} else if (j->is_8bit && !caps->has_8bitmime) {
		code = 554, enhanced = "5.6.3";
		text = "the message has 8-bit text, and the server offers no "
		       "8BITMIME";
	}
	if (text == NULL)
		return false;
	verdict_local(ret, VERDICT_NEVER, STAGE_LOCAL, code, enhanced, text);
	return true;
}

bool
smtp_job_say_mail(
    const struct smtp_job *j, const struct smtp_caps *caps, struct smtp_out *o)
{
	smtp_out_begin(o, "MAIL FROM:<");
	smtp_out_add(o, j->sender);
	smtp_out_add(o, ">");
	if (caps->has_size) {
		smtp_out_add(o, " SIZE=");
		smtp_out_add_num(o, j->size_bytes);
	}
	if (j->is_8bit)
		smtp_out_add(o, " BODY=8BITMIME");
	if (needs_utf8(j))
		smtp_out_add(o, " SMTPUTF8");
	if (caps->has_dsn && j->ret != DSN_RET_UNSET)
		smtp_out_add(
		    o, j->ret == DSN_RET_FULL ? " RET=FULL" : " RET=HDRS");
	if (caps->has_dsn && j->envid != NULL) {
		smtp_out_add(o, " ENVID=");
		smtp_out_add(o, j->envid);
	}
	if (j->params != NULL) {
		smtp_out_add(o, " ");
		smtp_out_add(o, j->params);
	}
	return smtp_out_end(o);
}

/* RFC 3461 4.1: NEVER stands alone. */
static void
say_notify(struct smtp_out *o, unsigned notify)
{
	static const struct {
		unsigned bit;
		const char *word;
	} words[] = {
		{ DSN_NOTIFY_SUCCESS, "SUCCESS" },
		{ DSN_NOTIFY_FAILURE, "FAILURE" },
		{ DSN_NOTIFY_DELAY, "DELAY" },
	};
	const char *between = " NOTIFY=";

	if ((notify & DSN_NOTIFY_NEVER) != 0) {
		smtp_out_add(o, " NOTIFY=NEVER");
		return;
	}
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		if ((notify & words[i].bit) == 0)
			continue;
		smtp_out_add(o, between);
		smtp_out_add(o, words[i].word);
		between = ",";
	}
}

bool
smtp_job_say_rcpt(const struct smtp_job_rcpt *r, const struct smtp_caps *caps,
    struct smtp_out *o)
{
	smtp_out_begin(o, "RCPT TO:<");
	smtp_out_add(o, r->addr);
	smtp_out_add(o, ">");
	if (caps->has_dsn) {
		say_notify(o, r->notify);
		if (r->orcpt != NULL) {
			smtp_out_add(o, " ORCPT=");
			smtp_out_add(o, r->orcpt);
		}
	}
	return smtp_out_end(o);
}

bool
smtp_job_has_mail_params(const struct smtp_job *j, const struct smtp_caps *caps)
{
	return caps->has_size || (j->is_8bit && caps->has_8bitmime) ||
	       (caps->has_dsn && (j->ret != DSN_RET_UNSET || j->envid != NULL));
}

bool
smtp_job_has_rcpt_params(
    const struct smtp_job_rcpt *r, const struct smtp_caps *caps)
{
	return caps->has_dsn && (r->notify != 0 || r->orcpt != NULL);
}
