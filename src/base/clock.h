/* clock.h - monotonic time in nanoseconds, the only unit of time inside numacast.
 *
 * clock_gettime(CLOCK_MONOTONIC) is answered by the vDSO: no system call, any thread.
 */
#pragma once

#include <stdint.h>
#include <time.h>

#define NS_PER_US 1000ULL
#define NS_PER_MS 1000000ULL
#define NS_PER_S  1000000000ULL

static inline uint64_t clock_now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * NS_PER_S + (uint64_t)ts.tv_nsec;
}
