/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "relaisd/sockets.h"

#include <stdlib.h>

#include "base/log.h"
#include "base/xalloc.h"
#include "conf/conf.h"
#include "inbound/inbound.h"
#include "net/listen.h"

static void
add_opened(struct sockets *s, int fd, size_t listen)
{
	s->opened = xrealloc(s->opened, s->nopened + 1, sizeof(*s->opened));
	s->opened[s->nopened++] = (struct socket_opened) { fd, listen };
}

static int
open_listener(
    struct sockets *s, const struct conf *conf, size_t i, struct err *err)
{
	const struct conf_listen *c = &conf->listens[i];
	int fd = c->path != NULL ? listen_unix(c->path, 0666, err)
				 : listen_tcp(c->host, c->port, err);

	if (fd >= 0) {
		add_opened(s, fd, i);
		return 0;
	}
	if (!c->is_optional)
		return -1;
	log_text(
	    LOG_LEVEL_INFO, "not listening on %s: %s", c->address, err->text);
	return 0;
}

/* The service manager opened the sockets: which of ours is each?  Unix or TCP
 * is all that matters; the addresses are the unit's business. */
static int
take_inherited(struct sockets *s, const struct conf *conf, int n)
{
	for (int fd = 3; fd < 3 + n; fd++) {
		bool is_unix = listen_port(fd) <= 0;
		size_t match = conf->nlistens;

		for (size_t i = 0; i < conf->nlistens; i++)
			if ((conf->listens[i].path != NULL) == is_unix &&
			    match == conf->nlistens)
				match = i;
		if (match < conf->nlistens)
			add_opened(s, fd, match);
	}
	return 0;
}

int
sockets_open(struct sockets *s, const struct conf *conf, struct err *err)
{
	int inherited = listen_inherited(err);

	if (inherited < 0)
		return -1;
	if (inherited > 0)
		return take_inherited(s, conf, inherited);
	for (size_t i = 0; i < conf->nlistens; i++)
		if (open_listener(s, conf, i, err) != 0)
			return -1;
	return 0;
}

static bool
listen_allows(const void *ctx, const char *client)
{
	return conf_listen_allows(ctx, client);
}

int
sockets_serve(const struct sockets *s, const struct conf *conf,
    struct inbound *in, struct err *err)
{
	static const enum queue_mode modes[] = {
		[CONF_MODE_SAFE] = QUEUE_MODE_SAFE,
		[CONF_MODE_VERDICT] = QUEUE_MODE_VERDICT,
		[CONF_MODE_QUEUE] = QUEUE_MODE_QUEUE,
		[CONF_MODE_AUTO] = QUEUE_MODE_VERDICT,
	};

	for (size_t i = 0; i < s->nopened; i++) {
		const struct conf_listen *c =
		    &conf->listens[s->opened[i].listen];
		struct inbound_listener li = {
			.name = c->name,
			.mode = modes[c->mode],
			.is_auto = c->mode == CONF_MODE_AUTO,
			.is_unix = c->path != NULL,
			.allows = listen_allows,
			.ctx = c,
		};

		if (inbound_listen(in, s->opened[i].fd, &li, err) != 0)
			return -1;
		log_text(LOG_LEVEL_INFO, "listening on %s", c->address);
	}
	return 0;
}

void
sockets_clear(struct sockets *s)
{
	free(s->opened);
	*s = (struct sockets) { 0 };
}
