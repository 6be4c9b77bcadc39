/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "relaisd/sockets.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "base/xalloc.h"
#include "conf/conf.h"
#include "inbound/inbound.h"
#include "net/listen.h"

enum { FIRST_PASSED = 3 };

static struct socket_opened *
add_opened(struct sockets *s, int fd, size_t listen)
{
	s->opened = xrealloc(s->opened, s->nopened + 1, sizeof(*s->opened));
	s->opened[s->nopened] = (struct socket_opened) { fd, listen, NULL };
	return &s->opened[s->nopened++];
}

static void
place_free(struct conf_listen *place)
{
	if (place != NULL)
		conf_listen_clear(place);
	free(place);
}

static struct socket_opened *
find(const struct sockets *s, const struct conf_listen *l)
{
	for (size_t i = 0; i < s->nopened; i++)
		if (conf_listen_is_at(s->opened[i].place, l))
			return &s->opened[i];
	return NULL;
}

/* Root is given up by now, and a port that is about to be closed is not closed
 * yet. */
static int
say_of_reload(
    const struct sockets *was, const struct conf_listen *l, struct err *err)
{
	char *why = xstrdup(err->text);

	if (err->os == EACCES)
		(void)err_set(err, ERR_CONFIG,
		    "%s; if relaisd was started as root, restart it: a reload "
		    "does without",
		    why);
	for (size_t i = 0; err->os == EADDRINUSE && i < was->nopened; i++)
		if (l->path == NULL && was->opened[i].place->path == NULL &&
		    was->opened[i].place->port == l->port) {
			(void)err_set(err, ERR_CONFIG,
			    "cannot listen on %s port %d beside %s, where "
			    "relaisd listens now: restart it",
			    l->host, l->port, was->opened[i].place->host);
			break;
		}
	free(why);
	return -1;
}

/* Into to, from was if it is there. */
static int
open_listener(struct sockets *to, const struct sockets *was,
    const struct conf *conf, size_t i, struct err *err)
{
	const struct conf_listen *l = &conf->listens[i];
	const struct socket_opened *old = find(was, l);
	int fd = old != NULL       ? old->fd
		 : l->path != NULL ? listen_unix(l->path, 0666, err)
				   : listen_tcp(l->host, l->port, err);
	struct socket_opened *o;

	if (fd >= 0) {
		o = add_opened(to, fd, i);
		o->place = xcalloc(1, sizeof(*o->place));
		conf_listen_copy(o->place, l);
		return 0;
	}
	if (!l->is_optional)
		return was->has_started ? say_of_reload(was, l, err) : -1;
	if (!was->has_started)
		log_text(LOG_LEVEL_INFO, "not listening on %s: %s", l->address,
		    err->text);
	return 0;
}

/* The service manager opened the sockets: which of ours is each?  The one with
 * this port, or else the first of its kind: the addresses are the unit's
 * business. */
static size_t
match(const struct conf *conf, int fd)
{
	int port = listen_port(fd); /* 0: of a Unix socket */
	size_t ret = conf->nlistens;

	for (size_t i = conf->nlistens; i-- > 0;)
		if ((conf->listens[i].path != NULL) == (port <= 0))
			ret = i;
	for (size_t i = conf->nlistens; port > 0 && i-- > 0;)
		if (conf->listens[i].port == port)
			ret = i;
	return ret;
}

static void
take_inherited(struct sockets *s, const struct conf *conf)
{
	for (int fd = FIRST_PASSED; fd < FIRST_PASSED + s->ninherited; fd++) {
		size_t n = match(conf, fd);

		if (n < conf->nlistens)
			(void)add_opened(s, fd, n);
	}
}

/* [listen NAME] is somebody's wish; `listen' has a default. */
static void
tell_not_taken(const struct sockets *s, const struct conf *conf)
{
	for (size_t i = 0; i < conf->nlistens; i++) {
		const struct conf_listen *l = &conf->listens[i];
		size_t k = 0;

		while (k < s->nopened && s->opened[k].listen != i)
			k++;
		if (k == s->nopened && conf_listen_is_section(l) &&
		    !l->is_optional)
			log_text(LOG_LEVEL_WARNING,
			    "not listening on %s: the service manager opens "
			    "the sockets; name it in the socket unit",
			    l->address);
	}
}

/* Closes those of s that are not in other. */
static void
close_but(struct sockets *s, const struct sockets *other)
{
	for (size_t i = 0; i < s->nopened; i++) {
		if (find(other, s->opened[i].place) == NULL)
			(void)close(s->opened[i].fd); /* nothing was written */
		place_free(s->opened[i].place);
	}
	free(s->opened);
}

static void
tell_new(const struct sockets *s, const struct sockets *other, const char *what)
{
	for (size_t i = 0; i < s->nopened; i++)
		if (find(other, s->opened[i].place) == NULL &&
		    !s->opened[i].place->is_optional)
			log_text(LOG_LEVEL_NOTICE, "%s %s", what,
			    s->opened[i].place->address);
}

int
sockets_open(struct sockets *s, const struct conf *conf, struct err *err)
{
	struct sockets now = { .ninherited = s->ninherited };
	bool is_good = true;

	if (!s->has_started && (now.ninherited = listen_inherited(err)) < 0)
		return -1;
	now.has_started = true;
	if (now.ninherited > 0) {
		free(s->opened);
		take_inherited(&now, conf);
		tell_not_taken(&now, conf);
		*s = now;
		return 0;
	}
	for (size_t i = 0; is_good && i < conf->nlistens; i++)
		is_good = open_listener(&now, s, conf, i, err) == 0;
	if (!is_good) {
		close_but(&now, s);
		return -1;
	}
	if (s->has_started) {
		tell_new(&now, s, "now listening on");
		tell_new(s, &now, "no longer listening on");
	}
	close_but(s, &now);
	*s = now;
	return 0;
}

int
sockets_copy(const struct sockets *s, size_t n, size_t *ret_listen)
{
	errno = ENOENT;
	if (n >= s->nopened)
		return -1;
	*ret_listen = s->opened[n].listen;
	return fcntl(s->opened[n].fd, F_DUPFD_CLOEXEC, 0);
}

void
sockets_clear(struct sockets *s)
{
	for (size_t i = 0; i < s->nopened; i++) {
		(void)close(s->opened[i].fd); /* nothing was written */
		place_free(s->opened[i].place);
	}
	free(s->opened);
	*s = (struct sockets) { .nopened = 0 };
}

/* --- serving ---------------------------------------------------------------- */

static bool
listen_allows(const void *ctx, const char *client)
{
	return conf_listen_allows(ctx, client);
}

int
sockets_serve(
    int fd, const struct conf_listen *l, struct inbound *in, struct err *err)
{
	static const enum queue_mode modes[] = {
		[CONF_MODE_SAFE] = QUEUE_MODE_SAFE,
		[CONF_MODE_VERDICT] = QUEUE_MODE_VERDICT,
		[CONF_MODE_QUEUE] = QUEUE_MODE_QUEUE,
		[CONF_MODE_AUTO] = QUEUE_MODE_VERDICT,
	};
	struct inbound_listener li = {
		.name = l->name,
		.mode = modes[l->mode],
		.is_auto = l->mode == CONF_MODE_AUTO,
		.is_unix = l->path != NULL,
		.allows = listen_allows,
		.ctx = l,
	};

	return inbound_listen(in, fd, &li, err);
}
