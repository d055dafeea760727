/* topo_here.h - what sysfs tells of this machine and no topology file can (steps 1 and 2).
 *
 * Only numa/topo.c includes this.
 */
#pragma once

#include "numa/topo.h"

/* Adds this machine's interfaces and the free huge pages of its nodes to a topology that has its
 * nodes already. 0 or -errno; a host without sysfs is no error, its interfaces stay unknown. */
int topo_here_fill(struct topo *topo);
