/* pin.c - ties a thread to its CPU (step 2), and says to which CPU a thread is tied.
 *
 * The kernel's sched_setaffinity is asked directly: it concerns the calling thread only, and says
 * by errno what it refused. What was set is read back, since a cpuset controller may change the set
 * in between. CPU sets are allocated and grow until the kernel's own set fits, so the fixed 1024
 * bits of cpu_set_t are no bound. Before traffic only: this file allocates. Thread: any; pin_self
 * concerns the one that calls it. CPU numbers are the kernel's.
 */
#include "numa/pin.h"

#include <errno.h>
#include <sched.h>
#include <stddef.h>
#include <sys/types.h>

#define PIN_CPUS_FIRST 1024  /* bits of the first try */
#define PIN_CPUS_MAX   65536 /* bits of the last one; Linux knows at most 8192 CPUs */

/* A CPU set together with the number of bits it has room for. */
struct cpu_bits {
	cpu_set_t *set;
	size_t count;
};

static int bits_init(struct cpu_bits *bits, size_t count);
static int bits_read(struct cpu_bits *bits, pid_t tid);
static int bits_only(const struct cpu_bits *bits);

int pin_self(int cpu_os)
{
	struct cpu_bits bits = {0};
	int here;
	int ret;

	if (cpu_os < 0 || cpu_os >= PIN_CPUS_MAX) {
		return -EINVAL;
	}
	ret = bits_init(&bits, cpu_os < PIN_CPUS_FIRST ? PIN_CPUS_FIRST : PIN_CPUS_MAX);
	if (ret < 0) {
		return ret;
	}
	CPU_SET_S((size_t)cpu_os, CPU_ALLOC_SIZE(bits.count), bits.set);
	ret = sched_setaffinity(0, CPU_ALLOC_SIZE(bits.count), bits.set) < 0 ? -errno : 0;
	CPU_FREE(bits.set);
	if (ret < 0) {
		return ret;
	}
	if (pin_get(0) != cpu_os) {
		return -EXDEV;
	}
	here = sched_getcpu();
	/* Negative: a kernel that cannot tell; then the affinity is all the proof there is. */
	return here >= 0 && here != cpu_os ? -EXDEV : 0;
}

int pin_get(int tid)
{
	struct cpu_bits bits = {0};
	int cpu_os = -1;

	if (bits_read(&bits, tid) == 0) {
		cpu_os = bits_only(&bits);
		CPU_FREE(bits.set);
	}
	return cpu_os;
}

static int bits_init(struct cpu_bits *bits, size_t count)
{
	bits->set = CPU_ALLOC(count);
	if (bits->set == NULL) {
		return -ENOMEM;
	}
	bits->count = count;
	CPU_ZERO_S(CPU_ALLOC_SIZE(count), bits->set);
	return 0;
}

/* Reads the affinity of `tid' (0: the caller). The kernel answers EINVAL to a set that is too
 * small. On success the caller frees bits->set. */
static int bits_read(struct cpu_bits *bits, pid_t tid)
{
	int ret = -EINVAL;

	for (size_t count = PIN_CPUS_FIRST; count <= PIN_CPUS_MAX && ret == -EINVAL; count *= 2) {
		ret = bits_init(bits, count);
		if (ret < 0) {
			return ret;
		}
		if (sched_getaffinity(tid, CPU_ALLOC_SIZE(count), bits->set) == 0) {
			return 0;
		}
		ret = -errno;
		CPU_FREE(bits->set);
	}
	return ret;
}

/* The only CPU of the set, or -1. */
static int bits_only(const struct cpu_bits *bits)
{
	size_t size = CPU_ALLOC_SIZE(bits->count);

	if (CPU_COUNT_S(size, bits->set) != 1) {
		return -1;
	}
	for (size_t cpu = 0; cpu < bits->count; cpu++) {
		if (CPU_ISSET_S(cpu, size, bits->set)) {
			return (int)cpu;
		}
	}
	return -1;
}
