/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "relaisd/unapplied.h"

#include <stddef.h>
#include <string.h>

#include "base/buf.h"
#include "base/log.h"
#include "conf/conf.h"
#include "conf/config_json.h"
#include "conf/setting.h"

enum { VALUE_MAX = 4096 };

static void
compare(
    const struct setting *st, const struct conf *is, const struct conf *wanted)
{
	struct buf a, b;

	buf_init(&a, VALUE_MAX);
	buf_init(&b, VALUE_MAX);
	config_value(&a, st, is, is); /* cut when full */
	config_value(&b, st, wanted, wanted);
	if (strcmp(buf_str(&a), buf_str(&b)) != 0)
		log_text(LOG_LEVEL_WARNING,
		    "%s in [relais] is now \"%s\" in the file; until relaisd "
		    "is restarted, it stays \"%s\"",
		    st->name, buf_str(&b), buf_str(&a));
	buf_clear(&a);
	buf_clear(&b);
}

void
unapplied_log(const struct conf *in_force, const struct conf *wanted)
{
	for (size_t i = 0; i < nsettings; i++)
		if (settings[i].needs_restart)
			compare(&settings[i], in_force, wanted);
}
