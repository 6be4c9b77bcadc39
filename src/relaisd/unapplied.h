/* SPDX-License-Identifier: GPL-3.0-or-later */
/* unapplied.h - reports settings that a reload has read but cannot apply.
 *
 * The table of conf/setting.h says which settings these are.
 */
#ifndef RELAISD_UNAPPLIED_H
#define RELAISD_UNAPPLIED_H

struct conf;

/* Logs one line for each setting of wanted that needs a restart and differs
 * from in_force. */
void unapplied_log(const struct conf *in_force, const struct conf *wanted);

#endif
