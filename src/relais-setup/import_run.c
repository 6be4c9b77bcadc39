/* SPDX-License-Identifier: GPL-3.0-or-later */
/* relais import: shows what another mail program has, tries it, and writes it
 * into relais.conf. */
#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/intl.h"
#include "base/str.h"
#include "base/xalloc.h"
#include "conf/conf_edit.h"
#include "relais-setup/dialogue.h"
#include "relais-setup/import.h"
#include "relais-setup/import_disk.h"
#include "relais-setup/setup.h"
#include "relais-setup/verbs.h"
#include "sys/file_replace.h"
#include "sys/language.h"
#include "sys/privilege.h"
#include "sys/said.h"

static const char help[] = N_(
    "usage: relais [-c FILE] [--json] import [PROGRAM] [OPTION ...]\n"
    "\n"
    "Takes over what msmtp, ssmtp, nullmailer, postfix, exim or dma has in "
    "its\n"
    "configuration.  Without PROGRAM it looks for one.\n"
    "  --from FILE   its configuration, if it is at another place\n"
    "  --dry-run     show relais.conf and write nothing\n"
    "  --yes         agree to every question\n"
    "  --force       write although a server or a login did not work\n"
    "Nothing is run, no secret is shown, and the other program stays as it "
    "is.\n"
    "Exit status: 0 done, 1 try again later, 2 a person is needed.\n");

struct run {
	const char *conf_file, *program_option, *from;
	bool is_dry, is_yes, is_forced, is_json;

	char hostname[256];
	struct conf_env env;
	struct conf_paths paths;
	const char *file; /* the relais.conf to write */
	char *secret_dir;
	struct import_files files;
	struct providers *presets;

	const struct import_program *program;
	char *source; /* its configuration */
	struct import *im;
	struct conf *old_conf; /* NULL: there is none that works */
	struct buf old, text; /* relais.conf before and after */
	struct stat st; /* of the file, if is_there */
	bool is_there;
	json_t *report;
	char *user; /* the daemon's, as this configuration has it */
};

static enum setup_status
stop_err(struct run *r, enum setup_status status, const struct err *err)
{
	return setup_stop(r->report, status, "%s", err->text);
}

/* --- the command line ----------------------------------------------------- */

static int
take_words(struct run *r, int argc, char *const *argv)
{
	for (int i = 1; i < argc; i++) {
		bool has_next = i + 1 < argc;

		if (strcmp(argv[i], "-c") == 0 && has_next)
			r->conf_file = argv[++i];
		else if (strcmp(argv[i], "--from") == 0 && has_next)
			r->from = argv[++i];
		else if (strcmp(argv[i], "--dry-run") == 0)
			r->is_dry = true;
		else if (strcmp(argv[i], "--yes") == 0)
			r->is_yes = true;
		else if (strcmp(argv[i], "--force") == 0)
			r->is_forced = true;
		else if (strcmp(argv[i], "--json") == 0)
			r->is_json = true;
		else if (argv[i][0] != '-' && r->program_option == NULL)
			r->program_option = argv[i];
		else {
			(void)fprintf(stderr,
			    _("relais: import: \"%s\" is not understood; "
			      "type: relais import --help\n"),
			    argv[i]);
			return SETUP_PERSON;
		}
	}
	return SETUP_DONE;
}

static void
look_around(struct run *r)
{
	char *copy;

	r->env = conf_env_self(
	    geteuid() != 0, r->hostname, sizeof(r->hostname));
	conf_paths_init(&r->paths, &r->env);
	r->file = r->conf_file != NULL ? r->conf_file : r->paths.file;
	copy = xstrdup(r->file);
	r->secret_dir = xasprintf("%s/secrets", dirname(copy));
	free(copy);
	import_disk(&r->files, r->env.home, r->hostname);
}

/* --- what is there -------------------------------------------------------- */

/* Of a program; the machine's place first for root.  NULL: it has none. */
static char *
find_place(const struct run *r, const struct import_program *p)
{
	char *found = NULL;

	for (size_t i = 0; p->places[i] != NULL; i++) {
		char *path = import_path(&r->files, p->places[i]);
		bool is_better = found == NULL ||
				 (geteuid() == 0 && p->places[i][0] == '/');

		if (is_better && access(path, F_OK) == 0) {
			free(found);
			found = path;
		} else {
			free(path);
		}
	}
	return found;
}

/* More than one: a person says which. */
static enum setup_status
choose(struct run *r)
{
	const struct import_program *only = NULL;
	size_t n = 0;
	char *name;

	for (size_t i = 0; import_programs[i] != NULL; i++) {
		char *place = find_place(r, import_programs[i]);

		if (place != NULL) {
			dialogue_say("Found: %-10s  %s",
			    import_programs[i]->name, place);
			only = import_programs[i];
			n++;
		}
		free(place);
	}
	if (n == 0)
		return setup_stop(r->report, SETUP_PERSON,
		    "No configuration of another mail program was found; name "
		    "its file with --from, or type: relais setup");
	if (n == 1) {
		r->program = only;
		return SETUP_DONE;
	}
	if (!dialogue_has_person())
		return setup_stop(r->report, SETUP_PERSON,
		    "There are several; say which: relais import PROGRAM");
	name = dialogue_ask(_("Which one"), only->name);
	r->program = name != NULL ? import_program_find(name) : NULL;
	free(name);
	return r->program != NULL ? SETUP_DONE
				  : setup_stop(r->report, SETUP_PERSON,
					"Nothing was taken "
					"over.");
}

static enum setup_status
find_program(struct run *r)
{
	enum setup_status status = SETUP_DONE;

	if (r->program_option != NULL) {
		r->program = import_program_find(r->program_option);
		if (r->program == NULL)
			return setup_stop(r->report, SETUP_PERSON,
			    "%s is none of msmtp, ssmtp, nullmailer, postfix, "
			    "exim and dma",
			    r->program_option);
	} else if (r->from != NULL) {
		return setup_stop(r->report, SETUP_PERSON,
		    "Say whose file it is: relais import PROGRAM --from FILE");
	} else {
		status = choose(r);
	}
	if (status != SETUP_DONE)
		return status;
	r->source = r->from != NULL ? xstrdup(r->from)
				    : find_place(r, r->program);
	if (r->source == NULL)
		return setup_stop(r->report, SETUP_PERSON,
		    "%s has no configuration here; name its file with --from",
		    r->program->name);
	return SETUP_DONE;
}

static enum setup_status
understand(struct run *r)
{
	struct conf_problems problems = { 0 };
	struct err err = { 0 };

	r->presets = providers_load(&r->env, geteuid(), &err);
	if (r->presets == NULL)
		return stop_err(r, SETUP_PERSON, &err);
	r->im = import_new(&r->files);
	IGNORE(conf_load(r->file, &r->env, &r->old_conf, &problems));
	conf_problems_clear(&problems); /* told when the new one is tried */
	r->im->old = r->old_conf;
	r->program->parse(r->im, r->source);
	import_finish(r->im, r->presets);
	if (r->im->refusal != NULL)
		return setup_stop(
		    r->report, SETUP_PERSON, "%s", r->im->refusal);
	return SETUP_DONE;
}

/* --- the table ------------------------------------------------------------ */

static char *
server_of(const struct import_account *a)
{
	const char *provider = import_get(a, "provider");
	const char *host = import_get(a, "host");
	const char *port = import_get(a, "port");

	return xasprintf("%s%s%s", host != NULL ? host : provider,
	    port != NULL ? " port " : "", port != NULL ? port : "");
}

static const char *
login_of(const struct import_account *a)
{
	const char *user = import_get(a, "user");

	return user != NULL             ? user
	       : import_needs_secret(a) ? a->preset->login_word
					: N_("none");
}

static const char *
secret_of(const struct import_account *a)
{
	return !import_needs_secret(a)  ? ""
	       : a->secret_from != NULL ? a->secret_from
					: N_("not found");
}

/* In columns, counted as they are shown. */
static void
say_row(
    const char *name, const char *server, const char *user, const char *secret)
{
	enum { COLUMNS = 3, CELL_MAX = 1000 };
	static const size_t widths[COLUMNS] = { 12, 28, 24 };
	const char *const cells[COLUMNS] = { name, server, user };
	char *last = said(secret);
	struct buf row;

	buf_init(&row, (COLUMNS + 1) * CELL_MAX);
	for (size_t i = 0; i < COLUMNS; i++) {
		char *text = said(cells[i]);
		size_t n = str_width(bytes_str(text));

		IGNORE(buf_addf(&row, "  %s%*s", text,
		    (int)(n < widths[i] ? widths[i] - n : 0), ""));
		free(text);
	}
	dialogue_say("%s  %s", buf_str(&row), last);
	buf_clear(&row);
	free(last);
}

static void
show_account(struct run *r, const struct import_account *a, json_t *list)
{
	char *server = server_of(a);

	say_row(a->name, server, login_of(a), secret_of(a));
	if (a->secret_kind == IMPORT_SECRET_COMMAND)
		dialogue_say("      the secret is what this command prints; "
			     "relaisd will run it as its own user: %s",
		    import_get(a, "password_command"));
	(void)json_array_append_new(
	    list, json_pack("{s:s,s:s,s:s,s:s}", "name", a->name, "server",
		      server, "user", login_of(a), "secret", secret_of(a)));
	free(server);
	(void)r;
}

static void
show_note(const struct import_note *note, json_t *list)
{
	char *where = note->line > 0       ? xasprintf(N_("%s, line %d: "),
						 note->file, note->line)
		      : note->file != NULL ? xasprintf("%s: ", note->file)
					   : xstrdup("");
	char *all = xasprintf("%s%s", where, note->text), *shown;

	shown = said(all);
	dialogue_say("  - %s", shown);
	free(shown);
	(void)json_array_append_new(list, json_string(all));
	free(all);
	free(where);
}

static enum setup_status
show(struct run *r)
{
	json_t *accounts = json_array(), *notes = json_array();

	dialogue_say("%s: %s", r->program->name, r->source);
	say_row(_("account"), _("server"), _("login"), _("secret"));
	for (size_t i = 0; i < r->im->n; i++)
		show_account(r, r->im->accounts[i], accounts);
	if (r->im->nnotes > 0)
		dialogue_say("Not taken over, or done in another way:");
	for (size_t i = 0; i < r->im->nnotes; i++)
		show_note(&r->im->notes[i], notes);
	(void)json_object_set_new(
	    r->report, "program", json_string(r->program->name));
	(void)json_object_set_new(r->report, "from", json_string(r->source));
	(void)json_object_set_new(r->report, "accounts", accounts);
	(void)json_object_set_new(r->report, "notes", notes);
	return SETUP_DONE;
}

/* --- relais.conf ---------------------------------------------------------- */

/* A secret that is written in relais.conf is not shown, nor one behind "#". */
static void
show_line(struct bytes line)
{
	struct bytes rest = line, key;

	while (rest.n > 0 && strchr("#; \t", rest.p[0]) != NULL)
		rest = bytes_of(rest.p + 1, rest.n - 1);
	key = bytes_trim(bytes_cut(&rest, '='));
	if (rest.n > 0 && bytes_eq(key, "password"))
		dialogue_say(
		    "    %.*s (not shown)", (int)(line.n - rest.n), line.p);
	else
		dialogue_say("    %.*s", (int)line.n, line.p);
}

static enum setup_status
edit(struct run *r)
{
	struct err err = { 0 };
	bool is_read;

	r->is_there = stat(r->file, &r->st) == 0;
	is_read = !r->is_there || r->files.read(NULL, r->file, &r->old);
	if (!is_read)
		return setup_stop(
		    r->report, SETUP_PERSON, "%s cannot be read", r->file);
	IGNORE(!buf_add(&r->text, buf_str(&r->old), buf_len(&r->old)));
	if (!r->is_there)
		IGNORE(!buf_addf(&r->text,
		    "# Taken over from %s by relais "
		    "import.  All settings: "
		    "relais.conf(5).\n",
		    r->program->name));
	if (import_write(r->im, r->secret_dir, &r->text, &err) != 0)
		return stop_err(r, SETUP_PERSON, &err);
	if (r->is_dry) {
		dialogue_say("%s would be:", r->file);
		for (struct bytes rest = buf_bytes(&r->text); rest.n > 0;)
			show_line(bytes_cut(&rest, '\n'));
	}
	return SETUP_DONE;
}

static enum setup_status
agree(struct run *r)
{
	char *question;
	bool is_yes = r->is_yes;

	if (is_yes)
		return SETUP_DONE;
	if (!dialogue_has_person())
		return setup_stop(r->report, SETUP_PERSON,
		    "Nothing was written; to agree, add --yes");
	question = xasprintf(_("Take this over into %s?"), r->file);
	is_yes = dialogue_confirm(question);
	free(question);
	return is_yes ? SETUP_DONE
		      : setup_stop(
			    r->report, SETUP_PERSON, "Nothing was written.");
}

/* What nobody wrote down is asked for. */
static enum setup_status
ask_secrets(struct run *r)
{
	for (size_t i = 0; i < r->im->n; i++) {
		struct import_account *a = r->im->accounts[i];
		char *question;

		if (!import_needs_secret(a) ||
		    a->secret_kind != IMPORT_SECRET_NONE)
			continue;
		question = xasprintf(
		    _("Password of %s (not shown)"), login_of(a));
		if (dialogue_has_person())
			a->secret = dialogue_secret(question);
		free(question);
		if (a->secret == NULL)
			return setup_stop(r->report, SETUP_PERSON,
			    "No password of account %s was found, and nobody "
			    "can be asked: write it into %s first, or type: "
			    "relais setup %s",
			    a->name, r->source, login_of(a));
		a->secret_kind = IMPORT_SECRET_TEXT;
	}
	return SETUP_DONE;
}

/* --- does it work --------------------------------------------------------- */

/* The configuration as the daemon would read it, with secrets that are none in
 * a folder of our own, so that nothing is written before it has worked. */
static struct conf *
load_candidate(struct run *r, const char *dir)
{
	char *file = xasprintf("%s/relais.conf", dir);
	struct conf_problems problems = { 0 };
	struct conf *c = NULL;
	struct err err = { 0 };
	struct buf text;
	int rc;

	buf_init(&text, CONF_EDIT_MAX);
	rc = buf_add(&text, buf_str(&r->old), buf_len(&r->old)) ? 0 : -1;
	if (rc == 0)
		rc = import_write(r->im, dir, &text, &err);
	for (size_t i = 0; i < r->im->n && rc == 0; i++) {
		char *path = xasprintf("%s/%s", dir, r->im->accounts[i]->name);

		rc = file_replace(path, bytes_str("none\n"), 0600, (uid_t)-1,
		    (gid_t)-1, &err);
		free(path);
	}
	if (rc == 0)
		rc = file_replace(
		    file, buf_bytes(&text), 0600, (uid_t)-1, (gid_t)-1, &err);
	if (rc != 0)
		dialogue_say("%s", err.text);
	else if (conf_load(file, &r->env, &c, &problems) != 0)
		for (size_t i = 0; i < problems.n; i++)
			dialogue_say("%s", problems.v[i].text);
	conf_problems_clear(&problems);
	buf_wipe(&text);
	free(file);
	return c;
}

static void
remove_candidate(const struct run *r, const char *dir)
{
	char *file = xasprintf("%s/relais.conf", dir);

	for (size_t i = 0; i < r->im->n; i++) {
		char *path = xasprintf("%s/%s", dir, r->im->accounts[i]->name);

		IGNORE(unlink(path)); /* it may not have been made */
		free(path);
	}
	IGNORE(unlink(file)); /* likewise */
	IGNORE(rmdir(dir));
	free(file);
}

/* A provider shows it in groups of four. */
static struct secret *
without_blanks(const struct secret *from)
{
	struct bytes b = secret_bytes(from);
	struct secret *s;
	struct buf text;

	buf_init(&text, SECRET_MAX);
	for (size_t i = 0; i < b.n; i++)
		if (b.p[i] != ' ')
			IGNORE(!buf_addc(&text, b.p[i]));
	s = secret_new(buf_bytes(&text));
	buf_wipe(&text);
	return s;
}

static enum setup_status
try_account(struct run *r, const struct import_account *a,
    const struct conf_account *as)
{
	struct setup s = { .report = json_object() };
	enum setup_status status;
	bool is_refused = false;

	(void)str_copy(s.hostname, sizeof(s.hostname), bytes_str(r->hostname));
	s.account = as->name;
	s.found.host = as->host;
	s.found.nports = as->nports;
	memcpy(s.found.ports, as->ports, sizeof(as->ports));
	s.args.tls_ca_file = as->tls_ca_file;
	s.user = as->user;
	s.address = as->address != NULL
			? xstrdup(as->address)
			: xasprintf("%s@%s",
			      as->user != NULL ? as->user : "root",
			      strchr(r->hostname, '.') != NULL ? r->hostname
							       : "localhost");
	s.secret_from = a->secret_from;
	if (a->secret != NULL)
		s.secret = as->secret.is_grouped ? without_blanks(a->secret)
						 : secret_dup(a->secret);
	dialogue_say("%s: %s", as->name, as->host);
	status = setup_try(&s, &is_refused);
	if (a->secret == NULL && import_needs_secret(a) && status == SETUP_DONE)
		dialogue_say("  the login itself is tried by: relais check %s",
		    as->name);
	secret_free(s.secret);
	free(s.address);
	json_decref(s.report);
	return status;
}

static enum setup_status
try_all(struct run *r)
{
	const char *tmp = secure_getenv("TMPDIR");
	char *dir = xasprintf("%s/relais-import-XX"
			      "XX"
			      "XX",
	    tmp != NULL && *tmp == '/' ? tmp : "/tmp");
	enum setup_status status = SETUP_DONE;
	struct conf *c;

	if (mkdtemp(dir) == NULL) {
		status = setup_stop(r->report, SETUP_LATER,
		    "cannot make %s: %s", dir, strerror(errno));
		free(dir);
		return status;
	}
	c = load_candidate(r, dir);
	remove_candidate(r, dir);
	free(dir);
	if (c == NULL)
		return setup_stop(r->report, SETUP_PERSON,
		    "This configuration would not work, so nothing was "
		    "written; see it with: relais import %s --dry-run",
		    r->program->name);
	for (size_t i = 0; i < r->im->n; i++) {
		const struct import_account *a = r->im->accounts[i];
		int at = conf_account_find(c, a->name);
		enum setup_status one = at >= 0 ? try_account(
						      r, a, &c->accounts[at])
						: SETUP_DONE;

		status = one > status ? one : status;
	}
	r->user = xstrdup(c->user);
	conf_free(c);
	if (status == SETUP_DONE || r->is_forced)
		return SETUP_DONE;
	return setup_stop(r->report, status,
	    "Nothing was written, because not everything works; --force writes "
	    "it nevertheless");
}

/* --- writing -------------------------------------------------------------- */

static int
write_secret(struct run *r, const struct import_account *a,
    const struct privilege_user *owner, struct err *err)
{
	char *path = xasprintf("%s/%s", r->secret_dir, a->name);
	struct bytes b = secret_bytes(a->secret);
	struct buf line;
	int rc;

	buf_init(&line, SECRET_MAX + 1);
	rc = buf_add(&line, b.p, b.n) && buf_addc(&line, '\n')
		 ? file_replace(path, buf_bytes(&line), 0600, owner->uid,
		       owner->gid, err)
		 : -1;
	if (rc == 0)
		dialogue_say("Written: %s (0600)", path);
	buf_wipe(&line);
	free(path);
	return rc;
}

static int
write_secrets(struct run *r, struct err *err)
{
	struct privilege_user self, owner;
	char *dir = xstrdup(r->secret_dir);
	int rc;

	privilege_self(&self);
	owner = self;
	/* Ours until the daemon has its user. */
	if (geteuid() == 0 && privilege_find(r->user, &owner, NULL) != 0)
		owner = self;
	rc = privilege_make_dir(
	    dirname(dir), geteuid() == 0 ? 0755 : 0700, &self, err);
	if (rc == 0)
		rc = privilege_make_dir(
		    r->secret_dir, geteuid() == 0 ? 0711 : 0700, &self, err);
	for (size_t i = 0; i < r->im->n && rc == 0; i++) {
		const struct import_account *a = r->im->accounts[i];

		if (a->secret != NULL && import_needs_secret(a) &&
		    import_secret_owner(r->im, a) == a)
			rc = write_secret(r, a, &owner, err);
	}
	free(dir);
	return rc;
}

static enum setup_status
write_all(struct run *r)
{
	struct err err = { 0 };

	if (write_secrets(r, &err) != 0 ||
	    file_replace(r->file, buf_bytes(&r->text),
		r->is_there ? r->st.st_mode & 07777 : 0644,
		r->is_there ? r->st.st_uid : (uid_t)-1,
		r->is_there ? r->st.st_gid : (gid_t)-1, &err) != 0)
		return stop_err(r, SETUP_PERSON, &err);
	dialogue_say("Written: %s", r->file);
	(void)json_object_set_new(r->report, "file", json_string(r->file));
	return SETUP_DONE;
}

/* What is left for a person: the other program goes on until it is told not
 * to. */
static enum setup_status
tell_rest(struct run *r)
{
	const struct import_program *p = r->program;
	size_t n = import_waiting(p, &r->files);
	const char *user = r->env.is_user ? "--user " : "";

	(void)json_object_set_new(
	    r->report, "waiting", json_integer((json_int_t)n));
	if (n > 0)
		dialogue_say(ngettext("%zu message still waits in the queue of "
				      "%s and stays there.%s%s",
				 "%zu messages still wait in the queue of %s "
				 "and stay there.%s%s",
				 n),
		    n, p->name,
		    p->flush != NULL ? _("  This sends them: ") : "",
		    p->flush != NULL ? p->flush : "");
	dialogue_say("%s was not changed.  To switch over:", p->name);
	if (geteuid() == 0)
		dialogue_say("    %s", p->disable);
	dialogue_say("    systemctl %senable --now relais.socket "
		     "relais.service",
	    user);
	dialogue_say("    relais check --send YOUR-ADDRESS");
	return SETUP_DONE;
}

static enum setup_status
go(struct run *r)
{
	static enum setup_status (*const steps[])(
	    struct run * r) = { find_program, understand, show, edit, agree,
		ask_secrets, try_all, write_all, tell_rest };
	enum setup_status status = SETUP_DONE;

	for (size_t i = 0;
	     status == SETUP_DONE && i < sizeof(steps) / sizeof(steps[0]);
	     i++) {
		status = steps[i](r);
		if (steps[i] == edit && r->is_dry)
			break;
	}
	return status;
}

int
import_main(int argc, char **argv)
{
	static const char *const words[] = { "done", "later", "person" };
	struct run r = { .report = json_object() };
	int status;

	for (int i = 1; i < argc; i++)
		if (strcmp(argv[i], "--help") == 0 ||
		    strcmp(argv[i], "-h") == 0) {
			language_convert_output();
			(void)fputs(_(help), stdout);
			json_decref(r.report);
			return SETUP_DONE;
		}
	buf_init(&r.old, CONF_EDIT_MAX);
	buf_init(&r.text, CONF_EDIT_MAX);
	status = take_words(&r, argc, argv);
	if (!r.is_json)
		language_convert_output();
	if (status == SETUP_DONE) {
		if (r.is_json)
			dialogue_be_quiet();
		look_around(&r);
		status = (int)go(&r);
		(void)json_object_set_new(
		    r.report, "result", json_string(words[status]));
		if (r.is_json) {
			(void)json_dumpf(r.report, stdout, JSON_INDENT(2));
			(void)putchar('\n');
		}
		conf_paths_clear(&r.paths);
	}
	import_free(r.im);
	conf_free(r.old_conf);
	providers_free(r.presets);
	buf_wipe(&r.old);
	buf_wipe(&r.text);
	free(r.secret_dir);
	free(r.user);
	free(r.source);
	json_decref(r.report);
	return status;
}
