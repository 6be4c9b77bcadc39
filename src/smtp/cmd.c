/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "smtp/cmd.h"

#include <string.h>

#include "base/str.h"
#include "smtp/syntax.h"

static const struct {
	const char *name;
	enum cmd_verb verb;
} verbs[] = {
	{ "MAIL", CMD_MAIL },
	{ "RCPT", CMD_RCPT },
	{ "DATA", CMD_DATA },
	{ "BDAT", CMD_BDAT },
	{ "EHLO", CMD_EHLO },
	{ "HELO", CMD_HELO },
	{ "RSET", CMD_RSET },
	{ "NOOP", CMD_NOOP },
	{ "QUIT", CMD_QUIT },
	{ "VRFY", CMD_VRFY },
	{ "EXPN", CMD_EXPN },
	{ "HELP", CMD_HELP },
	{ "STARTTLS", CMD_STARTTLS },
	{ "AUTH", CMD_AUTH },
	/* RFC 821, 1985, 2645, 4468 */
	{ "SEND", CMD_OTHER },
	{ "SOML", CMD_OTHER },
	{ "SAML", CMD_OTHER },
	{ "TURN", CMD_OTHER },
	{ "ETRN", CMD_OTHER },
	{ "ATRN", CMD_OTHER },
	{ "BURL", CMD_OTHER },
	/* RFC 9110 9.3, RFC 5789 */
	{ "GET", CMD_FOREIGN },
	{ "HEAD", CMD_FOREIGN },
	{ "POST", CMD_FOREIGN },
	{ "PUT", CMD_FOREIGN },
	{ "PATCH", CMD_FOREIGN },
	{ "DELETE", CMD_FOREIGN },
	{ "CONNECT", CMD_FOREIGN },
	{ "OPTIONS", CMD_FOREIGN },
	{ "TRACE", CMD_FOREIGN },
};

enum { VERBS = sizeof(verbs) / sizeof(verbs[0]) };

struct cmd
cmd_parse(struct bytes line)
{
	struct cmd cmd = { .verb = CMD_UNKNOWN };
	struct bytes word = syntax_word(&line);

	for (size_t i = 0; i < VERBS; i++)
		if (bytes_eq_nocase(word, verbs[i].name))
			cmd.verb = verbs[i].verb;
	cmd.args = bytes_trim(line);
	return cmd;
}

bool
cmd_take_keyword(struct bytes *args, const char *word)
{
	struct bytes rest = *args;
	size_t n = strlen(word);

	if (!bytes_has_prefix_nocase(rest, word))
		return false;
	rest = bytes_trim(bytes_of(rest.p + n, rest.n - n));
	if (rest.n == 0 || rest.p[0] != ':')
		return false;
	*args = bytes_trim(bytes_of(rest.p + 1, rest.n - 1));
	return true;
}
