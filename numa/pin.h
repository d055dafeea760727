/* pin.h - ties the calling thread to one CPU and proves it (step 2).
 *
 * hwloc's binding call silently does nothing on a foreign topology and pthread_setaffinity_np hides
 * a positive errno, so pin_self asks the kernel, then reads it back and checks sched_getcpu.
 * CPU numbers are the kernel's (`_os'), never hwloc's logical indexes. CPU_ALLOC sets: machines
 * with more than 1024 CPUs work.
 */
#pragma once

/* Pins the calling thread to `cpu_os'. 0 or -errno (EINVAL: CPU not allowed or offline; EXDEV: the
 * read-back differs). */
int pin_self(int cpu_os);

#define PIN_SEVERAL (-1)
#define PIN_UNKNOWN (-2)

/* The single CPU that thread `tid' (0: the caller) is tied to, PIN_SEVERAL when it may run on
 * several, or PIN_UNKNOWN when that cannot be read. */
int pin_get(int tid);
