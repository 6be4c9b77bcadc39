/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "mail/diagnosis.h"

#include <stdio.h>
#include <string.h>

#include "base/num.h"
#include "base/str.h"

#define MINUTES(n) ((n)*INT64_C(60) * 1000)
#define HOURS(n)   (MINUTES(60) * (n))

/* Sets of stages. */
enum {
	AT_ANY = 0,
	AT_CONNECT = 1u << STAGE_CONNECT | 1u << STAGE_TLS |
		     1u << STAGE_GREETING | 1u << STAGE_EHLO,
	AT_AUTH = 1u << STAGE_AUTH,
	AT_MAIL = 1u << STAGE_MAIL,
	AT_RCPT = 1u << STAGE_RCPT,
	AT_DATA = 1u << STAGE_DATA | 1u << STAGE_END,
	AT_MESSAGE = AT_MAIL | AT_RCPT | AT_DATA
};

/* A code of 400 or 500 stands for its whole class, 0 for any code. */
struct rule {
	const char *hosts; /* pattern for the server's name, NULL: any */
	unsigned stages;
	int code;
	const char *enhanced; /* exactly, or NULL */
	const char *text; /* somewhere in it, or NULL; "a|b": either */
	enum diagnosis_act act;
	int64_t pause_ms;
	const char *cause, *remedy;
};

#define BAD_SENDER "the provider does not take that as a sender address"
#define BAD_SENDER_REMEDY                                                      \
	"set identity = allow or force for this account; then: relais "        \
	"release ID"

static const struct rule rules[] = {
	/* --- Google ------------------------------------------------------- */
	{ "*.gmail.com", AT_MESSAGE, 550, "5.4.5", NULL, DIAGNOSIS_QUOTA,
	    HOURS(1),
	    "the daily sending limit of this Google account is used up; it "
	    "counts over a rolling 24 hours",
	    "wait: mail is held and tried again hourly; for more, use Google "
	    "Workspace or another provider" },
	{ "*.gmail.com", AT_ANY, 421, NULL, NULL, DIAGNOSIS_PAUSE, 0,
	    "Google limits sign-ins and connections of this account",
	    "wait; lower max_connections if it comes back" },
	{ "*.gmail.com", AT_AUTH, 454, NULL, NULL, DIAGNOSIS_PAUSE, 0,
	    "Google limits sign-ins of this account",
	    "wait; lower max_connections if it comes back" },
	{ "*.gmail.com", AT_AUTH, 534, NULL, NULL, DIAGNOSIS_HOLD_ACCOUNT, 0,
	    "Google wants an app password or a sign-in in a browser",
	    "turn on 2-step verification, make an app password at "
	    "myaccount.google.com/apppasswords, and use that as the secret" },
	{ "*.gmail.com", AT_AUTH, 535, NULL, NULL, DIAGNOSIS_HOLD_ACCOUNT, 0,
	    "Gmail wants an app password; the normal password is refused",
	    "make an app password at myaccount.google.com/apppasswords (needs "
	    "2-step verification) and use that as the secret" },
	{ NULL, AT_MESSAGE, 400, NULL, "multiple destination domains",
	    DIAGNOSIS_SPLIT_DOMAINS, 0,
	    "the provider (Google, mostly) takes one recipient domain per "
	    "transaction here",
	    "nothing: recipients are sent domain by domain" },

	/* --- Microsoft ---------------------------------------------------- */
	{ NULL, AT_ANY, 432, "4.3.2", NULL, DIAGNOSIS_PAUSE, 0,
	    "the mailbox has more connections open than Microsoft allows (3)",
	    "set max_connections = 2 for this account" },
	{ NULL, AT_ANY, 554, "5.2.0", "SendAsDenied", DIAGNOSIS_HOLD_MESSAGE, 0,
	    "Microsoft does not let this mailbox send as that address "
	    "(SendAsDenied)",
	    "set identity = force for this account, or give the mailbox the "
	    "Send As right" },
	{ NULL, AT_ANY, 554, "5.2.0", "quota|limit|StoreDrv", DIAGNOSIS_QUOTA,
	    HOURS(4),
	    "the submission quota of this Microsoft mailbox is used up for "
	    "today",
	    "wait: mail is held; for more, spread it over accounts" },
	{ NULL, AT_ANY, 550, "5.7.60", NULL, DIAGNOSIS_HOLD_MESSAGE, 0,
	    "Microsoft does not let this mailbox send as that address "
	    "(SendAsDenied)",
	    "set identity = force for this account, or give the mailbox the "
	    "Send As right" },
	{ NULL, AT_ANY, 554, "5.2.252", NULL, DIAGNOSIS_HOLD_MESSAGE, 0,
	    "Microsoft does not let this mailbox send as that address "
	    "(SendAsDenied)",
	    "set identity = force for this account, or give the mailbox the "
	    "Send As right" },
	{ NULL, AT_AUTH, 535, "5.7.139", NULL, DIAGNOSIS_HOLD_ACCOUNT, 0,
	    "SMTP AUTH is switched off for this Microsoft tenant or mailbox, "
	    "or a security policy forbids it",
	    "an administrator turns on Authenticated SMTP for the mailbox in "
	    "the Microsoft 365 admin centre; or use OAuth2" },
	{ NULL, AT_ANY, 550, "5.7.30", NULL, DIAGNOSIS_HOLD_ACCOUNT, 0,
	    "Microsoft has ended sign-in with a password for this tenant "
	    "(basic authentication)",
	    "use OAuth2 for this account" },

	/* --- others ------------------------------------------------------- */
	{ "*.mail.me.com", AT_MESSAGE, 550, "5.7.1", "limit|quota",
	    DIAGNOSIS_QUOTA, HOURS(4),
	    "the daily limit of this iCloud account is used up",
	    "wait: mail is held" },
	{ NULL, AT_MESSAGE, 450, NULL,
	    "send limit|sending limit|mail send limit", DIAGNOSIS_QUOTA,
	    HOURS(1), "the hourly sending limit of this account is used up",
	    "wait: mail is held; IONOS raises the limit with the age of the "
	    "contract" },
	{ "*.amazonaws.com", AT_ANY, 454, NULL, "daily|quota", DIAGNOSIS_QUOTA,
	    HOURS(1), "the daily sending quota of Amazon SES is used up",
	    "wait, or ask Amazon for a higher quota" },
	{ "*.amazonaws.com", AT_ANY, 454, NULL, "throttl|rate|exceeded",
	    DIAGNOSIS_QUOTA, 5000,
	    "Amazon SES takes fewer messages a second from this account",
	    "set max_per_minute for this account" },
	{ "*.amazonaws.com", AT_ANY, 554, NULL, "not verified",
	    DIAGNOSIS_HOLD_MESSAGE, 0,
	    "Amazon SES has not verified the sender, or the recipient while "
	    "the account is in the sandbox",
	    "verify the address or domain in SES, or leave the sandbox" },
	{ "*.yandex.*", AT_ANY, 0, NULL,
	    "blocked|spam limit|too many|limit exceeded", DIAGNOSIS_QUOTA,
	    HOURS(24),
	    "Yandex has blocked sending from this mailbox; every try while it "
	    "is blocked adds 24 hours",
	    "wait: nothing is tried for a day" },
	{ "*.yandex.*", AT_MESSAGE, 500, NULL, "not owned|sender address",
	    DIAGNOSIS_HOLD_MESSAGE, 0,
	    "Yandex wants envelope sender, From and Sender to be the "
	    "account's own address",
	    "set identity = force for this account" },
	{ "*zoho*", AT_MESSAGE, 553, NULL, "relaying disallowed",
	    DIAGNOSIS_HOLD_MESSAGE, 0,
	    "the sender is not an alias of this Zoho account, or the account "
	    "lives in another Zoho region",
	    "set identity = force, or the host of your region (smtp.zoho.eu, "
	    ".in, .com.au)" },
	{ "*.sparkpostmail.com", AT_MESSAGE, 550, "5.7.1",
	    "unconfigured|sending domain", DIAGNOSIS_HOLD_MESSAGE, 0,
	    "the sending domain is not set up at SparkPost",
	    "add and verify the domain there" },
	{ "*.mailbox.org", AT_MESSAGE, 500, NULL, "relay access denied",
	    DIAGNOSIS_HOLD_ACCOUNT, 0,
	    "a mailbox.org test account may not send to other providers",
	    "move the account to a paid plan" },

	/* --- what many servers say ---------------------------------------- */
	{ NULL, AT_MESSAGE, 500, NULL,
	    "not owned by|sender address rejected|send as|sendasdenied|"
	    "sender is not allowed|not authorized to send|sender not allowed|"
	    "sender address is not allowed|not authorised to send|"
	    "sender verify failed|unverified sender|sender identity",
	    DIAGNOSIS_HOLD_MESSAGE, 0,
	    "the provider does not let this account use that sender address",
	    "set identity = force for this account, or add the address to the "
	    "account at the provider; then: relais release ID" },
	/* x.1.7, x.1.8: no mailbox syntax, no such domain (RFC 3463 3.2). */
	{ NULL, AT_MAIL, 500, "5.1.7", NULL, DIAGNOSIS_HOLD_MESSAGE, 0,
	    BAD_SENDER, BAD_SENDER_REMEDY },
	{ NULL, AT_MAIL, 500, "5.1.8", NULL, DIAGNOSIS_HOLD_MESSAGE, 0,
	    BAD_SENDER, BAD_SENDER_REMEDY },
	{ NULL, AT_MAIL, 501, NULL, "mail from address", DIAGNOSIS_HOLD_MESSAGE,
	    0, BAD_SENDER, BAD_SENDER_REMEDY },
	{ NULL, AT_RCPT, 500, "5.5.3", NULL, DIAGNOSIS_SPLIT, 0,
	    "too many recipients at once for this provider",
	    "nothing: the rest follows; set max_recipients to avoid it" },
	{ NULL, AT_RCPT, 452, "4.5.3", NULL, DIAGNOSIS_SPLIT, 0,
	    "too many recipients at once for this provider",
	    "nothing: the rest follows; set max_recipients to avoid it" },
	{ NULL, AT_RCPT, 452, NULL, "recipients", DIAGNOSIS_SPLIT, 0,
	    "too many recipients at once for this provider",
	    "nothing: the rest follows; set max_recipients to avoid it" },
	{ NULL, AT_MESSAGE, 0, NULL,
	    "sending limit|send limit|daily limit|hourly limit|rate limit|"
	    "sending quota|submission quota|message limit|too many messages|"
	    "limit exceeded|quota exceeded for sending",
	    DIAGNOSIS_QUOTA, HOURS(1),
	    "the sending limit of this account is used up",
	    "wait: mail is held and tried again hourly" },
	{ NULL, AT_RCPT, 0, NULL,
	    "too many recipients|maximum number of recipients|recipient limit|"
	    "number of recipients exceeds|recipients per message|"
	    "recipients per transaction|recipients limit",
	    DIAGNOSIS_SPLIT, 0, "too many recipients at once for this provider",
	    "nothing: the rest follows; set max_recipients to avoid it" },
	{ NULL, AT_CONNECT | AT_MAIL, 504, NULL, NULL, DIAGNOSIS_HOLD_MESSAGE,
	    0,
	    "the provider wants a fully qualified name in EHLO or in the "
	    "sender address",
	    "set hostname = in [relais] to a name with a domain" },
	/* Postfix keeps that for later (smtpd_delay_reject). */
	{ NULL, AT_MESSAGE, 500, NULL, "helo command rejected",
	    DIAGNOSIS_HOLD_MESSAGE, 0,
	    "the provider does not take the name we give in EHLO",
	    "set hostname = in [relais] to a name with a domain" },
	{ NULL, AT_CONNECT, 501, NULL, NULL, DIAGNOSIS_HOLD_ACCOUNT, 0,
	    "the provider does not take the name we give in EHLO",
	    "set hostname = in [relais] to a name with a domain" },
	{ NULL, AT_ANY, 530, NULL, NULL, DIAGNOSIS_HOLD_ACCOUNT, 0,
	    "the provider wants a login (or TLS) before it takes mail",
	    "set user and a password for this account" },
	{ NULL, AT_AUTH, 538, NULL, NULL, DIAGNOSIS_HOLD_ACCOUNT, 0,
	    "the provider wants TLS before a login",
	    "set tls = implicit or tls = starttls for this account" },
	{ NULL, AT_AUTH, 432, "4.7.12", NULL, DIAGNOSIS_HOLD_ACCOUNT, 0,
	    "the provider wants the password to be changed first",
	    "sign in at the provider in a browser once" },
	{ NULL, AT_MESSAGE, 503, NULL, NULL, DIAGNOSIS_RECONNECT, 0,
	    "the provider has lost the thread of this session",
	    "nothing: relais connects and logs in again; if that does not "
	    "help, the account is held" },
	{ NULL, AT_AUTH, 500, NULL, NULL, DIAGNOSIS_HOLD_ACCOUNT, 0,
	    "the provider refuses user name or password",
	    "check user and secret; many providers want an app password "
	    "instead of the normal one; then: relais flush" },
	{ NULL, AT_AUTH, 400, NULL, NULL, DIAGNOSIS_PAUSE, 0,
	    "the provider cannot check the login just now", "wait" },

	/* --- by stage and class (DESIGN section 6) ------------------------ */
	{ NULL, AT_ANY, 421, NULL, NULL, DIAGNOSIS_PAUSE, 0,
	    "the provider is closing the connection", "wait" },
	{ NULL, AT_CONNECT, 0, NULL, NULL, DIAGNOSIS_PAUSE, 0, "", "" },
	{ NULL, AT_MESSAGE, 552, "5.3.4", NULL, DIAGNOSIS_FAIL, 0,
	    "the message is larger than the provider takes",
	    "send less, or a link" },
	/* At a smarthost this is about the account or the sender, never about
	 * the message: it must not be lost over it. */
	{ NULL, AT_MAIL, 500, NULL, NULL, DIAGNOSIS_HOLD_MESSAGE, 0,
	    "the provider refuses this sender or this account, and says no "
	    "more than that",
	    "ask the provider what that reply means; then: relais release ID" },
	{ NULL, AT_RCPT, 552, NULL, NULL, DIAGNOSIS_SPLIT, 0,
	    "too many recipients at once for this provider",
	    "nothing: the rest follows; set max_recipients to avoid it" },
	{ NULL, AT_RCPT, 500, NULL, NULL, DIAGNOSIS_FAIL, 0,
	    "the provider does not take this recipient", "check the address" },
	{ NULL, AT_ANY, 500, NULL, NULL, DIAGNOSIS_FAIL, 0, "", "" },
	{ NULL, AT_ANY, 400, NULL, NULL, DIAGNOSIS_RETRY, 0, "", "" },
	{ NULL, AT_ANY, 0, NULL, NULL, DIAGNOSIS_RETRY, 0, "", "" },
};

/* Case-insensitive search for one alternative of "a|b|c". */
static bool
has_text(struct bytes in, const char *alternatives)
{
	for (const char *a = alternatives; *a != '\0';) {
		size_t n = strcspn(a, "|");
		char one[64];

		if (str_copy(one, sizeof(one), bytes_of(a, n)))
			for (size_t i = 0; i + n <= in.n; i++)
				if (bytes_has_prefix_nocase(
					bytes_of(in.p + i, in.n - i), one))
					return true;
		a += n;
		if (*a == '|')
			a++;
	}
	return false;
}

static bool
code_fits(const struct rule *r, const struct verdict *v)
{
	if (r->code == 0)
		return true;
	/* A pasted "5.7.60" has no code but its class. */
	if (r->code % 100 == 0 || (r->enhanced != NULL && v->code % 100 == 0))
		return v->code / 100 == r->code / 100;
	return v->code == r->code;
}

/* Without a name, a provider's row must know its reply by more than a code
 * that everybody uses, and by more than a word or two. */
static bool
host_fits(const struct rule *r, const char *host)
{
	if (host[0] == '\0')
		return r->code != 0 && (r->enhanced != NULL || r->text != NULL);
	return str_match(r->hosts, host);
}

static bool
rule_fits(const struct rule *r, const struct verdict *v, const char *host)
{
	if (r->hosts != NULL && !host_fits(r, host))
		return false;
	if (r->stages != AT_ANY && (r->stages & 1u << v->stage) == 0)
		return false;
	if (!code_fits(r, v) ||
	    (r->enhanced != NULL && strcmp(r->enhanced, v->enhanced) != 0))
		return false;
	return r->text == NULL ||
	       has_text(bytes_of(v->text, strlen(v->text)), r->text);
}

/* What we said ourselves needs no table: its class is its meaning. */
static struct diagnosis
of_our_own(const struct verdict *v)
{
	return (struct diagnosis) {
		.act = v->class == VERDICT_NEVER ? DIAGNOSIS_FAIL
						 : DIAGNOSIS_RETRY,
		.cause = "",
		.remedy = "",
	};
}

/* The provider may have taken it: nothing was said. */
static struct diagnosis
of_the_lost(void)
{
	return (struct diagnosis) {
		.act = DIAGNOSIS_RETRY,
		.cause = "the provider got the whole message, and its answer "
			 "was lost on the way",
		.remedy = "nothing: it is sent again and may arrive twice; "
			  "with uncertain = hold it waits for a person instead",
	};
}

struct diagnosis
diagnose(const struct verdict *v, const char *host)
{
	if (v->class == VERDICT_OK || v->class == VERDICT_NONE)
		return (struct diagnosis) { DIAGNOSIS_NONE, 0, "", "" };
	if (v->is_uncertain)
		return of_the_lost();
	if (v->stage == STAGE_LOCAL)
		return of_our_own(v);
	for (size_t i = 0;; i++) {
		const struct rule *r = &rules[i];

		/* The last rule fits everything. */
		if (rule_fits(r, v, host))
			return (struct diagnosis) { r->act, r->pause_ms,
				r->cause, r->remedy };
	}
}

/* "5.7.139": class, subject and detail of RFC 3463. */
static bool
is_enhanced(struct bytes w)
{
	size_t dots = 0;

	if (w.n < 5 || w.n > 11 || w.p[0] < '2' || w.p[0] > '5')
		return false;
	for (size_t i = 0; i < w.n; i++) {
		if (w.p[i] == '.')
			dots++;
		else if (w.p[i] < '0' || w.p[i] > '9')
			return false;
	}
	return dots == 2;
}

static bool
is_code(struct bytes w, uint64_t *ret)
{
	return w.n == 3 && num_u64_max(w, 599, ret) && *ret >= 200;
}

/* The next word of *text, and what is left; a "-" ends one too, as in a line
 * of a longer reply, "550-5.7.1 ...". */
static struct bytes
cut_word(struct bytes *text)
{
	struct bytes w = *text = bytes_trim(*text);

	w.n = 0;
	while (w.n < text->n && strchr(" \t\r\n-", text->p[w.n]) == NULL)
		w.n++;
	text->p += w.n;
	text->n -= w.n;
	if (text->n > 0 && *text->p == '-') {
		text->p++;
		text->n--;
	}
	return w;
}

/* The codes at the start of *text, which are cut off. */
static bool
cut_codes(struct bytes *text, uint64_t *ret_code, struct bytes *ret_enhanced)
{
	struct bytes rest = *text, w = cut_word(&rest);
	bool has_code = is_code(w, ret_code);

	if (has_code) {
		*text = rest;
		w = cut_word(&rest);
	} else {
		*ret_code = 0;
	}
	*ret_enhanced = bytes_of("", 0);
	if (!is_enhanced(w))
		return has_code;
	*ret_enhanced = w;
	*text = rest;
	if (!has_code)
		*ret_code = (uint64_t)(w.p[0] - '0') * 100;
	return true;
}

/* As cut_codes(), behind whatever a log has in front of the reply: there only
 * an enhanced code is told from any other number. */
static bool
find_codes(struct bytes *text, uint64_t *ret_code, struct bytes *ret_enhanced)
{
	struct bytes rest = *text;

	if (cut_codes(text, ret_code, ret_enhanced))
		return true;
	while (rest.n > 0) {
		struct bytes from = rest;

		if (cut_codes(&from, ret_code, ret_enhanced) &&
		    ret_enhanced->n > 0) {
			*text = from;
			return true;
		}
		(void)cut_word(&rest); /* looked at just now */
	}
	*ret_code = 0;
	return false;
}

/* A pasted reply does not say what it was the answer to. */
static enum verdict_stage
likely_stage(uint64_t code, struct bytes enhanced, struct bytes text)
{
	/* Said to AUTH and nothing else (RFC 4954 6). */
	if (code == 535 || code == 534 || code == 538)
		return STAGE_AUTH;
	if (code == 454)
		return has_text(text, "auth|sign|login") ? STAGE_AUTH
							 : STAGE_END;
	if (has_text(text, "helo|ehlo"))
		return STAGE_EHLO;
	if (code == 530 || has_text(text, "sender"))
		return STAGE_MAIL;
	/* x.1.1 to x.1.6 are about the recipient, x.5.3 is about their number
	 * (RFC 3463 3.2, 3.6). */
	if (enhanced.n >= 5 &&
	    ((enhanced.p[2] == '1' && enhanced.p[4] <= '6') ||
		(enhanced.p[2] == '5' && enhanced.p[4] == '3')))
		return STAGE_RCPT;
	return STAGE_END;
}

bool
diagnosis_read(struct bytes text, struct verdict *ret)
{
	struct bytes enhanced;
	uint64_t code;
	bool has_codes = find_codes(&text, &code, &enhanced);

	text = bytes_trim(text);
	verdict_from_reply(ret, likely_stage(code, enhanced, text),
	    has_codes ? (int)code : 500, enhanced, text);
	return has_codes;
}

const char *
diagnosis_act_name(enum diagnosis_act a)
{
	static const char *names[] = {
		[DIAGNOSIS_NONE] = "none",
		[DIAGNOSIS_RETRY] = "retry",
		[DIAGNOSIS_SPLIT] = "split",
		[DIAGNOSIS_SPLIT_DOMAINS] = "split-domains",
		[DIAGNOSIS_RECONNECT] = "reconnect",
		[DIAGNOSIS_NEXT_MECHANISM] = "next-mechanism",
		[DIAGNOSIS_PAUSE] = "pause",
		[DIAGNOSIS_QUOTA] = "quota",
		[DIAGNOSIS_HOLD_ACCOUNT] = "hold-account",
		[DIAGNOSIS_HOLD_MESSAGE] = "hold-message",
		[DIAGNOSIS_FAIL] = "fail",
	};

	return names[a];
}
