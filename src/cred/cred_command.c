/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "cred/cred_command.h"

#include <errno.h>
#include <inttypes.h>
#include <stdbool.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/str.h"
#include "cred/argv.h"
#include "cred/cred_file.h"
#include "cred/cred_run.h"

/* What programs say that wanted a person. */
static bool
wants_terminal(const char *said)
{
	static const char *const words[] = { "tty", "TTY", "pinentry",
		"Pinentry", "terminal", "passphrase", "Inappropriate ioctl",
		"No such device or address" };

	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if (strstr(said, words[i]) != NULL)
			return true;
	return false;
}

/* ": what it said", unless that holds what may be the secret. */
static void
add_said(struct err *err, const struct cred_run *r)
{
	struct bytes said = bytes_trim(buf_bytes(&r->err));
	struct bytes out = bytes_trim(buf_bytes(&r->out));
	const char *nl = memchr(said.p, '\n', said.n);
	struct err before;
	struct buf b;

	if (nl != NULL)
		said.n = (size_t)(nl - said.p);
	if ((nl = memchr(out.p, '\n', out.n)) != NULL)
		out.n = (size_t)(nl - out.p);
	if (said.n == 0 || err == NULL ||
	    (out.n > 0 && memmem(said.p, said.n, out.p, out.n) != NULL))
		return;
	buf_init(&b, 4 * STR_ESCAPE_MAX + 8);
	IGNORE(str_escape(&b, said, STR_ESCAPE_MAX));
	before = *err;
	err_set(err, ERR_SECRET, "%s: %s", before.text, buf_str(&b));
	buf_clear(&b);
}

/* It ended by itself, without success. */
static enum cred_result
failed(const struct cred_run *r, const char *program, struct err *err)
{
	if (wants_terminal(buf_str(&r->err))) {
		err_set(err, ERR_SECRET,
		    "%s asks for a passphrase, but relaisd has no terminal; "
		    "make its key usable without a passphrase, or use "
		    "password_file",
		    program);
		add_said(err, r);
		return CRED_NEVER;
	}
	err_set(
	    err, ERR_SECRET, "%s failed with exit status %d", program, r->code);
	add_said(err, r);
	return CRED_LATER;
}

static enum cred_result
judge(
    struct cred_run *r, enum cred_ran ran, struct secret **ret, struct err *err)
{
	const char *program = r->argv[0];

	switch (ran) {
	case CRED_RAN_NOT:
		err_set(err, ERR_SECRET,
		    "cannot run %s: %s; password_command is run without a "
		    "shell",
		    program, strerror(r->code));
		return r->code == ENOENT || r->code == EACCES ||
			       r->code == ENOEXEC
			   ? CRED_NEVER
			   : CRED_LATER;
	case CRED_RAN_TIMEOUT:
		if (buf_len(&r->out) == 0)
			err_set(err, ERR_SECRET,
			    "%s printed nothing within %lld s; it may be "
			    "asking for a passphrase, but relaisd has no "
			    "terminal",
			    program, (long long)(r->timeout_ms / 1000));
		else
			err_set(err, ERR_SECRET,
			    "%s did not exit within %lld s", program,
			    (long long)(r->timeout_ms / 1000));
		return CRED_LATER;
	case CRED_RAN_KILLED:
		err_set(err, ERR_SECRET, "%s was killed by signal %d", program,
		    r->code);
		return CRED_LATER;
	case CRED_RAN_EXITED:
		break;
	}
	if (r->code != 0)
		return failed(r, program, err);
	if (cred_first_line("its output", &r->out, ret, err) == 0)
		return CRED_OK;
	err_ctx(err, "%s", program);
	add_said(err, r);
	return CRED_NEVER;
}

enum cred_result
cred_command(
    const char *line, int64_t timeout_ms, struct secret **ret, struct err *err)
{
	struct cred_run r;
	enum cred_result result;
	char **argv;
	size_t n;

	if (argv_split(line, &argv, &n) != ARGV_OK) {
		err_set(err, ERR_SECRET,
		    "password_command is empty, or a closing quote is missing");
		return CRED_NEVER;
	}
	cred_run_init(&r);
	r.argv = argv;
	r.envp = environ;
	r.timeout_ms = timeout_ms;
	result = judge(&r, cred_run(&r), ret, err);
	cred_run_clear(&r);
	argv_free(argv);
	return result;
}
