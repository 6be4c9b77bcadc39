/* SPDX-License-Identifier: GPL-3.0-or-later */
/* loop_inside.h - declarations of the loop shared by the files of src/net, not
 * for other folders.
 */
#ifndef NET_LOOP_INSIDE_H
#define NET_LOOP_INSIDE_H

#include <stdint.h>

#include <uv.h>

#include "base/list.h"
#include "net/lookup.h"
#include "net/peer.h"
#include "net/probe443.h"

struct loop;

enum { LOOP_READ_SIZE = 65536 };

uv_loop_t *loop_uv(struct loop *l);

/* The shared read buffer of LOOP_READ_SIZE bytes, allocated when first needed.
 * Its contents last until the current read callback returns. */
char *loop_read_buf(struct loop *l);

/* For uv_close(): frees handle->data, which contains the handle. */
void loop_free_data(uv_handle_t *h);

/* State that net keeps between connections. */
struct loop_memory {
	int lost_family; /* AF_INET, AF_INET6: lost the last race; 0: none */
	int64_t lost_until_ms; /* boot clock */
	struct peer_diag diag; /* for all sockets of the loop */
	lookup_way *lookup; /* NULL: lookup_system() */
	void *lookup_ctx;
	probe443_way *probe443; /* NULL: probe443_system() */
	void *probe443_ctx;
	struct list lingering; /* streams that stream_finish() closes later */
	void (*cut)(struct list *link); /* cuts one of them; set by stream.c */
};
struct loop_memory *loop_memory(struct loop *l);

#endif
