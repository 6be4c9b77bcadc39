/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "relais-setup/dialogue.h"

#include <errno.h>
#include <poll.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

#include "base/intl.h"
#include "base/str.h"
#include "base/xalloc.h"
#include "sys/language.h"
#include "sys/said.h"
#include "sys/terminal.h"

enum {
	TEXT_MAX = 4096,
	EMPTY_MAX = 3, /* empty lines instead of a secret */
	WRAP_LEAST = 20 /* in fewer columns nothing is wrapped */
};

static bool is_quiet;

bool
dialogue_has_person(void)
{
	return !is_quiet && isatty(STDIN_FILENO) == 1 &&
	       isatty(STDOUT_FILENO) == 1;
}

void
dialogue_be_quiet(void)
{
	is_quiet = true;
}

/* --- telling -------------------------------------------------------------- */

/* Lines that do not fit go on two columns further in than they begin. */
static void
print_wrapped(const char *text)
{
	size_t columns = terminal_columns(), indent = 0;
	size_t begin = strspn(text, " ");

	while (*text != '\0') {
		size_t room = columns > indent + WRAP_LEAST ? columns - indent
							    : SIZE_MAX;
		size_t n = str_wrap(text, room);

		(void)printf("%*s%.*s", (int)indent, "", (int)n, text);
		text += n;
		if (text[strspn(text, " ")] == '\0') {
			/* Perhaps the blank that ends a prompt. */
			(void)fputs(text, stdout);
			break;
		}
		text += strspn(text, " ");
		(void)putchar('\n');
		indent = begin + 2;
	}
}

static void
print_escaped(const char *fmt, va_list ap)
{
	char *own;

	struct buf text, shown;

	buf_init(&text, TEXT_MAX);
	buf_init(&shown, 4 * TEXT_MAX + 4);
	IGNORE(buf_vaddf(&text, _(fmt), ap)); /* cut if it is that long */
	/* What is only passed on was said in English, by a library. */
	own = strcmp(fmt, "%s") == 0 ? said(buf_str(&text))
				     : xstrdup(buf_str(&text));
	IGNORE(str_escape(&shown, bytes_str(own), TEXT_MAX));
	free(own);
	print_wrapped(buf_str(&shown));
	buf_clear(&text);
	buf_clear(&shown);
}

void
dialogue_say(const char *fmt, ...)
{
	va_list ap;

	if (is_quiet)
		return;
	va_start(ap, fmt);
	print_escaped(fmt, ap);
	va_end(ap);
	(void)putchar('\n');
	(void)fflush(stdout);
}

__attribute__((format(printf, 1, 2))) static void
prompt(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	print_escaped(fmt, ap);
	va_end(ap);
	(void)fflush(stdout);
}

/* --- asking --------------------------------------------------------------- */

/* Without stdio, which would keep what was typed. */
static bool
read_line(struct buf *to)
{
	for (;;) {
		char c;
		ssize_t n = read(STDIN_FILENO, &c, 1);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return false;
		if (c == '\n' || c == '\r')
			return true;
		if (c == 0x03 || (c == 0x04 && buf_len(to) == 0))
			return false; /* Ctrl-C, Ctrl-D */
		if ((c == 0x7f || c == '\b') && buf_len(to) > 0)
			buf_truncate(to, buf_len(to) - 1);
		else if (c == 0x15) /* Ctrl-U */
			buf_truncate(to, 0);
		else if (c != 0x7f && c != '\b' && !buf_addc(to, c))
			return false;
	}
}

char *
dialogue_ask(const char *question, const char *dflt)
{
	struct buf line;
	struct bytes text;
	char *answer = NULL;

	if (dflt != NULL)
		prompt("%s [%s]: ", question, dflt);
	else
		prompt("%s: ", question);
	buf_init(&line, TEXT_MAX);
	if (read_line(&line)) {
		text = bytes_trim(buf_bytes(&line));
		answer = text.n == 0 && dflt != NULL ? xstrdup(dflt)
						     : xstrndup(text.p, text.n);
	} else {
		(void)putchar('\n');
	}
	buf_clear(&line);
	return answer;
}

bool
dialogue_confirm(const char *question)
{
	struct buf line;
	bool is_yes = false;

	prompt("%s [Y/n] ", question);
	buf_init(&line, TEXT_MAX);
	if (read_line(&line))
		is_yes = buf_len(&line) == 0 || language_is_yes(buf_str(&line));
	else
		(void)putchar('\n');
	buf_clear(&line);
	return is_yes;
}

/* Not line by line, because a terminal cuts a line at 4,096 bytes; and without
 * signals, which would leave the terminal like this. */
static bool
switch_echo_off(struct termios *old)
{
	struct termios now;

	if (tcgetattr(STDIN_FILENO, old) != 0)
		return false;
	now = *old;
	now.c_lflag &= ~(tcflag_t)(ECHO | ECHONL | ICANON | ISIG);
	now.c_cc[VMIN] = 1;
	now.c_cc[VTIME] = 0;
	return tcsetattr(STDIN_FILENO, TCSADRAIN, &now) == 0;
}

struct secret *
dialogue_secret(const char *question)
{
	struct secret *s = NULL;
	struct termios old;
	struct buf line;

	/* Before the prompt, which invites to type. */
	if (!switch_echo_off(&old))
		return NULL;
	buf_init(&line, SECRET_MAX);
	for (int i = 0; s == NULL && i < EMPTY_MAX; i++) {
		prompt("%s: ", question);
		if (!read_line(&line))
			i = EMPTY_MAX;
		else if (buf_len(&line) > 0)
			s = secret_new(buf_bytes(&line));
		(void)putchar('\n');
	}
	buf_wipe(&line);
	(void)fflush(stdout);
	(void)tcsetattr(STDIN_FILENO, TCSADRAIN, &old); /* it worked before */
	return s;
}
