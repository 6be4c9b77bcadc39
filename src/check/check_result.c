/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "check/check_result.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "base/intl.h"
#include "base/num.h"
#include "base/str.h"
#include "base/xalloc.h"
#include "ctl/ctl_json.h"
#include "sys/said.h"

static const char *const stages[CHECK_STAGES] = {
	[CHECK_DNS] = "dns",
	[CHECK_TCP] = "tcp",
	[CHECK_TLS] = "tls",
	[CHECK_EHLO] = "ehlo",
	[CHECK_SECRET] = "secret",
	[CHECK_AUTH] = "auth",
	[CHECK_MAIL] = "mail",
	[CHECK_SEND] = "send",
};

static const char *const verdicts[CHECK_VERDICTS] = {
	[CHECK_SKIPPED] = N_("skipped"),
	[CHECK_OK] = N_("ok"),
	[CHECK_NOTE] = N_("note"),
	[CHECK_LATER] = N_("later"),
	[CHECK_PERSON] = N_("person"),
};

const char *
check_stage_name(enum check_stage s)
{
	return stages[s];
}

const char *
check_verdict_name(enum check_verdict v)
{
	return verdicts[v];
}

enum check_verdict
check_worse(enum check_verdict a, enum check_verdict b)
{
	return a > b ? a : b;
}

int
check_exit_status(enum check_verdict v)
{
	return v == CHECK_PERSON ? 2 : v == CHECK_LATER ? 1 : 0;
}

/* --- JSON ----------------------------------------------------------------- */

static const char *
family_name(int family)
{
	return family == AF_INET ? "IPv4" : family == AF_INET6 ? "IPv6" : "";
}

/* How long ago, by clocks that may be wrong. */
static const char *
ago(int64_t now_s, int64_t then_s, char text[NUM_TEXT_SIZE])
{
	return num_duration_text(
	    (now_s > then_s ? now_s - then_s : 0) * 1000, text);
}

void
check_result_secret(struct check_result *r, const char *from,
    const struct cred_facts *facts, int64_t now_s)
{
	char in[NUM_TEXT_SIZE], fresh[NUM_TEXT_SIZE], left[NUM_TEXT_SIZE];
	bool has_person = facts != NULL && facts->signed_in_s != 0;

	if (from == NULL)
		from = N_("the secret is there");
	if (facts == NULL || facts->serial == 0)
		(void)snprintf(r->seen, sizeof(r->seen), "%s", from);
	else if (has_person)
		(void)snprintf(r->seen, sizeof(r->seen),
		    N_("%s, signed in %s ago, refreshed %s ago, good for %s"),
		    from, ago(now_s, facts->signed_in_s, in),
		    ago(now_s, facts->refreshed_s, fresh),
		    num_duration_text(facts->valid_ms, left));
	else
		(void)snprintf(r->seen, sizeof(r->seen),
		    N_("%s, refreshed %s ago, good for %s"), from,
		    ago(now_s, facts->refreshed_s, fresh),
		    num_duration_text(facts->valid_ms, left));
}

json_t *
check_result_json(const struct check_result *r)
{
	return json_pack("{s:s, s:s, s:i, s:s, s:I, s:o, s:o}", "stage",
	    stages[r->stage], "verdict", verdicts[r->verdict], "port", r->port,
	    "family", family_name(r->family), "ms", (json_int_t)r->took_ms,
	    "seen", ctl_json_text(r->seen), "advice", ctl_json_text(r->advice));
}

/* -1: none of them. */
static int
index_of(const char *const *names, int n, const json_t *name)
{
	const char *s = json_string_value(name);

	for (int i = 0; s != NULL && i < n; i++)
		if (strcmp(names[i], s) == 0)
			return i;
	return -1;
}

static void
copy_json_text(char *to, size_t max, const json_t *text)
{
	const char *s = json_string_value(text);

	(void)snprintf(to, max, "%s", s != NULL ? s : "");
}

bool
check_result_from_json(const json_t *object, struct check_result *ret)
{
	int stage = index_of(
	    stages, CHECK_STAGES, json_object_get(object, "stage"));
	int verdict = index_of(
	    verdicts, CHECK_VERDICTS, json_object_get(object, "verdict"));
	const char *family = json_string_value(
	    json_object_get(object, "family"));

	if (stage < 0 || verdict < 0)
		return false;
	*ret = (struct check_result) {
		.stage = (enum check_stage)stage,
		.verdict = (enum check_verdict)verdict,
		.port = (int)json_integer_value(
		    json_object_get(object, "port")),
		.family = str_eq(family, "IPv4")   ? AF_INET
			  : str_eq(family, "IPv6") ? AF_INET6
						   : 0,
		.took_ms = json_integer_value(json_object_get(object, "ms")),
	};
	copy_json_text(
	    ret->seen, sizeof(ret->seen), json_object_get(object, "seen"));
	copy_json_text(ret->advice, sizeof(ret->advice),
	    json_object_get(object, "advice"));
	return true;
}

/* --- text ----------------------------------------------------------------- */

/* "PLAIN as jane@example.org" has too few letters to be recognised. */
static char *
said_login(const char *seen)
{
	static const char as[] = " as ";
	const char *at = strstr(seen, as);

	if (at == NULL || strchr(seen, ' ') != at ||
	    strchr(at + sizeof(as) - 1, ' ') != NULL)
		return said(seen);
	return xasprintf(
	    "%.*s%s%s", (int)(at - seen), seen, _(" as "), at + sizeof(as) - 1);
}

void
check_result_line(const struct check_result *r, struct buf *to)
{
	enum { VERDICT_WIDTH = 7 };
	char port[16] = "", took[32] = "";
	const char *verdict = _(verdicts[r->verdict]);
	char *seen = r->stage == CHECK_AUTH ? said_login(r->seen)
					    : said(r->seen);
	size_t pad;

	if (r->port != 0)
		(void)snprintf(port, sizeof(port), "%d", r->port);
	if (r->took_ms >= 0)
		(void)snprintf(
		    took, sizeof(took), "%" PRId64 " ms", r->took_ms);
	pad = str_width(bytes_str(verdict));
	IGNORE(buf_addf(to, "%-6s  %5s  %-4s  %s%*s  %8s  %s", stages[r->stage],
	    port, family_name(r->family), verdict,
	    (int)(pad < VERDICT_WIDTH ? VERDICT_WIDTH - pad : 0), "", took,
	    seen)); /* cut when full */
	free(seen);
}
