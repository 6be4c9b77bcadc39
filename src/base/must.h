/* SPDX-License-Identifier: GPL-3.0-or-later */
/* must.h - marks results that must not be ignored by accident.
 *
 * MUST_CHECK marks a function whose answer the caller has to look at.  A value
 * that may be ignored after all is given to IGNORE() with a reason beside it;
 * gcc does not accept a cast to void for that.
 */
#ifndef BASE_MUST_H
#define BASE_MUST_H

#define MUST_CHECK __attribute__((warn_unused_result))

#define IGNORE(expr)                                                           \
	do {                                                                   \
		if (expr) {                                                    \
		}                                                              \
	} while (0)

#endif
