/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "mail/addr.h"

#include <string.h>

#include "base/ascii.h"
#include "base/str.h"

enum { LABEL_MAX = 63 };

/* RFC 5322 atext, and UTF-8 as RFC 6532 adds it. */
static bool
is_atext(char c)
{
	return ascii_is_alnum(c) || (unsigned char)c >= 0x80 ||
	       (c != '\0' && strchr("!#$%&'*+-/=?^_`{|}~", c) != NULL);
}

/* What a walk over an address sees; quotes and backslashes are followed. */
struct walk {
	struct bytes b;
	size_t at;
	bool is_quoted; /* the byte just returned is inside or is a quote */
	bool is_open; /* inside quotes after that byte */
};

static bool
walk_next(struct walk *w, char *ret_c)
{
	if (w->at >= w->b.n)
		return false;
	*ret_c = w->b.p[w->at++];
	w->is_quoted = w->is_open || *ret_c == '"';
	if (*ret_c == '"')
		w->is_open = !w->is_open;
	else if (*ret_c == '\\' && w->is_open && w->at < w->b.n)
		*ret_c = w->b.p[w->at++];
	return true;
}

bool
addr_is_safe(struct bytes addr)
{
	struct walk w = { .b = addr };
	char c;

	if (addr.n > ADDR_MAX || !str_is_utf8(addr))
		return false;
	for (size_t i = 0; i < addr.n; i++)
		if (ascii_is_control(addr.p[i]))
			return false;
	while (walk_next(&w, &c))
		if (!w.is_quoted &&
		    (c == ' ' || c == '<' || c == '>' || c == '\\'))
			return false;
	return !w.is_open;
}

/* Where the "@" in front of the domain is; the length if there is none. */
static size_t
at_of(struct bytes addr)
{
	struct walk w = { .b = addr };
	size_t at = addr.n;
	char c;

	/* Hardly any is quoted; then it is the last one. */
	if (addr.n > 0 && memchr(addr.p, '"', addr.n) == NULL) {
		while (at > 0 && addr.p[at - 1] != '@')
			at--;
		return at > 0 ? at - 1 : addr.n;
	}
	while (walk_next(&w, &c))
		if (c == '@' && !w.is_quoted)
			at = w.at - 1;
	return at;
}

bool
addr_split(struct bytes addr, struct bytes *ret_local, struct bytes *ret_domain)
{
	size_t at = at_of(addr);

	*ret_local = bytes_of(addr.p, at);
	*ret_domain = at < addr.n ? bytes_of(addr.p + at + 1, addr.n - at - 1)
				  : bytes_of(addr.p + at, 0);
	return at < addr.n;
}

struct bytes
addr_domain(struct bytes addr)
{
	struct bytes local, domain;

	IGNORE(addr_split(addr, &local, &domain)); /* none is empty */
	return domain;
}

static bool
local_is_valid(struct bytes local)
{
	struct walk w = { .b = local };
	bool starts_quoted = local.n > 0 && local.p[0] == '"';
	char c;

	if (local.n == 0)
		return false;
	while (walk_next(&w, &c)) {
		/* Quoted means the whole of it, from the first to the last. */
		if (w.is_quoted != starts_quoted ||
		    (w.is_quoted && !w.is_open && w.at < local.n))
			return false;
		if (!w.is_quoted && !is_atext(c) && c != '.')
			return false;
	}
	return !w.is_open;
}

bool
addr_domain_is_literal(struct bytes domain)
{
	if (domain.n < 3 || domain.p[0] != '[' || domain.p[domain.n - 1] != ']')
		return false;
	for (size_t i = 1; i < domain.n - 1; i++)
		if (!ascii_is_alnum(domain.p[i]) && domain.p[i] != '.' &&
		    domain.p[i] != ':' && domain.p[i] != '-')
			return false;
	return true;
}

static struct bytes
without_dot(struct bytes domain)
{
	if (domain.n > 1 && domain.p[domain.n - 1] == '.')
		domain.n--;
	return domain;
}

bool
addr_domain_is_name(struct bytes domain)
{
	size_t label = 0;

	domain = without_dot(domain);
	if (domain.n == 0 || domain.n > ADDR_DOMAIN_MAX)
		return false;
	for (size_t i = 0; i < domain.n; i++) {
		char c = domain.p[i];

		if (c == '.') {
			if (label == 0)
				return false;
			label = 0;
			continue;
		}
		/* An internationalised label may be longer before it is an
		 * A-label; libidn2 judges it when it is needed. */
		if (!ascii_is_alnum(c) && c != '-' && c != '_' &&
		    (unsigned char)c < 0x80)
			return false;
		if (++label > LABEL_MAX)
			return false;
	}
	return label > 0;
}

bool
addr_is_mailbox(struct bytes addr)
{
	struct bytes local, domain;

	return addr_is_safe(addr) && addr_split(addr, &local, &domain) &&
	       local_is_valid(local) &&
	       (addr_domain_is_name(domain) || addr_domain_is_literal(domain));
}

bool
addr_domain_eq(struct bytes a, struct bytes b)
{
	a = without_dot(a);
	b = without_dot(b);
	if (a.n != b.n)
		return false;
	for (size_t i = 0; i < a.n; i++) {
		char x = a.p[i], y = b.p[i];

		if (x >= 'A' && x <= 'Z')
			x = (char)(x + ('a' - 'A'));
		if (y >= 'A' && y <= 'Z')
			y = (char)(y + ('a' - 'A'));
		if (x != y)
			return false;
	}
	return true;
}

/* The next byte that counts: quotes and backslashes are only spelling. */
static int
walk_meaning(struct walk *w)
{
	while (w->at < w->b.n) {
		bool was_open = w->is_open;
		char c = '\0';

		IGNORE(walk_next(w, &c)); /* there is one */
		if (was_open == w->is_open)
			return (unsigned char)c;
	}
	return -1;
}

static bool
local_eq(struct bytes a, struct bytes b)
{
	struct walk x = { .b = a }, y = { .b = b };
	int c;

	do {
		c = walk_meaning(&x);
		if (c != walk_meaning(&y))
			return false;
	} while (c >= 0);
	return true;
}

bool
addr_eq(struct bytes a, struct bytes b)
{
	struct bytes la, da, lb, db;

	return addr_split(a, &la, &da) == addr_split(b, &lb, &db) &&
	       local_eq(la, lb) && addr_domain_eq(da, db);
}

bool
addr_add_key(struct buf *to, struct bytes addr)
{
	struct bytes local, domain;
	bool has_at = addr_split(addr, &local, &domain);
	struct walk w = { .b = local };
	int c;

	while ((c = walk_meaning(&w)) >= 0)
		if (!buf_addc(to, (char)c))
			return false;
	/* No local part contains a line end, so nothing else ends in it. */
	if (has_at && !buf_addc(to, '\n'))
		return false;
	domain = without_dot(domain);
	for (size_t i = 0; i < domain.n; i++) {
		char d = domain.p[i];

		if (!buf_addc(to, d >= 'A' && d <= 'Z' ? (char)(d + 32) : d))
			return false;
	}
	return true;
}

bool
addr_without_tag(const char *addr, char ret[ADDR_MAX + 1])
{
	struct bytes local, domain;
	const char *plus;

	if (!addr_split(bytes_str(addr), &local, &domain) ||
	    strlen(addr) > ADDR_MAX || local.p[0] == '"')
		return false;
	plus = memchr(local.p, '+', local.n);
	if (plus == NULL || plus == local.p)
		return false;
	memcpy(ret, addr, (size_t)(plus - addr));
	memcpy(ret + (plus - addr), domain.p - 1, domain.n + 2);
	return true;
}

/* domain is suffix, or ends in "." suffix */
static bool
is_under(struct bytes domain, struct bytes suffix)
{
	size_t before = domain.n - suffix.n;

	return domain.n >= suffix.n &&
	       (before == 0 || domain.p[before - 1] == '.') &&
	       bytes_same_nocase(bytes_of(domain.p + before, suffix.n), suffix);
}

/* RFC 6761, 6762, 8375, and the two that routers invent. */
static bool
is_under_local_suffix(struct bytes domain)
{
#define NAME(s)                                                                \
	{                                                                      \
		s, sizeof(s) - 1                                               \
	}
	static const struct bytes suffixes[] = { NAME("localhost"),
		NAME("localdomain"), NAME("local"), NAME("lan"),
		NAME("home.arpa") };
#undef NAME

	for (size_t i = 0; i < sizeof(suffixes) / sizeof(suffixes[0]); i++)
		if (is_under(domain, suffixes[i]))
			return true;
	return false;
}

bool
addr_domain_is_public(struct bytes domain)
{
	size_t digits = 0;

	domain = without_dot(domain);
	while (digits < domain.n && domain.p[domain.n - digits - 1] >= '0' &&
	       domain.p[domain.n - digits - 1] <= '9')
		digits++;
	/* "10.0.0.1" without brackets is no name either. */
	if (digits == domain.n || domain.p[domain.n - digits - 1] == '.')
		return false;
	return addr_domain_is_name(domain) &&
	       memchr(domain.p, '.', domain.n) != NULL &&
	       !is_under_local_suffix(domain);
}

bool
addr_is_local_name(struct bytes addr, const char *hostname)
{
	struct bytes local, domain;

	if (addr.n == 0)
		return false; /* the null sender is nobody's name */
	if (!addr_split(addr, &local, &domain) || domain.n == 0)
		return true;
	domain = without_dot(domain);
	if (domain.p[0] == '[')
		return bytes_has_prefix_nocase(domain, "[127.") ||
		       bytes_eq_nocase(domain, "[IPv6:::1]");
	if (memchr(domain.p, '.', domain.n) == NULL)
		return true;
	return is_under_local_suffix(domain) ||
	       (hostname != NULL &&
		   addr_domain_eq(domain, bytes_str(hostname)));
}
