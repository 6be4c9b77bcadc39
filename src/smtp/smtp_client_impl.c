/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What every part of the client engine does: commands, and the end of the
 * conversation. */
#include <assert.h>
#include <stdio.h>

#include "smtp/smtp_client_impl.h"

const struct sc_state sc_states[ST_COUNT] = {
	[ST_GREETING] = { SMTP_STEP_GREETING, SC_TROUBLE_REFUSED },
	[ST_EHLO] = { SMTP_STEP_EHLO, SC_TROUBLE_REFUSED },
	[ST_HELO] = { SMTP_STEP_HELO, SC_TROUBLE_REFUSED },
	[ST_STARTTLS] = { SMTP_STEP_STARTTLS, SC_TROUBLE_LOST },
	[ST_TLS] = { SMTP_STEP_NONE, SC_TROUBLE_LOST },
	[ST_LOGIN] = { SMTP_STEP_NONE, SC_TROUBLE_LOST },
	[ST_AUTH] = { SMTP_STEP_AUTH, SC_TROUBLE_AUTH_LATER },
	[ST_READY] = { SMTP_STEP_NONE, SC_TROUBLE_LOST },
	[ST_AHEAD] = { SMTP_STEP_EHLO, SC_TROUBLE_REFUSED },
	[ST_QUIT] = { SMTP_STEP_QUIT, SC_TROUBLE_NONE },
	[ST_CLOSED] = { SMTP_STEP_NONE, SC_TROUBLE_NONE },
};

void
sc_forget_login(struct smtp_client *c)
{
	buf_wipe(&c->login.challenge);
	buf_wipe(&c->login.initial);
}

/* Whatever c->ending.why says in the end, it is about this connection or this
 * account and never about a message: so it is "later", even after a 535
 * (R56). */
void
sc_over(struct smtp_client *c, enum sc_trouble trouble, bool may_be_taken)
{
	struct verdict first;

	assert(c->state != ST_CLOSED);
	if (trouble != SC_TROUBLE_NONE)
		c->ending.why.class = VERDICT_LATER;
	smtp_pipeline_fail(c->pipeline, &c->ending.why, may_be_taken);
	c->ending.trouble = trouble;
	/* What a transaction has found out is the reason, however the session
	 * ended after that. */
	if (smtp_pipeline_trouble(c->pipeline, &first) != SC_TROUBLE_NONE) {
		c->ending.trouble = smtp_pipeline_trouble(c->pipeline, &first);
		c->ending.why = first;
	}
	if (c->ending.trouble == SC_TROUBLE_NAME)
		c->ehlo_refused |= 1u << c->ehlo;
	c->state = ST_CLOSED;
	c->pending = SC_IDLE;
	sc_forget_login(c);
	smtp_out_drop_all(&c->out);
	buf_clear(&c->in);
}

void
sc_over_local(struct smtp_client *c, enum sc_trouble trouble,
    enum verdict_stage stage, const char *text)
{
	verdict_local(&c->ending.why, VERDICT_LATER, stage, 0, NULL, text);
	sc_over(c, trouble, true);
}

void
sc_say_quit(struct smtp_client *c)
{
	smtp_out_begin(&c->out, "QUIT");
	IGNORE(smtp_out_end(&c->out)); /* manners only */
}

void
sc_over_reply(struct smtp_client *c, enum sc_trouble trouble)
{
	smtp_reply_verdict(&c->reply, smtp_step_stage(sc_states[c->state].step),
	    &c->ending.why);
	sc_over(c, trouble, true);
	sc_say_quit(c);
}

enum smtp_step
sc_step_now(const struct smtp_client *c)
{
	return c->state == ST_READY ? smtp_pipeline_step(c->pipeline)
				    : sc_states[c->state].step;
}

void
sc_over_protocol(struct smtp_client *c, const char *text)
{
	sc_over_local(
	    c, SC_TROUBLE_PROTOCOL, smtp_step_stage(sc_step_now(c)), text);
}

void
sc_over_misfit(struct smtp_client *c)
{
	char text[VERDICT_TEXT_MAX];
	struct bytes said = smtp_reply_text(&c->reply);

	(void)snprintf(text, sizeof(text),
	    "the server said \"%d %.*s\", which answers no command",
	    c->reply.code, said.n < 200 ? (int)said.n : 200, said.p);
	sc_over_protocol(c, text);
}

void
sc_say(
    struct smtp_client *c, enum state state, const char *verb, const char *arg)
{
	bool ok;

	smtp_out_begin(&c->out, verb);
	if (arg != NULL) {
		smtp_out_add(&c->out, " ");
		smtp_out_add(&c->out, arg);
	}
	ok = smtp_out_end(&c->out);
	assert(ok); /* one command at a time: there is always room */
	(void)ok;
	c->state = state;
	c->time.since_ms = c->time.now_ms;
}

void
sc_become_ready(struct smtp_client *c)
{
	sc_forget_login(c);
	c->state = ST_READY;
	c->pending = SC_READY;
}
