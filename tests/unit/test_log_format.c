/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A log line as JSON and as fields of the journal: what the real log writes,
 * and nothing in it can be more than a value. */
#include "tests/lib/check.h"

#include <stdio.h>

#include <jansson.h>

#include "base/log.h"
#include "sys/log_format.h"

static char line[9000];
static enum log_level level;

static void
keep(void *ctx, enum log_level at, const char *text, const char *kind)
{
	(void)kind;
	(void)ctx;
	level = at;
	(void)snprintf(line, sizeof(line), "%s", text);
}

static const struct log_sink sink = { keep, NULL };

static json_t *
as_json(void)
{
	struct buf b;
	json_t *v;

	buf_init(&b, LOG_FORMAT_MAX);
	assert_true(
	    log_format_json(&b, "2026-11-29T12:00:00.123+01:00", level, line));
	assert_null(strchr(buf_str(&b), '\n'));
	v = json_loads(buf_str(&b), JSON_REJECT_DUPLICATES, NULL);
	assert_non_null(v);
	buf_clear(&b);
	return v;
}

static void
assert_member(const json_t *v, const char *key, const char *text)
{
	assert_string_equal(json_string_value(json_object_get(v, key)), text);
}

static void
log_sent(void)
{
	struct log_line l;

	log_begin(&l, LOG_LEVEL_INFO, "sent");
	log_str(&l, "id", "6b4b0a1i1f6j7c2o");
	log_num(&l, "uid", 1000);
	log_addr(&l, "from", "");
	log_addr(&l, "to", "a@example.org");
	log_addr(&l, "to", "\"b> c\"@example.org");
	log_str(&l, "reply", "ok \"x\" id=1 \\ \n\033[31m");
	log_str(&l, "body", "");
	log_num(&l, "code", 250);
	log_end(&l);
}

static void
pairs_are_members_of_their_type(void **state)
{
	json_t *v;

	(void)state;
	log_sent();
	v = as_json();
	assert_member(v, "time", "2026-11-29T12:00:00.123+01:00");
	assert_member(v, "level", "info");
	assert_member(v, "event", "sent");
	assert_member(v, "id", "6b4b0a1i1f6j7c2o");
	assert_member(v, "from", "");
	assert_int_equal(json_integer_value(json_object_get(v, "uid")), 1000);
	assert_int_equal(json_integer_value(json_object_get(v, "code")), 250);
	assert_int_equal(json_array_size(json_object_get(v, "to")), 2);
	assert_string_equal(
	    json_string_value(json_array_get(json_object_get(v, "to"), 1)),
	    "\"b> c\"@example.org");
	assert_member(v, "reply", "ok 'x' id=1 \\ \\x0a\\x1b[31m");
	assert_member(v, "body", "");
	assert_null(json_object_get(v, "message"));
	json_decref(v);
}

static void
one_recipient_is_an_array_too(void **state)
{
	struct log_line l;
	json_t *v;

	(void)state;
	log_begin(&l, LOG_LEVEL_WARNING, "deferred");
	log_addr(&l, "to", "a@example.org");
	log_end(&l);
	v = as_json();
	assert_member(v, "level", "warning");
	assert_int_equal(json_array_size(json_object_get(v, "to")), 1);
	json_decref(v);
}

static void
a_sentence_is_one_message(void **state)
{
	static const char *const sentences[] = { "stopping",
		"listening on 127.0.0.1:25", "x: a \"quoted\" \\ thing=1",
		"key=value alone", "sent id=1 and then words", "" };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(sentences); i++) {
		json_t *v;

		log_text(LOG_LEVEL_NOTICE, "%s", sentences[i]);
		v = as_json();
		assert_member(v, "message", sentences[i]);
		assert_null(json_object_get(v, "event"));
		json_decref(v);
	}
}

static void
the_event_of_an_alert_has_a_name_of_its_own(void **state)
{
	struct log_line l;
	json_t *v;

	(void)state;
	log_begin(&l, LOG_LEVEL_ERROR, "alert");
	log_str(&l, "event", "account-held");
	log_end(&l);
	v = as_json();
	assert_member(v, "event", "alert");
	assert_member(v, "alert", "account-held");
	json_decref(v);
}

/* However a line is cut, it is JSON. */
static void
a_line_that_was_cut_is_still_json(void **state)
{
	(void)state;
	log_sent();
	for (size_t n = strlen(line); n-- > 0;) {
		line[n] = '\0';
		json_decref(as_json());
	}
}

static void
the_journal_gets_fields(void **state)
{
	struct buf b;

	(void)state;
	buf_init(&b, LOG_FORMAT_MAX);
	log_text(LOG_LEVEL_ERROR, "no event here");
	assert_true(log_format_journal(&b, level, line));
	assert_buf(&b, "PRIORITY=3\nSYSLOG_IDENTIFIER=relaisd\n"
		       "MESSAGE=no event here\n");
	buf_reset(&b);
	log_sent();
	assert_true(log_format_journal(&b, level, line));
	assert_non_null(strstr(buf_str(&b), "\nMESSAGE=sent id=6b4b0a1i"));
	assert_non_null(strstr(buf_str(&b), "\nRELAIS_EVENT=sent\n"));
	assert_non_null(strstr(buf_str(&b),
	    "\nRELAIS_TO=a@example.org\nRELAIS_TO=\"b> c\"@example.org\n"));
	assert_non_null(
	    strstr(buf_str(&b), "\nRELAIS_REPLY=ok 'x' id=1 \\ \\x0a"));
	buf_clear(&b);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(pairs_are_members_of_their_type),
		cmocka_unit_test(one_recipient_is_an_array_too),
		cmocka_unit_test(a_sentence_is_one_message),
		cmocka_unit_test(the_event_of_an_alert_has_a_name_of_its_own),
		cmocka_unit_test(a_line_that_was_cut_is_still_json),
		cmocka_unit_test(the_journal_gets_fields),
	};

	log_to(&sink);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
