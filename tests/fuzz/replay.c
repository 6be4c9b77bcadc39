/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The main of a fuzz target without a fuzzer: feeds it the files named. */
#include "tests/fuzz/fuzz.h"

static void
replay(const char *name)
{
	FILE *f = fopen(name, "rb");
	uint8_t *data = NULL;
	long size = -1;

	if (f != NULL && fseek(f, 0, SEEK_END) == 0)
		size = ftell(f);
	/* Exactly as large as the input, so that a sanitizer sees a step
	 * beyond it. */
	if (size >= 0)
		data = malloc(size > 0 ? (size_t)size : 1);
	if (data == NULL || fseek(f, 0, SEEK_SET) != 0 ||
	    fread(data, 1, (size_t)size, f) != (size_t)size) {
		perror(name);
		exit(1);
	}
	fclose(f);
	(void)LLVMFuzzerTestOneInput(data, (size_t)size); /* always 0 */
	free(data);
}

int
main(int argc, char **argv)
{
	for (int i = 1; i < argc; i++)
		replay(argv[i]);
	printf("%s: %d inputs\n", argv[0], argc - 1);
	return argc < 2;
}
