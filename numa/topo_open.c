/* topo_open.c - has hwloc read this machine, or the one the operator named (step 1).
 *
 * Whatever hwloc cannot read is the operator's mistake and refused in a sentence. In the child of
 * topo_load.c, which has taken hwloc's orders out of the environment.
 */
#include "numa/topo_open.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define NODES "/sys/devices/system/node"

static bool are_nodes_masked(void);
static int choose_source(hwloc_topology_t hw, const char *spec, struct topo *topo, struct err *err);
static void name_source(struct topo *topo, const char *spec, bool is_file);
static void err_not_xml(const char *spec, struct err *err);

int topo_open(const char *spec, hwloc_topology_t *hw, struct topo *topo, struct err *err)
{
	int rc;

	if (hwloc_topology_init(hw) != 0) {
		err_set(err, "hwloc cannot start: %s", strerror(errno));
		*hw = NULL;
		return -ENOMEM;
	}
	hwloc_topology_set_flags(*hw, HWLOC_TOPOLOGY_FLAG_INCLUDE_DISALLOWED);
	rc = choose_source(*hw, spec, topo, err);
	if (rc != 0) {
		return rc;
	}
	if (!spec && are_nodes_masked()) {
		err_set(err, "cannot read this machine: " NODES " is there and empty; expected the "
			     "kernel's own, or none at all: let the container show it");
		return -EIO;
	}
	if (hwloc_topology_load(*hw) != 0) {
		if (spec) {
			err_not_xml(spec, err);
			return -EINVAL;
		}
		err_set(err, "hwloc cannot read this machine: %s", strerror(errno));
		return -EIO; /* it may be read the next time; no option would help */
	}
	topo->this_machine = !spec && hwloc_topology_is_thissystem(*hw);
	return 0;
}

/* hwloc ends the process where a directory of nodes has no node in it. */
static bool are_nodes_masked(void)
{
	return access(NODES, F_OK) == 0 && access(NODES "/online", F_OK) != 0;
}

/* Tells hwloc where to look; what it cannot read there is the operator's error. */
static int choose_source(hwloc_topology_t hw, const char *spec, struct topo *topo, struct err *err)
{
	bool is_file = spec && access(spec, F_OK) == 0;

	name_source(topo, spec, is_file);
	if (!spec) {
		return 0;
	}
	if (is_file && hwloc_topology_set_xml(hw, spec) != 0) {
		err_not_xml(spec, err);
		return -EINVAL;
	}
	if (!is_file && hwloc_topology_set_synthetic(hw, spec) != 0) {
		err_set(err,
			"--topology %s: neither a file nor a synthetic description; expected an "
			"hwloc XML file, or a string such as 'package:2 [numanode(memory=64GiB)] "
			"core:8 pu:2'",
			spec);
		return -EINVAL;
	}
	if (is_file) {
		hwloc_topology_set_io_types_filter(hw, HWLOC_TYPE_FILTER_KEEP_IMPORTANT);
	}
	return 0;
}

/* One line of printable text, whatever the operator's file is called; a long name loses its head.
 */
static void name_source(struct topo *topo, const char *spec, bool is_file)
{
	const char *prefix = is_file ? "" : "synthetic: ";
	size_t room = sizeof(topo->source) - sizeof("synthetic: ...");
	size_t len = spec ? strlen(spec) : 0;

	if (!spec) {
		snprintf(topo->source, sizeof(topo->source), "this machine");
		return;
	}
	snprintf(topo->source, sizeof(topo->source), "%s%s%s", prefix, len > room ? "..." : "",
		 len > room ? spec + len - room : spec);
	for (char *c = topo->source; *c; c++) {
		*c = (unsigned char)*c < ' ' || *c == 0x7f ? '?' : *c;
	}
}

static void err_not_xml(const char *spec, struct err *err)
{
	err_set(err,
		"--topology %s: not an hwloc XML file of version 2; expected what "
		"`lstopo --of xml' of hwloc 2 writes",
		spec);
}
