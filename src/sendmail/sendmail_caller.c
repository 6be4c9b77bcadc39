/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "sendmail/sendmail_caller.h"

#include <fcntl.h>
#include <pwd.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/num.h"
#include "base/str.h"

enum { FILE_MAX = 1024 * 1024, PIECE = 16384 };

/* passwd(5): login:password:uid:gid:gecos:home:shell */
enum { LOGIN, PASSWORD, UID, GID, GECOS, FIELDS };

static struct bytes
cut(struct bytes *rest, char at)
{
	const char *end = memchr(rest->p, at, rest->n);
	size_t n = end != NULL ? (size_t)(end - rest->p) : rest->n;
	struct bytes piece = bytes_of(rest->p, n);

	n += end != NULL;
	*rest = bytes_of(rest->p + n, rest->n - n);
	return piece;
}

static void
set(char *to, size_t size, struct bytes text)
{
	IGNORE(str_copy(to, size, text)); /* cut, as the header says */
}

bool
caller_from(struct caller *c, struct bytes file, uid_t uid)
{
	while (file.n > 0) {
		struct bytes line = cut(&file, '\n'), field[FIELDS];
		uint64_t its;

		for (int i = 0; i < FIELDS; i++)
			field[i] = cut(&line, ':');
		/* "+" and "-" lines are NIS's own. */
		if (field[LOGIN].n == 0 || field[LOGIN].p[0] == '+' ||
		    field[LOGIN].p[0] == '-' || field[LOGIN].p[0] == '#' ||
		    !num_u64(field[UID], &its) || its != uid)
			continue;
		set(c->login, sizeof(c->login), field[LOGIN]);
		set(c->gecos, sizeof(c->gecos), field[GECOS]);
		return true;
	}
	return false;
}

static bool
read_file(const char *path, struct buf *to)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n = -1;
	char *p;

	if (fd < 0)
		return false;
	while ((p = buf_space(to, PIECE)) != NULL &&
	       (n = read(fd, p, PIECE)) > 0) {
		buf_added(to, (size_t)n);
		if (n < PIECE)
			break; /* an end without another read */
	}
	(void)close(fd); /* only read */
	return p != NULL && n >= 0;
}

void
caller_find(struct caller *c, uid_t uid)
{
	const struct passwd *pw;
	struct buf file;
	bool is_found;

	buf_init(&file, FILE_MAX);
	is_found = read_file("/etc/passwd", &file) &&
		   caller_from(c, buf_bytes(&file), uid);
	buf_clear(&file);
	if (is_found)
		return;
	*c = (struct caller) { .gecos = "" };
	pw = getpwuid(uid);
	if (pw == NULL) {
		(void)snprintf(c->login, sizeof(c->login), "uid%lu",
		    (unsigned long)uid); /* fits */
		return;
	}
	set(c->login, sizeof(c->login), bytes_str(pw->pw_name));
	if (pw->pw_gecos != NULL)
		set(c->gecos, sizeof(c->gecos), bytes_str(pw->pw_gecos));
}
