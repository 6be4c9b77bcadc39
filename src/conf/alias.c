/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "conf/alias.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/must.h"
#include "base/str.h"
#include "base/xalloc.h"
#include "conf/conf.h"
#include "conf/conf_read.h"
#include "conf/setting.h"
#include "mail/addr.h"
#include "sys/files.h"

enum { FILE_MAX = 4 * 1024 * 1024, SHOWN_MAX = 80 };

struct entry {
	char *name;
	int line;
	struct conf_list targets;
	bool is_too_long; /* ignored: it has no targets */
};

/* A file as it was when it was read. */
struct version {
	struct timespec mtime;
	off_t size;
	ino_t ino; /* 0: there was no file */
};

struct aliases {
	char *file;
	struct version version, users_version;
	struct entry *v; /* sorted by name */
	size_t n;
	struct conf_list users; /* sorted */
	bool is_lost; /* the file should be there, and cannot be read */
};

static const char users_file[] = "/etc/passwd";

/* --- reading -------------------------------------------------------------- */

struct reading {
	struct aliases *a;
	struct conf_problems *problems;
	int line;
	bool has_entry; /* the last of a->v may be continued */
	size_t ntargets; /* of all entries */
};

/* "what, line 3 of FILE: why", with what shown safely. */
static void
problem(struct reading *rd, struct bytes what, const char *why)
{
	struct buf b;

	buf_init(&b, 4 * SHOWN_MAX + 8);
	IGNORE(str_escape(&b, what, SHOWN_MAX));
	conf_problem_add(
	    rd->problems, rd->a->file, rd->line, buf_str(&b), "%s", why);
	buf_clear(&b);
}

/* How far to the byte c outside quotes; b.n if it is not there. */
static size_t
find_unquoted(struct bytes b, char c)
{
	bool is_quoted = false;

	for (size_t i = 0; i < b.n; i++) {
		if (b.p[i] == '"')
			is_quoted = !is_quoted;
		else if (b.p[i] == '\\' && i + 1 < b.n)
			i++;
		else if (b.p[i] == c && !is_quoted)
			return i;
	}
	return b.n;
}

/* A "#" at the start or after a blank begins a comment. */
static struct bytes
without_comment(struct bytes b)
{
	size_t at = 0;

	while ((at += find_unquoted(bytes_of(b.p + at, b.n - at), '#')) < b.n) {
		if (at == 0 || b.p[at - 1] == ' ' || b.p[at - 1] == '\t')
			return bytes_of(b.p, at);
		at++;
	}
	return b;
}

static struct bytes
without_quotes(struct bytes b)
{
	if (b.n >= 2 && b.p[0] == '"' && b.p[b.n - 1] == '"')
		return bytes_of(b.p + 1, b.n - 2);
	return b;
}

/* Why this is no target, or NULL. */
static const char *
fault_of(struct bytes target)
{
	struct bytes inner = without_quotes(target);
	char first = inner.n > 0 ? inner.p[0] : '\0';

	if (first == '|')
		return "a program cannot be a target: relais delivers to "
		       "addresses only";
	if (first == '/')
		return "a file cannot be a target: relais delivers to "
		       "addresses only";
	if (bytes_has_prefix_nocase(inner, ":include:"))
		return ":include: is not supported: write the addresses in "
		       "this file";
	if (memchr(target.p, '@', target.n) != NULL)
		return addr_is_mailbox(target) ? NULL : "not a valid address";
	/* ":blackhole:" and ":fail:" of other mailers are not names. */
	return addr_is_safe(target) && strchr("\":", first) == NULL
		   ? NULL
		   : "neither an address nor a name";
}

static void
add_target(struct reading *rd, struct entry *e, struct bytes target)
{
	const char *fault;

	/* "\root" means the mailbox itself and no further look-up; there is
	 * none, so it is the name. */
	if (target.n > 1 && target.p[0] == '\\')
		target = bytes_of(target.p + 1, target.n - 1);
	fault = fault_of(target);
	if (fault != NULL) {
		problem(rd, target, fault);
	} else if (rd->ntargets < ALIAS_TARGETS_MAX) {
		conf_list_add(&e->targets, target.p, target.n);
		rd->ntargets++;
	} else if (!e->is_too_long) {
		/* A part of a list would be taken for all of it. */
		problem(rd, bytes_str(e->name),
		    "the file has too many targets: this entry is ignored; use "
		    "a list server for long lists");
		e->is_too_long = true;
	}
}

static void
read_targets(struct reading *rd, struct bytes b)
{
	struct entry *e = &rd->a->v[rd->a->n - 1];

	while (b.n > 0) {
		size_t n = find_unquoted(b, ',');
		struct bytes target = bytes_trim(bytes_of(b.p, n));

		if (target.n > 0)
			add_target(rd, e, target);
		n += n < b.n;
		b = bytes_of(b.p + n, b.n - n);
	}
}

static void
read_entry(struct reading *rd, struct bytes b)
{
	struct aliases *a = rd->a;
	size_t colon = find_unquoted(b, ':');
	struct bytes name = bytes_trim(bytes_of(b.p, colon));

	rd->has_entry = false;
	if (colon == b.n || name.n == 0) {
		problem(rd, b, "expected \"name: target\"");
		return;
	}
	if (!addr_is_safe(name)) {
		problem(rd, name, "not a valid local name");
		return;
	}
	name = without_quotes(name);
	if ((a->n & (a->n - 1)) == 0)
		a->v = xrealloc(a->v, a->n == 0 ? 1 : a->n * 2, sizeof(*a->v));
	a->v[a->n++] = (struct entry) { xstrndup(name.p, name.n), rd->line,
		{ NULL, 0 }, false };
	rd->has_entry = true;
	read_targets(rd, bytes_of(b.p + colon + 1, b.n - colon - 1));
}

static void
read_line(struct reading *rd, struct bytes b)
{
	bool is_more = b.n > 0 && (b.p[0] == ' ' || b.p[0] == '\t');

	b = bytes_trim(without_comment(b));
	if (b.n == 0)
		return;
	if (!is_more)
		read_entry(rd, b);
	else if (rd->has_entry)
		read_targets(rd, b);
	else
		problem(rd, b,
		    "a line that begins with a blank continues the previous "
		    "line, but there is none");
}

/* --- the table ------------------------------------------------------------ */

static int
by_name(const void *a, const void *b)
{
	const struct entry *x = a, *y = b;
	int d = strcasecmp(x->name, y->name);

	return d != 0 ? d : x->line - y->line;
}

/* Sorts; of two entries for one name the first stays. */
static void
settle(struct reading *rd)
{
	struct aliases *a = rd->a;
	size_t n = 0;

	if (a->n > 0)
		qsort(a->v, a->n, sizeof(*a->v), by_name);
	for (size_t i = 0; i < a->n; i++) {
		struct entry *e = &a->v[i];

		if (n > 0 && strcasecmp(a->v[n - 1].name, e->name) == 0) {
			conf_problem_add(rd->problems, a->file, e->line,
			    e->name, "already defined on line %d",
			    a->v[n - 1].line);
			conf_list_clear(&e->targets);
			free(e->name);
			continue;
		}
		if (e->is_too_long)
			conf_list_clear(&e->targets);
		a->v[n++] = *e;
	}
	a->n = n;
}

struct aliases *
alias_parse(const char *file, struct bytes text, struct conf_problems *problems)
{
	struct reading rd = { .a = xcalloc(1, sizeof(*rd.a)),
		.problems = problems };

	rd.a->file = xstrdup(file);
	while (text.n > 0) {
		const char *nl = memchr(text.p, '\n', text.n);
		size_t n = nl != NULL ? (size_t)(nl - text.p) : text.n;

		rd.line++;
		read_line(&rd, bytes_of(text.p, n));
		n += nl != NULL;
		text = bytes_of(text.p + n, text.n - n);
	}
	settle(&rd);
	return rd.a;
}

void
alias_free(struct aliases *a)
{
	if (a == NULL)
		return;
	for (size_t i = 0; i < a->n; i++) {
		free(a->v[i].name);
		conf_list_clear(&a->v[i].targets);
	}
	free(a->v);
	conf_list_clear(&a->users);
	free(a->file);
	free(a);
}

size_t
alias_count(const struct aliases *a)
{
	return a->n;
}

/* --- the file ------------------------------------------------------------- */

/* 0 or errno. */
static int
read_file(const char *file, struct stat *ret_st, struct buf *to)
{
	int fd = files_open_regular(file);
	int os = 0;

	if (fd < 0)
		return errno;
	if (fstat(fd, ret_st) != 0)
		os = errno;
	else if (files_read_all(fd, to) != 0)
		os = errno;
	(void)close(fd); /* nothing was written */
	return os;
}

static bool
is_default(const char *file)
{
	return strcmp(file, setting_find(SETTING_RELAIS, "aliases")->dflt) == 0;
}

static struct version
version_of(const struct stat *st)
{
	return (struct version) { st->st_mtim, st->st_size, st->st_ino };
}

static int
compare_names(const void *a, const void *b)
{
	return strcasecmp(*(const char *const *)a, *(const char *const *)b);
}

/* Not with getpwnam(3), which may query a directory over the network and block
 * the whole program. */
static void
load_users(struct aliases *a)
{
	struct stat st = { .st_ino = 0 };
	struct bytes rest;
	struct buf text;

	buf_init(&text, FILE_MAX);
	IGNORE(read_file(users_file, &st, &text)); /* none, or the first */
	for (rest = buf_bytes(&text); rest.n > 0;) {
		struct bytes line = bytes_cut(&rest, '\n');
		struct bytes name = bytes_cut(&line, ':');

		if (name.n > 0)
			conf_list_add(&a->users, name.p, name.n);
	}
	if (a->users.n > 0)
		qsort(a->users.v, a->users.n, sizeof(a->users.v[0]),
		    compare_names);
	a->users_version = version_of(&st);
	buf_clear(&text);
}

struct aliases *
alias_load(const char *file, struct conf_problems *problems)
{
	struct aliases *a;
	struct stat st = { .st_ino = 0 };
	struct buf text;
	bool is_lost;
	int os;

	buf_init(&text, FILE_MAX);
	os = read_file(file, &st, &text);
	is_lost = os != 0 && (os != ENOENT || !is_default(file));
	if (os != 0) {
		buf_reset(&text);
		IGNORE(stat(file, &st)); /* so as not to try at each mail */
	}
	if (is_lost)
		conf_problem_add(
		    problems, file, 0, file, "%s", files_reason(os));
	a = alias_parse(file, buf_bytes(&text), problems);
	a->is_lost = is_lost;
	a->version = version_of(&st);
	buf_clear(&text);
	load_users(a);
	return a;
}

struct aliases *
alias_reload(
    struct aliases *was, const char *file, struct conf_problems *problems)
{
	struct aliases *a = alias_load(file, problems);

	if (was != NULL && a->is_lost && was->n > 0 &&
	    strcmp(was->file, file) == 0) {
		conf_problem_add(problems, file, 0, file,
		    "the aliases that were read before stay in force");
		a->v = was->v;
		a->n = was->n;
		was->v = NULL;
		was->n = 0;
	}
	alias_free(was);
	return a;
}

static bool
is_stale(const char *file, const struct version *v)
{
	struct stat st;

	if (stat(file, &st) != 0)
		return v->ino != 0;
	return st.st_ino != v->ino || st.st_size != v->size ||
	       st.st_mtim.tv_sec != v->mtime.tv_sec ||
	       st.st_mtim.tv_nsec != v->mtime.tv_nsec;
}

bool
alias_is_stale(const struct aliases *a)
{
	return is_stale(a->file, &a->version);
}

bool
alias_names_are_stale(const struct aliases *a)
{
	return alias_is_stale(a) || is_stale(users_file, &a->users_version);
}

/* --- resolving ------------------------------------------------------------ */

static bool
has_domain(const char *addr, const char *host)
{
	struct bytes domain;

	if (addr == NULL)
		return false;
	domain = addr_domain(bytes_str(addr));
	return addr_domain_eq(domain, bytes_str(host));
}

static bool
is_mail_domain(const struct conf *c, const char *host)
{
	if (has_domain(c->admin, host))
		return true;
	for (size_t i = 0; i < c->naccounts; i++)
		if (has_domain(c->accounts[i].address, host) ||
		    has_domain(c->accounts[i].user, host))
			return true;
	return false;
}

struct alias_opts
alias_opts_of(const struct conf *c)
{
	const char *hosts[] = { c->host_found, c->host_machine };
	struct alias_opts o = { .admin = c->admin };

	for (size_t i = 0; i < sizeof(hosts) / sizeof(hosts[0]); i++)
		if (hosts[i] != NULL && !is_mail_domain(c, hosts[i]))
			o.hosts[i] = hosts[i];
	return o;
}

bool
alias_is_local(const struct alias_opts *o, const char *addr)
{
	struct bytes b = bytes_str(addr);

	return addr_is_local_name(b, o->hosts[0]) ||
	       addr_is_local_name(b, o->hosts[1]);
}

static const struct entry *
find_entry(const struct aliases *a, const char *name)
{
	size_t low = 0, high = a->n;

	while (low < high) {
		size_t mid = low + (high - low) / 2;
		int d = strcasecmp(name, a->v[mid].name);

		if (d == 0)
			return &a->v[mid];
		if (d < 0)
			high = mid;
		else
			low = mid + 1;
	}
	return NULL;
}

static bool
is_user(const struct aliases *a, const char *name)
{
	return a->users.n > 0 &&
	       bsearch(&name, a->users.v, a->users.n, sizeof(a->users.v[0]),
		   compare_names) != NULL;
}

bool
alias_is_name(const struct aliases *a, const char *word)
{
	struct bytes inner = without_quotes(bytes_str(word));
	char name[ADDR_MAX + 1], *plus;

	if (!str_copy(name, sizeof(name), inner) || name[0] == '\0')
		return false;
	/* RFC 5321 4.5.1: everybody has one. */
	if (str_eq_nocase(name, "postmaster") || is_user(a, name) ||
	    find_entry(a, name) != NULL)
		return true;
	plus = strchr(name + 1, '+');
	if (plus == NULL)
		return false;
	*plus = '\0';
	return is_user(a, name) || find_entry(a, name) != NULL;
}

/* The user, then the user without "+tag", then everybody else. */
static const struct entry *
find_user(const struct aliases *a, const char *addr)
{
	const struct entry *e;
	struct bytes local, domain;
	char name[ADDR_MAX + 1], *plus;

	IGNORE(addr_split(bytes_str(addr), &local, &domain));
	if (!str_copy(name, sizeof(name), without_quotes(local)))
		return NULL;
	if ((e = find_entry(a, name)) != NULL)
		return e;
	plus = strchr(name + 1, '+');
	if (name[0] != '\0' && plus != NULL) {
		*plus = '\0';
		if ((e = find_entry(a, name)) != NULL)
			return e;
	}
	return find_entry(a, "default");
}

/* What is left to look up; every entry is expanded once, so it is no longer
 * than the file. */
struct search {
	const struct aliases *a;
	const struct alias_opts *o;
	struct addr_list *to;
	bool *is_seen; /* per entry; NULL: none was opened yet */
	const char **todo;
	size_t n;
};

static void
open_entry(struct search *s, const struct entry *e)
{
	size_t i = (size_t)(e - s->a->v);

	if (s->is_seen == NULL)
		s->is_seen = xcalloc(s->a->n, sizeof(*s->is_seen));
	if (s->is_seen[i])
		return;
	s->is_seen[i] = true;
	if (e->targets.n == 0)
		return;
	s->todo = xrealloc(s->todo, s->n + e->targets.n, sizeof(*s->todo));
	/* The last is taken first. */
	for (size_t k = e->targets.n; k > 0; k--)
		s->todo[s->n++] = e->targets.v[k - 1];
}

/* The entry that mail for addr follows, or NULL. */
static const struct entry *
entry_for(const struct aliases *a, const struct alias_opts *o, const char *addr)
{
	const struct entry *e = find_entry(a, addr);

	return e == NULL && alias_is_local(o, addr) ? find_user(a, addr) : e;
}

static void
look_up(struct search *s, const char *addr)
{
	const struct entry *e = entry_for(s->a, s->o, addr);

	if (e != NULL)
		open_entry(s, e);
	else if (!alias_is_local(s->o, addr))
		addr_list_add(s->to, addr);
	else if (s->o->admin != NULL)
		addr_list_add(s->to, s->o->admin);
}

bool
alias_resolve(const struct aliases *a, const struct alias_opts *o,
    const char *addr, struct addr_list *to)
{
	struct addr_list found = { 0 };
	struct search s = { .a = a, .o = o, .to = &found };
	const struct entry *e = entry_for(a, o, addr);

	if (e != NULL && addr_list_is_marked(to, e->name))
		return true;
	look_up(&s, addr);
	while (s.n > 0)
		look_up(&s, s.todo[--s.n]);
	if (found.n == 0 && o->admin != NULL)
		addr_list_add(&found, o->admin);
	for (size_t i = 0; i < found.n; i++)
		addr_list_add(to, found.items[i].addr);
	free(s.is_seen);
	free(s.todo);
	if (found.n == 0)
		return false;
	if (e != NULL)
		addr_list_mark(to, e->name);
	addr_list_clear(&found);
	return true;
}
