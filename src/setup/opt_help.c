/* opt_help.c - --help and --version.
 *
 * Carries no step of a datagram's life. Help walks the table of options, so it is complete by
 * construction; it keeps within 100 columns. Standard output, control thread.
 */
#include <stdio.h>
#include <string.h>

#include "src/setup/opt_table.h"

#define HELP_COLUMN 26 /* where the explanations begin */
#define HELP_WIDTH  100

static const char *const group_titles[OPT_GROUP_COUNT] = {
	[OPT_GROUP_RULES] = "What to relay",
	[OPT_GROUP_INSPECT] = "Look instead of relaying",
	[OPT_GROUP_PLACEMENT] = "Where shards run",
	[OPT_GROUP_MEMORY] = "Memory",
	[OPT_GROUP_ENGINE] = "Engine and batching",
	[OPT_GROUP_TRAINS] = "Trains (many datagrams in one system call)",
	[OPT_GROUP_SOCKETS] = "Sockets",
	[OPT_GROUP_RUNNING] = "Running",
};

static void print_row(const struct opt_row *row);
static void print_initial(const char *initial, size_t used);

void opt_print_help(void)
{
	printf("Usage: numacastd --rule RULE... | --config FILE... [OPTION]...\n"
	       "Relays UDP multicast: one shard per core, memory on the core's own node.\n"
	       "Defaults stand in brackets.\n");
	for (int group = 0; group < OPT_GROUP_COUNT; group++) {
		printf("\n%s:\n", group_titles[group]);
		for (size_t i = 0; i < opt_row_count; i++) {
			if (opt_rows[i].group == (enum opt_group)group) {
				print_row(&opt_rows[i]);
			}
		}
	}
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

void opt_print_version(bool verbose)
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

/* "  --name ARG" up to the column, then the lines of help, each in the column. */
static void print_row(const struct opt_row *row)
{
	const char *line = row->help;
	bool optional = opt_row_arg_optional(row);
	char flag[64];
	int used = snprintf(flag, sizeof(flag), "%s--%s", row->letter ? "-h, " : "", row->name);

	if (row->letter) {
		flag[1] = row->letter;
	}
	if (row->arg) {
		snprintf(flag + used, sizeof(flag) - (size_t)used, optional ? "[=%s]" : " %s",
			 row->arg);
	}
	printf("  %-*s", HELP_COLUMN - 2, flag);
	if (strlen(flag) > HELP_COLUMN - 3) {
		printf("\n%*s", HELP_COLUMN, "");
	}
	for (;;) {
		size_t len = strcspn(line, "\n");

		printf("%.*s", (int)len, line);
		if (!line[len]) {
			break;
		}
		printf("\n%*s", HELP_COLUMN, "");
		line += len + 1;
	}
	print_initial(row->initial, HELP_COLUMN + strlen(line));
}

/* The default in brackets, on a line of its own where `used' columns leave too little room. */
static void print_initial(const char *initial, size_t used)
{
	if (initial && used + strlen(" []") + strlen(initial) > HELP_WIDTH) {
		printf("\n%*s[%s]", HELP_COLUMN, "", initial);
	} else if (initial) {
		printf(" [%s]", initial);
	}
	printf("\n");
}
