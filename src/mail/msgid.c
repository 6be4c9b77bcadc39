/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "mail/msgid.h"

#include <string.h>

#include "base/ascii.h"
#include "base/str.h"
#include "mail/addr.h"
#include "mail/date.h"

enum { ID_LEN_MAX = 900 };

/* RFC 5322 3.6.4 wants ASCII in the id of a message that may meet any
 * reader. */
static bool
is_usable(struct bytes domain)
{
	return addr_domain_is_public(domain) && str_is_ascii(domain);
}

/* Hyphens for what no name holds, and no empty label. */
static bool
add_invalid(struct buf *to, struct bytes host)
{
	bool after_dot = true;

	for (size_t i = 0; i < host.n && i < ADDR_DOMAIN_MAX; i++) {
		char c = host.p[i];

		if (c == '.' && after_dot)
			continue;
		after_dot = c == '.';
		if (!buf_addc(to, ascii_is_alnum(c) || c == '.' ? c : '-'))
			return false;
	}
	if (host.n == 0 && !buf_adds(to, "relais"))
		return false;
	return buf_adds(to, host.n > 0 && after_dot ? "invalid" : ".invalid");
}

bool
msgid_domain(struct buf *to, const char *hostname, const char *sender)
{
	struct bytes host = bytes_str(hostname);
	struct bytes domain = addr_domain(bytes_str(sender));

	if (is_usable(domain) && !is_usable(host))
		host = domain;
	if (!is_usable(host))
		return add_invalid(to, host);
	if (host.p[host.n - 1] == '.')
		host.n--;
	return buf_add(to, host.p, host.n);
}

static bool
add_id(struct buf *to, const char *id)
{
	if (id[0] != '\0' && !buf_addc(to, '.'))
		return false;
	for (; *id != '\0'; id++)
		if (!buf_addc(to, ascii_is_alnum(*id) ? *id : '-'))
			return false;
	return true;
}

bool
msgid_value(struct buf *to, const char *id, const char *hostname,
    const char *sender, int64_t wall_ms)
{
	char stamp[DATE_TEXT_SIZE];

	return buf_addc(to, '<') && buf_adds(to, date_stamp(wall_ms, stamp)) &&
	       add_id(to, id) && buf_addc(to, '@') &&
	       msgid_domain(to, hostname, sender) && buf_addc(to, '>');
}

/* RFC 5322 3.6.4, read leniently; a line must hold it. */
static bool
is_core(struct bytes id)
{
	const char *at = memchr(id.p, '@', id.n);

	if (at == NULL || at == id.p || at + 1 == id.p + id.n ||
	    id.n > ID_LEN_MAX)
		return false;
	for (size_t i = 0; i < id.n; i++)
		if (id.p[i] <= ' ' || id.p[i] >= 0x7f || id.p[i] == '<' ||
		    id.p[i] == '>')
			return false;
	return true;
}

/* Comments may stand beside it. */
static struct bytes
without_comment(struct bytes b)
{
	const char *open;

	b = bytes_trim(b);
	if (b.n == 0 || b.p[b.n - 1] != ')' ||
	    (open = memchr(b.p, '>', b.n)) == NULL)
		return b;
	for (open++; open < b.p + b.n && *open != '('; open++)
		if (*open != ' ' && *open != '\t')
			return b;
	return str_is_ascii(b) ? bytes_trim(bytes_of(b.p, (size_t)(open - b.p)))
			       : b;
}

bool
msgid_is_fit(struct bytes value)
{
	value = without_comment(value);
	return value.n > 2 && value.p[0] == '<' &&
	       value.p[value.n - 1] == '>' &&
	       is_core(bytes_of(value.p + 1, value.n - 2));
}

static bool
is_husk(char c)
{
	return c != '\0' && strchr("<> \t\"',;", c) != NULL;
}

bool
msgid_mend(struct buf *to, struct bytes value)
{
	value = without_comment(value);
	while (value.n > 0 && is_husk(value.p[0]))
		value = bytes_of(value.p + 1, value.n - 1);
	while (value.n > 0 && is_husk(value.p[value.n - 1]))
		value.n--;
	if (value.n > 2 &&
	    ((value.p[0] == '[' && value.p[value.n - 1] == ']') ||
		(value.p[0] == '{' && value.p[value.n - 1] == '}')))
		value = bytes_of(value.p + 1, value.n - 2);
	return is_core(value) && buf_addc(to, '<') &&
	       buf_add(to, value.p, value.n) && buf_addc(to, '>');
}
