/* SPDX-License-Identifier: GPL-3.0-or-later */
/* link.h - the worker's end of the line to the keeper.
 *
 * Calls that send a request block until the keeper has answered, so worker
 * threads make them, in the place of the calls that blocked there before.  With
 * --one-process there is no keeper: the calling thread runs the errand.
 */
#ifndef RELAISD_LINK_H
#define RELAISD_LINK_H

#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/secret.h"
#include "cred/cred.h"
#include "cred/cred_run.h"
#include "net/lookup.h"
#include "net/people.h"
#include "net/probe443.h"
#include "notice/alert.h"

struct conf;
struct link;
struct loop;

/* Called on the loop. */
struct link_hooks {
	/* A new generation, and its text (conf_copy).  -1: it cannot be used
	 * and the one in force stays; the keeper is told. */
	int (*conf)(
	    void *ctx, unsigned generation, struct bytes text, struct err *err);
	void (*stop)(void *ctx);
	void (*lost)(void *ctx); /* the keeper is gone */
	void *ctx;
};

/* Takes over fd; -1: one process, which has secrets, and env to find them.
 * Borrows env; copies hooks. */
struct link *link_new(int fd, const struct cred_env *env);
/* Attaches the link to a loop. */
int link_attend(struct link *k, struct loop *l, const struct link_hooks *hooks,
    struct err *err);
/* Threads that wait for an answer get an error. */
void link_close(struct link *k);
void link_free(struct link *k); /* only when no thread uses it */

/* Sets the configuration in force.  This and link_say(): on the loop's
 * thread. */
void link_set_conf(struct link *k, struct conf *conf);
void link_say(struct link *k, int kind); /* LINE_UP, LINE_ALIVE, LINE_QUIT */
/* Has the keeper reload the configuration; hooks.conf() is called meanwhile.
 * Blocks as long as that takes.  -1: err says what is wrong with it. */
int link_reload(struct link *k, struct err *err);

/* Opens files that are known by number (relaisd/line.h); a way for sys/files.h,
 * where ctx is the link.  Blocks as long as opening takes. */
struct conf_paths;
int link_open(void *ctx, const char *path);
/* The only paths that may be opened; borrowed.  Before link_open(). */
void link_allow_files(struct link *k, const struct conf_paths *paths);

/* The n-th socket of the configuration in force, for the caller to close, and
 * its number among the listeners.  -1: errno, ENOENT if there is none.  Blocks
 * for a moment. */
int link_listener(struct link *k, size_t n, size_t *ret_listen);

#ifdef WITH_ATTACK
/* the number that the next request must have */
uint32_t link_next(struct link *k);
#endif

/* --- for worker threads --------------------------------------------------- */

people_look link_find_user; /* ctx: the link */

/* Fetches the secret of an account of a configuration that has been in force;
 * the caller keeps a reference to it.  CRED_OK: the caller owns *ret, which is
 * NULL if no secret was wished for. */
struct link_secret {
	const struct cred_wish *wish;
	struct secret **ret;
	struct cred_facts *ret_facts;
};
enum cred_result link_fetch(struct link *k, const struct conf *conf,
    size_t account, const struct link_secret *to, struct err *err);

/* Starts a sign-in: returns the descriptor of its conversation (cred_wire.h),
 * for the caller to close; -1: err says why not. */
int link_sign_in(struct link *k, const struct conf *conf, size_t account,
    const char *flow, struct err *err);

/* Runs alert_command of this configuration. */
struct link_told {
	enum cred_ran ran;
	int code;
	struct buf said; /* buf_init() before */
};
void link_tell(struct link *k, const struct conf *conf, const struct alert *a,
    size_t waiting, struct link_told *ret);

#endif
