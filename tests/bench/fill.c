/* SPDX-License-Identifier: GPL-3.0-or-later */
/* fill SPOOL COUNT [SIZE] - puts so many messages into a spool that no daemon
 * is using, without syncing each, for benches that begin with a long queue. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/xalloc.h"
#include "mail/envelope.h"
#include "store/qid.h"
#include "store/spool.h"
#include "sys/clock_sys.h"
#include "sys/fs_sys.h"

static const char head[] = "From: <relay@example.test>\r\n"
			   "To: <to@example.org>\r\n"
			   "Subject: a mail of the long queue\r\n\r\n";

static int
no_sync(void *ctx, int fd)
{
	(void)ctx;
	(void)fd;
	return 0;
}

static struct bytes
make_message(size_t size)
{
	size_t n = sizeof(head) - 1;
	char *text;

	if (size < n + 2)
		size = n + 2;
	text = xmalloc(size);
	memset(text, 'x', size);
	memcpy(text, head, n);
	for (size_t i = n + 70; i < size; i += 72)
		memcpy(text + i - 2, "\r\n", 2);
	memcpy(text + size - 2, "\r\n", 2);
	return bytes_of(text, size);
}

static void
store(struct store *s, struct envelope *e, struct bytes message)
{
	struct buf header;
	struct err err;

	qid_make(clock_wall_ms(clock_sys()), rng_sys(), e->id);
	e->arrived_s = clock_wall_ms(clock_sys()) / 1000;
	e->size_bytes = message.n;
	buf_init(&header, STORE_HEADER_MAX);
	if (!store_text_header(&header, STORE_TEXT_MESSAGE, e, 0) ||
	    s->ops->put(s, e->id, buf_bytes(&header), message, NULL, &err) !=
		0) {
		(void)fprintf(stderr, "fill: %s\n", err.text);
		exit(EXIT_FAILURE);
	}
	buf_clear(&header);
}

int
main(int argc, char **argv)
{
	long count = argc > 2 ? atol(argv[2]) : 0;
	size_t size = argc > 3 ? (size_t)atol(argv[3]) : 2048;
	struct bytes message = make_message(size);
	struct envelope *e = envelope_new();
	struct fs fs = *fs_sys();
	struct store *s;
	struct err err;

	fs.sync = no_sync;
	if (count <= 0 || spool_open(argv[1], &fs, &s, &err) != 0) {
		(void)fprintf(stderr, "fill: %s\n",
		    count <= 0 ? "usage: fill SPOOL COUNT [SIZE]" : err.text);
		return EXIT_FAILURE;
	}
	envelope_set(&e->sender, "relay@example.test");
	(void)envelope_add_rcpt(e, "to@example.org");
	envelope_set(&e->peer, "unix");
	for (long i = 0; i < count; i++)
		store(s, e, message);
	store_free(s);
	return EXIT_SUCCESS;
}
