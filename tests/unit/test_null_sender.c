/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Which refusals of a message from <> are about its sender. */
#include "tests/lib/check.h"

#include <stdio.h>

#include "outbound/null_sender.h"

static void
words_about_the_sender_are_told_from_others(void **state)
{
	static const struct {
		enum verdict_stage stage;
		enum diagnosis_act act;
		const char *text;
		bool is;
	} rows[] = {
		{ STAGE_END, DIAGNOSIS_FAIL, "null reverse-path", true },
		{ STAGE_END, DIAGNOSIS_FAIL, "Empty MAIL FROM", true },
		{ STAGE_END, DIAGNOSIS_FAIL, "sender address required", true },
		{ STAGE_END, DIAGNOSIS_RETRY, "no sender given", true },
		{ STAGE_END, DIAGNOSIS_FAIL, "mail from <> refused", true },
		{ STAGE_END, DIAGNOSIS_FAIL, "no mail from dial-up", false },
		{ STAGE_END, DIAGNOSIS_FAIL, "no reverse DNS", false },
		{ STAGE_END, DIAGNOSIS_FAIL, "no path to host", false },
		{ STAGE_RCPT, DIAGNOSIS_FAIL, "no such user", false },
		{ STAGE_MAIL, DIAGNOSIS_FAIL, "refused", true },
		{ STAGE_MAIL, DIAGNOSIS_PAUSE, "refused", false },
		{ STAGE_RCPT, DIAGNOSIS_HOLD_MESSAGE, "not allowed", true },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct verdict v = { .class = VERDICT_NEVER,
			.stage = rows[i].stage,
			.code = 550 };

		(void)snprintf(v.text, sizeof(v.text), "%s", rows[i].text);
		if (null_sender_is_refused(&v, rows[i].act) != rows[i].is)
			fail_msg("%s", rows[i].text);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(words_about_the_sender_are_told_from_others),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
