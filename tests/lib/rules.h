/* SPDX-License-Identifier: GPL-3.0-or-later */
/* rules.h - what a provider checks in the mail it is given, as data.
 *
 * One file (tests/lib/rulebook, its header has the format) says for each
 * provider which sender, recipients, fields and names it takes and with which
 * words it refuses the others; the throw-away provider plays one of them:
 * --rules FILE:PROVIDER.
 *
 * Each question returns the first rule that is broken, as a fault to be said
 * (fault.h), or NULL.  Borrowed until the next question.  A fault whose code is
 * 250 is no refusal: the provider takes the message and changes it.
 */
#ifndef TESTS_LIB_RULES_H
#define TESTS_LIB_RULES_H

#include <stddef.h>

#include "tests/lib/fault.h"

struct header;
struct rules;

/* Those of one provider; owner is the address that belongs to the login.  With
 * a file that is wrong or has no such provider: says so and exits. */
struct rules *rules_load(
    const char *file, const char *provider, const char *owner);
void rules_free(struct rules *r);

/* The extensions it does not offer, as --hide has them; or NULL. */
const char *rules_hidden(const struct rules *r);

/* What is known when a stage is reached; NULL: not yet. */
struct rules_case {
	enum stage stage; /* AT_EHLO, AT_MAIL, AT_RCPT, AT_END */
	const char *ehlo, *sender, *rcpt;
	size_t nrcpts; /* with rcpt */
	const struct header *header;
};
const struct fault *rules_broken(struct rules *r, const struct rules_case *c);
/* Of the last fault: "From own", and what it did not like. */
const char *rules_name(const struct rules *r);
const char *rules_culprit(const struct rules *r);

#endif
