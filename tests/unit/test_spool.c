/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A message in the spool is complete or absent; what is damaged is noticed;
 * nothing in the folder can lead us elsewhere (R29). */
#include "tests/lib/check.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "base/xalloc.h"
#include "store/qid.h"
#include "store/spool.h"
#include "tests/lib/fault_fs.h"
#include "tests/lib/temp.h"

static const char id[QID_SIZE] = "0123456789abcdef";
static const char hello[] = "Subject: hi\r\n\r\nhello\r\n";

struct fixture {
	char dir[64], path[128]; /* of the message */
	struct fault_fs disk;
	struct store *s;
};

static int
setup(void **state)
{
	struct fixture *b = xcalloc(1, sizeof(*b));
	struct err err;

	temp_dir(b->dir, sizeof(b->dir), "relais-spool");
	(void)snprintf(b->path, sizeof(b->path), "%s/queue/34/%s", b->dir, id);
	fault_fs_init(&b->disk);
	assert_int_equal(spool_open(b->dir, &b->disk.fs, &b->s, &err), 0);
	*state = b;
	return 0;
}

static int
teardown(void **state)
{
	struct fixture *b = *state;

	store_free(b->s);
	temp_dir_remove(b->dir);
	fault_fs_clear(&b->disk);
	free(b);
	return 0;
}

static struct envelope *
make_envelope(size_t size)
{
	struct envelope *e = envelope_new();

	memcpy(e->id, id, sizeof(id));
	envelope_set(&e->sender, "me@example.org");
	(void)envelope_add_rcpt(e, "you@example.net");
	(void)envelope_add_rcpt(e, "her@example.net");
	e->size_bytes = size;
	return e;
}

static int
store(struct fixture *b, struct err *err)
{
	struct envelope *e = make_envelope(strlen(hello));
	struct buf header;
	int rc;

	buf_init(&header, 10000);
	assert_true(store_text_header(&header, STORE_TEXT_MESSAGE, e, 0));
	rc = b->s->ops->put(
	    b->s, id, buf_bytes(&header), bytes_str(hello), NULL, err);
	buf_clear(&header);
	envelope_free(e);
	return rc;
}

static void
add_journal(struct fixture *b)
{
	struct envelope *e = make_envelope(0);
	struct verdict v;
	struct buf lines;
	struct err err;

	verdict_local(&v, VERDICT_OK, STAGE_END, 250, "", "taken");
	rcpt_set_verdict(&e->rcpts[0], &v);
	e->rcpts[0].state = RCPT_SENT;
	buf_init(&lines, 10000);
	assert_true(journal_attempt(&lines, 1, 1));
	assert_true(journal_rcpt(&lines, 0, &e->rcpts[0]));
	assert_true(journal_next(&lines, 1));
	assert_int_equal(b->s->ops->append(b->s, STORE_QUEUE, id,
			     buf_bytes(&lines), true, &err),
	    0);
	buf_clear(&lines);
	envelope_free(e);
}

static struct bytes
read_file(const char *path)
{
	char *p = xmalloc(100000);
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n = read(fd, p, 100000);

	assert_true(n >= 0);
	assert_int_equal(close(fd), 0);
	return bytes_of(p, (size_t)n);
}

static void
write_file(const char *path, const void *p, size_t n)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	assert_int_equal(write(fd, p, n), (ssize_t)n);
	assert_int_equal(close(fd), 0);
}

/* Loads and reads; if both go well it is the message and nothing else. */
static enum store_result
examine(struct fixture *b, enum rcpt_state *ret_first)
{
	struct store_message *m;
	char got[100];
	struct err err;
	size_t n = 0;
	enum store_result res = b->s->ops->load(
	    b->s, STORE_QUEUE, id, &m, &err);

	if (res != STORE_OK)
		return res;
	*ret_first = m->env->rcpts[0].state;
	assert_string_equal(m->env->sender, "me@example.org");
	assert_int_equal(m->env->nrcpts, 2);
	if (b->s->ops->message_read(m, 0, got, sizeof(got), &n, &err) != 0) {
		assert_true(m->is_damaged);
		res = STORE_DAMAGED;
	} else {
		assert_int_equal(n, strlen(hello));
		assert_memory_equal(got, hello, n);
	}
	b->s->ops->message_free(m);
	return res;
}

/* --- what is written is there --------------------------------------------- */

static void
the_file_is_as_it_is_documented(void **state)
{
	struct fixture *b = *state;
	struct bytes file;
	struct err err;
	struct stat st;

	assert_int_equal(store(b, &err), 0);
	file = read_file(b->path);
	assert_memory_equal(file.p,
	    "relais-spool 1\nsize: 22\nid: 0123456789abcdef\narrived: 0\n"
	    "from: me@example.org\npeer: \n",
	    84);
	assert_non_null(
	    memmem(file.p, file.n, "\nrcpt: you@example.net\n", 23));
	assert_non_null(memmem(
	    file.p, file.n, "\n\nSubject: hi\r\n\r\nhello\r\nend 22 ", 31));
	assert_int_equal(stat(b->path, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0600);
	free((char *)(uintptr_t)file.p);
}

static void
commit_syncs_file_and_folder_in_that_order(void **state)
{
	struct fixture *b = *state;
	struct err err;

	buf_reset(&b->disk.order);
	assert_int_equal(store(b, &err), 0);
	/* m: the folder; three writes, file synced, closed; then the folder's
	 * own name, once, and the folder. */
	assert_buf(&b->disk.order, "mcwwwsxdd");
}

static void
an_id_is_never_overwritten(void **state)
{
	struct fixture *b = *state;
	enum rcpt_state first;
	struct err err;

	assert_true(b->s->ops->is_free(b->s, id));
	assert_int_equal(store(b, &err), 0);
	assert_false(b->s->ops->is_free(b->s, id));
	assert_int_equal(store(b, &err), -1);
	assert_int_equal(err.os, EEXIST);
	assert_int_equal(examine(b, &first), STORE_OK);
}

/* The names of the folders that were synced, in order. */
static struct buf synced;

static int
noting_sync(void *ctx, int fd)
{
	char link_name[32], path[200];
	ssize_t n;

	(void)ctx;
	(void)snprintf(link_name, sizeof(link_name), "/proc/self/fd/%d", fd);
	n = readlink(link_name, path, sizeof(path) - 1);
	assert_true(n > 0);
	path[n] = '\0';
	assert_true(buf_addf(&synced, "%s ", strrchr(path, '/') + 1));
	return 0;
}

static void
a_move_is_synced_where_it_goes_and_then_where_it_was(void **state)
{
	struct fixture *b = *state;
	enum store_place place = STORE_QUEUE;
	struct err err;

	assert_int_equal(store(b, &err), 0);
	b->disk.fs.sync = noting_sync;
	buf_init(&synced, 1000);
	assert_int_equal(b->s->ops->finish(b->s, &place, STORE_FAILED, id,
			     bytes_str(""), &err),
	    0);
	assert_buf(&synced, "failed 34 ");
	buf_reset(&synced);
	assert_int_equal(b->s->ops->finish(b->s, &place, STORE_QUEUE, id,
			     bytes_str(""), &err),
	    0);
	assert_buf(&synced, "34 failed ");
	buf_clear(&synced);
}

static void
a_small_file_is_synced_before_it_gets_its_name(void **state)
{
	struct fixture *b = *state;
	struct err err;

	buf_reset(&b->disk.order);
	assert_int_equal(
	    b->s->ops->state_write(b->s, "budget.work", bytes_of("x", 1), &err),
	    0);
	assert_buf(&b->disk.order, "cwsxrd");
}

static void
the_folders_of_a_new_spool_are_durable(void **state)
{
	struct fixture *b = *state;
	struct err err;

	store_free(b->s);
	b->disk.fs.sync = noting_sync;
	buf_init(&synced, 1000);
	assert_int_equal(spool_open(b->dir, &b->disk.fs, &b->s, &err), 0);
	assert_int_equal(strncmp(buf_str(&synced), strrchr(b->dir, '/') + 1,
			     strlen(strrchr(b->dir, '/') + 1)),
	    0);
	buf_clear(&synced);
}

/* --- what is not right is noticed ----------------------------------------- */

static void
a_file_cut_anywhere_is_unfinished_or_whole(void **state)
{
	struct fixture *b = *state;
	struct err err;
	struct bytes file;
	size_t promised;
	enum rcpt_state first = RCPT_WAITING;

	assert_int_equal(store(b, &err), 0);
	file = read_file(b->path);
	promised = file.n;
	free((char *)(uintptr_t)file.p);
	add_journal(b);
	file = read_file(b->path);
	for (size_t n = 0; n <= file.n; n++) {
		write_file(b->path, file.p, n);
		assert_int_equal(examine(b, &first),
		    n < promised ? STORE_UNFINISHED : STORE_OK);
		if (n < promised)
			continue;
		/* What is torn was cut off, so that the journal can go on. */
		add_journal(b);
		assert_int_equal(examine(b, &first), STORE_OK);
		assert_int_equal(first, RCPT_SENT);
	}
	free((char *)(uintptr_t)file.p);
}

static void
a_bit_flipped_anywhere_never_removes_or_changes_a_message(void **state)
{
	struct fixture *b = *state;
	struct err err;
	struct bytes file;
	char *bad;
	size_t harmless = 0;

	assert_int_equal(store(b, &err), 0);
	add_journal(b);
	file = read_file(b->path);
	bad = xmalloc(file.n);
	for (size_t i = 0; i < file.n * 8; i++) {
		enum rcpt_state first = RCPT_WAITING;
		enum store_result res;

		memcpy(bad, file.p, file.n);
		bad[i / 8] ^= (char)(1 << i % 8);
		write_file(b->path, bad, file.n);
		res = examine(b, &first);
		assert_true(res == STORE_DAMAGED || res == STORE_OK);
		harmless += res == STORE_OK;
	}
	/* Only in the last journal line, or the line feed before it. */
	assert_true(harmless < 50 * 8);
	free(bad);
	free((char *)(uintptr_t)file.p);
}

static void
what_was_appended_half_is_not_there_twice(void **state)
{
	struct fixture *b = *state;
	struct store_message *m;
	struct buf lines;
	struct err err;

	assert_int_equal(store(b, &err), 0);
	buf_init(&lines, 10000);
	assert_true(journal_attempt(&lines, 1, 1));
	assert_true(journal_hold(&lines, 1,
	    "a reason so long that the first line lies in the first half"));
	b->disk.only = "w";
	fault_fs_arm(&b->disk, 1, ENOSPC);
	assert_int_equal(b->s->ops->append(b->s, STORE_QUEUE, id,
			     buf_bytes(&lines), true, &err),
	    -1);
	assert_int_equal(b->s->ops->append(b->s, STORE_QUEUE, id,
			     buf_bytes(&lines), true, &err),
	    0);
	buf_clear(&lines);
	assert_int_equal(
	    b->s->ops->load(b->s, STORE_QUEUE, id, &m, &err), STORE_OK);
	assert_int_equal(m->state.attempts, 1);
	b->s->ops->message_free(m);
}

static void
a_line_that_a_power_cut_spoilt_does_not_spoil_the_next(void **state)
{
	struct fixture *b = *state;
	struct store_message *m;
	enum rcpt_state first = RCPT_WAITING;
	struct bytes file;
	struct err err;
	char *at;

	assert_int_equal(store(b, &err), 0);
	add_journal(b);
	file = read_file(b->path);
	at = memmem(file.p, file.n, " next ", 6);
	assert_non_null(at);
	memset(at, 0, 4);
	write_file(b->path, file.p, file.n);
	free((char *)(uintptr_t)file.p);
	assert_int_equal(
	    b->s->ops->load(b->s, STORE_QUEUE, id, &m, &err), STORE_OK);
	b->s->ops->message_mend(m);
	b->s->ops->message_free(m);
	add_journal(b);
	assert_int_equal(examine(b, &first), STORE_OK);
	assert_int_equal(first, RCPT_SENT);
}

static void
any_file_at_all_gives_an_answer(void **state)
{
	struct fixture *b = *state;
	struct err err;
	uint32_t seed = 77;
	enum rcpt_state first;

	assert_int_equal(store(b, &err), 0);
	for (int i = 0; i < 2000; i++) {
		char junk[6000];
		size_t n;

		for (n = 0; n < sizeof(junk); n++) {
			seed = seed * 1664525 + 1013904223;
			junk[n] = (char)(seed >> 24);
		}
		n = seed % sizeof(junk);
		if (n > 20 && i % 2 == 0)
			memcpy(junk, "relais-spool 1\n", 15);
		write_file(b->path, junk, n);
		assert_int_not_equal(examine(b, &first), STORE_OK);
	}
}

static void
R29_only_a_plain_file_of_ours_with_one_name_is_read(void **state)
{
	struct fixture *b = *state;
	enum rcpt_state first;
	struct err err;
	char other[200];

	assert_int_equal(examine(b, &first), STORE_GONE);
	assert_int_equal(store(b, &err), 0);
	(void)snprintf(other, sizeof(other), "%s/other", b->dir);
	assert_int_equal(link(b->path, other), 0);
	assert_int_equal(examine(b, &first), STORE_DAMAGED);
	assert_int_equal(unlink(b->path), 0);
	assert_int_equal(symlink(other, b->path), 0);
	assert_int_equal(examine(b, &first), STORE_DAMAGED);
	assert_int_equal(unlink(b->path), 0);
	assert_int_equal(mkfifo(b->path, 0600), 0);
	assert_int_equal(examine(b, &first), STORE_DAMAGED);
	assert_int_equal(unlink(b->path), 0);
	assert_int_equal(mkdir(b->path, 0700), 0);
	assert_int_equal(examine(b, &first), STORE_DAMAGED);
	assert_int_equal(rmdir(b->path), 0);
	assert_int_equal(rename(other, b->path), 0);
	assert_int_equal(examine(b, &first), STORE_OK);
	if (geteuid() == 0) {
		assert_int_equal(chown(b->path, 65534, (gid_t)-1), 0);
		assert_int_equal(examine(b, &first), STORE_DAMAGED);
	}
}

/* The file grows to this size, with nothing in it. */
static void
stretch(const char *path, off_t size)
{
	assert_int_equal(truncate(path, size), 0);
}

static void
a_header_or_a_journal_without_end_is_damaged(void **state)
{
	struct fixture *b = *state;
	enum rcpt_state first;
	struct err err;

	assert_int_equal(store(b, &err), 0);
	stretch(b->path, JOURNAL_MAX + 1000000);
	assert_int_equal(examine(b, &first), STORE_DAMAGED);
	write_file(b->path, "relais-spool 1\n", 15);
	stretch(b->path, STORE_HEADER_MAX + 1000000);
	assert_int_equal(examine(b, &first), STORE_DAMAGED);
}

static void
an_empty_message_has_a_checksum_too(void **state)
{
	struct fixture *b = *state;
	struct envelope *e = make_envelope(0);
	struct store_message *m;
	struct buf header;
	struct err err;
	size_t n;
	char c;

	buf_init(&header, 10000);
	assert_true(store_text_header(&header, STORE_TEXT_MESSAGE, e, 0));
	assert_true(buf_adds(&header, "end 0 00000001\n"));
	envelope_free(e);
	assert_int_equal(store(b, &err), 0); /* for its folder */
	write_file(b->path, buf_str(&header), buf_len(&header));
	buf_clear(&header);
	assert_int_equal(
	    b->s->ops->load(b->s, STORE_QUEUE, id, &m, &err), STORE_OK);
	assert_int_equal(b->s->ops->message_read(m, 0, &c, 1, &n, &err), -1);
	assert_true(m->is_damaged);
	b->s->ops->message_free(m);
}

static void
a_file_under_another_name_is_damaged(void **state)
{
	struct fixture *b = *state;
	struct store_message *m;
	struct err err;
	char other[200];

	assert_int_equal(store(b, &err), 0);
	(void)snprintf(
	    other, sizeof(other), "%s/failed/0123456789abcdee", b->dir);
	assert_int_equal(rename(b->path, other), 0);
	assert_int_equal(
	    b->s->ops->load(b->s, STORE_FAILED, "0123456789abcdee", &m, &err),
	    STORE_DAMAGED);
}

static void
what_is_set_aside_replaces_nothing(void **state)
{
	struct fixture *b = *state;
	struct err err;
	char path[200];
	enum store_place place = STORE_QUEUE;

	for (int i = 0; i < 3; i++) {
		assert_int_equal(store(b, &err), 0);
		place = STORE_QUEUE;
		assert_int_equal(b->s->ops->finish(b->s, &place, STORE_CORRUPT,
				     id, bytes_str(""), &err),
		    0);
	}
	(void)snprintf(path, sizeof(path), "%s/corrupt/%s", b->dir, id);
	assert_int_equal(access(path, F_OK), 0);
	(void)snprintf(path, sizeof(path), "%s/corrupt/%s.2", b->dir, id);
	assert_int_equal(access(path, F_OK), 0);
}

/* --- drafts --------------------------------------------------------------- */

static void
a_draft_is_unfinished_until_it_is_committed(void **state)
{
	struct fixture *b = *state;
	struct envelope *e = make_envelope(strlen(hello));
	struct store_draft *d;
	enum rcpt_state first;
	struct err err;
	char got[100];
	size_t n;

	assert_int_equal(b->s->ops->draft_new(b->s, id, &d, &err), 0);
	assert_int_equal(examine(b, &first), STORE_UNFINISHED);
	assert_int_equal(b->s->ops->draft_write(d, hello, 10, &err), 0);
	assert_int_equal(
	    b->s->ops->draft_write(d, hello + 10, strlen(hello) - 10, &err), 0);
	assert_int_equal(examine(b, &first), STORE_UNFINISHED);
	assert_int_equal(b->s->ops->draft_end(d, e, &err), 0);
	assert_int_equal(examine(b, &first), STORE_UNFINISHED);
	buf_reset(&b->disk.order);
	assert_int_equal(b->s->ops->draft_commit(d, NULL, &err), 0);
	assert_buf(&b->disk.order, "wwwsdd");
	assert_int_equal(examine(b, &first), STORE_OK);
	assert_int_equal(
	    b->s->ops->draft_read(d, 3, got, sizeof(got), &n, &err), 0);
	assert_int_equal(n, strlen(hello) - 3);
	assert_memory_equal(got, hello + 3, n);
	b->s->ops->draft_free(d);
	assert_int_equal(examine(b, &first), STORE_OK);
	envelope_free(e);
}

static void
R45_a_failed_draft_is_not_committed_a_second_time(void **state)
{
	struct fixture *b = *state;
	struct envelope *e = make_envelope(strlen(hello));
	struct store_draft *d;
	struct err err;

	assert_int_equal(b->s->ops->draft_new(b->s, id, &d, &err), 0);
	assert_int_equal(
	    b->s->ops->draft_write(d, hello, strlen(hello), &err), 0);
	assert_int_equal(b->s->ops->draft_end(d, e, &err), 0);
	b->disk.only = "s";
	fault_fs_arm(&b->disk, 1, EIO);
	assert_int_equal(b->s->ops->draft_commit(d, NULL, &err), -1);
	assert_int_equal(b->s->ops->draft_commit(d, NULL, &err), -1);
	assert_int_equal(b->disk.calls, 1); /* the sync was not repeated */
	b->s->ops->draft_free(d);
	assert_true(b->s->ops->is_free(b->s, id));
	envelope_free(e);
}

static void
reading_ahead_does_not_skip_the_checksum(void **state)
{
	struct fixture *b = *state;
	struct bytes file;
	struct store_message *m;
	struct err err;
	char got[10], *at;
	size_t n;

	assert_int_equal(store(b, &err), 0);
	assert_int_equal(
	    b->s->ops->load(b->s, STORE_QUEUE, id, &m, &err), STORE_OK);
	assert_int_equal(b->s->ops->message_read(m, 15, got, 3, &n, &err), 0);
	assert_int_equal(b->s->ops->message_read(m, 18, got, 4, &n, &err), 0);
	assert_false(m->is_damaged);
	b->s->ops->message_free(m);
	file = read_file(b->path);
	at = memmem(file.p, file.n, "hi\r\n", 4);
	assert_non_null(at);
	*at ^= 1;
	write_file(b->path, file.p, file.n);
	assert_int_equal(
	    b->s->ops->load(b->s, STORE_QUEUE, id, &m, &err), STORE_OK);
	assert_int_equal(b->s->ops->message_read(m, 15, got, 3, &n, &err), 0);
	assert_int_equal(b->s->ops->message_read(m, 18, got, 4, &n, &err), -1);
	assert_true(m->is_damaged);
	assert_int_equal(b->s->ops->message_read(m, 0, got, 1, &n, &err), -1);
	b->s->ops->message_free(m);
	free((char *)(uintptr_t)file.p);
}

/* --- many at once --------------------------------------------------------- */

struct writer {
	struct fixture *b;
	pthread_t thread;
	unsigned first;
	int kept;
};

enum { WRITERS = 8, EACH = 50 };

static void *
write_many(void *arg)
{
	struct writer *w = arg;

	for (unsigned i = 0; i < EACH; i++) {
		struct envelope *e = make_envelope(strlen(hello));
		struct buf header;
		struct err err;

		/* All in one folder. */
		(void)snprintf(
		    e->id, sizeof(e->id), "0123456789a%05u", w->first + i);
		buf_init(&header, 10000);
		assert_true(
		    store_text_header(&header, STORE_TEXT_MESSAGE, e, 0));
		w->kept += w->b->s->ops->put(w->b->s, e->id, buf_bytes(&header),
			       bytes_str(hello), NULL, &err) == 0;
		buf_clear(&header);
		envelope_free(e);
	}
	return NULL;
}

/* Of one message in folder 34. */
struct store_thread {
	struct fixture *b;
	const char *id;
	pthread_t thread;
	int rc;
};

static void *
store_one(void *arg)
{
	struct store_thread *t = arg;
	struct envelope *e = make_envelope(strlen(hello));
	struct buf header;
	struct err err;

	(void)snprintf(e->id, sizeof(e->id), "%s", t->id);
	buf_init(&header, 10000);
	assert_true(store_text_header(&header, STORE_TEXT_MESSAGE, e, 0));
	t->rc = t->b->s->ops->put(
	    t->b->s, t->id, buf_bytes(&header), bytes_str(hello), NULL, &err);
	buf_clear(&header);
	envelope_free(e);
	return NULL;
}

static atomic_int files_synced, folders_begun, folders_ended;
static atomic_bool may_end;

/* The first sync of a folder ends when it may. */
static int
held_sync(void *ctx, int fd)
{
	struct stat st;

	(void)ctx;
	if (fstat(fd, &st) != 0 || !S_ISDIR(st.st_mode)) {
		files_synced++;
		return 0;
	}
	if (folders_begun++ == 0)
		while (!may_end)
			(void)usleep(1000);
	folders_ended++;
	return 0;
}

static void
a_folder_sync_that_had_begun_serves_nobody_who_comes_later(void **state)
{
	struct fixture *b = *state;
	struct store_thread first = { .b = b, .id = "0123456789a00001" };
	struct store_thread later = { .b = b, .id = "0123456789a00002" };
	struct err err;

	assert_int_equal(store(b, &err), 0); /* the folder's name is durable */
	b->disk.fs.sync = held_sync;
	files_synced = folders_begun = folders_ended = 0;
	may_end = false;
	assert_int_equal(
	    pthread_create(&first.thread, NULL, store_one, &first), 0);
	while (folders_begun == 0)
		(void)usleep(1000);
	assert_int_equal(
	    pthread_create(&later.thread, NULL, store_one, &later), 0);
	while (files_synced < 2)
		(void)usleep(1000);
	(void)usleep(20 * 1000); /* it gets in line, most likely */
	may_end = true;
	assert_int_equal(pthread_join(first.thread, NULL), 0);
	assert_int_equal(pthread_join(later.thread, NULL), 0);
	assert_int_equal(first.rc, 0);
	assert_int_equal(later.rc, 0);
	assert_int_equal(folders_ended, 2);
}

static void
R45_a_folder_that_could_not_be_made_durable_takes_no_more(void **state)
{
	struct fixture *b = *state;
	struct err err;

	b->disk.only = "d";
	fault_fs_arm(&b->disk, 1, EIO);
	assert_int_equal(store(b, &err), -1);
	assert_true(b->disk.fired);
	/* A second sync could say yes without having written. */
	assert_int_equal(store(b, &err), -1);
	assert_int_equal(b->disk.calls, 1);
}

static int
count_ids(struct fixture *b)
{
	struct store_scan *scan = b->s->ops->scan_new(b->s, 0);
	enum store_found found;
	enum store_place place;
	char found_id[QID_SIZE];
	struct err err;
	int n = 0;

	do {
		found = b->s->ops->scan_next(scan, &place, found_id, &err);
		assert_int_not_equal(found, STORE_FOUND_ERROR);
		n += found == STORE_FOUND_ONE;
	} while (found != STORE_FOUND_END);
	b->s->ops->scan_free(scan);
	return n;
}

static atomic_int folder_syncs;

static int
slow_sync(void *ctx, int fd)
{
	struct stat st;
	int begun;

	(void)ctx;
	if (fstat(fd, &st) != 0 || !S_ISDIR(st.st_mode)) {
		files_synced++;
		return 0;
	}
	/* Until three others wait for the next one, however slow they are; the
	 * rest may be waiting for this one. */
	folder_syncs++;
	begun = files_synced;
	for (int i = 0; i < 20 && files_synced < begun + 3; i++)
		(void)usleep(1000);
	return 0;
}

static void
one_folder_sync_serves_many_messages(void **state)
{
	struct fixture *b = *state;
	struct writer w[WRITERS];
	int kept = 0, there;

	b->disk.fs.sync = slow_sync;
	files_synced = folder_syncs = 0;
	for (unsigned i = 0; i < WRITERS; i++) {
		w[i] = (struct writer) { .b = b, .first = i * EACH };
		assert_int_equal(
		    pthread_create(&w[i].thread, NULL, write_many, &w[i]), 0);
	}
	for (unsigned i = 0; i < WRITERS; i++) {
		assert_int_equal(pthread_join(w[i].thread, NULL), 0);
		kept += w[i].kept;
	}
	assert_int_equal(kept, WRITERS * EACH);
	there = count_ids(b);
	assert_int_equal(there, WRITERS * EACH);
	assert_true(folder_syncs < WRITERS * EACH / 2);
}

static bool folder_fails;

static int
failing_sync(void *ctx, int fd)
{
	struct stat st;

	(void)ctx;
	(void)usleep(500);
	if (folder_fails && fstat(fd, &st) == 0 && S_ISDIR(st.st_mode)) {
		errno = EIO;
		return -1;
	}
	return 0;
}

static void
a_failed_folder_sync_fails_all_whom_it_was_to_serve(void **state)
{
	struct fixture *b = *state;
	struct writer w[WRITERS];
	struct err err;
	int there;

	assert_int_equal(store(b, &err), 0);
	b->disk.fs.sync = failing_sync;
	folder_fails = true;
	for (unsigned i = 0; i < WRITERS; i++) {
		w[i] = (struct writer) { .b = b, .first = i * EACH };
		assert_int_equal(
		    pthread_create(&w[i].thread, NULL, write_many, &w[i]), 0);
	}
	for (unsigned i = 0; i < WRITERS; i++) {
		assert_int_equal(pthread_join(w[i].thread, NULL), 0);
		assert_int_equal(w[i].kept, 0);
	}
	there = count_ids(b);
	assert_int_equal(there, 1); /* the one from before */
}

static void
only_ids_are_taken_for_messages(void **state)
{
	static const char *const names[] = { "README", "0123456789abcdez",
		"0123456789ABCDEF", "0123456789abcde.", ".123456789abcdef" };
	struct fixture *b = *state;
	struct err err;
	int there;
	char path[200];

	assert_int_equal(store(b, &err), 0);
	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		(void)snprintf(
		    path, sizeof(path), "%s/queue/34/%s", b->dir, names[i]);
		write_file(path, "x", 1);
	}
	there = count_ids(b);
	assert_int_equal(there, 1);
}

/* --- room ----------------------------------------------------------------- */

static struct statvfs disk_is;

static int
told_space(void *ctx, int dirfd, struct statvfs *ret)
{
	(void)ctx;
	(void)dirfd;
	*ret = disk_is;
	return disk_is.f_frsize == 0 ? -1 : 0;
}

static void
R44_the_last_room_of_a_disk_is_not_for_new_mail(void **state)
{
	enum { MIB = 1024 * 1024 };
	static const struct {
		unsigned long unit; /* 0: it cannot be asked */
		unsigned long left, files, files_left;
		uint64_t size;
		bool has_room;
	} rows[] = {
		{ MIB, 100, 1000, 1000, 96 * MIB, true },
		{ MIB, 100, 1000, 1000, 96 * MIB + 1, false },
		{ MIB, 3, 1000, 1000, 0, false },
		{ MIB, 100, 1000, 50, 1, true },
		{ MIB, 100, 1000, 49, 1, false },
		{ MIB, 100, 0, 0, 1, true }, /* has no fixed number */
		{ 0, 100, 1000, 1000, 1, false },
	};
	struct fixture *b = *state;

	b->disk.fs.space = told_space;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct err err;

		disk_is = (struct statvfs) { .f_frsize = rows[i].unit,
			.f_bavail = rows[i].left,
			.f_files = rows[i].files,
			.f_favail = rows[i].files_left };
		assert_int_equal(b->s->ops->has_room(b->s, rows[i].size, &err),
		    rows[i].has_room);
		if (!rows[i].has_room)
			assert_int_equal(err.class, ERR_DISK);
	}
}

/* --- opening -------------------------------------------------------------- */

static void
only_one_process_has_the_spool(void **state)
{
	struct fixture *b = *state;
	struct store *other;
	struct err err;

	assert_int_equal(spool_open(b->dir, &b->disk.fs, &other, &err), -1);
	assert_int_equal(err.class, ERR_BUSY);
	store_free(b->s);
	b->s = NULL;
	assert_int_equal(spool_open(b->dir, &b->disk.fs, &b->s, &err), 0);
}

static void
R30_others_can_read_and_list_nothing(void **state)
{
	static const struct {
		const char *part;
		mode_t mode;
	} rows[] = { { "queue", 0700 }, { "failed", 0700 }, { "corrupt", 0700 },
		{ "state", 0700 }, { "drop", 03733 }, { "lock", 0600 } };
	struct fixture *b = *state;
	struct stat st;
	char path[200];

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		(void)snprintf(
		    path, sizeof(path), "%s/%s", b->dir, rows[i].part);
		assert_int_equal(stat(path, &st), 0);
		assert_int_equal(st.st_mode & 07777, rows[i].mode);
	}
}

static void
a_spool_that_cannot_be_used_says_what_to_type(void **state)
{
	struct fixture *b = *state;
	struct store *other;
	struct err err;
	char path[200];

	store_free(b->s);
	b->s = NULL;
	(void)snprintf(path, sizeof(path), "%s/no/where", b->dir);
	assert_int_equal(spool_open(path, &b->disk.fs, &other, &err), -1);
	assert_non_null(strstr(err.text, path));
	assert_non_null(strstr(err.text, "mkdir -p"));
	(void)snprintf(path, sizeof(path), "%s/queue", b->dir);
	assert_int_equal(chmod(path, 0755), 0);
	assert_int_equal(spool_open(b->dir, &b->disk.fs, &other, &err), -1);
	assert_non_null(strstr(err.text, "chmod 700"));
	assert_int_equal(chmod(path, 0700), 0);
	assert_int_equal(chmod(b->dir, 0777), 0);
	assert_int_equal(spool_open(b->dir, &b->disk.fs, &other, &err), -1);
	assert_non_null(strstr(err.text, "chmod 711"));
	assert_int_equal(chmod(b->dir, 0700), 0);
	if (geteuid() == 0) {
		assert_int_equal(chown(b->dir, 65534, (gid_t)-1), 0);
		assert_int_equal(
		    spool_open(b->dir, &b->disk.fs, &other, &err), -1);
		assert_non_null(strstr(err.text, "chown -R 0"));
		assert_int_equal(chown(b->dir, 0, (gid_t)-1), 0);
	}
}

static void
a_spool_may_be_a_link_to_another_disk(void **state)
{
	struct fixture *b = *state;
	struct store *s;
	struct err err;
	char to[100], link_path[100];

	(void)snprintf(to, sizeof(to), "%s/queue/real", b->dir);
	(void)snprintf(link_path, sizeof(link_path), "%s/queue/link", b->dir);
	assert_int_equal(mkdir(to, 0700), 0);
	assert_int_equal(symlink(to, link_path), 0);
	assert_int_equal(spool_open(link_path, &b->disk.fs, &s, &err), 0);
	store_free(s);
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
		    the_file_is_as_it_is_documented, setup, teardown),
		cmocka_unit_test_setup_teardown(
		    commit_syncs_file_and_folder_in_that_order, setup,
		    teardown),
		cmocka_unit_test_setup_teardown(
		    an_id_is_never_overwritten, setup, teardown),
		cmocka_unit_test_setup_teardown(
		    a_move_is_synced_where_it_goes_and_then_where_it_was, setup,
		    teardown),
		cmocka_unit_test_setup_teardown(
		    a_small_file_is_synced_before_it_gets_its_name, setup,
		    teardown),
		cmocka_unit_test_setup_teardown(
		    the_folders_of_a_new_spool_are_durable, setup, teardown),
		cmocka_unit_test_setup_teardown(
		    a_header_or_a_journal_without_end_is_damaged, setup,
		    teardown),
		cmocka_unit_test_setup_teardown(
		    an_empty_message_has_a_checksum_too, setup, teardown),
		cmocka_unit_test_setup_teardown(
		    a_folder_sync_that_had_begun_serves_nobody_who_comes_later,
		    setup, teardown),
		cmocka_unit_test_setup_teardown(
		    R45_a_folder_that_could_not_be_made_durable_takes_no_more,
		    setup, teardown),
		cmocka_unit_test_setup_teardown(
		    only_ids_are_taken_for_messages, setup, teardown),
		cmocka_unit_test_setup_teardown(
		    R44_the_last_room_of_a_disk_is_not_for_new_mail, setup,
		    teardown),
		cmocka_unit_test_setup_teardown(
		    a_file_cut_anywhere_is_unfinished_or_whole, setup,
		    teardown),
		cmocka_unit_test_setup_teardown(
		    a_bit_flipped_anywhere_never_removes_or_changes_a_message,
		    setup, teardown),
		cmocka_unit_test_setup_teardown(
		    what_was_appended_half_is_not_there_twice, setup, teardown),
		cmocka_unit_test_setup_teardown(
		    a_line_that_a_power_cut_spoilt_does_not_spoil_the_next,
		    setup, teardown),
		cmocka_unit_test_setup_teardown(
		    any_file_at_all_gives_an_answer, setup, teardown),
		cmocka_unit_test_setup_teardown(
		    R29_only_a_plain_file_of_ours_with_one_name_is_read, setup,
		    teardown),
		cmocka_unit_test_setup_teardown(
		    a_file_under_another_name_is_damaged, setup, teardown),
		cmocka_unit_test_setup_teardown(
		    what_is_set_aside_replaces_nothing, setup, teardown),
		cmocka_unit_test_setup_teardown(
		    a_draft_is_unfinished_until_it_is_committed, setup,
		    teardown),
		cmocka_unit_test_setup_teardown(
		    R45_a_failed_draft_is_not_committed_a_second_time, setup,
		    teardown),
		cmocka_unit_test_setup_teardown(
		    reading_ahead_does_not_skip_the_checksum, setup, teardown),
		cmocka_unit_test_setup_teardown(
		    one_folder_sync_serves_many_messages, setup, teardown),
		cmocka_unit_test_setup_teardown(
		    a_failed_folder_sync_fails_all_whom_it_was_to_serve, setup,
		    teardown),
		cmocka_unit_test_setup_teardown(
		    only_one_process_has_the_spool, setup, teardown),
		cmocka_unit_test_setup_teardown(
		    R30_others_can_read_and_list_nothing, setup, teardown),
		cmocka_unit_test_setup_teardown(
		    a_spool_that_cannot_be_used_says_what_to_type, setup,
		    teardown),
		cmocka_unit_test_setup_teardown(
		    a_spool_may_be_a_link_to_another_disk, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
