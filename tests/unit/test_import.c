/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Configurations of other programs, as people write them, become the
 * relais.conf that a person would write: every case in tests/corpus/import_*.
 * With TEST_SHOW in the environment it prints what it found. */
#include "tests/lib/check.h"

#include <glob.h>
#include <stdio.h>

#include "base/must.h"
#include "base/xalloc.h"
#include "conf/conf_edit.h"
#include "conf/provider.h"
#include "tests/lib/import_case.h"

enum { CASES_LEAST = 4 }; /* of each program */

struct result {
	struct buf conf, secrets, notes;
};

static void
load(const char *path, struct buf *to)
{
	FILE *f = fopen(path, "r");
	char chunk[4096];
	size_t n;

	assert_non_null(f);
	while ((n = fread(chunk, 1, sizeof(chunk), f)) > 0)
		assert_true(buf_add(to, chunk, n));
	assert_int_equal(fclose(f), 0);
}

static void
add_secret(struct result *r, const struct import_account *a)
{
	struct bytes s = a->secret != NULL ? secret_bytes(a->secret)
					   : bytes_str("");

	if (!import_needs_secret(a))
		return;
	if (a->secret_kind == IMPORT_SECRET_TEXT) {
		assert_true(buf_addf(&r->secrets, "%s: %.*s (%s)\n", a->name,
		    (int)s.n, s.p, a->secret_from));
		assert_null(strstr(buf_str(&r->conf), s.p));
		assert_null(strstr(buf_str(&r->notes), s.p));
	} else if (a->secret_kind == IMPORT_SECRET_NONE) {
		assert_true(buf_addf(&r->secrets, "%s: missing\n", a->name));
	}
}

static void
add_notes(struct result *r, const struct import *im)
{
	for (size_t i = 0; i < im->nnotes; i++) {
		const struct import_note *note = &im->notes[i];

		if (note->line > 0)
			assert_true(buf_addf(&r->notes, "%s:%d: ",
			    note->file != NULL ? note->file : "", note->line));
		else if (note->file != NULL)
			assert_true(buf_addf(&r->notes, "%s: ", note->file));
		assert_true(buf_addf(&r->notes, "%s\n", note->text));
	}
}

/* The first heading is the file that is imported. */
static void
run(const struct import_program *program, struct bytes text, struct result *r)
{
	struct import_files files = { .ctx = &text,
		.read = case_read,
		.home = "/home/jane",
		.hostname = "box.example.net" };
	struct providers *ps = providers_new();
	struct import *im = import_new(&files);
	struct bytes first = text, line = bytes_cut(&first, '\n');
	char *file = xstrndup(line.p + 4, line.n - 4);
	struct err err = { 0 };

	providers_read_built_in(ps);
	program->parse(im, file);
	import_finish(im, ps);
	if (im->refusal != NULL) {
		assert_true(buf_addf(&r->conf, "refused: %s\n", im->refusal));
	} else if (import_write(im, "/etc/relais/secrets", &r->conf, &err) !=
		   0) {
		fail_msg("%s", err.text);
	}
	add_notes(r, im);
	for (size_t i = 0; i < im->n && im->refusal == NULL; i++)
		add_secret(r, im->accounts[i]);
	import_free(im);
	providers_free(ps);
	free(file);
}

static bool
is_expected(struct bytes text, const char *part, const struct buf *is)
{
	struct buf want;
	bool is_same;

	buf_init(&want, IMPORT_TEXT_MAX);
	IGNORE(case_part(text, part, &want)); /* none: nothing is expected */
	is_same = buf_len(&want) == buf_len(is) &&
		  memcmp(buf_str(&want), buf_str(is), buf_len(is)) == 0;
	if (!is_same || getenv("TEST_SHOW") != NULL)
		(void)fprintf(stderr, "=== %s\n%s", part, buf_str(is));
	buf_clear(&want);
	return is_same;
}

static void
check_case(const struct import_program *program, const char *path)
{
	struct result r;
	struct buf text;
	bool is_good;

	buf_init(&text, IMPORT_TEXT_MAX);
	buf_init(&r.conf, CONF_EDIT_MAX);
	buf_init(&r.secrets, IMPORT_TEXT_MAX);
	buf_init(&r.notes, IMPORT_TEXT_MAX);
	load(path, &text);
	run(program, buf_bytes(&text), &r);
	is_good = is_expected(buf_bytes(&text), "relais.conf", &r.conf);
	is_good &= is_expected(buf_bytes(&text), "secrets", &r.secrets);
	is_good &= is_expected(buf_bytes(&text), "notes", &r.notes);
	if (!is_good)
		fail_msg("%s expects something else", path);
	buf_clear(&text);
	buf_clear(&r.conf);
	buf_clear(&r.secrets);
	buf_clear(&r.notes);
}

static void
check_program(const struct import_program *program)
{
	const char *srcdir = getenv("srcdir");
	char *pattern = xasprintf("%s/tests/corpus/import_%s/[a-z]*",
	    srcdir != NULL ? srcdir : ".", program->name);
	glob_t found;

	assert_int_equal(glob(pattern, 0, NULL, &found), 0);
	assert_true(found.gl_pathc >= CASES_LEAST);
	for (size_t i = 0; i < found.gl_pathc; i++)
		check_case(program, found.gl_pathv[i]);
	globfree(&found);
	free(pattern);
}

#define TEST_PROGRAM(name)                                                     \
	static void name##_as_people_write_it(void **state)                    \
	{                                                                      \
		(void)state;                                                   \
		check_program(&import_##name);                                 \
	}

/* clang-format off */
TEST_PROGRAM(msmtp)
TEST_PROGRAM(ssmtp)
TEST_PROGRAM(nullmailer)
TEST_PROGRAM(postfix)
TEST_PROGRAM(exim)
TEST_PROGRAM(dma)
/* clang-format on */

static void
a_program_that_is_not_known_is_none(void **state)
{
	(void)state;
	assert_ptr_equal(import_program_find("dma"), &import_dma);
	assert_null(import_program_find("sendmail"));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(msmtp_as_people_write_it),
		cmocka_unit_test(ssmtp_as_people_write_it),
		cmocka_unit_test(nullmailer_as_people_write_it),
		cmocka_unit_test(postfix_as_people_write_it),
		cmocka_unit_test(exim_as_people_write_it),
		cmocka_unit_test(dma_as_people_write_it),
		cmocka_unit_test(a_program_that_is_not_known_is_none),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
