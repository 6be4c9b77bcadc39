/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "conf/conf_read.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <ini.h>

#include "base/str.h"
#include "base/xalloc.h"
#include "conf/conf_vars.h"
#include "cred/cred_file.h"
#include "sys/files.h"

enum {
	FILE_MAX = 4 * 1024 * 1024,
	WORD_MAX = 49, /* inih cuts the name of a longer section */
	SHOWN_MAX = 80 /* of a value in a sentence */
};

struct reading {
	struct conf_raw *raw;
	struct conf_problems *problems;
	const struct conf_vars *vars; /* or NULL */
	const char *next, *end; /* the file, line by line */
	int line;
	struct bytes text; /* the line inih has now, without its end */
	bool is_cut; /* the rest of it is too long for inih */
	bool is_key; /* inih should know it as a key */
	bool is_lost; /* in an unknown section: skip its keys */
	size_t section; /* index + 1 into raw->v, 0: none yet */
};

/* --- problems ------------------------------------------------------------- */

void
conf_problem_add(struct conf_problems *p, const char *file, int line,
    const char *what, const char *why, ...)
{
	struct conf_problem *to;
	struct buf b;
	va_list ap;

	buf_init(&b, 4096);
	if (line > 0)
		IGNORE(buf_addf(&b, "%s, line %d of %s: ", what, line, file));
	else
		IGNORE(buf_addf(&b, "%s: ", what != NULL ? what : file));
	va_start(ap, why);
	IGNORE(buf_vaddf(&b, why, ap));
	va_end(ap);

	p->v = xrealloc(p->v, p->n + 1, sizeof(*p->v));
	to = &p->v[p->n++];
	to->file = xstrdup(file);
	to->line = line;
	to->text = buf_steal(&b);
}

void
conf_problems_clear(struct conf_problems *p)
{
	for (size_t i = 0; i < p->n; i++) {
		free(p->v[i].file);
		free(p->v[i].text);
	}
	free(p->v);
	*p = (struct conf_problems) { NULL, 0 };
}

void
conf_problems_name(
    struct conf_problems *p, size_t first, const struct conf_vars *vars)
{
	for (size_t i = first; i < p->n && vars != NULL; i++)
		if (p->v[i].line < 0) {
			char *text = xasprintf("%s: %s",
			    vars->v[-p->v[i].line - 1].name, p->v[i].text);

			free(p->v[i].text);
			p->v[i].text = text;
		}
}

/* Shows some bytes of the file in a sentence; the caller frees. */
static char *
shown(const char *before, struct bytes text, const char *after)
{
	struct buf b;

	buf_init(&b, 4 * SHOWN_MAX + 200);
	IGNORE(buf_adds(&b, before));
	IGNORE(str_escape(&b, text, SHOWN_MAX));
	IGNORE(buf_adds(&b, after));
	return buf_steal(&b);
}

/* what is freed. */
#define PROBLEM(rd, what, ...)                                                 \
	do {                                                                   \
		char *what_ = (what);                                          \
		conf_problem_add((rd)->problems, (rd)->raw->file, (rd)->line,  \
		    what_, __VA_ARGS__);                                       \
		free(what_);                                                   \
	} while (0)

/* --- sections ------------------------------------------------------------- */

const struct conf_section *
conf_raw_find(
    const struct conf_raw *r, enum setting_section kind, const char *name)
{
	for (size_t i = 0; i < r->n; i++) {
		const struct conf_section *s = &r->v[i];

		if (s->kind == kind &&
		    (name == NULL || strcmp(s->name, name) == 0))
			return s;
	}
	return NULL;
}

const struct conf_value *
conf_section_get(const struct conf_section *s, const char *name)
{
	const struct setting *st;

	if (s == NULL)
		return NULL;
	st = setting_find(s->kind, name);
	if (st == NULL || s->values[st - settings].line == 0)
		return NULL;
	return &s->values[st - settings];
}

void
conf_section_store(const struct conf_section *s, const char *home, void *base)
{
	if (s == NULL)
		return;
	for (size_t i = 0; i < nsettings; i++)
		if (settings[i].section == s->kind && s->values[i].line != 0)
			setting_store(
			    &settings[i], s->values[i].text, home, base);
}

static bool
is_name(const char *s)
{
	return strcmp(s, "*") == 0 ||
	       (s[0] != '\0' &&
		   s[strspn(s, "abcdefghijklmnopqrstuvwxyz"
			       "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-@+")] ==
		       '\0');
}

static void
open_section(struct reading *rd, enum setting_section kind, const char *name)
{
	const struct conf_section *old = conf_raw_find(rd->raw, kind, name);
	struct conf_section *s;

	if (old != NULL) {
		PROBLEM(rd, xasprintf("duplicate section %s", old->title),
		    "first defined on line %d", old->line);
		rd->is_lost = true;
		return;
	}
	rd->raw->v = xrealloc(rd->raw->v, rd->raw->n + 1, sizeof(*rd->raw->v));
	s = &rd->raw->v[rd->raw->n++];
	s->kind = kind;
	s->name = xstrdup(name);
	s->title = xasprintf("[%s%s%s]", setting_section_name(kind),
	    name != NULL ? " " : "", name != NULL ? name : "");
	s->line = rd->line;
	s->values = xcalloc(nsettings, sizeof(*s->values));
	rd->section = rd->raw->n;
}

static void
unknown_section(struct reading *rd, const char *kind, const char *name)
{
	static const char *const kinds[] = { "relais", "listen", "account",
		NULL };
	const char *near = setting_nearest_word(kinds, kind);
	char *all = xasprintf("%s%s%s", kind, name[0] ? " " : "", name);

	rd->is_lost = true;
	if (near != NULL && strcmp(near, "relais") == 0)
		PROBLEM(rd, shown("unknown section [", bytes_str(all), "]"),
		    "did you mean [relais]?");
	else if (near != NULL)
		PROBLEM(rd, shown("unknown section [", bytes_str(all), "]"),
		    "did you mean [%s %s]?", near,
		    is_name(name) ? name : "NAME");
	else
		PROBLEM(rd, shown("unknown section [", bytes_str(all), "]"),
		    "expected [relais], [listen NAME] or [account NAME]");
	free(all);
}

/* The text between the brackets. */
static void
enter_section(struct reading *rd, struct bytes section)
{
	struct bytes all = bytes_trim(section);
	char *text = xstrndup(all.p, all.n);
	size_t n = strcspn(text, " \t");
	char *kind = xstrndup(text, n);
	const char *name = text + n + strspn(text + n, " \t");

	rd->section = 0;
	rd->is_lost = false;
	if (strcmp(kind, "relais") == 0 && name[0] == '\0') {
		open_section(rd, SETTING_RELAIS, NULL);
	} else if (strcmp(kind, "listen") != 0 &&
		   strcmp(kind, "account") != 0) {
		unknown_section(rd, kind, name);
	} else if (!is_name(name)) {
		rd->is_lost = true;
		PROBLEM(rd, shown("[", section, "]"),
		    "expected a name of letters, digits and . _ - @ +, such "
		    "as [%s work]",
		    kind);
	} else {
		open_section(rd,
		    kind[0] == 'l' ? SETTING_LISTEN : SETTING_ACCOUNT, name);
	}
	free(kind);
	free(text);
}

/* --- keys ----------------------------------------------------------------- */

static void
unknown_key(struct reading *rd, const struct conf_section *s, const char *name)
{
	const struct setting *near = setting_nearest(s->kind, name);
	struct bytes b = bytes_str(name);
	char *in = xasprintf("\" in %s", s->title);
	char *what = shown("unknown key \"", b, in);

	free(in);
	for (int k = 0; k < SETTING_SECTIONS; k++)
		if (k != (int)s->kind &&
		    setting_find((enum setting_section)k, name) != NULL) {
			PROBLEM(rd, what,
			    "this key belongs in a section [%s%s]",
			    setting_section_name((enum setting_section)k),
			    k != SETTING_RELAIS ? " NAME" : "");
			return;
		}
	if (near != NULL)
		PROBLEM(rd, what, "did you mean \"%s\"?", near->name);
	else
		PROBLEM(rd, what, "no such setting");
}

/* A secret and a text are the whole rest of the line, and inih takes "; " for
 * the start of a comment. */
static struct bytes
whole_value(const struct reading *rd)
{
	struct bytes v = rd->text;
	size_t n = 0;

	while (n < v.n && v.p[n] != '=' && v.p[n] != ':')
		n++;
	if (n == v.n) /* inih has found a key where we see none */
		return bytes_of(v.p, 0);
	v = bytes_of(v.p + n + 1, v.n - n - 1);
	while (v.n > 0 && (v.p[0] == ' ' || v.p[0] == '\t'))
		v = bytes_of(v.p + 1, v.n - 1);
	return v;
}

static struct bytes
without_comment(struct bytes v)
{
	for (size_t i = 0; i < v.n; i++)
		if ((v.p[i] == '#' || v.p[i] == ';') &&
		    (i == 0 || v.p[i - 1] == ' ' || v.p[i - 1] == '\t'))
			v.n = i;
	return v;
}

/* NULL: it is too long. */
static void
set_secret(struct reading *rd, const struct conf_section *s,
    const struct setting *st, const struct secret *secret)
{
	struct conf_value *to = &s->values[st - settings];
	char *what = xasprintf("%s in %s", st->name, s->title);

	if (secret == NULL) {
		PROBLEM(rd, what, "longer than %d bytes", (int)SECRET_MAX);
	} else if (secret_bytes(secret).n == 0) {
		PROBLEM(rd, what, "expected a value");
	} else {
		to->secret = secret_dup(secret);
		to->line = rd->line;
		free(what);
	}
}

/* No control character may reach a server, a log or a terminal. */
static bool
has_control(struct bytes v)
{
	for (size_t i = 0; i < v.n; i++)
		if (((unsigned char)v.p[i] < 0x20 && v.p[i] != '\t') ||
		    v.p[i] == 0x7f)
			return true;
	return false;
}

static void
set_text(struct reading *rd, const struct conf_section *s,
    const struct setting *st, struct bytes v)
{
	struct conf_value *to = &s->values[st - settings];
	char *text = xstrndup(v.p, v.n);
	bool is_good = false;
	struct buf why;

	buf_init(&why, 400);
	if (has_control(v))
		IGNORE(buf_adds(&why, "it contains a control character"));
	else
		is_good = setting_check(st, text, &why);
	if (!is_good) {
		char *before = xasprintf("%s = \"", st->name);
		char *after = xasprintf("\" in %s", s->title);

		PROBLEM(rd, shown(before, v, after), "%s", buf_str(&why));
		free(before);
		free(after);
	} else if (to->line != 0) { /* a list: several lines add up */
		char *both = xasprintf("%s %s", to->text, text);

		free(to->text);
		to->text = both;
	} else {
		to->line = rd->line;
		to->text = text;
		text = NULL;
	}
	free(text);
	buf_clear(&why);
}

static void
set_key(struct reading *rd, const char *name, const char *value)
{
	struct secret *secret;
	const struct conf_section *s;
	const struct setting *st;
	const struct conf_value *old;
	struct bytes v;

	if (rd->is_lost)
		return;
	if (rd->section == 0) {
		PROBLEM(rd, shown("\"", bytes_str(name), "\""),
		    "key before the first section; put [relais] above it");
		rd->is_lost = true;
		return;
	}
	s = &rd->raw->v[rd->section - 1];
	if ((st = setting_find(s->kind, name)) == NULL) {
		unknown_key(rd, s, name);
		return;
	}
	old = &s->values[st - settings];
	if (old->line > 0 && st->type != SETTING_LIST) {
		PROBLEM(rd, xasprintf("%s in %s", name, s->title),
		    "already set on line %d", old->line);
		return;
	}
	v = whole_value(rd);
	if (st->type == SETTING_SECRET) {
		secret = secret_new(v);
		set_secret(rd, s, st, secret);
		secret_free(secret);
		return;
	}
	if (setting_has_comment(st))
		v = without_comment(rd->is_cut ? v : bytes_str(value));
	set_text(rd, s, st, bytes_trim(v));
}

static int
on_key(void *user, const char *section, const char *name, const char *value)
{
	struct reading *rd = user;

	(void)section; /* one without a key is not told here */
	/* A NULL is how some builds tell of a section. */
	if (name == NULL || name[0] == '\0' || strlen(name) >= WORD_MAX)
		return 1;
	rd->is_key = false;
	set_key(rd, name, value);
	return 1;
}

/* --- feeding inih --------------------------------------------------------- */

/* Takes the next line of the file; false: there is none. */
static bool
take_line(struct reading *rd)
{
	const char *nl;

	if (rd->next == rd->end)
		return false;
	nl = memchr(rd->next, '\n', (size_t)(rd->end - rd->next));
	rd->text = bytes_of(
	    rd->next, (size_t)((nl != NULL ? nl : rd->end) - rd->next));
	rd->next = nl != NULL ? nl + 1 : rd->end;
	rd->line++;
	if (rd->text.n > 0 && rd->text.p[rd->text.n - 1] == '\r')
		rd->text.n--;
	/* inih takes indented lines for continuations, which surprises people
	 * who indent the keys of a section.  All that is a blank to
	 * isspace(). */
	while (rd->text.n > 0 && strchr(" \t\r\v\f", rd->text.p[0]) != NULL)
		rd->text = bytes_of(rd->text.p + 1, rd->text.n - 1);
	return true;
}

/* inih tells of no section that has no keys, nor on which line one is. */
static void
take_section(struct reading *rd)
{
	struct bytes t = rd->text;
	const char *end = memchr(t.p, ']', t.n);

	/* To inih a comment may begin even here. */
	if (end != NULL && memchr(t.p, ';', (size_t)(end - t.p)) != NULL)
		end = NULL;
	if (end != NULL && end - t.p <= WORD_MAX) {
		enter_section(rd, bytes_of(t.p + 1, (size_t)(end - t.p) - 1));
		return;
	}
	PROBLEM(rd, shown("section \"", t, "\""),
	    end != NULL ? "the name is too long" : "the closing ] is missing");
	rd->is_lost = true;
}

/* An ini_reader(): a line a call, always with its end, however long it is. */
static char *
feed(char *str, int num, void *stream)
{
	struct reading *rd = stream;
	size_t n;

	/* inih's buffer, which may hold a secret of the line before. */
	explicit_bzero(str, (size_t)num);
	/* The text itself is not shown: it may be a secret on the wrong
	 * line. */
	if (rd->is_key)
		PROBLEM(rd, xstrdup("unrecognized line"),
		    "expected \"key = value\", \"[section]\" or a comment "
		    "with #");
	if (!take_line(rd))
		return NULL;
	rd->is_key = rd->text.n > 0 && strchr("#;[", rd->text.p[0]) == NULL;
	if (rd->text.n > 0 && rd->text.p[0] == '[')
		take_section(rd);
	n = rd->text.n;
	rd->is_cut = n > (size_t)num - 2;
	if (rd->is_cut)
		n = (size_t)num - 2;
	if (n > 0)
		memcpy(str, rd->text.p, n);
	str[n] = '\n';
	return str;
}

/* --- the file ------------------------------------------------------------- */

/* The first line that holds a secret, 0: none does. */
static int
secret_line(const struct conf_raw *r)
{
	for (size_t i = 0; i < r->n; i++) {
		const struct conf_value *v = conf_section_get(
		    &r->v[i], "password");

		if (v != NULL)
			return v->line;
	}
	return 0;
}

static void
parse_text(struct reading *rd, struct bytes text)
{
	static const char bom[] = "\xef\xbb\xbf";

	if (memchr(text.p, '\0', text.n) != NULL) {
		conf_problem_add(rd->problems, rd->raw->file, 0, NULL,
		    "not a text file: it contains a NUL byte");
		return;
	}
	if (bytes_has_prefix_nocase(text, bom))
		text = bytes_of(text.p + 3, text.n - 3);
	rd->next = text.p;
	rd->end = text.p + text.n;
	/* What it returns is the first bad line; feed() has told them all. */
	IGNORE(ini_parse_stream(feed, rd, on_key, rd) < 0);
}

static void
check_mode(struct reading *rd, int fd, gid_t group)
{
	int line = secret_line(rd->raw);
	struct stat st;
	struct err err;

	if (line == 0 || fstat(fd, &st) != 0 || !S_ISREG(st.st_mode))
		return;
	err_clear(&err);
	if (cred_file_mode(rd->raw->file, &st, group, &err) != 0)
		conf_problem_add(rd->problems, rd->raw->file, line, "password",
		    "%s", err.text);
}

static void
cannot_read(struct reading *rd, int os, gid_t group)
{
	const char *file = rd->raw->file;
	struct err err;

	err_clear(&err);
	err_set(&err, ERR_CONFIG, "cannot be read: %s", strerror(os));
	if (os == EACCES)
		cred_file_advise(file, group, &err);
	conf_problem_add(rd->problems, file, 0, NULL, "%s%s", err.text,
	    os == ENOENT ? "; to make it, type: relais setup" : "");
}

static void
read_file(struct reading *rd, const struct conf_env *env)
{
	/* A FIFO that nobody writes to is empty; a pipe may be waited for. */
	int fd = open(
	    rd->raw->file, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	gid_t group = env->group;
	struct buf b;

	if (fd < 0 && errno == ENOENT && env->is_file_optional)
		return;
	buf_init(&b, FILE_MAX);
	if (fd < 0 || fcntl(fd, F_SETFL, 0) != 0 || files_read_all(fd, &b) != 0)
		cannot_read(rd, errno, group);
	else
		parse_text(rd, buf_bytes(&b));
	if (fd >= 0) {
		check_mode(rd, fd, group);
		IGNORE(close(fd)); /* only read */
	}
	buf_wipe(&b);
}

/* --- variables ------------------------------------------------------------ */

/* The section that a variable means, made if it is not there. */
static struct conf_section *
section_of(struct reading *rd, const struct conf_target *t)
{
	const char *wanted = t->section != NULL ? t->section : "default";
	struct conf_section *named = NULL, *only = NULL;
	size_t n = 0;

	for (size_t i = 0; i < rd->raw->n; i++) {
		struct conf_section *s = &rd->raw->v[i];

		if (s->kind != t->st->section)
			continue;
		if (s->kind == SETTING_RELAIS)
			return s;
		if (conf_vars_is_section(wanted, s->name))
			named = s;
		if (s->line > 0 && strcmp(s->name, "*") != 0) {
			only = s;
			n++;
		}
	}
	if (t->section == NULL && n == 1)
		return only;
	if (named != NULL)
		return named;
	open_section(rd, t->st->section,
	    t->st->section == SETTING_RELAIS ? NULL : wanted);
	return &rd->raw->v[rd->raw->n - 1];
}

static void
value_clear(struct conf_value *v)
{
	free(v->text);
	secret_free(v->secret);
	*v = (struct conf_value) { .line = 0 };
}

/* Forgets what the file says: the value, and for a secret where else it is. */
static void
outdo(struct conf_section *s, const struct setting *st)
{
	for (size_t i = 0; i < nsettings; i++)
		if (s->values[i].line > 0 &&
		    (&settings[i] == st ||
			(setting_is_source(st) &&
			    setting_is_source(&settings[i]))))
			value_clear(&s->values[i]);
}

/* An empty one is as good as none, except for a list, which it empties: many
 * a file hands on variables that nobody has set. */
static void
set_from(struct reading *rd, const struct conf_target *t,
    const struct conf_variable *var, struct bytes text)
{
	const struct setting *st = t->st;
	struct conf_section *s;
	int old;

	text = st->type == SETTING_SECRET ? text : bytes_trim(text);
	if (text.n == 0 && st->type != SETTING_LIST &&
	    (st->type != SETTING_SECRET || var->secret != NULL))
		return;
	s = section_of(rd, t);
	old = s->values[st - settings].line;
	if (old < 0) {
		PROBLEM(rd, xasprintf("%s in %s", st->name, s->title),
		    "%s sets it, too; remove one of them",
		    rd->vars->v[-old - 1].name);
		return;
	}
	outdo(s, st);
	if (st->type == SETTING_SECRET)
		set_secret(rd, s, st, var->secret);
	else
		set_text(rd, s, st,
		    setting_has_comment(st) ? bytes_trim(without_comment(text))
					    : text);
}

static void
read_variable(struct reading *rd, const struct conf_variable *var)
{
	struct conf_target t;
	char *text, *port;
	struct buf why;

	buf_init(&why, 400);
	if (!conf_vars_target(var->name, &t, &why)) {
		conf_problem_add(rd->problems, rd->raw->file, rd->line,
		    "the environment", "%s", buf_str(&why));
		buf_clear(&why);
		return;
	}
	buf_clear(&why);
	text = xstrdup(var->text);
	port = text != NULL ? conf_vars_take_port(var->name, text) : NULL;
	set_from(rd, &t, var,
	    var->secret != NULL ? secret_bytes(var->secret)
				: bytes_str(text != NULL ? text : ""));
	if (port != NULL) {
		t.st = setting_find(SETTING_ACCOUNT, "port");
		set_from(rd, &t, var, bytes_str(port));
	}
	free(port);
	free(text);
	free(t.section);
}

static void
read_variables(struct reading *rd)
{
	for (size_t i = 0; i < rd->vars->n; i++) {
		rd->line = -(int)i - 1;
		read_variable(rd, &rd->vars->v[i]);
	}
}

/* --- the copy ------------------------------------------------------------- */

void
conf_copy_init(struct conf_copy *c)
{
	/* Twice a file, and passwords of less than 16 bytes, which are few. */
	buf_init(&c->text, 2 * FILE_MAX);
}

static void
copy_value(struct conf_copy *copy, const struct setting *st,
    const struct conf_value *v)
{
	IGNORE(buf_addf(&copy->text, "%s = ", st->name));
	if (st->type == SETTING_SECRET) {
		struct bytes b = secret_bytes(v->secret);
		struct siphash hash;

		siphash_init(&hash, copy->key);
		siphash_put(&hash, b.p, b.n);
		IGNORE(
		    buf_addf(&copy->text, "%016" PRIx64, siphash_end(&hash)));
	} else {
		IGNORE(buf_adds(&copy->text, v->text));
	}
	IGNORE(buf_addc(&copy->text, '\n')); /* it fits */
}

static void
copy_all(struct conf_copy *copy, const struct conf_raw *raw)
{
	for (size_t i = 0; i < raw->n; i++) {
		const struct conf_section *s = &raw->v[i];

		IGNORE(buf_addf(&copy->text, "%s\n", s->title)); /* it fits */
		for (size_t k = 0; k < nsettings; k++)
			if (s->values[k].line != 0)
				copy_value(copy, &settings[k], &s->values[k]);
	}
}

struct conf_raw *
conf_read(const char *file, const struct conf_env *env,
    struct conf_problems *problems)
{
	struct conf_raw *raw = xcalloc(1, sizeof(*raw));
	struct reading rd = {
		.raw = raw, .problems = problems, .vars = env->vars
	};

	raw->file = xstrdup(file);
	if (env->text != NULL)
		parse_text(&rd, *env->text);
	else
		read_file(&rd, env);
	if (env->vars != NULL && env->text == NULL)
		read_variables(&rd);
	if (env->copy != NULL)
		copy_all(env->copy, raw);
	return raw;
}

static void
section_clear(struct conf_section *s)
{
	for (size_t i = 0; i < nsettings; i++) {
		free(s->values[i].text);
		secret_free(s->values[i].secret);
	}
	free(s->values);
	free(s->name);
	free(s->title);
}

void
conf_raw_free(struct conf_raw *r)
{
	if (r == NULL)
		return;
	for (size_t i = 0; i < r->n; i++)
		section_clear(&r->v[i]);
	free(r->v);
	free(r->file);
	free(r);
}
