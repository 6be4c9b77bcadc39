/* SPDX-License-Identifier: GPL-3.0-or-later */
/* unapplied.h - what a reload has read and cannot put in force.
 *
 * Which settings these are stands in the table of conf/setting.h.
 */
#ifndef RELAISD_UNAPPLIED_H
#define RELAISD_UNAPPLIED_H

struct conf;

/* One line for each setting of wanted that needs a restart and is not what it is
 * in in_force. */
void unapplied_log(const struct conf *in_force, const struct conf *wanted);

#endif
