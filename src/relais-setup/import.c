/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "relais-setup/import.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "base/ascii.h"
#include "base/num.h"
#include "base/str.h"
#include "base/xalloc.h"

enum { NOTE_MAX = 1000 };

const struct import_program *const import_programs[] = { &import_msmtp,
	&import_ssmtp, &import_nullmailer, &import_postfix, &import_exim,
	&import_dma, NULL };

const struct import_program *
import_program_find(const char *name)
{
	for (size_t i = 0; import_programs[i] != NULL; i++)
		if (strcmp(import_programs[i]->name, name) == 0)
			return import_programs[i];
	return NULL;
}

struct import *
import_new(const struct import_files *files)
{
	struct import *im = xcalloc(1, sizeof(*im));

	im->files = files;
	im->relais = xcalloc(1, sizeof(*im->relais));
	return im;
}

static void
settings_free(struct import_setting *v, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		free(v[i].key);
		free(v[i].value);
	}
	free(v);
}

void
import_account_free(struct import_account *a)
{
	settings_free(a->v, a->n);
	secret_free(a->secret);
	free(a->secret_from);
	free(a->name);
	free(a);
}

void
import_notes_clear(struct import *im)
{
	for (size_t i = 0; i < im->nnotes; i++) {
		free(im->notes[i].file);
		free(im->notes[i].text);
	}
	free(im->notes);
	im->notes = NULL;
	im->nnotes = 0;
}

void
import_free(struct import *im)
{
	if (im == NULL)
		return;
	for (size_t i = 0; i < im->n; i++)
		import_account_free(im->accounts[i]);
	import_account_free(im->relais);
	import_notes_clear(im);
	settings_free(im->senders, im->nsenders);
	free(im->accounts);
	free(im->refusal);
	free(im);
}

/* --- reading -------------------------------------------------------------- */

#define BYTE_ORDER_MARK "\xef\xbb\xbf"

bool
import_open(struct import *im, const char *file, struct import_text *ret)
{
	char *path = file[0] == '~' && im->files->home != NULL
			 ? xasprintf("%s%s", im->files->home, file + 1)
			 : xstrdup(file);

	*ret = (struct import_text) { .file = path };
	buf_init(&ret->buf, IMPORT_TEXT_MAX);
	if (!im->files->read(im->files->ctx, path, &ret->buf)) {
		import_close(ret);
		return false;
	}
	ret->rest = buf_bytes(&ret->buf);
	/* What an editor of another system puts first. */
	if (bytes_has_prefix_nocase(ret->rest, BYTE_ORDER_MARK))
		ret->rest = bytes_of(ret->rest.p + sizeof(BYTE_ORDER_MARK) - 1,
		    ret->rest.n - (sizeof(BYTE_ORDER_MARK) - 1));
	return true;
}

void
import_close(struct import_text *t)
{
	buf_wipe(&t->buf);
	free(t->file);
}

/* A line without its end; false: there is none left. */
static bool
read_line(struct import_text *t, struct bytes *ret)
{
	if (t->rest.n == 0)
		return false;
	*ret = bytes_cut(&t->rest, '\n');
	while (ret->n > 0 && ret->p[ret->n - 1] == '\r')
		ret->n--;
	t->line++;
	return true;
}

bool
import_each_line(
    struct import *im, const char *file, import_take *take, void *ctx)
{
	struct import_text t;
	struct bytes line;

	if (!import_open(im, file, &t))
		return false;
	while (read_line(&t, &line)) {
		line = bytes_trim(line);
		if (line.n > 0 && line.p[0] != '#')
			take(ctx, line, &t);
	}
	import_close(&t);
	return true;
}

bool
import_main_file(
    struct import *im, const char *file, import_take *take, void *ctx)
{
	bool is_there = import_each_line(im, file, take, ctx);

	if (!is_there)
		import_refuse(im, "%s cannot be read", file);
	return is_there;
}

bool
import_first_line(struct import *im, const char *file, struct buf *to)
{
	struct import_text t;
	struct bytes line;

	buf_wipe(to);
	if (!import_open(im, file, &t))
		return false;
	if (read_line(&t, &line)) {
		line = bytes_trim(line);
		IGNORE(
		    !buf_add(to, line.p, line.n)); /* no longer than a file */
	}
	import_close(&t);
	return buf_len(to) > 0;
}

char *
import_beside(const char *file, const char *name)
{
	const char *slash = strrchr(file, '/');

	return slash != NULL
		   ? xasprintf("%.*s/%s", (int)(slash - file), file, name)
		   : xstrdup(name);
}

struct bytes
import_unquoted(struct bytes value, const char *quotes)
{
	if (value.n >= 2 && strchr(quotes, value.p[0]) != NULL &&
	    value.p[0] != '\0' && value.p[value.n - 1] == value.p[0])
		return bytes_of(value.p + 1, value.n - 2);
	return value;
}

bool
import_joined_line(struct import_text *t, struct buf *ret)
{
	struct bytes line, trimmed;
	int first = 0;

	buf_wipe(ret);
	for (;;) {
		const struct import_text before = *t;

		if (!read_line(t, &line))
			break;
		trimmed = bytes_trim(line);
		if (trimmed.n == 0 || trimmed.p[0] == '#')
			continue;
		if (first != 0 && !ascii_is_wsp(line.p[0])) {
			t->rest = before.rest;
			t->line = before.line;
			break;
		}
		if (first == 0)
			first = t->line;
		else
			IGNORE(buf_addc(ret, ' '));
		IGNORE(buf_add(ret, trimmed.p, trimmed.n));
	}
	return first != 0;
}

struct bytes
import_word(struct bytes *rest, const char *separators)
{
	struct bytes word = { rest->p, 0 };

	while (word.n < rest->n && rest->p[word.n] != '\0' &&
	       strchr(separators, rest->p[word.n]) == NULL)
		word.n++;
	*rest = bytes_of(rest->p + word.n, rest->n - word.n);
	while (rest->n > 0 &&
	       (rest->p[0] == '\0' || strchr(separators, rest->p[0]) != NULL))
		*rest = bytes_of(rest->p + 1, rest->n - 1);
	return word;
}

bool
import_is_yes(struct bytes word)
{
	return bytes_eq_nocase(word, "yes") || bytes_eq_nocase(word, "true") ||
	       bytes_eq_nocase(word, "on") || bytes_eq_nocase(word, "1");
}

bool
import_is(struct bytes word, const char *value)
{
	return value != NULL && bytes_eq_nocase(word, value);
}

/* --- telling -------------------------------------------------------------- */

void
import_note(struct import *im, const char *file, int line, const char *fmt, ...)
{
	struct buf text;
	va_list ap;

	buf_init(&text, NOTE_MAX);
	va_start(ap, fmt);
	IGNORE(buf_vaddf(&text, fmt, ap)); /* left out if it is that long */
	va_end(ap);
	for (size_t i = 0; i < im->nnotes; i++)
		if (im->notes[i].line == line &&
		    strcmp(im->notes[i].text, buf_str(&text)) == 0) {
			buf_clear(&text);
			return;
		}
	im->notes = xrealloc(im->notes, im->nnotes + 1, sizeof(*im->notes));
	im->notes[im->nnotes++] = (struct import_note) { xstrdup(file), line,
		buf_steal(&text) };
}

void
import_refuse(struct import *im, const char *fmt, ...)
{
	struct buf text;
	va_list ap;

	if (im->refusal != NULL)
		return;
	buf_init(&text, NOTE_MAX);
	va_start(ap, fmt);
	IGNORE(buf_vaddf(&text, fmt, ap)); /* as above */
	va_end(ap);
	im->refusal = buf_steal(&text);
}

/* --- what was understood -------------------------------------------------- */

struct import_account *
import_account_add(struct import *im, const char *name)
{
	struct import_account *a = xcalloc(1, sizeof(*a));

	a->name = xstrdup(name);
	im->accounts = xrealloc(im->accounts, im->n + 1, sizeof(*im->accounts));
	im->accounts[im->n++] = a;
	return a;
}

void
import_account_drop(struct import *im, size_t at)
{
	import_account_free(im->accounts[at]);
	im->n--;
	memmove(&im->accounts[at], &im->accounts[at + 1],
	    (im->n - at) * sizeof(*im->accounts));
}

static struct import_setting *
find_setting(const struct import_account *a, const char *key)
{
	for (size_t i = 0; i < a->n; i++)
		if (strcmp(a->v[i].key, key) == 0)
			return &a->v[i];
	return NULL;
}

const char *
import_get(const struct import_account *a, const char *key)
{
	const struct import_setting *s = find_setting(a, key);

	return s != NULL ? s->value : NULL;
}

static void
add_setting(struct import_setting **v, size_t *n, char *key, char *value)
{
	*v = xrealloc(*v, *n + 1, sizeof(**v));
	(*v)[(*n)++] = (struct import_setting) { key, value };
}

static bool
is_line(struct bytes value)
{
	for (size_t i = 0; i < value.n; i++)
		if (ascii_is_control(value.p[i]) && value.p[i] != '\t')
			return false;
	return value.n > 0 && str_is_utf8(value);
}

void
import_set(struct import_account *a, const char *key, struct bytes value)
{
	struct import_setting *s = find_setting(a, key);
	char *copy;

	value = bytes_trim(value);
	if (!is_line(value))
		return;
	copy = xstrndup(value.p, value.n);
	if (s == NULL) {
		add_setting(&a->v, &a->n, xstrdup(key), copy);
	} else {
		free(s->value);
		s->value = copy;
	}
}

void
import_sets(struct import_account *a, const char *key, const char *value)
{
	import_set(a, key, bytes_str(value));
}

void
import_unset(struct import_account *a, const char *key)
{
	struct import_setting *s = find_setting(a, key);

	if (s == NULL)
		return;
	free(s->key);
	free(s->value);
	*s = a->v[--a->n];
}

static void
set_origin(struct import_account *a, const char *file, int line)
{
	free(a->secret_from);
	a->secret_from = line > 0 ? xasprintf("%s, line %d", file, line)
				  : xstrdup(file);
}

void
import_secret(
    struct import_account *a, struct bytes secret, const char *file, int line)
{
	struct secret *s = secret.n > 0 ? secret_new(secret) : NULL;

	if (s == NULL)
		return;
	secret_free(a->secret);
	a->secret = s;
	a->secret_kind = IMPORT_SECRET_TEXT;
	import_unset(a, "password_command");
	set_origin(a, file, line);
}

/* Words that mean the same with a shell and without one. */
static bool
is_plain_command(struct bytes command)
{
	for (size_t i = 0; i < command.n; i++)
		if (!ascii_is_alnum(command.p[i]) &&
		    memchr(" -_./:@,+%", command.p[i], 10) == NULL)
			return false;
	return true;
}

void
import_command(
    struct import_account *a, struct bytes command, const char *file, int line)
{
	struct buf b;

	command = bytes_trim(command);
	if (!is_line(command))
		return;
	buf_init(&b, IMPORT_TEXT_MAX);
	if (is_plain_command(command)) {
		IGNORE(buf_add(&b, command.p, command.n));
	} else {
		IGNORE(buf_adds(&b, "/bin/sh -c '"));
		for (size_t i = 0; i < command.n; i++)
			IGNORE(command.p[i] == '\''
				   ? buf_adds(&b, "'\\''")
				   : buf_addc(&b, command.p[i]));
		IGNORE(buf_addc(&b, '\''));
	}
	import_set(a, "password_command", buf_bytes(&b));
	buf_clear(&b);
	a->secret_kind = IMPORT_SECRET_COMMAND;
	set_origin(a, file, line);
}

int
import_port(struct bytes text)
{
	static const struct {
		const char *name;
		int port;
	} names[] = { { "smtp", 25 }, { "submission", 587 },
		{ "submissions", 465 }, { "smtps", 465 }, { "urd", 465 } };
	uint64_t port;

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (bytes_eq_nocase(text, names[i].name))
			return names[i].port;
	return num_u64_max(text, 65535, &port) ? (int)port : 0;
}

void
import_server(struct import_account *a, struct bytes text)
{
	struct bytes host = bytes_trim(text), port = { NULL, 0 };
	const char *end;

	if (host.n > 0 && host.p[0] == '[' &&
	    (end = memchr(host.p, ']', host.n)) != NULL) {
		port = bytes_of(end + 1, (size_t)(host.p + host.n - end) - 1);
		host = bytes_of(host.p + 1, (size_t)(end - host.p) - 1);
	} else if ((end = memchr(host.p, ':', host.n)) != NULL &&
		   memchr(end + 1, ':', (size_t)(host.p + host.n - end) - 1) ==
		       NULL) {
		port = bytes_of(end, (size_t)(host.p + host.n - end));
		host.n = (size_t)(end - host.p);
	}
	while (port.n > 0 && port.p[0] == ':')
		port = bytes_of(port.p + 1, port.n - 1);
	import_set(a, "host", host);
	if (port.n > 0)
		a->port = import_port(port);
}

void
import_sender(struct import *im, struct bytes user, struct bytes address)
{
	address = bytes_trim(address);
	if (is_line(address) && memchr(address.p, '@', address.n) != NULL)
		add_setting(&im->senders, &im->nsenders,
		    xstrndup(user.p, user.n), xstrndup(address.p, address.n));
}
