/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "postgres/pg_schema.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/xalloc.h"

enum { LATE_MS = 3000 }; /* three heartbeats */

/* A message is rewritten for each line of its journal, next to where it was,
 * and is gone soon: so there is room in each page, and cleaning comes early. */
#define CHURN                                                                  \
	"WITH (fillfactor = 70, autovacuum_vacuum_scale_factor = 0.02,"        \
	" autovacuum_vacuum_threshold = 500,"                                  \
	" autovacuum_vacuum_cost_delay = 0)"

/* What makes each version of the one before it; the first of nothing. */
static const char *const to_1[] = {
	"CREATE TABLE relais_schema (version integer NOT NULL)",
	"CREATE TABLE relais_node ("
	" id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,"
	" name text NOT NULL,"
	" pid integer NOT NULL,"
	" started timestamptz NOT NULL DEFAULT now(),"
	" seen timestamptz NOT NULL DEFAULT now(),"
	" is_dead boolean NOT NULL DEFAULT false)",
	"CREATE TABLE relais_message ("
	" id text COLLATE \"C\" PRIMARY KEY,"
	" owner bigint NOT NULL,"
	" place smallint NOT NULL DEFAULT 0,"
	" header bytea NOT NULL,"
	" ending text NOT NULL,"
	" journal bytea NOT NULL) " CHURN,
	"CREATE INDEX relais_message_owner ON relais_message (owner, id)",
	"CREATE TABLE relais_body ("
	" id text COLLATE \"C\","
	" n integer,"
	" part bytea NOT NULL,"
	" PRIMARY KEY (id, n)) " CHURN,
	/* Compressing takes longer than writing, and mail is base64. */
	"ALTER TABLE relais_body ALTER COLUMN part SET STORAGE EXTERNAL",
	"INSERT INTO relais_schema VALUES (0)",
	NULL,
};

static const char *const to_2[] = {
	/* A few rows, each changed several times a second at most. */
	"CREATE TABLE relais_shared ("
	" name text COLLATE \"C\" PRIMARY KEY,"
	" version bigint NOT NULL,"
	" content bytea NOT NULL) WITH (fillfactor = 50,"
	" autovacuum_vacuum_threshold = 500, autovacuum_vacuum_cost_delay = 0)",
	NULL,
};

/* For who looks at a message of another relay, or wants to change it. */
static const char *const to_3[] = {
	"ALTER TABLE relais_message"
	" ADD COLUMN origin text NOT NULL DEFAULT '',"
	" ADD COLUMN uid bigint NOT NULL DEFAULT 4294967295",
	"ALTER TABLE relais_node"
	" ADD COLUMN due bigint NOT NULL DEFAULT 0,"
	" ADD COLUMN active bigint NOT NULL DEFAULT 0,"
	" ADD COLUMN held bigint NOT NULL DEFAULT 0,"
	" ADD COLUMN failed bigint NOT NULL DEFAULT 0,"
	" ADD COLUMN oldest bigint NOT NULL DEFAULT 0",
	"CREATE TABLE relais_request ("
	" id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,"
	" made timestamptz NOT NULL DEFAULT now(),"
	" batch bigint NOT NULL,"
	" message text COLLATE \"C\" NOT NULL,"
	" what smallint NOT NULL,"
	" state smallint NOT NULL DEFAULT 0,"
	" UNIQUE (batch, message))",
	"CREATE TABLE relais_history ("
	" seq bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,"
	" node bigint NOT NULL,"
	" batch bigint NOT NULL,"
	" name text NOT NULL,"
	" at timestamptz NOT NULL DEFAULT clock_timestamp(),"
	" n integer NOT NULL,"
	" lines bytea NOT NULL,"
	" UNIQUE (node, batch))",
	NULL,
};

/* A user looks at what is that user's, of one relay, and at nothing else. */
static const char *const to_4[] = {
	"CREATE INDEX relais_message_user ON relais_message (origin, uid, id)",
	NULL,
};

static const char *const *const steps[PG_SCHEMA] = { to_1, to_2, to_3, to_4 };

/* --- what is there -------------------------------------------------------- */

/* 0: none. */
static int
version(struct pg_conn *c, int64_t *ret, struct err *err)
{
	PGresult *r;
	bool is_there;

	if (pg_ask(c, "SELECT to_regclass('relais_schema') IS NOT NULL", NULL,
		0, &r, err) != PG_DONE)
		return -1;
	is_there = pg_int(r, 0, 0) != 0;
	PQclear(r);
	*ret = 0;
	if (!is_there)
		return 0;
	if (pg_ask(c, "SELECT version FROM relais_schema", NULL, 0, &r, err) !=
	    PG_DONE)
		return -1;
	*ret = PQntuples(r) == 1 ? pg_int(r, 0, 0) : -1;
	PQclear(r);
	return 0;
}

static int
check_version(struct pg_conn *c, struct err *err)
{
	int64_t is;

	if (version(c, &is, err) != 0)
		return -1;
	if (is == 0)
		return err_set(err, ERR_CONFIG,
		    "the database has no tables of relais; type: relais store "
		    "init");
	if (is < PG_SCHEMA)
		return err_set(err, ERR_CONFIG,
		    "the tables of relais are of version %" PRId64
		    ", and this relais needs %d; type: relais store upgrade",
		    is, PG_SCHEMA);
	if (is > PG_SCHEMA)
		return err_set(err, ERR_CONFIG,
		    "the tables of relais are of version %" PRId64
		    ", and this relais knows only %d; install the newer one",
		    is, PG_SCHEMA);
	return 0;
}

struct promise {
	char fsync[8], pages[8], commit[16];
	bool has_standby;
};

static void
copy_bytes(char *to, size_t size, struct bytes b)
{
	size_t n = b.n < size ? b.n : size - 1;

	memcpy(to, b.p, n);
	to[n] = '\0';
}

static int
ask_promise(struct pg_conn *c, struct promise *ret, struct err *err)
{
	PGresult *r;

	if (pg_ask(c,
		"SELECT current_setting('fsync'),"
		" current_setting('full_page_writes'),"
		" current_setting('synchronous_commit'),"
		" current_setting('synchronous_standby_names')",
		NULL, 0, &r, err) != PG_DONE)
		return -1;
	copy_bytes(ret->fsync, sizeof(ret->fsync), pg_bytes(r, 0, 0));
	copy_bytes(ret->pages, sizeof(ret->pages), pg_bytes(r, 0, 1));
	copy_bytes(ret->commit, sizeof(ret->commit), pg_bytes(r, 0, 2));
	ret->has_standby = pg_bytes(r, 0, 3).n > 0;
	PQclear(r);
	return 0;
}

static int
check_promise(const struct promise *p, struct err *err)
{
	if (strcmp(p->fsync, "on") != 0)
		return err_set(err, ERR_CONFIG,
		    "the database has fsync = %s, so it can lose mail that was "
		    "accepted; set fsync = on in postgresql.conf",
		    p->fsync);
	if (strcmp(p->pages, "on") != 0)
		return err_set(err, ERR_CONFIG,
		    "the database has full_page_writes = %s, so a power cut "
		    "can "
		    "destroy it; set full_page_writes = on in postgresql.conf",
		    p->pages);
	if (strcmp(p->commit, "off") == 0)
		return err_set(err, ERR_CONFIG,
		    "the database has synchronous_commit = off, so it can lose "
		    "mail that was accepted; set synchronous_commit = on in "
		    "postgresql.conf or for the user of relais");
	return 0;
}

int
pg_schema_check(struct pg_conn *c, struct err *err)
{
	struct promise p;

	if (check_version(c, err) != 0 || ask_promise(c, &p, err) != 0)
		return -1;
	return check_promise(&p, err);
}

/* --- for a person --------------------------------------------------------- */

/* All of it, or nothing: a connection that is given back within a transaction
 * is closed. */
static int
bring_up(struct pg_conn *c, int64_t from, struct err *err)
{
	const struct pg_arg args[] = { PG_NUMBER(PG_SCHEMA) };

	if (pg_ask(c, "BEGIN", NULL, 0, NULL, err) != PG_DONE)
		return -1;
	for (; from < PG_SCHEMA; from++)
		for (const char *const *step = steps[from]; *step != NULL;
		     step++)
			if (pg_ask(c, *step, NULL, 0, NULL, err) != PG_DONE)
				return -1;
	return pg_ask(c, "UPDATE relais_schema SET version = $1", args, 1, NULL,
		   err) == PG_DONE &&
		       pg_ask(c, "COMMIT", NULL, 0, NULL, err) == PG_DONE
		   ? 0
		   : -1;
}

static int
init(struct pg_conn *c, struct buf *said, struct err *err)
{
	int64_t is;

	if (version(c, &is, err) != 0)
		return -1;
	if (is != 0)
		return err_set(err, ERR_INPUT,
		    "the database has tables of relais already (version "
		    "%" PRId64 "); nothing was changed",
		    is);
	if (bring_up(c, 0, err) != 0)
		return -1;
	IGNORE(
	    buf_addf(said, "The tables are made (version %d).\n", PG_SCHEMA));
	return 0;
}

static int
upgrade(struct pg_conn *c, struct buf *said, struct err *err)
{
	int64_t is;

	if (version(c, &is, err) != 0)
		return -1;
	if (is == 0)
		return init(c, said, err);
	if (is < 0 || is >= PG_SCHEMA) {
		if (check_version(c, err) != 0)
			return -1;
		IGNORE(buf_addf(said,
		    "The tables are of version %d; there is nothing to do.\n",
		    PG_SCHEMA));
		return 0;
	}
	if (bring_up(c, is, err) != 0)
		return -1;
	IGNORE(buf_addf(said,
	    "The tables were of version %d and are of version %d now; restart "
	    "the relays that have an older relais.\n",
	    (int)is, PG_SCHEMA));
	return 0;
}

static int
tell_nodes(struct pg_conn *c, struct buf *said, struct err *err)
{
	PGresult *r;

	if (pg_ask(c,
		"SELECT count(*) FILTER (WHERE place = 0),"
		" count(*) FILTER (WHERE place = 1),"
		" count(*) FILTER (WHERE place = 2) FROM relais_message",
		NULL, 0, &r, err) != PG_DONE)
		return -1;
	IGNORE(buf_addf(said,
	    "Messages: %" PRId64 " waiting, %" PRId64 " failed, %" PRId64
	    " damaged.\n",
	    pg_int(r, 0, 0), pg_int(r, 0, 1), pg_int(r, 0, 2)));
	PQclear(r);
	if (pg_ask(c,
		"SELECT count(*) FROM relais_node WHERE NOT is_dead AND"
		" seen > now() - " PG_DEAD_AFTER,
		NULL, 0, &r, err) != PG_DONE)
		return -1;
	IGNORE(buf_addf(
	    said, "Relays that use it now: %" PRId64 ".\n", pg_int(r, 0, 0)));
	PQclear(r);
	return 0;
}

/* What was deleted is kept for as long as such a one might look at it. */
static int
tell_open(struct pg_conn *c, struct buf *said, struct err *err)
{
	PGresult *r;

	if (pg_ask(c,
		"SELECT count(*), coalesce(max(extract(epoch FROM now() - at)"
		" / 60), 0)::bigint FROM (SELECT xact_start FROM"
		" pg_stat_activity WHERE datname = current_database()"
		" UNION ALL SELECT prepared FROM pg_prepared_xacts) t (at)"
		" WHERE at < now() - interval '1 hour'",
		NULL, 0, &r, err) != PG_DONE)
		return -1;
	if (pg_int(r, 0, 0) > 0)
		IGNORE(buf_addf(said,
		    "A transaction has been open for %" PRId64
		    " min: until it ends, the tables cannot be cleaned and "
		    "grow.\n",
		    pg_int(r, 0, 1)));
	PQclear(r);
	return 0;
}

static int
tell_moves(struct pg_conn *c, struct buf *said, struct err *err)
{
	PGresult *r;
	int64_t n;

	if (pg_ask(c, "SELECT count(*) FROM relais_message WHERE owner < 0",
		NULL, 0, &r, err) != PG_DONE)
		return -1;
	n = pg_int(r, 0, 0);
	PQclear(r);
	if (n > 0)
		IGNORE(buf_addf(said,
		    "Messages that relais store import or export is moving, or "
		    "was: %" PRId64 ".\n",
		    n));
	return 0;
}

static int
describe_promise(struct pg_conn *c, struct buf *said, struct err *err)
{
	struct promise p;

	if (ask_promise(c, &p, err) != 0 || check_promise(&p, err) != 0 ||
	    check_version(c, err) != 0)
		return -1;
	IGNORE(buf_addf(said,
	    !p.has_standby || strcmp(p.commit, "local") == 0
		? "Accepted mail is on the disk of one server: it survives a "
		  "crash and a power cut, not the loss of that disk.\n"
	    : strcmp(p.commit, "remote_write") == 0
		? "Accepted mail is on the disk of this server and in the "
		  "memory of a standby.\n"
		: "Accepted mail is on the disks of this server and of a "
		  "synchronous standby.\n"));
	if (tell_nodes(c, said, err) != 0 || tell_moves(c, said, err) != 0)
		return -1;
	return tell_open(c, said, err);
}

static int
with(const char *url,
    int (*run)(struct pg_conn *c, struct buf *said, struct err *err),
    struct buf *said, struct err *err)
{
	struct pg_pool *p;
	struct pg_conn *c;
	int rc = -1;

	if (pg_pool_new(url, &p, err) != 0)
		return -1;
	c = pg_pool_look_up(p, err) == 0 ? pg_take(p, err) : NULL;
	if (c != NULL) {
		rc = run(c, said, err);
		pg_give(c);
	}
	pg_pool_free(p);
	return rc;
}

int
pg_schema_init(const char *url, struct buf *said, struct err *err)
{
	return with(url, init, said, err);
}

int
pg_schema_upgrade(const char *url, struct buf *said, struct err *err)
{
	return with(url, upgrade, said, err);
}

int
pg_schema_tell(const char *url, struct buf *said, struct err *err)
{
	return with(url, describe_promise, said, err);
}

static void
tell_node(const PGresult *r, int row,
    void (*each)(void *ctx, const struct store_node *n), void *ctx)
{
	struct store_node n = {
		.id = pg_int(r, row, 0),
		.silent_ms = pg_int(r, row, 2),
		.is_dead = pg_int(r, row, 3) != 0,
		.messages = (uint64_t)pg_int(r, row, 4),
	};
	struct bytes name = pg_bytes(r, row, 1);
	char *text = xstrndup(name.p, name.n);

	n.name = text;
	n.is_late = n.silent_ms > LATE_MS;
	each(ctx, &n);
	free(text);
}

int
pg_schema_nodes(const char *url,
    void (*each)(void *ctx, const struct store_node *n), void *ctx,
    struct err *err)
{
	struct pg_pool *p;
	struct pg_conn *c;
	PGresult *r;
	int rc = -1;

	if (pg_pool_new(url, &p, err) != 0)
		return -1;
	c = pg_pool_look_up(p, err) == 0 ? pg_take(p, err) : NULL;
	if (c != NULL && check_version(c, err) == 0 &&
	    pg_ask(c,
		"SELECT n.id, n.name, greatest(0, extract(epoch FROM"
		" now() - n.seen) * 1000)::bigint, n.is_dead, count(m.id)"
		" FROM relais_node n LEFT JOIN relais_message m"
		" ON m.owner = n.id GROUP BY n.id"
		" HAVING NOT n.is_dead OR count(m.id) > 0 ORDER BY n.id",
		NULL, 0, &r, err) == PG_DONE) {
		for (int i = 0; i < PQntuples(r); i++)
			tell_node(r, i, each, ctx);
		PQclear(r);
		rc = 0;
	}
	if (c != NULL)
		pg_give(c);
	pg_pool_free(p);
	return rc;
}
