/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "relais/relais_shared.h"

#include <unistd.h>

#include "conf/conf.h"
#include "store/store_module.h"
#include "sys/privilege.h"

static int
become_user(const struct conf *c, struct err *err)
{
	struct privilege_user user;

	if (geteuid() != 0)
		return 0;
	return privilege_find(c->user, &user, err) == 0
		   ? privilege_drop(&user, err)
		   : -1;
}

int
relais_shared(
    const struct conf *c, const struct store_module **ret, struct err *err)
{
	if (c->store == CONF_STORE_DISK)
		return err_set(err, ERR_CONFIG,
		    "the queue is on the disk; set store = postgres and "
		    "store_url in [relais]");
	return store_module_load("postgres", ret, err) == 0
		   ? become_user(c, err)
		   : -1;
}
