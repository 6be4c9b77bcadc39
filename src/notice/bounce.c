/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "notice/bounce.h"

#include <string.h>

#include "base/buf.h"
#include "mail/addr.h"
#include "mail/header.h"
#include "notice/page.h"

enum { STAMP_LEN = 14 }; /* of date_stamp() */

static bool
has_text(const char *value, const char *text)
{
	return strcasestr(value, text) != NULL;
}

/* "<20260821120305.notice-": the moment, and the mark. */
static bool
is_ours(const char *id, const char *mark)
{
	return *id == '<' && strspn(id + 1, "0123456789") == STAMP_LEN &&
	       id[1 + STAMP_LEN] == '.' &&
	       strncmp(id + 2 + STAMP_LEN, mark, strlen(mark)) == 0;
}

static const struct {
	const char *name;
	bool (*says)(const char *value, const char *text);
	const char *text;
} signs[] = {
	{ "Auto-Submitted", has_text, "auto-replied" },
	{ "Content-Type", has_text, "multipart/report" },
	{ "Message-ID", is_ours, NOTICE_MARK },
};

bool
bounce_is_notice(struct bytes header)
{
	struct header *h = header_new();
	bool is_notice = false;

	IGNORE(header_put(h, header.p, header.n)); /* the rest is body */
	header_end(h);
	for (size_t k = 0; k < sizeof(signs) / sizeof(signs[0]); k++) {
		size_t i = header_find(h, signs[k].name, 0);
		struct buf value;

		buf_init(&value, HEADER_VALUE_MAX);
		if (i != HEADER_NONE && header_value(h, i, &value) &&
		    signs[k].says(buf_str(&value), signs[k].text))
			is_notice = true;
		buf_clear(&value);
	}
	header_free(h);
	return is_notice;
}

enum bounce_to
bounce_to(const struct envelope *env, enum dsn_action action,
    struct bytes header, bool is_local)
{
	struct bytes sender = bytes_str(env->sender);

	/* 0 for the null sender, too. */
	if (dsn_count(env, action) == 0 || bounce_is_notice(header))
		return BOUNCE_NOBODY;
	if (addr_is_mailbox(sender) && !is_local)
		return BOUNCE_SENDER;
	return action == DSN_FAILED ? BOUNCE_ADMIN : BOUNCE_NOBODY;
}
