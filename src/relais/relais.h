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
	const char *args; /* behind the name: "[--all] [ID ...]" */
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

/* Asks the daemon.  args is given up to the call, may be NULL; item and
 * *ret_result as ctl_client_call() has them.  What goes wrong is told on
 * stderr; the exit status is returned. */
int relais_ask(struct relais *r, const char *verb, json_t *args,
    void (*item)(void *ctx, json_t *item), void *ctx, json_t **ret_result);

/* The same, but a refusal or a lost connection is left in err: 0 or -1; err is
 * of class ERR_NONE if all has been told. */
struct err;
int relais_call(struct relais *r, const char *verb, json_t *args,
    void (*item)(void *ctx, json_t *item), void *ctx, json_t **ret_result,
    struct err *err);
/* So long each step of an answer may take from now on. */
void relais_be_patient(struct relais *r, int ms);
/* For --help of a verb that takes ids. */
#define RELAIS_ID_HELP                                                         \
	N_("An ID may be cut to its last characters, as relais queue shows "   \
	   "it.")

/* Becomes relais-setup, with this verb and these words; returns only if that
 * fails. */
int relais_run_setup(struct relais *r, int argc, char *const *argv);
/* As ctl_client_listen() and ctl_client_line() have it; within a call. */
void relais_listen(
    struct relais *r, int fd, void (*told)(void *ctx), void *ctx);
void relais_say(struct relais *r, const char *line);

/* Does a daemon answer?  Says nothing about one that does not. */
bool relais_has_daemon(struct relais *r);

/* "relais: VERB: sentence" on stderr, in the person's language (the format is
 * translated here; with "%s" alone, what stands for it), escaped; returns
 * status. */
int relais_complain(const struct relais *r, int status, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

/* --- printing ------------------------------------------------------------- */

/* One value, indented, and the end of the line. */
void relais_print_json(const json_t *value);

/* A JSON array as its items come. */
void relais_list_item(struct relais *r, const json_t *item);
void relais_list_end(const struct relais *r);

enum relais_colour { COLOUR_NONE, COLOUR_BOLD, COLOUR_WARN, COLOUR_BAD };
/* On stdout; foreign text is escaped (R79), colours only on a terminal. */
void relais_print(
    const struct relais *r, enum relais_colour colour, const char *text);

/* Columns of a line for people: of the terminal, or what COLUMNS says; 0: a
 * line may have any length. */
size_t relais_width(const struct relais *r);
/* A label and blanks up to that column. */
void relais_print_label(const char *label, size_t columns);
/* "5m", "2h", "3d"; the letter for days is the language's. */
const char *relais_duration(long long s, char text[NUM_TEXT_SIZE]);
/* Text and the end of its line, wrapped at words.  The first line begins where
 * the caller has left off, at column indent at most, the others are indented
 * so. */
void relais_print_wrapped(const struct relais *r, enum relais_colour colour,
    size_t indent, const char *text);
/* The format is translated here; with "%s" alone, what stands for it. */
void relais_printf_wrapped(const struct relais *r, size_t indent,
    const char *fmt, ...) __attribute__((format(printf, 3, 4)));

/* A line of a check, and its advice below. */
struct check_result;
void relais_print_check(const struct relais *r, const struct check_result *res);

/* Members of an object, never NULL. */
const char *relais_string(const json_t *object, const char *key);
long long relais_number(const json_t *object, const char *key);
/* A sentence of the daemon's, in the language of the person; the caller frees
 * it. */
char *relais_said(const json_t *object, const char *key);

#endif
