/* SPDX-License-Identifier: GPL-3.0-or-later */
/* err.h - describes a failure on this machine in one sentence.
 *
 * A struct err describes something that went wrong on this machine: a disk,
 * a setting, a secret, a connection.  What a remote server answered is not an
 * error but a struct verdict (mail/verdict.h); a bug of ours is an assert.
 *
 * A function that can fail returns -1 and fills its last argument; on success
 * it leaves the err alone.  Callers add context with err_ctx() or pass it on;
 * only inbound, outbound and the programs log it.  The text never leaves the
 * machine.
 *
 * Values, no allocation, no blocking.  A NULL err is allowed everywhere and
 * means that the caller only wants the -1.
 */
#ifndef BASE_ERR_H
#define BASE_ERR_H

enum err_class {
	ERR_NONE = 0,
	ERR_CONFIG, /* a setting or a file of the user's is wrong */
	ERR_SYSTEM, /* a system call failed; os holds errno */
	ERR_DISK, /* the spool or the log cannot be made or written */
	ERR_NETWORK, /* name look-up, connect, lost connection, deadline */
	ERR_TLS, /* the handshake failed, or nobody speaks TLS there */
	ERR_CERTIFICATE, /* the certificate is not the peer's, or not trusted */
	ERR_SECRET, /* a password or token could not be fetched */
	ERR_INPUT, /* the input is malformed */
	ERR_BUSY, /* another process or user holds it */
	ERR_LOST /* another process has taken it over for good */
};

struct err {
	enum err_class class;
	int os; /* errno at the failure, 0 if none was involved */
	char text[480];
};

void err_clear(struct err *err);

/* Each returns -1, so that "return err_set(...)" reads well.  Over-long text is
 * cut, and a control character is "?".  The sentence has no final newline and
 * no final full stop. */
int err_set(struct err *err, enum err_class class, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
/* Adds ": " and the words for the current errno; class ERR_SYSTEM. */
int err_sys(struct err *err, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));
/* Puts "context: " in front of the existing sentence. */
int err_ctx(struct err *err, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

#endif
