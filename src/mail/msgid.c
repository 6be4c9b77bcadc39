/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "mail/msgid.h"

#include <string.h>

#include "base/str.h"
#include "mail/addr.h"
#include "mail/date.h"

static struct bytes
bytes_or_none(const char *s)
{
	return s != NULL ? bytes_of(s, strlen(s)) : bytes_of("", 0);
}

/* RFC 5322 3.6.4 wants ASCII in the id of a message that may meet any reader. */
static bool
is_usable(struct bytes domain)
{
	return addr_domain_is_public(domain) && str_is_ascii(domain);
}

static bool
is_alnum(char c)
{
	return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') ||
	       (c >= 'A' && c <= 'Z');
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
		if (!buf_addc(to, is_alnum(c) || c == '.' ? c : '-'))
			return false;
	}
	if (host.n == 0 && !buf_adds(to, "relais"))
		return false;
	return buf_adds(to, host.n > 0 && after_dot ? "invalid" : ".invalid");
}

bool
msgid_domain(struct buf *to, const char *hostname, const char *sender)
{
	struct bytes host = bytes_or_none(hostname);
	struct bytes domain = addr_domain(bytes_or_none(sender));

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
		if (!buf_addc(to, is_alnum(*id) ? *id : '-'))
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
