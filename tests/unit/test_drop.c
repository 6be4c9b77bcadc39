/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The drop folder: what sendmail writes comes out; what hostile users put there
 * leads nowhere (R29). */
#include "tests/lib/check.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "queue/drop.h"
#include "sys/clock_sys.h"
#include "sys/fs_sys.h"
#include "tests/lib/lab.h"

static const char name[] = "0123456789abcdef";
static const char hello[] = "Subject: hi\r\n\r\nhello\r\n";

static const char *
path_of(const struct lab *l, const char *file)
{
	static char path[200];

	(void)snprintf(path, sizeof(path), "%s/drop/%s", l->dir, file);
	return path;
}

static struct envelope *
make_envelope(void)
{
	struct envelope *e = envelope_new();

	envelope_set(&e->sender, "me@example.org");
	(void)envelope_add_rcpt(e, "you@example.net");
	envelope_add_rcpt(e, "her@example.net")->notify = DSN_NOTIFY_NEVER;
	envelope_set(&e->account, "work");
	envelope_set(&e->envid, "id+2B");
	e->ret = DSN_RET_HDRS;
	e->is_8bit = true;
	return e;
}

static int
write_drop(struct lab *l, const struct fs *fs, struct err *err)
{
	const struct bytes pieces[] = { { hello, 15 },
		{ hello + 15, strlen(hello) - 15 } };
	struct envelope *e = make_envelope();
	int rc;

	/* What a hostile sendmail could claim. */
	envelope_set(&e->user, "root");
	envelope_set(&e->peer, "192.0.2.1:25");
	e->uid = 0;
	rc = drop_write(fs, rng_sys(), path_of(l, ""), e, pieces, 2, err);
	envelope_free(e);
	return rc;
}

/* Reads it all; the length, or -1. */
static ssize_t
read_drop(struct queue_drop *d, char *to, size_t size, size_t step)
{
	size_t at = 0, n;
	struct err err;

	do {
		if (queue_drop_read(d, to + at,
			step < size - at ? step : size - at, &n, &err) != 0)
			return -1;
		at += n;
	} while (n > 0);
	return (ssize_t)at;
}

static void
what_sendmail_writes_comes_out(void **state)
{
	struct lab *l = *state;
	const struct envelope *e;
	struct queue_drop *d;
	struct err err;
	char got[100];

	for (size_t step = 1; step <= strlen(hello) + 1; step++) {
		assert_int_equal(write_drop(l, fs_sys(), &err), 0);
		queue_drop_scan(l->q);
		d = queue_drop_next(l->q);
		assert_non_null(d);
		assert_int_equal(queue_drop_uid(d), geteuid());
		e = queue_drop_envelope(d);
		assert_string_equal(e->sender, "me@example.org");
		assert_int_equal(e->nrcpts, 2);
		assert_string_equal(e->rcpts[1].addr, "her@example.net");
		assert_int_equal(e->rcpts[1].notify, DSN_NOTIFY_NEVER);
		assert_string_equal(e->account, "work");
		assert_string_equal(e->envid, "id+2B");
		assert_int_equal(e->ret, DSN_RET_HDRS);
		assert_true(e->is_8bit);
		assert_int_equal(e->size_bytes, strlen(hello));
		/* Not the user's to claim. */
		assert_int_equal(e->uid, UID_UNKNOWN);
		assert_null(e->user);
		assert_string_equal(e->peer, "");
		assert_int_equal(
		    read_drop(d, got, sizeof(got), step), strlen(hello));
		assert_memory_equal(got, hello, strlen(hello));
		assert_null(queue_drop_next(l->q));
		queue_drop_end(d, QUEUE_DROP_TAKEN);
		assert_int_equal(lab_files(l, "drop"), 0);
	}
	assert_int_equal(l->troubles, 0);
}

static void
a_file_stays_until_its_message_is_safe(void **state)
{
	struct lab *l = *state;
	struct queue_drop *d;
	struct err err;

	assert_int_equal(write_drop(l, fs_sys(), &err), 0);
	queue_drop_scan(l->q);
	d = queue_drop_next(l->q);
	queue_drop_scan(l->q);
	assert_null(queue_drop_next(l->q)); /* it is being taken in */
	queue_drop_end(d, QUEUE_DROP_LATER);
	assert_int_equal(lab_files(l, "drop"), 1);
	queue_drop_scan(l->q);
	d = queue_drop_next(l->q);
	assert_non_null(d);
	queue_drop_end(d, QUEUE_DROP_BAD);
	assert_int_equal(lab_files(l, "drop"), 0);
	assert_int_equal(lab_files(l, "corrupt"), 1);
	assert_int_equal(write_drop(l, fs_sys(), &err), 0);
	queue_drop_scan(l->q);
	assert_non_null(queue_drop_next(l->q)); /* the queue goes first */
}

static void
another_user_can_write_but_not_list(void **state)
{
	struct lab *l = *state;
	struct queue_drop *d;
	int status;
	pid_t pid;

	if (geteuid() != 0)
		skip();
	pid = fork();
	if (pid == 0) {
		struct err err;

		(void)umask(077);
		if (setgid(65534) != 0 || setuid(65534) != 0)
			_exit(1);
		if (opendir(path_of(l, "")) != NULL)
			_exit(2);
		_exit(write_drop(l, fs_sys(), &err) == 0 ? 0 : 3);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	queue_drop_scan(l->q);
	d = queue_drop_next(l->q);
	assert_non_null(d);
	assert_int_equal(queue_drop_uid(d), 65534);
	{ /* The folder's group may read it, whatever the umask was. */
		struct stat st;

		assert_int_equal(stat(path_of(l, queue_drop_name(d)), &st), 0);
		assert_int_equal(st.st_mode & 07777, 0640);
		assert_int_equal(st.st_gid, getegid());
	}
	queue_drop_end(d, QUEUE_DROP_TAKEN);
}

static void
writing_is_synced_before_it_gets_its_name(void **state)
{
	struct lab *l = *state;
	struct err err;

	buf_reset(&l->disk.order);
	assert_int_equal(write_drop(l, &l->disk.fs, &err), 0);
	assert_buf(&l->disk.order, "cwwwwsrdx");
	for (int nth = 1; nth <= 8; nth++) {
		fault_fs_arm(&l->disk, nth, ENOSPC);
		assert_int_equal(write_drop(l, &l->disk.fs, &err), -1);
		assert_non_null(strstr(err.text, "drop folder"));
		assert_int_equal(lab_files(l, "drop"), 1);
	}
	/* The last is the close, when all is on the disk already. */
}

/* --- hostile users -------------------------------------------------------- */

static void
put(struct lab *l, const char *file, const char *text, size_t n)
{
	int fd = open(
	    path_of(l, file), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);

	assert_int_equal(write(fd, text, n), (ssize_t)n);
	assert_int_equal(close(fd), 0);
}

/* Nothing comes out; how often somebody was told. */
static void
assert_refused(struct lab *l, int troubles, size_t corrupt)
{
	l->troubles = 0;
	for (int again = 0; again < 3; again++) {
		queue_drop_scan(l->q);
		assert_null(queue_drop_next(l->q));
	}
	assert_int_equal(l->troubles, troubles);
	assert_int_equal(lab_files(l, "corrupt"), corrupt);
}

static void
R29_links_pipes_and_folders_lead_nowhere(void **state)
{
	struct lab *l = *state;
	char other[200];
	struct stat st;
	struct err err;

	(void)snprintf(other, sizeof(other), "%s/secret", l->dir);
	assert_int_equal(write_drop(l, fs_sys(), &err), 0);
	{
		char whole[512];

		assert_true(lab_only_file(l, "drop", whole));
		assert_int_equal(rename(whole, other), 0);
	}
	/* A good file, but somebody else's. */
	assert_int_equal(symlink(other, path_of(l, name)), 0);
	assert_refused(l, 1, 1);
	assert_int_equal(link(other, path_of(l, name)), 0);
	assert_refused(l, 1, 2);
	assert_int_equal(stat(other, &st), 0); /* its own name remains */
	assert_int_equal(mkfifo(path_of(l, name), 0666), 0);
	assert_refused(l, 1, 3);
	assert_int_equal(mkdir(path_of(l, name), 0777), 0);
	assert_refused(l, 1, 3);
}

static void
what_sendmail_did_not_write_is_set_aside(void **state)
{
	static const char *const texts[] = { "junk", "relais-spool 1\n",
		"relais-drop 1\nfrom: x\nsum: 00000000\n\n",
		"relais-drop 1\nfrom: x\nrcpt: y\nsum: 00000000\n\n" };
	struct lab *l = *state;

	for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
		put(l, name, texts[i], strlen(texts[i]));
		assert_refused(l, 1, i + 1);
	}
}

/* One that is sound in itself, but what it asks for is not. */
static void
assert_envelope_refused(struct lab *l,
    void (*spoil)(struct envelope *e, const char *text), const char *text,
    size_t corrupt)
{
	const struct bytes piece = { hello, strlen(hello) };
	struct envelope *e = make_envelope();
	struct err err;

	spoil(e, text);
	assert_int_equal(
	    drop_write(fs_sys(), rng_sys(), path_of(l, ""), e, &piece, 1, &err),
	    0);
	assert_refused(l, 1, corrupt);
	envelope_free(e);
}

static void
spoil_sender(struct envelope *e, const char *text)
{
	envelope_set(&e->sender, text);
}

static void
spoil_rcpt(struct envelope *e, const char *text)
{
	envelope_set(&e->rcpts[1].addr, text);
}

static void
spoil_orcpt(struct envelope *e, const char *text)
{
	envelope_set(&e->rcpts[0].orcpt, text);
}

static void
spoil_envid(struct envelope *e, const char *text)
{
	envelope_set(&e->envid, text);
}

static void
R8_R9_an_envelope_that_would_say_more_is_set_aside(void **state)
{
	static const struct {
		void (*spoil)(struct envelope *e, const char *text);
		const char *text;
	} rows[] = {
		{ spoil_sender, "a@b\r\nRCPT TO:<c@d>" },
		{ spoil_sender, "a@b> BODY=8BITMIME RET=FULL" },
		{ spoil_sender, "\"a@b" },
		{ spoil_rcpt, "" },
		{ spoil_rcpt, "a b@c" },
		{ spoil_rcpt, "a@b>\n" },
		{ spoil_rcpt, "a@b> NOTIFY=NEVER" },
		{ spoil_rcpt, "a\x7f@b" },
		{ spoil_rcpt, "\xff@b" },
		{ spoil_orcpt, "rfc822" },
		{ spoil_orcpt, "rfc822;" },
		{ spoil_orcpt, ";a@b" },
		{ spoil_orcpt, "rfc822;a@b NOTIFY=NEVER" },
		{ spoil_orcpt, "rfc822;a+0D+0A" },
		{ spoil_envid, "" },
		{ spoil_envid, "a b" },
		{ spoil_envid, "a\r\nQUIT" },
	};
	struct lab *l = *state;

	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		assert_envelope_refused(l, rows[i].spoil, rows[i].text, i + 1);
}

static void
other_names_are_not_looked_at(void **state)
{
	struct lab *l = *state;

	put(l, "README", "x", 1);
	put(l, ".hidden", "x", 1);
	put(l, "0123456789ABCDEF", "x", 1);
	put(l, "0123456789abcdef0", "x", 1);
	assert_refused(l, 0, 0);
	assert_int_equal(lab_files(l, "drop"), 4);
}

static void
every_cut_and_every_flipped_bit_is_noticed(void **state)
{
	struct lab *l = *state;
	char whole[512], text[1000], got[100];
	struct queue_drop *d;
	struct err err;
	ssize_t n;
	int fd;

	assert_int_equal(write_drop(l, fs_sys(), &err), 0);
	assert_true(lab_only_file(l, "drop", whole));
	fd = open(whole, O_RDONLY | O_CLOEXEC);
	n = read(fd, text, sizeof(text));
	assert_true(n > 0 && n < (ssize_t)sizeof(text));
	assert_int_equal(close(fd), 0);
	assert_int_equal(unlink(whole), 0);
	for (size_t i = 0; i < (size_t)n; i++) {
		put(l, name, text, i);
		assert_refused(l, 0, 0); /* unfinished: wait for the rest */
	}
	put(l, name, text, (size_t)n);
	for (size_t i = 0; i < (size_t)n * 8; i += 3) {
		text[i / 8] ^= (char)(1 << i % 8);
		put(l, name, text, (size_t)n);
		queue_drop_scan(l->q);
		d = queue_drop_next(l->q);
		if (d != NULL) { /* in the message, or its checksum */
			assert_int_equal(read_drop(d, got, sizeof(got), 7), -1);
			queue_drop_end(d, QUEUE_DROP_BAD);
		}
		text[i / 8] ^= (char)(1 << i % 8);
		while (lab_files(l, "corrupt") > 0) { /* names run out */
			assert_true(lab_only_file(l, "corrupt", whole));
			assert_int_equal(unlink(whole), 0);
		}
		(void)unlink(path_of(l, name));
	}
}

static void
trailing_bytes_and_huge_files_are_refused(void **state)
{
	struct lab *l = *state;
	char whole[512];
	struct err err;
	int fd;

	assert_int_equal(write_drop(l, fs_sys(), &err), 0);
	assert_true(lab_only_file(l, "drop", whole));
	fd = open(whole, O_WRONLY | O_APPEND | O_CLOEXEC);
	assert_int_equal(write(fd, "x", 1), 1);
	assert_int_equal(close(fd), 0);
	assert_refused(l, 1, 1);
	put(l, name, "relais-drop 1\n", 14);
	assert_int_equal(truncate(path_of(l, name), INT64_C(1) << 40), 0);
	assert_refused(l, 1, 2);
}

static void
a_message_over_the_limit_is_refused(void **state)
{
	struct lab *l = *state;
	size_t size = strlen(hello);
	struct drop_file *f;
	char whole[512];
	struct err err;

	assert_int_equal(write_drop(l, fs_sys(), &err), 0);
	assert_true(lab_only_file(l, "drop", whole));
	assert_int_equal(
	    drop_open(fs_sys(), AT_FDCWD, whole, size - 1, &f, &err), DROP_BAD);
	assert_int_equal(
	    drop_open(fs_sys(), AT_FDCWD, whole, size, &f, &err), DROP_OK);
	drop_close(f);
}

static void
a_file_that_changes_while_it_is_read_is_not_taken(void **state)
{
	struct lab *l = *state;
	char whole[512], got[100];
	struct queue_drop *d;
	struct err err;
	size_t n;
	int fd;

	for (int cut = 0; cut < 2; cut++) {
		assert_int_equal(write_drop(l, fs_sys(), &err), 0);
		assert_true(lab_only_file(l, "drop", whole));
		queue_drop_scan(l->q);
		d = queue_drop_next(l->q);
		assert_int_equal(queue_drop_read(d, got, 5, &n, &err), 0);
		if (cut) {
			assert_int_equal(truncate(whole, 300), 0);
		} else {
			fd = open(whole, O_WRONLY | O_CLOEXEC);
			assert_int_equal(
			    pwrite(fd, "X", 1, lseek(fd, -20, SEEK_END)), 1);
			assert_int_equal(close(fd), 0);
		}
		assert_int_equal(read_drop(d, got, sizeof(got), 7), -1);
		queue_drop_end(d, QUEUE_DROP_LATER);
		assert_int_equal(unlink(whole), 0);
	}
}

static void
what_was_given_up_is_removed_after_a_day(void **state)
{
	struct lab *l = *state;

	put(l, ".0123456789abcdef", "relais-drop 1\n", 14);
	put(l, name, "relais-drop 1\n", 14);
	l->wall_ms = (int64_t)clock_wall_ms(clock_sys());
	assert_refused(l, 0, 0);
	assert_int_equal(lab_files(l, "drop"), 2);
	l->wall_ms += INT64_C(25) * 60 * 60 * 1000;
	assert_refused(l, 0, 0);
	assert_int_equal(lab_files(l, "drop"), 0);
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
		    what_sendmail_writes_comes_out, lab_setup, lab_teardown),
		cmocka_unit_test_setup_teardown(
		    a_file_stays_until_its_message_is_safe, lab_setup,
		    lab_teardown),
		cmocka_unit_test_setup_teardown(
		    another_user_can_write_but_not_list, lab_setup,
		    lab_teardown),
		cmocka_unit_test_setup_teardown(
		    writing_is_synced_before_it_gets_its_name, lab_setup,
		    lab_teardown),
		cmocka_unit_test_setup_teardown(
		    R29_links_pipes_and_folders_lead_nowhere, lab_setup,
		    lab_teardown),
		cmocka_unit_test_setup_teardown(
		    what_sendmail_did_not_write_is_set_aside, lab_setup,
		    lab_teardown),
		cmocka_unit_test_setup_teardown(
		    R8_R9_an_envelope_that_would_say_more_is_set_aside,
		    lab_setup, lab_teardown),
		cmocka_unit_test_setup_teardown(
		    other_names_are_not_looked_at, lab_setup, lab_teardown),
		cmocka_unit_test_setup_teardown(
		    every_cut_and_every_flipped_bit_is_noticed, lab_setup,
		    lab_teardown),
		cmocka_unit_test_setup_teardown(
		    trailing_bytes_and_huge_files_are_refused, lab_setup,
		    lab_teardown),
		cmocka_unit_test_setup_teardown(
		    a_message_over_the_limit_is_refused, lab_setup,
		    lab_teardown),
		cmocka_unit_test_setup_teardown(
		    a_file_that_changes_while_it_is_read_is_not_taken,
		    lab_setup, lab_teardown),
		cmocka_unit_test_setup_teardown(
		    what_was_given_up_is_removed_after_a_day, lab_setup,
		    lab_teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
