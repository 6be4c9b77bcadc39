/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "relais-setup/import_disk.h"

#include <fcntl.h>
#include <fts.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/str.h"
#include "base/xalloc.h"
#include "sys/files.h"

static bool
read_file(void *ctx, const char *path, struct buf *to)
{
	/* A pipe in its place must not stop us. */
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	struct stat st;
	bool is_read;

	(void)ctx;
	if (fd < 0)
		return false;
	is_read = fstat(fd, &st) == 0 && S_ISREG(st.st_mode) &&
		  files_read_all(fd, to) == 0;
	(void)close(fd);
	return is_read;
}

/* What the program prints, if it ends well. */
static bool
read_program(char *const *argv, struct buf *to)
{
	char path[] = "PATH=/usr/sbin:/usr/bin:/sbin:/bin";
	char *env[] = { path, NULL };
	posix_spawn_file_actions_t acts;
	int fds[2], status = -1;
	bool is_good;
	pid_t pid;

	if (access(argv[0], X_OK) != 0 || pipe2(fds, O_CLOEXEC) != 0)
		return false;
	(void)posix_spawn_file_actions_init(&acts);
	(void)posix_spawn_file_actions_addopen(
	    &acts, 0, "/dev/null", O_RDWR, 0);
	(void)posix_spawn_file_actions_adddup2(&acts, fds[1], 1);
	(void)posix_spawn_file_actions_adddup2(&acts, 0, 2);
	is_good = posix_spawn(&pid, argv[0], &acts, NULL, argv, env) == 0;
	(void)posix_spawn_file_actions_destroy(&acts);
	(void)close(fds[1]);
	if (is_good)
		is_good = files_read_all(fds[0], to) == 0;
	(void)close(fds[0]);
	return is_good && waitpid(pid, &status, 0) == pid && status == 0;
}

static bool
ask_postfix(const char *program, const char *dir, const char *how,
    const char *what, struct buf *to)
{
	char c[] = "-c";
	char *argv[] = { xstrdup(program), c, xstrdup(dir), xstrdup(how),
		xstrdup(what), NULL };
	bool is_good = read_program(argv, to);

	free(argv[0]);
	free(argv[2]);
	free(argv[3]);
	free(argv[4]);
	return is_good;
}

static bool
run_postconf(void *ctx, const char *dir, struct buf *to)
{
	(void)ctx;
	return ask_postfix("/usr/sbin/postconf", dir, "-x", NULL, to);
}

static bool
run_postmap(void *ctx, const char *dir, const char *map, struct buf *to)
{
	(void)ctx;
	return ask_postfix("/usr/sbin/postmap", dir, "-s", map, to);
}

void
import_disk(struct import_files *ret, const char *home, const char *hostname)
{
	*ret = (struct import_files) { .read = read_file,
		.postconf = run_postconf,
		.postmap = run_postmap,
		.home = home,
		.hostname = hostname };
}

char *
import_path(const struct import_files *files, const char *place)
{
	return place[0] == '~' && files->home != NULL
		   ? xasprintf("%s%s", files->home, place + 1)
		   : xstrdup(place);
}

size_t
import_waiting(const struct import_program *p, const struct import_files *files)
{
	size_t n = 0;

	for (size_t i = 0; p->spools[i] != NULL; i++) {
		char *path = import_path(files, p->spools[i]);
		char *paths[] = { path, NULL };
		FTS *fts = fts_open(
		    paths, FTS_PHYSICAL | FTS_NOCHDIR | FTS_NOSTAT, NULL);
		FTSENT *e;

		while (fts != NULL && (e = fts_read(fts)) != NULL)
			n += (e->fts_info == FTS_F ||
				 e->fts_info == FTS_NSOK) &&
			     str_match(p->spool_file, e->fts_name);
		if (fts != NULL)
			(void)fts_close(fts);
		free(path);
	}
	return n;
}
