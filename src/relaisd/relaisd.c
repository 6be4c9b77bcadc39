/* SPDX-License-Identifier: GPL-3.0-or-later */
/* relaisd - the daemon.  See relaisd(8). */
#include "config.h"

#include <getopt.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sysexits.h>

#include "relaisd/daemon.h"
#include "sys/language.h"

static const char usage[] =
    "usage: relaisd [-c FILE] [-f] [--environment] [--user] [--check]\n\n  -c "
    "FILE   read this "
    "configuration\n  -f        stay in the foreground, log to standard "
    "error\n  --environment  variables such as RELAYHOST and RELAIS_ADMIN are "
    "settings, too\n  --user    run for one user: XDG folders, that user's "
    "keyring\n  "
    "--check   check the configuration; exit 0 if it is valid, else 78\n  "
    "--one-process  do not separate keeper and worker; for debugging\n  "
    "--version, --help\n\nSee relaisd(8) and relais.conf(5).\n";

int
main(int argc, char **argv)
{
	enum {
		OPT_USER = 256,
		OPT_ENV,
		OPT_CHECK,
		OPT_ONE,
		OPT_VERSION,
		OPT_HELP
	};
	static const struct option longs[] = {
		{ "user", no_argument, NULL, OPT_USER },
		{ "environment", no_argument, NULL, OPT_ENV },
		{ "check", no_argument, NULL, OPT_CHECK },
		{ "one-process", no_argument, NULL, OPT_ONE },
		{ "version", no_argument, NULL, OPT_VERSION },
		{ "help", no_argument, NULL, OPT_HELP },
		{ NULL, 0, NULL, 0 },
	};
	struct daemon_args args = { 0 };
	int c;

	while ((c = getopt_long(argc, argv, "c:fh", longs, NULL)) != -1) {
		switch (c) {
		case 'c':
			args.conf_file = optarg;
			break;
		case 'f':
			args.is_foreground = true;
			break;
		case OPT_USER:
			args.is_user = true;
			break;
		case OPT_ENV:
			args.is_environment = true;
			break;
		case OPT_CHECK:
			args.is_check = true;
			break;
		case OPT_ONE:
			args.is_one_process = true;
			break;
		case OPT_VERSION:
			(void)printf("relaisd %s\n", PACKAGE_VERSION);
			return EX_OK;
		case 'h':
		case OPT_HELP:
			(void)fputs(usage, stdout);
			return EX_OK;
		default:
			(void)fputs(usage, stderr);
			return EX_USAGE;
		}
	}
	if (optind < argc) {
		(void)fprintf(stderr, "relaisd: unexpected argument %s\n%s",
		    argv[optind], usage);
		return EX_USAGE;
	}
	language_learn();
	return daemon_main(&args);
}
