/* SPDX-License-Identifier: GPL-3.0-or-later */
/* ctl_client.h - the client side of the control socket.  It blocks, uses no
 * event loop, and each call has a deadline.
 */
#ifndef CTL_CTL_CLIENT_H
#define CTL_CTL_CLIENT_H

#include <jansson.h>

#include "base/err.h"

struct ctl_client;

/* ERR_NETWORK: nobody answers there, or we may not. */
int ctl_client_open(
    const char *path, int timeout_ms, struct ctl_client **ret, struct err *err);
void ctl_client_free(struct ctl_client *c);
/* How long each step of a call may take from now on. */
void ctl_client_patience(struct ctl_client *c, int timeout_ms);

/* While a call waits, told() is called whenever fd can be read; fd -1 ends
 * that.  told() may send the daemon a line (ctl_server.h); -1: the connection
 * broke or took too long. */
void ctl_client_listen(
    struct ctl_client *c, int fd, void (*told)(void *ctx), void *ctx);
int ctl_client_line(struct ctl_client *c, const char *text, struct err *err);

/* Asks and waits for the whole reply.  item() gets each item of a listing as it
 * comes, borrowed for the call; it may be NULL.  *ret_result (may be NULL) is
 * the caller's to json_decref(), JSON null if the reply holds none.
 *
 * -1: ERR_INPUT, the daemon refused and err has its words; ERR_NETWORK, the
 * connection broke or took too long, and cannot be used any more. */
int ctl_client_call(struct ctl_client *c, const char *verb, json_t *args,
    void (*item)(void *ctx, json_t *item), void *ctx, json_t **ret_result,
    struct err *err);

#endif
