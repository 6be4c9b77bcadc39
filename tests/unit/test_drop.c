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

#include "base/crc32.h"
#include "store/drop_folder.h"
#include "sys/clock_sys.h"
#include "sys/fs_sys.h"
#include "tests/lib/queue_fixture.h"

static const char name[] = "0123456789abcdef";
static const char hello[] = "Subject: hi\r\n\r\nhello\r\n";

static const char *
path_of(const struct queue_fixture *l, const char *file)
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
write_drop(struct queue_fixture *l, const struct fs *fs, struct err *err)
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

static void
looked(void *ctx)
{
	++*(int *)ctx;
}

/* In the fixture a worker is done at once. */
static void
scan(struct queue_fixture *l)
{
	int times = 0;

	queue_drop_scan(l->q, looked, &times);
	assert_int_equal(times, 1);
}

/* The next one that is to be taken. */
static struct queue_drop *
next_drop(struct queue_fixture *l)
{
	struct queue_drop *d = NULL;

	while (d == NULL && queue_drop_next(l->q, 1000, &d))
		;
	return d;
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
	struct queue_fixture *l = *state;
	const struct envelope *e;
	struct queue_drop *d;
	struct err err;
	char got[100];

	for (size_t step = 1; step <= strlen(hello) + 1; step++) {
		assert_int_equal(write_drop(l, fs_sys(), &err), 0);
		scan(l);
		d = next_drop(l);
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
		assert_null(next_drop(l));
		queue_drop_end(d, QUEUE_DROP_TAKEN, NULL);
		assert_int_equal(fixture_files(l, "drop"), 0);
	}
	assert_int_equal(l->troubles, 0);
}

static void
a_file_stays_until_its_message_is_safe(void **state)
{
	struct queue_fixture *l = *state;
	struct queue_drop *d;
	struct err err;

	assert_int_equal(write_drop(l, fs_sys(), &err), 0);
	scan(l);
	d = next_drop(l);
	scan(l);
	assert_null(next_drop(l)); /* it is being taken in */
	queue_drop_end(d, QUEUE_DROP_LATER, NULL);
	assert_int_equal(fixture_files(l, "drop"), 1);
	scan(l);
	d = next_drop(l);
	assert_non_null(d);
	queue_drop_end(d, QUEUE_DROP_BAD, NULL);
	assert_int_equal(fixture_files(l, "drop"), 0);
	assert_int_equal(fixture_files(l, "corrupt"), 1);
	assert_int_equal(write_drop(l, fs_sys(), &err), 0);
	scan(l);
	assert_non_null(next_drop(l)); /* the queue goes first */
}

static void
another_user_can_write_but_not_list(void **state)
{
	struct queue_fixture *l = *state;
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
	scan(l);
	d = next_drop(l);
	assert_non_null(d);
	assert_int_equal(queue_drop_uid(d), 65534);
	{ /* The folder's group may read it, whatever the umask was. */
		DIR *dir = opendir(path_of(l, ""));
		struct dirent *file;
		struct stat st;

		assert_non_null(dir);
		do
			file = readdir(dir);
		while (file != NULL && !drop_is_name(file->d_name));
		assert_non_null(file);
		assert_int_equal(stat(path_of(l, file->d_name), &st), 0);
		assert_int_equal(closedir(dir), 0);
		assert_int_equal(st.st_mode & 07777, 0640);
		assert_int_equal(st.st_gid, getegid());
	}
	queue_drop_end(d, QUEUE_DROP_TAKEN, NULL);
}

static void
writing_is_synced_before_it_gets_its_name(void **state)
{
	struct queue_fixture *l = *state;
	struct err err;

	buf_reset(&l->disk.order);
	assert_int_equal(write_drop(l, &l->disk.fs, &err), 0);
	assert_buf(&l->disk.order, "cwwwwsrdx");
	for (int nth = 1; nth <= 8; nth++) {
		fault_fs_arm(&l->disk, nth, ENOSPC);
		assert_int_equal(write_drop(l, &l->disk.fs, &err), -1);
		assert_non_null(strstr(err.text, "drop folder"));
		assert_int_equal(fixture_files(l, "drop"), 1);
	}
	/* The last is the close, when all is on the disk already. */
}

/* --- hostile users -------------------------------------------------------- */

static void
put(struct queue_fixture *l, const char *file, const char *text, size_t n)
{
	int fd = open(
	    path_of(l, file), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);

	assert_int_equal(write(fd, text, n), (ssize_t)n);
	assert_int_equal(close(fd), 0);
}

/* Between seconds of the file system and of the fixture. */
static void
set_clock(struct queue_fixture *l, int64_t ahead_s)
{
	l->wall_ms = clock_wall_ms(clock_sys()) + ahead_s * 1000;
}

/* Nothing comes out; how often somebody was told. */
static void
assert_refused(struct queue_fixture *l, int troubles, size_t corrupt)
{
	l->troubles = 0;
	for (int again = 0; again < 3; again++) {
		scan(l);
		assert_null(next_drop(l));
	}
	assert_int_equal(l->troubles, troubles);
	assert_int_equal(fixture_files(l, "corrupt"), corrupt);
}

static void
R29_links_pipes_and_folders_lead_nowhere(void **state)
{
	struct queue_fixture *l = *state;
	char other[200];
	struct stat st;
	struct err err;

	(void)snprintf(other, sizeof(other), "%s/secret", l->dir);
	assert_int_equal(write_drop(l, fs_sys(), &err), 0);
	{
		char whole[512];

		assert_true(fixture_only_file(l, "drop", whole));
		assert_int_equal(rename(whole, other), 0);
	}
	/* A good file, but somebody else's. */
	assert_int_equal(symlink(other, path_of(l, name)), 0);
	set_clock(l, 0);
	assert_refused(l, 0, 0);
	assert_int_equal(unlink(path_of(l, name)), 0);
	assert_int_equal(link(other, path_of(l, name)), 0);
	assert_refused(l, 1, 1);
	assert_int_equal(stat(other, &st), 0); /* its own name remains */
	assert_int_equal(mkfifo(path_of(l, name), 0666), 0);
	assert_refused(l, 0, 1);
	assert_int_equal(unlink(path_of(l, name)), 0);
	assert_int_equal(mkdir(path_of(l, name), 0777), 0);
	assert_refused(l, 0, 1);
}

/* Put there behind the look, in the place of a file that was good. */
static void
R29_a_link_that_comes_late_leads_nowhere(void **state)
{
	static const struct drop_limits max = { 1000, 10 };
	struct queue_fixture *l = *state;
	struct drop_file *f;
	struct err err;

	assert_int_equal(symlink("/etc/passwd", path_of(l, name)), 0);
	assert_int_equal(
	    drop_open(fs_sys(), queue_drop_dirfd(l->q), name, &max, &f, &err),
	    DROP_BAD);
	assert_int_equal(unlink(path_of(l, name)), 0);
	assert_int_equal(mkfifo(path_of(l, name), 0666), 0);
	assert_int_equal(
	    drop_open(fs_sys(), queue_drop_dirfd(l->q), name, &max, &f, &err),
	    DROP_BAD);
}

static void
what_sendmail_did_not_write_is_set_aside(void **state)
{
	static const char *const texts[] = { "junk", "relais-spool 1\n",
		"relais-drop 1\nfrom: x\nsum: 00000000\n\n",
		"relais-drop 1\nfrom: x\nrcpt: y\nsum: 00000000\n\n" };
	struct queue_fixture *l = *state;

	for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
		put(l, name, texts[i], strlen(texts[i]));
		assert_refused(l, 1, i + 1);
	}
}

static void
write_text(struct queue_fixture *l, const char *text)
{
	put(l, name, text, strlen(text));
}

/* Keys that stand twice have no meaning that all readers agree about. */
static void
a_repeated_key_is_set_aside(void **state)
{
	static const struct {
		const char *lines;
		bool is_good;
	} rows[] = {
		{ "size: 0\nfrom: x\nrcpt: y\n", true },
		{ "size: 0\nfrom: x\nrcpt: y\nnotify: never\nrcpt: z\n"
		  "notify: never\norcpt: rfc822;a\n",
		    true },
		{ "size: 0\nfrom: x\nfrom: x\nrcpt: y\n", false },
		{ "size: 0\nsize: 0\nfrom: x\nrcpt: y\n", false },
		{ "size: 0\nfrom: x\nrcpt: y\nnotify: never\n"
		  "notify: never\n",
		    false },
		{ "size: 0\nfrom: x\nrcpt: y\norcpt: rfc822;a\n"
		  "notify: never\norcpt: rfc822;a\n",
		    false },
		{ "size: 0\nfrom: x\nrcpt: y\nfrom: x\n", false },
	};
	struct queue_fixture *l = *state;
	size_t bad = 0;
	struct buf b;

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct queue_drop *d;

		buf_init(&b, 1000);
		assert_true(buf_addf(&b, "relais-drop 1\n%s", rows[i].lines));
		assert_true(buf_addf(&b, "sum: %08x\n\nend 0 00000000\n",
		    crc32_of(0, buf_str(&b), buf_len(&b))));
		write_text(l, buf_str(&b));
		buf_clear(&b);
		scan(l);
		d = next_drop(l);
		assert_int_equal(d != NULL, rows[i].is_good);
		if (d != NULL)
			queue_drop_end(d, QUEUE_DROP_TAKEN, NULL);
		bad += !rows[i].is_good;
		assert_int_equal(fixture_files(l, "corrupt"), bad);
	}
}

/* Somebody moves here what another user once wrote elsewhere. */
static void
a_file_that_was_not_made_here_is_set_aside(void **state)
{
	struct queue_fixture *l = *state;
	char whole[512];
	struct err err;

	if (geteuid() != 0)
		skip();
	assert_int_equal(write_drop(l, fs_sys(), &err), 0);
	assert_true(fixture_only_file(l, "drop", whole));
	assert_int_equal(chown(whole, 1, 65534), 0);
	assert_refused(l, 1, 1);
}

/* 60,000 cost 13 s once. */
static void
more_recipients_than_a_client_may_have_are_set_aside_unread(void **state)
{
	struct queue_fixture *l = *state;
	struct buf b;

	buf_init(&b, 1000000);
	assert_true(buf_adds(&b, "relais-drop 1\nsize: 0\nfrom: x\n"));
	for (int i = 0; i < 60000; i++)
		assert_true(buf_addf(&b, "rcpt: a%d\n", i));
	assert_true(buf_addf(&b, "sum: %08x\n\nend 0 00000000\n",
	    crc32_of(0, buf_str(&b), buf_len(&b))));
	put(l, name, buf_str(&b), buf_len(&b));
	buf_clear(&b);
	assert_refused(l, 1, 1);
}

/* sendmail knows no max_recipients. */
static void
many_recipients_make_several_files(void **state)
{
	const struct bytes piece = { hello, strlen(hello) };
	struct queue_fixture *l = *state;
	struct envelope *e = make_envelope();
	struct queue_drop *d;
	struct err err;
	size_t nrcpts = 0, nfiles = 0;
	char addr[40];

	for (int i = 0; i < 248; i++) {
		(void)snprintf(addr, sizeof(addr), "a%d@example.org", i);
		(void)envelope_add_rcpt(e, addr);
	}
	for (int nth = 1; nth <= 20; nth++) { /* all of them or none */
		fault_fs_arm(&l->disk, nth, ENOSPC);
		if (drop_write(&l->disk.fs, rng_sys(), path_of(l, ""), e,
			&piece, 1, &err) == 0)
			break;
		assert_int_equal(fixture_files(l, "drop"), 0);
	}
	assert_int_equal(fixture_files(l, "drop"), 3);
	scan(l);
	for (; (d = next_drop(l)) != NULL; nfiles++) {
		assert_true(queue_drop_envelope(d)->nrcpts <= DROP_RCPTS_MAX);
		nrcpts += queue_drop_envelope(d)->nrcpts;
		queue_drop_end(d, QUEUE_DROP_TAKEN, NULL);
	}
	assert_int_equal(nfiles, 3);
	assert_int_equal(nrcpts, 250);
	envelope_free(e);
}

static void
what_is_no_mail_is_removed_after_a_minute(void **state)
{
	static const char *const names[] = { "README", ".hidden",
		"0123456789ABCDEF", "0123456789abcdef0" };
	struct queue_fixture *l = *state;

	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		put(l, names[i], "x", 1);
	assert_int_equal(mkdir(path_of(l, "folder"), 0777), 0);
	assert_int_equal(symlink("/etc/passwd", path_of(l, name)), 0);
	assert_int_equal(mkfifo(path_of(l, "1123456789abcdef"), 0666), 0);
	set_clock(l, 0);
	assert_refused(l, 0, 0);
	assert_int_equal(fixture_files(l, "drop"), 6); /* and a folder */
	assert_true(queue_drop_again_ms(l->q) <= l->boot_ms + 62 * 1000);
	set_clock(l, 62);
	assert_refused(l, 1, 0);
	assert_int_equal(fixture_files(l, "drop"), 0);
	assert_true(queue_drop_again_ms(l->q) == INT64_MAX);
}

/* Nobody may use the folder as a store. */
static void
beyond_a_users_share_what_is_no_mail_goes_at_once(void **state)
{
	struct queue_fixture *l = *state;
	char foreign[20];

	for (int i = 0; i < DROP_FILES + 20; i++) {
		(void)snprintf(foreign, sizeof(foreign), "x%d", i);
		put(l, foreign, "x", 1);
	}
	set_clock(l, 0);
	scan(l);
	assert_int_equal(fixture_files(l, "drop"), DROP_FILES);
}

/* Or a million names would be looked at for hours. */
static void
names_of_mail_that_are_no_mail_go_at_once_beyond_a_share(void **state)
{
	enum { SHARE = DROP_FILES + 1100, JUNK = SHARE + 400, MAIL = 5 };
	struct queue_fixture *l = *state;
	struct queue_drop *d;
	struct err err;
	char file[20];
	int taken = 0;

	for (int i = 0; i < JUNK; i++) {
		(void)snprintf(file, sizeof(file), "%016d", i);
		put(l, file, "junk", i % 2 == 0 ? 4 : 0);
		if (i % (JUNK / MAIL) == 0)
			assert_int_equal(write_drop(l, fs_sys(), &err), 0);
	}
	set_clock(l, 0);
	scan(l);
	assert_in_range(fixture_files(l, "drop"), MAIL, SHARE + MAIL);
	/* None of it was mail. */
	for (int look = 0; look < 5; look++) {
		scan(l);
		while ((d = next_drop(l)) != NULL) {
			taken++;
			queue_drop_end(d, QUEUE_DROP_TAKEN, NULL);
		}
		set_clock(l, 62 * (look + 1));
	}
	assert_int_equal(taken, MAIL);
}

static void
corrupt_takes_so_many_of_a_user_and_the_log_so_many_lines(void **state)
{
	struct queue_fixture *l = *state;
	char file[20];

	for (int i = 0; i < 2 * DROP_ASIDE_FILES; i++) {
		(void)snprintf(file, sizeof(file), "%016d", i);
		put(l, file, "junk", 4);
	}
	l->troubles = 0;
	for (int look = 0; look < 5; look++) {
		scan(l);
		assert_null(next_drop(l));
	}
	assert_int_equal(fixture_files(l, "drop"), 0);
	assert_int_equal(fixture_files(l, "corrupt"), DROP_ASIDE_FILES);
	assert_in_range(l->troubles, 10, 30);
}

/* sendmail knows no limits of the daemon's and has said yes: what they refuse
 * is kept for a person, more of it than of what anybody can make up; and what
 * does not fit is told. */
static void
what_sendmail_accepted_has_more_room_and_is_told_if_removed(void **state)
{
	enum { MORE = 3 };
	struct queue_fixture *l = *state;
	char file[40], aside[256];
	struct queue_drop *d;
	struct err err;

	for (int i = 0; i < DROP_FILES - 2; i++) {
		(void)snprintf(file, sizeof(file), "../corrupt/%016d", i);
		put(l, file, "old", 3);
	}
	for (int i = 0; i < 2 + MORE; i++)
		assert_int_equal(write_drop(l, fs_sys(), &err), 0);
	l->troubles = 0;
	for (int look = 0; look < 5; look++) {
		scan(l);
		while (queue_drop_next(l->q, 0, &d)) /* no recipients at all */
			assert_null(d);
	}
	assert_int_equal(fixture_files(l, "drop"), 0);
	assert_int_equal(fixture_files(l, "corrupt"), DROP_FILES);
	assert_int_equal(l->troubles, 2 + MORE);
	/* The oldest is still there. */
	(void)snprintf(aside, sizeof(aside), "%s",
	    path_of(l, "../corrupt/0000000000000000"));
	assert_int_equal(access(aside, F_OK), 0);
}

/* A look gives each user a part of the names. */
static void
the_files_of_one_user_do_not_hide_those_of_another(void **state)
{
	struct queue_fixture *l = *state;
	struct queue_drop *d;
	char file[20], whole[512];
	struct err err;
	bool is_there = false;

	if (geteuid() != 0)
		skip();
	assert_int_equal(write_drop(l, fs_sys(), &err), 0);
	assert_true(fixture_only_file(l, "drop", whole));
	assert_int_equal(chown(whole, 65534, (gid_t)-1), 0);
	for (int i = 0; i < 2000; i++) {
		(void)snprintf(file, sizeof(file), "%016d", i);
		put(l, file, "relais-drop 1\n", 14);
	}
	set_clock(l, 0);
	scan(l);
	while ((d = next_drop(l)) != NULL) {
		is_there |= queue_drop_uid(d) == 65534;
		queue_drop_end(d, QUEUE_DROP_TAKEN, NULL);
	}
	assert_true(is_there);
	assert_true(
	    queue_drop_again_ms(l->q) <= l->boot_ms); /* more is there */
}

static void
every_cut_and_every_flipped_bit_is_noticed(void **state)
{
	struct queue_fixture *l = *state;
	char whole[512], text[1000], got[100];
	struct queue_drop *d;
	struct err err;
	ssize_t n;
	int fd;

	assert_int_equal(write_drop(l, fs_sys(), &err), 0);
	assert_true(fixture_only_file(l, "drop", whole));
	fd = open(whole, O_RDONLY | O_CLOEXEC);
	n = read(fd, text, sizeof(text));
	assert_true(n > 0 && n < (ssize_t)sizeof(text));
	assert_int_equal(close(fd), 0);
	assert_int_equal(unlink(whole), 0);
	for (size_t i = 0; i < (size_t)n; i++) {
		put(l, name, text, i);
		set_clock(l, 0);
		assert_refused(l, 0, 0); /* unfinished: wait for the rest */
	}
	put(l, name, text, (size_t)n);
	for (size_t i = 0; i < (size_t)n * 8; i += 3) {
		text[i / 8] ^= (char)(1 << i % 8);
		put(l, name, text, (size_t)n);
		scan(l);
		d = next_drop(l);
		if (d != NULL) { /* in the message, or its checksum */
			assert_int_equal(read_drop(d, got, sizeof(got), 7), -1);
			queue_drop_end(d, QUEUE_DROP_BAD, NULL);
		}
		text[i / 8] ^= (char)(1 << i % 8);
		while (fixture_files(l, "corrupt") > 0) { /* names run out */
			assert_true(fixture_only_file(l, "corrupt", whole));
			assert_int_equal(unlink(whole), 0);
		}
		(void)unlink(path_of(l, name));
	}
}

static void
trailing_bytes_and_huge_files_are_refused(void **state)
{
	struct queue_fixture *l = *state;
	char whole[512];
	struct err err;
	int fd;

	assert_int_equal(write_drop(l, fs_sys(), &err), 0);
	assert_true(fixture_only_file(l, "drop", whole));
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
	struct queue_fixture *l = *state;
	size_t size = strlen(hello);
	struct drop_file *f;
	char whole[512];
	struct err err;

	assert_int_equal(write_drop(l, fs_sys(), &err), 0);
	assert_true(fixture_only_file(l, "drop", whole));
	struct drop_limits max = { size - 1, 2 };

	assert_int_equal(
	    drop_open(fs_sys(), AT_FDCWD, whole, &max, &f, &err), DROP_REFUSED);
	max.size_bytes = size;
	max.rcpts = 1;
	assert_int_equal(
	    drop_open(fs_sys(), AT_FDCWD, whole, &max, &f, &err), DROP_REFUSED);
	max.rcpts = 2;
	assert_int_equal(
	    drop_open(fs_sys(), AT_FDCWD, whole, &max, &f, &err), DROP_OK);
	drop_close(f);
}

static void
a_file_that_changes_while_it_is_read_is_not_taken(void **state)
{
	struct queue_fixture *l = *state;
	char whole[512], got[100];
	struct queue_drop *d;
	struct err err;
	size_t n;
	int fd;

	for (int cut = 0; cut < 2; cut++) {
		assert_int_equal(write_drop(l, fs_sys(), &err), 0);
		assert_true(fixture_only_file(l, "drop", whole));
		scan(l);
		d = next_drop(l);
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
		queue_drop_end(d, QUEUE_DROP_LATER, NULL);
		assert_int_equal(unlink(whole), 0);
	}
}

static void
what_was_given_up_is_removed_or_set_aside(void **state)
{
	struct queue_fixture *l = *state;

	put(l, ".0123456789abcdef", "relais-drop 1\n", 14);
	put(l, name, "relais-drop 1\n", 14);
	set_clock(l, 0);
	assert_refused(l, 0, 0);
	assert_int_equal(fixture_files(l, "drop"), 2);
	set_clock(l, 62);
	assert_refused(l, 1, 1); /* sendmail never leaves half a file there */
	assert_int_equal(fixture_files(l, "drop"), 1);
	set_clock(l, 60 * 60 + 2);
	assert_refused(l, 1, 1);
	assert_int_equal(fixture_files(l, "drop"), 0);
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(what_sendmail_writes_comes_out,
		    fixture_setup, fixture_teardown),
		cmocka_unit_test_setup_teardown(
		    a_file_stays_until_its_message_is_safe, fixture_setup,
		    fixture_teardown),
		cmocka_unit_test_setup_teardown(
		    another_user_can_write_but_not_list, fixture_setup,
		    fixture_teardown),
		cmocka_unit_test_setup_teardown(
		    writing_is_synced_before_it_gets_its_name, fixture_setup,
		    fixture_teardown),
		cmocka_unit_test_setup_teardown(
		    R29_links_pipes_and_folders_lead_nowhere, fixture_setup,
		    fixture_teardown),
		cmocka_unit_test_setup_teardown(
		    R29_a_link_that_comes_late_leads_nowhere, fixture_setup,
		    fixture_teardown),
		cmocka_unit_test_setup_teardown(
		    what_sendmail_did_not_write_is_set_aside, fixture_setup,
		    fixture_teardown),
		cmocka_unit_test_setup_teardown(a_repeated_key_is_set_aside,
		    fixture_setup, fixture_teardown),
		cmocka_unit_test_setup_teardown(
		    a_file_that_was_not_made_here_is_set_aside, fixture_setup,
		    fixture_teardown),
		cmocka_unit_test_setup_teardown(
		    more_recipients_than_a_client_may_have_are_set_aside_unread,
		    fixture_setup, fixture_teardown),
		cmocka_unit_test_setup_teardown(
		    many_recipients_make_several_files, fixture_setup,
		    fixture_teardown),
		cmocka_unit_test_setup_teardown(
		    what_is_no_mail_is_removed_after_a_minute, fixture_setup,
		    fixture_teardown),
		cmocka_unit_test_setup_teardown(
		    beyond_a_users_share_what_is_no_mail_goes_at_once,
		    fixture_setup, fixture_teardown),
		cmocka_unit_test_setup_teardown(
		    names_of_mail_that_are_no_mail_go_at_once_beyond_a_share,
		    fixture_setup, fixture_teardown),
		cmocka_unit_test_setup_teardown(
		    corrupt_takes_so_many_of_a_user_and_the_log_so_many_lines,
		    fixture_setup, fixture_teardown),
		cmocka_unit_test_setup_teardown(
		    what_sendmail_accepted_has_more_room_and_is_told_if_removed,
		    fixture_setup, fixture_teardown),
		cmocka_unit_test_setup_teardown(
		    the_files_of_one_user_do_not_hide_those_of_another,
		    fixture_setup, fixture_teardown),
		cmocka_unit_test_setup_teardown(
		    every_cut_and_every_flipped_bit_is_noticed, fixture_setup,
		    fixture_teardown),
		cmocka_unit_test_setup_teardown(
		    trailing_bytes_and_huge_files_are_refused, fixture_setup,
		    fixture_teardown),
		cmocka_unit_test_setup_teardown(
		    a_message_over_the_limit_is_refused, fixture_setup,
		    fixture_teardown),
		cmocka_unit_test_setup_teardown(
		    a_file_that_changes_while_it_is_read_is_not_taken,
		    fixture_setup, fixture_teardown),
		cmocka_unit_test_setup_teardown(
		    what_was_given_up_is_removed_or_set_aside, fixture_setup,
		    fixture_teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
