/* malloc_live.c - counts what a process has allocated and not freed, for those who look for growth.
 *
 * Preloaded into the real numacastd (LD_PRELOAD). What is resident tells little of a leak, since a
 * heap breathes; how many blocks live, and how many bytes they have, is exact. Both are kept in the
 * file MALLOC_LIVE_FILE, which is mapped shared, in words of 8 bytes in the order of enum word.
 * Whoever writes 1 into the first one gets with the next allocation the C library's own view, by
 * mallinfo2(3): what its heaps have of the kernel, and what of that is free; then it is 0 again.
 * Any thread; a child that was forked counts nothing.
 */
#include <errno.h>
#include <fcntl.h>
#include <malloc.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

enum word {
	WORD_ASKED,
	WORD_BLOCKS,
	WORD_BYTES,
	WORD_HEAP,
	WORD_FREE,
	WORD_COUNT
};

/* A block that came before there was a file may go afterwards, so these may be negative. */
static _Atomic int64_t *words;

/* NOLINTBEGIN(readability-inconsistent-declaration-parameter-name): libc calls them __size.
 *
 * The C library's own entry points, which need no look-up. */
extern void *__libc_malloc(size_t size);
extern void *__libc_calloc(size_t count, size_t size);
extern void *__libc_realloc(void *old, size_t size);
extern void *__libc_memalign(size_t align, size_t size);
extern void __libc_free(void *memory);

static void *came(void *memory);
static void goes(void *memory);
static void answer(void);
static void forget(void);

void *malloc(size_t size)
{
	return came(__libc_malloc(size));
}

void *calloc(size_t number, size_t size)
{
	return came(__libc_calloc(number, size));
}

/* One that fails leaves the old block as it was. */
void *realloc(void *old, size_t size)
{
	void *memory;

	goes(old);
	memory = __libc_realloc(old, size);
	if (memory == NULL && size > 0) {
		came(old);
	}
	return came(memory);
}

void *memalign(size_t align, size_t size)
{
	return came(__libc_memalign(align, size));
}

void *aligned_alloc(size_t align, size_t size)
{
	return came(__libc_memalign(align, size));
}

int posix_memalign(void **out, size_t align, size_t size)
{
	void *memory = came(__libc_memalign(align, size));

	if (memory == NULL) {
		return ENOMEM;
	}
	*out = memory;
	return 0;
}

void free(void *memory)
{
	goes(memory);
	__libc_free(memory);
}

__attribute__((constructor)) static void words_open(void)
{
	const char *path = getenv("MALLOC_LIVE_FILE");
	void *map = MAP_FAILED;
	int fd = path == NULL ? -1 : open(path, O_RDWR | O_CLOEXEC);

	if (fd >= 0 && ftruncate(fd, WORD_COUNT * sizeof(*words)) == 0) {
		map = mmap(NULL, WORD_COUNT * sizeof(*words), PROT_READ | PROT_WRITE, MAP_SHARED,
			   fd, 0);
		close(fd);
	}
	if (map == MAP_FAILED || pthread_atfork(NULL, NULL, forget) != 0) {
		abort(); /* a counter that counts nothing must not look like a pass */
	}
	words = map;
}

static void *came(void *memory)
{
	if (memory != NULL && words != NULL) {
		atomic_fetch_add_explicit(&words[WORD_BLOCKS], 1, memory_order_relaxed);
		atomic_fetch_add_explicit(&words[WORD_BYTES], (int64_t)malloc_usable_size(memory),
					  memory_order_relaxed);
		answer();
	}
	return memory;
}

static void goes(void *memory)
{
	if (memory != NULL && words != NULL) {
		atomic_fetch_sub_explicit(&words[WORD_BLOCKS], 1, memory_order_relaxed);
		atomic_fetch_sub_explicit(&words[WORD_BYTES], (int64_t)malloc_usable_size(memory),
					  memory_order_relaxed);
	}
}

static void answer(void)
{
	struct mallinfo2 info;

	if (atomic_load_explicit(&words[WORD_ASKED], memory_order_relaxed) != 1) {
		return;
	}
	info = mallinfo2();
	atomic_store_explicit(&words[WORD_HEAP], (int64_t)(info.arena + info.hblkhd),
			      memory_order_relaxed);
	atomic_store_explicit(&words[WORD_FREE], (int64_t)info.fordblks, memory_order_relaxed);
	atomic_store_explicit(&words[WORD_ASKED], 0, memory_order_release);
}

static void forget(void)
{
	words = NULL;
}
/* NOLINTEND(readability-inconsistent-declaration-parameter-name) */
