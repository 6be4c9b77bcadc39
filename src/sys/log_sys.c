/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "sys/log_sys.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <syslog.h>
#include <time.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/must.h"
#include "sys/clock_sys.h"
#include "sys/files.h"
#include "sys/log_limit.h"

enum { TO_NOWHERE = -1 };

static struct {
	struct log_sink sink;
	void (*write)(void *ctx, enum log_level level, const char *line);
	int fd; /* of the file, or 2; TO_NOWHERE for syslog */
	bool is_syslog;
	bool is_journal; /* behind standard error */
	struct log_limit limit;
	bool is_withholding; /* the count of some lines is still to be told */
	void (*withheld)(void *ctx);
	void *ctx;
} out = { .fd = TO_NOWHERE };

/* All lines of a second begin alike. */
static const char *
stamp(enum log_level level)
{
	static const char *const levels[] = { "<0>", "<1>", "<2>", "<3>", "<4>",
		"<5>", "<6>", "<7>" };
	static char text[40];
	static time_t of;
	time_t now = time(NULL);
	struct tm tm;

	if (out.is_journal)
		return levels[level & 7];
	if (now != of &&
	    (localtime_r(&now, &tm) == NULL ||
		strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%S%z ", &tm) == 0))
		text[0] = '\0';
	of = now;
	return text;
}

/* One writev a line, so that lines of several processes do not mix. */
static void
write_fd(void *ctx, enum log_level level, const char *line)
{
	const char *head = stamp(level);
	struct iovec parts[3];

	(void)ctx;
	parts[0].iov_base = (void *)(uintptr_t)head;
	parts[0].iov_len = strlen(head);
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

/* RFC 3339, with milliseconds. */
static void
stamp_json(char *to, size_t size)
{
	struct timespec now;
	struct tm tm;
	char date[32], zone[8];

	(void)clock_gettime(CLOCK_REALTIME, &now);
	if (localtime_r(&now.tv_sec, &tm) == NULL ||
	    strftime(date, sizeof(date), "%Y-%m-%dT%H:%M:%S", &tm) == 0 ||
	    strftime(zone, sizeof(zone), "%z", &tm) != 5)
		to[0] = '\0';
	else
		(void)snprintf(to, size, "%s.%03ld%.3s:%s", date,
		    now.tv_nsec / 1000000, zone, zone + 3);
}

static void
write_json(void *ctx, enum log_level level, const char *line)
{
	char time[48];
	struct buf text;

	stamp_json(time, sizeof(time));
	buf_init(&text, LOG_FORMAT_MAX);
	IGNORE(log_format_json(&text, time, level, line)); /* it fits */
	if (out.fd == TO_NOWHERE)
		write_syslog(ctx, level, buf_str(&text));
	else if (buf_addc(&text, '\n')) /* as in write_fd() */
		IGNORE(write(out.fd, buf_str(&text), buf_len(&text)) < 0);
	buf_clear(&text);
}

static int
connect_journal(void)
{
	static const struct sockaddr_un to = { .sun_family = AF_UNIX,
		.sun_path = "/run/systemd/journal/socket" };
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	if (fd >= 0 && connect(fd, (const struct sockaddr *)(const void *)&to,
			   sizeof(to)) != 0) {
		int os = errno;

		(void)close(fd);
		errno = os;
		return -1;
	}
	return fd;
}

/* A journal that was restarted has another socket of the same name. */
static void
write_journal(void *ctx, enum log_level level, const char *line)
{
	struct buf text;
	int fd;

	(void)ctx;
	buf_init(&text, LOG_FORMAT_MAX);
	IGNORE(log_format_journal(&text, level, line)); /* it fits */
	if (send(out.fd, buf_str(&text), buf_len(&text), MSG_NOSIGNAL) < 0 &&
	    (errno == ECONNREFUSED || errno == ENOTCONN) &&
	    (fd = connect_journal()) >= 0) {
		(void)close(out.fd);
		out.fd = fd;
		(void)send(out.fd, buf_str(&text), buf_len(&text),
		    MSG_NOSIGNAL); /* as in write_fd() */
	}
	buf_clear(&text);
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
write_limited(
    void *ctx, enum log_level level, const char *line, const char *kind)
{
	if (log_limit_pass(
		&out.limit, clock_boot_ms(clock_sys()), level, line, kind)) {
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

/* TO_NOWHERE: syslog has its own. */
static int
open_place(const char *where, enum log_format format, int *ret, struct err *err)
{
	*ret = TO_NOWHERE;
	if (format == LOG_FORMAT_JOURNAL) {
		*ret = connect_journal();
		return *ret >= 0 ? 0
				 : err_sys(err, "cannot write to the journal");
	}
	if (strcmp(where, "stderr") == 0)
		*ret = STDERR_FILENO;
	else if (strcmp(where, "stdout") == 0)
		*ret = STDOUT_FILENO;
	else if (strcmp(where, "syslog") != 0)
		return (*ret = open_file(where, err)) >= 0 ? 0 : -1;
	return 0;
}

int
log_sys_open(const char *where, enum log_format format, struct err *err)
{
	int fd;

	if (open_place(where, format, &fd, err) != 0)
		return -1;
	log_sys_close();
	out.is_syslog = fd == TO_NOWHERE;
	if (out.is_syslog)
		openlog("relaisd", LOG_PID | LOG_NDELAY, LOG_MAIL);
	out.fd = fd;
	out.is_journal = fd == STDERR_FILENO &&
			 getenv("JOURNAL_STREAM") != NULL;
	out.write = format == LOG_FORMAT_JSON      ? write_json
		    : format == LOG_FORMAT_JOURNAL ? write_journal
		    : out.is_syslog                ? write_syslog
						   : write_fd;
	out.sink = (struct log_sink) { write_limited, NULL };
	log_to(&out.sink);
	return 0;
}

void
log_sys_close(void)
{
	log_to(NULL);
	(void)
	    log_sys_tell(); /* of the second that is not over: with the next */
	if (out.is_syslog)
		closelog();
	else if (out.fd > STDERR_FILENO)
		(void)close(out.fd); /* lines are lost or not; nobody to tell */
	out.fd = TO_NOWHERE;
	out.is_syslog = false;
	out.write = NULL;
}
