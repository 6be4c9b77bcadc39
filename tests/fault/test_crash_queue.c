/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Dies before the 1st, 2nd, 3rd ... disk call of accepting a message and of
 * giving it to the provider, or in the middle of a write, and looks what a new
 * process finds.
 *
 * A process that dies leaves what it wrote in the page cache; what only a power
 * cut loses is the business of the order that test_fault_queue checks, and of
 * the machine test that cuts the power of a loop device. */
#include "tests/lib/check.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/lib/queue_fixture.h"

/* What the child had said to the world before it died. */
enum { SAID_NOTHING = 0, SAID_SAFE = 1, SAID_SENT_FIRST = 2, SAID_DONE = 4 };

struct scene {
	size_t size, nrcpts;
	bool dies_writing;
};

static void
say(int fd, int what)
{
	char c = (char)what;

	assert_int_equal(write(fd, &c, 1), 1);
}

static void
child_told(void *ctx, const struct queue_told *t)
{
	if (t->outcome == QUEUE_SAFE)
		say(*(int *)ctx, SAID_SAFE);
}

static struct bytes
content(const struct scene *s)
{
	static char text[300000];

	memset(text, 'm', sizeof(text));
	for (size_t i = 64; i < sizeof(text); i += 64)
		memcpy(text + i - 2, "\r\n", 2);
	return bytes_of(text, s->size);
}

static void
child_accepts(struct queue_fixture *l, const struct scene *s, int *fd)
{
	struct envelope *e = envelope_new();
	struct queue_draft *d = queue_draft_new(l->q);
	struct err err;

	envelope_set(&e->sender, "me@example.org");
	for (size_t i = 0; i < s->nrcpts; i++)
		(void)envelope_add_rcpt(e, "somebody@example.net");
	if (queue_draft_write(d, content(s).p, s->size, &err) != 0)
		_exit(1);
	queue_draft_end(d, e, QUEUE_MODE_SAFE, 0, child_told, fd);
	fixture_tick(l);
	queue_draft_free(d);
	envelope_free(e);
}

/* The first recipient at once, the others at the second attempt. */
static void
child_delivers(struct queue_fixture *l, int fd)
{
	struct verdict ok = fixture_verdict(VERDICT_OK, "ok");
	struct verdict not_now = fixture_verdict(VERDICT_LATER, "not now");
	struct queue_claim *d = queue_take(l->q, 0);

	queue_claim_rcpt(d, 0, &ok);
	say(fd, SAID_SENT_FIRST);
	queue_claim_end(d, QUEUE_END_TRIED, &not_now, 0, NULL, NULL);
	fixture_pass(l, 5 * 60 * 1000);
	d = queue_take(l->q, 0);
	if (d != NULL)
		queue_claim_end(d, QUEUE_END_TRIED, &ok, 0, NULL, NULL);
}

static void
run_child(struct queue_fixture *l, const struct scene *s, int nth, int fd)
{
	/* Not the parent's lock: a lock belongs to the open file. */
	fixture_open(l);
	fixture_tick(l);
	l->disk.dies_writing = s->dies_writing;
	fault_fs_arm(&l->disk, nth, 0);
	child_accepts(l, s, &fd);
	child_delivers(l, fd);
	say(fd, SAID_DONE);
	_exit(0);
}

/* What it said, or-ed. */
static int
listen_to_child(struct queue_fixture *l, const struct scene *s, int nth)
{
	int pipe_fds[2], said = 0, status;
	pid_t pid;
	char c;

	assert_int_equal(pipe(pipe_fds), 0);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		(void)close(pipe_fds[0]);
		run_child(l, s, nth, pipe_fds[1]);
	}
	assert_int_equal(close(pipe_fds[1]), 0);
	while (read(pipe_fds[0], &c, 1) == 1)
		said |= c;
	assert_int_equal(close(pipe_fds[0]), 0);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
	return said;
}

/* Recipients that a new process serves; -1: no message. */
static int
count_left(struct queue_fixture *l, const struct scene *s)
{
	struct queue_claim *d;
	struct verdict ok = fixture_verdict(VERDICT_OK, "ok");
	char *p = malloc(s->size + 1);
	struct err err;
	size_t n;
	int left;

	fixture_open(l);
	fixture_pass(l, 10 * 60 * 1000);
	d = queue_take(l->q, 0);
	if (d == NULL) {
		free(p);
		return -1;
	}
	assert_int_equal(queue_claim_envelope(d)->nrcpts, s->nrcpts);
	assert_int_equal(queue_claim_read(d, 0, p, s->size + 1, &n, &err), 0);
	assert_int_equal(n, s->size);
	assert_memory_equal(p, content(s).p, n);
	free(p);
	left = (int)envelope_waiting(queue_claim_envelope(d));
	queue_claim_end(d, QUEUE_END_TRIED, &ok, 0, NULL, NULL);
	assert_null(queue_take(l->q, 0));
	return left;
}

static void
dying_anywhere_loses_nothing_that_was_promised(void **state)
{
	static const struct scene scenes[] = { { 1000, 2, false },
		{ 200000, 2, false }, { 200000, 300, false }, { 1000, 2, true },
		{ 200000, 2, true }, { 200000, 300, true } };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(scenes); i++) {
		int said, nth = 0;

		do {
			struct queue_fixture l;
			int left, all = (int)scenes[i].nrcpts;

			fixture_init(&l, FIXTURE_DISK);
			fixture_close(&l);
			said = listen_to_child(&l, &scenes[i], ++nth);
			left = count_left(&l, &scenes[i]);
			if ((said & SAID_DONE) != 0)
				assert_int_equal(left, -1);
			else if ((said & SAID_SAFE) != 0)
				assert_true(left >= all - 1 ||
					    (left == -1 &&
						(said & SAID_SENT_FIRST) != 0));
			assert_int_equal(fixture_files(&l, "queue"), 0);
			assert_int_equal(fixture_files(&l, "corrupt"), 0);
			assert_int_equal(fixture_files(&l, "failed"), 0);
			fixture_clear(&l);
		} while ((said & SAID_DONE) == 0);
		assert_true(nth > 10);
	}
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(
		    dying_anywhere_loses_nothing_that_was_promised),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
