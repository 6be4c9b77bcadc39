/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "base/xalloc.h"

#include <link.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#ifdef __GLIBC__
#include <malloc.h>
#endif
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

void *
xmalloc(size_t n)
{
	void *p = malloc(n != 0 ? n : 1);

	if (p == NULL)
		abort();
	return p;
}

void *
xcalloc(size_t count, size_t size)
{
	void *p = calloc(count != 0 ? count : 1, size != 0 ? size : 1);

	if (p == NULL)
		abort();
	return p;
}

void *
xrealloc(void *p, size_t count, size_t size)
{
	size_t n;

	if (__builtin_mul_overflow(count, size, &n))
		abort();
	p = realloc(p, n != 0 ? n : 1);
	if (p == NULL)
		abort();
	return p;
}

char *
xstrdup(const char *s)
{
	return s != NULL ? xstrndup(s, strlen(s)) : NULL;
}

char *
xstrndup(const char *s, size_t n)
{
	size_t len = strnlen(s, n);
	char *p = xmalloc(len + 1);

	memcpy(p, s, len);
	p[len] = '\0';
	return p;
}

char *
xasprintf(const char *fmt, ...)
{
	va_list ap, again;
	char *p;
	int n;

	va_start(ap, fmt);
	va_copy(again, ap);
	n = vsnprintf(NULL, 0, fmt, ap);
	if (n < 0)
		abort();
	p = xmalloc((size_t)n + 1);
	(void)vsnprintf(p, (size_t)n + 1, fmt, again); /* measured above */
	va_end(again);
	va_end(ap);
	return p;
}

/* Was it changed when it was loaded, although it is read-only now? */
static bool
has_text_relocations(
    const struct dl_phdr_info *object, const ElfW(Phdr) * dynamic)
{
	const ElfW(
	    Dyn) *d = (const void *)(object->dlpi_addr + dynamic->p_vaddr);

	for (; d->d_tag != DT_NULL; d++)
		if (d->d_tag == DT_TEXTREL ||
		    (d->d_tag == DT_FLAGS && (d->d_un.d_val & DF_TEXTREL) != 0))
			return true;
	return false;
}

static int
give_back_object(struct dl_phdr_info *object, size_t size, void *unused)
{
	uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE), from, to;
	const ElfW(Phdr) *h = object->dlpi_phdr;

	(void)size;
	(void)unused;
	for (size_t i = 0; i < object->dlpi_phnum; i++)
		if (h[i].p_type == PT_DYNAMIC &&
		    has_text_relocations(object, &h[i]))
			return 0;
	for (size_t i = 0; i < object->dlpi_phnum; i++) {
		from = object->dlpi_addr + h[i].p_vaddr;
		to = from + h[i].p_memsz;
		from -= from % page;
		/* If it cannot be given back, it stays. */
		if (h[i].p_type == PT_LOAD && (h[i].p_flags & PF_W) == 0)
			(void)madvise((void *)from, to - from, MADV_DONTNEED);
	}
	return 0;
}

void
xtrim(void)
{
#ifdef __GLIBC__
	(void)malloc_trim(0);
#endif
	(void)dl_iterate_phdr(give_back_object, NULL);
}
