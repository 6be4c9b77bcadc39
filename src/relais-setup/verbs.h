/* SPDX-License-Identifier: GPL-3.0-or-later */
/* verbs.h - the verbs of relais(1) that relais-setup carries out.
 *
 * Each is a main() of its own; argv[0] is the verb.
 */
#ifndef RELAIS_SETUP_VERBS_H
#define RELAIS_SETUP_VERBS_H

int setup_main(int argc, char **argv);
int import_main(int argc, char **argv);
int check_main(int argc, char **argv);

#endif
