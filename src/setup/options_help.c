/* options_help.c - --help and --version.
 *
 * The options and the keys of a rule come from their tables. Within 100 columns. Standard output,
 * control thread.
 */
#include <stdio.h>

#include "src/cli/help.h"
#include "src/rules/keys.h"
#include "src/setup/options.h"

static void print_keys(const char *title, enum conf_side side);

void options_print_help(void)
{
	printf("Usage: numacastd --rule RULE... | --config FILE... [OPTION]...\n"
	       "Relays UDP multicast: one shard per core, memory on the core's own node.\n"
	       "Defaults stand in brackets.\n");
	cli_help_print(&options_table);
	print_keys("Behind an ingress of a rule", CONF_INGRESS);
	print_keys("Behind an egress of a rule", CONF_EGRESS);
	printf("\nEndpoints: 239.1.1.1%%eth0:5000, [ff3e::1%%eth0]:5000, 192.0.2.7:5000 "
	       "(unicast);\n"
	       "ranges: 239.1.1.0/28%%eth0:5000 -> 239.2.2.0/28%%eth1:6000, 5000-5010 -> "
	       "6000-6010.\n"
	       "A switch such as --smt may be written --smt=off to override a file.\n"
	       "\n"
	       "Example:\n"
	       "  numacastd --rule '239.1.1.1%%eth0:5000 -> 239.2.2.2%%eth1:6000 ttl=8, "
	       "192.0.2.7:5000'\n"
	       "\n"
	       "Exit status: 0 success, 1 failure at run time, 2 wrong usage or configuration.\n"
	       "Manual: numacastd(8); numacastctl(1) looks at what runs and changes it.\n");
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
	       "  metrics       %s\n"
	       "  host names    %s\n"
	       "  fast path     %s\n"
	       "  system calls  %s\n"
	       "  sanitizers    %s\n",
	       NC_BUILD_CC, NC_BUILD_LIBURING, NC_BUILD_NUMA, NC_BUILD_HWLOC, NC_BUILD_METRICS,
	       NC_BUILD_NAMES, NC_BUILD_FASTPATH, NC_BUILD_SANDBOX, NC_BUILD_SANITIZERS);
}

static void print_keys(const char *title, enum conf_side side)
{
	printf("\n%s:\n", title);
	for (const struct conf_key *key = conf_keys(side); key->name; key++) {
		char name[64];

		snprintf(name, sizeof(name), "%s=%s", key->name, key->arg);
		cli_help_print_entry(name, key->help, key->initial);
	}
}
