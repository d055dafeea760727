/* clock_shift.c - sets the clock of the day for one program alone.
 *
 * Preloaded into the real numacastd (LD_PRELOAD), since no namespace has a CLOCK_REALTIME of its
 * own. The file CLOCK_SHIFT_FILE is mapped shared, words of 8 bytes, in the order of enum word. In
 * the first one, signed, the test writes by how many seconds the clock is to be wrong from then on;
 * in the second one the reads are counted, so that it can tell that anybody looked; what is in the
 * third one is added to the first at each read, so that the clock can be set back at every look.
 * The kernel's clock stays as it is, and so do the time stamps on datagrams: rules that compare
 * with those (max-age=) are not for this. Any thread.
 */
#include <dlfcn.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

enum word {
	WORD_SHIFT_S,
	WORD_READS,
	WORD_STEP_S,
	WORD_COUNT
};

static _Atomic int64_t *words;
static int (*real_clock)(clockid_t clock, struct timespec *out);

/* NOLINTBEGIN(readability-inconsistent-declaration-parameter-name): libc calls them __clock_id. */
int clock_gettime(clockid_t clock, struct timespec *out)
{
	int rc;

	if (real_clock == NULL) {
		real_clock = (__typeof__(real_clock))dlsym(RTLD_NEXT, "clock_gettime");
	}
	rc = real_clock(clock, out);
	if (rc == 0 && words != NULL &&
	    (clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE)) {
		atomic_fetch_add_explicit(&words[WORD_READS], 1, memory_order_relaxed);
		out->tv_sec += atomic_fetch_add_explicit(&words[WORD_SHIFT_S],
							 atomic_load(&words[WORD_STEP_S]),
							 memory_order_relaxed);
	}
	return rc;
}

int gettimeofday(struct timeval *restrict out, void *restrict zone)
{
	struct timespec now;
	int rc = clock_gettime(CLOCK_REALTIME, &now);

	(void)zone;
	if (rc == 0) {
		*out = (struct timeval){.tv_sec = now.tv_sec, .tv_usec = now.tv_nsec / 1000};
	}
	return rc;
}

time_t time(time_t *out)
{
	struct timespec now;

	if (clock_gettime(CLOCK_REALTIME, &now) != 0) {
		return -1;
	}
	if (out != NULL) {
		*out = now.tv_sec;
	}
	return now.tv_sec;
}
/* NOLINTEND(readability-inconsistent-declaration-parameter-name) */

__attribute__((constructor)) static void clock_open(void)
{
	const char *path = getenv("CLOCK_SHIFT_FILE");
	void *map = MAP_FAILED;
	int fd = path == NULL ? -1 : open(path, O_RDWR | O_CLOEXEC);

	if (fd >= 0) {
		map = mmap(NULL, WORD_COUNT * sizeof(*words), PROT_READ | PROT_WRITE, MAP_SHARED,
			   fd, 0);
		close(fd);
	}
	if (map == MAP_FAILED) {
		abort(); /* a clock that is right must not look like a pass */
	}
	words = map;
}
