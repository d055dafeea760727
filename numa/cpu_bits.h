/* cpu_bits.h - sets of CPUs as the kernel takes them, of any size. Private to numa/.
 *
 * The fixed 1024 bits of cpu_set_t are no bound. CPU numbers are the kernel's. Any thread.
 */
#pragma once

#include <sched.h>
#include <stddef.h>
#include <sys/types.h>

#define CPU_BITS_FIRST 1024  /* bits of the first try */
#define CPU_BITS_MAX   65536 /* bits of the last one; Linux knows at most 8192 CPUs */

/* A CPU set together with the number of bits it has room for; `set' is freed with CPU_FREE. */
struct cpu_bits {
	cpu_set_t *set;
	size_t count;
};

/* An empty set. 0 or -ENOMEM. */
int cpu_bits_init(struct cpu_bits *bits, size_t count);

/* Reads the affinity of thread `tid' (0: the caller). 0, or -errno and nothing to free. */
int cpu_bits_read(struct cpu_bits *bits, pid_t tid);

/* Ties the calling thread to them. 0 or -errno. */
int cpu_bits_apply(const struct cpu_bits *bits);
