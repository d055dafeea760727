/* topo_here.h - what sysfs tells of this machine and no topology file can (steps 1 and 2).
 *
 * Only numa/topo_load.c includes this, and a test.
 */
#pragma once

#include "numa/topo.h"

/* Adds this machine's interfaces, isolated CPUs and the free huge pages of its nodes to a topology
 * that has its CPUs and nodes already. 0 or -errno; a host without sysfs is no error, its
 * interfaces stay unknown. */
int topo_here_fill(struct topo *topo);

/* Marks as isolated the CPUs of a list such as "2-3,8", which is the first line of the file at
 * `path'; nothing where there is no such file, or "(null)" in it. */
void topo_mark_isolated(struct topo *topo, const char *path);
