/* hugepool.h - lends a test huge pages of 2 MiB, and gives the machine back as it was.
 *
 * hugepool_grow and hugepool_restore are an unchecked fixture's two halves: libcheck runs them in
 * the parent, so the pool is restored even when a test dies. The pool's own file is locked in
 * between, so that test programs that run at the same time do not undo one another's change. Only
 * root can grow the pool, and not where /sys is read only, as in most containers; others go by what
 * there is.
 */
#pragma once

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#define HUGEPOOL_DIR "/sys/kernel/mm/hugepages/hugepages-2048kB"

/* For relays that other tests start meanwhile: they ask nobody, and take what is free. */
#define HUGEPOOL_SPARE 64

static int hugepool_fd = -1;
static long hugepool_before = -1;

/* A count in the pool's directory, or -1. */
static inline long hugepool_read(const char *name)
{
	char path[128];
	long count = -1;
	FILE *file;

	snprintf(path, sizeof(path), "%s/%s", HUGEPOOL_DIR, name);
	file = fopen(path, "re");
	if (file != NULL) {
		if (fscanf(file, "%ld", &count) != 1) {
			count = -1;
		}
		fclose(file);
	}
	return count;
}

/* Pages that a mapping could have now, or -1. */
static inline long hugepool_available(void)
{
	long free = hugepool_read("free_hugepages");
	long reserved = hugepool_read("resv_hugepages");

	return free < 0 || reserved < 0 ? -1 : free - reserved;
}

static inline bool hugepool_write(long count)
{
	char text[32];
	int len = snprintf(text, sizeof(text), "%ld", count);

	return pwrite(hugepool_fd, text, (size_t)len, 0) == len;
}

/* Whether this host has a pool that we may grow: then to fail is wrong. */
static inline bool hugepool_may_grow(void)
{
	return access(HUGEPOOL_DIR "/nr_hugepages", W_OK) == 0;
}

static inline bool hugepool_resize(long count)
{
	return hugepool_write(count) && hugepool_read("nr_hugepages") >= count;
}

/* Makes at least `pages' more than now available, and some to spare where there is the memory.
 * False: not allowed, or no such memory; then nothing has changed. */
static inline bool hugepool_grow(long pages)
{
	hugepool_fd = open(HUGEPOOL_DIR "/nr_hugepages", O_RDWR | O_CLOEXEC);
	if (hugepool_fd < 0) {
		return false;
	}
	if (flock(hugepool_fd, LOCK_EX) == 0) {
		hugepool_before = hugepool_read("nr_hugepages");
		if (hugepool_before >= 0 &&
		    (hugepool_resize(hugepool_before + pages + HUGEPOOL_SPARE) ||
		     hugepool_resize(hugepool_before + pages))) {
			return true;
		}
		hugepool_write(hugepool_before);
	}
	close(hugepool_fd);
	hugepool_fd = -1;
	return false;
}

static inline void hugepool_restore(void)
{
	if (hugepool_fd >= 0) {
		hugepool_write(hugepool_before);
		close(hugepool_fd);
		hugepool_fd = -1;
	}
}
