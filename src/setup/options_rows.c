/* options_rows.c - the options of numacastd, one row each, in the order of --help; those of several
 * machines are in options_machines.c, those of a shard's ring in options_ring.c.
 *
 * The manual page numacastd(8) explains each at length; a test compares the two lists. A new option
 * is a row here, a member of struct opt, and the place that looks at it. Owner: the control thread.
 */
#include "src/setup/options.h"

#include <assert.h>

#include "shard/limits.h"
#include "src/cli/file.h"
#include "src/setup/options_value.h"

#define AT(member)     CLI_AT(struct opt, member)
#define REGISTERED_MAX ((uint64_t)SHARDS_MAX * POOL_SLOTS_MAX * POOL_CLASS_COUNT)

static cli_call add_rule;
static cli_call read_config;

static const char *const plan_choices[] = {"text", "json", "svg", "hugepages", "sysctl", NULL};
static const char *const huge_choices[] = {"auto", "1G", "2M", "thp", "off", NULL};
static const char *const detail_choices[] = {"rule", "flow", "output", NULL};
static const char *const sandbox_choices[] = {"on", "off", NULL};
static const char *const switch_choices[] = {"auto", "on", "off", NULL};

/* The positions above are the enums' values. */
static_assert(OPT_PLAN_TEXT == 0 && OPT_PLAN_SYSCTL == 4, "plan_choices");
static_assert(NODEMEM_HUGE_AUTO == 0 && NODEMEM_HUGE_OFF == 4, "huge_choices");
static_assert(OPT_DETAIL_RULE == 0 && OPT_DETAIL_OUTPUT == 2, "detail_choices");
static_assert(OPT_SANDBOX_ON == 0 && OPT_SANDBOX_OFF == 1, "sandbox_choices");
static_assert(OPT_AUTO == 0 && OPT_ON == 1 && OPT_OFF == 2, "switch_choices");

/* Numbers with a word beside them. */
static const char *const auto_choice[] = {"auto", NULL};
static const uint64_t minus_one[] = {(uint64_t)-1};
static const char *const zerocopy_choices[] = {"off", "auto", NULL};
static const uint64_t zerocopy_meanings[] = {OPT_AMOUNT_OFF, OPT_AMOUNT_AUTO};
static const char *const register_choices[] = {"auto", "on", "off", NULL};
static const uint64_t register_meanings[] = {OPT_AMOUNT_AUTO, OPT_AMOUNT_ON, OPT_AMOUNT_OFF};
static_assert(REGISTERED_MAX < OPT_AMOUNT_ON, "numbers and words apart");
static_assert(CONF_RULE_TEXT_MAX < CLI_LINE_BYTES_MAX, "a rule fits into a line of a file");

static const struct cli_row rules_rows[] = {
	{.name = "rule",
	 .flags = CLI_REPEATS,
	 .kind = CLI_CALL,
	 .call = add_rule,
	 .arg = "RULE",
	 .help = "relay as RULE says: 'INGRESS [key=value]... -> EGRESS [key=value]...\n"
		 "[, EGRESS...]', INGRESS being [SOURCE@]ADDR%IFACE:PORT and EGRESS\n"
		 "ADDR%IFACE:PORT; may be repeated"},
	{.name = "config",
	 .flags = CLI_NOT_IN_FILE | CLI_REPEATS,
	 .kind = CLI_CALL,
	 .call = read_config,
	 .arg = "FILE",
	 .help = "read options from FILE, one a line without its dashes; may be\n"
		 "repeated; the command line wins over files"},
	{.name = "strict",
	 .kind = CLI_FLAG,
	 AT(strict),
	 .help = "do not start without every flow and output; else those that cannot be\n"
		 "opened are tried again while the others are relayed"},
	{0},
};

static const struct cli_row inspect_rows[] = {
	{.name = "check",
	 .flags = CLI_NOT_IN_FILE,
	 .kind = CLI_ACTION,
	 AT(mode),
	 .min = OPT_MODE_CHECK,
	 .help = "validate options and rules and exit: 0 valid, 2 not"},
	{.name = "plan",
	 .flags = CLI_NOT_IN_FILE,
	 .kind = CLI_ACTION,
	 AT(mode),
	 .arg = "FORMAT",
	 .min = OPT_MODE_PLAN,
	 .detail = offsetof(struct opt, plan),
	 .choices = plan_choices,
	 .help = "print which shard, CPU and node would own each flow, and why, and exit;\n"
		 "FORMAT is text (default), json, svg; hugepages: the commands that\n"
		 "reserve what the plan needs; sysctl: a file for /etc/sysctl.d"},
	{.name = "source",
	 .flags = CLI_NOT_IN_FILE,
	 .kind = CLI_OWN,
	 .read = options_read_source,
	 .takes = OPTIONS_SOURCE_TAKES,
	 .arg = "ADDR",
	 .help = "with --plan: tell also which shard takes what this sender sends",
	 .example = "192.0.2.1"},
	{.name = "check-host",
	 .flags = CLI_NOT_IN_FILE,
	 .kind = CLI_ACTION,
	 AT(mode),
	 .min = OPT_MODE_CHECK_HOST,
	 .help = "inspect what on this host decides success, name cures, and exit"},
	{.name = "json",
	 .flags = CLI_NOT_IN_FILE,
	 .kind = CLI_FLAG,
	 AT(json),
	 .help = "with --check-host: print JSON"},
	{.name = "help",
	 .letter = 'h',
	 .flags = CLI_NOT_IN_FILE | CLI_FIRST,
	 .kind = CLI_ACTION,
	 AT(mode),
	 .min = OPT_MODE_HELP,
	 .help = "print this help and exit"},
	{.name = "version",
	 .letter = 'V',
	 .flags = CLI_NOT_IN_FILE | CLI_FIRST,
	 .kind = CLI_ACTION,
	 AT(mode),
	 .min = OPT_MODE_VERSION,
	 .help = "print the version and exit; with --verbose also how it was built"},
	{0},
};

static const struct cli_row placement_rows[] = {
	{.name = "topology",
	 .kind = CLI_TEXT,
	 .arg = "FILE|STRING",
	 AT(topology),
	 .help = "with --plan: look at the machine of an hwloc XML file or a\n"
		 "synthetic description ('package:2 numanode:1 core:8 pu:2')",
	 .example = "machine.xml"},
	{.name = "shards",
	 .kind = CLI_NUMBER,
	 .choices = auto_choice,
	 .arg = "N",
	 AT(shards),
	 .min = 1,
	 .max = SHARDS_MAX,
	 .initial = "auto",
	 .help = "how many shards; auto: one for each usable physical core, as many as\n"
		 "flows can use"},
	{.name = "cpus",
	 .kind = CLI_OWN,
	 .read = options_read_cpus,
	 .takes = OPTIONS_CPUS_TAKES,
	 .arg = "LIST",
	 .help = "place shards on these CPUs, in this order, as in 0-3,8; without it all\n"
		 "that affinity and cgroup allow",
	 .example = "0-3,8"},
	{.name = "reserve-cores",
	 .kind = CLI_NUMBER,
	 .choices = auto_choice,
	 .meanings = minus_one,
	 .arg = "N",
	 AT(reserve_cores),
	 .min = 0,
	 .max = SHARDS_MAX,
	 .initial = "auto",
	 .help = "cores left to the rest of the system; auto: 1 when there are more than 2"},
	{.name = "smt",
	 .kind = CLI_FLAG,
	 AT(smt),
	 .help = "one shard for each hardware thread instead of each core"},
	{.name = "oversubscribe",
	 .kind = CLI_FLAG,
	 AT(oversubscribe),
	 .help = "allow more shards than CPUs; for tests"},
	{.name = "balance",
	 .flags = CLI_LIVE,
	 .kind = CLI_RATIO,
	 .arg = "RATIO",
	 AT(balance),
	 .min = 0,
	 .max = 1000,
	 .initial = "4",
	 .help = "a shard may carry this many times its fair share of the load before a\n"
		 "flow goes to a farther node; 0: as much as comes in on its node"},
	{.name = "rebalance",
	 .flags = CLI_LIVE,
	 .kind = CLI_OWN,
	 .read = options_read_rebalance,
	 .takes = OPTIONS_REBALANCE_TAKES,
	 .arg = "off|auto=RATIO",
	 AT(rebalance),
	 .initial = "off",
	 .help = "move flows to other shards when one has carried more than RATIO times\n"
		 "the mean for a minute; off: only when numacastctl rebalance asks",
	 .example = "auto=2"},
	{0},
};

static const struct cli_row memory_rows[] = {
	{.name = "huge",
	 .kind = CLI_CHOICE,
	 .arg = "PAGES",
	 AT(huge),
	 .choices = huge_choices,
	 .initial = "auto",
	 .help = "pages to try first: auto, 1G, 2M, thp (transparent) or off; smaller\n"
		 "ones follow in turn"},
	{.name = "require-huge",
	 .kind = CLI_FLAG,
	 AT(require_huge),
	 .help = "do not start with smaller pages than --huge asks for"},
	{.name = "bench-node",
	 .kind = CLI_NUMBER,
	 .choices = auto_choice,
	 .meanings = minus_one,
	 .arg = "N",
	 AT(bench_node),
	 .min = 0,
	 .max = 65535,
	 .initial = "auto",
	 .help = "take every shard's memory from node N instead of its own, to measure\n"
		 "what remote memory costs"},
	{.name = "pool",
	 .kind = CLI_OWN,
	 .read = options_read_counts,
	 .takes = OPTIONS_COUNTS_TAKES,
	 .arg = "CLASS=N,...",
	 AT(pool),
	 .max = POOL_SLOTS_MAX,
	 .initial = "small=512,standard=64,jumbo=64,train=92",
	 .help = "buffers per shard of each class: small 1500 bytes, standard 4096,\n"
		 "jumbo 9000, train 65535; classes left out keep their default"},
	{.name = "hot",
	 .kind = CLI_OWN,
	 .read = options_read_counts,
	 .takes = OPTIONS_COUNTS_TAKES,
	 .arg = "CLASS=N,...",
	 AT(hot),
	 .max = POOL_SLOTS_MAX,
	 .help = "most buffers of a class lent to the kernel at once, a power of two;\n"
		 "0 or left out: about as many as fit into an L2 cache",
	 .example = "small=256,train=16"},
	{0},
};

static const struct cli_row trains_rows[] = {
	{.name = "gro",
	 .kind = CLI_CHOICE,
	 .arg = "WHEN",
	 AT(gro),
	 .choices = switch_choices,
	 .initial = "auto",
	 .help = "receive coalesced trains: auto (on where the kernel can), on or off"},
	{.name = "gso",
	 .kind = CLI_CHOICE,
	 .arg = "WHEN",
	 AT(gso),
	 .choices = switch_choices,
	 .initial = "auto",
	 .help = "send trains: auto (until an output refuses them), on or off"},
	{.name = "train-max",
	 .kind = CLI_NUMBER,
	 .arg = "N",
	 AT(train_max),
	 .min = 2,
	 .max = UDP_SEGMENTS_NEW_MAX,
	 .initial = "128",
	 .help = "most datagrams a train (older kernels allow 64)"},
	{.name = "zerocopy",
	 .kind = CLI_SIZE,
	 .arg = "WHEN",
	 AT(zerocopy),
	 .choices = zerocopy_choices,
	 .meanings = zerocopy_meanings,
	 .min = 1,
	 .max = UDP_PAYLOAD_MAX_V4,
	 .initial = "auto",
	 .help = "send without copying: off, auto (trains of 32 KiB and more to devices\n"
		 "that cut them up), or all of BYTES and more (uring only)",
	 .example = "32K"},
	{.name = "register-buffers",
	 .kind = CLI_NUMBER,
	 .arg = "HOW",
	 AT(register_buffers),
	 .choices = register_choices,
	 .meanings = register_meanings,
	 .min = 1,
	 .max = REGISTERED_MAX,
	 .initial = "auto",
	 .help = "keep buffers known to the kernel for that: auto (where an output does\n"
		 "so, with --huge off), on, off, or N of them, shared by all shards",
	 .example = "1024"},
	{0},
};

static const struct cli_row sockets_rows[] = {
	{.name = "rcvbuf",
	 .kind = CLI_SIZE,
	 .arg = "BYTES",
	 AT(rcvbuf_bytes),
	 .min = 0,
	 .max = 1u << 30,
	 .initial = "4M",
	 .help = "receive buffer of each ingress, with K, M or G; 0: the system's default"},
	{.name = "sndbuf",
	 .kind = CLI_SIZE,
	 .arg = "BYTES",
	 AT(sndbuf_bytes),
	 .min = 0,
	 .max = 1u << 30,
	 .initial = "4M",
	 .help = "send buffer of each egress, with K, M or G; 0: the system's default"},
	{0},
};

static const struct cli_row running_rows[] = {
	{.name = "exit-report",
	 .flags = CLI_LIVE,
	 .kind = CLI_TEXT,
	 .arg = "FILE|-|off",
	 AT(exit_report),
	 .help = "write all counters as JSON at exit; -: to standard output; off: nowhere,\n"
		 "as without it",
	 .example = "/run/numacast/report.json"},
	{.name = "control",
	 .kind = CLI_TEXT,
	 .arg = "PATH|off",
	 AT(control),
	 .help = "listen there for numacastctl; off: nowhere. Without it in the directory\n"
		 "that systemd gives the service, or as root in /run/numacast",
	 .example = "/run/numacast/control"},
	{.name = "control-group",
	 .kind = CLI_TEXT,
	 .arg = "NAME",
	 AT(control_group),
	 .help = "let the members of this group look at what runs, by the control socket;\n"
		 "only root and the daemon's own user change it",
	 .example = "adm"},
	{.name = "metrics",
	 .kind = CLI_OWN,
	 .read = options_read_metrics,
	 .takes = OPTIONS_METRICS_TAKES,
	 AT(metrics),
	 .arg = "ADDR:PORT|off",
	 .help = "answer HTTP there: /metrics for Prometheus, /healthz, /readyz and others;\n"
		 "PORT alone listens at 127.0.0.1. Without it nothing listens",
	 .example = "127.0.0.1:9469"},
	{.name = "metrics-detail",
	 .kind = CLI_CHOICE,
	 .arg = "LEVEL",
	 AT(metrics_detail),
	 .choices = detail_choices,
	 .initial = "output",
	 .help = "metrics of each rule, of each flow, too, or of each output, too: coarser\n"
		 "is less for whoever keeps them"},
	{.name = "metrics-host",
	 .kind = CLI_TEXT,
	 .arg = "NAME,...|any",
	 AT(metrics_host),
	 .help = "answer browsers that ask for the host by one of these names, besides\n"
		 "localhost and addresses; any: by any name, as without it where --metrics\n"
		 "is no loopback address",
	 .example = "relay.example"},
	{.name = "drain-timeout",
	 .flags = CLI_LIVE,
	 .kind = CLI_NUMBER,
	 .arg = "MSEC",
	 AT(drain_ms),
	 .min = 0,
	 .max = 600000,
	 .initial = "2000",
	 .help = "at SIGTERM, send what has arrived for at most this long"},
	{.name = "latency-sample",
	 .flags = CLI_LIVE,
	 .kind = CLI_NUMBER,
	 .arg = "N",
	 AT(latency_sample),
	 .min = 0,
	 .max = 1000000,
	 .initial = "0",
	 .help = "time one in N receptions from the kernel to the send, by output; 0:\n"
		 "none. Counted in the report as latency"},
	{.name = "store",
	 .kind = CLI_CHOICE,
	 .arg = "WHEN",
	 AT(store),
	 .choices = switch_choices,
	 .initial = "auto",
	 .help = "let systemd keep the sockets over a restart, so that nothing is lost: auto\n"
		 "(where it says that it does), on or off"},
	{.name = "user",
	 .kind = CLI_TEXT,
	 .arg = "NAME",
	 AT(user),
	 .help = "become this user before anything is opened, keeping only what --privileges\n"
		 "says",
	 .example = "numacast"},
	{.name = "privileges",
	 .kind = CLI_OWN,
	 .read = options_read_privileges,
	 .takes = OPTIONS_PRIVILEGES_TAKES,
	 AT(privileges),
	 .arg = "auto|NAME,...",
	 .initial = "auto",
	 .help = "capabilities that are kept, of those there are: what rules and options ask\n"
		 "for (auto), and these, for what a later reload may bring",
	 .example = "net_raw,net_admin"},
	{.name = "sandbox",
	 .kind = CLI_CHOICE,
	 .arg = "WHEN",
	 AT(sandbox),
	 .choices = sandbox_choices,
	 .initial = "on",
	 .help = "let each thread make only the system calls, and each ring of io_uring take\n"
		 "only the requests, that it has use for: on, or off for debugging"},
	{.name = "verbose",
	 .flags = CLI_LIVE | CLI_FIRST,
	 .kind = CLI_FLAG,
	 AT(verbose),
	 .help = "log more"},
	{.name = "quiet",
	 .flags = CLI_LIVE,
	 .kind = CLI_FLAG,
	 AT(quiet),
	 .help = "log only warnings and errors"},
	{0},
};

static const struct cli_group rules_group = {"What to relay", rules_rows};
static const struct cli_group inspect_group = {"Look instead of relaying", inspect_rows};
static const struct cli_group placement_group = {"Where shards run", placement_rows};
static const struct cli_group memory_group = {"Memory", memory_rows};
static const struct cli_group trains_group = {"Trains (many datagrams in one system call)",
					      trains_rows};
static const struct cli_group sockets_group = {"Sockets", sockets_rows};
static const struct cli_group running_group = {"Running", running_rows};

static const struct cli_group *const groups[] = {
	&rules_group,   &options_machines_group, &inspect_group, &placement_group,
	&memory_group,  &options_ring_group,     &trains_group,  &options_fastpath_group,
	&sockets_group, &running_group,          NULL,
};

const struct cli_table options_table = {
	.program = "numacastd",
	.groups = groups,
	.no_operands =
		"everything is given by options, and the shell cuts a rule at its blanks and its "
		"'>'; quote it: --rule 'INGRESS -> EGRESS'",
};

static int add_rule(struct cli_fill *fill, const char *value, const char *where, struct err *err)
{
	struct opt *opt = fill->into;

	return conf_add_rule(&opt->conf, value, where, err);
}

static int read_config(struct cli_fill *fill, const char *value, const char *where, struct err *err)
{
	return cli_file_read(fill, "--config", value, err);
}
