/* options_machines.c - the options of numacastd that are about several machines with one
 * configuration.
 *
 * Rows as in options_rows.c, whose table has them. Owner: the control thread.
 */
#include "src/setup/options.h"

#define AT(member) CLI_AT(struct opt, member)

static const struct cli_row machines_rows[] = {
	{.name = "standby",
	 .flags = CLI_LIVE,
	 .kind = CLI_FLAG,
	 AT(standby),
	 .help = "begin with every rule standing by: received, counted and not relayed,\n"
		 "until numacastctl active says otherwise"},
	{.name = "health-file",
	 .kind = CLI_TEXT,
	 .arg = "PATH",
	 AT(health_file),
	 .help = "keep 0 in this file while every shard turns and every rule is live, else\n"
		 "1; for keepalived's track_file",
	 .example = "/run/numacast/health"},
	{0},
};

const struct cli_group options_machines_group = {"Several machines", machines_rows};
