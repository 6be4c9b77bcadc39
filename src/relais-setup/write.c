/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/str.h"
#include "base/xalloc.h"
#include "conf/conf_edit.h"
#include "cred/cred_oauth.h"
#include "relais-setup/dialogue.h"
#include "relais-setup/setup.h"
#include "sys/file_replace.h"
#include "sys/files.h"
#include "sys/said.h"

/* --- names ---------------------------------------------------------------- */

static const struct conf_account *
old_account(const struct setup *s, const char *name)
{
	int i = s->old != NULL ? conf_account_find(s->old, name) : -1;

	return i >= 0 ? &s->old->accounts[i] : NULL;
}

static bool
is_same_mailbox(const struct setup *s, const struct conf_account *a)
{
	return str_eq_nocase(a->address, s->address) ||
	       (a->address == NULL && str_eq_nocase(a->user, s->user));
}

/* Letters, digits and hyphens of the domain in front of its last dot. */
static char *
name_of_domain(const char *address)
{
	const char *domain = strrchr(address, '@') + 1;
	const char *end = strrchr(domain, '.');
	char *name = xstrndup(
	    domain, end != NULL ? (size_t)(end - domain) : strlen(domain));

	for (char *p = name; *p != '\0'; p++)
		if (*p == '.')
			*p = '-';
	return name;
}

/* The account of this mailbox if there is one, else a new name. */
static char *
account_name(const struct setup *s)
{
	char *base, *name;

	if (s->args.account != NULL)
		return xstrdup(s->args.account);
	for (size_t i = 0; s->old != NULL && i < s->old->naccounts; i++)
		if (is_same_mailbox(s, &s->old->accounts[i]))
			return xstrdup(s->old->accounts[i].name);
	base = s->found.preset != NULL ? xstrdup(s->found.preset->key)
				       : name_of_domain(s->address);
	name = xstrdup(base);
	for (int n = 2; old_account(s, name) != NULL; n++) {
		free(name);
		name = xasprintf("%s-%d", base, n);
	}
	free(base);
	return name;
}

enum setup_status
setup_choose_names(struct setup *s)
{
	char *copy = xstrdup(s->file);

	s->account = account_name(s);
	s->secret_file = xasprintf("%s/secrets/%s", dirname(copy), s->account);
	free(copy);
	return setup_choose_keep(s, old_account(s, s->account));
}

/* --- the configuration ---------------------------------------------------- */

static const char head[] = "# Written by relais setup, which can be run again; "
			   "it changes only what it\n"
			   "# has to.  All settings: relais.conf(5).\n";

/* With its mode and owner, which a new text keeps. */
static int
read_old(const char *file, struct buf *to, struct stat *ret, struct err *err)
{
	int fd = open(file, O_RDONLY | O_CLOEXEC);
	int rc = 0;

	*ret = (struct stat) {
		.st_mode = 0644, .st_uid = (uid_t)-1, .st_gid = (gid_t)-1
	};
	if (fd < 0 && errno == ENOENT)
		return buf_adds(to, head) ? 0 : -1;
	if (fd < 0)
		return err_sys(err, "cannot read %s", file);
	IGNORE(fstat(fd, ret)); /* of an open file */
	if (files_read_all(fd, to) != 0)
		rc = err_sys(err, "cannot read %s", file);
	(void)close(fd); /* only read */
	return rc;
}

struct edit {
	struct buf text;
	char *section;
	struct err *err;
	int rc;
};

static void
set(struct edit *e, const char *key, const char *value)
{
	if (e->rc == 0)
		e->rc = conf_edit_set(&e->text, e->section, key, value, e->err);
}

static void
set_or_unset(struct edit *e, const char *key, const char *value)
{
	if (value != NULL)
		set(e, key, value);
	else
		conf_edit_unset(&e->text, e->section, key);
}

/* Only ports of one kind of TLS can be written, if it is not the usual kind. */
static void
set_server(struct setup *s, struct edit *e)
{
	size_t n;
	const struct conf_port *ports = setup_ports(s, &n);
	bool is_usual = true;
	struct buf list;

	buf_init(&list, 200);
	for (size_t i = 0; i < n; i++) {
		bool is_implicit = ports[i].tls == CONF_TLS_IMPLICIT;

		if (ports[i].tls != ports[0].tls && !is_usual)
			continue;
		is_usual = is_usual &&
			   (ports[i].port == 465 || ports[i].port == 2465) ==
			       is_implicit;
		IGNORE(
		    buf_addf(&list, "%s%d", i > 0 ? " " : "", ports[i].port));
	}
	conf_edit_unset(&e->text, e->section, "provider");
	set(e, "host", setup_host(s));
	set(e, "port", buf_str(&list));
	set_or_unset(e, "tls",
	    is_usual                            ? NULL
	    : ports[0].tls == CONF_TLS_IMPLICIT ? "implicit"
						: "starttls");
	buf_clear(&list);
}

/* The client's, if no person signs in. */
static bool
has_secret(const struct setup *s)
{
	return s->oauth == NULL || setup_is_unattended(s);
}

static bool
has_secret_in(const struct setup *s, enum setup_keep keep)
{
	return has_secret(s) && s->keep == keep;
}

/* What stands in the configuration for a secret of this kind: the file, or the
 * name of the credential; NULL: it is of another kind or in another place. */
static const char *
place(const struct setup *s, bool is_it, enum setup_keep keep)
{
	return !is_it || !has_secret_in(s, keep) ? NULL
	       : keep == SETUP_IN_FILE           ? s->secret_file
	       : keep == SETUP_IN_KEYRING        ? "yes"
						 : s->account;
}

/* Also for an account that had another kind of sign-in. */
static void
set_sign_in(struct setup *s, struct edit *e)
{
	const struct conf_account *old = old_account(s, s->account);
	bool is_jwt = s->args.jwt_key_file != NULL;
	bool is_client = s->args.client_secret_file != NULL;
	bool was_unattended = old != NULL && old->secret.oauth != NULL &&
			      cred_oauth_is_unattended(old->secret.oauth);

	set_or_unset(e, "oauth", s->oauth);
	if (s->args.client_id != NULL || s->oauth == NULL)
		set_or_unset(e, "client_id", s->args.client_id);
	if (s->oauth != NULL && !setup_is_unattended(s) && !was_unattended)
		return; /* what else it has is its own */
	set_or_unset(e, "oauth_flow",
	    !setup_is_unattended(s) ? NULL
	    : is_jwt                ? "jwt"
				    : "client");
	set_or_unset(
	    e, "client_secret_file", place(s, is_client, SETUP_IN_FILE));
	set_or_unset(e, "client_secret_credential",
	    place(s, is_client, SETUP_IN_CREDENTIAL));
	set_or_unset(e, "jwt_key_file", place(s, is_jwt, SETUP_IN_FILE));
	set_or_unset(
	    e, "jwt_key_credential", place(s, is_jwt, SETUP_IN_CREDENTIAL));
}

static void
set_account(struct setup *s, struct edit *e)
{
	const struct provider *p = s->found.preset;
	bool is_local = p != NULL && p->login == PROVIDER_LOGIN_LOCAL;
	bool is_fixed = p != NULL && p->login == PROVIDER_LOGIN_FIXED;
	bool is_address = is_local || str_eq(s->user, s->address);
	bool is_password = s->oauth == NULL;

	if (p != NULL) {
		conf_edit_unset(&e->text, e->section, "host");
		conf_edit_unset(&e->text, e->section, "port");
		conf_edit_unset(&e->text, e->section, "tls");
		set(e, "provider",
		    s->args.provider != NULL ? s->args.provider : p->key);
	} else {
		set_server(s, e);
	}
	if (s->args.tls_ca_file != NULL)
		set(e, "tls_ca_file", s->args.tls_ca_file);
	set_or_unset(e, "user",
	    is_fixed     ? NULL
	    : is_address ? s->address
			 : s->user);
	set_or_unset(e, "address", is_address ? NULL : s->address);
	conf_edit_unset(&e->text, e->section, "password");
	conf_edit_unset(&e->text, e->section, "password_command");
	set_or_unset(e, "password_file", place(s, is_password, SETUP_IN_FILE));
	set_or_unset(
	    e, "password_keyring", place(s, is_password, SETUP_IN_KEYRING));
	set_or_unset(e, "password_credential",
	    place(s, is_password, SETUP_IN_CREDENTIAL));
	set_sign_in(s, e);
	/* Besides other accounts it serves its own address; they are what they
	 * were. */
	if (s->old != NULL && s->old->naccounts > 0 &&
	    old_account(s, s->account) == NULL)
		set(e, "senders", s->address);
}

static int
edit_text(struct setup *s, struct edit *e)
{
	char relais[] = "relais";
	char *section = xasprintf("account %s", s->account);

	e->section = relais;
	if (s->admin != NULL)
		set(e, "admin", s->admin);
	e->section = section;
	if (!conf_edit_has_section(buf_bytes(&e->text), section) &&
	    !buf_addf(&e->text, "\n# %s: %s.\n[%s]\n", setup_provider_name(s),
		s->found.from, section))
		e->rc = err_set(e->err, ERR_CONFIG, "the file is too large");
	set_account(s, e);
	free(section);
	return e->rc;
}

static int
put_text(const struct setup *s, const struct buf *text, const struct stat *st,
    struct err *err)
{
	return file_replace(s->file, buf_bytes(text), st->st_mode & 07777,
	    st->st_uid, st->st_gid, err);
}

static size_t
count_lines(struct bytes text)
{
	size_t n = 0;

	for (size_t i = 0; i < text.n; i++)
		n += text.p[i] == '\n';
	return n;
}

/* Would the daemon take it?  Problems are told. */
static bool
can_be_loaded(struct setup *s)
{
	struct conf_problems problems = { 0 };
	struct conf *c = NULL;
	bool is_good = conf_load(s->file, &s->env, &c, &problems) == 0;

	for (size_t i = 0; i < problems.n; i++)
		dialogue_say("%s", problems.v[i].text);
	conf_problems_clear(&problems);
	if (is_good) {
		conf_free(s->old);
		s->old = c;
	}
	return is_good;
}

static int
write_conf(struct setup *s, size_t *ret_lines, struct err *err)
{
	struct edit e = { .err = err };
	struct buf old;
	struct stat st;
	bool is_new = access(s->file, F_OK) != 0;
	int rc;

	buf_init(&e.text, CONF_EDIT_MAX);
	buf_init(&old, CONF_EDIT_MAX);
	rc = read_old(s->file, &e.text, &st, err);
	if (rc == 0 && !buf_add(&old, buf_str(&e.text), buf_len(&e.text)))
		rc = -1;
	if (rc == 0)
		rc = setup_make_folder_for(
		    s->file, geteuid() == 0 ? 0755 : 0700, err);
	if (rc == 0)
		rc = edit_text(s, &e);
	if (rc == 0)
		rc = put_text(s, &e.text, &st, err);
	*ret_lines = count_lines(buf_bytes(&e.text));
	if (rc == 0 && !can_be_loaded(s)) {
		rc = err_set(err, ERR_CONFIG,
		    "the configuration would not work, so %s is as it was",
		    s->file);
		if (is_new)
			IGNORE(unlink(s->file)); /* ours */
		else
			IGNORE(put_text(s, &old, &st, NULL)); /* told above */
	}
	buf_wipe(&e.text);
	buf_wipe(&old);
	return rc;
}

static void
say_written(struct setup *s, size_t lines)
{
	char *place = setup_secret_place(s), *shown = said(place);

	if (!has_secret(s))
		dialogue_say("Written: %s (%zu lines)", s->file, lines);
	else
		dialogue_say(
		    "Written: %s (%zu lines), %s", s->file, lines, shown);
	free(shown);
	free(place);
	(void)json_object_set_new(s->report, "file", json_string(s->file));
	if (has_secret(s))
		(void)json_object_set_new(s->report, "secret_in",
		    json_string(setup_keep_names[s->keep]));
	if (has_secret(s) && s->keep == SETUP_IN_FILE)
		(void)json_object_set_new(
		    s->report, "secret_file", json_string(s->secret_file));
}

/* A token of the client's former secret would hide that the new one is wrong;
 * relais-cred fetches another. */
static void
forget_token(const struct setup *s)
{
	char *path;

	if (!setup_is_unattended(s))
		return;
	path = xasprintf("%s/oauth/%s.json", s->old->spool, s->account);
	IGNORE(unlink(path) != 0); /* usually there is none */
	free(path);
}

/* Of the password or the client's secret; NULL or "": it is in none. */
static const char *
old_file(const struct conf_account *old)
{
	const struct cred_source *s = &old->secret;

	if (s->oauth == NULL)
		return s->kind == CRED_FILE ? s->value : NULL;
	return cred_oauth_get(s->oauth,
	    strcmp(cred_oauth_get(s->oauth, CRED_OAUTH_FLOW), "jwt") == 0
		? CRED_OAUTH_JWT_KEY_FILE
		: CRED_OAUTH_CLIENT_SECRET_FILE);
}

enum setup_status
setup_write(struct setup *s)
{
	const struct conf_account *old = old_account(s, s->account);
	bool had_file = old != NULL && str_eq(old_file(old), s->secret_file);
	struct err err = { 0 };
	size_t lines;

	if ((has_secret(s) && setup_keep_secret(s, &err) != 0) ||
	    write_conf(s, &lines, &err) != 0) {
		if (has_secret(s) && old == NULL)
			setup_lose_secret(s); /* nothing names it */
		return setup_stop(s->report, SETUP_PERSON,
		    "%s; nothing was configured", err.text);
	}
	forget_token(s);
	secret_free(s->secret);
	s->secret = NULL;
	say_written(s, lines);
	if (has_secret(s) && had_file)
		setup_forget_file(s);
	return SETUP_DONE;
}
