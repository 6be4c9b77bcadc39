/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A command line and a message on stdin, NUL between the words and two behind
 * the last: whatever they hold, no recipient or header field is made that was
 * not asked for (R8, R14, R15, R19). */
#include "tests/fuzz/fuzz.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/xalloc.h"
#include "mail/addr.h"
#include "sendmail/sendmail_args.h"
#include "sendmail/sendmail_input.h"
#include "sendmail/sendmail_message.h"

enum { WORDS_MAX = 32 };

/* Words up to an empty one; what follows is the message. */
static size_t
split(char *text, size_t n, char *argv[WORDS_MAX + 2], int *ret_argc)
{
	static char name[] = "sendmail";
	size_t at = 0;
	int argc = 0;

	argv[argc++] = name;
	while (at < n && text[at] != '\0' && argc <= WORDS_MAX) {
		argv[argc++] = text + at;
		at += strlen(text + at) + 1;
	}
	argv[argc] = NULL;
	*ret_argc = argc;
	return at < n ? at + 1 : n;
}

/* Lines of the header: no Bcc is left, and only CRLF ends a line. */
static void
check_head(struct bytes head)
{
	for (size_t i = 0; i < head.n; i++) {
		bool is_start = i == 0 || head.p[i - 1] == '\n';

		if (head.p[i] == '\n')
			FUZZ_REQUIRE(i > 0 && head.p[i - 1] == '\r');
		if (is_start && head.n - i > 4)
			FUZZ_REQUIRE(strncasecmp(head.p + i, "Bcc:", 4) != 0);
	}
	FUZZ_REQUIRE(head.n >= 2);
}

static void
check_rcpts(const struct sendmail_message *m)
{
	for (size_t i = 0; i < m->nrcpts; i++) {
		const char *addr = m->rcpts[i].addr;

		FUZZ_REQUIRE(addr_is_safe(bytes_str(addr)));
		FUZZ_REQUIRE(addr[0] != '-' && addr[0] != '\0');
	}
}

static void
run(const struct sendmail_args *a, const char *text, size_t n)
{
	const struct sendmail_wishes wishes = {
		.has_header_rcpts = a->has_header_rcpts, .from = "me <me@host>"
	};
	struct sendmail_message m;
	struct sendmail_input in;

	sendmail_message_init(&m);
	sendmail_input_init(&in, a->ignores_dots);
	for (size_t i = 0; i < a->naddrs; i++)
		IGNORE(sendmail_message_add_word(&m, a->addrs[i], NULL));
	FUZZ_REQUIRE(sendmail_input_put(&in, text, n, NULL) == 0);
	FUZZ_REQUIRE(sendmail_input_end(&in, NULL) == 0);
	if (sendmail_message_set(&m, buf_bytes(&in.text), &wishes, NULL) == 0)
		check_head(buf_bytes(&m.head));
	check_rcpts(&m);
	sendmail_input_clear(&in);
	sendmail_message_clear(&m);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = xmalloc(size + 1);
	char *argv[WORDS_MAX + 2];
	struct sendmail_args a;
	struct err err = { 0 };
	size_t at;
	int argc;

	memcpy(text, data, size);
	text[size] = '\0';
	at = split(text, size, argv, &argc);
	if (sendmail_args_parse(argc, argv, &a, &err) == 0)
		run(&a, text + at, size - at);
	else
		FUZZ_REQUIRE(err.class == ERR_INPUT);
	free(text);
	return 0;
}
