/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "sendmail/sendmail_args.h"

#include <string.h>

#include "base/str.h"

enum { ACCOUNT_MAX = 64 };

enum takes {
	TAKES_NOTHING,
	TAKES_VALUE, /* joined, or else the next word */
	TAKES_JOINED /* joined or none: "-q", "-q30m" */
};

struct option {
	char letter;
	enum takes takes;
	/* value is "" where none was given.  NULL: taken and ignored. */
	int (*set)(struct sendmail_args *a, const char *value, struct err *err);
};

static int
set_sender(struct sendmail_args *a, const char *value, struct err *err)
{
	(void)err;
	a->sender = value;
	return 0;
}

static int
set_full_name(struct sendmail_args *a, const char *value, struct err *err)
{
	(void)err;
	a->full_name = value;
	return 0;
}

static int
set_account(struct sendmail_args *a, const char *value, struct err *err)
{
	size_t n = strlen(value);

	for (const char *p = value; *p != '\0'; p++)
		if (*p <= ' ' || *p > '~' || *p == '+' || *p == '=')
			n = 0;
	if (n == 0 || n > ACCOUNT_MAX)
		return err_set(
		    err, ERR_INPUT, "-a needs the name of an account");
	a->account = value;
	return 0;
}

static int
set_ignores_dots(struct sendmail_args *a, const char *value, struct err *err)
{
	(void)value;
	(void)err;
	a->ignores_dots = true;
	return 0;
}

static int
set_header_rcpts(struct sendmail_args *a, const char *value, struct err *err)
{
	(void)value;
	(void)err;
	a->has_header_rcpts = true;
	return 0;
}

static int
set_verbose(struct sendmail_args *a, const char *value, struct err *err)
{
	(void)value;
	(void)err;
	a->is_verbose = true;
	return 0;
}

static int
set_aliases(struct sendmail_args *a, const char *value, struct err *err)
{
	(void)value;
	(void)err;
	a->action = SENDMAIL_ALIASES;
	return 0;
}

static int
set_flush(struct sendmail_args *a, const char *value, struct err *err)
{
	(void)value;
	(void)err;
	a->action = SENDMAIL_FLUSH;
	return 0;
}

/* -bX */
static int
set_action(struct sendmail_args *a, const char *value, struct err *err)
{
	static const struct {
		char letter;
		enum sendmail_action action;
	} rows[] = {
		{ 'm', SENDMAIL_SEND },
		{ 's', SENDMAIL_SMTP },
		{ 'v', SENDMAIL_VERIFY },
		{ 'p', SENDMAIL_MAILQ },
		{ 'i', SENDMAIL_ALIASES },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		if (value[0] == rows[i].letter && value[1] == '\0') {
			a->action = rows[i].action;
			return 0;
		}
	if (value[0] == 'd' || value[0] == 'D')
		return err_set(err, ERR_INPUT,
		    "-b%c: this sendmail is not a daemon; the service that "
		    "accepts and delivers mail is relaisd(8)",
		    value[0]);
	return err_set(err, ERR_INPUT,
	    "-b needs m, s, p, i or v; other modes are not supported");
}

/* -odX, and DeliveryMode. */
static int
set_delivery(struct sendmail_args *a, const char *value)
{
	static const enum sendmail_delivery by_letter[128] = {
		['b'] = SENDMAIL_DELIVERY_SAFE,
		['i'] = SENDMAIL_DELIVERY_VERDICT,
		['q'] = SENDMAIL_DELIVERY_QUEUE,
		['d'] = SENDMAIL_DELIVERY_QUEUE,
	};
	unsigned char c = (unsigned char)value[0];

	if (c < 128 && by_letter[c] != SENDMAIL_DELIVERY_UNSET)
		a->delivery = by_letter[c];
	return 0;
}

/* -oX and -oXVALUE: one letter and its value. */
static int
set_o(struct sendmail_args *a, const char *value, struct err *err)
{
	switch (value[0]) {
	case 'i':
		return set_ignores_dots(a, "", err);
	case 'd':
		return set_delivery(a, value + 1);
	case 'v':
		return set_verbose(a, "", err);
	default: /* -oem and the like: errors go to stderr in any case */
		return 0;
	}
}

/* -O Name=value: the long names of the three that matter. */
static int
set_long(struct sendmail_args *a, const char *value, struct err *err)
{
	const char *eq = strchr(value, '=');
	struct bytes name = bytes_of(
	    value, eq != NULL ? (size_t)(eq - value) : strlen(value));
	const char *to = eq != NULL ? eq + 1 : "";
	bool is_false = *to == 'f' || *to == 'F' || *to == '0';

	if (bytes_eq_nocase(name, "DeliveryMode"))
		return set_delivery(a, to);
	if (bytes_eq_nocase(name, "IgnoreDots") && !is_false)
		return set_ignores_dots(a, "", err);
	if (bytes_eq_nocase(name, "Verbose") && !is_false)
		return set_verbose(a, "", err);
	return 0;
}

/* One word of -N; 0: no such word. */
static unsigned
notify_of(struct bytes word)
{
	static const struct {
		const char *name;
		unsigned bit;
	} rows[] = {
		{ "never", DSN_NOTIFY_NEVER },
		{ "success", DSN_NOTIFY_SUCCESS },
		{ "failure", DSN_NOTIFY_FAILURE },
		{ "delay", DSN_NOTIFY_DELAY },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		if (bytes_eq_nocase(word, rows[i].name))
			return rows[i].bit;
	return 0;
}

/* RFC 3461 4.1: NEVER stands alone. */
static int
set_notify(struct sendmail_args *a, const char *value, struct err *err)
{
	unsigned all = 0;

	for (const char *p = value;; p++) {
		size_t n = strcspn(p, ",");
		unsigned bit = notify_of(bytes_trim(bytes_of(p, n)));

		if (bit == 0)
			return err_set(err, ERR_INPUT,
			    "-N needs never, or a list of success, failure and "
			    "delay");
		all |= bit;
		p += n;
		if (*p == '\0')
			break;
	}
	if ((all & DSN_NOTIFY_NEVER) != 0 && all != DSN_NOTIFY_NEVER)
		return err_set(
		    err, ERR_INPUT, "-N: never cannot be combined with others");
	a->notify = all;
	return 0;
}

static int
set_ret(struct sendmail_args *a, const char *value, struct err *err)
{
	if (str_eq_nocase(value, "full"))
		a->ret = DSN_RET_FULL;
	else if (str_eq_nocase(value, "hdrs"))
		a->ret = DSN_RET_HDRS;
	else
		return err_set(err, ERR_INPUT, "-R needs full or hdrs");
	return 0;
}

/* RFC 3461 4.4: at most 100 characters, printable. */
static int
set_envid(struct sendmail_args *a, const char *value, struct err *err)
{
	size_t n = strlen(value);

	for (const char *p = value; *p != '\0'; p++)
		if (*p < ' ' || *p > '~')
			n = 0;
	if (n == 0 || n > 100)
		return err_set(err, ERR_INPUT,
		    "-V needs an envelope id of at most 100 printable ASCII "
		    "characters");
	a->envid = value;
	return 0;
}

/* Every letter that is not unknown.  Those with a value must be here even when
 * they are ignored: else their value would be taken for an address. */
static const struct option options[] = {
	{ 'A', TAKES_VALUE, NULL }, /* -Ac, -Am: which sendmail.cf */
	{ 'B', TAKES_VALUE, NULL }, /* 8-bit content is seen, not declared */
	{ 'C', TAKES_VALUE, NULL }, /* another configuration: never (R17) */
	{ 'D', TAKES_VALUE, NULL }, /* debug output to a file: never (R17) */
	{ 'F', TAKES_VALUE, set_full_name },
	{ 'G', TAKES_NOTHING, NULL }, /* relaying, no repairs */
	{ 'I', TAKES_NOTHING, set_aliases },
	{ 'L', TAKES_VALUE, NULL }, /* syslog tag */
	{ 'M', TAKES_VALUE, NULL }, /* macro */
	{ 'N', TAKES_VALUE, set_notify },
	{ 'O', TAKES_VALUE, set_long },
	{ 'R', TAKES_VALUE, set_ret },
	{ 'T', TAKES_NOTHING, NULL },
	{ 'U', TAKES_NOTHING, NULL }, /* first submission */
	{ 'V', TAKES_VALUE, set_envid },
	{ 'X', TAKES_VALUE, NULL }, /* traffic log to a file: never (R17) */
	{ 'a', TAKES_VALUE, set_account },
	{ 'b', TAKES_VALUE, set_action },
	{ 'd', TAKES_JOINED, NULL }, /* debugging */
	{ 'e', TAKES_JOINED, NULL }, /* how to report errors */
	{ 'f', TAKES_VALUE, set_sender },
	{ 'h', TAKES_VALUE, NULL }, /* hop count: Received is counted */
	{ 'i', TAKES_NOTHING, set_ignores_dots },
	{ 'm', TAKES_NOTHING, NULL }, /* me too */
	{ 'n', TAKES_NOTHING, NULL }, /* no aliases */
	{ 'o', TAKES_VALUE, set_o },
	{ 'p', TAKES_VALUE, NULL }, /* protocol it came by */
	{ 'q', TAKES_JOINED, set_flush },
	{ 'r', TAKES_VALUE, set_sender },
	{ 's', TAKES_NOTHING, NULL },
	{ 't', TAKES_NOTHING, set_header_rcpts },
	{ 'v', TAKES_NOTHING, set_verbose },
	{ 'x', TAKES_NOTHING, NULL },
};

static const struct option *
option_find(char letter)
{
	for (size_t i = 0; i < sizeof(options) / sizeof(options[0]); i++)
		if (options[i].letter == letter)
			return &options[i];
	return NULL;
}

static void
note_ignored(struct sendmail_args *a, char letter)
{
	size_t n = strlen(a->ignored);

	if (letter < '!' || letter > '~' || strchr(a->ignored, letter) != NULL)
		return;
	if (n + 1 < sizeof(a->ignored)) {
		a->ignored[n] = letter;
		a->ignored[n + 1] = '\0';
	}
}

static int
option_apply(struct sendmail_args *a, const struct option *o, const char *value,
    struct err *err)
{
	if (value == NULL && o->set != NULL)
		return err_set(err, ERR_INPUT, "-%c needs a value", o->letter);
	if (value != NULL && strlen(value) > SENDMAIL_VALUE_MAX)
		return err_set(err, ERR_INPUT,
		    "the value of -%c is longer than %d bytes", o->letter,
		    SENDMAIL_VALUE_MAX);
	if (o->set == NULL) {
		note_ignored(a, o->letter);
		return 0;
	}
	return o->set(a, value, err);
}

/* One word of options.  next is the word behind it, or NULL; *ret_took_next
 * says whether it was this word's value. */
static int
word_parse(struct sendmail_args *a, const char *word, const char *next,
    bool *ret_took_next, struct err *err)
{
	for (const char *p = word + 1; *p != '\0'; p++) {
		const struct option *o = option_find(*p);
		const char *value = "";

		if (o == NULL) {
			note_ignored(a, *p);
			return 0;
		}
		if (o->takes == TAKES_JOINED ||
		    (o->takes == TAKES_VALUE && p[1] != '\0'))
			value = p + 1;
		else if (o->takes == TAKES_VALUE) {
			value = next;
			*ret_took_next = next != NULL;
		}
		if (option_apply(a, o, value, err) != 0)
			return -1;
		if (o->takes != TAKES_NOTHING)
			return 0;
	}
	return 0;
}

/* R19: what an attacker may stuff into the arguments has a size. */
static int
check_sizes(int argc, char *const *argv, struct err *err)
{
	size_t sum = 0;

	for (int i = 0; i < argc; i++) {
		size_t n = strlen(argv[i]);

		if (n > SENDMAIL_ADDR_MAX)
			return err_set(err, ERR_INPUT,
			    "argument %d is longer than %d bytes", i,
			    SENDMAIL_ADDR_MAX);
		sum += n;
	}
	if (sum > SENDMAIL_ARGV_MAX)
		return err_set(err, ERR_INPUT,
		    "the arguments are longer than %d bytes in total",
		    SENDMAIL_ARGV_MAX);
	return 0;
}

static enum sendmail_action
action_of_name(const char *argv0)
{
	const char *slash = strrchr(argv0, '/');
	const char *name = slash != NULL ? slash + 1 : argv0;

	if (strcmp(name, "mailq") == 0)
		return SENDMAIL_MAILQ;
	if (strcmp(name, "newaliases") == 0)
		return SENDMAIL_ALIASES;
	return SENDMAIL_SEND;
}

int
sendmail_args_parse(
    int argc, char *const *argv, struct sendmail_args *ret, struct err *err)
{
	struct sendmail_args a = { 0 };
	int i;

	if (argc < 1) /* execve() with an empty argv */
		argc = 0;
	if (check_sizes(argc, argv, err) != 0)
		return -1;
	a.action = action_of_name(argc > 0 ? argv[0] : "sendmail");
	for (i = 1; i < argc; i++) {
		bool took_next = false;

		if (argv[i][0] != '-' || argv[i][1] == '\0')
			break;
		if (strcmp(argv[i], "--") == 0) {
			i++;
			break;
		}
		if (strcmp(argv[i], "--help") == 0)
			a.action = SENDMAIL_HELP;
		else if (strcmp(argv[i], "--version") == 0)
			a.action = SENDMAIL_VERSION;
		else if (word_parse(&a, argv[i],
			     i + 1 < argc ? argv[i + 1] : NULL, &took_next,
			     err) != 0)
			return -1;
		i += took_next;
	}
	if (i < argc) {
		a.addrs = argv + i;
		a.naddrs = (size_t)(argc - i);
	}
	*ret = a;
	return 0;
}
