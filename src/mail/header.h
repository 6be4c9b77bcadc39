/* SPDX-License-Identifier: GPL-3.0-or-later */
/* header.h - the header of a message as a list of fields (RFC 5322 2.2, 4.5).
 *
 *	field    = name *WSP ":" body CRLF
 *	body     = line *(CRLF WSP line)
 *
 * The header is read tolerantly and written back byte for byte: fields that are
 * not removed or replaced come out unchanged, in the same order.  Input may
 * come in pieces of any size, with line ends CRLF or LF.  The header ends at
 *
 *	- an empty line, which is read but belongs neither to header nor body;
 *	- a line that is no field: the body begins there, without an empty line
 *	  (header_rest() has what was read of it);
 *	- the end of the input.
 *
 * With header_mend(), names are read as they were meant: blanks around them,
 * also U+00A0 and other invisible ones, and a byte order mark are removed.  A
 * line with an address after a list that ends in a comma belongs to the list;
 * so does a line that is nothing but addresses, with a comma in front; after a
 * hidden copy, so does any line that ends in an address.  A line that is not a
 * field does not always end the header, and a first line with a name that no
 * field would have may be text.  The lines up to the next empty one decide: if
 * most of them are fields that messages have, the header continues; otherwise
 * the body begins with them.  In either case a Bcc among
 * them is a field, and no other text is lost: header_rest() has it, or, in
 * front of an encoded body, fields named X-Original-Line.
 *
 * A leading mbox line ("From me Fri Aug 21 ...", or with ">" in front) is
 * dropped if a field follows it, or kept in front of the fields after
 * header_keep_mbox(); otherwise it is text and the body begins with it.
 *
 * Bounded (R78): HEADER_MAX bytes in all and HEADER_FIELDS_MAX fields; beyond
 * that the state says so and nothing more is accepted.  One field may be as
 * long as the whole.  Linear in the size of the header.
 *
 * A field is named by its index, from 0 to header_count() - 1, in order of
 * appearance; removed fields leave a gap that header_find() skips.
 */
#ifndef MAIL_HEADER_H
#define MAIL_HEADER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/must.h"

enum {
	HEADER_MAX = 1048576,
	HEADER_FIELDS_MAX = 20000,
	HEADER_OWN_MAX = 262144, /* room for additions to a full header */
	/* The most that header_value() appends. */
	HEADER_VALUE_MAX = HEADER_MAX + HEADER_OWN_MAX,
	/* Bytes of all fields that are created, also those replaced again
	 * later. */
	HEADER_WORK_MAX = 8 * HEADER_MAX,
	HEADER_LINE_MAX = 998, /* of fields made here */
	HEADER_FOLD = 78
};

struct header;

enum header_state {
	HEADER_MORE, /* wants bytes */
	HEADER_DONE,
	HEADER_TOO_BIG /* HEADER_MAX or HEADER_FIELDS_MAX */
};

struct header *header_new(void);
void header_free(struct header *h);

/* --- reading -------------------------------------------------------------- */

/* Before the first byte.  header_write() then returns a leading mbox line, for
 * callers that must not lose a byte.  header_mbox() is that line, or empty;
 * header_drop_mbox() removes it. */
void header_keep_mbox(struct header *h);
struct bytes header_mbox(const struct header *h);
void header_drop_mbox(struct header *h);

/* Before the first byte.  The header may come from a program that makes
 * mistakes, see above.  header_mended() says what was corrected, a sum of
 * these. */
enum {
	HEADER_MENDED_NAME = 1,
	HEADER_MENDED_STRAY = 2,
	HEADER_MENDED_LIST = 4
};
void header_mend(struct header *h);
unsigned header_mended(const struct header *h);

/* Before the first byte.  The header was changed by us before; what was added
 * then, up to HEADER_OWN_MAX, does not count against the limits. */
void header_widen(struct header *h);

/* Takes bytes until the header has ended, and returns how many.  Fewer than n:
 * the state is no longer HEADER_MORE, and the rest belongs to the body. */
size_t header_put(struct header *h, const void *p, size_t n);
void header_end(struct header *h); /* there will be no more bytes */
enum header_state header_state(const struct header *h);
/* True: an empty line ended the header.  If not, the writer of the message must
 * add one. */
bool header_has_blank(const struct header *h);
/* The start of the body: bytes that header_put() took.  Borrowed until the next
 * change to h.  Without header_mend() they are the last bytes taken. */
struct bytes header_rest(const struct header *h);

/* --- looking -------------------------------------------------------------- */

#define HEADER_NONE SIZE_MAX

size_t header_count(const struct header *h);
/* The first field of this name at or after index from, without regard to case;
 * HEADER_NONE: none.  name NULL: any field that was not removed. */
size_t header_find(const struct header *h, const char *name, size_t from);

struct header_field { /* borrowed until the next change to h */
	struct bytes name; /* without blanks */
	struct bytes body; /* behind the colon, folded, without the last CRLF */
	struct bytes raw; /* all of it, with its line ends */
};
struct header_field header_at(const struct header *h, size_t i);

/* The end of the block of Resent- fields that begins at first.  Each resending
 * adds a block in front (RFC 5322 3.6.6), so a block ends at any other field,
 * or at a Resent- field that it already has. */
size_t header_block_end(const struct header *h, size_t first);

/* Appends the body, unfolded (line ends removed) and trimmed.  False: no room,
 * and nothing was appended. */
bool header_value(const struct header *h, size_t i, struct buf *to) MUST_CHECK;

/* The first field at or after index from that was removed, replaced or appended
 * since the header was read, and its name; HEADER_NONE: none.  A prepended
 * field does not count, because it stands above what others have signed. */
size_t header_find_change(
    const struct header *h, size_t from, struct bytes *ret_name);

/* --- changing ------------------------------------------------------------- */

void header_remove(struct header *h, size_t i);
/* Removes every field of this name; returns how many there were. */
size_t header_remove_all(struct header *h, const char *name);

/* Each makes "name: value", folded at blanks.  Control characters in value
 * become blanks, so no value can start another field (R14).  Prepending moves
 * every index up by one.  False: HEADER_WORK_MAX is used up, or value has a
 * word that no line can hold; nothing has changed. */
bool header_prepend(
    struct header *h, const char *name, struct bytes value) MUST_CHECK;
bool header_append(
    struct header *h, const char *name, struct bytes value) MUST_CHECK;
/* Inserts in front of field i; every index from i on moves up.  Like a
 * prepended field it does not count as a change. */
bool header_insert(struct header *h, size_t i, const char *name,
    struct bytes value) MUST_CHECK;
bool header_replace(struct header *h, size_t i, const char *name,
    struct bytes value) MUST_CHECK;

/* Appends the mbox line if it is kept, then all remaining fields, each with its
 * line end, without the empty line. */
bool header_write(const struct header *h, struct buf *to) MUST_CHECK;

/* Appends one field made and folded as above, for code that writes a message
 * without struct header. */
bool header_fold(
    struct buf *to, const char *name, struct bytes value) MUST_CHECK;

#endif
