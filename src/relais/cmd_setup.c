/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <errno.h>
#include <libgen.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/intl.h"
#include "base/xalloc.h"
#include "relais/relais.h"

/* As installed, else beside this program, where both were built. */
static char *
setup_path(void)
{
	char self[4096];
	ssize_t n;

	if (access(RELAIS_LIBEXEC_DIR "/relais-setup", X_OK) == 0)
		return xstrdup(RELAIS_LIBEXEC_DIR "/relais-setup");
	n = readlink("/proc/self/exe", self, sizeof(self) - 1);
	self[n > 0 ? n : 0] = '\0';
	return xasprintf("%s/relais-setup", dirname(self));
}

/* The program does the work: it links what no other may. */
int
relais_run_setup(struct relais *r, int argc, char *const *argv)
{
	char *path = setup_path();
	const char **words = xcalloc((size_t)argc + 6, sizeof(*words));
	int n = 0;

	words[n++] = "relais-setup";
	words[n++] = relais_verb(r);
	if (relais_conf_file(r) != NULL) {
		words[n++] = "-c";
		words[n++] = relais_conf_file(r);
	}
	if (relais_is_json(r))
		words[n++] = "--json";
	for (int i = 0; i < argc; i++)
		words[n++] = argv[i];
	(void)fflush(stdout);
	(void)execv(path, (char *const *)(uintptr_t)words);
	return relais_complain(r, RELAIS_FAILED, "cannot start %s: %s", path,
	    strerror(errno)); /* and we end, so nothing is freed */
}

const struct relais_command cmd_setup = {
	.name = "setup",
	.args = N_("[ADDRESS] [OPTION ...]"),
	.help = N_(
	    "finds the provider of an address, configures it and sends a "
	    "first message"),
	.details = N_(
	    "Asks at most three questions; each answer is an option too:\n"
	    "  --provider KEY             instead of looking for the provider\n"
	    "  --host NAME --port N --tls implicit|starttls --tls-ca-file "
	    "FILE\n"
	    "                             a server that nobody knows\n"
	    "  --user NAME                if it is not the address\n"
	    "  --password-file FILE       - is standard input\n"
	    "  --admin ADDRESS            gets mail for root and alerts\n"
	    "  --account NAME             of the section in relais.conf\n"
	    "  --secret file|keyring|credential\n"
	    "                             where the secret is kept\n"
	    "  --client-id ID --tenant NAME\n"
	    "                             of a sign-in by OAuth2\n"
	    "  --client-secret-file FILE, --jwt-key-file FILE\n"
	    "                             a sign-in without a person\n"
	    "  --yes                      agree to every question\n"
	    "  --force                    write although the login failed\n"
	    "  --no-send                  send no message\n"
	    "  --json                     one report, and no questions\n"
	    "Nothing is written before the provider has accepted login and "
	    "sender.\nExit status: 0 done, 1 try again later, 2 a person is "
	    "needed."),
	.run = relais_run_setup,
};
