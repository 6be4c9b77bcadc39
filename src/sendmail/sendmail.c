/* SPDX-License-Identifier: GPL-3.0-or-later */
/* sendmail - hands a message to relaisd; also mailq and newaliases.  See
 * sendmail(8).
 *
 * Runs as the calling user, with no rights of its own, reads no configuration
 * and no secret, and writes no file but one in the drop folder, and that only
 * when nobody answers (R17, R18).
 */
#include <config.h>

#include <errno.h>
#include <fcntl.h>
#include <pwd.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <sysexits.h>
#include <unistd.h>

#include "base/intl.h"
#include "base/str.h"
#include "base/xalloc.h"
#include "mail/addr.h"
#include "mail/addr_list.h"
#include "mail/xtext.h"
#include "mime/rfc2047.h"
#include "sendmail/sendmail_args.h"
#include "sendmail/sendmail_caller.h"
#include "sendmail/sendmail_input.h"
#include "sendmail/sendmail_message.h"
#include "sendmail/sendmail_place.h"
#include "sendmail/sendmail_proxy.h"
#include "sendmail/sendmail_submit.h"
#include "store/drop.h"
#include "sys/clock_sys.h"
#include "sys/fs_sys.h"
#include "sys/language.h"
#include "sys/said.h"

enum { HOST_SIZE = 256, SHOWN_MAX = 512 };

struct sendmail {
	struct sendmail_args args;
	char host[HOST_SIZE];
	struct caller caller;
	struct buf full_name; /* -F, else from the password file */
	struct buf sender; /* envelope sender, "" is the null sender */
	struct sendmail_input input;
	struct sendmail_message message;
	int status; /* of the first failure */
};

/* --- telling -------------------------------------------------------------- */

/* Not before there is something to say: most runs are silent. */
static void
choose_language(void)
{
	static bool is_chosen;

	if (!is_chosen) {
		language_choose();
		language_convert_errors();
	}
	is_chosen = true;
}

/* The same in the language of the caller. */
static void
add_said(struct buf *to, const char *english, size_t max)
{
	char *own = said(english);

	IGNORE(str_escape(to, bytes_str(own), max));
	free(own);
}

/* One line on stderr, harmless whatever it holds (R79). */
static void
complain(const char *what, const char *text)
{
	struct buf b;

	choose_language();
	buf_init(&b, 16 * SHOWN_MAX);
	IGNORE(buf_adds(&b, "sendmail: "));
	if (what != NULL) {
		add_said(&b, what, STR_ESCAPE_MAX);
		IGNORE(buf_adds(&b, _(": ")));
	}
	add_said(&b, text, SHOWN_MAX);
	(void)fprintf(stderr, "%s\n", buf_str(&b));
	buf_clear(&b);
}

static void
failed(struct sendmail *sm, int status)
{
	if (sm->status == EX_OK)
		sm->status = status;
}

static void
told(void *ctx, const char *rcpt, const struct verdict *v)
{
	struct sendmail *sm = ctx;
	struct buf b;

	buf_init(&b, 2 * SHOWN_MAX);
	if (v->enhanced[0] != '\0')
		IGNORE(buf_addf(&b, "%d %s %s", v->code, v->enhanced, v->text));
	else
		IGNORE(buf_addf(&b, "%d %s", v->code, v->text));
	if (v->class != VERDICT_OK) {
		failed(sm, submit_exit_status(v));
		complain(rcpt, buf_str(&b));
	} else if (sm->args.is_verbose || sm->args.action == SENDMAIL_VERIFY) {
		complain(rcpt, buf_str(&b));
	}
	buf_clear(&b);
}

/* --- who is calling ------------------------------------------------------- */

static bool
is_host_name(const char *s)
{
	return *s != '\0' &&
	       strspn(s, "abcdefghijklmnopqrstuvwxyz"
			 "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-") == strlen(s);
}

/* The part of the GECOS field before the first comma, where "&" stands for the
 * login name with a capital. */
static void
add_gecos(struct buf *to, const char *gecos, const char *login)
{
	for (; *gecos != '\0' && *gecos != ','; gecos++) {
		if (*gecos != '&') {
			IGNORE(buf_addc(to, *gecos));
			continue;
		}
		if (*login >= 'a' && *login <= 'z')
			IGNORE(buf_addc(to, (char)(*login - 'a' + 'A')));
		else if (*login != '\0')
			IGNORE(buf_addc(to, *login));
		if (*login != '\0')
			IGNORE(buf_adds(to, login + 1));
	}
}

static void
find_caller(struct sendmail *sm)
{
	sm->host[HOST_SIZE - 1] = '\0';
	if (gethostname(sm->host, HOST_SIZE - 1) != 0 ||
	    !is_host_name(sm->host))
		(void)snprintf(sm->host, HOST_SIZE, "localhost");
	caller_find(&sm->caller, getuid());
	/* A name that is too long is cut, here and below. */
	buf_init(&sm->full_name, RFC2047_TEXT_MAX);
	if (sm->args.full_name != NULL)
		IGNORE(buf_adds(&sm->full_name, sm->args.full_name));
	else
		add_gecos(&sm->full_name, sm->caller.gecos, sm->caller.login);
}

/* A bare name is one of this machine. */
static int
set_sender(struct sendmail *sm, const char *addr, struct err *err)
{
	bool is_bare = addr_domain(bytes_str(addr)).n == 0;

	buf_init(&sm->sender, ADDR_MAX);
	if (buf_adds(&sm->sender, addr) &&
	    (!is_bare || (buf_addc(&sm->sender, '@') &&
			     buf_adds(&sm->sender, sm->host))))
		return 0;
	return err_set(err, ERR_INPUT, "the sender's address is too long");
}

/* -f as people write it: bare, in brackets, with a name; "" and "<>" are the
 * null sender. */
static int
find_sender(struct sendmail *sm, struct err *err)
{
	const char *given = sm->args.sender;
	struct sendmail_message one;
	struct bytes trimmed;
	int rc;

	if (given == NULL)
		return set_sender(sm, sm->caller.login, err);
	trimmed = bytes_trim(bytes_str(given));
	if (trimmed.n == 0 || bytes_eq(trimmed, "<>")) {
		buf_init(&sm->sender, ADDR_MAX);
		return 0;
	}
	sendmail_message_init(&one);
	rc = sendmail_message_add_word(&one, given, err);
	if (rc == 0 && one.nrcpts != 1)
		rc = err_set(err, ERR_INPUT, "-f needs one address");
	if (rc == 0)
		rc = set_sender(sm, one.rcpts[0].addr, err);
	sendmail_message_clear(&one);
	return rc;
}

/* --- sending -------------------------------------------------------------- */

static struct envelope *
envelope_of(const struct sendmail *sm, const struct submit *s)
{
	struct envelope *e = envelope_new();
	struct buf envid;

	buf_init(&envid, 1024);
	envelope_set(&e->sender, s->sender);
	if (s->envid != NULL && xtext_encode(&envid, bytes_str(s->envid)))
		envelope_set(&e->envid, buf_str(&envid));
	e->ret = s->ret;
	e->is_8bit = s->is_8bit;
	e->is_utf8 = submit_needs_utf8(s);
	envelope_set(&e->account, sm->args.account);
	for (size_t i = 0; i < s->nrcpts; i++)
		if (s->rcpts[i].state == SUBMIT_OPEN)
			envelope_add_rcpt(e, s->rcpts[i].addr)->notify =
			    s->notify;
	buf_clear(&envid);
	return e;
}

/* The last resort, for those whom nobody has taken: a file that relaisd finds
 * when it is back.  When an answer was lost they may get the message twice;
 * that is better than not at all. */
static int
drop(struct sendmail *sm, const struct submit *s, const char *dir,
    struct err *err)
{
	const struct bytes pieces[] = { s->head, s->body };
	struct envelope *e;
	struct err why = { 0 };
	int rc;

	if (dir == NULL || s->is_verify)
		return -1;
	e = envelope_of(sm, s);
	rc = drop_write(fs_sys(), rng_sys(), dir, e, pieces,
	    sizeof(pieces) / sizeof(pieces[0]), &why);
	envelope_free(e);
	if (rc != 0) {
		(void)err_ctx(&why, "%s", err->text);
		*err = why;
		return -1;
	}
	if (sm->args.is_verbose)
		complain(N_("cannot connect to relaisd, so the message waits "
			    "in its drop folder"),
		    dir);
	return 0;
}

/* Goes from place to place until everybody is taken or refused. */
static void
submit(struct sendmail *sm)
{
	const struct submit s = {
		.helo = sm->host,
		.sender = buf_str(&sm->sender),
		.rcpts = sm->message.rcpts,
		.nrcpts = sm->message.nrcpts,
		.head = buf_bytes(&sm->message.head),
		.body = sm->message.body,
		.is_8bit = sm->message.is_8bit,
		.notify = sm->args.notify,
		.ret = sm->args.ret,
		.envid = sm->args.envid,
		.delivery = sm->args.delivery,
		.account = sm->args.account,
		.is_verify = sm->args.action == SENDMAIL_VERIFY,
		.told = told,
		.ctx = sm,
	};
	struct places *places = places_new();
	struct err err = { 0 };
	enum submit_end end = SUBMIT_NOT_TAKEN;
	int fd;

	while (
	    end == SUBMIT_NOT_TAKEN && (fd = places_next(places, &err)) >= 0) {
		end = submit_run(fd, &s, &err);
		if (end != SUBMIT_OVER)
			(void)err_ctx(&err, "%s", places_name(places));
		else if (sm->args.is_verbose)
			complain(places_name(places),
			    places_is_own(places)
				? N_("your own relaisd")
				: N_("relaisd of this machine"));
	}
	if (end != SUBMIT_OVER &&
	    drop(sm, &s, places_drop(places), &err) != 0) {
		complain(N_("the message was not accepted: cannot connect to "
			    "relaisd"),
		    err.text);
		failed(sm, EX_TEMPFAIL);
	}
	places_free(places);
}

/* 0 or the exit status; an option behind the addresses is no fault of the
 * data. */
static int
add_words(struct sendmail *sm, struct err *err)
{
	for (size_t i = 0; i < sm->args.naddrs; i++)
		if (sendmail_message_add_word(
			&sm->message, sm->args.addrs[i], err) != 0)
			return sm->args.addrs[i][0] == '-' ? EX_USAGE
							   : EX_DATAERR;
	if (sm->args.naddrs > 0 || sm->args.has_header_rcpts)
		return 0;
	(void)err_set(err, ERR_INPUT,
	    "no recipients: name them, or use -t to take them from the header");
	return EX_USAGE;
}

/* Aliases are not known here, and they have small letters; a word with a
 * capital one is a person's name unless a user has it. */
static bool
is_name(void *ctx, const char *word)
{
	bool is_small = true;

	(void)ctx;
	for (const char *p = word; *p != '\0'; p++)
		if ((*p >= 'A' && *p <= 'Z') || (unsigned char)*p >= 0x80)
			is_small = false;
	return is_small || str_eq_nocase(word, "root") ||
	       str_eq_nocase(word, "postmaster") || getpwnam(word) != NULL;
}

/* The value of From for a message without one. */
static int
make_from(const struct sendmail *sm, struct buf *to, struct err *err)
{
	struct bytes addr = buf_bytes(&sm->sender);
	struct buf own;
	bool fits;

	buf_init(&own, ADDR_MAX);
	fits = buf_addf(&own, "%s@%s", sm->caller.login, sm->host);
	if (addr.n == 0)
		addr = buf_bytes(&own);
	fits = fits && rfc2047_mailbox(to, buf_bytes(&sm->full_name), addr);
	buf_clear(&own);
	return fits ? 0 : err_set(err, ERR_INPUT, "the full name is too long");
}

/* The exit status of what is wrong with the input. */
static int
refuse(int status, const struct err *err)
{
	complain(NULL, err->text);
	return status;
}

static int
send_message(struct sendmail *sm)
{
	struct sendmail_wishes wishes = {
		.has_header_rcpts = sm->args.has_header_rcpts,
		.is_name = is_name,
	};
	struct err err = { 0 };
	struct buf from;
	int rc;

	if (find_sender(sm, &err) != 0)
		return refuse(EX_USAGE, &err);
	if ((rc = add_words(sm, &err)) != 0)
		return refuse(rc, &err);
	if (sendmail_input_read(&sm->input, STDIN_FILENO, &err) != 0)
		return refuse(
		    err.class == ERR_INPUT ? EX_DATAERR : EX_IOERR, &err);
	buf_init(&from, 16384);
	rc = make_from(sm, &from, &err);
	wishes.from = buf_str(&from);
	if (rc == 0)
		rc = sendmail_message_set(
		    &sm->message, buf_bytes(&sm->input.text), &wishes, &err);
	buf_clear(&from);
	if (rc != 0)
		return refuse(EX_DATAERR, &err);
	if (sm->message.nrcpts == 0) {
		complain(NULL, N_("the header names no recipients"));
		return sm->status != EX_OK ? sm->status : EX_USAGE;
	}
	if (sm->args.has_header_rcpts && sm->message.has_guess)
		complain(
		    NULL, N_("a line behind a list of recipients, which is not "
			     "indented, was taken as a part of the list"));
	submit(sm);
	return sm->status;
}

/* -bv: asks about each recipient and sends nothing. */
static int
verify(struct sendmail *sm)
{
	struct err err = { 0 };
	int rc;

	sm->args.has_header_rcpts = false;
	if (find_sender(sm, &err) != 0)
		return refuse(EX_USAGE, &err);
	if ((rc = add_words(sm, &err)) != 0)
		return refuse(rc, &err);
	submit(sm);
	return sm->status;
}

/* --- the other names and modes -------------------------------------------- */

static int
speak_smtp(struct sendmail *sm)
{
	struct places *places = places_new();
	struct err err = { 0 };
	int fd = places_next(places, &err);

	if (fd < 0) {
		/* Also as an SMTP reply, for the program that reads stdout. */
		(void)printf(
		    "421 4.3.2 %s cannot connect to relaisd\r\n", sm->host);
		(void)fflush(stdout);
		complain(N_("cannot connect to relaisd"), err.text);
		failed(sm, EX_TEMPFAIL);
	} else if (proxy_run(fd, STDIN_FILENO, STDOUT_FILENO, &err) != 0) {
		complain(places_name(places), err.text);
		failed(sm, EX_TEMPFAIL);
	}
	places_free(places);
	return sm->status;
}

/* Becomes relais(1), the one beside this program or where it is installed.
 * Returns only if it cannot be run. */
static void
become_relais(const char *verb, const char *option)
{
	char name[] = "relais", *word = xstrdup(verb);
	char *flag = xstrdup(option);
	char *const argv[] = { name, word, flag, NULL };
	char own[4096];
	ssize_t n = readlink("/proc/self/exe", own, sizeof(own) - 1);
	char *slash;

	if (n > 0) {
		own[n] = '\0';
		slash = strrchr(own, '/');
		if (slash != NULL &&
		    (size_t)(slash - own) + sizeof("/relais") <= sizeof(own)) {
			memcpy(slash, "/relais", sizeof("/relais"));
			(void)execve(own, argv, environ);
		}
	}
	(void)execve(RELAIS_BIN_DIR "/relais", argv, environ);
	free(word);
	free(flag);
}

/* relais has said what is wrong; its callers know mailq and newaliases by the
 * statuses of sysexits.h, so its own become those; refused is for its 1. */
static int
run_relais(const char *verb, const char *option, int refused)
{
	enum { NOT_RUN = 127 };
	int status;
	pid_t pid = fork();

	if (pid == 0) {
		become_relais(verb, option);
		complain(NULL, N_("cannot run relais(1)"));
		_exit(NOT_RUN);
	}
	if (pid < 0)
		return EX_OSERR;
	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			return EX_OSERR;
	if (!WIFEXITED(status))
		return EX_SOFTWARE;
	switch (WEXITSTATUS(status)) {
	case 0:
		return EX_OK;
	case 1:
		return refused;
	case 2:
		return EX_USAGE;
	default:
		return EX_UNAVAILABLE;
	}
}

static int
show_help(void)
{
	choose_language();
	language_convert_output();
	(void)puts(_("usage: sendmail [-i] [-t] [-v] [-f sender] [-F name] "
		     "[-N dsn] [-R full|hdrs]\n"
		     "                [-V envid] [-o option] [-a account] "
		     "[--] [recipient ...]\n"
		     "       sendmail -bs | -bv recipient ... | -bp | -bi | "
		     "-q\n"
		     "       mailq\n"
		     "       newaliases\n"
		     "Hands the message on standard input to relaisd; see "
		     "sendmail(8)."));
	return EX_OK;
}

static int
act(struct sendmail *sm)
{
	switch (sm->args.action) {
	case SENDMAIL_SEND:
		return send_message(sm);
	case SENDMAIL_VERIFY:
		return verify(sm);
	case SENDMAIL_SMTP:
		return speak_smtp(sm);
	case SENDMAIL_MAILQ:
		return run_relais("queue", NULL, EX_UNAVAILABLE);
	case SENDMAIL_FLUSH:
		return run_relais("flush", "--gently", EX_UNAVAILABLE);
	case SENDMAIL_ALIASES: /* relaisd reads the file itself */
		return run_relais("aliases", NULL, EX_DATAERR);
	case SENDMAIL_HELP:
		return show_help();
	case SENDMAIL_VERSION:
		(void)printf("relais %s\n", PACKAGE_VERSION);
		return EX_OK;
	}
	return EX_SOFTWARE;
}

/* A caller may have closed them; the next socket would then be "stderr".  An
 * empty file in memory needs no /dev. */
static bool
open_standard(bool *ret_has_stdin)
{
	*ret_has_stdin = fcntl(STDIN_FILENO, F_GETFD) >= 0;
	for (int fd = 0; fd <= 2; fd++)
		if (fcntl(fd, F_GETFD) < 0 && memfd_create("closed", 0) != fd)
			return false;
	return true;
}

static bool
reads_stdin(enum sendmail_action action)
{
	return action == SENDMAIL_SEND || action == SENDMAIL_SMTP;
}

int
main(int argc, char **argv)
{
	struct sendmail sm = { 0 };
	struct err err = { 0 };
	bool has_stdin;
	int status;

	if (!open_standard(&has_stdin))
		return EX_OSERR;
	/* Neither call can fail.  A file that may not grow is an error like
	 * others. */
	(void)signal(SIGPIPE, SIG_IGN);
	(void)signal(SIGXFSZ, SIG_IGN);
	if (sendmail_args_parse(argc, argv, &sm.args, &err) != 0) {
		complain(NULL, err.text);
		return EX_USAGE;
	}
	/* An empty message is one; a closed one is a mistake of the caller. */
	if (!has_stdin && reads_stdin(sm.args.action)) {
		complain(NULL, "standard input is closed, so there is no "
			       "message to read");
		return EX_IOERR;
	}
	if (sm.args.is_verbose && sm.args.ignored[0] != '\0')
		complain("ignored options", sm.args.ignored);
	sendmail_input_init(&sm.input, sm.args.ignores_dots);
	sendmail_message_init(&sm.message);
	find_caller(&sm);
	status = act(&sm);
	sendmail_message_clear(&sm.message);
	sendmail_input_clear(&sm.input);
	buf_clear(&sm.full_name);
	buf_clear(&sm.sender);
	return status;
}
