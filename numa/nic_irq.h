/* nic_irq.h - which CPUs take an interface's interrupts? (step 1)
 *
 * A datagram is first handled by the CPU that takes its queue's interrupt. Physical and virtio
 * devices list theirs in sysfs (device/msi_irqs, or the parent PCI function's); bonds, VLANs and
 * bridges are followed to their lower devices; veth, tun and lo have none. procfs says which CPUs
 * an interrupt goes to. Reads below `sysfs' and `procfs' ("/sys" and "/proc" in production, made-up
 * trees in tests). Control thread.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

/* The interrupts of `ifname' that have fired since boot, ascending; all of them when none has. 0
 * with an array to free() in `irqs' (NULL when there are none), or -ENOMEM. */
int nic_irq_list(const char *sysfs, const char *procfs, const char *ifname, int **irqs,
		 uint32_t *count);

/* The CPUs that `irq' goes to, as a list to free() in `cpus_os': the effective ones where the
 * kernel tells, else those allowed. 0, -ENOENT (no such interrupt) or -ENOMEM. */
int nic_irq_cpus(const char *procfs, int irq, int **cpus_os, uint32_t *count);

/* Rx queues of `ifname' itself; 0 when it cannot be read. */
uint32_t nic_irq_queues(const char *sysfs, const char *ifname);
