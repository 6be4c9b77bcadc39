/* SPDX-License-Identifier: GPL-3.0-or-later */
/* relais-cred, relais-keyring - fetch one secret for the daemon and exit.
 *
 * Read a request on their input, write the secret to their output, or a
 * sentence to their error output (cred/cred_wire.h).  GLib, D-Bus and the
 * user's own password command live and die here, outside the daemon.  Started
 * by relaisd only; not for people.
 */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/buf.h"
#include "cred/cred_wire.h"
#include "relais-cred/answer.h"
#include "sys/files.h"

/* No core file and no debugger of the same user may show the secret (R32).
 * What else is open is not ours and not for the password command (R29). */
static void
keep_to_ourselves(void)
{
	static const struct rlimit none = { 0, 0 };

	IGNORE(prctl(PR_SET_DUMPABLE, 0) != 0); /* best effort, both */
	IGNORE(setrlimit(RLIMIT_CORE, &none) != 0);
#ifdef HAVE_CLOSE_RANGE
	IGNORE(close_range(STDERR_FILENO + 1, ~0u, 0) != 0);
#else
	for (int fd = STDERR_FILENO + 1; fd < 1024; fd++)
		IGNORE(close(fd)); /* most are not open */
#endif
}

static enum cred_result
write_answer(const struct cred_wire *w, const struct cred_facts *facts,
    const struct secret *s)
{
	struct buf head;
	bool ok = true;

	if (w->kind == CRED_OAUTH) {
		buf_init(&head, 1024);
		ok = cred_facts_put(&head, facts) &&
		     files_write_all(STDOUT_FILENO, buf_bytes(&head)) == 0;
		buf_clear(&head);
	}
	return ok && files_write_all(STDOUT_FILENO, secret_bytes(s)) == 0
		   ? CRED_OK
		   : CRED_LATER;
}

int
main(void)
{
	struct buf text;
	struct cred_wire w;
	struct cred_facts facts = { .serial = 0 };
	struct secret *s = NULL;
	struct err err;
	enum cred_result r = CRED_NEVER;
	char *request = NULL;

	keep_to_ourselves();
	err_clear(&err);
	buf_init(&text, CRED_WIRE_MAX + 1024);
	if (isatty(STDIN_FILENO) || files_read_all(STDIN_FILENO, &text) != 0) {
		err_set(
		    &err, ERR_INPUT, "this helper is started by relaisd only");
	} else {
		request = buf_steal(&text);
		if (cred_wire_parse(request, &w))
			r = answer(&w, &s, &facts, &err);
		else
			err_set(&err, ERR_INPUT, "malformed request");
	}
	if (s != NULL)
		r = write_answer(&w, &facts, s);
	secret_free(s);
	if (r != CRED_OK && err.text[0] != '\0')
		(void)fprintf(stderr, "%s\n", err.text);
	free(request);
	buf_wipe(&text);
	return (int)r;
}
