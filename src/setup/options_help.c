/* options_help.c - --help and --version.
 *
 * The options come from their table; what is written out here, the keys of a rule, is compared by a
 * test with what rules take. Within 100 columns. Standard output, control thread.
 */
#include <stdio.h>

#include "src/cli/help.h"
#include "src/setup/options.h"

void options_print_help(void)
{
	printf("Usage: numacastd --rule RULE... | --config FILE... [OPTION]...\n"
	       "Relays UDP multicast: one shard per core, memory on the core's own node.\n"
	       "Defaults stand in brackets.\n");
	cli_help_print(&options_table);
	printf("\nEndpoints: 239.1.1.1%%eth0:5000, [ff3e::1%%eth0]:5000, 192.0.2.7:5000 "
	       "(unicast);\n"
	       "ranges: 239.1.1.0/28%%eth0:5000 -> 239.2.2.0/28%%eth1:6000, 5000-5010 -> "
	       "6000-6010.\n"
	       "Ingress keys: name weight spread shard class gro; egress keys: ttl dscp src sport "
	       "rate\n"
	       "priority gso. A switch such as --smt may be written --smt=off to override a file.\n"
	       "\n"
	       "Example:\n"
	       "  numacastd --rule '239.1.1.1%%eth0:5000 -> 239.2.2.2%%eth1:6000 ttl=8, "
	       "192.0.2.7:5000'\n"
	       "\n"
	       "Exit status: 0 success, 1 failure at run time, 2 wrong usage or configuration.\n"
	       "Manual: numacastd(8).\n");
}

void options_print_version(bool verbose)
{
	printf("numacastd %s\n", PACKAGE_VERSION);
	if (!verbose) {
		return;
	}
	printf("  compiler      %s\n"
	       "  liburing      %s\n"
	       "  libnuma       %s\n"
	       "  hwloc         %s\n"
	       "  sanitizers    %s\n",
	       NC_BUILD_CC, NC_BUILD_LIBURING, NC_BUILD_NUMA, NC_BUILD_HWLOC, NC_BUILD_SANITIZERS);
}
