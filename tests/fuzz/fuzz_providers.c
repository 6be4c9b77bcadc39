/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Any file of presets is read, or is wrong in a way that a sentence tells; what
 * was read can be asked for. */
#include "tests/fuzz/fuzz.h"

#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/must.h"
#include "base/xalloc.h"
#include "conf/provider.h"

static void
check_all(const struct providers *p)
{
	const struct provider *one;

	for (size_t i = 0; (one = providers_at(p, i)) != NULL; i++) {
		struct err err;
		char *host = NULL;

		FUZZ_REQUIRE(one->key != NULL && one->name != NULL);
		FUZZ_REQUIRE(one->refusal != NULL ||
			     (one->host != NULL && one->nports > 0));
		(void)providers_find(p, one->key, &host, &err);
		free(host);
		(void)provider_matches(one, "mail");
		free(provider_oauth(one, true));
	}
	(void)providers_by_domain(p, "example.org");
	(void)providers_by_mx(p, "mx.mail.example.org");
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct providers *p = providers_new();
	int fd = memfd_create("fuzz", MFD_CLOEXEC);
	char *path = xasprintf("/proc/self/fd/%d", fd);
	struct err err;

	FUZZ_REQUIRE(
	    fd >= 0 && (size == 0 || write(fd, data, size) == (ssize_t)size));
	if (providers_read(p, path, &err) == 0)
		check_all(p);
	else
		fuzz_sentence(err.text);
	providers_free(p);
	free(path);
	IGNORE(close(fd) != 0);
	return 0;
}
