/* cpu_bits.c - reads and sets the CPUs of a thread. See cpu_bits.h.
 *
 * The kernel's sched_setaffinity is asked directly: it concerns one thread only, and says by errno
 * what it refused.
 */
#include "numa/cpu_bits.h"

#include <errno.h>

int cpu_bits_init(struct cpu_bits *bits, size_t count)
{
	bits->set = CPU_ALLOC(count);
	if (bits->set == NULL) {
		return -ENOMEM;
	}
	bits->count = count;
	CPU_ZERO_S(CPU_ALLOC_SIZE(count), bits->set);
	return 0;
}

/* The kernel answers EINVAL to a set that is too small. */
int cpu_bits_read(struct cpu_bits *bits, pid_t tid)
{
	int ret = -EINVAL;

	for (size_t count = CPU_BITS_FIRST; count <= CPU_BITS_MAX && ret == -EINVAL; count *= 2) {
		ret = cpu_bits_init(bits, count);
		if (ret < 0) {
			return ret;
		}
		if (sched_getaffinity(tid, CPU_ALLOC_SIZE(count), bits->set) == 0) {
			return 0;
		}
		ret = -errno;
		CPU_FREE(bits->set);
		bits->set = NULL;
	}
	return ret;
}

int cpu_bits_apply(const struct cpu_bits *bits)
{
	return sched_setaffinity(0, CPU_ALLOC_SIZE(bits->count), bits->set) < 0 ? -errno : 0;
}
