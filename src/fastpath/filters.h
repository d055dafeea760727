/* filters.h - how many filters of traffic control (tc(8)) an interface has.
 *
 * Control thread.
 */
#pragma once

#include <stdbool.h>

/* At its ingress, or at the egress of the same queueing discipline. 0 too where there is no such
 * discipline, or no such interface; -errno when the kernel cannot be asked. */
int filters_count(unsigned ifindex, bool ingress);
