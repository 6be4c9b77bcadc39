/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "smtp/smtp_params.h"

#include <string.h>

#include "base/num.h"
#include "base/str.h"
#include "mail/xtext.h"
#include "smtp/syntax.h"

/* One row per parameter.  set() takes the value (n == 0: none was given) and
 * says whether it is well formed; to is the struct of the command. */
struct param_row {
	const char *key;
	enum smtp_offer offer;
	bool (*set)(void *to, struct bytes value);
	struct smtp_refusal bad;
};

static bool
set_size(void *to, struct bytes value)
{
	struct smtp_mail_params *m = to;

	return num_u64(value, &m->mail.size_bytes);
}

static bool
set_body(void *to, struct bytes value)
{
	struct smtp_mail_params *m = to;

	m->mail.is_8bit = bytes_eq_nocase(value, "8BITMIME");
	return m->mail.is_8bit || bytes_eq_nocase(value, "7BIT");
}

static bool
set_utf8(void *to, struct bytes value)
{
	struct smtp_mail_params *m = to;

	m->mail.is_utf8 = true;
	return value.n == 0;
}

static bool
set_ret(void *to, struct bytes value)
{
	struct smtp_mail_params *m = to;
	bool is_full = bytes_eq_nocase(value, "FULL");

	m->mail.ret = is_full ? DSN_RET_FULL : DSN_RET_HDRS;
	return is_full || bytes_eq_nocase(value, "HDRS");
}

static bool
set_envid(void *to, struct bytes value)
{
	struct smtp_mail_params *m = to;

	m->mail.envid = m->envid;
	return xtext_is_valid(value) &&
	       str_copy(m->envid, sizeof(m->envid), value);
}

static bool
set_auth(void *to, struct bytes value)
{
	(void)to; /* checked, not kept */
	return bytes_eq(value, "<>") || xtext_is_valid(value);
}

/* Our own: what the reply to the end of the message promises. */
static bool
set_mode(void *to, struct bytes value)
{
	static const struct {
		const char *word;
		enum ss_mode mode;
	} words[] = { { "safe", SS_MODE_SAFE }, { "verdict", SS_MODE_VERDICT },
		{ "queue", SS_MODE_QUEUE } };
	struct smtp_mail_params *m = to;

	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if (bytes_eq_nocase(value, words[i].word))
			m->mail.mode = words[i].mode;
	return m->mail.mode != SS_MODE_UNSET;
}

/* Our own: the name of an account, as sendmail's -a gives it.  Names that need
 * xtext cannot be chosen this way. */
static bool
set_account(void *to, struct bytes value)
{
	struct smtp_mail_params *m = to;

	m->mail.account = m->account;
	return value.n > 0 && xtext_is_valid(value) &&
	       memchr(value.p, '+', value.n) == NULL &&
	       str_copy(m->account, sizeof(m->account), value);
}

/* "NEVER", or a list of the others (RFC 3461 4.1). */
static bool
set_notify(void *to, struct bytes value)
{
	static const struct {
		const char *word;
		unsigned bit;
	} words[] = { { "NEVER", DSN_NOTIFY_NEVER },
		{ "SUCCESS", DSN_NOTIFY_SUCCESS },
		{ "FAILURE", DSN_NOTIFY_FAILURE },
		{ "DELAY", DSN_NOTIFY_DELAY } };
	struct smtp_rcpt_params *r = to;
	bool is_more = true;

	while (is_more) {
		const char *comma = memchr(value.p, ',', value.n);
		size_t n = comma != NULL ? (size_t)(comma - value.p) : value.n;
		unsigned bit = 0;

		for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
			if (bytes_eq_nocase(
				bytes_of(value.p, n), words[i].word))
				bit = words[i].bit;
		if (bit == 0)
			return false;
		r->rcpt.notify |= bit;
		is_more = comma != NULL;
		value = bytes_of(value.p + n + is_more, value.n - n - is_more);
	}
	return r->rcpt.notify == DSN_NOTIFY_NEVER ||
	       (r->rcpt.notify & DSN_NOTIFY_NEVER) == 0;
}

/* One character of well-formed UTF-8, taken off *b. */
static uint32_t
next_char(struct bytes *b)
{
	unsigned char c = (unsigned char)*b->p;
	size_t n = c < 0xe0 ? 2 : c < 0xf0 ? 3 : 4;
	uint32_t ch = c & (0x7fu >> n);

	if (c < 0x80)
		n = 1, ch = c;
	for (size_t i = 1; i < n; i++)
		ch = ch << 6 | ((unsigned char)b->p[i] & 0x3f);
	*b = bytes_of(b->p + n, b->n - n);
	return ch;
}

/* RFC 6533 3: raw UTF-8 in the form that servers without SMTPUTF8 understand as
 * well. */
static bool
add_utf8_addr(struct buf *to, struct bytes addr)
{
	while (addr.n > 0) {
		uint32_t c = next_char(&addr);

		if (c >= 0x7f || c == '+' ? !buf_addf(to, "\\x{%02X}", c)
					  : !buf_addc(to, (char)c))
			return false;
	}
	return true;
}

static bool
set_utf8_orcpt(struct smtp_rcpt_params *r, struct bytes addr)
{
	struct buf text;
	bool ok;

	buf_init(&text, sizeof(r->orcpt) - 1);
	ok = buf_adds(&text, "utf-8;") && add_utf8_addr(&text, addr) &&
	     str_copy(r->orcpt, sizeof(r->orcpt), buf_bytes(&text));
	buf_clear(&text);
	return ok;
}

/* type ";" xtext (RFC 3461 4.2), or "utf-8;" and raw UTF-8 (RFC 6533 3). */
static bool
set_orcpt(void *to, struct bytes value)
{
	struct smtp_rcpt_params *r = to;
	const char *semi = memchr(value.p, ';', value.n);
	struct bytes type, addr;

	if (semi == NULL)
		return false;
	type = bytes_of(value.p, (size_t)(semi - value.p));
	addr = bytes_of(semi + 1, value.n - type.n - 1);
	r->rcpt.orcpt = r->orcpt;
	if (!xtext_is_valid(type) || addr.n == 0 || value.n > SMTP_ORCPT_MAX)
		return false;
	if (xtext_is_valid(addr))
		return str_copy(r->orcpt, sizeof(r->orcpt), value);
	return bytes_eq_nocase(type, "utf-8") && !str_is_ascii(addr) &&
	       str_is_utf8(addr) && set_utf8_orcpt(r, addr);
}

static const struct param_row mail_rows[] = {
	{ "SIZE", SMTP_OFFER_SIZE, set_size,
	    { 501, "5.5.4", "SIZE= wants a number of bytes" } },
	{ "BODY", SMTP_OFFER_8BITMIME, set_body,
	    { 501, "5.5.4", "BODY= is 7BIT or 8BITMIME" } },
	{ "SMTPUTF8", SMTP_OFFER_SMTPUTF8, set_utf8,
	    { 501, "5.5.4", "SMTPUTF8 has no value" } },
	{ "RET", SMTP_OFFER_DSN, set_ret,
	    { 501, "5.5.4", "RET= is FULL or HDRS" } },
	{ "ENVID", SMTP_OFFER_DSN, set_envid,
	    { 501, "5.5.4", "ENVID= wants up to 100 characters of xtext" } },
	{ "AUTH", SMTP_OFFER_AUTH, set_auth,
	    { 501, "5.5.4", "AUTH= is an address in xtext or <>" } },
	{ "XMODE", SMTP_OFFER_XRELAIS, set_mode,
	    { 501, "5.5.4", "XMODE= is safe, verdict or queue" } },
	{ "XACCOUNT", SMTP_OFFER_XRELAIS, set_account,
	    { 501, "5.5.4", "XACCOUNT= wants the name of an account" } },
	{ .key = NULL },
};

static const struct param_row rcpt_rows[] = {
	{ "NOTIFY", SMTP_OFFER_DSN, set_notify,
	    { 501, "5.5.4",
		"NOTIFY= is NEVER, or a list of SUCCESS, FAILURE, DELAY" } },
	{ "ORCPT", SMTP_OFFER_DSN, set_orcpt,
	    { 501, "5.5.4", "ORCPT= wants type;address in xtext" } },
	{ .key = NULL },
};

static const struct smtp_refusal malformed = { 501, "5.5.4",
	"malformed parameter" };
static const struct smtp_refusal unknown = { 555, "5.5.4",
	"parameter not recognized" };
static const struct smtp_refusal twice = { 501, "5.5.4",
	"duplicate parameter" };

static const struct smtp_refusal *
take_all(
    struct bytes list, unsigned offered, const struct param_row *rows, void *to)
{
	struct syntax_param param;
	enum syntax_more more;
	unsigned seen = 0;

	while ((more = syntax_param(&list, &param)) == SYNTAX_PARAM) {
		unsigned i = 0;

		while (rows[i].key != NULL &&
		       !bytes_eq_nocase(param.key, rows[i].key))
			i++;
		if (rows[i].key == NULL || (offered & rows[i].offer) == 0)
			return &unknown;
		if ((seen & 1u << i) != 0)
			return &twice;
		seen |= 1u << i;
		if (!rows[i].set(to, param.value))
			return &rows[i].bad;
	}
	return more == SYNTAX_BAD ? &malformed : NULL;
}

const struct smtp_refusal *
smtp_params_mail(
    struct bytes list, unsigned offered, struct smtp_mail_params *ret)
{
	*ret = (struct smtp_mail_params) { .mail = { .size_bytes = 0 } };
	return take_all(list, offered, mail_rows, ret);
}

const struct smtp_refusal *
smtp_params_rcpt(
    struct bytes list, unsigned offered, struct smtp_rcpt_params *ret)
{
	*ret = (struct smtp_rcpt_params) { .rcpt = { .notify = 0 } };
	return take_all(list, offered, rcpt_rows, ret);
}
