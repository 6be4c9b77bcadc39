/* SPDX-License-Identifier: GPL-3.0-or-later */
/* As whom, and with which secret. */
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "base/intl.h"
#include "base/str.h"
#include "base/xalloc.h"
#include "cred/cred_file.h"
#include "relais-setup/dialogue.h"
#include "relais-setup/setup.h"
#include "sys/files.h"

enum { TRIES = 3 }; /* of one secret; providers lock accounts */

/* --- as whom -------------------------------------------------------------- */

enum setup_status
setup_find_user(struct setup *s)
{
	const struct provider *p = s->found.preset;
	const char *at = strrchr(s->address, '@');

	if (s->args.user != NULL)
		s->user = xstrdup(s->args.user);
	else if (s->found.user != NULL)
		s->user = xstrdup(s->found.user);
	else if (p != NULL && p->login == PROVIDER_LOGIN_FIXED)
		s->user = xstrdup(p->login_word);
	else if (p != NULL && p->login == PROVIDER_LOGIN_LOCAL)
		s->user = xstrndup(s->address, (size_t)(at - s->address));
	else if (p == NULL || p->login == PROVIDER_LOGIN_ADDR)
		s->user = xstrdup(s->address);
	else if (dialogue_has_person()) {
		char *question = xasprintf(
		    _("Login name (%s calls it %s)"), p->name, p->login_word);

		s->questions++;
		s->user = dialogue_ask(question, NULL);
		free(question);
	}
	if (s->user == NULL || s->user[0] == '\0')
		return setup_stop(s->report, SETUP_PERSON,
		    "%s wants a login name of its own: add --user",
		    setup_provider_name(s));
	setup_report(s, "user", s->user);
	return SETUP_DONE;
}

/* --- with which secret ---------------------------------------------------- */

/* Blanks that the provider shows but does not mean. */
static void
take_out_blanks(struct setup *s)
{
	struct bytes b = secret_bytes(s->secret);
	struct buf without;
	struct secret *old = s->secret;

	if (s->found.preset == NULL || !s->found.preset->has_grouped_secret)
		return;
	buf_init(&without, SECRET_MAX);
	for (size_t i = 0; i < b.n; i++)
		if (b.p[i] != ' ')
			IGNORE(!buf_addc(&without, b.p[i]));
	if ((s->secret = secret_new(buf_bytes(&without))) != NULL)
		secret_free(old);
	else
		s->secret = old;
	buf_wipe(&without);
}

static int
read_input(struct setup *s, struct err *err)
{
	struct buf b;
	int rc;

	buf_init(&b, SECRET_MAX + 512);
	if (files_read_all(STDIN_FILENO, &b) != 0 && errno != EFBIG)
		rc = err_sys(err, "cannot read the standard input");
	else
		rc = cred_first_line(N_("standard input"), &b, &s->secret, err);
	buf_wipe(&b);
	return rc;
}

static enum setup_status
read_secret(struct setup *s)
{
	struct err err = { 0 };
	int rc = strcmp(s->args.password_file, "-") == 0
		     ? read_input(s, &err)
		     : cred_file_read(s->args.password_file, s->env.group,
			   &s->secret, &err);

	s->secret_from = N_("given with --password-file");
	if (rc != 0)
		return setup_stop(s->report, SETUP_PERSON, "%s", err.text);
	return SETUP_DONE;
}

static void
explain_secret(const struct setup *s)
{
	const struct provider *p = s->found.preset;
	const char *page = p != NULL ? p->page : s->found.page;

	const char *what = p != NULL ? provider_secret_name(p) : NULL;

	if (p != NULL && strcmp(p->secret, "password") != 0)
		dialogue_say(strchr("aAS", what[0]) != NULL
				 ? N_("%s wants an %s%s%s%s.")
				 : N_("%s wants a %s%s%s%s."),
		    p->name, _(what), p->note != NULL ? " (" : "",
		    p->note != NULL ? _(p->note) : "",
		    p->note != NULL ? ")" : "");
	else if (p != NULL && p->note != NULL)
		dialogue_say("%s password: %s.", p->name, _(p->note));
	if (page != NULL)
		dialogue_say("  %s", page);
}

static enum setup_status
ask_secret(struct setup *s, bool is_again)
{
	const struct provider *p = s->found.preset;
	bool is_password = p == NULL || strncmp(p->secret, "password", 8) == 0;
	char *question = xasprintf(_("%s%s%s (not shown%s)"),
	    is_again ? _("Again: ") : "",
	    is_password ? _("Password of the mailbox ")
			: _(provider_secret_name(p)),
	    is_password ? s->address : "",
	    p != NULL && p->has_grouped_secret ? _("; blanks do not matter")
					       : "");

	secret_free(s->secret);
	s->questions += !is_again;
	s->secret = dialogue_secret(question);
	s->secret_from = N_("typed in");
	free(question);
	return s->secret != NULL ? SETUP_DONE
				 : setup_stop(s->report, SETUP_PERSON,
				       "Nothing was written.");
}

/* Keys that move a cursor, or a mark of a paste. */
static bool
has_controls(struct bytes secret)
{
	for (size_t i = 0; i < secret.n; i++)
		if ((unsigned char)secret.p[i] < 0x20 || secret.p[i] == 0x7f)
			return true;
	return false;
}

/* What a refused secret may be wrong by, if it can be seen. */
static void
explain_refusal(const struct setup *s)
{
	struct bytes b = secret_bytes(s->secret);

	if (b.n > 0 && (b.p[0] == ' ' || b.p[b.n - 1] == ' '))
		dialogue_say("It begins or ends with a blank, which counts.");
	if (s->args.password_file == NULL)
		explain_secret(s);
}

/* Until the provider takes it. */
static enum setup_status
find_secret(struct setup *s)
{
	for (int i = 0; i < TRIES; i++) {
		bool is_refused = false;
		enum setup_status status = s->args.password_file != NULL
					       ? read_secret(s)
					       : ask_secret(s, i > 0);

		if (status != SETUP_DONE)
			return status;
		take_out_blanks(s);
		if (has_controls(secret_bytes(s->secret)) &&
		    s->args.password_file == NULL) {
			dialogue_say("There is a key in it that is no "
				     "character, so it was not sent.");
			continue;
		}
		status = setup_try(s, &is_refused);
		if (status == SETUP_DONE || s->args.is_forced)
			return SETUP_DONE;
		if (is_refused)
			explain_refusal(s);
		if (!is_refused || s->args.password_file != NULL)
			return status;
	}
	return setup_stop(s->report, SETUP_PERSON,
	    "Nothing was written. With the right password, type the same "
	    "again.");
}

enum setup_status
setup_log_in(struct setup *s)
{
	enum setup_status status;
	bool is_refused = false;

	if (s->args.password_file != NULL && setup_is_unattended(s))
		return setup_stop(s->report, SETUP_PERSON,
		    "--password-file is another way to log in: give one of "
		    "them");
	if (setup_signs_in(s))
		return setup_prepare_sign_in(s);
	if (s->args.password_file == NULL && !dialogue_has_person())
		return setup_stop(s->report, SETUP_PERSON,
		    "no terminal to ask for the password: add --password-file "
		    "FILE, or - for standard input");
	if (s->args.password_file == NULL) {
		/* Nobody should type a password for a server that cannot be
		 * reached. */
		status = setup_try(s, &is_refused);
		if (status != SETUP_DONE && !s->args.is_forced)
			return status;
		explain_secret(s);
	}
	return find_secret(s);
}

enum setup_status
setup_find_check_login(struct setup *s)
{
	enum setup_status status = SETUP_DONE;

	if (s->address == NULL)
		return SETUP_DONE;
	if (!setup_is_address(s->address))
		return setup_find_address(s); /* says so */
	status = setup_find_user(s);
	if (status == SETUP_DONE && s->args.password_file != NULL)
		status = read_secret(s);
	else if (status == SETUP_DONE && dialogue_has_person())
		status = ask_secret(s, false);
	if (s->secret != NULL)
		take_out_blanks(s);
	return status;
}
