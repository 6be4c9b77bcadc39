/* SPDX-License-Identifier: GPL-3.0-or-later */
/* import.h - reads the configuration of another mail program, and translates it
 * into settings of relais.conf.
 *
 * Each program has a parser, import_NAME.c: text in, a struct import out.
 * Parsers run no command, expand no environment variable and look up no name.
 * They read through struct import_files, so a test needs no disk.  A feature of
 * the program that relais lacks or handles differently becomes a note; a line
 * that means nothing to relais is ignored.
 *
 * Secrets are kept in struct secret, never in a setting, note or error.
 */
#ifndef RELAIS_SETUP_IMPORT_H
#define RELAIS_SETUP_IMPORT_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/must.h"
#include "base/secret.h"
#include "conf/conf.h"
#include "conf/provider.h"

/* --- where it is read from ------------------------------------------------ */

enum { IMPORT_TEXT_MAX = 1024 * 1024 };

struct import_files {
	void *ctx;
	/* Reads a file.  False: it does not exist or cannot be read. */
	bool (*read)(void *ctx, const char *path, struct buf *to);
	/* The output of postconf(1) for a folder of Postfix, and of postmap(1)
	 * for a map such as hash:/etc/postfix/sasl_passwd, in the form of
	 * main.cf and of the map's source.  Either may be NULL.  False: not
	 * available. */
	bool (*postconf)(void *ctx, const char *dir, struct buf *to);
	bool (*postmap)(
	    void *ctx, const char *dir, const char *map, struct buf *to);
	const char *home; /* of the person, for "~"; or NULL */
	const char *hostname; /* what the machine calls itself, or NULL */
};

/* --- what was understood -------------------------------------------------- */

enum import_secret_kind {
	IMPORT_SECRET_NONE = 0, /* no login, or the secret is not in the file */
	IMPORT_SECRET_TEXT,
	IMPORT_SECRET_COMMAND, /* the setting password_command; never run */
	IMPORT_SECRET_KEYRING
};

struct import_setting {
	char *key, *value;
};

/* How the program used TLS. */
enum import_tls {
	IMPORT_TLS_CLEAR = 0,
	IMPORT_TLS_STARTTLS,
	IMPORT_TLS_IMPLICIT
};

struct import_account {
	char *name; /* NULL: the program has no name for it */
	int port; /* 0: not said */
	enum import_tls tls;
	struct import_setting *v; /* what the section will contain */
	size_t n;
	enum import_secret_kind secret_kind;
	struct secret *secret;
	char *secret_from; /* "/etc/msmtprc, line 7", or NULL */
	const struct provider *preset; /* set by import_finish(), or NULL */
};

struct import_note {
	char *file; /* NULL: about the whole configuration */
	int line; /* 0: about the whole file */
	char *text; /* one sentence, no full stop */
};

struct import {
	const struct import_files *files; /* borrowed while it is parsed */
	const struct conf *old; /* the present relais.conf, borrowed; or NULL */
	struct import_account **accounts; /* the first is the default */
	size_t n;
	bool are_spares; /* each account is the fallback of the one before */
	struct import_account *relais; /* the settings of [relais] */
	struct import_note *notes;
	size_t nnotes;
	char *refusal; /* why nothing can be imported, or NULL */
	/* local user, address; see import_sender() */
	struct import_setting *senders;
	size_t nsenders;
};

struct import *import_new(const struct import_files *files);
void import_free(struct import *im);

/* --- the programs --------------------------------------------------------- */

struct import_program {
	const char *name; /* "msmtp" */
	/* Where its configuration is, the best place first; "~/" is the home
	 * folder. */
	const char *const *places;
	/* file is one of places, or the argument of --from. */
	void (*parse)(struct import *im, const char *file);
	/* Folders of waiting messages, NULL at the end, and for each the
	 * pattern of a file. */
	const char *const *spools;
	const char *spool_file;
	const char *flush; /* command that sends them, or NULL */
	const char *disable; /* command that switches the program off */
};

extern const struct import_program import_dma, import_exim, import_msmtp,
    import_nullmailer, import_postfix, import_ssmtp;
/* All of them, NULL at the end. */
extern const struct import_program *const import_programs[];
/* NULL: no such name. */
const struct import_program *import_program_find(const char *name);

/* --- relais.conf ---------------------------------------------------------- */

/* To be called once, after parse(): chooses presets and names, and drops
 * settings that equal the default.  No name is given that another mailbox has
 * in im->old.  ps may be NULL.  Every decision that differs from the program's
 * becomes a note. */
void import_finish(struct import *im, const struct providers *ps);

/* Changes the text of a relais.conf.  Each secret, found or missing, will be in
 * a file in secret_dir with the name of the account.  -1: a value is not
 * valid. */
int import_write(const struct import *im, const char *secret_dir,
    struct buf *text, struct err *err) MUST_CHECK;

/* True: the account logs in with a secret. */
bool import_needs_secret(const struct import_account *a);
/* The first account with the same secret, whose name the file has. */
const struct import_account *import_secret_owner(
    const struct import *im, const struct import_account *a);
/* NULL: not set. */
const char *import_get(const struct import_account *a, const char *key);

/* --- for the parsers ------------------------------------------------------ */

/* A file, line by line. */
struct import_text {
	char *file;
	struct buf buf;
	struct bytes rest;
	int line; /* of the newest line */
};

/* False: there is no such file, and nothing to close. */
bool import_open(struct import *im, const char *file, struct import_text *ret);
void import_close(struct import_text *t);
/* Calls take for each line of a file, without the blanks around it, except
 * empty lines and those that begin with "#".  False: there is no such file. */
typedef void import_take(
    void *ctx, struct bytes line, const struct import_text *at);
bool import_each_line(
    struct import *im, const char *file, import_take *take, void *ctx);
/* The same for the main file, without which nothing can be imported. */
bool import_main_file(
    struct import *im, const char *file, import_take *take, void *ctx);
/* Reads the first line, without the blanks around it.  False: there is none, or
 * it is empty. */
bool import_first_line(struct import *im, const char *file, struct buf *to);
/* The path of a file in the same folder; for the caller to free. */
char *import_beside(const char *file, const char *name);
/* Reads a line as Postfix and Exim join lines: a line that begins with a blank
 * continues the line before; empty lines and those that begin with "#" are left
 * out. */
bool import_joined_line(struct import_text *t, struct buf *ret);

/* Takes the text up to the first of these characters off rest, with all such
 * characters that follow. */
struct bytes import_word(struct bytes *rest, const char *separators);

/* The value without quotes, if it has one of these at both ends. */
struct bytes import_unquoted(struct bytes value, const char *quotes);

/* Adds an account to im, which owns it.  Dropping frees the one at this index
 * and moves the others up. */
struct import_account *import_account_add(struct import *im, const char *name);
void import_account_free(struct import_account *a);
void import_account_drop(struct import *im, size_t at);
/* Sets a value, or replaces it.  A value that is empty or cannot be written on
 * a line is ignored. */
void import_set(struct import_account *a, const char *key, struct bytes value);
void import_sets(struct import_account *a, const char *key, const char *value);
void import_unset(struct import_account *a, const char *key);

/* The secret, and where it was found. */
void import_secret(
    struct import_account *a, struct bytes secret, const char *file, int line);
/* The secret is what this command prints when a shell runs it. */
void import_command(
    struct import_account *a, struct bytes command, const char *file, int line);

/* "host", "host:port", "[host]:port"; the port may be a name. */
void import_server(struct import_account *a, struct bytes text);
/* 0: not a port. */
int import_port(struct bytes text);

/* A local user (or user@machine) whose mail was sent under this address; an
 * empty user means everybody. */
void import_sender(struct import *im, struct bytes user, struct bytes address);

/* Adds a note, unless the same note exists. */
void import_note(struct import *im, const char *file, int line, const char *fmt,
    ...) __attribute__((format(printf, 4, 5)));
void import_notes_clear(struct import *im);
void import_refuse(struct import *im, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

/* True: yes, true, on or 1, without regard to case. */
bool import_is_yes(struct bytes word);
/* True: equal without regard to case; NULL equals nothing. */
bool import_is(struct bytes word, const char *value);

#endif
