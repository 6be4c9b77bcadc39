/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "mail/envelope.h"

#include <stdlib.h>
#include <string.h>

#include "base/xalloc.h"

struct envelope *
envelope_new(void)
{
	struct envelope *e = xcalloc(1, sizeof(*e));

	e->sender = xstrdup("");
	e->peer = xstrdup("");
	e->uid = UID_UNKNOWN;
	return e;
}

static void
dup_rcpt(struct envelope *to, const struct rcpt *from)
{
	struct rcpt *r = envelope_add_rcpt(to, from->addr);

	r->orcpt = xstrdup(from->orcpt);
	r->notify = from->notify;
	r->state = from->state;
	if (from->last != NULL)
		rcpt_set_verdict(r, from->last);
}

struct envelope *
envelope_dup(const struct envelope *e)
{
	struct envelope *c = xmalloc(sizeof(*c));

	*c = *e;
	c->sender = xstrdup(e->sender);
	c->envid = xstrdup(e->envid);
	c->user = xstrdup(e->user);
	c->peer = xstrdup(e->peer);
	c->helo = xstrdup(e->helo);
	c->listener = xstrdup(e->listener);
	c->account = xstrdup(e->account);
	c->rcpts = NULL;
	c->nrcpts = 0;
	for (size_t i = 0; i < e->nrcpts; i++)
		dup_rcpt(c, &e->rcpts[i]);
	return c;
}

void
envelope_clear_rcpts(struct envelope *e)
{
	for (size_t i = 0; i < e->nrcpts; i++) {
		free(e->rcpts[i].addr);
		free(e->rcpts[i].orcpt);
		free(e->rcpts[i].last);
	}
	free(e->rcpts);
	e->rcpts = NULL;
	e->nrcpts = 0;
}

void
envelope_free(struct envelope *e)
{
	if (e == NULL)
		return;
	envelope_clear_rcpts(e);
	free(e->sender);
	free(e->envid);
	free(e->user);
	free(e->peer);
	free(e->helo);
	free(e->listener);
	free(e->account);
	free(e);
}

void
envelope_set(char **field, const char *value)
{
	char *old = *field;

	*field = xstrdup(value); /* value may lie within the old string */
	free(old);
}

struct rcpt *
envelope_add_rcpt(struct envelope *e, const char *addr)
{
	struct rcpt *r;

	/* Grown at every power of two, so that a thousand cost ten copies. */
	if ((e->nrcpts & (e->nrcpts - 1)) == 0)
		e->rcpts = xrealloc(e->rcpts,
		    e->nrcpts == 0 ? 1 : e->nrcpts * 2, sizeof(*e->rcpts));
	r = &e->rcpts[e->nrcpts++];
	*r = (struct rcpt) { .addr = xstrdup(addr) };
	return r;
}

void
rcpt_set_verdict(struct rcpt *r, const struct verdict *v)
{
	if (r->last == NULL)
		r->last = xmalloc(sizeof(*r->last));
	*r->last = *v;
}

const struct rcpt *
envelope_rcpt_to_name(const struct envelope *e)
{
	const struct rcpt *failed = NULL;

	for (size_t i = 0; i < e->nrcpts; i++) {
		if (e->rcpts[i].state == RCPT_WAITING)
			return &e->rcpts[i];
		if (e->rcpts[i].state == RCPT_FAILED && failed == NULL)
			failed = &e->rcpts[i];
	}
	return failed != NULL ? failed : &e->rcpts[0];
}

size_t
envelope_waiting(const struct envelope *e)
{
	size_t n = 0;

	for (size_t i = 0; i < e->nrcpts; i++)
		n += e->rcpts[i].state == RCPT_WAITING;
	return n;
}

bool
envelope_is_sent(const struct envelope *e)
{
	for (size_t i = 0; i < e->nrcpts; i++)
		if (e->rcpts[i].state != RCPT_SENT)
			return false;
	return true;
}

bool
rcpt_is_in_doubt(const struct rcpt *r)
{
	return r->state == RCPT_WAITING && r->last != NULL &&
	       r->last->is_uncertain;
}

bool
envelope_is_in_doubt(const struct envelope *e)
{
	for (size_t i = 0; i < e->nrcpts; i++)
		if (rcpt_is_in_doubt(&e->rcpts[i]))
			return true;
	return false;
}
