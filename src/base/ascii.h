/* SPDX-License-Identifier: GPL-3.0-or-later */
/* ascii.h - the character classes of the mail grammars (RFC 5234 appendix B.1),
 * independent of the locale.  Bytes from 0x80 belong to none of them.
 */
#ifndef BASE_ASCII_H
#define BASE_ASCII_H

#include <stdbool.h>

/* WSP: a space or a tab. */
static inline bool
ascii_is_wsp(char c)
{
	return c == ' ' || c == '\t';
}

/* WSP, CR or LF: what folded text has between its words. */
static inline bool
ascii_is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

static inline bool
ascii_is_control(char c)
{
	return (unsigned char)c < 0x20 || c == 0x7f;
}

static inline bool
ascii_is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static inline bool
ascii_is_alpha(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static inline bool
ascii_is_alnum(char c)
{
	return ascii_is_digit(c) || ascii_is_alpha(c);
}

/* The value of a hexadecimal digit whose letters begin at ten, 'a' or 'A'.
 * -1: c is no such digit. */
static inline int
ascii_hex_value(char c, char ten)
{
	if (ascii_is_digit(c))
		return c - '0';
	return c >= ten && c < ten + 6 ? c - ten + 10 : -1;
}

#endif
