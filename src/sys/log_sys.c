/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "sys/log_sys.h"

#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/uio.h>
#include <syslog.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "sys/clock_sys.h"
#include "sys/files.h"
#include "sys/log_limit.h"

enum { TO_NOWHERE = -1 };

static struct {
	struct log_sink sink;
	void (*write)(void *ctx, enum log_level level, const char *line);
	int fd; /* of the file, or 2; TO_NOWHERE for syslog */
	bool is_journal;
	struct log_limit limit;
	bool is_withholding; /* the count of some lines is still to be told */
	void (*withheld)(void *ctx);
	void *ctx;
} out = { .fd = TO_NOWHERE };

static void
stamp(char *to, size_t size, enum log_level level)
{
	time_t now = time(NULL);
	struct tm tm;

	if (out.is_journal) {
		(void)snprintf(to, size, "<%d>", (int)level);
		return;
	}
	if (localtime_r(&now, &tm) == NULL ||
	    strftime(to, size, "%Y-%m-%dT%H:%M:%S%z ", &tm) == 0)
		to[0] = '\0';
}

/* One writev a line, so that lines of several processes do not mix. */
static void
write_fd(void *ctx, enum log_level level, const char *line)
{
	char head[40];
	struct iovec parts[3];

	(void)ctx;
	stamp(head, sizeof(head), level);
	parts[0] = (struct iovec) { head, strlen(head) };
	parts[1].iov_base = (void *)(uintptr_t)line;
	parts[1].iov_len = strlen(line);
	parts[2] = (struct iovec) { (char[]) { '\n' }, 1 };
	if (writev(out.fd, parts, 3) < 0)
		return; /* a log that cannot be written has nobody to tell */
}

static void
write_syslog(void *ctx, enum log_level level, const char *line)
{
	(void)ctx;
	syslog((int)level, "%s", line);
}

void
log_sys_on_withheld(void (*withheld)(void *ctx), void *ctx)
{
	out.withheld = withheld;
	out.ctx = ctx;
}

int64_t
log_sys_tell(void)
{
	int64_t next_ms;

	if (out.write == NULL)
		return INT64_MAX;
	next_ms = log_limit_tell(
	    &out.limit, clock_boot_ms(clock_sys()), out.write, NULL);
	out.is_withholding = next_ms != INT64_MAX;
	return next_ms;
}

static void
write_limited(void *ctx, enum log_level level, const char *line)
{
	if (log_limit_pass(
		&out.limit, clock_boot_ms(clock_sys()), level, line)) {
		out.write(ctx, level, line);
	} else if (!out.is_withholding) {
		out.is_withholding = true;
		if (out.withheld != NULL)
			out.withheld(out.ctx);
	}
}

static int
open_file(const char *path, struct err *err)
{
	int fd = files_open(path, O_WRONLY | O_APPEND | O_CREAT, 0640);

	if (fd < 0) {
		(void)err_sys(err, "cannot open the log %s", path);
		err->class = ERR_DISK;
	}
	return fd;
}

int
log_sys_open(const char *where, enum log_level level, struct err *err)
{
	bool is_syslog = strcmp(where, "syslog") == 0;
	int fd = TO_NOWHERE;

	if (strcmp(where, "stderr") == 0)
		fd = STDERR_FILENO;
	else if (strcmp(where, "stdout") == 0)
		fd = STDOUT_FILENO;
	else if (!is_syslog && (fd = open_file(where, err)) < 0)
		return -1;
	log_sys_close();
	if (is_syslog)
		openlog("relaisd", LOG_PID | LOG_NDELAY, LOG_MAIL);
	out.fd = fd;
	out.is_journal = fd == STDERR_FILENO &&
			 getenv("JOURNAL_STREAM") != NULL;
	out.write = is_syslog ? write_syslog : write_fd;
	out.sink = (struct log_sink) { write_limited, NULL, level };
	log_to(&out.sink);
	return 0;
}

void
log_sys_close(void)
{
	log_to(NULL);
	(void)
	    log_sys_tell(); /* of the second that is not over: with the next */
	if (out.write == write_syslog)
		closelog();
	else if (out.fd > STDERR_FILENO)
		(void)close(out.fd); /* lines are lost or not; nobody to tell */
	out.fd = TO_NOWHERE;
	out.write = NULL;
}
