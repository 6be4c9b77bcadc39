/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "ctl/ctl_line.h"

#include <string.h>

void
ctl_line_init(struct ctl_line *l, size_t max)
{
	*l = (struct ctl_line) { 0 };
	buf_init(&l->in, max);
}

void
ctl_line_clear(struct ctl_line *l)
{
	buf_wipe(&l->in);
	l->seen = l->given = 0;
}

static void
drop_given(struct ctl_line *l)
{
	buf_drop(&l->in, l->given);
	l->given = 0;
}

size_t
ctl_line_put(struct ctl_line *l, const void *p, size_t n)
{
	size_t room;

	drop_given(l);
	room = buf_room(&l->in);
	if (n > room)
		n = room;
	if (!buf_add(&l->in, p, n))
		return 0;
	return n;
}

enum ctl_line_state
ctl_line_next(struct ctl_line *l, struct bytes *ret_line)
{
	const char *p, *lf;

	drop_given(l);
	p = buf_str(&l->in);
	lf = memchr(p + l->seen, '\n', buf_len(&l->in) - l->seen);
	if (lf == NULL) {
		l->seen = buf_len(&l->in);
		return buf_room(&l->in) > 0 ? CTL_LINE_MORE : CTL_LINE_TOO_LONG;
	}
	l->given = (size_t)(lf - p) + 1;
	l->seen = 0;
	*ret_line = bytes_of(p, l->given - 1);
	if (ret_line->n > 0 && ret_line->p[ret_line->n - 1] == '\r')
		ret_line->n--;
	return CTL_LINE_READY;
}
