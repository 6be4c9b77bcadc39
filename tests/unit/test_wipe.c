/* SPDX-License-Identifier: GPL-3.0-or-later */
/* R32: what held a secret is overwritten before its memory goes back.  The
 * linker puts __wrap_free() in the place of free(). */
#include "tests/lib/check.h"

#include <stdlib.h>

#include "base/buf.h"
#include "base/secret.h"

static const char word[] = "open sesame, a secret";

static const void *watched;
static size_t watched_n;
static bool was_freed, had_secret;

void __real_free(void *p);
void __wrap_free(void *p);

void
__wrap_free(void *p)
{
	if (p != NULL && p == watched) {
		was_freed = true;
		had_secret = memmem(p, watched_n, word, 4) != NULL;
	}
	__real_free(p);
}

static void
watch(const void *p, size_t n)
{
	watched = p;
	watched_n = n;
	was_freed = had_secret = false;
}

static void
nothing_was_left(void)
{
	assert_true(was_freed);
	assert_false(had_secret);
	watched = NULL;
}

static void
a_wiped_buffer_leaves_nothing(void **state)
{
	struct buf b;

	(void)state;
	buf_init(&b, 1000);
	assert_true(buf_adds(&b, word));
	watch(b.p, b.cap);
	buf_wipe(&b);
	nothing_was_left();
}

static void
a_buffer_that_moves_leaves_nothing_behind(void **state)
{
	struct buf b;

	(void)state;
	buf_init(&b, 1000);
	assert_true(buf_adds(&b, word));
	watch(b.p, b.cap);
	assert_non_null(buf_space(&b, 900));
	nothing_was_left();
	buf_wipe(&b);
}

static void
a_secret_leaves_nothing(void **state)
{
	struct secret *s = secret_new(bytes_str(word));

	(void)state;
	watch(s, strlen(word));
	secret_free(s);
	nothing_was_left();
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_wiped_buffer_leaves_nothing),
		cmocka_unit_test(a_buffer_that_moves_leaves_nothing_behind),
		cmocka_unit_test(a_secret_leaves_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
