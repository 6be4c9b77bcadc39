/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What others may make large costs time in proportion: each row is done with n,
 * 2n and 4n of something, and four times as much may not take ten times as long
 * (it would be sixteen times if each were compared with all others).  CPU time
 * of this process, the best of some runs, so that a busy machine does not
 * matter. */
#include "tests/lib/check.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "base/str.h"
#include "conf/alias.h"
#include "conf/conf.h"
#include "notice/dsn.h"
#include "rewrite/intake.h"
#include "rewrite/outgoing.h"
#include "smtp/smtp_reply.h"
#include "store/journal.h"
#include "store/store_text.h"
#include "sys/clock_sys.h"

enum {
	RUNS = 3,
	TIMES_MOST = 10, /* four times as much takes at most so many times */
	SHORT_US = 300, /* of which nothing can be said */
	TEXT_MAX = 64 * 1024 * 1024
};

/* --- making it ------------------------------------------------------------ */

/* head, n times unit, where %zu is its number, tail. */
struct recipe {
	const char *name;
	size_t n;
	const char *head, *unit, *tail;
	/* Done with the text; NULL: it is a message. */
	void (*run)(struct bytes text, size_t n);
};

static void add(struct buf *to, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

static void
add(struct buf *to, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	assert_true(buf_vaddf(to, fmt, ap));
	va_end(ap);
}

static void
add_units(struct buf *to, const char *unit, size_t n)
{
	const char *mark = strstr(unit, "%zu");

	for (size_t i = 0; i < n; i++) {
		if (mark == NULL)
			add(to, "%s", unit);
		else
			add(to, "%.*s%zu%s", (int)(mark - unit), unit, i,
			    mark + 3);
	}
}

static void
make(struct buf *to, const struct recipe *r, size_t n)
{
	buf_init(to, TEXT_MAX);
	add(to, "%s", r->head);
	add_units(to, r->unit, n);
	add(to, "%s", r->tail);
}

/* --- messages: in and out ------------------------------------------------- */

static struct aliases *aliases;
static const struct alias_opts names = { .admin = "admin@example.org" };

static bool
is_local(void *ctx, const char *addr)
{
	(void)ctx;
	return alias_is_local(&names, addr);
}

static bool
resolve(void *ctx, const char *addr, struct addr_list *to)
{
	(void)ctx;
	return alias_resolve(aliases, &names, addr, to);
}

static void
go_out(struct bytes stored)
{
	static const struct outgoing_opts opts = {
		.identity = { .mode = IDENTITY_FORCE,
		    .address = "me@example.org",
		    .hostname = "pve1" },
	};
	static const struct repair_opts mend = { .is_7bit = true };
	struct outgoing *o = outgoing_new();
	size_t at = stored.n < 1024 * 1024 ? stored.n : 1024 * 1024;
	struct repair *r;

	if (outgoing_put(o, stored.p, at))
		IGNORE(outgoing_put(o, "", 0));
	at = outgoing_body_at(o);
	r = outgoing_repair(o, &mend);
	repair_look(r, bytes_of(stored.p + at, stored.n - at));
	repair_looked(r);
	IGNORE(outgoing_finish(o, "root", &opts));
	outgoing_free(o);
}

static void
run_message(struct bytes text, size_t count)
{
	static const unsigned char key[16] = "0123456789abcde";
	struct locals_opts locals = { is_local, resolve, NULL, NULL };
	struct envelope *e = envelope_new();
	struct intake_facts facts = { .env = e,
		.hostname = "mx.example.org",
		.with = "ESMTP",
		.wall_ms = INT64_C(1787313785000),
		.locals = &locals,
		.fold_key = key };
	struct intake *in;
	struct buf stored;
	const void *p;
	size_t n;

	(void)count;
	envelope_add_rcpt(e, "b@example.net");
	buf_init(&stored, 2 * TEXT_MAX);
	in = intake_new(&facts);
	for (size_t at = 0; at < text.n; at += n) {
		n = text.n - at < 65536 ? text.n - at : 65536;
		if (!intake_put(in, text.p + at, n))
			break;
		while ((n = intake_peek(in, &p)) > 0) {
			assert_true(buf_add(&stored, p, n));
			intake_took(in, n);
		}
		n = text.n - at < 65536 ? text.n - at : 65536;
	}
	IGNORE(intake_end(in));
	while ((n = intake_peek(in, &p)) > 0) {
		assert_true(buf_add(&stored, p, n));
		intake_took(in, n);
	}
	if (buf_len(&stored) > 0)
		go_out(buf_bytes(&stored));
	intake_free(in);
	buf_clear(&stored);
	envelope_free(e);
}

/* --- the rest ------------------------------------------------------------- */

static void
run_reply(struct bytes text, size_t n)
{
	struct smtp_reply r;
	size_t used;

	smtp_reply_init(&r);
	for (size_t i = 0; i < n; i++) {
		smtp_reply_reset(&r);
		for (size_t at = 0; at < text.n; at += used)
			if (smtp_reply_put(&r, text.p + at, 1, &used) ==
			    SMTP_REPLY_BAD)
				break;
	}
	smtp_reply_clear(&r);
}

/* Lines of an address each: what becomes of recipients. */
static void
run_recipients(struct bytes text, size_t n)
{
	struct addr_list known = { 0 };
	struct bytes line;

	(void)n;
	while ((line = bytes_cut(&text, '\n')).n > 0) {
		char *addr = strndup(line.p, line.n);

		IGNORE(resolve(NULL, addr, &known));
		free(addr);
	}
	addr_list_clear(&known);
}

static struct envelope *
envelope_of(size_t nrcpts)
{
	struct envelope *e = envelope_new();
	char addr[40];

	for (size_t i = 0; i < nrcpts; i++) {
		(void)snprintf(addr, sizeof(addr), "a%zu@example.net", i);
		(void)envelope_add_rcpt(e, addr);
	}
	return e;
}

static void
run_header(struct bytes text, size_t n)
{
	struct envelope *e = envelope_of(n), *back;
	struct buf b;
	size_t body;

	(void)text;
	buf_init(&b, TEXT_MAX);
	assert_true(store_text_header(&b, STORE_TEXT_DROP, e, 0));
	assert_int_equal(store_text_header_parse(
			     STORE_TEXT_DROP, buf_bytes(&b), &back, &body),
	    STORE_TEXT_OK);
	envelope_free(back);
	envelope_free(e);
	buf_clear(&b);
}

static void
run_journal(struct bytes text, size_t n)
{
	struct envelope *e = envelope_of(n);
	struct journal_state st = { 0 };
	struct verdict v = { .class = VERDICT_NEVER, .code = 550 };
	struct buf b;
	size_t good;

	(void)text;
	buf_init(&b, TEXT_MAX);
	for (size_t i = 0; i < n; i++) {
		rcpt_set_verdict(&e->rcpts[i], &v);
		assert_true(journal_rcpt(&b, i, &e->rcpts[i]));
		assert_true(journal_mark(&b, 1, "mx", &i, 1));
		assert_true(journal_equal(&b, 1));
	}
	assert_true(journal_parse(buf_bytes(&b), e, &st, &good));
	buf_clear(&b);
	envelope_free(e);
}

static void
run_dsn(struct bytes text, size_t n)
{
	struct envelope *e = envelope_of(n);
	struct verdict v = { .class = VERDICT_NEVER, .code = 550 };
	struct dsn_opts opts = { .action = DSN_FAILED,
		.rng = rng_sys(),
		.env = e,
		.hostname = "mx.example.org",
		.from = "me@example.org",
		.original = text };
	struct buf b;
	bool is_8bit;

	for (size_t i = 0; i < n; i++) {
		e->rcpts[i].state = RCPT_FAILED;
		rcpt_set_verdict(&e->rcpts[i], &v);
	}
	buf_init(&b, TEXT_MAX);
	IGNORE(dsn_build(&b, &opts, &is_8bit));
	buf_clear(&b);
	envelope_free(e);
}

static void
run_alias_file(struct bytes text, size_t n)
{
	struct conf_problems problems = { 0 };

	(void)n;
	alias_free(alias_parse("aliases", text, &problems));
	conf_problems_clear(&problems);
}

/* As often as it has targets. */
static void
run_mentions(struct bytes text, size_t n)
{
	struct conf_problems problems = { 0 };
	struct aliases *a = alias_parse("aliases", text, &problems);
	struct addr_list to = { 0 };

	for (size_t i = 0; i < n; i++)
		assert_true(alias_resolve(a, &names, "all", &to));
	addr_list_clear(&to);
	alias_free(a);
	conf_problems_clear(&problems);
}

/* --- what there is -------------------------------------------------------- */

#define FROM  "From: root\r\n"
#define END   "\r\n\r\nbody\r\n"
#define MULTI FROM "MIME-Version: 1.0\r\nContent-Type: multipart/mixed; "
static const struct recipe recipes[] = {
	{ "fields", 2000, FROM, "X-%zu: y\r\n", "\r\nbody\r\n", NULL },
	{ "fields of one name", 2000, FROM, "X-A: y\r\n", "\r\nb\r\n", NULL },
	{ "Received fields", 2000, FROM, "Received: by x%zu; z\r\n",
	    "\r\nbody\r\n", NULL },
	{ "Resent fields", 2000, FROM,
	    "Resent-From: a%zu\r\nResent-Date: x\r\n", "\r\nb\r\n", NULL },
	{ "Bcc fields", 2000, FROM, "Bcc: a%zu@b.example\r\n", "\r\nb\r\n",
	    NULL },
	{ "Subject fields", 2000, FROM, "Subject: a%zu\r\n", "\r\nb\r\n",
	    NULL },
	{ "DKIM fields", 2000, FROM,
	    "DKIM-Signature: v=1; h=from:to; b=%zu\r\n", "\r\nb\r\n", NULL },
	{ "signatures of changed fields", 2000, FROM,
	    "DKIM-Signature: v=1; h=x; b=%zu\r\nBcc: a\r\n", "\r\nb\r\n",
	    NULL },
	{ "To fields", 2000, FROM, "To: a%zu@b.example\r\n", "\r\nb\r\n",
	    NULL },
	{ "To fields of local names", 2000, FROM, "To: user%zu\r\n",
	    "\r\nb\r\n", NULL },
	{ "addresses", 1000, FROM "To: root,\r\n", " a%zu@b.example,\r\n",
	    " z@b.example" END, NULL },
	{ "From addresses", 1000, "From: root,\r\n", " a%zu@b.example,\r\n",
	    " z@b.example" END, NULL },
	{ "mentions of one alias", 2000, FROM "To: x@y.example,\r\n",
	    " ops,\r\n", " z@b.example" END, NULL },
	{ "names that lead to one alias", 2000, FROM "To: x@y.example,\r\n",
	    " ops+%zu,\r\n", " z@b.example" END, NULL },
	{ "names without alias", 2000, FROM "Cc: x@y.example,\r\n",
	    " u%zu,\r\n", " z@b.example" END, NULL },
	{ "names of Resent- fields", 2000, FROM, "Resent-X%zu: a\r\n",
	    "\r\nb\r\n", NULL },
	{ "encoded addresses", 1000, FROM "To: root,\r\n",
	    " =?utf-8?q?a_<a%zu@b.example>?=,\r\n", END, NULL },
	{ "groups", 1000, FROM "To: root,\r\n", " g%zu: a@b.example;,\r\n",
	    " z@b.example" END, NULL },
	{ "open groups", 1000, FROM "To: root,\r\n", " g%zu:\r\n",
	    " z@b.example" END, NULL },
	{ "folded lines, and an address in the last", 4000, FROM "Bcc: a\r\n",
	    " b%zu: c\r\n", " <z@b.example>" END, NULL },
	{ "folded lines, each with an address", 4000, FROM "X: a\r\n",
	    " Bcc%zu: c\r\n <a@b.example>\r\n", END, NULL },
	{ "lines after a hidden list", 4000, FROM "Bcc: a\r\n",
	    "Jane %zu <a@b.example>\r\n", END, NULL },
	{ "lists with semicolons", 1000, FROM "To: root;\r\n", " a%zu;\r\n",
	    " <z@b.example>" END, NULL },
	{ "comments in comments", 8000, FROM "To: root ", "(", END, NULL },
	{ "angle brackets", 8000, FROM "To: root ", "<", END, NULL },
	{ "quotes", 8000, FROM "To: root ", "\"a", END, NULL },
	{ "quotes without end", 8000, FROM "To: root \"", "\\\"", END, NULL },
	{ "literals without end", 8000, FROM "To: root ", "[a", END, NULL },
	{ "words of a name", 4000, "From: a\r\n", " b%zu\r\n",
	    " <root>\r\n\r\nbody\r\n", NULL },
	{ "encoded words", 1000, FROM "Subject: a\r\n",
	    " =?utf-8?q?x=C3=A9?=\r\n", END, NULL },
	{ "8-bit words", 2000, FROM "Subject: a\r\n", " \xc3\xa9\r\n", END,
	    NULL },
	{ "one long word", 16000, FROM "Subject: ", "x", END, NULL },
	{ "one long 8-bit word", 8000, FROM "Subject: ", "\xc3\xa9", END,
	    NULL },
	{ "references", 2000, FROM "References: <x@y>\r\n", " <a%zu@b>\r\n",
	    END, NULL },
	{ "parameters", 2000, FROM "Content-Type: text/plain\r\n",
	    ";\r\n p%zu=x", END, NULL },
	{ "lines", 20000, FROM "\r\n", "\xc3\xa9 body %zu\r\n", "", NULL },
	{ "one line", 200000, FROM "\r\n", "\xc3\xa9", "\r\n", NULL },
	{ "dots", 50000, FROM "\r\n", ".\r\n", "", NULL },
	{ "parts", 1000, MULTI "boundary=b\r\n\r\n",
	    "--b\r\nContent-Type: text/plain\r\n\r\n\xc3\xa9%zu\r\n",
	    "--b--\r\n", NULL },
	{ "parts without header", 2000, MULTI "boundary=b\r\n\r\n",
	    "--b\r\n\r\n", "--b--\r\n", NULL },
	{ "parts within parts", 1000, MULTI "boundary=b\r\n\r\n--b\r\n",
	    "Content-Type: multipart/mixed; boundary=c%zu\r\n\r\n--c%zu\r\n",
	    "\xc3\xa9\r\n", NULL },
	{ "messages within messages", 1000, MULTI "boundary=b\r\n\r\n--b\r\n",
	    "Content-Type: message/rfc822\r\n\r\n", "\xc3\xa9\r\n", NULL },
	{ "lines like boundaries", 20000, MULTI "boundary=b\r\n\r\n",
	    "--c%zu\r\n", "--b--\r\n", NULL },
	{ "fields of a part", 2000, MULTI "boundary=b\r\n\r\n--b\r\n",
	    "X-%zu: y\r\n", "\r\n\xc3\xa9\r\n--b--\r\n", NULL },
	{ "recipients", 5000, "", "a%zu@b.example\n", "", run_recipients },
	{ "equal recipients", 5000, "", "a@b.example\n", "", run_recipients },
	{ "recipients with one beginning", 5000, "",
	    "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa%zu@b.example\n",
	    "", run_recipients },
	{ "local recipients", 5000, "", "ops+%zu\n", "", run_recipients },
	{ "replies", 50, "250-hello\r\n250-world\r\n250 2.0.0 ok\r\n", "", "",
	    run_reply },
	{ "recipients of a file", 2000, "", "", "", run_header },
	{ "lines of a journal", 2000, "", "", "", run_journal },
	{ "recipients of a notice", 500, "Subject: x\r\n", "", "", run_dsn },
	{ "entries of the aliases file", 4000, "", "a%zu: b%zu, c\n", "",
	    run_alias_file },
	{ "targets of an alias", 4000, "all: a", ", b%zu@c.example", "\n",
	    run_alias_file },
	{ "mentions of an alias of many", 500, "all: a", ", b%zu@c.example",
	    "\n", run_mentions },
};

/* --- measuring ------------------------------------------------------------ */

static int64_t
cpu_us(void)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

static int64_t
measure(const struct recipe *r, size_t n, int runs)
{
	int64_t best = INT64_MAX;
	struct buf text;

	make(&text, r, n);
	for (int i = 0; i < runs; i++) {
		int64_t from = cpu_us(), took;

		(r->run != NULL ? r->run : run_message)(buf_bytes(&text), n);
		took = cpu_us() - from;
		best = took < best ? took : best;
	}
	buf_clear(&text);
	return best;
}

static void
set_up_aliases(void)
{
	struct conf_problems problems = { 0 };
	struct buf text;

	buf_init(&text, TEXT_MAX);
	add(&text, "ops: x@example.org");
	add_units(&text, ", t%zu@example.org", 300);
	add(&text, "\n");
	add_units(&text, "name%zu: y%zu@example.org\n", 1000);
	aliases = alias_parse("aliases", buf_bytes(&text), &problems);
	assert_int_equal(alias_count(aliases), 1001);
	conf_problems_clear(&problems);
	buf_clear(&text);
}

static void
time_grows_with_size_and_no_faster(void **state)
{
	int bad = 0;

	(void)state;
	set_up_aliases();
	for (size_t i = 0; i < ARRAY_LEN(recipes); i++) {
		const struct recipe *r = &recipes[i];
		int64_t one = measure(r, r->n, RUNS), four = 0;

		/* A slow moment of the machine is not repeated. */
		for (int try = 0; try < RUNS; try++) {
			four = measure(r, 4 * r->n, 1);
			if (four < TIMES_MOST * (one + SHORT_US))
				break;
		}
		if (getenv("GROWTH") != NULL)
			print_message("%-32s %7zu %8lld us %8lld us\n", r->name,
			    r->n, (long long)one, (long long)four);
		if (four >= TIMES_MOST * (one + SHORT_US)) {
			print_message("%s: %lld us, four times as many %lld "
				      "us\n",
			    r->name, (long long)one, (long long)four);
			bad++;
		}
	}
	alias_free(aliases);
	assert_int_equal(bad, 0);
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(time_grows_with_size_and_no_faster),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
