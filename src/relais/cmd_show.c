/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/err.h"
#include "base/intl.h"
#include "base/num.h"
#include "base/str.h"
#include "base/xalloc.h"
#include "mail/date.h"
#include "mail/envelope.h"
#include "relais/relais.h"
#include "relais/relais_ids.h"
#include "relais/relais_outcome.h"
#include "sys/clock_sys.h"
#include "sys/said.h"

enum {
	LINE_MAX_SHOWN = 2000,
	LABEL = 11, /* columns of a label */
	TIME = sizeof("2026-08-21T14:03:05+02:00") /* and a blank */
};

static void
print_line(const struct relais *r, enum relais_colour colour, const char *label,
    struct bytes text)
{
	struct buf b;

	buf_init(&b, 4 * LINE_MAX_SHOWN + 4);
	IGNORE(str_escape(&b, text, LINE_MAX_SHOWN));
	if (*label != '\0')
		relais_print_label(_(label), LABEL);
	if (*label != '\0')
		relais_print_wrapped(r, colour, LABEL, buf_str(&b));
	else
		(void)puts(buf_str(&b));
	buf_clear(&b);
}

static void
print_text(const struct relais *r, const char *label, const char *text)
{
	if (*text != '\0')
		print_line(r, COLOUR_NONE, label, bytes_str(text));
}

/* Of a sentence in English. */
static void
print_said(const struct relais *r, const char *label, const char *english)
{
	char *text = said(english);

	print_text(r, label, text);
	free(text);
}

/* Text of several lines, each escaped by itself; tabs become blanks. */
static void
print_lines(const struct relais *r, const char *text)
{
	for (const char *p = text; *p != '\0';) {
		size_t n = strcspn(p, "\n");
		size_t shown = n > 0 && p[n - 1] == '\r' ? n - 1 : n;
		struct buf line;

		buf_init(&line, shown + 1);
		IGNORE(buf_add(&line, p, shown));
		for (size_t i = 0; i < shown; i++)
			if (p[i] == '\t')
				line.p[line.head + i] = ' ';
		print_line(r, COLOUR_NONE, "", buf_bytes(&line));
		buf_clear(&line);
		p += n + (p[n] == '\n');
	}
}

static void
print_rcpts(const struct relais *r, const json_t *rcpts)
{
	const json_t *one;
	size_t i;

	json_array_foreach(rcpts, i, one)
	{
		const char *state = relais_string(one, "state");

		print_text(
		    r, i == 0 ? N_("To:") : " ", relais_string(one, "address"));
		if (strcmp(state, "waiting") != 0)
			print_said(r, " ", state);
		print_said(r, " ", relais_string(one, "verdict"));
		print_said(r, N_("  Cause:"), relais_string(one, "cause"));
		print_said(r, N_("  Remedy:"), relais_string(one, "remedy"));
	}
}

static void
print_submitter(const struct relais *r, const json_t *m)
{
	struct buf b;

	buf_init(&b, 4096);
	if (relais_number(m, "uid") == UID_HIDDEN)
		IGNORE(buf_adds(&b, _("unknown local user, ")));
	else if (relais_number(m, "uid") != UID_UNKNOWN)
		IGNORE(buf_addf(&b, _("uid %lld %s, "), relais_number(m, "uid"),
		    relais_string(m, "user")));
	IGNORE(buf_addf(&b, _("from %s %s"), relais_string(m, "peer"),
	    relais_string(m, "helo")));
	print_line(r, COLOUR_NONE, N_("Submitted:"), buf_bytes(&b));
	buf_clear(&b);
}

static void
print_facts(const struct relais *r, const json_t *m)
{
	int64_t arrived_ms = relais_number(m, "arrived") * 1000;
	const json_t *next = json_object_get(m, "next_try");
	const char *sender = relais_string(m, "sender");
	char date[DATE_TEXT_SIZE], text[NUM_TEXT_SIZE];

	print_text(r, N_("ID:"), relais_string(m, "id"));
	print_said(r, N_("State:"), relais_string(m, "state"));
	print_said(r, N_("Reason:"), relais_string(m, "reason"));
	print_text(r, N_("Relay:"), relais_string(m, "node"));
	(void)snprintf(
	    text, sizeof(text), "%lld", relais_number(m, "attempts"));
	print_text(r, N_("Attempts:"), text);
	if (json_is_integer(next) && json_integer_value(next) > 0) {
		char *in = xasprintf(_("in %s"),
		    relais_duration(json_integer_value(next), text));

		print_text(r, N_("Next try:"), in);
		free(in);
	} else if (json_is_integer(next)) {
		print_text(r, N_("Next try:"), _("now"));
	}
	print_text(r, N_("Arrived:"),
	    date_iso(
		arrived_ms, clock_utc_offset_s(clock_sys(), arrived_ms), date));
	print_text(r, N_("Size:"),
	    num_size_text((uint64_t)relais_number(m, "size"), text));
	print_submitter(r, m);
	print_text(r, N_("Account:"), relais_string(m, "account"));
	print_text(r, N_("From:"), *sender != '\0' ? sender : "<>");
}

/* Each event with its time, in the zone of the reader. */
static void
print_history(const struct relais *r, const json_t *history)
{
	const json_t *one;
	size_t i;

	json_array_foreach(history, i, one)
	{
		int64_t at_ms = relais_number(one, "time") * 1000;
		char *text = relais_said(one, "text");
		char date[DATE_TEXT_SIZE];
		struct buf b;

		buf_init(&b, 4 * LINE_MAX_SHOWN + 4);
		IGNORE(str_escape(&b, bytes_str(text), LINE_MAX_SHOWN));
		(void)printf("%-*s", TIME,
		    date_iso(
			at_ms, clock_utc_offset_s(clock_sys(), at_ms), date));
		relais_print_wrapped(r, COLOUR_NONE, TIME, buf_str(&b));
		buf_clear(&b);
		free(text);
	}
	if (json_array_size(history) > 0)
		(void)putchar('\n');
}

/* The header of the message stands behind the journal and an empty line. */
static const char *
header_of(const char *text)
{
	const char *end = *text == '\n' ? text : strstr(text, "\n\n");

	if (end == NULL)
		return text;
	return end + (*text == '\n' ? 1 : 2);
}

static void
print_message(const struct relais *r, const json_t *m)
{
	print_facts(r, m);
	print_rcpts(r, json_object_get(m, "recipients"));
	(void)putchar('\n');
	print_history(r, json_object_get(m, "history"));
	print_lines(r, header_of(relais_string(m, "text")));
}

/* --- a message that has left the queue ------------------------------------ */

static void
print_date(const char *label, int64_t at_s)
{
	char date[DATE_TEXT_SIZE];

	relais_print_label(_(label), LABEL);
	(void)printf(
	    "%s\n", date_iso(at_s * 1000,
			clock_utc_offset_s(clock_sys(), at_s * 1000), date));
}

static void
print_outcome(const struct relais *r, const json_t *o)
{
	const char *sender = relais_string(o, "sender");
	const json_t *rcpts = json_object_get(o, "recipients"), *one;
	char text[NUM_TEXT_SIZE];
	struct buf reply;
	size_t i;

	print_text(r, N_("ID:"), relais_string(o, "id"));
	print_said(r, N_("State:"), relais_string(o, "state"));
	print_date(N_("Time:"), relais_number(o, "time"));
	print_text(r, N_("Relay:"), relais_string(o, "node"));
	(void)snprintf(
	    text, sizeof(text), "%lld", relais_number(o, "attempts"));
	print_text(r, N_("Attempts:"), text);
	print_date(N_("Arrived:"), relais_number(o, "arrived"));
	print_text(r, N_("Size:"),
	    num_size_text((uint64_t)relais_number(o, "size"), text));
	print_text(r, N_("User:"), relais_string(o, "user"));
	print_text(r, N_("Account:"), relais_string(o, "account"));
	print_text(r, N_("Subject:"), relais_string(o, "subject"));
	print_text(r, N_("From:"), *sender != '\0' ? sender : "<>");
	json_array_foreach(rcpts, i, one)
	    print_text(r, i == 0 ? N_("To:") : " ", json_string_value(one));
	buf_init(&reply, 8192);
	outcome_reply(o, &reply);
	print_said(r, N_("Answer:"), buf_str(&reply));
	buf_clear(&reply);
	print_text(r, N_("Known as:"), relais_string(o, "remote_id"));
	print_said(r, N_("Cause:"), relais_string(o, "cause"));
	print_said(r, N_("Remedy:"), relais_string(o, "remedy"));
}

static void
keep_outcome(void *ctx, json_t *item)
{
	(void)json_array_append(ctx, item);
}

/* Of one message; of those whose ids end like this it is the newest one. */
static int
show_outcomes(struct relais *r, const char *id, const char *why)
{
	json_t *all = json_array(), *own = json_array(), *o;
	int status = relais_ask(r, "log",
	    json_pack("{s:s, s:b}", "id", id, "newest_first", 1), keep_outcome,
	    all, NULL);
	const json_t *first = json_array_get(all, 0);
	size_t i;

	json_array_foreach(all, i, o)
	{
		if (strcmp(relais_string(o, "id"),
			relais_string(first, "id")) == 0)
			(void)json_array_insert(own, 0, o);
	}
	if (status == RELAIS_DONE && first == NULL) {
		status = relais_complain(r, RELAIS_FAILED, "%s", why);
	} else if (status == RELAIS_DONE && relais_is_json(r)) {
		o = json_pack("{s:s, s:s, s:O}", "id",
		    relais_string(first, "id"), "state",
		    relais_string(first, "state"), "outcomes", own);
		relais_print_json(o);
		json_decref(o);
	} else if (status == RELAIS_DONE) {
		json_array_foreach(own, i, o)
		{
			if (i > 0)
				(void)putchar('\n');
			print_outcome(r, o);
		}
	}
	json_decref(own);
	json_decref(all);
	return status;
}

static int
run_show(struct relais *r, int argc, char *const *argv)
{
	struct err err = { 0 };
	json_t *m = NULL;
	int status = RELAIS_DONE;
	char *id;

	if (argc != 1)
		return relais_complain(
		    r, RELAIS_USAGE, "expected the id of one message");
	id = relais_full_id(r, argv[0]);
	if (id == NULL)
		return RELAIS_FAILED;
	if (relais_call(r, "show", json_pack("{s:s}", "id", id), NULL, NULL, &m,
		&err) != 0) {
		status = RELAIS_FAILED;
		if (err.class == ERR_INPUT && strlen(id) >= SHORT_ID_LEAST)
			status = show_outcomes(r, id, err.text);
		else if (err.class != ERR_NONE)
			(void)relais_complain(r, status, "%s", err.text);
	} else if (relais_is_json(r)) {
		relais_print_json(m);
	} else {
		print_message(r, m);
	}
	free(id);
	json_decref(m);
	return status;
}

const struct relais_command cmd_show = {
	.name = "show",
	.args = N_("ID"),
	.help = N_("shows one message: who, when, every attempt, its header"),
	.details = N_("Of one that has left the queue it shows what relais log "
		      "knows.\n"
		      "An ID may be cut to its last characters, as relais "
		      "queue shows it."),
	.run = run_show,
};
