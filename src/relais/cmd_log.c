/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/intl.h"
#include "base/num.h"
#include "base/str.h"
#include "base/xalloc.h"
#include "mail/date.h"
#include "mail/date_parse.h"
#include "relais/relais.h"
#include "relais/relais_outcome.h"
#include "sys/clock_sys.h"
#include "sys/language.h"

enum { INDENT = 4, TEXT_MAX = 8192, STATE_WIDTH = 9 };

struct listing {
	struct relais *r;
	json_t *args;
	bool is_following;
	json_int_t last; /* so many alone; 0: all */
	json_t *kept; /* those, the newest first */
	size_t n;
};

/* --- printing ------------------------------------------------------------- */

static void
add_names(struct buf *to, const json_t *item)
{
	const char *sender = relais_string(item, "sender");
	const json_t *rcpts = json_object_get(item, "recipients");
	long long more = relais_number(item, "recipient_count") -
			 (long long)json_array_size(rcpts);
	const json_t *one;
	size_t i;

	IGNORE(str_escape(
	    to, bytes_str(*sender != '\0' ? sender : "<>"), TEXT_MAX));
	json_array_foreach(rcpts, i, one)
	{
		IGNORE(buf_adds(to, i == 0 ? " -> " : ", "));
		IGNORE(str_escape(
		    to, bytes_str(json_string_value(one)), TEXT_MAX));
	}
	if (more > 0)
		IGNORE(buf_addf(to, _(" and %lld more"), more));
	if (*relais_string(item, "node") != '\0') {
		IGNORE(buf_adds(to, "  ("));
		IGNORE(str_escape(
		    to, bytes_str(relais_string(item, "node")), TEXT_MAX));
		IGNORE(buf_adds(to, ")"));
	}
	if (*relais_string(item, "subject") != '\0') {
		IGNORE(buf_adds(to, "  \""));
		IGNORE(str_escape(
		    to, bytes_str(relais_string(item, "subject")), TEXT_MAX));
		IGNORE(buf_adds(to, "\""));
	}
}

static void
print_note(const struct relais *r, const char *text)
{
	if (*text == '\0')
		return;
	(void)printf("%*s", INDENT, "");
	relais_printf_wrapped(r, INDENT, "%s", text);
}

static void
print_entry(const struct relais *r, const json_t *item)
{
	const char *account = relais_string(item, "account");
	enum relais_colour colour = COLOUR_NONE;
	int64_t at_ms = relais_number(item, "time") * 1000;
	char date[DATE_TEXT_SIZE];
	char *word = relais_said(item, "state");
	size_t width = str_width(bytes_str(word));
	struct buf text;

	if (outcome_is_bad(item))
		colour = COLOUR_BAD;
	buf_init(&text, 1024 * 1024);
	(void)printf("%s  ",
	    date_iso(at_ms, clock_utc_offset_s(clock_sys(), at_ms), date));
	relais_print(r, colour, word);
	(void)printf(
	    "%*s", width < STATE_WIDTH ? (int)(STATE_WIDTH - width) : 0, "");
	free(word);
	IGNORE(
	    str_escape(&text, bytes_str(relais_string(item, "id")), TEXT_MAX));
	IGNORE(buf_adds(&text, "  "));
	IGNORE(str_escape(
	    &text, bytes_str(*account != '\0' ? account : "-"), TEXT_MAX));
	IGNORE(buf_adds(&text, "  "));
	add_names(&text, item);
	(void)printf("  %s\n", buf_str(&text));
	buf_reset(&text);
	if (outcome_is_bad(item)) {
		outcome_reply(item, &text);
		print_note(r, buf_str(&text));
		print_note(r, relais_string(item, "cause"));
		print_note(r, relais_string(item, "remedy"));
	}
	buf_clear(&text);
}

static void
print_item(const struct listing *l, const json_t *item)
{
	if (!relais_is_json(l->r)) {
		print_entry(l->r, item);
	} else if (!l->is_following) {
		relais_list_item(l->r, item);
		return;
	} else { /* a line each, for there is no end */
		(void)json_dumpf(item, stdout, JSON_COMPACT);
		(void)putchar('\n');
	}
	if (l->is_following)
		(void)fflush(stdout);
}

static void
on_item(void *ctx, json_t *item)
{
	struct listing *l = ctx;

	l->n++;
	if (l->last > 0)
		(void)json_array_append(l->kept, item);
	else
		print_item(l, item);
}

/* --- options -------------------------------------------------------------- */

static int
set_text(struct listing *l, const char *key, const char *value)
{
	(void)json_object_set_new(l->args, key, json_string(value));
	return json_object_get(l->args, key) != NULL
		   ? RELAIS_DONE
		   : relais_complain(
			 l->r, RELAIS_USAGE, "\"%s\" is not UTF-8", value);
}

static int
set_true(struct listing *l, const char *key, const char *value)
{
	(void)value;
	(void)json_object_set_new(l->args, key, json_true());
	return RELAIS_DONE;
}

static int
set_follow(struct listing *l, const char *key, const char *value)
{
	l->is_following = true;
	return set_true(l, key, value);
}

/* Of this machine's; a day on which the clocks change as well. */
static int64_t
begin_of_day(const struct clock *c, int64_t at_s)
{
	enum { DAY_S = 86400 };
	int32_t offset_s = clock_utc_offset_s(c, at_s * 1000);
	int64_t local_s = at_s + offset_s;

	local_s -= local_s % DAY_S;
	return local_s - clock_utc_offset_s(c, (local_s - offset_s) * 1000);
}

/* Without a zone it is that of this machine, at that time of the year. */
static bool
read_date(const struct clock *c, const char *text, int64_t *ret_s)
{
	int32_t offset_s = clock_utc_offset_s(c, clock_wall_ms(c)), said_s;
	int64_t ms = 0;

	for (int i = 0; i < 2; i++) {
		if (!date_parse(bytes_str(text), offset_s, &ms, &said_s))
			return false;
		offset_s = clock_utc_offset_s(c, ms);
	}
	*ret_s = ms / 1000;
	return true;
}

/* "10:30" of today. */
static bool
read_clock(const struct clock *c, const char *text, int64_t *ret_s)
{
	enum { DATE = sizeof("2026-11-29") - 1 };
	int64_t now_ms = clock_wall_ms(c);
	char today[DATE_TEXT_SIZE];
	char *both;
	bool ok;

	if (strchr(text, ':') == NULL || *text == ':' ||
	    strspn(text, "0123456789:") != strlen(text))
		return false;
	(void)date_iso(now_ms, clock_utc_offset_s(c, now_ms), today);
	both = xasprintf("%.*s %s", DATE, today, text);
	ok = read_date(c, both, ret_s);
	free(both);
	return ok;
}

static bool
read_span(const char *text, int64_t *ret_ms)
{
	char *english = language_duration_typed(xstrdup(text));
	bool ok = num_duration_ms(bytes_str(english), ret_ms);

	free(english);
	return ok;
}

/* "2h" ago, the beginning of a day, a time of today, or a date. */
static bool
read_moment(const char *value, int64_t *ret_s)
{
	const struct clock *c = clock_sys();
	int64_t now_s = clock_wall_ms(c) / 1000, ms;

	if (read_span(value, &ms))
		*ret_s = ms / 1000 < now_s ? now_s - ms / 1000 : 0;
	else if (strcmp(value, "today") == 0)
		*ret_s = begin_of_day(c, now_s);
	else if (strcmp(value, "yesterday") == 0)
		*ret_s = begin_of_day(c, begin_of_day(c, now_s) - 1);
	else
		return read_clock(c, value, ret_s) ||
		       read_date(c, value, ret_s);
	return true;
}

static int
set_since(struct listing *l, const char *key, const char *value)
{
	int64_t s;

	if (!read_moment(value, &s))
		return relais_complain(l->r, RELAIS_USAGE,
		    "\"%s\" is no time such as 2h, 7d, 10:30, yesterday "
		    "or 2026-11-28",
		    value);
	(void)json_object_set_new(l->args, key, json_integer(s));
	return RELAIS_DONE;
}

static int
set_last(struct listing *l, const char *key, const char *value)
{
	uint64_t n;

	if (!num_u64_max(bytes_str(value), INT32_MAX, &n) || n == 0)
		return relais_complain(l->r, RELAIS_USAGE,
		    "\"%s\" is no number of entries", value);
	l->last = (json_int_t)n;
	(void)json_object_set_new(l->args, key, json_integer(l->last));
	return set_true(l, "newest_first", NULL);
}

static const struct option {
	const char *name;
	const char *key; /* of the arguments of the verb */
	bool has_value;
	int (*set)(struct listing *l, const char *key, const char *value);
} options[] = {
	{ "--follow", "follow", false, set_follow },
	{ "--since", "since", true, set_since },
	{ "--to", "to", true, set_text },
	{ "--account", "account", true, set_text },
	{ "--failed", "failed", false, set_true },
	{ "--last", "limit", true, set_last },
};

static const struct option *
find_option(const char *word)
{
	for (size_t i = 0; i < sizeof(options) / sizeof(options[0]); i++)
		if (strcmp(word, options[i].name) == 0)
			return &options[i];
	return NULL;
}

static int
read_words(struct listing *l, int argc, char *const *argv)
{
	int status = RELAIS_DONE;

	for (int i = 0; i < argc && status == RELAIS_DONE; i++) {
		const struct option *o = find_option(argv[i]);

		if (o == NULL && argv[i][0] == '-')
			return relais_complain(
			    l->r, RELAIS_USAGE, "unknown option %s", argv[i]);
		if (o == NULL && json_object_get(l->args, "id") != NULL)
			return relais_complain(
			    l->r, RELAIS_USAGE, "takes one ID at most");
		if (o == NULL)
			status = set_text(l, "id", argv[i]);
		else if (!o->has_value)
			status = o->set(l, o->key, NULL);
		else if (++i < argc)
			status = o->set(l, o->key, argv[i]);
		else
			status = relais_complain(l->r, RELAIS_USAGE,
			    "%s wants a value", argv[i - 1]);
	}
	return status;
}

/* --- the verb ------------------------------------------------------------- */

static int
list(struct listing *l)
{
	json_t *result = NULL;
	int status;

	if (l->is_following)
		relais_be_patient(l->r, INT_MAX);
	status = relais_ask(
	    l->r, "log", json_incref(l->args), on_item, l, &result);
	for (size_t i = json_array_size(l->kept); i-- > 0;)
		print_item(l, json_array_get(l->kept, i));
	if (status == RELAIS_DONE && relais_is_json(l->r))
		relais_list_end(l->r);
	else if (status == RELAIS_DONE && l->n == 0)
		(void)puts(_("The history has no such message."));
	if (relais_number(result, "damaged") > 0)
		(void)relais_complain(l->r, RELAIS_DONE,
		    "%lld damaged lines of the history are left out",
		    relais_number(result, "damaged"));
	json_decref(result);
	return status;
}

static int
run_log(struct relais *r, int argc, char *const *argv)
{
	struct listing l = {
		.r = r, .args = json_object(), .kept = json_array()
	};
	int status = read_words(&l, argc, argv);

	if (status == RELAIS_DONE && l.is_following && l.last > 0)
		status = relais_complain(r, RELAIS_USAGE,
		    "--last and --follow do not go together; use --since");
	if (status == RELAIS_DONE)
		status = list(&l);
	json_decref(l.args);
	json_decref(l.kept);
	return status;
}

const struct relais_command cmd_log = {
	.name = "log",
	.args = N_("[--follow] [--since TIME] [--to ADDRESS] [--account NAME] "
		   "[--failed] [--last N] [ID]"),
	.help = N_("lists the messages that were delivered or have failed"),
	.details = N_(
	    "The oldest comes first.  Below one that has failed stand the "
	    "provider's answer, its cause and the remedy.\nADDRESS is a "
	    "recipient, a domain, or what is before the @; a * in it stands "
	    "for anything.\nTIME is a span such as 2h or 7d, a time of today "
	    "such as 10:30, today, yesterday, or a date such as 2026-11-28.\n"
	    "With --follow it goes "
	    "on with what comes from now on, or from TIME on; with --json "
	    "that is an object a line.\n"
	    "An ID may be cut to its last characters, as relais queue shows "
	    "it."),
	.run = run_log,
};
