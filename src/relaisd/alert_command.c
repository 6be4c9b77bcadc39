/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "relaisd/alert_command.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/buf.h"
#include "base/must.h"
#include "base/str.h"
#include "base/xalloc.h"
#include "conf/conf.h"
#include "ctl/ctl_json.h"
#include "notice/alert.h"

enum { TIMEOUT_MS = 30 * 1000, INPUT_MAX = 8192, ENV_COUNT = 8 };

static char *
variable(const char *name, const char *value)
{
	struct buf b;

	buf_init(&b, INPUT_MAX);
	IGNORE(buf_addf(&b, "%s=%s", name, value)); /* a name and a reason */
	return buf_steal(&b);
}

static void
fill_environment(
    char **to, const struct alert *a, const char *reason, size_t waiting)
{
	char number[24];

	(void)snprintf(number, sizeof(number), "%zu", waiting);
	to[0] = xstrdup("PATH=/usr/local/bin:/usr/bin:/bin");
	to[1] = xstrdup("LC_ALL=C.UTF-8");
	to[2] = xstrdup("HOME=/");
	to[3] = variable("RELAIS_EVENT", a->event);
	to[4] = variable("RELAIS_ACCOUNT", a->account);
	to[5] = variable("RELAIS_USER", a->user);
	to[6] = variable("RELAIS_REASON", reason);
	to[7] = variable("RELAIS_QUEUE", number);
	to[ENV_COUNT] = NULL;
}

static void
fill_input(
    struct buf *to, const struct alert *a, const char *reason, size_t waiting)
{
	json_t *o = json_pack("{s:s, s:o, s:o, s:o, s:I}", "event", a->event,
	    "account", ctl_json_text(a->account), "user",
	    ctl_json_text(a->user), "reason", ctl_json_text(reason), "queue",
	    (json_int_t)waiting);

	IGNORE(ctl_json_encode(to, o)); /* fits */
	json_decref(o);
}

enum cred_ran
alert_command_run(const struct conf_list *command, const struct alert *a,
    size_t waiting, struct cred_run *ret)
{
	char *envp[ENV_COUNT + 1], **argv;
	enum cred_ran ran;
	struct buf shown, input;

	if (command->n == 0 || command->v[0][0] != '/') {
		ret->code = ENOENT;
		return CRED_RAN_NOT;
	}
	argv = xcalloc(command->n + 1, sizeof(*argv));
	for (size_t i = 0; i < command->n; i++)
		argv[i] = command->v[i];
	/* Foreign words, on the way to a mail or a terminal. */
	buf_init(&shown, 4 * ALERT_REASON_MAX);
	IGNORE(str_escape(&shown, bytes_str(a->reason), ALERT_REASON_MAX));
	fill_environment(envp, a, buf_str(&shown), waiting);
	buf_init(&input, INPUT_MAX);
	fill_input(&input, a, buf_str(&shown), waiting);
	ret->argv = argv;
	ret->envp = envp;
	ret->input = buf_bytes(&input);
	ret->timeout_ms = TIMEOUT_MS;
	ran = cred_run(ret);
	for (size_t i = 0; i < ENV_COUNT; i++)
		free(envp[i]);
	free(argv);
	buf_clear(&shown);
	buf_clear(&input);
	return ran;
}
