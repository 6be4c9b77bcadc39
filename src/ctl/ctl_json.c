/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "ctl/ctl_json.h"

#include <malloc.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"

static void
wipe_and_free(void *p)
{
	if (p != NULL)
		explicit_bzero(p, malloc_usable_size(p));
	free(p);
}

void
ctl_json_wipe_freed(void)
{
	json_set_alloc_funcs(malloc, wipe_and_free);
}

int
ctl_json_decode(struct bytes line, json_t **ret, struct err *err)
{
	json_error_t why;
	json_t *value = json_loadb(
	    line.p, line.n, JSON_REJECT_DUPLICATES, &why);

	if (json_is_object(value)) {
		*ret = value;
		return 0;
	}
	json_decref(value);
	return err_set(err, ERR_INPUT, "not a JSON object");
}

static int
add_piece(const char *p, size_t n, void *to)
{
	return buf_add(to, p, n) ? 0 : -1;
}

bool
ctl_json_encode(struct buf *to, const json_t *value)
{
	size_t before = buf_len(to);

	if (json_dump_callback(value, add_piece, to, JSON_COMPACT) == 0 &&
	    buf_addc(to, '\n'))
		return true;
	buf_truncate(to, before);
	return false;
}

json_t *
ctl_json_bytes(struct bytes b)
{
	struct buf shown;
	json_t *s;

	/* JSON itself escapes controls; NUL and what is no UTF-8 it cannot
	 * carry. */
	if (str_is_utf8(b) && memchr(b.p, '\0', b.n) == NULL &&
	    (s = json_stringn(b.p, b.n)) != NULL)
		return s;
	buf_init(&shown, 4 * b.n + 4);
	IGNORE(str_escape(&shown, b, b.n)); /* there is room for all of it */
	s = json_stringn(buf_str(&shown), buf_len(&shown));
	buf_clear(&shown);
	return s;
}

json_t *
ctl_json_text(const char *s)
{
	return s != NULL ? ctl_json_bytes(bytes_str(s)) : json_string("");
}

json_t *
ctl_json_message(const struct ctl_message *m)
{
	int64_t age_s = m->now_s - m->arrived_s;

	return json_pack("{s:s, s:s, s:o, s:[o], s:I, s:I, s:I, s:I, s:o, s:o,"
			 " s:i, s:I, s:b, s:o, s:o*}",
	    "id", m->id, "state", m->state, "sender", ctl_json_text(m->sender),
	    "recipients", ctl_json_text(m->rcpt), "recipient_count",
	    (json_int_t)m->nrcpts, "size", (json_int_t)m->size_bytes, "arrived",
	    (json_int_t)m->arrived_s, "age",
	    (json_int_t)(age_s > 0 ? age_s : 0), "next_try",
	    m->next_s < 0 ? json_null() : json_integer(m->next_s), "account",
	    m->account != NULL ? ctl_json_text(m->account) : json_null(),
	    "attempts", m->attempts, "uid", (json_int_t)m->uid, "uncertain",
	    m->is_uncertain, "reason", ctl_json_text(m->reason), "node",
	    m->node != NULL ? ctl_json_text(m->node) : NULL);
}

const char *
ctl_json_string(const json_t *object, const char *key)
{
	return json_string_value(json_object_get(object, key));
}
