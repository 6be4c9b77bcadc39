/* SPDX-License-Identifier: GPL-3.0-or-later */
/* link.h - the worker's end of the line to the keeper.
 *
 * The calls that ask block until the keeper has answered, so worker threads
 * make them, in the place of what blocked there before.  With --one-process
 * there is no keeper: the calling thread runs the errand.
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
#include "net/knock.h"
#include "net/lookup.h"
#include "net/people.h"
#include "notice/alert.h"

struct conf;
struct link;
struct loop;

/* Called on the loop. */
struct link_hooks {
	/* Generation n begins, and this is its text (conf_copy).  -1: it cannot
	 * be had, and the one in force stays, which the keeper is told. */
	int (*conf)(
	    void *ctx, unsigned generation, struct bytes text, struct err *err);
	void (*stop)(void *ctx);
	void (*lost)(void *ctx); /* the keeper is gone */
	void *ctx;
};

/* fd is taken over; -1: one process, which has secrets, and env to find them.
 * Borrows env; copies hooks. */
struct link *link_new(int fd, const struct cred_env *env);
/* On this loop, from now on. */
int link_attend(struct link *k, struct loop *l, const struct link_hooks *hooks,
    struct err *err);
/* Threads that still wait for an answer get none. */
void link_close(struct link *k);
void link_free(struct link *k); /* when no thread uses it */

/* This configuration is in force.  On the loop's thread, as is the next. */
void link_set_conf(struct link *k, struct conf *conf);
void link_say(struct link *k, int kind); /* LINE_UP, LINE_ALIVE, LINE_QUIT */
/* Has the keeper read the configuration again; hooks.conf() is called
 * meanwhile.  Blocks as long as that takes.  -1: what is wrong with it. */
int link_reload(struct link *k, struct err *err);

/* Descriptors for files that are known by number (relaisd/line.h); a way for
 * sys/files.h, ctx is the link.  Blocks as long as opening takes. */
struct conf_paths;
int link_open(void *ctx, const char *path);
/* Only these; borrowed.  Before link_open(). */
void link_allow_files(struct link *k, const struct conf_paths *paths);

/* The n-th socket of the configuration in force, for the caller to close, and
 * its number among the listeners; -1: errno, ENOENT if there is none.  Blocks
 * as briefly. */
int link_listener(struct link *k, size_t n, size_t *ret_listen);

#ifdef WITH_ATTACK
uint32_t link_next(struct link *k); /* the number that an ask must have now */
#endif

/* --- for worker threads --------------------------------------------------- */

people_look link_find_user; /* ctx: the link */

/* The secret of an account of a configuration that has been in force; the
 * caller holds on to that.  CRED_OK: *ret is the caller's, NULL if none was
 * wished for. */
struct link_secret {
	const struct cred_wish *wish;
	struct secret **ret;
	struct cred_facts *ret_facts;
};
enum cred_result link_fetch(struct link *k, const struct conf *conf,
    size_t account, const struct link_secret *to, struct err *err);

/* Starts a sign-in: the descriptor of its conversation (cred_wire.h), for the
 * caller to close; -1: err says why. */
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
