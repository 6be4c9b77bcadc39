/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "base/err.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

void
err_clear(struct err *err)
{
	if (err == NULL)
		return;
	err->class = ERR_NONE;
	err->os = 0;
	err->text[0] = '\0';
}

/* What is quoted may be anybody's: a file, an argument, an answer. */
static void
tidy(char *text)
{
	for (unsigned char *p = (unsigned char *)text; *p != '\0'; p++) {
		if (*p < ' ' || *p == 0x7f)
			*p = '?';
		/* U+0080 to U+009F: a terminal may obey these as well. */
		if (p[0] == 0xc2 && p[1] >= 0x80 && p[1] < 0xa0)
			p[0] = p[1] = '?';
	}
}

static void put_text(struct err *err, const char *fmt, va_list ap)
    __attribute__((format(printf, 2, 0)));

static void
put_text(struct err *err, const char *fmt, va_list ap)
{
	(void)vsnprintf(
	    err->text, sizeof(err->text), fmt, ap); /* cut is fine */
	tidy(err->text);
}

/* The sentence is: reason. */
static void
put_reason(struct err *err, const char *reason)
{
	size_t n = strlen(err->text);

	(void)snprintf(err->text + n, sizeof(err->text) - n, ": %s", reason);
}

int
err_set(struct err *err, enum err_class class, const char *fmt, ...)
{
	va_list ap;

	if (err == NULL)
		return -1;
	err->class = class;
	err->os = 0;
	va_start(ap, fmt);
	put_text(err, fmt, ap);
	va_end(ap);
	return -1;
}

int
err_sys(struct err *err, const char *fmt, ...)
{
	int os = errno;
	va_list ap;

	if (err == NULL)
		return -1;
	err->class = ERR_SYSTEM;
	err->os = os;
	va_start(ap, fmt);
	put_text(err, fmt, ap);
	va_end(ap);
	put_reason(err, strerror(os));
	return -1;
}

int
err_ctx(struct err *err, const char *fmt, ...)
{
	char was[sizeof(err->text)];
	va_list ap;

	if (err == NULL)
		return -1;
	memcpy(was, err->text, sizeof(was));
	va_start(ap, fmt);
	put_text(err, fmt, ap);
	va_end(ap);
	put_reason(err, was);
	return -1;
}
