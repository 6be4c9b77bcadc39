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
	s->opened[s->nopened] = (struct socket_opened) { .fd = fd,
		.listen = listen };
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
find_socket(const struct sockets *s, const struct conf_listen *l)
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

static int
open_listener(struct sockets *s, const struct conf_listen *l, size_t listen,
    struct err *err)
{
	int fd = l->path != NULL ? listen_unix(l->path, 0666, err)
				 : listen_tcp(l->host, l->port, err);
	struct socket_opened *o;

	if (fd >= 0) {
		o = add_opened(s, fd, listen);
		o->place = xcalloc(1, sizeof(*o->place));
		conf_listen_copy(o->place, l);
		return 0;
	}
	if (!l->is_optional)
		return s->has_started ? say_of_reload(s, l, err) : -1;
	if (!s->has_started)
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

static void
log_socket(const struct socket_opened *o, const char *what)
{
	if (!o->place->is_optional)
		log_text(LOG_LEVEL_NOTICE, "%s %s", what, o->place->address);
}

/* In those that were there before, n of them. */
static void
mark(struct sockets *s, const struct conf *conf, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		struct socket_opened *o = &s->opened[i];
		bool was_gone = o->is_gone;
		size_t k = 0;

		while (k < conf->nlistens &&
		       !conf_listen_is_at(o->place, &conf->listens[k]))
			k++;
		o->listen = k;
		o->is_gone = k == conf->nlistens;
		if (o->is_gone != was_gone)
			log_socket(o, o->is_gone ? "no longer listening on"
						 : "now listening on");
	}
	for (size_t i = n; s->has_started && i < s->nopened; i++)
		log_socket(&s->opened[i], "now listening on");
}

static void
close_from(struct sockets *s, size_t n)
{
	while (s->nopened > n) {
		struct socket_opened *o = &s->opened[--s->nopened];

		(void)close(o->fd); /* nothing was written */
		place_free(o->place);
	}
}

int
sockets_open(struct sockets *s, const struct conf *conf, struct err *err)
{
	size_t n = s->nopened;

	if (!s->has_started && (s->ninherited = listen_inherited(err)) < 0)
		return -1;
	if (s->ninherited > 0) {
		s->nopened = 0;
		take_inherited(s, conf);
		tell_not_taken(s, conf);
		return 0;
	}
	for (size_t i = 0; i < conf->nlistens; i++)
		if (find_socket(s, &conf->listens[i]) == NULL &&
		    open_listener(s, &conf->listens[i], i, err) != 0) {
			close_from(s, n);
			return -1;
		}
	mark(s, conf, n);
	s->has_started = true;
	return 0;
}

void
sockets_settle(struct sockets *s)
{
	size_t n = 0;

	for (size_t i = 0; i < s->nopened; i++) {
		struct socket_opened *o = &s->opened[i];

		if (o->is_gone) {
			(void)close(o->fd); /* nothing was written */
			place_free(o->place);
		} else {
			s->opened[n++] = *o;
		}
	}
	s->nopened = n;
}

int
sockets_copy(const struct sockets *s, size_t n, size_t *ret_listen)
{
	for (size_t i = 0; i < s->nopened; i++)
		if (!s->opened[i].is_gone && n-- == 0) {
			*ret_listen = s->opened[i].listen;
			return fcntl(s->opened[i].fd, F_DUPFD_CLOEXEC, 0);
		}
	errno = ENOENT;
	return -1;
}

void
sockets_clear(struct sockets *s)
{
	close_from(s, 0);
	free(s->opened);
	*s = (struct sockets) { .nopened = 0 };
}

/* --- serving -------------------------------------------------------------- */

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
