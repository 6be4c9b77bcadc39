/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "relais-setup/setup.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/intl.h"
#include "base/num.h"
#include "base/str.h"
#include "base/xalloc.h"
#include "cred/cred_file.h"
#include "mail/addr.h"
#include "mail/idna.h"
#include "relais-setup/autoconfig.h"
#include "relais-setup/dialogue.h"
#include "relais-setup/verbs.h"
#include "sys/language.h"
#include "sys/privilege.h"
#include "sys/said.h"

enum {
	TRIES = 3, /* of one question; providers lock accounts */
	QUESTIONS_MAX = 3 /* what can be assumed is not asked then */
};

static void
report(struct setup *s, const char *key, const char *value)
{
	(void)json_object_set_new(
	    s->report, key, value != NULL ? json_string(value) : json_null());
}

/* --- the command line ----------------------------------------------------- */

struct option {
	const char *name;
	size_t flag,
	    value; /* offset in struct setup_args; SIZE_MAX: not that */
};
#define FLAG(name, field)                                                      \
	{                                                                      \
		name, offsetof(struct setup_args, field), SIZE_MAX             \
	}
#define VALUE(name, field)                                                     \
	{                                                                      \
		name, SIZE_MAX, offsetof(struct setup_args, field)             \
	}
static const struct option options[] = {
	VALUE("-c", conf_file),
	VALUE("--provider", provider),
	VALUE("--host", host),
	VALUE("--port", port),
	VALUE("--tls", tls),
	VALUE("--tls-ca-file", tls_ca_file),
	VALUE("--user", user),
	VALUE("--password-file", password_file),
	VALUE("--admin", admin),
	VALUE("--account", account),
	VALUE("--client-id", client_id),
	VALUE("--tenant", tenant),
	VALUE("--client-secret-file", client_secret_file),
	VALUE("--jwt-key-file", jwt_key_file),
	VALUE("--send", send_to),
	VALUE("--secret", secret_in),
	FLAG("--yes", is_yes),
	FLAG("--no-send", no_send),
	FLAG("--json", is_json),
	FLAG("--force", is_forced),
};

static const char help[] = N_(
    "usage: relais setup [ADDRESS] [--provider KEY] [--host NAME [--port N]\n"
    "           [--tls implicit|starttls] [--tls-ca-file FILE]] [--user NAME]\n"
    "           [--password-file FILE|-] [--admin ADDRESS] [--account NAME]\n"
    "           [--secret file|keyring|credential] [--client-id ID]\n"
    "           [--tenant NAME] [--client-secret-file FILE|-]\n"
    "           [--jwt-key-file FILE|-] [--yes] [--force] [--no-send] "
    "[--json]\n"
    "           [-c FILE]\n"
    "Finds the provider of an address, logs in, writes the configuration, "
    "starts\n"
    "the daemon and sends a message.  Asks what is not given, if there is a\n"
    "terminal.\n");

static int
usage(const char *what, const char *why)
{
	(void)fprintf(
	    stderr, _("relais: %s: %s; see: relais help setup\n"), what, why);
	return SETUP_PERSON;
}

/* "--name=value" and "--name value".  1: taken; 0: no option; -1: wrong. */
static int
take_option(struct setup_args *args, int argc, char *const *argv, int *i)
{
	const char *word = argv[*i];
	size_t n = strcspn(word, "=");

	for (size_t k = 0; k < sizeof(options) / sizeof(options[0]); k++) {
		const struct option *o = &options[k];

		if (strlen(o->name) != n || strncmp(o->name, word, n) != 0)
			continue;
		if (o->flag != SIZE_MAX && word[n] == '\0') {
			*(bool *)((char *)args + o->flag) = true;
			return 1;
		}
		if (o->flag != SIZE_MAX || (word[n] == '\0' && *i + 1 == argc))
			return -1;
		*(const char **)((char *)args + o->value) = word[n] == '='
								? word + n + 1
								: argv[++*i];
		return 1;
	}
	return word[0] == '-' ? -1 : 0;
}

/* 0: go on. */
static int
take_words(struct setup *s, int argc, char *const *argv)
{
	for (int i = 1; i < argc; i++) {
		int took = take_option(&s->args, argc, argv, &i);

		if (took < 0)
			return usage(argv[i], _("unknown option, or no value"));
		if (took == 0 && s->address != NULL)
			return usage(argv[i], _("one address only"));
		if (took == 0)
			s->address = xstrdup(argv[i]);
	}
	return 0;
}

/* --- the surroundings ----------------------------------------------------- */

static void
look_around(struct setup *s)
{
	s->env = conf_env_self(
	    geteuid() != 0, s->hostname, sizeof(s->hostname));
	conf_paths_init(&s->paths, &s->env);
	s->file = s->args.conf_file != NULL ? s->args.conf_file : s->paths.file;
}

static enum setup_status
load_presets(struct setup *s)
{
	struct err err = { 0 };

	s->presets = providers_load(&s->env, geteuid(), &err);
	return s->presets != NULL
		   ? SETUP_DONE
		   : setup_stop(s->report, SETUP_PERSON, "%s", err.text);
}

static enum setup_status
load(struct setup *s)
{
	struct conf_problems problems = { 0 };
	struct err err = { 0 };
	struct conf_env env = s->env;
	enum setup_status status = load_presets(s);

	if (status != SETUP_DONE)
		return status;
	if (access(RELAIS_DATA_DIR "/ispdb", R_OK) == 0) {
		s->mozilla = providers_new();
		if (providers_read(
			s->mozilla, RELAIS_DATA_DIR "/ispdb", &err) != 0)
			dialogue_say("%s", err.text);
	}
	env.lacks_secrets = true;
	if (access(s->file, F_OK) == 0 &&
	    conf_load(s->file, &env, &s->old, &problems) != 0)
		status = setup_stop(s->report, SETUP_PERSON,
		    "%s; repair or move that file first",
		    problems.n > 0 ? problems.v[0].text : s->file);
	conf_problems_clear(&problems);
	return status;
}

/* Else the secret would be of a user who is not the daemon. */
static enum setup_status
look_for_user(struct setup *s)
{
	struct privilege_user user;
	struct err err = { 0 };

	if (geteuid() != 0 ||
	    privilege_find(
		s->old != NULL ? s->old->user : "relais", &user, &err) == 0)
		return SETUP_DONE;
	return setup_stop(s->report, SETUP_PERSON, "%s", err.text);
}

/* Of those above the file, the nearest that is there, in path; false: the file is
 * in the current one. */
static bool
cut_to_folder(char *path)
{
	char *slash;

	do {
		slash = strrchr(path, '/');
		if (slash == NULL)
			return false;
		slash[slash == path] = '\0';
	} while (slash != path && access(path, F_OK) != 0);
	return true;
}

/* Nobody should answer questions in vain: can the file be written? */
static enum setup_status
look_for_room(struct setup *s)
{
	char *folder = xstrdup(s->file);
	enum setup_status status = SETUP_DONE;

	if (cut_to_folder(folder) && access(folder, W_OK) != 0)
		status = setup_stop(s->report, SETUP_PERSON,
		    "cannot write in %s: %s; with -c FILE the configuration "
		    "goes to another place",
		    folder, strerror(errno));
	free(folder);
	return status;
}

/* --- whom ----------------------------------------------------------------- */

static bool
is_address(const char *text)
{
	struct bytes b = bytes_str(text);

	return addr_is_mailbox(b) && addr_domain_is_name(addr_domain(b)) &&
	       autoconfig_is_host(strrchr(text, '@') + 1);
}

/* Blanks around it, what ends an item of a list or a sentence, and quotes around
 * all of it. */
static struct bytes
without_wrapping(struct bytes b)
{
	b = bytes_trim(b);
	while (b.n > 1 && strchr(".,;", b.p[b.n - 1]) != NULL)
		b = bytes_trim(bytes_of(b.p, b.n - 1));
	if (b.n > 1 && (b.p[0] == '\'' || b.p[0] == '"') &&
	    b.p[b.n - 1] == b.p[0])
		b = bytes_trim(bytes_of(b.p + 1, b.n - 2));
	return b;
}

/* What people paste: "Jane <jane@example.org>", "mailto:jane@example.org?cc=x",
 * an item of a list. */
static void
take_address_out(char **address)
{
	struct bytes b = without_wrapping(bytes_str(*address));
	const char *open = b.n > 0 ? memrchr(b.p, '<', b.n) : NULL;
	static const char scheme[] = "mailto:";
	char *at;

	if (open != NULL && b.p[b.n - 1] == '>')
		b = bytes_trim(
		    bytes_of(open + 1, (size_t)(b.p + b.n - 1 - (open + 1))));
	if (bytes_has_prefix_nocase(b, scheme)) {
		b = bytes_of(
		    b.p + sizeof(scheme) - 1, b.n - (sizeof(scheme) - 1));
		b = bytes_cut(&b, '?');
	}
	b = without_wrapping(b);
	at = xstrndup(b.p, b.n);
	free(*address);
	*address = at;
	/* As everybody writes it; what is before the @ may depend on it. */
	if ((at = strrchr(*address, '@')) != NULL)
		for (; *at != '\0'; at++)
			if (*at >= 'A' && *at <= 'Z')
				*at = (char)(*at - 'A' + 'a');
}

/* The domain in its ASCII form, as DNS and certificates have it. */
static void
to_ascii(char **address)
{
	struct buf b;

	buf_init(&b, ADDR_MAX);
	if (idna_addr(&b, bytes_str(*address))) {
		free(*address);
		*address = xstrdup(buf_str(&b));
	}
	buf_clear(&b);
}

/* What was typed or given, as it is meant. */
static bool
take_address(char **address)
{
	take_address_out(address);
	to_ascii(address);
	return is_address(*address);
}

/* Until it is one: a mistake in typing ends nothing.  NULL: the person does not
 * want to, or cannot; to be freed. */
static char *
ask_address(const char *question, const char *dflt)
{
	for (int i = 0; i < TRIES; i++) {
		char *text = dialogue_ask(question, dflt);

		if (text == NULL)
			return NULL;
		if (take_address(&text))
			return text;
		dialogue_say("\"%s\" is no email address", text);
		free(text);
	}
	return NULL;
}

static enum setup_status
find_address(struct setup *s)
{
	if (s->address == NULL && !dialogue_has_person())
		return setup_stop(s->report, SETUP_PERSON,
		    "no address is given; for example, type: relais setup "
		    "me@example.org --password-file FILE --yes");
	if (s->address == NULL) {
		s->questions++;
		s->address = ask_address(
		    _("Email address that this machine sends as"), NULL);
	}
	if (s->address == NULL)
		return setup_stop(
		    s->report, SETUP_PERSON, "Nothing was written.");
	if (!take_address(&s->address))
		return setup_stop(s->report, SETUP_PERSON,
		    "\"%s\" is no email address", s->address);
	report(s, "address", s->address);
	return SETUP_DONE;
}

/* --- where ---------------------------------------------------------------- */

static enum setup_status
take_provider(struct setup *s)
{
	struct err err = { 0 };

	s->found.preset = providers_find(
	    s->presets, s->args.provider, &s->preset_host, &err);
	if (s->found.preset == NULL)
		return setup_stop(s->report, SETUP_PERSON, "%s", err.text);
	s->found.from = xasprintf("preset %s", s->found.preset->key);
	return SETUP_DONE;
}

/* As DNS and certificates have it; to be freed. */
static char *
ascii_name(const char *host)
{
	char *name;
	struct buf b;

	buf_init(&b, ADDR_MAX);
	name = idna_domain(&b, bytes_str(host)) ? xstrdup(buf_str(&b))
						: xstrdup(host);
	buf_clear(&b);
	return name;
}

static enum setup_status
take_host(struct setup *s)
{
	bool is_implicit = str_eq(s->args.tls, "implicit");
	uint64_t port = 0;

	if (s->args.tls != NULL && !is_implicit &&
	    !str_eq(s->args.tls, "starttls"))
		return setup_stop(s->report, SETUP_PERSON,
		    "--tls \"%s\": expected implicit or starttls", s->args.tls);
	if (s->args.port != NULL &&
	    (!num_u64_max(bytes_str(s->args.port), 65535, &port) || port == 0))
		return setup_stop(s->report, SETUP_PERSON,
		    "--port \"%s\": no port", s->args.port);
	/* One colon: a port; more: an address of IPv6. */
	if (strchr(s->args.host, '/') != NULL ||
	    (strchr(s->args.host, ':') != NULL &&
		strchr(s->args.host, ':') == strrchr(s->args.host, ':')))
		return setup_stop(s->report, SETUP_PERSON,
		    "--host \"%s\": give the name alone; the port goes to "
		    "--port",
		    s->args.host);
	s->found.from = xstrdup(N_("named by hand"));
	s->found.host = ascii_name(s->args.host);
	if (port != 0) {
		is_implicit = is_implicit ||
			      (s->args.tls == NULL && port == 465);
		s->found.ports[s->found.nports++] = (struct conf_port) {
			(int)port,
			is_implicit ? CONF_TLS_IMPLICIT : CONF_TLS_STARTTLS
		};
		return SETUP_DONE;
	}
	if (s->args.tls == NULL || is_implicit)
		s->found.ports[s->found.nports++] = (struct conf_port) { 465,
			CONF_TLS_IMPLICIT };
	if (!is_implicit) {
		s->found.ports[s->found.nports++] = (struct conf_port) { 587,
			CONF_TLS_STARTTLS };
		s->found.ports[s->found.nports++] = (struct conf_port) { 2525,
			CONF_TLS_STARTTLS };
	}
	return SETUP_DONE;
}

static enum setup_status
search(struct setup *s)
{
	struct discover_opts opts = { s->address, s->presets, s->mozilla };
	struct err err = { 0 };

	if (discover(&opts, &s->found, &err) != 0)
		return setup_stop(s->report,
		    err.class == ERR_NETWORK ? SETUP_LATER : SETUP_PERSON, "%s",
		    err.text);
	report(s, "source", discover_source_name(s->found.source));
	return SETUP_DONE;
}

/* Of the domain, a preset's by that domain, or chosen by the user: no question.
 * A sign-in happens at the provider's own page. */
static enum setup_status
confirm_host(struct setup *s)
{
	char *question;
	bool is_yes;

	if (s->args.is_yes || s->args.provider != NULL ||
	    s->args.host != NULL ||
	    (s->found.preset != NULL &&
		(s->found.source == DISCOVER_PRESET || setup_signs_in(s))) ||
	    discovery_is_own_host(setup_host(s), s->address))
		return SETUP_DONE;
	if (!dialogue_has_person())
		return setup_stop(s->report, SETUP_PERSON,
		    "%s is not of %s; to agree, add --yes", setup_host(s),
		    strrchr(s->address, '@') + 1);
	question = xasprintf(_("%s is not of %s. Use it?"), setup_host(s),
	    strrchr(s->address, '@') + 1);
	s->questions++;
	is_yes = dialogue_confirm(question);
	free(question);
	return is_yes ? SETUP_DONE
		      : setup_stop(s->report, SETUP_PERSON,
			    "Nothing was written. Name the server with --host "
			    "or --provider.");
}

static enum setup_status
find_server(struct setup *s)
{
	const struct provider *p;
	char *from;
	enum setup_status status = s->args.provider != NULL ? take_provider(s)
				   : s->args.host != NULL   ? take_host(s)
							    : search(s);

	if (status != SETUP_DONE)
		return status;
	p = s->found.preset;
	if (p != NULL && p->refusal != NULL)
		return setup_stop(s->report, SETUP_PERSON, "%s", p->refusal);
	if (p != NULL && s->preset_host == NULL) {
		struct err err = { 0 };

		if (providers_find(s->presets, p->key, &s->preset_host, &err) ==
		    NULL)
			return setup_stop(
			    s->report, SETUP_PERSON, "%s", err.text);
	}
	from = said(s->found.from);
	dialogue_say("%s: %s (%s)", strrchr(s->address, '@') + 1,
	    setup_provider_name(s), from);
	free(from);
	report(s, "from", s->found.from);
	report(s, "provider", p != NULL ? p->key : NULL);
	report(s, "host", setup_host(s));
	return confirm_host(s);
}

/* --- as whom -------------------------------------------------------------- */

static enum setup_status
find_user(struct setup *s)
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
	report(s, "user", s->user);
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
	ssize_t n = 0;
	char *p;
	int rc;

	buf_init(&b, SECRET_MAX + 512);
	while ((p = buf_space(&b, 256)) != NULL &&
	       (n = read(STDIN_FILENO, p, 256)) > 0)
		buf_added(&b, (size_t)n);
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

static enum setup_status
log_in(struct setup *s)
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

/* --- all of it ------------------------------------------------------------ */

static enum setup_status
find_admin(struct setup *s)
{
	if (s->args.admin != NULL)
		s->admin = xstrdup(s->args.admin);
	else if (s->old != NULL && s->old->admin != NULL)
		return SETUP_DONE;
	else if (s->args.is_yes || s->questions >= QUESTIONS_MAX ||
		 !dialogue_has_person())
		s->admin = xstrdup(s->address);
	else
		s->admin = ask_address(
		    _("Mail for root and cron goes to"), s->address);
	if (s->admin == NULL)
		return setup_stop(
		    s->report, SETUP_PERSON, "Nothing was written.");
	if (!take_address(&s->admin))
		return setup_stop(s->report, SETUP_PERSON,
		    "\"%s\" is no email address; nothing was written",
		    s->admin);
	return SETUP_DONE;
}

static enum setup_status
sign_in(struct setup *s)
{
	return s->oauth != NULL ? setup_sign_in(s) : SETUP_DONE;
}

static enum setup_status
send_first(struct setup *s)
{
	return s->args.no_send ? SETUP_DONE : setup_send(s);
}

static enum setup_status
find_names(struct setup *s)
{
	enum setup_status status = setup_choose_names(s);

	report(s, "account", s->account);
	return status;
}

static enum setup_status
start(struct setup *s)
{
	enum setup_status status = setup_start(s);

	/* Without a message the daemon is not needed yet. */
	return s->args.no_send ? SETUP_DONE : status;
}

static enum setup_status
go(struct setup *s)
{
	static enum setup_status (*const steps[])(struct setup * s) = { load,
		look_for_room, look_for_user, find_address, find_server,
		find_user, find_names, log_in, find_admin, setup_write, start,
		sign_in, send_first };
	enum setup_status status = SETUP_DONE;

	for (size_t i = 0;
	     status == SETUP_DONE && i < sizeof(steps) / sizeof(steps[0]); i++)
		status = steps[i](s);
	return status;
}

static void
setup_clear(struct setup *s)
{
	conf_paths_clear(&s->paths);
	providers_free(s->presets);
	providers_free(s->mozilla);
	conf_free(s->old);
	discovery_clear(&s->found);
	free(s->address);
	free(s->preset_host);
	free(s->account);
	free(s->user);
	free(s->admin);
	secret_free(s->secret);
	free(s->secret_file);
	free(s->oauth);
	free(s->client_answer);
	json_decref(s->report);
}

/* The words of the command line and the surroundings; 0: go on. */
static int
begin_setup(struct setup *s, int argc, char **argv, const char *text)
{
	int status;

	for (int i = 1; i < argc; i++)
		if (strcmp(argv[i], "--help") == 0 ||
		    strcmp(argv[i], "-h") == 0) {
			language_convert_output();
			(void)fputs(_(text), stdout);
			exit(0);
		}
	s->report = json_object();
	status = take_words(s, argc, argv);
	if (s->args.is_json)
		dialogue_be_quiet();
	else
		language_convert_output();
	look_around(s);
	return status;
}

static void
print_json(const json_t *value)
{
	(void)json_dumpf(value, stdout, JSON_INDENT(2));
	(void)putchar('\n');
}

int
setup_main(int argc, char **argv)
{
	static const char *const words[] = { "done", "later", "person" };
	struct setup s = { .args.conf_file = NULL };
	int status = begin_setup(&s, argc, argv, help);

	if (status == 0) {
		status = (int)go(&s);
		report(&s, "result", words[status]);
		if (s.args.is_json)
			print_json(s.report);
	}
	setup_clear(&s);
	return status;
}

/* --- a server that is not configured -------------------------------------- */

static const char check_help[] = N_(
    "usage: relais check --host NAME|--provider KEY [ADDRESS] [--port N]\n"
    "           [--tls implicit|starttls] [--tls-ca-file FILE] [--user NAME]\n"
    "           [--password-file FILE|-] [--send ADDRESS] [--json]\n"
    "Tries a server that is not configured; with an address, logs in too.\n");

static enum setup_status
find_check_secret(struct setup *s)
{
	enum setup_status status = SETUP_DONE;

	if (s->address == NULL)
		return SETUP_DONE;
	if (!is_address(s->address))
		return find_address(s); /* says so */
	status = find_user(s);
	if (status == SETUP_DONE && s->args.password_file != NULL)
		status = read_secret(s);
	else if (status == SETUP_DONE && dialogue_has_person())
		status = ask_secret(s, false);
	if (s->secret != NULL)
		take_out_blanks(s);
	return status;
}

static enum setup_status
check(struct setup *s)
{
	bool is_refused;
	enum setup_status status = load_presets(s);

	s->account = xstrdup("check");
	if (status == SETUP_DONE)
		status = s->args.provider != NULL ? take_provider(s)
						  : take_host(s);
	if (status == SETUP_DONE)
		status = find_check_secret(s);
	return status == SETUP_DONE ? setup_try(s, &is_refused) : status;
}

int
check_main(int argc, char **argv)
{
	struct setup s = { .args.conf_file = NULL };
	int status = begin_setup(&s, argc, argv, check_help);

	if (status == 0 && s.args.provider == NULL && s.args.host == NULL)
		status = usage("check", _("expected --host or --provider"));
	else if (status == 0)
		status = (int)check(&s);
	if (s.args.is_json && json_object_get(s.report, "checks") != NULL)
		print_json(json_object_get(s.report, "checks"));
	setup_clear(&s);
	return status;
}
