/* SPDX-License-Identifier: GPL-3.0-or-later */
/* smtp_pipeline.h - the transactions under way on one connection, in order.
 *
 * The part of the client engine that begins once the login is done: it queues
 * commands as far ahead as the server allows, gives each reply to the command
 * it belongs to, and turns them into exact verdicts.
 *
 * 	[RSET] MAIL RCPT ... RCPT  BDAT size LAST + body         (RFC 3030)
 * 	[RSET] MAIL RCPT ... RCPT  DATA | 354 | body + dot       (RFC 5321)
 *
 * With PIPELINING (RFC 2920) everything up to the bar leaves at once, and the
 * next transaction follows the last byte of this one; without it, one command
 * waits for the reply to the one before.  RSET stands in front where the
 * server may still be inside an earlier transaction.  A large BDAT body waits
 * for the answers to its envelope: they cost one round trip, a refused body
 * would cost the whole transfer.
 *
 * The window is earned.  On a connection that is new, or was silent, one
 * transaction is in progress, and its body waits until the envelope is
 * answered: if the server falls silent then, it certainly does not have the
 * message.  Each answered transaction widens the window, the first by one, the
 * next by more, so a distant server is busy after three round trips.  If
 * another connection to it has earned the full window, the first reply is
 * enough, and the first body does not wait.
 *
 * After a late reply, bodies wait for their envelopes as well: then the newest
 * transaction can be taken back and sent over another connection.
 *
 * Replies come in the order of the commands and every transaction has a fixed
 * sequence of them, so two counters per transaction are enough, and memory does
 * not grow with the number of commands (R77).
 */
#ifndef SMTP_SMTP_PIPELINE_H
#define SMTP_SMTP_PIPELINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "mail/verdict.h"
#include "smtp/smtp_caps.h"
#include "smtp/smtp_client.h"
#include "smtp/smtp_out.h"
#include "smtp/smtp_reply.h"

/* What a reply is awaited for. */
enum smtp_step {
	SMTP_STEP_NONE = 0, /* for nothing */
	SMTP_STEP_GREETING,
	SMTP_STEP_EHLO,
	SMTP_STEP_HELO,
	SMTP_STEP_STARTTLS,
	SMTP_STEP_AUTH,
	SMTP_STEP_RSET,
	SMTP_STEP_MAIL,
	SMTP_STEP_RCPT,
	SMTP_STEP_DATA,
	SMTP_STEP_END,
	SMTP_STEP_QUIT,
	SMTP_STEP_COUNT
};

struct smtp_pipeline;

/* caps and out are borrowed; caps may change until the first transaction. */
struct smtp_pipeline *smtp_pipeline_new(const struct smtp_caps *caps,
    struct smtp_out *out, const struct smtp_client_opts *opts);
void smtp_pipeline_free(struct smtp_pipeline *p);

/* Sets the time for later calls; is_late: a reply is late. */
void smtp_pipeline_tick(struct smtp_pipeline *p, int64_t now_ms, bool is_late);
/* To be called after bytes of out were sent. */
void smtp_pipeline_sent(struct smtp_pipeline *p);
/* When the oldest unanswered command was sent, as far as known; INT64_MAX:
 * none. */
int64_t smtp_pipeline_waits_since(const struct smtp_pipeline *p);
/* The server was silent: the window must be earned again. */
void smtp_pipeline_was_silent(struct smtp_pipeline *p);
/* The connection was idle, so it is not known whether the server still answers:
 * one transaction goes first.  If the full window had been earned, its reply
 * opens it again. */
void smtp_pipeline_was_idle(struct smtp_pipeline *p);
/* See smtp_client_vouch(). */
void smtp_pipeline_vouch(struct smtp_pipeline *p);

/* True: MAIL was sent as often as the server allows in one session
 * (MAILMAX). */
bool smtp_pipeline_is_used_up(const struct smtp_pipeline *p);
/* True: another transaction may be added.  jobs_max: a further limit on the
 * transactions in progress. */
bool smtp_pipeline_may_add(const struct smtp_pipeline *p, size_t jobs_max);
/* True: the full window has been earned. */
bool smtp_pipeline_is_trusted(const struct smtp_pipeline *p);
/* True: the next answer will widen the window. */
bool smtp_pipeline_is_growing(const struct smtp_pipeline *p);
void smtp_pipeline_add(struct smtp_pipeline *p, const struct smtp_job *job);
bool smtp_pipeline_is_empty(const struct smtp_pipeline *p);

/* Queues the commands that may be sent now. */
void smtp_pipeline_produce(struct smtp_pipeline *p);

/* True: a body is owed, and there is room for a good piece of it. */
bool smtp_pipeline_wants_body(const struct smtp_pipeline *p, uint64_t *ret_tag);
size_t smtp_pipeline_body(struct smtp_pipeline *p, const void *bytes, size_t n);
/* Ends the newest transaction untried (VERDICT_NONE), if others are ahead of it
 * and at most its envelope was sent.  Its replies are awaited before another
 * transaction is added. */
void smtp_pipeline_take_back(struct smtp_pipeline *p);
/* Queues nothing more; the body that is owed stays incomplete. */
void smtp_pipeline_stop(struct smtp_pipeline *p);
/* After _stop(): true if every transaction but the broken one has ended. */
bool smtp_pipeline_has_settled(const struct smtp_pipeline *p);

enum smtp_pipeline_result {
	SMTP_PIPELINE_OK = 0,
	/* Understood, but the connection is unusable from now on;
	 * smtp_pipeline_trouble() may know why. */
	SMTP_PIPELINE_OVER,
	SMTP_PIPELINE_BAD /* the reply answers no command */
};
enum smtp_pipeline_result smtp_pipeline_reply(
    struct smtp_pipeline *p, const struct smtp_reply *r);

/* SC_TROUBLE_NONE, or why the session must end once every transaction that is
 * under way has had its end: SC_TROUBLE_BROKEN, _OFFER or _NAME, and the reply
 * that said so.  Nothing is added from then on. */
enum sc_trouble smtp_pipeline_trouble(
    const struct smtp_pipeline *p, struct verdict *ret);
/* The enum smtp_distrust of the options, and what was found since. */
unsigned smtp_pipeline_distrust(const struct smtp_pipeline *p);

/* See smtp_client_lost_bdat(). */
bool smtp_pipeline_lost_bdat(const struct smtp_pipeline *p);

/* The step whose reply is due now; SMTP_STEP_NONE while it is our turn. */
enum smtp_step smtp_pipeline_step(const struct smtp_pipeline *p);

/* The connection is over: ends every transaction with its own verdict if known,
 * else with this one.  The oldest has the stage it had reached, the others
 * STAGE_CONNECT.  may_be_taken: the server may have accepted a message without
 * a reply reaching us, so a message whose last byte was sent is uncertain. */
void smtp_pipeline_fail(
    struct smtp_pipeline *p, const struct verdict *why, bool may_be_taken);

/* SC_RCPT_DONE and SC_JOB_DONE, one at a time; SC_IDLE: none. */
enum sc_event smtp_pipeline_event(struct smtp_pipeline *p, struct sc_info *ret);

/* The stage of the conversation that a step belongs to. */
enum verdict_stage smtp_step_stage(enum smtp_step step);

#endif
