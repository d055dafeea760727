/* pin.c - ties a thread to its CPU (step 2), and says to which CPU a thread is tied.
 *
 * What was set is read back, since a cpuset controller may change the set in between. Before
 * traffic only: this file allocates. Thread: any; pin_self concerns the one that calls it.
 */
#include "numa/pin.h"

#include <errno.h>
#include <sched.h>
#include <stddef.h>

#include "numa/cpu_bits.h"

static int bits_only(const struct cpu_bits *bits);

int pin_self(int cpu_os)
{
	struct cpu_bits bits = {0};
	int here;
	int ret;

	if (cpu_os < 0 || cpu_os >= CPU_BITS_MAX) {
		return -EINVAL;
	}
	ret = cpu_bits_init(&bits, cpu_os < CPU_BITS_FIRST ? CPU_BITS_FIRST : CPU_BITS_MAX);
	if (ret < 0) {
		return ret;
	}
	CPU_SET_S((size_t)cpu_os, CPU_ALLOC_SIZE(bits.count), bits.set);
	ret = cpu_bits_apply(&bits);
	CPU_FREE(bits.set);
	if (ret < 0) {
		return ret;
	}
	ret = cpu_bits_read(&bits, 0);
	if (ret < 0) {
		return ret;
	}
	here = bits_only(&bits);
	CPU_FREE(bits.set);
	if (here != cpu_os) {
		return -EXDEV;
	}
	here = sched_getcpu();
	/* Negative: a kernel that cannot tell; then the affinity is all the proof there is. */
	return here >= 0 && here != cpu_os ? -EXDEV : 0;
}

int pin_get(int tid)
{
	struct cpu_bits bits = {0};
	int cpu_os = PIN_UNKNOWN;

	if (cpu_bits_read(&bits, tid) == 0) {
		cpu_os = bits_only(&bits);
		CPU_FREE(bits.set);
	}
	return cpu_os;
}

/* The only CPU of the set, or -1. */
static int bits_only(const struct cpu_bits *bits)
{
	size_t size = CPU_ALLOC_SIZE(bits->count);

	if (CPU_COUNT_S(size, bits->set) != 1) {
		return PIN_SEVERAL;
	}
	for (size_t cpu = 0; cpu < bits->count; cpu++) {
		if (CPU_ISSET_S(cpu, size, bits->set)) {
			return (int)cpu;
		}
	}
	return PIN_SEVERAL;
}
