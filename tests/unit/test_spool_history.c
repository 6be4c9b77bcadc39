/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The history on the disk is bounded, never synced, and readable from both ends
 * whatever a crash or a full disk left of it. */
#include "tests/lib/check.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "base/xalloc.h"
#include "store/history.h"
#include "store/spool.h"
#include "store/spool_word.h"
#include "tests/lib/fault_fs.h"
#include "tests/lib/temp.h"

enum { DAY_MS = 86400 * 1000 };

struct fixture {
	char dir[64], new[96], old[96];
	struct fault_fs disk;
	struct store *s;
	struct store_history_limits limits;
	int64_t now_ms;
};

static void
open_spool(struct fixture *f)
{
	struct err err;

	assert_int_equal(spool_open(f->dir, &f->disk.fs, &f->s, &err), 0);
}

static int
setup(void **state)
{
	struct fixture *f = xcalloc(1, sizeof(*f));

	temp_dir(f->dir, sizeof(f->dir), "relais-history");
	(void)snprintf(f->new, sizeof(f->new), "%s/state/history", f->dir);
	(void)snprintf(f->old, sizeof(f->old), "%s/state/history.old", f->dir);
	fault_fs_init(&f->disk);
	f->limits = (struct store_history_limits) { 10, INT64_C(30) * DAY_MS };
	f->now_ms = INT64_C(1750000000000);
	open_spool(f);
	*state = f;
	return 0;
}

static int
teardown(void **state)
{
	struct fixture *f = *state;

	store_free(f->s);
	temp_dir_remove(f->dir);
	fault_fs_clear(&f->disk);
	free(f);
	return 0;
}

static void
open_again(struct fixture *f)
{
	store_free(f->s);
	open_spool(f);
}

/* Entries from..to, whose id is the number. */
static int
add(struct fixture *f, int from, int to)
{
	struct buf lines;
	struct err err;
	char id[16];
	int rc;

	buf_init(&lines, 16 * 1024 * 1024);
	for (int i = from; i <= to; i++) {
		struct history_entry e = { .id = id,
			.account = "mail",
			.user = "",
			.sender = "me@example.org",
			.subject = "",
			.at_ms = f->now_ms };

		(void)snprintf(id, sizeof(id), "%d", i);
		assert_true(history_line(&lines, &e));
	}
	rc = f->s->ops->history_add(
	    f->s, buf_bytes(&lines), &f->limits, f->now_ms, &err);
	buf_clear(&lines);
	return rc;
}

/* The ids, "bad" for what is no entry, the oldest first. */
static void
read_ids(struct fixture *f, bool is_backward, struct buf *to)
{
	struct store_history *h;
	struct bytes lines, line;
	struct buf batch;
	const char *node;
	struct err err;

	buf_init(to, 1024 * 1024);
	buf_init(&batch, 1024 * 1024);
	assert_int_equal(
	    f->s->ops->history_open(f->s, is_backward, &h, &err), 0);
	for (;;) {
		buf_reset(&batch);
		assert_int_equal(
		    f->s->ops->history_read(h, &lines, &node, &err), 0);
		if (lines.n == 0)
			break;
		while (lines.n > 0) {
			struct history_entry *e;

			assert_true(spool_take_line(&lines, &line));
			e = history_parse(line);
			assert_true(
			    buf_addf(&batch, "%s ", e != NULL ? e->id : "bad"));
			history_entry_free(e);
		}
		if (is_backward) { /* before those that were read */
			assert_true(buf_add(&batch, buf_str(to), buf_len(to)));
			buf_reset(to);
		}
		assert_true(buf_add(to, buf_str(&batch), buf_len(&batch)));
	}
	f->s->ops->history_close(h);
	buf_clear(&batch);
}

static void
assert_ids(struct fixture *f, const char *ids)
{
	struct buf forward, backward;

	read_ids(f, false, &forward);
	read_ids(f, true, &backward);
	assert_string_equal(buf_str(&forward), ids);
	assert_string_equal(buf_str(&backward), ids);
	buf_clear(&forward);
	buf_clear(&backward);
}

static void
append(const char *path, const char *text)
{
	FILE *to = fopen(path, "a");

	assert_non_null(to);
	assert_true(fputs(text, to) >= 0);
	assert_int_equal(fclose(to), 0);
}

static void
entries_are_read_in_order_from_both_ends(void **state)
{
	struct fixture *f = *state;
	struct stat st;

	assert_ids(f, "");
	assert_int_equal(add(f, 1, 2), 0);
	assert_int_equal(add(f, 3, 3), 0);
	assert_ids(f, "1 2 3 ");
	open_again(f);
	assert_int_equal(add(f, 4, 4), 0);
	assert_ids(f, "1 2 3 4 ");
	assert_int_equal(stat(f->new, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
}

/* Many blocks of a file. */
static void
a_long_history_is_read_whole(void **state)
{
	struct fixture *f = *state;
	struct buf want;

	f->limits.entries = 100000;
	buf_init(&want, 1024 * 1024);
	for (int i = 1; i <= 5000; i++)
		assert_true(buf_addf(&want, "%d ", i));
	assert_int_equal(add(f, 1, 5000), 0);
	assert_ids(f, buf_str(&want));
	buf_clear(&want);
}

static void
between_half_and_all_of_the_entries_are_kept(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(add(f, 1, 4), 0);
	assert_int_equal(add(f, 5, 8), 0);
	assert_ids(f, "1 2 3 4 5 6 7 8 ");
	assert_int_equal(add(f, 9, 11), 0);
	assert_ids(f, "6 7 8 9 10 11 ");
	open_again(f); /* and has to count */
	assert_int_equal(add(f, 12, 37), 0); /* more than is kept at once */
	assert_ids(f, "31 32 33 34 35 36 37 ");
	f->limits.entries = 3;
	assert_int_equal(add(f, 38, 41), 0);
	assert_ids(f, "40 41 ");
	f->limits.entries = 2;
	assert_int_equal(add(f, 42, 44), 0);
	assert_ids(f, "43 44 ");
	f->limits.entries = 1;
	assert_int_equal(add(f, 45, 47), 0);
	assert_ids(f, "47 ");
}

static void
long_entries_do_not_make_the_files_large(void **state)
{
	struct fixture *f = *state;
	static char filler[HISTORY_LINE_MAX - 1000];
	struct history_entry e = { .id = "x",
		.account = "",
		.user = "",
		.sender = filler,
		.subject = "",
		.at_ms = f->now_ms };
	struct stat st;
	struct buf line;
	struct err err;

	f->limits.entries = 100;
	memset(filler, 'f', sizeof(filler) - 1);
	buf_init(&line, HISTORY_LINE_MAX);
	assert_true(history_line(&line, &e));
	for (int i = 0; i < 50; i++)
		assert_int_equal(f->s->ops->history_add(f->s, buf_bytes(&line),
				     &f->limits, f->now_ms, &err),
		    0);
	assert_int_equal(stat(f->new, &st), 0);
	assert_true(st.st_size <= 50 * 1024 + HISTORY_LINE_MAX);
	buf_clear(&line);
}

static void
what_is_too_old_goes(void **state)
{
	struct fixture *f = *state;
	const struct timespec long_ago[2] = { { .tv_sec = 1750000000 },
		{ .tv_sec = 1750000000 } };

	assert_int_equal(add(f, 1, 2), 0);
	f->now_ms += INT64_C(14) * DAY_MS;
	assert_int_equal(add(f, 3, 3), 0);
	assert_int_not_equal(access(f->old, F_OK), 0);
	open_again(f);
	f->now_ms += DAY_MS;
	assert_int_equal(add(f, 0, -1), 0); /* half of its life is over */
	assert_ids(f, "1 2 3 ");
	assert_int_equal(access(f->old, F_OK), 0);
	/* Nothing has been sent since, and somebody looks daily. */
	assert_int_equal(utimensat(AT_FDCWD, f->old, long_ago, 0), 0);
	f->now_ms += INT64_C(14) * DAY_MS;
	assert_int_equal(add(f, 0, -1), 0);
	assert_ids(f, "1 2 3 ");
	f->now_ms += INT64_C(2) * DAY_MS;
	assert_int_equal(add(f, 0, -1), 0);
	assert_ids(f, "");
}

static void
no_history_removes_what_is_there(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(add(f, 1, 8), 0);
	assert_int_equal(access(f->old, F_OK), 0);
	f->limits.entries = 0;
	assert_int_equal(add(f, 0, -1), 0);
	assert_int_not_equal(access(f->old, F_OK), 0);
	assert_int_not_equal(access(f->new, F_OK), 0);
	assert_ids(f, "");
	f->limits.entries = 10;
	assert_int_equal(add(f, 9, 9), 0);
	assert_ids(f, "9 ");
}

/* Of a kill in the middle of a write, and then of worse. */
static void
a_torn_line_spoils_no_other(void **state)
{
	struct fixture *f = *state;
	char *block = xmalloc(200 * 1024);

	assert_int_equal(add(f, 1, 1), 0);
	append(f->new, "12345678 delivered 17");
	assert_ids(f, "1 ");
	open_again(f);
	assert_int_equal(add(f, 2, 2), 0);
	assert_ids(f, "1 bad 2 ");
	memset(block, 'z', 200 * 1024 - 1);
	block[200 * 1024 - 1] = '\0';
	append(f->new, block); /* longer than what is read at once */
	open_again(f);
	assert_int_equal(add(f, 3, 3), 0);
	open_again(f);
	f->limits.entries = 1000;
	assert_int_equal(add(f, 4, 4), 0);
	{
		struct buf ids;

		for (int way = 0; way < 2; way++) {
			read_ids(f, way == 1, &ids);
			assert_memory_equal(buf_str(&ids), "1 bad 2 ", 8);
			assert_string_equal(
			    buf_str(&ids) + buf_len(&ids) - 4, "3 4 ");
			buf_clear(&ids);
		}
	}
	free(block);
}

static void
nothing_is_synced(void **state)
{
	struct fixture *f = *state;

	buf_reset(&f->disk.order);
	assert_int_equal(add(f, 1, 30), 0);
	assert_int_equal(add(f, 31, 31), 0);
	assert_null(strchr(buf_str(&f->disk.order), 's'));
	assert_null(strchr(buf_str(&f->disk.order), 'd'));
}

static void
a_failed_write_loses_only_its_own_lines(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(add(f, 1, 1), 0);
	f->disk.only = "w";
	fault_fs_arm(&f->disk, 1, ENOSPC);
	assert_int_equal(add(f, 2, 2), -1);
	fault_fs_arm(&f->disk, 0, 0);
	assert_int_equal(add(f, 3, 3), 0);
	assert_ids(f, "1 3 ");
	/* Nor can the half of it be cut off. */
	f->disk.only = "wt";
	f->disk.is_lasting = true;
	fault_fs_arm(&f->disk, 1, EIO);
	assert_int_equal(add(f, 4, 4), -1);
	f->disk.is_lasting = false;
	fault_fs_arm(&f->disk, 0, 0);
	assert_int_equal(add(f, 5, 5), 0);
	assert_ids(f, "1 3 bad 5 ");
}

/* Every call fails once: what is added afterwards is there. */
static void
no_failure_is_for_good(void **state)
{
	struct fixture *f = *state;

	for (int nth = 1; nth < 12; nth++) {
		struct buf ids;
		char last[16];

		open_again(f);
		f->disk.only = NULL;
		fault_fs_arm(&f->disk, nth, EIO);
		(void)add(f, 1, 13);
		fault_fs_arm(&f->disk, 0, 0);
		assert_int_equal(add(f, 100 + nth, 100 + nth), 0);
		read_ids(f, false, &ids);
		(void)snprintf(last, sizeof(last), "%d ", 100 + nth);
		assert_non_null(strstr(buf_str(&ids), last));
		buf_clear(&ids);
	}
}

static int
no_space(void *ctx, int dirfd, struct statvfs *ret)
{
	(void)ctx;
	(void)dirfd;
	*ret = (struct statvfs) { .f_frsize = 4096, .f_bavail = 1000 };
	return 0;
}

/* The rest of a full disk is for mail. */
static void
a_full_disk_is_left_alone(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(add(f, 1, 1), 0);
	f->disk.fs.space = no_space;
	assert_int_equal(add(f, 2, 2), -1);
	assert_ids(f, "1 ");
}

#define TEST(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(entries_are_read_in_order_from_both_ends),
		TEST(a_long_history_is_read_whole),
		TEST(between_half_and_all_of_the_entries_are_kept),
		TEST(long_entries_do_not_make_the_files_large),
		TEST(what_is_too_old_goes),
		TEST(no_history_removes_what_is_there),
		TEST(a_torn_line_spoils_no_other),
		TEST(nothing_is_synced),
		TEST(a_failed_write_loses_only_its_own_lines),
		TEST(no_failure_is_for_good),
		TEST(a_full_disk_is_left_alone),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
