/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "store/store_move.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/num.h"
#include "base/xalloc.h"

enum {
	SMALL_BYTES = 128 * 1024, /* are read at once */
	PIECE_BYTES = 64 * 1024,
	NOTE_MAX = 1024
};

static const char note[] = "moving";

static const char *
word_of(bool is_export)
{
	return is_export ? "export" : "import";
}

/* --- the note in the spool ------------------------------------------------ */

/* "WORD NUMBER NAME\n"; *ret_has false: there is none. */
static int
read_note(struct store *here, struct buf *to, bool *ret_has, bool *ret_export,
    struct err *err)
{
	if (here->ops->state_read(here, note, to, err) != 0)
		return -1;
	*ret_has = buf_len(to) > 0;
	*ret_export = strncmp(buf_str(to), "export ", 7) == 0;
	return 0;
}

int
store_move_check(struct store *here, struct err *err)
{
	struct buf text;
	bool has = false, is_export = false;
	int rc;

	buf_init(&text, NOTE_MAX);
	rc = read_note(here, &text, &has, &is_export, err);
	buf_clear(&text);
	if (rc == 0 && has)
		rc = err_set(err, ERR_CONFIG,
		    "messages of the spool %s are being moved; type: relais "
		    "store %s",
		    here->name, word_of(is_export));
	return rc;
}

static int
continue_from(struct bytes text, bool is_export, const char *far_name,
    bool was_export, int64_t *ret, struct err *err)
{
	const char *word = word_of(was_export);
	struct bytes number;
	const char *sp = NULL;
	uint64_t n;

	if (text.n > strlen(word) && memcmp(text.p, word, strlen(word)) == 0) {
		number = bytes_of(
		    text.p + strlen(word) + 1, text.n - strlen(word) - 1);
		sp = memchr(number.p, ' ', number.n);
	}
	if (sp == NULL ||
	    !num_u64_max(
		bytes_of(number.p, (size_t)(sp - number.p)), INT64_MAX, &n) ||
	    n == 0)
		return err_set(
		    err, ERR_DISK, "state/%s in the spool is damaged", note);
	if (was_export != is_export)
		return err_set(err, ERR_INPUT,
		    "an earlier %s was broken off; type first: relais store %s",
		    word, word);
	if (strncmp(sp + 1, far_name, strlen(far_name)) != 0 ||
	    sp[1 + strlen(far_name)] != '\n')
		return err_set(err, ERR_CONFIG,
		    "an earlier %s was broken off, with another database: "
		    "%.200s",
		    word, sp + 1);
	*ret = (int64_t)n;
	return 0;
}

int
store_move_begin(struct store *here, bool is_export, const char *far_name,
    uint64_t random, int64_t *ret_number, struct err *err)
{
	struct buf text;
	bool has = false, was_export = false;
	int rc;

	buf_init(&text, NOTE_MAX);
	rc = read_note(here, &text, &has, &was_export, err);
	if (rc == 0 && has) {
		rc = continue_from(buf_bytes(&text), is_export, far_name,
		    was_export, ret_number, err);
	} else if (rc == 0) {
		*ret_number = (int64_t)(random >> 2) + 1;
		if (buf_addf(&text, "%s %" PRId64 " %s\n", word_of(is_export),
			*ret_number, far_name))
			rc = here->ops->state_write(
			    here, note, buf_bytes(&text), err);
		else
			rc = err_set(err, ERR_CONFIG, "store_url is too long");
	}
	buf_clear(&text);
	return rc;
}

int
store_move_end(struct store *here, struct err *err)
{
	return here->ops->state_write(here, note, bytes_of("", 0), err);
}

/* --- one message ---------------------------------------------------------- */

static struct bytes
take_journal(void *ctx)
{
	return *(const struct bytes *)ctx;
}

static void
written(void *ctx)
{
	(void)ctx;
}

struct copy {
	struct store_move *move;
	struct store *from, *to;
	struct store_message *m;
	struct buf header, journal;
	struct store_notes notes;
	struct bytes lines;
};

static int
copy_small(struct copy *c, const char *id, size_t size, struct err *err)
{
	char *p = xmalloc(size + 1);
	size_t n = 0, more = 1;
	int rc = 0;

	while (rc == 0 && n < size && more > 0) {
		rc = c->from->ops->message_read(
		    c->m, n, p + n, size - n, &more, err);
		n += rc == 0 ? more : 0;
	}
	if (rc == 0 && n < size)
		rc = err_set(err, ERR_DISK, "%s: it ends early", id);
	if (rc == 0)
		rc = c->to->ops->put(c->to, id, buf_bytes(&c->header),
		    bytes_of(p, size), &c->notes, err);
	free(p);
	return rc;
}

static int
copy_draft(struct copy *c, const char *id, struct err *err)
{
	const struct store_ops *to = c->to->ops;
	struct store_draft *d;
	char *p;
	size_t n = 1;
	int rc = 0;

	if (to->draft_new(c->to, id, &d, err) != 0)
		return -1;
	p = xmalloc(PIECE_BYTES);
	for (uint64_t at = 0; rc == 0 && n > 0; at += n) {
		rc = c->from->ops->message_read(
		    c->m, at, p, PIECE_BYTES, &n, err);
		if (rc == 0 && n > 0)
			rc = to->draft_write(d, p, n, err);
	}
	free(p);
	if (rc == 0 && d->size_bytes != c->m->env->size_bytes)
		rc = err_set(err, ERR_DISK, "%s: it ends early", id);
	if (rc == 0)
		rc = to->draft_end(d, c->m->env, err);
	if (rc == 0)
		rc = to->draft_commit(d, &c->notes, err);
	to->draft_free(d);
	return rc;
}

static int
copy_new(struct copy *c, const char *id, struct err *err)
{
	uint64_t size = c->m->env->size_bytes;

	if (!store_text_header(&c->header, STORE_TEXT_MESSAGE, c->m->env, 0))
		return err_set(
		    err, ERR_INPUT, "%s: its envelope is too long", id);
	c->from->ops->message_mend(c->m);
	if (c->from->ops->message_journal(c->m, &c->journal, err) != 0)
		return -1;
	c->lines = buf_bytes(&c->journal);
	c->notes = (struct store_notes) { take_journal, written, &c->lines };
	if (size <= SMALL_BYTES)
		return copy_small(c, id, (size_t)size, err);
	return c->move->is_export
		   ? copy_draft(c, id, err)
		   : c->move->mover->put(c->to, id, buf_bytes(&c->header),
			 c->from, c->m, &c->notes, err);
}

/* Where it is already, because an earlier run got so far; -1: it is not; -2:
 * err says why that is not known. */
static int
find_copy(
    struct store *to, const char *id, enum store_place place, struct err *err)
{
	const enum store_place places[] = { place, STORE_QUEUE };
	struct store_message *m;

	for (size_t i = 0; i < 2; i++)
		switch (to->ops->load(to, places[i], id, &m, err)) {
		case STORE_OK:
			to->ops->message_free(m);
			return (int)places[i];
		case STORE_GONE:
			break;
		case STORE_UNFINISHED:
			if (to->ops->remove(to, places[i], id, err) != 0)
				return -2;
			break;
		case STORE_DAMAGED:
		case STORE_ERROR:
			return -2;
		}
	return -1;
}

static int
copy_message(
    struct copy *c, enum store_place place, const char *id, struct err *err)
{
	int found = find_copy(c->to, id, place, err);
	enum store_place at = STORE_QUEUE;
	int rc = 0;

	if (found < -1)
		return -1;
	if (found < 0) {
		buf_init(&c->header, STORE_HEADER_MAX);
		buf_init(&c->journal, JOURNAL_MAX);
		rc = copy_new(c, id, err);
		buf_clear(&c->header);
		buf_clear(&c->journal);
	} else {
		at = (enum store_place)found;
	}
	if (rc == 0 && at != place)
		rc = c->to->ops->finish(
		    c->to, &at, place, id, bytes_of("", 0), err);
	return rc;
}

/* As a relay would do. */
static int
set_aside(struct store_move *m, struct store *from, enum store_place place,
    const char *id, struct err *err)
{
	m->damaged++;
	return from->ops->finish(
	    from, &place, STORE_CORRUPT, id, bytes_of("", 0), err);
}

/* *ret_is_there: the original may be removed now. */
static int
move_one(struct store_move *m, enum store_place place, const char *id,
    bool *ret_is_there, struct err *err)
{
	struct copy c = { .move = m,
		.from = m->is_export ? m->far : m->here,
		.to = m->is_export ? m->here : m->far };
	enum store_result res = c.from->ops->load(c.from, place, id, &c.m, err);
	int rc = 0;

	*ret_is_there = false;
	if (res == STORE_DAMAGED)
		return set_aside(m, c.from, place, id, err);
	if (res == STORE_ERROR)
		return -1;
	*ret_is_there = res != STORE_GONE;
	if (res != STORE_OK)
		return 0; /* gone, or never promised */
	if (!c.m->state.is_done && !envelope_is_sent(c.m->env)) {
		rc = copy_message(&c, place, id, err);
		if (rc == 0) {
			m->moved++;
			m->bytes += c.m->env->size_bytes;
		} else if (c.m->is_damaged) {
			rc = set_aside(m, c.from, place, id, err);
			*ret_is_there = false;
		}
	}
	c.from->ops->message_free(c.m);
	return rc;
}

/* --- all ------------------------------------------------------------------ */

struct batch {
	char ids[STORE_MOVE_MAX][QID_SIZE];
	enum store_place places[STORE_MOVE_MAX];
	size_t n;
};

/* The copies are durable: what is here goes, and only when that is durable,
 * too, the copies are free. */
static int
finish_batch(struct store_move *m, struct batch *b, struct err *err)
{
	struct store *from = m->is_export ? m->far : m->here;

	if (m->progress != NULL)
		m->progress(m->ctx, m);
	if (b->n == 0)
		return 0;
	for (size_t i = 0; i < b->n; i++)
		if (from->ops->remove(from, b->places[i], b->ids[i], err) != 0)
			return -1;
	if (from->ops->sync(from, err) != 0)
		return -1;
	if (!m->is_export && m->mover->give(m->far, b->ids, b->n, err) != 0)
		return -1;
	b->n = 0;
	return 0;
}

static int
move_scanned(struct store_move *m, struct err *err)
{
	struct store *from = m->is_export ? m->far : m->here;
	struct store_scan *scan = from->ops->scan_new(from, 0);
	struct batch *b = xcalloc(1, sizeof(*b));
	enum store_found found = STORE_FOUND_NONE;
	int rc = 0;

	while (rc == 0 && found != STORE_FOUND_END) {
		enum store_place place;
		char id[QID_SIZE];
		bool is_there;

		found = from->ops->scan_next(scan, &place, id, err);
		if (found == STORE_FOUND_ERROR) {
			rc = -1;
		} else if (found == STORE_FOUND_ONE && place != STORE_CORRUPT) {
			rc = move_one(m, place, id, &is_there, err);
			if (rc == 0 && is_there) {
				memcpy(b->ids[b->n], id, QID_SIZE);
				b->places[b->n++] = place;
			}
		}
		if (rc == 0 && b->n == STORE_MOVE_MAX)
			rc = finish_batch(m, b, err);
	}
	from->ops->scan_free(scan);
	if (rc == 0)
		rc = finish_batch(m, b, err);
	free(b);
	return rc;
}

int
store_move_run(struct store_move *m, struct err *err)
{
	int n;

	if (!m->is_export)
		/* The last: what an earlier run had moved, and not let go. */
		return move_scanned(m, err) == 0
			   ? m->mover->give(m->far, NULL, 0, err)
			   : -1;
	while ((n = m->mover->take(m->far, STORE_MOVE_MAX, err)) > 0)
		if (move_scanned(m, err) != 0)
			return -1;
	return n;
}
