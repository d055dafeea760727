/* fault_alloc.c - counts a program's allocations and makes one of them fail.
 *
 * Preloaded (LD_PRELOAD) into a program that fault.c runs, whose page it shares. The C library's
 * own allocations, as strdup's and pthread_create's, come here too. Where nobody gave a page it
 * stops: what counts nothing must not look like a pass. Any thread.
 */
#include "tests/fake/fault.h"

#include <errno.h>
#include <execinfo.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

/* NOLINTBEGIN(readability-inconsistent-declaration-parameter-name): libc calls them __size.
 *
 * The C library's own entry points, which need no look-up. */
extern void *__libc_malloc(size_t size);
extern void *__libc_calloc(size_t count, size_t size);
extern void *__libc_realloc(void *old, size_t size);
extern void *__libc_memalign(size_t align, size_t size);
extern void __libc_free(void *memory);

static struct fault_page *page;
static __thread bool inside; /* whoever looks for frames may allocate */

static bool fails(void);
static void *count(void *memory);
static void site_fill(struct fault_site *site);

void *malloc(size_t size)
{
	return fails() ? NULL : count(__libc_malloc(size));
}

void *calloc(size_t number, size_t size)
{
	return fails() ? NULL : count(__libc_calloc(number, size));
}

/* Of nothing it frees. */
void *realloc(void *old, size_t size)
{
	void *memory;

	if (old && size == 0) {
		free(old);
		return NULL;
	}
	if (fails()) {
		return NULL;
	}
	memory = __libc_realloc(old, size);
	return old ? memory : count(memory);
}

void *memalign(size_t align, size_t size)
{
	return fails() ? NULL : count(__libc_memalign(align, size));
}

void free(void *memory)
{
	if (memory && page) {
		atomic_fetch_sub_explicit(&page->live, 1, memory_order_relaxed);
	}
	__libc_free(memory);
}

void *aligned_alloc(size_t align, size_t size)
{
	return memalign(align, size);
}

int posix_memalign(void **out, size_t align, size_t size)
{
	void *memory = memalign(align, size);

	if (!memory) {
		return ENOMEM;
	}
	*out = memory;
	return 0;
}

__attribute__((constructor)) static void page_open(void)
{
	const char *path = getenv(FAULT_PAGE_ENV);
	void *warm[1];
	void *map = MAP_FAILED;
	int fd = path ? open(path, O_RDWR | O_CLOEXEC) : -1;

	if (fd >= 0) {
		map = mmap(NULL, sizeof(*page), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
		close(fd);
	}
	if (map == MAP_FAILED) {
		abort();
	}
	(void)backtrace(warm, 1); /* loads what it needs the first time */
	page = map;
	(void)syscall(SYS_prctl, FAULT_MARK, 0, 0, 0, 0);
}

/* Counts one allocation; whether it is the chosen one. */
static bool fails(void)
{
	uint64_t nth;

	if (!page || inside) {
		return false;
	}
	nth = atomic_fetch_add_explicit(&page->count, 1, memory_order_relaxed) + 1;
	if (atomic_load_explicit(&page->recording, memory_order_relaxed) &&
	    nth <= FAULT_SITES_MAX) {
		site_fill(&page->sites[nth - 1]);
	}
	if (nth != atomic_load_explicit(&page->fail_at, memory_order_relaxed)) {
		return false;
	}
	site_fill(&page->site);
	atomic_store_explicit(&page->failed, 1, memory_order_release);
	errno = ENOMEM;
	return true;
}

static void *count(void *memory)
{
	if (memory && page) {
		atomic_fetch_add_explicit(&page->live, 1, memory_order_relaxed);
	}
	return memory;
}

static void site_fill(struct fault_site *site)
{
	void *frames[FAULT_FRAMES_MAX + 2];
	int count;

	inside = true;
	count = backtrace(frames, FAULT_FRAMES_MAX + 2);
	inside = false;
	for (int i = 2; i < FAULT_FRAMES_MAX + 2; i++) { /* ourselves, and what was called */
		site->frames[i - 2] = i < count ? (uint64_t)frames[i] : 0;
	}
}
/* NOLINTEND(readability-inconsistent-declaration-parameter-name) */
