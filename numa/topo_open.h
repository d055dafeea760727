/* topo_open.h - hwloc's own view of a machine, before it is copied (step 1).
 *
 * Only numa/topo_read.c includes this, since hwloc's types show in it.
 */
#pragma once

#include <hwloc.h>

#include "numa/topo.h"

/* Loads the machine that `spec' names (NULL: this one; else an hwloc XML file or a synthetic
 * description) and sets topo->source and topo->this_machine. 0 or -errno with `err' set; *hw is to
 * be destroyed in either case, unless it is NULL. */
int topo_open(const char *spec, hwloc_topology_t *hw, struct topo *topo, struct err *err);
