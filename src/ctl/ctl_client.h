/* SPDX-License-Identifier: GPL-3.0-or-later */
/* ctl_client.h - the client side of the control socket.
 *
 * Blocks; uses no event loop.  Each step of a call has a deadline.
 */
#ifndef CTL_CTL_CLIENT_H
#define CTL_CTL_CLIENT_H

#include <jansson.h>

#include "base/err.h"

struct ctl_client;

/* Connects.  ERR_NETWORK: nothing answers there, or we may not connect. */
int ctl_client_open(
    const char *path, int timeout_ms, struct ctl_client **ret, struct err *err);
void ctl_client_free(struct ctl_client *c);
/* Sets how long each step of a call may take. */
void ctl_client_patience(struct ctl_client *c, int timeout_ms);

/* While a call waits, told() is called whenever fd is readable; fd -1 ends
 * that.  told() may send a line to the daemon with ctl_client_line()
 * (ctl_server.h).  ctl_client_line() -1: the connection broke or took too
 * long. */
void ctl_client_listen(
    struct ctl_client *c, int fd, void (*told)(void *ctx), void *ctx);
int ctl_client_line(struct ctl_client *c, const char *text, struct err *err);

/* Sends a request and waits for the whole reply.  item() gets each item of a
 * listing as it arrives, borrowed for the call; it may be NULL.  *ret_result
 * (may be NULL) is for the caller to json_decref(); JSON null if the reply has
 * none.
 *
 * -1: ERR_INPUT, the daemon refused, and err has its sentence; ERR_NETWORK, the
 * connection broke or took too long, and cannot be used any more. */
int ctl_client_call(struct ctl_client *c, const char *verb, json_t *args,
    void (*item)(void *ctx, json_t *item), void *ctx, json_t **ret_result,
    struct err *err);

#endif
