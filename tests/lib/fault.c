/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tests/lib/fault.h"

#include <stdio.h>
#include <string.h>

#include "base/num.h"
#include "base/str.h"

static const char *const names[AT_COUNT] = {
	[AT_GREETING] = "greeting",
	[AT_EHLO] = "ehlo",
	[AT_STARTTLS] = "starttls",
	[AT_AUTH] = "auth",
	[AT_MAIL] = "mail",
	[AT_RCPT] = "rcpt",
	[AT_DATA] = "data",
	[AT_BODY] = "body",
	[AT_END] = "end",
};

/* The next part of the specification, up to a colon. */
static struct bytes
part(const char **at)
{
	size_t n = strcspn(*at, ":");
	struct bytes b = bytes_of(*at, n);

	*at += n;
	if (**at == ':')
		(*at)++;
	return b;
}

static bool
parse_stage(struct fault *f, struct bytes spec)
{
	const char *slash = memchr(spec.p, '/', spec.n);

	if (slash != NULL) {
		size_t n = (size_t)(slash - spec.p);

		if (!str_copy(f->pattern, sizeof(f->pattern),
			bytes_of(slash + 1, spec.n - n - 1)))
			return false;
		spec.n = n;
	}
	if (spec.n > 0 && spec.p[spec.n - 1] == '}') {
		const char *open = memchr(spec.p, '{', spec.n);
		size_t n = open != NULL ? (size_t)(open - spec.p) : 0;
		uint64_t from;

		if (open == NULL ||
		    !num_u64(bytes_of(open + 1, spec.n - n - 2), &from))
			return false;
		f->from = (size_t)from;
		spec.n = n;
	}
	for (size_t i = 0; i < AT_COUNT; i++)
		if (bytes_eq(spec, names[i])) {
			f->stage = (enum stage)i;
			return true;
		}
	return false;
}

static bool
parse_count(struct fault *f, struct bytes spec)
{
	uint64_t count;

	if (!num_u64_max(spec, 1000000, &count))
		return false;
	f->left = (long)count;
	return true;
}

/* TEXT[:COUNT]; the text may hold colons of its own. */
static bool
parse_text(struct fault *f, const char *at)
{
	const char *last = strrchr(at, ':');
	size_t n = strlen(at);

	if (last != NULL && parse_count(f, bytes_str(last + 1)))
		n = (size_t)(last - at);
	return str_copy(f->text, sizeof(f->text), bytes_of(at, n));
}

static bool
parse_code(struct fault *f, const char **at)
{
	uint64_t code;

	if (!num_u64_max(part(at), 599, &code) || code < 200)
		return false;
	f->code = (int)code;
	return true;
}

static bool
parse_reply(struct fault *f, const char *at)
{
	return parse_code(f, &at) &&
	       str_copy(f->enhanced, sizeof(f->enhanced), part(&at)) &&
	       parse_text(f, at);
}

/* In place: the result is never longer. */
static bool
parse_bytes(struct fault *f, const char *at)
{
	char *to = f->text;
	unsigned byte;

	if (!parse_text(f, at))
		return false;
	for (const char *p = f->text; *p != '\0'; p++) {
		if (*p != '\\') {
			*to++ = *p;
		} else if (*++p == 'x' && sscanf(p + 1, "%2x", &byte) == 1) {
			*to++ = (char)byte;
			p += 2;
		} else if (*p == 'r' || *p == 'n') {
			*to++ = *p == 'r' ? '\r' : '\n';
		} else {
			return false;
		}
	}
	f->text_len = (size_t)(to - f->text);
	return true;
}

static bool
parse_flood(struct fault *f, const char *at)
{
	uint64_t lines;

	if (!parse_code(f, &at) || !num_u64_max(part(&at), 100000, &lines))
		return false;
	f->lines = (size_t)lines;
	return *at == '\0' || parse_count(f, part(&at));
}

static bool
parse_nothing(struct fault *f, const char *at)
{
	return *at == '\0' || parse_count(f, part(&at));
}

/* What follows the stage. */
static bool (*const parsers[])(struct fault *f, const char *at) = {
	[FAULT_FAIL] = parse_reply,
	[FAULT_DROP] = parse_nothing,
	[FAULT_HANG] = parse_nothing,
	[FAULT_SAY] = parse_bytes,
	[FAULT_CUT] = parse_bytes,
	[FAULT_FLOOD] = parse_flood,
};

bool
fault_add(struct faults *f, enum fault_kind kind, const char *spec)
{
	struct fault one = { .kind = kind, .left = -1 };

	if (f->n == FAULTS_MAX || !parse_stage(&one, part(&spec)) ||
	    !parsers[kind](&one, spec))
		return false;
	f->v[f->n++] = one;
	return true;
}

static bool
fits(const struct fault *f, const char *addr)
{
	if (f->pattern[0] == '\0')
		return true;
	if (strcmp(f->pattern, "<>") == 0)
		return addr != NULL && addr[0] == '\0';
	return addr != NULL && str_match(f->pattern, addr);
}

const struct fault *
fault_hit(struct faults *f, enum stage stage, const char *addr)
{
	return fault_hit_nth(f, stage, addr, 1);
}

const struct fault *
fault_hit_nth(struct faults *f, enum stage stage, const char *addr, size_t nth)
{
	for (size_t i = 0; i < f->n; i++) {
		struct fault *one = &f->v[i];

		if (one->stage != stage || one->left == 0 || nth < one->from)
			continue;
		if (!fits(one, addr))
			continue;
		if (one->left > 0)
			one->left--;
		return one;
	}
	return NULL;
}

bool
fault_waits(const struct faults *f, enum stage stage)
{
	for (size_t i = 0; i < f->n; i++)
		if (f->v[i].stage == stage && f->v[i].left != 0)
			return true;
	return false;
}
