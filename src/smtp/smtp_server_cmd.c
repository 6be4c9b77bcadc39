/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The commands of the server engine: one function each, one table. */
#include <stdio.h>
#include <string.h>

#include "base/num.h"
#include "base/str.h"
#include "smtp/cmd.h"
#include "smtp/smtp_server_impl.h"
#include "smtp/syntax.h"

/* --- what may come when -------------------------------------------------- */

static const struct smtp_refusal no_helo = { 503, "5.5.1",
	"say EHLO or HELO first" };
static const struct smtp_refusal no_mail = { 503, "5.5.1", "MAIL comes first" };
static const struct smtp_refusal no_rcpt = { 503, "5.5.1", "RCPT comes first" };
static const struct smtp_refusal no_valid_rcpt = { 554, "5.5.1",
	"no valid recipients" };
static const struct smtp_refusal is_chunked = { 503, "5.5.1",
	"BDAT has begun, only BDAT may follow" };
static const struct smtp_refusal is_nested = { 503, "5.5.1",
	"a transaction is under way: end it or RSET it first" };

/* The refusal of a command that is not allowed in this phase. */
static const struct smtp_refusal *
out_of_order(const struct smtp_server *s, enum cmd_verb verb)
{
	if (verb == CMD_MAIL || verb == CMD_AUTH || verb == CMD_STARTTLS)
		return s->phase == PHASE_NEW ? &no_helo : &is_nested;
	if (s->phase == PHASE_NEW || s->phase == PHASE_READY)
		return &no_mail;
	if (s->phase == PHASE_BDAT)
		return &is_chunked;
	return s->t.refused > 0 ? &no_valid_rcpt : &no_rcpt;
}

static unsigned
offered(const struct smtp_server *s)
{
	const struct smtp_server_opts *o = &s->opts;
	unsigned set = 0;

	set |= o->hide_size ? 0 : SMTP_OFFER_SIZE;
	set |= o->hide_8bitmime ? 0 : SMTP_OFFER_8BITMIME;
	set |= o->hide_smtputf8 ? 0 : SMTP_OFFER_SMTPUTF8;
	set |= o->hide_dsn ? 0 : SMTP_OFFER_DSN;
	set |= o->may_xrelais ? SMTP_OFFER_XRELAIS : 0;
	set |= o->has_commands ? SMTP_OFFER_AUTH : 0;
	return set;
}

/* --- greeting ------------------------------------------------------------ */

static const struct smtp_refusal bad_helo = { 501, "5.5.4",
	"want a host name" };

/* A new HELO or EHLO resets (RFC 5321 4.1.4).  The name is kept for the trace
 * field, where only ASCII can stand. */
static bool
greet(struct smtp_server *s, struct bytes args, bool is_extended)
{
	struct bytes name;

	if (!syntax_helo(args, &name)) {
		ss_refuse(s, &bad_helo);
		return false;
	}
	ss_reset_transaction(s);
	for (size_t i = 0; i < name.n; i++)
		s->helo.name[i] = (unsigned char)name.p[i] < 0x80 ? name.p[i]
								  : '?';
	s->helo.name[name.n] = '\0';
	s->helo.is_extended = is_extended;
	s->phase = PHASE_READY;
	return true;
}

static enum ss_event
do_helo(struct smtp_server *s, struct bytes args, struct ss_info *info)
{
	(void)info;
	if (greet(s, args, false))
		ss_say(s, 250, NULL, s->opts.hostname);
	return SS_IDLE;
}

static void
offer(struct buf *text, bool is_offered, const char *line, const char *value)
{
	if (!is_offered)
		return;
	/* Cut if an option of the driver is too long. */
	IGNORE(
	    buf_addc(text, '\n') && buf_adds(text, line) &&
	    (*value == '\0' || (buf_addc(text, ' ') && buf_adds(text, value))));
}

static enum ss_event
do_ehlo(struct smtp_server *s, struct bytes args, struct ss_info *info)
{
	const struct smtp_server_opts *o = &s->opts;
	unsigned has = offered(s);
	struct buf text;
	char size[24] = "";

	(void)info;
	if (!greet(s, args, true))
		return SS_IDLE;
	if (o->max_size_bytes > 0)
		(void)snprintf(size, sizeof(size), "%llu", /* fits: 20 digits */
		    (unsigned long long)o->max_size_bytes);
	buf_init(&text, SMTP_SAY_TEXT_MAX);
	IGNORE(buf_adds(&text, o->hostname)); /* far shorter than the buffer */
	offer(&text, !o->hide_pipelining, "PIPELINING", "");
	offer(&text, has & SMTP_OFFER_SIZE, "SIZE", size);
	offer(&text, has & SMTP_OFFER_8BITMIME, "8BITMIME", "");
	offer(&text, has & SMTP_OFFER_SMTPUTF8, "SMTPUTF8", "");
	offer(&text, has & SMTP_OFFER_DSN, "DSN", "");
	offer(&text, true, "ENHANCEDSTATUSCODES", "");
	offer(&text, o->may_chunk, "CHUNKING", "");
	if (s->offers != NULL)
		offer(&text, true, s->offers, "");
	if (o->limits != NULL)
		offer(&text, true, "LIMITS", o->limits);
	offer(&text, has & SMTP_OFFER_XRELAIS, "XRELAIS", "");
	offer(&text, true, "HELP", "");
	ss_say(s, 250, NULL, buf_str(&text));
	buf_clear(&text);
	return SS_IDLE;
}

/* --- the transaction ----------------------------------------------------- */

static const struct smtp_refusal want_from = { 501, "5.5.4",
	"want MAIL FROM:<address>" };
static const struct smtp_refusal want_to = { 501, "5.5.4",
	"want RCPT TO:<address>" };
static const struct smtp_refusal bad_sender = { 501, "5.1.7",
	"malformed sender address" };
static const struct smtp_refusal bad_rcpt = { 501, "5.1.3",
	"malformed recipient address" };
static const struct smtp_refusal want_utf8 = { 553, "5.6.7",
	"this address needs SMTPUTF8" };

static enum ss_event
await_driver(struct smtp_server *s, enum ss_event what)
{
	s->awaiting = what;
	return what;
}

/* Puts the address where the driver will read it. */
static void
lend_addr(struct smtp_server *s, struct bytes addr, struct ss_info *info)
{
	IGNORE(str_copy(s->addr, sizeof(s->addr), addr)); /* SMTP_PATH_MAX */
	info->addr = s->addr;
}

static const struct smtp_refusal *
parse_mail(struct smtp_server *s, struct bytes args, struct syntax_path *path)
{
	const struct smtp_refusal *why;

	if (!cmd_take_keyword(&args, "FROM"))
		return &want_from;
	if (!syntax_path(args, path))
		return &bad_sender;
	why = smtp_params_mail(path->rest, offered(s), &s->t.mail);
	if (why != NULL)
		return why;
	/* Without SMTPUTF8 the driver decides. */
	if (path->is_8bit && !path->is_utf8 && s->t.mail.mail.is_utf8)
		return &bad_sender;
	if (ss_is_too_big(s, s->t.mail.mail.size_bytes))
		return &s->too_big;
	return NULL;
}

static enum ss_event
do_mail(struct smtp_server *s, struct bytes args, struct ss_info *info)
{
	struct syntax_path path;
	const struct smtp_refusal *why = parse_mail(s, args, &path);

	if (why != NULL) {
		ss_reset_transaction(s);
		ss_refuse(s, why);
		return SS_IDLE;
	}
	lend_addr(s, path.addr, info);
	info->mail = s->t.mail.mail;
	info->lacks_utf8 = path.is_8bit && !info->mail.is_utf8;
	return await_driver(s, SS_MAIL);
}

static const struct smtp_refusal *
parse_rcpt(struct smtp_server *s, struct bytes args, struct syntax_path *path)
{
	const struct smtp_refusal *why;

	if (!cmd_take_keyword(&args, "TO"))
		return &want_to;
	if (!syntax_path(args, path) || path->addr.n == 0)
		return &bad_rcpt;
	why = smtp_params_rcpt(path->rest, offered(s), &s->rcpt);
	if (why != NULL)
		return why;
	if (path->is_8bit && !path->is_utf8)
		return &bad_rcpt;
	return path->is_utf8 && !s->t.mail.mail.is_utf8 ? &want_utf8 : NULL;
}

/* Recipients beyond the limit wait for the next transaction; those accepted
 * stay accepted (RFC 5321 4.5.3.1.10). */
static bool
has_space_for_rcpt(struct smtp_server *s)
{
	char text[64];

	if (s->t.accepted < s->opts.max_rcpts)
		return true;
	(void)snprintf(text, sizeof(text), "no more than %zu recipients",
	    s->opts.max_rcpts); /* fits: 20 digits */
	ss_say(s, 452, "4.5.3", text);
	return false;
}

static enum ss_event
do_rcpt(struct smtp_server *s, struct bytes args, struct ss_info *info)
{
	struct syntax_path path;
	const struct smtp_refusal *why = parse_rcpt(s, args, &path);

	if (why != NULL) {
		s->t.refused++;
		ss_refuse(s, why);
		return SS_IDLE;
	}
	if (!has_space_for_rcpt(s))
		return SS_IDLE;
	lend_addr(s, path.addr, info);
	info->mail = s->t.mail.mail;
	info->rcpt = s->rcpt.rcpt;
	return await_driver(s, SS_RCPT);
}

static const struct smtp_refusal no_args = { 501, "5.5.4",
	"this command takes no argument" };

static enum ss_event
do_data(struct smtp_server *s, struct bytes args, struct ss_info *info)
{
	(void)info;
	if (args.n > 0) {
		ss_refuse(s, &no_args);
		return SS_IDLE;
	}
	smtp_dot_init(&s->t.dot, SMTP_DOT_DATA);
	s->mode = MODE_DATA;
	ss_say(s, 354, NULL, "send the message, end it by <CRLF>.<CRLF>");
	return SS_IDLE;
}

static const struct smtp_refusal bad_bdat = { 501, "5.5.4",
	"want BDAT size [LAST]" };
static const struct smtp_refusal not_here = { 502, "5.5.1",
	"command not implemented" };

static bool
parse_bdat(struct smtp_server *s, struct bytes args)
{
	struct bytes size = syntax_word(&args), last = syntax_word(&args);

	s->chunk.is_last = bytes_eq_nocase(last, "LAST");
	return num_u64(size, &s->chunk.left) && args.n == 0 &&
	       (last.n == 0 || s->chunk.is_last);
}

static const struct smtp_refusal *
refuse_chunk(struct smtp_server *s)
{
	uint64_t total;

	if (!s->opts.may_chunk)
		return &not_here;
	if (s->phase != PHASE_RCPT && s->phase != PHASE_BDAT)
		return out_of_order(s, CMD_BDAT);
	if (__builtin_add_overflow(s->t.size_bytes, s->chunk.left, &total) ||
	    ss_is_too_big(s, total))
		return &s->too_big;
	return NULL;
}

/* The bytes after a refused BDAT are still content, never commands (RFC 3030
 * 2); their number is unknown only if the size is malformed. */
static enum ss_event
do_bdat(struct smtp_server *s, struct bytes args, struct ss_info *info)
{
	(void)info;
	if (!parse_bdat(s, args)) {
		ss_refuse(s, &bad_bdat);
		ss_hang_up(s, "malformed BDAT");
		return SS_IDLE;
	}
	s->chunk.refusal = refuse_chunk(s);
	if (s->chunk.refusal != NULL) {
		ss_reset_transaction(s);
	} else if (s->phase == PHASE_RCPT) {
		smtp_dot_init(&s->t.dot, SMTP_DOT_CHUNK);
		s->phase = PHASE_BDAT;
	}
	s->mode = MODE_CHUNK;
	return SS_IDLE;
}

static enum ss_event
do_rset(struct smtp_server *s, struct bytes args, struct ss_info *info)
{
	(void)args;
	(void)info;
	ss_reset_transaction(s);
	ss_say(s, 250, "2.0.0", "ok");
	return SS_IDLE;
}

/* --- the rest ------------------------------------------------------------ */

static enum ss_event
do_noop(struct smtp_server *s, struct bytes args, struct ss_info *info)
{
	(void)args;
	(void)info;
	ss_say(s, 250, "2.0.0", "ok");
	return SS_IDLE;
}

static enum ss_event
do_vrfy(struct smtp_server *s, struct bytes args, struct ss_info *info)
{
	(void)args;
	(void)info;
	ss_say(s, 252, "2.5.2", "send some mail, it will be tried");
	return SS_IDLE;
}

static enum ss_event
do_help(struct smtp_server *s, struct bytes args, struct ss_info *info)
{
	(void)args;
	(void)info;
	ss_say(s, 214, "2.0.0",
	    "HELO EHLO MAIL RCPT DATA RSET NOOP VRFY HELP QUIT\n"
	    "see relaisd(8)");
	return SS_IDLE;
}

static enum ss_event
do_quit(struct smtp_server *s, struct bytes args, struct ss_info *info)
{
	(void)args;
	(void)info;
	ss_say(s, 221, "2.0.0", "bye");
	ss_hang_up(s, "quit");
	return SS_IDLE;
}

/* Commands that only the driver may know. */
static enum ss_event
do_driver(struct smtp_server *s, struct bytes args, struct ss_info *info)
{
	const char *line = buf_str(&s->in);

	(void)args;
	if (s->opts.has_commands)
		return ss_ask_command(
		    s, bytes_of(line, s->line_bytes - 2), info);
	ss_refuse(s, &not_here);
	return SS_IDLE;
}

static enum ss_event
do_other(struct smtp_server *s, struct bytes args, struct ss_info *info)
{
	(void)args;
	(void)info;
	ss_refuse(s, &not_here);
	return SS_IDLE;
}

static const struct smtp_refusal what = { 500, "5.5.2",
	"command not recognized" };
static const struct smtp_refusal not_smtp = { 521, "5.7.0",
	"this is a mail server, speak SMTP" };
static const struct smtp_refusal bare_lf = { 521, "5.5.2",
	"end each line by CR LF" };
static const struct smtp_refusal has_control = { 501, "5.5.2",
	"control characters in a command" };

static enum ss_event
do_unknown(struct smtp_server *s, struct bytes args, struct ss_info *info)
{
	(void)args;
	(void)info;
	ss_refuse(s, &what);
	if (++s->unknown_commands >= SMTP_UNKNOWN_COMMANDS_MAX) {
		ss_say(s, 421, "4.7.0", "too many unknown commands");
		ss_hang_up(s, "unknown commands");
	}
	return SS_IDLE;
}

static enum ss_event
do_foreign(struct smtp_server *s, struct bytes args, struct ss_info *info)
{
	(void)args;
	(void)info;
	ss_refuse(s, &not_smtp);
	ss_hang_up(s, "not SMTP");
	return SS_IDLE;
}

/* In which phases a command is allowed.  BDAT checks this itself, because its
 * chunk must be read even if it is refused. */
static const struct {
	unsigned phases;
	enum ss_event (*run)(
	    struct smtp_server *s, struct bytes args, struct ss_info *info);
} commands[CMD_COUNT] = {
	[CMD_UNKNOWN] = { PHASE_ANY, do_unknown },
	[CMD_FOREIGN] = { PHASE_ANY, do_foreign },
	[CMD_OTHER] = { PHASE_ANY, do_other },
	[CMD_HELO] = { PHASE_ANY, do_helo },
	[CMD_EHLO] = { PHASE_ANY, do_ehlo },
	/* RFC 5321 4.1.4 requires HELO first; small local scripts omit it. */
	[CMD_MAIL] = { PHASE_NEW | PHASE_READY, do_mail },
	[CMD_RCPT] = { PHASE_MAIL | PHASE_RCPT, do_rcpt },
	[CMD_DATA] = { PHASE_RCPT, do_data },
	[CMD_BDAT] = { PHASE_ANY, do_bdat },
	[CMD_RSET] = { PHASE_ANY, do_rset },
	[CMD_NOOP] = { PHASE_ANY, do_noop },
	[CMD_VRFY] = { PHASE_ANY, do_vrfy },
	[CMD_EXPN] = { PHASE_ANY, do_other },
	[CMD_HELP] = { PHASE_ANY, do_help },
	[CMD_QUIT] = { PHASE_ANY, do_quit },
	[CMD_STARTTLS] = { PHASE_READY, do_driver },
	[CMD_AUTH] = { PHASE_READY, do_driver },
};

bool
ss_is_smtp(struct smtp_server *s)
{
	const char *p = buf_str(&s->in), *lf;
	size_t n = buf_len(&s->in);

	if (n == 0)
		return true;
	if (!((p[0] | 0x20) >= 'a' && (p[0] | 0x20) <= 'z')) {
		ss_refuse(s, &not_smtp); /* a TLS hello is 0x16 */
		ss_hang_up(s, "not SMTP");
		return false;
	}
	/* LF alone never ends a line (RFC 5321 2.3.8), so that an address with
	 * one in it cannot become a command.  A script that does not know this
	 * would wait forever, so it is told at its first line. */
	lf = memchr(
	    p, '\n', n < SMTP_COMMAND_LINE_MAX ? n : SMTP_COMMAND_LINE_MAX);
	if (lf != NULL && (lf == p || lf[-1] != '\r')) {
		ss_refuse(s, &bare_lf);
		ss_hang_up(s, "lines end in LF");
		return false;
	}
	return true;
}

enum ss_event
ss_command(struct smtp_server *s, struct bytes line, struct ss_info *info)
{
	struct cmd cmd = cmd_parse(line);

	/* A client that starts with a command of another protocol (SIP, FTP,
	 * Redis, HTTP ...) may have been tricked into it: what follows could be
	 * SMTP commands that someone else injected. */
	if (s->is_first_line && (cmd.verb == CMD_UNKNOWN ||
				    memmem(line.p, line.n, "HTTP/", 5) != NULL))
		cmd.verb = CMD_FOREIGN;
	s->is_first_line = false;
	if (cmd.verb > CMD_FOREIGN && syntax_has_control(line)) {
		ss_refuse(s, &has_control);
		return SS_IDLE;
	}
	if ((commands[cmd.verb].phases & s->phase) != 0)
		return commands[cmd.verb].run(s, cmd.args, info);
	/* DATA after nothing but refused recipients ends the transaction. */
	if (out_of_order(s, cmd.verb) == &no_valid_rcpt) {
		ss_reset_transaction(s);
		ss_refuse(s, &no_valid_rcpt);
	} else
		ss_refuse(s, out_of_order(s, cmd.verb));
	return SS_IDLE;
}
