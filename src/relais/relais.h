/* SPDX-License-Identifier: GPL-3.0-or-later */
/* relais.h - declarations shared by the commands of relais(1).
 *
 * A command is a file cmd_NAME.c with one constant entry for the table in
 * relais.c.  It gets the words after its name, asks the daemon, prints, and
 * returns the exit status: 0 done, 1 refused or failed, 2 wrong usage.
 */
#ifndef RELAIS_RELAIS_H
#define RELAIS_RELAIS_H

#include <stdbool.h>
#include <stddef.h>

#include <jansson.h>

#include "base/buf.h"
#include "base/intl.h"
#include "base/num.h"

enum { RELAIS_DONE = 0, RELAIS_FAILED = 1, RELAIS_USAGE = 2 };

struct relais; /* one run of the program; private to relais.c */

struct relais_command {
	const char *name;
	const char *args; /* after the name: "[--all] [ID ...]" */
	const char *help; /* one line */
	const char *details; /* more lines for --help, or NULL */
	bool has_secret; /* a password passes through it */
	int (*run)(struct relais *r, int argc, char *const *argv);
};

extern const struct relais_command cmd_aliases, cmd_config, cmd_delete,
    cmd_check, cmd_explain, cmd_flush, cmd_hold, cmd_import, cmd_log, cmd_login,
    cmd_metrics, cmd_nodes, cmd_passwd, cmd_providers, cmd_queue, cmd_release,
    cmd_retry, cmd_rewrite, cmd_setup, cmd_show, cmd_status, cmd_store,
    cmd_version, cmd_reload, cmd_stop, cmd_test;

bool relais_is_json(const struct relais *r);
/* The verb of this run. */
const char *relais_verb(const struct relais *r);
/* The file named by -c, or NULL. */
const char *relais_conf_file(const struct relais *r);

/* Asks the daemon.  Takes over args, which may be NULL; item and *ret_result as
 * for ctl_client_call().  Prints errors on stderr, and returns the exit
 * status. */
int relais_ask(struct relais *r, const char *verb, json_t *args,
    void (*item)(void *ctx, json_t *item), void *ctx, json_t **ret_result);

/* The same, but leaves a refusal or a lost connection in err: 0 or -1.  err is
 * of class ERR_NONE if everything was printed. */
struct err;
int relais_call(struct relais *r, const char *verb, json_t *args,
    void (*item)(void *ctx, json_t *item), void *ctx, json_t **ret_result,
    struct err *err);
/* Sets how long each step of an answer may take. */
void relais_be_patient(struct relais *r, int ms);
/* For --help of a verb that takes ids. */
#define RELAIS_ID_HELP                                                         \
	N_("An ID may be cut to its last characters, as relais queue shows "   \
	   "it.")

/* Executes relais-setup with this verb and these words; returns only if that
 * fails. */
int relais_run_setup(struct relais *r, int argc, char *const *argv);
/* As ctl_client_listen() and ctl_client_line(), within a call. */
void relais_listen(
    struct relais *r, int fd, void (*told)(void *ctx), void *ctx);
void relais_say(struct relais *r, const char *line);

/* True: a daemon answers.  Prints nothing if none does. */
bool relais_has_daemon(struct relais *r);

/* Prints "relais: VERB: sentence" on stderr, escaped and in the person's
 * language: the format is translated here or, if it is "%s" alone, its
 * argument.  Returns status. */
int relais_complain(const struct relais *r, int status, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

/* --- printing ------------------------------------------------------------- */

/* Prints one value, indented, and a line end. */
void relais_print_json(const json_t *value);

/* Print a JSON array while its items arrive. */
void relais_list_item(struct relais *r, const json_t *item);
void relais_list_end(const struct relais *r);

enum relais_colour { COLOUR_NONE, COLOUR_BOLD, COLOUR_WARN, COLOUR_BAD };
/* Prints on stdout; text is escaped (R79), and coloured only on a terminal. */
void relais_print(
    const struct relais *r, enum relais_colour colour, const char *text);

/* The columns of a line for people: those of the terminal, or COLUMNS; 0: a
 * line may have any length. */
size_t relais_width(const struct relais *r);
/* Prints a label, and blanks up to that column. */
void relais_print_label(const char *label, size_t columns);
/* "5m", "2h", "3d", with the language's letter for days.  Returns text. */
const char *relais_duration(long long s, char text[NUM_TEXT_SIZE]);
/* Prints text, wrapped at words, and a line end.  The first line begins where
 * the caller has left off, at most at column indent; the others are indented to
 * indent. */
void relais_print_wrapped(const struct relais *r, enum relais_colour colour,
    size_t indent, const char *text);
/* The same with a format, which is translated or, if it is "%s" alone, its
 * argument. */
void relais_printf_wrapped(const struct relais *r, size_t indent,
    const char *fmt, ...) __attribute__((format(printf, 3, 4)));

/* Prints a result of a check, and its advice below. */
struct check_result;
void relais_print_check(const struct relais *r, const struct check_result *res);

/* Members of an object, never NULL. */
const char *relais_string(const json_t *object, const char *key);
long long relais_number(const json_t *object, const char *key);
/* A sentence of the daemon's, in the person's language; the caller frees it. */
char *relais_said(const json_t *object, const char *key);

#endif
