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
	{.name = "member",
	 .kind = CLI_TEXT,
	 .arg = "NAME",
	 AT(member),
	 .help = "this machine's name among --members; with it only those flows are joined\n"
		 "that are its to relay, or to stand by for",
	 .example = "relay-a"},
	{.name = "members",
	 .flags = CLI_LIVE,
	 .kind = CLI_TEXT,
	 .arg = "LIST|FILE",
	 AT(members),
	 .help = "the names of all machines that share these rules, apart by commas, or a\n"
		 "file with them, whose name has a /; a change of it is a reload",
	 .example = "relay-a,relay-b"},
	{.name = "health-file",
	 .kind = CLI_TEXT,
	 .arg = "PATH|off",
	 AT(health_file),
	 .help = "keep 0 in this file while every shard turns and every rule is live, else\n"
		 "1; for keepalived's track_file. off: none, as without it",
	 .example = "/run/numacast/health"},
	{0},
};

const struct cli_group options_machines_group = {"Several machines", machines_rows};
