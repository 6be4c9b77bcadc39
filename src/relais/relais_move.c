/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "relais/relais_move.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "account/carry.h"
#include "base/clock.h"
#include "base/intl.h"
#include "base/rng.h"
#include "base/xalloc.h"
#include "conf/conf.h"
#include "relais/relais.h"
#include "store/spool.h"
#include "store/store_module.h"
#include "store/store_move.h"
#include "sys/clock_sys.h"
#include "sys/fs_sys.h"

enum {
	DEAD_MS = 10 * 1000, /* a relay that was not heard for so long */
	SILENCE_S = 15, /* is waited for that */
	SLACK_MS = 500,
	PROGRESS_MS = 1000
};

/* --- no relay may run ----------------------------------------------------- */

struct silence {
	int64_t elapsed_ms;
	bool is_alive; /* one may be */
	char *speaks; /* its name */
};

static void
on_node(void *ctx, const struct store_node *n)
{
	struct silence *s = ctx;

	if (n->is_dead || n->silent_ms >= DEAD_MS)
		return;
	s->is_alive = true;
	if (n->silent_ms + SLACK_MS < s->elapsed_ms && s->speaks == NULL)
		s->speaks = xstrdup(n->name);
}

/* What a relay has that was killed is free when it has been silent for long. */
static int
await_silence(
    const struct conf *c, const struct store_module *module, struct err *err)
{
	struct silence s = { 0 };
	int rc = 0;

	for (int i = 0; i < SILENCE_S && rc == 0; i++) {
		s.elapsed_ms = (int64_t)i * 1000;
		s.is_alive = false;
		rc = module->nodes(c->store_url, on_node, &s, err);
		if (rc != 0 || !s.is_alive || s.speaks != NULL)
			break;
		(void)sleep(1);
	}
	if (rc == 0 && s.speaks != NULL)
		rc = err_set(err, ERR_BUSY,
		    "relay %s uses the database; stop all relays first",
		    s.speaks);
	else if (rc == 0 && s.is_alive)
		rc = err_set(err, ERR_BUSY,
		    "a relay uses the database; stop all relays first");
	free(s.speaks);
	return rc;
}

/* --- moving --------------------------------------------------------------- */

struct progress {
	int64_t told_ms;
	bool is_shown;
};

static void
on_progress(void *ctx, const struct store_move *m)
{
	struct progress *p = ctx;
	int64_t now = clock_boot_ms(clock_sys());

	if (now < p->told_ms + PROGRESS_MS || isatty(STDERR_FILENO) != 1)
		return;
	p->told_ms = now;
	p->is_shown = true;
	(void)fputc('\r', stderr);
	(void)fprintf(stderr, _("%zu messages"), m->moved);
	(void)fflush(stderr);
}

static int
open_both(struct store_move *m, const struct conf *c,
    const struct store_module *module, struct err *err)
{
	struct store_module_opts opts = { .url = c->store_url,
		.name = conf_node_name(c),
		.clock = clock_sys() };
	uint64_t random;
	int64_t number;

	/* spool_open() would make what is missing. */
	if (access(c->spool, F_OK) != 0)
		return err_sys(err, "cannot open the spool %s", c->spool);
	if (spool_open(c->spool, fs_sys(), &m->here, err) != 0)
		return -1;
	opts.here = m->here;
	rng_fill(rng_sys(), &random, sizeof(random));
	if (module->open_move(&opts, &m->far, err) != 0)
		return -1;
	if (store_move_begin(
		m->here, m->is_export, m->far->name, random, &number, err) != 0)
		return -1;
	module->set_move(m->far, number);
	return 0;
}

/* Before the mail that others may send then. */
static int
carry_all(struct store_move *m, const struct conf *c, struct err *err)
{
	for (size_t i = 0; i < c->naccounts; i++) {
		int (*carry)(struct store * s, const char *account,
		    const struct clock *clock,
		    struct err *err) = m->is_export ? carry_spent_back
						    : carry_spent;

		if (carry(m->far, c->accounts[i].name, clock_sys(), err) != 0)
			return -1;
	}
	return 0;
}

static int
move_all(struct store_move *m, const struct conf *c,
    const struct store_module *module, struct err *err)
{
	struct progress p = { clock_boot_ms(clock_sys()), false };
	int rc;

	if (m->is_export && await_silence(c, module, err) != 0)
		return -1;
	m->mover = module->mover;
	m->progress = on_progress;
	m->ctx = &p;
	rc = open_both(m, c, module, err);
	if (rc == 0)
		rc = carry_all(m, c, err);
	if (rc == 0)
		rc = store_move_run(m, err);
	if (rc == 0)
		rc = store_move_end(m->here, err);
	if (p.is_shown)
		(void)fputc('\n', stderr);
	return rc;
}

static void
print_moved(struct relais *r, const struct store_move *m)
{
	json_t *result;

	if (relais_is_json(r)) {
		result = json_pack("{s:I, s:I, s:I}", "moved",
		    (json_int_t)m->moved, "bytes", (json_int_t)m->bytes,
		    "damaged", (json_int_t)m->damaged);
		relais_print_json(result);
		json_decref(result);
		return;
	}
	relais_printf_wrapped(r, 0,
	    ngettext("%zu message moved from %s to %s",
		"%zu messages moved from %s to %s", (unsigned long)m->moved),
	    m->moved, m->is_export ? m->far->name : m->here->name,
	    m->is_export ? m->here->name : m->far->name);
	if (m->is_export)
		relais_printf_wrapped(r, 0,
		    "set store = disk in [relais] before relaisd is started");
}

int
relais_move(struct relais *r, const struct conf *c,
    const struct store_module *module, bool is_export)
{
	struct store_move m = { .is_export = is_export };
	struct err err;
	int status = RELAIS_DONE;

	if (move_all(&m, c, module, &err) != 0)
		status = relais_complain(r, RELAIS_FAILED, "%s", err.text);
	else
		print_moved(r, &m);
	if (status == RELAIS_DONE && m.damaged > 0)
		status = relais_complain(r, RELAIS_FAILED,
		    "%zu damaged messages are set aside where they were",
		    m.damaged);
	if (m.far != NULL)
		store_free(m.far); /* and what is here */
	else
		store_free(m.here);
	return status;
}
