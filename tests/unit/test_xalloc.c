/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Memory that a process at rest gives back. */
#include "tests/lib/check.h"

#include "base/xalloc.h"

#include <link.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Reads every page of what is mapped from files and cannot be written. */
static int
read_object(struct dl_phdr_info *object, size_t size, void *sum)
{
	(void)size;
	for (size_t i = 0; i < object->dlpi_phnum; i++) {
		const ElfW(Phdr) *h = &object->dlpi_phdr[i];
		uintptr_t from = object->dlpi_addr + h->p_vaddr;
		const volatile unsigned char *p = (const void *)from;

		if (h->p_type != PT_LOAD || (h->p_flags & PF_W) != 0)
			continue;
		for (size_t at = 0; at < h->p_filesz; at += 4096)
			*(unsigned long *)sum += p[at];
	}
	return 0;
}

static unsigned long
read_all(void)
{
	unsigned long sum = 0;

	assert_int_equal(dl_iterate_phdr(read_object, &sum), 0);
	return sum;
}

/* Pages of files that this process has, as the kernel counts them. */
static long
file_pages(void)
{
	FILE *f = fopen("/proc/self/statm", "r");
	long all, resident, shared;

	assert_non_null(f);
	assert_int_equal(fscanf(f, "%ld %ld %ld", &all, &resident, &shared), 3);
	assert_int_equal(fclose(f), 0);
	return shared;
}

static void
at_rest_pages_of_the_program_go_and_come_again_as_they_were(void **state)
{
	unsigned long sum = read_all();
	long before = file_pages();

	(void)state;
	xtrim();
	assert_true(file_pages() < before / 2);
	assert_true(read_all() == sum);
}

static void
what_is_allocated_stays_as_it_was(void **state)
{
	char *kept[64], *freed[64];

	(void)state;
	for (size_t i = 0; i < 64; i++) {
		kept[i] = xmalloc(5000);
		memset(kept[i], (int)i + 1, 5000);
		freed[i] = xmalloc(50000);
	}
	for (size_t i = 0; i < 64; i++)
		free(freed[i]);
	xtrim();
	for (size_t i = 0; i < 64; i++) {
		for (size_t at = 0; at < 5000; at++)
			assert_int_equal(kept[i][at], i + 1);
		free(kept[i]);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
		    at_rest_pages_of_the_program_go_and_come_again_as_they_were),
		cmocka_unit_test(what_is_allocated_stays_as_it_was),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
