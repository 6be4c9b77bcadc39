/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/intl.h"
#include "base/str.h"
#include "conf/conf.h"
#include "conf/replies.h"
#include "mail/diagnosis.h"
#include "mail/verdict.h"
#include "relais/relais.h"
#include "sys/said.h"

enum { REPLY_MAX = 2000 };

/* In place of the words of diagnosis_act_name(). */
static const char *const acts[] = {
	[DIAGNOSIS_NONE] = N_("nothing: the reply reports success"),
	[DIAGNOSIS_RETRY] = N_("keeps the message and tries it again later"),
	[DIAGNOSIS_SPLIT] = N_("sends to the rest of the recipients in "
			       "transactions of their own, at once"),
	[DIAGNOSIS_SPLIT_DOMAINS] = N_("sends to the recipients of each domain "
				       "in transactions of their own, at once"),
	[DIAGNOSIS_RECONNECT] = N_("opens a new connection, at once"),
	[DIAGNOSIS_NEXT_MECHANISM] = N_(
	    "tries the next login method that the server offers; holds the "
	    "account if there is none"),
	[DIAGNOSIS_PAUSE] = N_("pauses the account and tries again by itself"),
	[DIAGNOSIS_QUOTA] = N_(
	    "makes no attempt until the limit allows it again"),
	[DIAGNOSIS_HOLD_ACCOUNT] = N_(
	    "holds the account and tells the administrator; retries rarely, "
	    "no message is lost"),
	[DIAGNOSIS_HOLD_MESSAGE] = N_(
	    "holds the message until someone releases it: relais release "
	    "ID"),
	[DIAGNOSIS_FAIL] = N_(
	    "gives up on this recipient or message, keeps it in "
	    "failed/ and tells its sender"),
};

static const char *
or_unknown(const char *text)
{
	return *text != '\0' ? text : N_("not known");
}

static void
print(const struct relais *r, const char *label, const char *text)
{
	size_t columns = str_width(bytes_str(_("Remedy:"))) + 1;
	char *own = said(text);

	relais_print_label(_(label), columns);
	relais_print_wrapped(r, COLOUR_NONE, columns, own);
	free(own);
}

/* The rows of the caller's own daemon, or else the machine's. */
static void
load_own_rows(struct relais *r, bool is_user, struct replies **ret)
{
	struct conf_env env = {
		.is_user = is_user,
		.home = getenv("HOME"),
		.config_home = getenv("XDG_CONFIG_HOME"),
	};
	struct conf_paths paths;
	struct err err;

	conf_paths_init(&paths, &env);
	if (replies_load(paths.replies_own, ret, &err) != 0)
		(void)relais_complain(r, RELAIS_FAILED, "%s", err.text);
	conf_paths_clear(&paths);
}

static int
explain(struct relais *r, struct bytes reply)
{
	struct verdict v;
	struct diagnosis d;
	json_t *result;
	bool has_codes = diagnosis_read(reply, &v);

	d = diagnose(&v, v.who);
	if (!has_codes && d.cause[0] == '\0')
		return relais_complain(r, RELAIS_FAILED,
		    "unknown reply: it has no code such as 550 or 5.7.1 and no "
		    "known words; give the whole reply");
	if (!relais_is_json(r)) {
		print(r, N_("Cause:"), or_unknown(d.cause));
		print(r, N_("Remedy:"), or_unknown(d.remedy));
		print(r, N_("relais:"), acts[d.act]);
		return RELAIS_DONE;
	}
	result = json_pack("{s:s, s:s, s:s, s:i, s:s}", "act",
	    diagnosis_act_name(d.act), "cause", d.cause, "remedy", d.remedy,
	    "code", v.code, "enhanced", v.enhanced);
	relais_print_json(result);
	json_decref(result);
	return RELAIS_DONE;
}

static int
run_explain(struct relais *r, int argc, char *const *argv)
{
	struct buf reply;
	bool fits = true;
	struct replies *rows = NULL;
	int status;

	if (argc == 0)
		return relais_complain(r, RELAIS_USAGE,
		    "no reply given; for example, type: relais explain \"535 "
		    "5.7.139 Authentication unsuccessful\"");
	buf_init(&reply, REPLY_MAX);
	for (int i = 0; fits && i < argc; i++)
		fits = buf_addf(&reply, "%s%s", i > 0 ? " " : "", argv[i]);
	load_own_rows(r, true, &rows);
	if (rows == NULL)
		load_own_rows(r, false, &rows);
	replies_use(rows);
	status = fits ? explain(r, buf_bytes(&reply))
		      : relais_complain(
			    r, RELAIS_USAGE, "the reply is too long");
	replies_use(NULL);
	replies_free(rows);
	buf_clear(&reply);
	return status;
}

const struct relais_command cmd_explain = {
	.name = "explain",
	.args = N_("REPLY"),
	.help = N_("explains what a server's reply means and what to do"),
	.details = NULL,
	.run = run_explain,
};
