/* clock.h - time in nanoseconds, the only unit of time inside numacast.
 *
 * clock_gettime is answered by the vDSO: no system call, any thread.
 */
#pragma once

#include <stdint.h>
#include <time.h>

#define NS_PER_US 1000ULL
#define NS_PER_MS 1000000ULL
#define NS_PER_S  1000000000ULL

/* Monotonic. */
static inline uint64_t clock_now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * NS_PER_S + (uint64_t)ts.tv_nsec;
}

/* Of the day, by which the kernel stamps what it receives. It may be set, forth and back. */
static inline uint64_t clock_wall_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_REALTIME, &ts);
	return (uint64_t)ts.tv_sec * NS_PER_S + (uint64_t)ts.tv_nsec;
}

/* How long ago `then_ns' was by that clock; 0 when it is to come. */
static inline uint64_t clock_wall_since_ns(uint64_t then_ns)
{
	uint64_t now_ns = clock_wall_ns();

	return now_ns > then_ns ? now_ns - then_ns : 0;
}
