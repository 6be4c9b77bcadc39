/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A case of tests/lib/import_case.h, whatever is in it: what the parser makes
 * of it can be written into relais.conf, and its notes can be shown. */
#include "tests/fuzz/fuzz.h"

#include "base/ascii.h"
#include "base/must.h"
#include "conf/conf_edit.h"
#include "tests/lib/import_case.h"

static void
check_text(const char *text)
{
	for (; *text != '\0'; text++)
		FUZZ_REQUIRE(*text != '\n');
}

static int
fuzz_import(const struct import_program *program, const void *p, size_t n)
{
	struct bytes text = bytes_of(p, n);
	struct import_files files = { .ctx = &text,
		.read = case_read,
		.home = "/home/jane",
		.hostname = "box.example.net" };
	struct import *im = import_new(&files);
	struct buf conf;
	struct err err = { 0 };

	buf_init(&conf, CONF_EDIT_MAX);
	program->parse(im, program->places[0]);
	import_finish(im, NULL);
	FUZZ_REQUIRE(im->refusal != NULL || im->n > 0);
	for (size_t i = 0; i < im->n; i++) {
		FUZZ_REQUIRE(im->accounts[i]->name != NULL);
		FUZZ_REQUIRE(import_get(im->accounts[i], "host") != NULL);
	}
	for (size_t i = 0; i < im->nnotes; i++)
		check_text(im->notes[i].text);
	if (im->refusal == NULL)
		IGNORE(
		    import_write(im, "/etc/relais/secrets", &conf, &err) != 0);
	buf_clear(&conf);
	import_free(im);
	return 0;
}
