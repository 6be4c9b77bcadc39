/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "relais/relais_outcome.h"

#include <stdio.h>
#include <string.h>

#include "base/str.h"
#include "mail/verdict.h"

enum { TEXT_MAX = 2048 };

bool
outcome_is_bad(const json_t *item)
{
	const char *state = relais_string(item, "state");

	return strcmp(state, "failed") == 0 || strcmp(state, "refused") == 0;
}

void
outcome_reply(const json_t *item, struct buf *to)
{
	const json_t *reply = json_object_get(item, "reply");
	struct verdict v = { .code = (int)relais_number(reply, "code"),
		.is_uncertain = json_is_true(
		    json_object_get(reply, "uncertain")) };
	struct buf text;

	if (!json_is_object(reply))
		return;
	/* Words that are unknown here leave it as it is. */
	IGNORE(verdict_class_from(
	    bytes_str(relais_string(reply, "class")), &v.class));
	IGNORE(verdict_stage_from(
	    bytes_str(relais_string(reply, "stage")), &v.stage));
	(void)snprintf(v.enhanced, sizeof(v.enhanced), "%s",
	    relais_string(reply, "enhanced"));
	(void)snprintf(
	    v.text, sizeof(v.text), "%s", relais_string(reply, "text"));
	(void)snprintf(
	    v.who, sizeof(v.who), "%s", relais_string(reply, "server"));
	buf_init(&text, TEXT_MAX);
	verdict_text(&v, &text);
	IGNORE(str_escape(to, buf_bytes(&text), TEXT_MAX));
	buf_clear(&text);
}
