/* SPDX-License-Identifier: GPL-3.0-or-later */
/* relais-postgres.so, as store_module.h wants it. */
#include "config.h"

#include "postgres/pg_pool.h"
#include "postgres/pg_schema.h"
#include "postgres/pg_store.h"

extern const struct store_module relais_store_module;

__attribute__((visibility("default")))
const struct store_module relais_store_module = {
	.version = PACKAGE_VERSION,
	.needs = pg_needs,
	.open = pg_store_open,
	.start = pg_store_start,
	.init = pg_schema_init,
	.upgrade = pg_schema_upgrade,
	.check = pg_schema_tell,
	.nodes = pg_schema_nodes,
	.open_move = pg_store_open_move,
	.set_move = pg_store_set_move,
	.mover = &pg_mover,
};
