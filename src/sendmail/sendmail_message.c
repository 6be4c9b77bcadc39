/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "sendmail/sendmail_message.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/str.h"
#include "base/xalloc.h"
#include "mail/addr.h"
#include "mail/addr_list.h"
#include "mail/header.h"
#include "mail/mailbox.h"

void
sendmail_message_init(struct sendmail_message *m)
{
	*m = (struct sendmail_message) { 0 };
	/* The header, an empty line, and what of the text stood between. */
	buf_init(&m->head, 2 * HEADER_MAX + HEADER_OWN_MAX);
}

void
sendmail_message_clear(struct sendmail_message *m)
{
	for (size_t i = 0; i < m->nrcpts; i++)
		free(m->rcpts[i].addr);
	free(m->rcpts);
	buf_clear(&m->head);
	sendmail_message_init(m);
}

/* --- recipients ----------------------------------------------------------- */

static void
add_rcpt(struct sendmail_message *m, const char *addr)
{
	/* Doubles at 64, 128, ...: no count of the room is kept. */
	if (m->nrcpts == 0 ||
	    (m->nrcpts >= 64 && (m->nrcpts & (m->nrcpts - 1)) == 0))
		m->rcpts = xrealloc(m->rcpts,
		    m->nrcpts < 64 ? 64 : m->nrcpts * 2, sizeof(*m->rcpts));
	m->rcpts[m->nrcpts++] = (struct submit_rcpt) { xstrdup(addr),
		SUBMIT_OPEN };
}

/* One that relaisd would refuse is better refused before anybody is served.
 * And one that looks like an option never reaches a command line further
 * on. */
static bool
is_sendable(const char *addr)
{
	char whole[ADDR_MAX + 3];

	/* An encoded word without an address in it is nobody's name either. */
	if (addr[0] == '-' || strncmp(addr, "=?", 2) == 0 ||
	    strlen(addr) > ADDR_MAX)
		return false;
	(void)snprintf(whole, sizeof(whole),
	    strchr(addr, '@') != NULL ? "%s" : "%s@x", addr); /* it fits */
	return addr_is_mailbox(bytes_str(whole));
}

/* Says which entry is none.  Returns -1. */
static int
refuse_entry(struct bytes field, struct bytes entry, struct err *err)
{
	struct buf shown, plain;

	buf_init(&shown, 8 * STR_ESCAPE_MAX);
	buf_init(&plain, STR_ESCAPE_MAX);
	/* The line ends of a folded field are none of the entry. */
	for (size_t i = 0; i < entry.n && buf_len(&plain) < STR_ESCAPE_MAX; i++)
		if (entry.p[i] != '\r' && entry.p[i] != '\n')
			IGNORE(buf_addc(&plain, entry.p[i]));
	entry = buf_bytes(&plain);
	if (field.n > 0)
		IGNORE(str_escape(&shown, field, STR_ESCAPE_MAX) &&
		       buf_adds(&shown, ": "));
	IGNORE(buf_addc(&shown, '"') &&
	       str_escape(&shown, entry, STR_ESCAPE_MAX / 2));
	(void)err_set(err, ERR_INPUT, "%s\" is not a valid address%s",
	    buf_str(&shown),
	    entry.n > 0 && entry.p[0] == '-' && field.n == 0
		? "; options must come before the addresses"
		: "; the message was not sent to anyone");
	buf_clear(&plain);
	buf_clear(&shown);
	return -1;
}

static int
add_list(struct sendmail_message *m, struct bytes field, struct bytes value,
    const struct sendmail_wishes *w, struct err *err)
{
	struct addr_list l;
	struct buf text, plain;
	bool found;
	int rc = 0;

	buf_init(&text, value.n + 1);
	buf_init(&plain, 16 * value.n + 1);
	for (size_t i = 0; i < value.n; i++) /* unfolded */
		if (value.p[i] != '\r' && value.p[i] != '\n')
			IGNORE(buf_addc(&text, value.p[i]));
	if (mailbox_decode_list(&plain, buf_bytes(&text), &found) && found)
		value = buf_bytes(&plain);
	addr_list_parse_names(&l, value, w != NULL ? w->is_name : NULL,
	    w != NULL ? w->ctx : NULL);
	if (l.is_malformed)
		rc = refuse_entry(field, l.bad, err);
	for (size_t i = 0; rc == 0 && i < l.n; i++) {
		if (is_sendable(l.items[i].addr))
			add_rcpt(m, l.items[i].addr);
		else
			rc = refuse_entry(field, l.items[i].spec, err);
	}
	addr_list_clear(&l);
	buf_clear(&text);
	buf_clear(&plain);
	return rc;
}

int
sendmail_message_add_word(
    struct sendmail_message *m, const char *word, struct err *err)
{
	struct bytes all = bytes_str(word);
	size_t before = m->nrcpts;

	for (size_t i = 0; i < all.n; i++)
		if ((unsigned char)word[i] < ' ' || word[i] == 0x7f)
			return refuse_entry(bytes_of("", 0), all, err);
	if (add_list(m, bytes_of("", 0), all, NULL, err) != 0)
		return -1;
	if (m->nrcpts == before)
		return refuse_entry(bytes_of("", 0), all, err);
	return 0;
}

/* In order of address, doubles beside each other. */
static int
compare_rcpts(const void *a, const void *b)
{
	const struct submit_rcpt *x = *(const struct submit_rcpt *const *)a;
	const struct submit_rcpt *y = *(const struct submit_rcpt *const *)b;
	int rc = strcasecmp(x->addr, y->addr);

	if (rc == 0)
		rc = strncmp(x->addr, y->addr, strcspn(x->addr, "@"));
	return rc != 0 ? rc : (x > y) - (x < y);
}

/* A recipient who is in To and in Cc gets one copy.  The order is kept. */
static void
drop_doubles(struct sendmail_message *m)
{
	struct submit_rcpt **sorted;
	size_t n = 0;

	if (m->nrcpts < 2)
		return;
	sorted = xcalloc(m->nrcpts, sizeof(struct submit_rcpt *));
	for (size_t i = 0; i < m->nrcpts; i++)
		sorted[i] = &m->rcpts[i];
	qsort(sorted, m->nrcpts, sizeof(sorted[0]), compare_rcpts);
	for (size_t i = m->nrcpts - 1; i > 0; i--) {
		const char *a = sorted[i]->addr, *b = sorted[i - 1]->addr;

		if (addr_eq(bytes_str(a), bytes_str(b))) {
			free(sorted[i]->addr);
			sorted[i]->addr = NULL;
		}
	}
	free(sorted);
	for (size_t i = 0; i < m->nrcpts; i++)
		if (m->rcpts[i].addr != NULL)
			m->rcpts[n++] = m->rcpts[i];
	m->nrcpts = n;
}

/* --- the header ----------------------------------------------------------- */

static int
take_fields(struct sendmail_message *m, const struct header *h, size_t first,
    size_t end, const char *const names[], const struct sendmail_wishes *w,
    struct err *err)
{
	for (size_t i = first; i < end; i++) {
		struct header_field f = header_at(h, i);

		if (bytes_is_one_of(f.name, names) &&
		    add_list(m, f.name, f.body, w, err) != 0)
			return -1;
	}
	return 0;
}

/* Those of the newest Resent block, if there is one. */
static int
take_rcpts(struct sendmail_message *m, const struct header *h,
    const struct sendmail_wishes *w, struct err *err)
{
	static const char *const plain[] = { "To", "Cc", "Bcc", NULL };
	static const char *const resent[] = { "Resent-To", "Resent-Cc",
		"Resent-Bcc", NULL };

	for (size_t i = 0; i < header_count(h); i++)
		if (bytes_has_prefix_nocase(header_at(h, i).name, "Resent-"))
			return take_fields(
			    m, h, i, header_block_end(h, i), resent, w, err);
	return take_fields(m, h, 0, header_count(h), plain, w, err);
}

/* False: the header is full. */
static bool
mend(struct header *h, const struct sendmail_wishes *w)
{
	(void)header_remove_all(h, "Bcc");
	(void)header_remove_all(h, "Resent-Bcc");
	return header_find(h, "From", 0) != HEADER_NONE ||
	       header_append(h, "From", bytes_str(w->from));
}

/* Text that stood in the header, or the body's beginning. */
static bool
add_rest(const struct header *h, struct buf *to)
{
	struct bytes rest = header_rest(h);

	return buf_add(to, rest.p, rest.n);
}

int
sendmail_message_set(struct sendmail_message *m, struct bytes text,
    const struct sendmail_wishes *wishes, struct err *err)
{
	struct header *h = header_new();
	size_t used;
	int rc = -1;

	header_mend(h);
	used = header_put(h, text.p, text.n);
	header_end(h);
	if (header_state(h) != HEADER_DONE) {
		(void)err_set(err, ERR_INPUT, "the header is too large");
		goto out;
	}
	m->body = bytes_of(text.p + used, text.n - used);
	m->is_8bit = !str_is_ascii(text);
	m->has_guess = (header_mended(h) & HEADER_MENDED_LIST) != 0;
	if (wishes->has_header_rcpts && take_rcpts(m, h, wishes, err) != 0)
		goto out;
	drop_doubles(m);
	if (!mend(h, wishes) || !header_write(h, &m->head) ||
	    !buf_adds(&m->head, "\r\n") || !add_rest(h, &m->head)) {
		(void)err_set(err, ERR_INPUT, "the header is too large");
		goto out;
	}
	rc = 0;
out:
	header_free(h);
	return rc;
}
