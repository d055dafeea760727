/* malloc_count.c - counts what a shard must not do after start: allocate, lock, write a log.
 *
 * Preloaded into the real numacastd (LD_PRELOAD). Calls by threads whose name begins with
 * MALLOC_COUNT_THREAD are counted in the file MALLOC_COUNT_FILE, which is mapped shared: the test
 * writes 1 into its first word once the relay is ready, and reads the counters when traffic has
 * passed. Words of 8 bytes, in the order of enum word. Any thread; counters are atomic because
 * several shards may misbehave at once.
 */
#include <dlfcn.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <unistd.h>

enum word {
	WORD_ARMED,
	WORD_MALLOC,
	WORD_FREE,
	WORD_MMAP,
	WORD_LOCK,
	WORD_WRITE,
	WORD_COUNT
};

static _Atomic uint64_t *words;
static const char *thread_prefix;

/* NOLINTBEGIN(readability-inconsistent-declaration-parameter-name): libc calls them __size.
 *
 * The C library's own entry points, which need no look-up. */
extern void *__libc_malloc(size_t size);
extern void *__libc_calloc(size_t count, size_t size);
extern void *__libc_realloc(void *old, size_t size);
extern void *__libc_memalign(size_t align, size_t size);
extern void __libc_free(void *memory);

/* next NAME: the C library's function behind ours. */
#define NEXT(name) ((__typeof__(&(name)))dlsym(RTLD_NEXT, #name))

static void count(enum word word);

void *malloc(size_t size)
{
	count(WORD_MALLOC);
	return __libc_malloc(size);
}

void *calloc(size_t number, size_t size)
{
	count(WORD_MALLOC);
	return __libc_calloc(number, size);
}

void *realloc(void *old, size_t size)
{
	count(WORD_MALLOC);
	return __libc_realloc(old, size);
}

void *aligned_alloc(size_t align, size_t size)
{
	count(WORD_MALLOC);
	return __libc_memalign(align, size);
}

int posix_memalign(void **out, size_t align, size_t size)
{
	count(WORD_MALLOC);
	*out = __libc_memalign(align, size);
	return *out == NULL ? 12 : 0;
}

void free(void *memory)
{
	if (memory != NULL) {
		count(WORD_FREE);
	}
	__libc_free(memory);
}

void *mmap(void *where, size_t len, int prot, int flags, int fd, off_t offset)
{
	count(WORD_MMAP);
	return NEXT(mmap)(where, len, prot, flags, fd, offset);
}

int pthread_mutex_lock(pthread_mutex_t *mutex)
{
	static __typeof__(&pthread_mutex_lock) next;

	count(WORD_LOCK);
	if (next == NULL) {
		next = NEXT(pthread_mutex_lock);
	}
	return next(mutex);
}

ssize_t write(int fd, const void *data, size_t len)
{
	count(WORD_WRITE);
	return NEXT(write)(fd, data, len);
}

__attribute__((constructor)) static void counters_open(void)
{
	const char *path = getenv("MALLOC_COUNT_FILE");
	void *map = MAP_FAILED;
	int fd = path == NULL ? -1 : open(path, O_RDWR | O_CLOEXEC);

	thread_prefix = getenv("MALLOC_COUNT_THREAD");
	if (fd >= 0) {
		map = mmap(NULL, WORD_COUNT * sizeof(*words), PROT_READ | PROT_WRITE, MAP_SHARED,
			   fd, 0);
		close(fd);
	}
	if (map == MAP_FAILED || thread_prefix == NULL) {
		abort(); /* a counter that counts nothing must not look like a pass */
	}
	words = map;
}

static void count(enum word word)
{
	char name[16] = "";

	if (words == NULL || thread_prefix == NULL ||
	    atomic_load_explicit(&words[WORD_ARMED], memory_order_relaxed) == 0) {
		return;
	}
	prctl(PR_GET_NAME, name);
	if (strncmp(name, thread_prefix, strlen(thread_prefix)) == 0) {
		atomic_fetch_add_explicit(&words[word], 1, memory_order_relaxed);
	}
}
/* NOLINTEND(readability-inconsistent-declaration-parameter-name) */
