/* topo_read.h - has hwloc read a machine, in the process that calls (step 1).
 *
 * Only numa/topo_load.c includes this, and a fuzzer: hwloc may end the process (topo_load.c says
 * when), so others go by topo_load().
 */
#pragma once

#include "numa/topo.h"

/* As topo_load(), without what sysfs tells of this machine beside hwloc (topo_here.h). */
int topo_read(const char *spec, struct topo *out, struct err *err);
