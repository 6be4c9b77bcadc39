/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/intl.h"
#include "base/xalloc.h"
#include "check/check_result.h"
#include "conf/conf.h"
#include "relais/relais.h"
#include "relais/relais_conf.h"
#include "sys/said.h"

enum {
	PATIENCE_MS = 120 * 1000, /* a password command may be slow */
	SEEN_COLUMN = 40, /* of check_result_line() */
	ADVICE_COLUMN = 8
};

struct show {
	struct relais *r;
	const char *account; /* for JSON; NULL: the default one */
};

/* --- one account ---------------------------------------------------------- */

void
relais_print_check(const struct relais *r, const struct check_result *res)
{
	enum relais_colour colour = res->verdict == CHECK_PERSON ? COLOUR_BAD
				    : res->verdict == CHECK_LATER ||
					    res->verdict == CHECK_NOTE
					? COLOUR_WARN
					: COLOUR_NONE;
	struct buf line;
	char *begin, *advice;

	buf_init(&line, 2 * CHECK_SEEN_MAX + 100);
	check_result_line(res, &line);
	begin = xstrndup(buf_str(&line), SEEN_COLUMN);
	relais_print(r, colour, begin);
	relais_print_wrapped(
	    r, colour, SEEN_COLUMN, buf_str(&line) + strlen(begin));
	free(begin);
	buf_clear(&line);
	if (res->advice[0] == '\0')
		return;
	(void)printf("%*s", ADVICE_COLUMN, "");
	advice = said(res->advice);
	relais_print_wrapped(r, COLOUR_BOLD, ADVICE_COLUMN, advice);
	free(advice);
}

static void
on_item(void *ctx, json_t *item)
{
	const struct show *s = ctx;
	struct check_result res;

	if (!check_result_from_json(item, &res))
		return; /* of a newer daemon */
	if (relais_is_json(s->r)) {
		if (s->account != NULL)
			(void)json_object_set_new(
			    item, "account", json_string(s->account));
		relais_list_item(s->r, item);
	} else {
		relais_print_check(s->r, &res);
	}
	(void)fflush(stdout); /* each stage is shown when it is known */
}

/* send: an address, true (to admin), or NULL; taken over. */
static int
check_one(struct relais *r, const char *account, json_t *send)
{
	struct show s = { r, account };
	json_t *args = json_object(), *result = NULL;
	int status;

	if (account != NULL)
		(void)json_object_set_new(
		    args, "account", json_string(account));
	if (send != NULL)
		(void)json_object_set_new(args, "send", send);
	relais_be_patient(r, PATIENCE_MS);
	status = relais_ask(r, "check", args, on_item, &s, &result);
	if (status == RELAIS_DONE)
		status = (int)relais_number(result, "exit");
	json_decref(result);
	return status;
}

/* --- no daemon ------------------------------------------------------------ */

/* Then only the configuration can be looked at. */
static int
check_offline(struct relais *r)
{
	struct conf *c = NULL;

	IGNORE(relais_ask(r, "version", NULL, NULL, NULL, NULL)); /* says it */
	if (relais_conf_load(relais_conf_file(r), true, &c) != 0)
		return 2;
	(void)fprintf(stderr,
	    _("relais: check: %s has no errors; to look closer, type: relaisd "
	      "--check -c %s\n"),
	    c->file, c->file);
	conf_free(c);
	return 2;
}

/* --- all accounts --------------------------------------------------------- */

static int
check_all(struct relais *r)
{
	json_t *st = NULL;
	const json_t *accounts;
	int worst = relais_ask(r, "status", NULL, NULL, NULL, &st);
	size_t n;

	if (worst != RELAIS_DONE)
		return worst;
	accounts = json_object_get(st, "accounts");
	n = json_array_size(accounts);
	for (size_t i = 0; i < n; i++) {
		const char *name = relais_string(
		    json_array_get(accounts, i), "name");
		int status;

		if (n > 1 && !relais_is_json(r)) {
			(void)printf("%s", i > 0 ? "\n" : "");
			relais_print(r, COLOUR_BOLD, name);
			(void)putchar('\n');
		}
		status = check_one(r, name, NULL);
		if (status > worst)
			worst = status;
	}
	json_decref(st);
	return worst;
}

static bool
names_a_server(int argc, char *const *argv)
{
	for (int i = 0; i < argc; i++)
		if (strncmp(argv[i], "--host", 6) == 0 ||
		    strncmp(argv[i], "--provider", 10) == 0)
			return true;
	return false;
}

/* --- the commands --------------------------------------------------------- */

static int
run_check(struct relais *r, int argc, char *const *argv)
{
	const char *account = NULL, *send = NULL;
	int status;

	if (names_a_server(argc, argv))
		return relais_run_setup(r, argc, argv);
	for (int i = 0; i < argc; i++) {
		if (strcmp(argv[i], "--send") == 0 && i + 1 < argc)
			send = argv[++i];
		else if (strncmp(argv[i], "--send=", 7) == 0)
			send = argv[i] + 7;
		else if (argv[i][0] != '-' && account == NULL)
			account = argv[i];
		else
			return relais_complain(
			    r, RELAIS_USAGE, "unexpected \"%s\"", argv[i]);
	}
	if (!relais_has_daemon(r))
		return check_offline(r);
	status = account == NULL && send == NULL
		     ? check_all(r)
		     : check_one(
			   r, account, send != NULL ? json_string(send) : NULL);
	if (relais_is_json(r))
		relais_list_end(r);
	return status;
}

static int
run_test(struct relais *r, int argc, char *const *argv)
{
	int status;

	if (argc > 1 || (argc == 1 && argv[0][0] == '-'))
		return relais_complain(
		    r, RELAIS_USAGE, "expected one address, or none for admin");
	if (!relais_has_daemon(r))
		return check_offline(r);
	status = check_one(
	    r, NULL, argc == 1 ? json_string(argv[0]) : json_true());
	if (relais_is_json(r))
		relais_list_end(r);
	return status;
}

const struct relais_command cmd_check = {
	.name = "check",
	.args = N_(
	    "[ACCOUNT] [--send ADDRESS] | --host HOST | --provider KEY ..."),
	.help = N_("tries an account and says what is wrong with it"),
	.details = N_(
	    "The daemon tries it, stage by stage: dns, tcp (each port, IPv4 "
	    "and IPv6), tls,\nehlo, secret, auth, mail (MAIL FROM and RCPT TO, "
	    "undone).  With --send, a real\nmessage leaves.  Without ACCOUNT, "
	    "all accounts are tried, each with one login.\n--host or "
	    "--provider try a server that is not configured.\n"
	    "Exits with status 0 if the account works, 1 if the network or the "
	    "provider is in\n"
	    "trouble, 2 if a person must act."),
	.run = run_check,
};

const struct relais_command cmd_test = {
	.name = "test",
	.args = N_("[ADDRESS]"),
	.help = N_("sends a test message and shows the provider's answer"),
	.details = N_(
	    "The same as relais check --send ADDRESS, for the default account; "
	    "without\nADDRESS, the message goes to admin."),
	.run = run_test,
};
