/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Any file at all as relais.conf: it loads, or it is told what is wrong in
 * sentences a terminal may show, and what loaded can be used. */
#include "tests/fuzz/fuzz.h"

#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/must.h"
#include "base/xalloc.h"
#include "conf/conf.h"
#include "conf/route.h"
#include "mail/envelope.h"

static const char presets[] =
    "gmail smtp.gmail.com 465 I 587 S addr app-password force+aliases "
    "max_recipients=100 grouped=yes\n"
    "webde smtp.web.de 465 I local password force\n"
    "ses email-smtp.REGION.amazonaws.com 587 S id secret allow-verified\n"
    "sendgrid smtp.sendgrid.net 587 S lit:apikey api-key allow-domain\n"
    "tuta none it cannot\n";

/* A file without a name; the path is the caller's. */
static char *
file_of(const void *p, size_t n, int *ret_fd)
{
	*ret_fd = memfd_create("fuzz", MFD_CLOEXEC);
	FUZZ_REQUIRE(*ret_fd >= 0 && fchmod(*ret_fd, 0600) == 0);
	FUZZ_REQUIRE(n == 0 || write(*ret_fd, p, n) == (ssize_t)n);
	return xasprintf("/proc/self/fd/%d", *ret_fd);
}

static void
check_conf(const struct conf *c)
{
	struct envelope *e = envelope_new();

	FUZZ_REQUIRE(
	    c->naccounts > 0 && c->default_account < (int)c->naccounts);
	for (size_t i = 0; i < c->naccounts; i++) {
		const struct conf_account *a = &c->accounts[i];

		FUZZ_REQUIRE(a->host != NULL && a->nports > 0);
		FUZZ_REQUIRE(a->fallback < (int)c->naccounts);
		FUZZ_REQUIRE(
		    a->address != NULL || a->identity == CONF_IDENTITY_KEEP);
		FUZZ_REQUIRE(a->user == NULL || a->secret.kind != CRED_NONE ||
			     strcmp(a->auth, "EXTERNAL") == 0);
	}
	for (size_t i = 0; i < c->nlistens; i++) {
		/* R35 */
		FUZZ_REQUIRE(
		    c->listens[i].is_loopback || c->listens[i].nnets > 0);
		IGNORE(conf_listen_allows(&c->listens[i], "192.168.1.1"));
	}
	envelope_set(&e->sender, "me@example.org");
	IGNORE(envelope_add_rcpt(e, "you@example.org") == NULL);
	FUZZ_REQUIRE(conf_route(c, e, NULL) >= 0 || c->default_account < 0);
	envelope_free(e);
}

static void
check_problems(const struct conf_problems *ps)
{
	for (size_t i = 0; i < ps->n; i++)
		for (const char *s = ps->v[i].text; *s != '\0'; s++)
			FUZZ_REQUIRE((unsigned char)*s >= 0x20 && *s != 0x7f);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct conf_problems problems = { NULL, 0 };
	struct conf *conf = NULL;
	int fd, presets_fd;
	char *path = file_of(data, size, &fd);
	char *presets_path = file_of(presets, sizeof(presets) - 1, &presets_fd);
	struct conf_env env = { .providers = presets_path,
		.providers_own = "/nonexistent",
		.oauth_own = "/nonexistent",
		.hostname = "box.example",
		.group = (gid_t)-1 };

	if (conf_load(path, &env, &conf, &problems) == 0) {
		FUZZ_REQUIRE(problems.n == 0);
		check_conf(conf);
	} else {
		FUZZ_REQUIRE(problems.n > 0);
		check_problems(&problems);
	}
	conf_problems_clear(&problems);
	conf_free(conf);
	free(path);
	free(presets_path);
	IGNORE(close(fd) != 0);
	IGNORE(close(presets_fd) != 0);
	return 0;
}
