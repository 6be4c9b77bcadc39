/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <errno.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/intl.h"
#include "base/xalloc.h"
#include "conf/alias.h"
#include "conf/conf.h"
#include "conf/route.h"
#include "ctl/ctl_json.h"
#include "mail/addr.h"
#include "mail/addr_list.h"
#include "mail/envelope.h"
#include "mail/header.h"
#include "mail/verdict.h"
#include "relais/relais.h"
#include "relais/relais_conf.h"
#include "relais/relais_table.h"
#include "rewrite/content.h"
#include "rewrite/intake.h"
#include "rewrite/notes.h"
#include "rewrite/repair.h"
#include "smtp/smtp_dot.h"
#include "sys/clock_sys.h"
#include "sys/said.h"

enum { MESSAGE_MAX = 256 * 1024 * 1024 };

/* One run: what was given, and what becomes of it on the path that the daemon
 * uses, with memory in place of queue and provider. */
struct rewrite {
	struct relais *r;
	const char *file, *from, *user; /* options, or NULL */
	char *full_name; /* of the submitter, or NULL */
	bool is_7bit;
	struct conf *conf;
	struct aliases *aliases;
	struct alias_opts names;
	struct envelope *before, *env;
	struct buf text; /* as given, CRLF line ends */
	struct buf stored; /* as it would be queued */
	struct buf sent; /* as the provider would get it; at least its header */
	const struct conf_account *account;
	const char *why;
	struct content *content;
	unsigned notes;
	struct verdict refusal; /* class set: that is the answer */
};

/* --- what was given ------------------------------------------------------- */

static bool
is_address(struct rewrite *w, const char *addr)
{
	if (addr_is_safe(bytes_str(addr)))
		return true;
	(void)relais_complain(
	    w->r, RELAIS_USAGE, "\"%s\" is not a valid address", addr);
	return false;
}

static bool
take_to(struct rewrite *w, const char *value)
{
	if (value[0] == '\0' || !is_address(w, value))
		return false;
	(void)envelope_add_rcpt(w->before, value); /* nothing to add to it */
	return true;
}

static bool
take_from(struct rewrite *w, const char *value)
{
	/* The null sender, as sendmail's -f has it. */
	w->from = strcmp(value, "<>") == 0 ? "" : value;
	return is_address(w, w->from);
}

static bool
take_user(struct rewrite *w, const char *value)
{
	w->user = value;
	return true;
}

static bool
take_account(struct rewrite *w, const char *value)
{
	envelope_set(&w->before->account, value);
	return true;
}

static const struct option_row {
	const char *name;
	bool (*take)(struct rewrite *w, const char *value);
} options[] = {
	{ "--from", take_from },
	{ "--to", take_to },
	{ "--user", take_user },
	{ "--account", take_account },
};

/* The rows above and "--7bit", then at most one file. */
static bool
take_words(struct rewrite *w, int argc, char *const *argv)
{
	for (int i = 0; i < argc; i++) {
		const struct option_row *row = NULL;

		for (size_t k = 0; k < sizeof(options) / sizeof(options[0]);
		     k++)
			if (strcmp(argv[i], options[k].name) == 0)
				row = &options[k];
		if (row != NULL) {
			if (++i == argc) {
				(void)relais_complain(w->r, RELAIS_USAGE,
				    "%s needs a value", row->name);
				return false;
			}
			if (!row->take(w, argv[i]))
				return false;
		} else if (strcmp(argv[i], "--7bit") == 0) {
			w->is_7bit = true;
		} else if (w->file == NULL && argv[i][0] != '-') {
			w->file = argv[i];
		} else {
			(void)relais_complain(w->r, RELAIS_USAGE,
			    "unexpected argument \"%s\"", argv[i]);
			return false;
		}
	}
	return true;
}

/* By the rules of smtp/smtp_dot.h, like every other way in. */
static bool
add_piece(struct rewrite *w, struct smtp_dot *dot, struct bytes piece)
{
	return smtp_dot_put(dot, piece.p, piece.n, &w->text) == piece.n;
}

static bool
read_message(struct rewrite *w)
{
	FILE *f = w->file != NULL ? fopen(w->file, "re") : stdin;
	struct smtp_dot dot;
	char piece[65536];
	bool ok = true;
	size_t n;

	if (f == NULL) {
		(void)relais_complain(
		    w->r, RELAIS_FAILED, "%s: %s", w->file, strerror(errno));
		return false;
	}
	smtp_dot_init(&dot, SMTP_DOT_CHUNK);
	while (ok && (n = fread(piece, 1, sizeof(piece), f)) > 0)
		ok = add_piece(w, &dot, bytes_of(piece, n));
	ok = ok && smtp_dot_finish(&dot, &w->text);
	if (ferror(f) != 0 || !ok) {
		(void)relais_complain(w->r, RELAIS_FAILED, "%s",
		    ok ? N_("cannot read the message")
		       : N_("the message is too large"));
		ok = false;
	}
	if (f != stdin)
		(void)fclose(f); /* was read only */
	return ok;
}

static bool
is_name(void *ctx, const char *word)
{
	const struct rewrite *w = ctx;

	return alias_is_name(w->aliases, word);
}

/* As sendmail -t: without --to, whom the header names. */
static void
find_recipients(struct rewrite *w)
{
	static const char *const names[] = { "To", "Cc", "Bcc" };
	struct header *h = header_new();
	struct addr_list l;
	struct buf value;

	header_mend(h);
	(void)header_put(h, buf_str(&w->text), buf_len(&w->text));
	header_end(h);
	buf_init(&value, HEADER_VALUE_MAX);
	for (size_t n = 0; n < sizeof(names) / sizeof(names[0]); n++)
		for (size_t i = header_find(h, names[n], 0); i != HEADER_NONE;
		     i = header_find(h, names[n], i + 1)) {
			buf_reset(&value);
			IGNORE(header_value(h, i, &value)); /* it fits */
			addr_list_parse_names(
			    &l, buf_bytes(&value), is_name, w);
			for (size_t k = 0; k < l.n; k++)
				(void)envelope_add_rcpt(
				    w->before, l.items[k].addr);
			addr_list_clear(&l);
		}
	buf_clear(&value);
	header_free(h);
}

/* The caller, or the user that --user names, is the submitter. */
static bool
find_submitter(struct rewrite *w)
{
	const struct passwd *pw = w->user != NULL ? getpwnam(w->user)
						  : getpwuid(getuid());
	char host[256] = "";
	char *own;

	if (w->user != NULL && pw == NULL) {
		(void)relais_complain(
		    w->r, RELAIS_FAILED, "unknown user \"%s\"", w->user);
		return false;
	}
	w->before->uid = pw != NULL ? pw->pw_uid : getuid();
	envelope_set(&w->before->user, pw != NULL ? pw->pw_name : NULL);
	if (pw != NULL)
		w->full_name = xstrndup(
		    pw->pw_gecos, strcspn(pw->pw_gecos, ","));
	envelope_set(&w->before->peer, "unix");
	if (gethostname(host, sizeof(host) - 1) != 0 || host[0] == '\0')
		(void)snprintf(host, sizeof(host), "localhost");
	own = xasprintf("%s@%s", pw != NULL ? pw->pw_name : "nobody", host);
	envelope_set(&w->before->sender, w->from != NULL ? w->from : own);
	free(own);
	return true;
}

/* --- what becomes of it --------------------------------------------------- */

static bool
is_local(void *ctx, const char *addr)
{
	const struct rewrite *w = ctx;

	return alias_is_local(&w->names, addr);
}

static bool
resolve(void *ctx, const char *addr, struct addr_list *to)
{
	const struct rewrite *w = ctx;

	return alias_resolve(w->aliases, &w->names, addr, to);
}

static bool
refuse(struct rewrite *w, int code, const char *enhanced, const char *text)
{
	verdict_local(
	    &w->refusal, VERDICT_NEVER, STAGE_LOCAL, code, enhanced, text);
	return false;
}

static void
drain(struct intake *in, struct buf *to)
{
	const void *p;
	size_t n;

	while ((n = intake_peek(in, &p)) > 0) {
		IGNORE(buf_add(to, p, n)); /* as large as what was read */
		intake_took(in, n);
	}
}

static bool
take_in(struct rewrite *w)
{
	const struct clock *clock = clock_sys();
	struct locals_opts locals = { is_local, resolve, is_name, w };
	struct intake_facts facts = {
		.hostname = w->conf->host_found,
		.with = "local",
		.wall_ms = clock_wall_ms(clock),
		.utc_offset_s = clock_utc_offset_s(clock, clock_wall_ms(clock)),
		.full_name = w->full_name,
		.hide_submitter = w->conf->received_hide,
		.locals = &locals,
	};
	struct intake *in;
	bool ok;

	w->env = locals_envelope(&locals, facts.hostname, w->before, &ok);
	if (!ok)
		return refuse(w, 550, "5.1.1", LOCALS_NOBODY);
	facts.env = w->env;
	in = intake_new(&facts);
	ok = intake_put(in, buf_str(&w->text), buf_len(&w->text));
	drain(in, &w->stored);
	ok = ok && intake_end(in);
	drain(in, &w->stored);
	if (!ok)
		w->refusal = *intake_verdict(in);
	intake_mark(in, w->env);
	w->env->size_bytes = buf_len(&w->stored);
	w->notes = intake_seen(in)->notes;
	intake_free(in);
	return ok;
}

/* What the provider itself says of sizes only the daemon knows. */
static bool
choose(struct rewrite *w)
{
	uint64_t most = w->conf->max_size_bytes;

	if (conf_refuses(w->conf, w->env, NULL, NULL, &w->refusal))
		return false;
	if (most != 0 && w->env->size_bytes > most)
		return refuse(
		    w, 552, "5.3.4", N_("the message is larger than max_size"));
	w->account = &w->conf->accounts[conf_route(w->conf, w->env, &w->why)];
	return true;
}

static struct bytes
stored_bytes(void *ctx)
{
	const struct rewrite *w = ctx;

	return buf_bytes(&w->stored);
}

/* The way out, through a server that has 8BITMIME unless we are told
 * otherwise, and no SMTPUTF8. */
static bool
send_out(struct rewrite *w)
{
	struct content_source source = { w->env, stored_bytes, NULL, w };
	struct content_opts opts = {
		.identity = conf_identity(w->conf, w->account),
		.has_8bitmime = !w->is_7bit,
	};
	struct bytes piece;
	struct err err;

	if (content_new(&source, &opts, &w->content, &err) != 0)
		return refuse(w, 554, "5.6.0", err.text);
	while (content_peek(w->content, &piece, &err) == 0 && piece.n > 0) {
		IGNORE(buf_add(&w->sent, piece.p, piece.n)); /* or less */
		content_used(w->content, piece.n);
	}
	return true;
}

/* --- telling -------------------------------------------------------------- */

/* All fields of a name, joined; "" if there is none. */
static char *
field_of(const struct buf *message, const char *name)
{
	struct header *h = header_new();
	struct buf value;

	(void)header_put(h, buf_str(message), buf_len(message));
	header_end(h);
	buf_init(&value, 2 * HEADER_MAX);
	for (size_t i = header_find(h, name, 0); i != HEADER_NONE;
	     i = header_find(h, name, i + 1)) {
		if (buf_len(&value) > 0)
			IGNORE(buf_adds(&value, ", "));
		IGNORE(header_value(h, i, &value));
	}
	header_free(h);
	return buf_steal(&value);
}

static char *
rcpts_of(const struct envelope *e)
{
	struct buf all;

	buf_init(&all, MESSAGE_MAX);
	for (size_t i = 0; i < e->nrcpts; i++)
		IGNORE(buf_addf(&all, i > 0 ? ", %s" : "%s", e->rcpts[i].addr));
	return buf_steal(&all);
}

static const char *const fields[] = { "From", "Sender", "Reply-To", "To", "Cc",
	"Resent-From", "Resent-Sender" };
enum { FIELDS = sizeof(fields) / sizeof(fields[0]) };

/* Calls back with each pair; what a message never had is not shown. */
static void
each_pair(const struct rewrite *w,
    void (*show)(
	void *ctx, const char *name, const char *before, const char *after),
    void *ctx)
{
	char *before = rcpts_of(w->before), *after = rcpts_of(w->env);

	show(ctx, N_("envelope"), w->before->sender,
	    content_identity(w->content)->sender);
	show(ctx, N_("recipients"), before, after);
	free(before);
	free(after);
	for (size_t i = 0; i < FIELDS; i++) {
		before = field_of(&w->text, fields[i]);
		after = field_of(&w->sent, fields[i]);
		if (before[0] != '\0' || after[0] != '\0')
			show(ctx, fields[i], before, after);
		free(before);
		free(after);
	}
}

/* What else was done, one sentence each. */
static void
each_change(const struct rewrite *w, void (*show)(void *ctx, const char *text),
    void *ctx)
{
	static const struct {
		const char *field, *text;
	} added[] = {
		{ "Date", N_("Date added") },
		{ "Message-ID", N_("Message-ID added") },
		{ "Bcc", N_("Bcc removed") },
		{ "DKIM-Signature", N_("DKIM-Signature removed, because what "
				       "it signed has changed") },
		{ "Return-Path", N_("Return-Path removed") },
		{ "Auto-Submitted", N_("Auto-Submitted added, because the "
				       "null sender was replaced") },
		{ "X-Relais-Account", N_("X-Relais-Account removed") },
	};
	const struct repair_seen *seen = content_repair_seen(w->content);
	char text[128];

	for (size_t i = 0; i < sizeof(added) / sizeof(added[0]); i++) {
		char *before = field_of(&w->text, added[i].field);
		char *after = field_of(&w->sent, added[i].field);

		if ((before[0] == '\0') != (after[0] == '\0'))
			show(ctx, added[i].text);
		free(before);
		free(after);
	}
	for (unsigned n = 0; n < NOTE_COUNT; n++)
		if ((w->notes & NOTE_BIT(n)) != 0)
			show(ctx, note_text(n));
	if (seen != NULL && seen->nqp + seen->nbase64 > 0) {
		(void)snprintf(text, sizeof(text),
		    N_("parts re-encoded: %zu as quoted-printable, %zu as "
		       "base64"),
		    seen->nqp, seen->nbase64);
		show(ctx, text);
	}
	if (seen != NULL && seen->nmended > 0)
		show(ctx, N_("overlong lines of encoded parts broken"));
	if (seen != NULL && seen->has_frame)
		show(ctx, N_("text between the parts wrapped"));
	if (seen != NULL && seen->has_stuck_8bit)
		show(ctx, N_("bytes over 127 stay in a part that must not be "
			     "encoded; a provider without 8BITMIME will refuse "
			     "them (5.6.3)"));
	if (content_needs_utf8(w->content))
		show(ctx, N_("an address needs SMTPUTF8; a provider without it "
			     "will refuse the message (5.6.7)"));
}

static void
row(void *ctx, const char *name, const char *before, const char *after)
{
	struct table *t = ctx;
	bool is_same = strcmp(before, after) == 0;

	table_row(t);
	table_cell(t, COLOUR_NONE, _(name));
	table_cell(t, COLOUR_NONE, before[0] != '\0' ? before : "-");
	table_cell(t, is_same ? COLOUR_NONE : COLOUR_WARN,
	    after[0] != '\0' ? after : "-");
}

static void
print_change(void *ctx, const char *text)
{
	char *own = said(text);

	relais_print(ctx, COLOUR_NONE, own);
	relais_print(ctx, COLOUR_NONE, "\n");
	free(own);
}

static void
print(const struct rewrite *w)
{
	static const char *const titles[] = { "", N_("SUBMITTED"), N_("SENT") };
	struct table *t = table_new(titles, 3);
	char *why = said(w->why);

	(void)printf(_("account %s (%s): %s\n\n"), w->account->name, why,
	    w->account->host);
	free(why);
	each_pair(w, row, t);
	table_print(t, w->r);
	table_free(t);
	(void)putchar('\n');
	each_change(w, print_change, w->r);
}

static void
pair_json(void *ctx, const char *name, const char *before, const char *after)
{
	json_t *one = json_object();

	(void)json_object_set_new(one, "before", ctl_json_text(before));
	(void)json_object_set_new(one, "after", ctl_json_text(after));
	(void)json_object_set_new(ctx, name, one);
}

static void
change_json(void *ctx, const char *text)
{
	(void)json_array_append_new(ctx, json_string(text));
}

static void
print_json(const struct rewrite *w)
{
	json_t *pairs = json_object(), *changes = json_array(), *all;

	each_pair(w, pair_json, pairs);
	each_change(w, change_json, changes);
	all = json_pack("{s:o, s:s, s:o, s:o, s:o}", "account",
	    ctl_json_text(w->account->name), "why", w->why, "host",
	    ctl_json_text(w->account->host), "fields", pairs, "changes",
	    changes);
	relais_print_json(all);
	json_decref(all);
}

static int
refused(const struct rewrite *w)
{
	const struct verdict *v = &w->refusal;
	char text[VERDICT_TEXT_MAX + 16];
	json_t *all;

	(void)snprintf(
	    text, sizeof(text), "%d %s %s", v->code, v->enhanced, v->text);
	if (!relais_is_json(w->r))
		return relais_complain(
		    w->r, RELAIS_FAILED, "refused: %s", text);
	all = json_pack("{s:o}", "refused", ctl_json_text(text));
	relais_print_json(all);
	json_decref(all);
	return RELAIS_FAILED;
}

/* --- the command ---------------------------------------------------------- */

static bool
load(struct rewrite *w)
{
	struct conf_problems problems = { 0 };

	if (relais_conf_load(relais_conf_file(w->r), true, &w->conf) != 0)
		return false;
	w->names = alias_opts_of(w->conf);
	w->aliases = alias_load(w->conf->aliases, &problems);
	for (size_t i = 0; i < problems.n; i++)
		(void)relais_complain(
		    w->r, RELAIS_FAILED, "%s", problems.v[i].text);
	conf_problems_clear(&problems);
	return true;
}

static int
act(struct rewrite *w)
{
	if (!load(w) || !find_submitter(w) || !read_message(w))
		return RELAIS_FAILED;
	if (w->before->nrcpts == 0)
		find_recipients(w);
	if (w->before->nrcpts == 0)
		return relais_complain(w->r, RELAIS_USAGE,
		    "no recipients: name them in the header or with --to");
	if (!take_in(w) || !choose(w) || !send_out(w))
		return refused(w);
	if (relais_is_json(w->r))
		print_json(w);
	else
		print(w);
	return RELAIS_DONE;
}

static int
run_rewrite(struct relais *r, int argc, char *const *argv)
{
	struct rewrite w = { .r = r, .before = envelope_new() };
	int status = RELAIS_USAGE;

	buf_init(&w.text, MESSAGE_MAX);
	buf_init(&w.stored, MESSAGE_MAX + 4 * HEADER_MAX);
	buf_init(&w.sent, 2 * MESSAGE_MAX);
	if (take_words(&w, argc, argv))
		status = act(&w);
	content_free(w.content);
	free(w.full_name);
	envelope_free(w.before);
	envelope_free(w.env);
	alias_free(w.aliases);
	conf_free(w.conf);
	buf_clear(&w.text);
	buf_clear(&w.stored);
	buf_clear(&w.sent);
	return status;
}

const struct relais_command cmd_rewrite = {
	.name = "rewrite",
	.args = N_(
	    "[--from ADDR] [--to ADDR]... [--user NAME] [--account NAME] "
	    "[--7bit] [FILE]"),
	.help = N_("shows how a message would be sent, without sending it"),
	.details = N_(
	    "Reads the message from FILE or standard input, and the "
	    "configuration from\n-c FILE or the system's file; needs no "
	    "daemon.  Prints the account and why it\nis chosen, the sender and "
	    "recipient fields before and after, and what else\nwould be "
	    "changed; with --7bit for a provider without 8BITMIME."),
	.run = run_rewrite,
};
