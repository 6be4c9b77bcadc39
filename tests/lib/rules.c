/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tests/lib/rules.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

#include "base/num.h"
#include "base/str.h"
#include "base/xalloc.h"
#include "mail/addr.h"
#include "mail/addr_list.h"
#include "mail/header.h"

enum { RULES_MAX = 40, COLUMN_MAX = 48 };

struct subject;

struct rule {
	enum stage said;
	char about[COLUMN_MAX]; /* ehlo, sender, recipient, or a field */
	char check[COLUMN_MAX];
	bool (*is_good)(const struct rules *r, const struct subject *s);
	size_t limit; /* of "at-most" */
	int code;
	char enhanced[16];
	char text[400]; /* {}: the culprit, {user}: the owner, |: a new line */
};

struct rules {
	const char *owner;
	char *hidden;
	struct rule v[RULES_MAX];
	size_t n;
	struct fault fault;
	char name[2 * COLUMN_MAX];
	char culprit[ADDR_MAX + 1];
};

/* --- the checks ----------------------------------------------------------- */

/* What a rule is held against: one address or name, or a field. */
struct subject {
	const struct rule *rule;
	const char *text; /* "": the null sender, or an empty field */
	size_t count; /* of fields, of addresses in them, or of recipients */
};

static struct bytes
text_of(const struct subject *s)
{
	return bytes_str(s->text);
}

static bool
is_not_null(const struct rules *r, const struct subject *s)
{
	(void)r;
	return s->text[0] != '\0';
}

static bool
is_own(const struct rules *r, const struct subject *s)
{
	return s->text[0] == '\0' || addr_eq(text_of(s), bytes_str(r->owner));
}

static bool
is_own_domain(const struct rules *r, const struct subject *s)
{
	return s->text[0] == '\0' || addr_domain_eq(addr_domain(text_of(s)),
					 addr_domain(bytes_str(r->owner)));
}

/* A host name with a dot or an address literal; of an address, its domain. */
static bool
is_qualified(const struct rules *r, const struct subject *s)
{
	struct bytes name = text_of(s);

	(void)r;
	if (s->text[0] == '\0')
		return true;
	if (strcmp(s->rule->about, "ehlo") != 0)
		name = addr_domain(name);
	return addr_domain_is_literal(name) || addr_domain_is_public(name);
}

static bool
is_at_most(const struct rules *r, const struct subject *s)
{
	(void)r;
	return s->count <= s->rule->limit;
}

static bool
is_present(const struct rules *r, const struct subject *s)
{
	(void)r;
	return s->count > 0;
}

static bool
is_ascii(const struct rules *r, const struct subject *s)
{
	(void)r;
	return str_is_ascii(text_of(s));
}

static const struct check {
	const char *name;
	bool (*is_good)(const struct rules *r, const struct subject *s);
	/* Of a field: the fields of this name are counted, or the addresses in
	 * them, or each address is looked at, or each field as it is
	 * written. */
	enum { EACH_ADDRESS, ADDRESSES, FIELDS, EACH_FIELD } of;
} checks[] = {
	{ "not-null", is_not_null, EACH_ADDRESS },
	{ "own", is_own, EACH_ADDRESS },
	{ "own-domain", is_own_domain, EACH_ADDRESS },
	{ "qualified", is_qualified, EACH_ADDRESS },
	{ "at-most", is_at_most, ADDRESSES },
	{ "present", is_present, ADDRESSES },
	{ "there", is_present, FIELDS },
	{ "once", is_at_most, FIELDS },
	{ "ascii", is_ascii, EACH_FIELD },
};

static const struct check *
find_check(const char *name)
{
	for (size_t i = 0; i < sizeof(checks) / sizeof(checks[0]); i++)
		if (strcmp(checks[i].name, name) == 0)
			return &checks[i];
	return NULL;
}

/* --- the file ------------------------------------------------------------- */

static _Noreturn void
die(const char *file, int line, const char *what)
{
	(void)fprintf(stderr, "provider: %s:%d: %s\n", file, line, what);
	exit(EX_DATAERR);
}

/* The next word, cut off; the rest at *line. */
static char *
word(char **line)
{
	char *w = *line + strspn(*line, " \t"), *end = w + strcspn(w, " \t");

	*line = end;
	if (*end != '\0') {
		*end = '\0';
		*line = end + 1 + strspn(end + 1, " \t");
	}
	return w;
}

static bool
copy(char *to, size_t room, const char *from)
{
	return from[0] != '\0' && str_copy(to, room, bytes_str(from));
}

static bool
is_enhanced(const char *w)
{
	return strchr("245", w[0]) != NULL && w[1] == '.' &&
	       w[strspn(w, "0123456789.")] == '\0';
}

/* "550 5.7.1 words" */
static bool
parse_reply(struct rule *rule, char *line)
{
	uint64_t code;
	char *w = word(&line), *before = line;

	if (!num_u64_max(bytes_str(w), 599, &code) || code < 200)
		return false;
	rule->code = (int)code;
	before = xstrdup(line);
	w = word(&line);
	if (is_enhanced(w))
		IGNORE(!copy(rule->enhanced, sizeof(rule->enhanced), w));
	else
		line = before;
	if (!copy(rule->text, sizeof(rule->text), line))
		line = NULL;
	free(before);
	return line != NULL;
}

static bool
parse_rule(struct rule *rule, char *line)
{
	static const struct {
		const char *word;
		enum stage stage;
	} stages[] = { { "ehlo", AT_EHLO }, { "mail", AT_MAIL },
		{ "rcpt", AT_RCPT }, { "end", AT_END } };
	const char *said = word(&line);
	const struct check *check;
	char *number;
	uint64_t limit = 1; /* "once" */

	rule->said = AT_COUNT;
	for (size_t i = 0; i < sizeof(stages) / sizeof(stages[0]); i++)
		if (strcmp(said, stages[i].word) == 0)
			rule->said = stages[i].stage;
	if (rule->said == AT_COUNT ||
	    !copy(rule->about, sizeof(rule->about), word(&line)) ||
	    !copy(rule->check, sizeof(rule->check), word(&line)))
		return false;
	if ((number = strchr(rule->check, ':')) != NULL) {
		*number++ = '\0';
		if (!num_u64(bytes_str(number), &limit))
			return false;
	}
	rule->limit = (size_t)limit;
	check = find_check(rule->check);
	if (check == NULL)
		return false;
	rule->is_good = check->is_good;
	return parse_reply(rule, line);
}

static void
parse_line(
    struct rules *r, const char *provider, const char *file, int no, char *line)
{
	line[strcspn(line, "\n")] = '\0';
	if (line[0] == '#' || line[0] == '\0' ||
	    strcmp(word(&line), provider) != 0)
		return;
	if (strncmp(line, "hides ", 6) == 0) {
		free(r->hidden);
		r->hidden = xstrdup(line + 6);
	} else if (r->n == RULES_MAX || !parse_rule(&r->v[r->n++], line)) {
		die(file, no, "not understood");
	}
}

struct rules *
rules_load(const char *file, const char *provider, const char *owner)
{
	struct rules *r = xcalloc(1, sizeof(*r));
	FILE *f = fopen(file, "re");
	char *line = NULL;
	size_t room = 0;
	int no = 0;

	if (f == NULL)
		die(file, 0, "cannot be read");
	r->owner = owner;
	while (getline(&line, &room, f) >= 0)
		parse_line(r, provider, file, ++no, line);
	free(line);
	(void)fclose(f);
	if (r->n == 0)
		die(file, 0, "no such provider");
	return r;
}

void
rules_free(struct rules *r)
{
	if (r == NULL)
		return;
	free(r->hidden);
	free(r);
}

const char *
rules_hidden(const struct rules *r)
{
	return r->hidden;
}

/* --- the questions -------------------------------------------------------- */

const char *
rules_name(const struct rules *r)
{
	return r->name;
}

const char *
rules_culprit(const struct rules *r)
{
	return r->culprit;
}

/* The words of the reply, with the names put in. */
static void
fill_in(const struct rules *r, const char *text, struct buf *to)
{
	while (*text != '\0') {
		if (strncmp(text, "{}", 2) == 0) {
			IGNORE(buf_adds(to, r->culprit));
			text += 2;
		} else if (strncmp(text, "{user}", 6) == 0) {
			IGNORE(buf_adds(to, r->owner));
			text += 6;
		} else {
			IGNORE(buf_addc(to, *text == '|' ? '\n' : *text));
			text++;
		}
	}
}

/* Makes r->fault of it if the rule does not hold. */
static bool
holds(struct rules *r, const struct subject *s)
{
	const struct rule *rule = s->rule;
	struct buf text;

	if (rule->is_good(r, s))
		return true;
	(void)snprintf(r->culprit, sizeof(r->culprit), "%s", s->text);
	(void)snprintf(
	    r->name, sizeof(r->name), "%s %s", rule->about, rule->check);
	r->fault = (struct fault) {
		.stage = rule->said, .kind = FAULT_FAIL, .code = rule->code
	};
	memcpy(r->fault.enhanced, rule->enhanced, sizeof(rule->enhanced));
	buf_init(&text, sizeof(r->fault.text) - 1);
	fill_in(r, rule->text, &text);
	(void)snprintf(
	    r->fault.text, sizeof(r->fault.text), "%s", buf_str(&text));
	buf_clear(&text);
	return false;
}

/* All addresses of one field. */
static bool
field_holds(struct rules *r, struct subject *s, struct bytes body)
{
	struct addr_list l;
	bool ok = true;

	addr_list_parse(&l, body);
	s->count += l.n;
	for (size_t i = 0;
	     ok && i < l.n && find_check(s->rule->check)->of == EACH_ADDRESS;
	     i++) {
		s->text = l.items[i].addr;
		ok = holds(r, s);
	}
	s->text = "";
	addr_list_clear(&l);
	return ok;
}

static bool
text_holds(struct rules *r, struct subject *s, struct bytes body)
{
	char *text = xstrndup(body.p, body.n);
	bool ok;

	s->text = text;
	ok = holds(r, s);
	s->text = "";
	free(text);
	return ok;
}

static bool
fields_hold(struct rules *r, const struct rule *rule, const struct header *h)
{
	const struct check *check = find_check(rule->check);
	struct subject s = { .rule = rule, .text = "" };
	size_t fields = 0;

	for (size_t i = header_find(h, rule->about, 0); i != HEADER_NONE;
	     i = header_find(h, rule->about, i + 1)) {
		struct bytes body = header_at(h, i).body;

		fields++;
		if (check->of == EACH_FIELD ? !text_holds(r, &s, body)
					    : !field_holds(r, &s, body))
			return false;
	}
	if (check->of == FIELDS)
		s.count = fields;
	return check->of == EACH_ADDRESS || check->of == EACH_FIELD ||
	       holds(r, &s);
}

static bool
rule_holds(struct rules *r, const struct rule *rule, const struct rules_case *c)
{
	struct subject s = { .rule = rule, .count = c->nrcpts };

	if (strcmp(rule->about, "ehlo") == 0)
		s.text = c->ehlo;
	else if (strcmp(rule->about, "sender") == 0)
		s.text = c->sender;
	else if (strcmp(rule->about, "recipient") == 0)
		s.text = c->rcpt;
	else
		return c->header == NULL || fields_hold(r, rule, c->header);
	return s.text == NULL || holds(r, &s);
}

const struct fault *
rules_broken(struct rules *r, const struct rules_case *c)
{
	for (size_t i = 0; i < r->n; i++)
		if (r->v[i].said == c->stage && !rule_holds(r, &r->v[i], c))
			return &r->fault;
	return NULL;
}
