/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config.h"

#include "store/store_module.h"

#include <dlfcn.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/xalloc.h"

int
store_module_load(
    const char *name, const struct store_module **ret, struct err *err)
{
	char *path = xasprintf("%s/relais-%s.so", RELAIS_MODULE_DIR, name);
	const struct store_module *m = NULL;
	void *lib = NULL;
	int rc = -1;

	if (access(path, F_OK) != 0) {
		err_sys(err, "store = %s: %s; install the package relais-%s",
		    name, path, name);
		goto out;
	}
	lib = dlopen(path, RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE);
	if (lib != NULL)
		m = dlsym(lib, STORE_MODULE_SYMBOL);
	if (m == NULL) {
		err_set(err, ERR_CONFIG, "store = %s: %s", name, dlerror());
		goto out;
	}
	if (strcmp(m->version, PACKAGE_VERSION) != 0) {
		err_set(err, ERR_CONFIG,
		    "store = %s: %s is of version %s, and relais of %s; "
		    "install both of the same version",
		    name, path, m->version, PACKAGE_VERSION);
		goto out;
	}
	*ret = m;
	rc = 0;
out:
	if (rc != 0 && err != NULL)
		err->class = ERR_CONFIG;
	free(path);
	return rc;
}
