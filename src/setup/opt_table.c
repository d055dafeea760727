/* opt_table.c - the options of numacastd, one row each.
 *
 * Carries no step of a datagram's life; each row says what it steers. The order of the rows is the
 * order of --help. The manual page numacastd(8) explains each at length, and a test compares the
 * two lists. Defaults are text and are read by the same code as arguments, so that help cannot
 * differ from what happens. Constant data, any thread.
 */
#include "src/setup/opt_table.h"

#include <assert.h>
#include <string.h>

#include "shard/limits.h"

#define AT(member)     offsetof(struct opt, member)
#define REGISTERED_MAX ((uint64_t)SHARDS_MAX * POOL_SLOTS_MAX * POOL_CLASS_COUNT)

static const char *const plan_choices[] = {"text", "json", "svg", "hugepages", "sysctl", NULL};
static const char *const huge_choices[] = {"auto", "1G", "2M", "thp", "off", NULL};
static const char *const switch_choices[] = {"auto", "on", "off", NULL};
static const char *const zerocopy_words[] = {"off", "auto", NULL};
static const char *const register_words[] = {"auto", "on", "off", NULL};

/* The positions above are the enums' values. */
static_assert(OPT_PLAN_TEXT == 0 && OPT_PLAN_SYSCTL == 4, "plan_choices");
static_assert(NODEMEM_HUGE_AUTO == 0 && NODEMEM_HUGE_OFF == 4, "huge_choices");
static_assert(OPT_AUTO == 0 && OPT_ON == 1 && OPT_OFF == 2, "switch_choices");

const struct opt_row opt_rows[] = {
	{.name = "rule",
	 .group = OPT_GROUP_RULES,
	 .kind = OPT_KIND_RULE,
	 .arg = "RULE",
	 .help = "relay as RULE says: 'INGRESS [key=value]... -> EGRESS [key=value]...\n"
		 "[, EGRESS...]', INGRESS being [SOURCE@]ADDR%IFACE:PORT and EGRESS\n"
		 "ADDR%IFACE:PORT; may be repeated"},
	{.name = "config",
	 .command_line_only = true,
	 .group = OPT_GROUP_RULES,
	 .kind = OPT_KIND_CONFIG,
	 .arg = "FILE",
	 .help = "read options from FILE, one a line without its dashes; may be\n"
		 "repeated; the command line wins over files"},

	{.name = "check",
	 .command_line_only = true,
	 .group = OPT_GROUP_INSPECT,
	 .kind = OPT_KIND_MODE,
	 .min = OPT_MODE_CHECK,
	 .help = "validate options and rules and exit: 0 valid, 2 not"},
	{.name = "plan",
	 .command_line_only = true,
	 .group = OPT_GROUP_INSPECT,
	 .kind = OPT_KIND_MODE,
	 .arg = "FORMAT",
	 .min = OPT_MODE_PLAN,
	 .offset = AT(plan),
	 .choices = plan_choices,
	 .help = "print which shard, CPU and node would own each flow, and why, and exit;\n"
		 "FORMAT is text (default), json, svg; hugepages: the commands that\n"
		 "reserve what the plan needs; sysctl: a file for /etc/sysctl.d"},
	{.name = "check-host",
	 .command_line_only = true,
	 .group = OPT_GROUP_INSPECT,
	 .kind = OPT_KIND_MODE,
	 .min = OPT_MODE_CHECK_HOST,
	 .help = "inspect what on this host decides success, name cures, and exit"},
	{.name = "json",
	 .command_line_only = true,
	 .group = OPT_GROUP_INSPECT,
	 .kind = OPT_KIND_FLAG,
	 .offset = AT(json),
	 .help = "with --check-host: print JSON"},
	{.name = "help",
	 .letter = 'h',
	 .command_line_only = true,
	 .group = OPT_GROUP_INSPECT,
	 .kind = OPT_KIND_MODE,
	 .min = OPT_MODE_HELP,
	 .help = "print this help and exit"},
	{.name = "version",
	 .letter = 'V',
	 .command_line_only = true,
	 .group = OPT_GROUP_INSPECT,
	 .kind = OPT_KIND_MODE,
	 .min = OPT_MODE_VERSION,
	 .help = "print the version and exit; with --verbose also how it was built"},

	{.name = "topology",
	 .group = OPT_GROUP_PLACEMENT,
	 .kind = OPT_KIND_TEXT,
	 .arg = "FILE|STRING",
	 .offset = AT(topology),
	 .help = "with --plan: look at the machine of an hwloc XML file or a\n"
		 "synthetic description ('package:2 numanode:1 core:8 pu:2')",
	 .example = "machine.xml"},
	{.name = "shards",
	 .group = OPT_GROUP_PLACEMENT,
	 .kind = OPT_KIND_AUTO,
	 .arg = "N",
	 .offset = AT(shards),
	 .min = 1,
	 .max = SHARDS_MAX,
	 .initial = "auto",
	 .help = "how many shards; auto: one for each usable physical core"},
	{.name = "cpus",
	 .group = OPT_GROUP_PLACEMENT,
	 .kind = OPT_KIND_CPUS,
	 .arg = "LIST",
	 .help = "place shards on these CPUs, in this order, as in 0-3,8; without it all\n"
		 "that affinity and cgroup allow",
	 .example = "0-3,8"},
	{.name = "reserve-cores",
	 .group = OPT_GROUP_PLACEMENT,
	 .kind = OPT_KIND_INT,
	 .arg = "N",
	 .offset = AT(reserve_cores),
	 .min = 0,
	 .max = SHARDS_MAX,
	 .initial = "auto",
	 .help = "cores left to the rest of the system; auto: 1 when there are more than 2"},
	{.name = "smt",
	 .group = OPT_GROUP_PLACEMENT,
	 .kind = OPT_KIND_FLAG,
	 .offset = AT(smt),
	 .help = "one shard for each hardware thread instead of each core"},
	{.name = "oversubscribe",
	 .group = OPT_GROUP_PLACEMENT,
	 .kind = OPT_KIND_FLAG,
	 .offset = AT(oversubscribe),
	 .help = "allow more shards than CPUs; for tests"},
	{.name = "balance",
	 .group = OPT_GROUP_PLACEMENT,
	 .kind = OPT_KIND_RATIO,
	 .arg = "RATIO",
	 .offset = AT(balance),
	 .min = 0,
	 .max = 1000,
	 .initial = "4",
	 .help = "a shard may carry this many times its fair share of the load before a\n"
		 "flow goes to a farther node; 0: as much as comes in on its node"},

	{.name = "huge",
	 .group = OPT_GROUP_MEMORY,
	 .kind = OPT_KIND_CHOICE,
	 .arg = "PAGES",
	 .offset = AT(huge),
	 .choices = huge_choices,
	 .initial = "auto",
	 .help = "pages to try first: auto, 1G, 2M, thp (transparent) or off; smaller\n"
		 "ones follow in turn"},
	{.name = "require-huge",
	 .group = OPT_GROUP_MEMORY,
	 .kind = OPT_KIND_FLAG,
	 .offset = AT(require_huge),
	 .help = "do not start with smaller pages than --huge asks for"},
	{.name = "bench-node",
	 .group = OPT_GROUP_MEMORY,
	 .kind = OPT_KIND_INT,
	 .arg = "N",
	 .offset = AT(bench_node),
	 .min = 0,
	 .max = 65535,
	 .initial = "auto",
	 .help = "take every shard's memory from node N instead of its own, to measure\n"
		 "what remote memory costs"},
	{.name = "pool",
	 .group = OPT_GROUP_MEMORY,
	 .kind = OPT_KIND_COUNTS,
	 .arg = "CLASS=N,...",
	 .offset = AT(pool),
	 .max = POOL_SLOTS_MAX,
	 .initial = "small=1000,standard=500,jumbo=200,train=32",
	 .help = "buffers per shard of each class: small 1500 bytes, standard 4096,\n"
		 "jumbo 9000, train 65535; classes left out keep their default"},
	{.name = "hot",
	 .group = OPT_GROUP_MEMORY,
	 .kind = OPT_KIND_COUNTS,
	 .arg = "CLASS=N,...",
	 .offset = AT(hot),
	 .max = POOL_SLOTS_MAX,
	 .help = "most buffers of a class lent to the kernel at once, a power of two;\n"
		 "0 or left out: about as many as fit into an L2 cache",
	 .example = "small=256,train=16"},

	{.name = "engine",
	 .group = OPT_GROUP_ENGINE,
	 .kind = OPT_KIND_CHOICE,
	 .arg = "ENGINE",
	 .offset = AT(engine),
	 .choices = ring_engine_names,
	 .initial = "auto",
	 .help = RING_ENGINE_HELP},
	{.name = "sq-entries",
	 .group = OPT_GROUP_ENGINE,
	 .kind = OPT_KIND_U32,
	 .arg = "N",
	 .offset = AT(sq_entries),
	 .min = 1,
	 .max = RING_ENTRIES_MAX,
	 .initial = "256",
	 .help = "submission queue entries, rounded up to a power of two"},
	{.name = "cq-entries",
	 .group = OPT_GROUP_ENGINE,
	 .kind = OPT_KIND_U32,
	 .arg = "N",
	 .offset = AT(cq_entries),
	 .min = 4,
	 .max = 2ULL * RING_ENTRIES_MAX,
	 .initial = "4096",
	 .help = "completion queue entries, rounded up to a power of two"},
	{.name = "batch-submit",
	 .group = OPT_GROUP_ENGINE,
	 .kind = OPT_KIND_U32,
	 .arg = "N",
	 .offset = AT(batch_submit),
	 .min = 0,
	 .max = RING_ENTRIES_MAX,
	 .initial = "0",
	 .help = "submit early once N sends are queued; 0: once a turn"},
	{.name = "batch-complete",
	 .group = OPT_GROUP_ENGINE,
	 .kind = OPT_KIND_U32,
	 .arg = "N",
	 .offset = AT(batch_complete),
	 .min = 1,
	 .max = RING_ENTRIES_MAX,
	 .initial = "32",
	 .help = "completions that end a batch wait"},
	{.name = "batch-wait",
	 .group = OPT_GROUP_ENGINE,
	 .kind = OPT_KIND_U32,
	 .arg = "USEC",
	 .offset = AT(batch_wait_us),
	 .min = 0,
	 .max = 1000000,
	 .initial = "0",
	 .help = "wait this long for a batch: longer trains, more latency"},
	{.name = "spin",
	 .group = OPT_GROUP_ENGINE,
	 .kind = OPT_KIND_U32,
	 .arg = "USEC",
	 .offset = AT(spin_us),
	 .min = 0,
	 .max = 1000000,
	 .initial = "0",
	 .help = "poll this long before sleeping: less latency, more CPU"},
	{.name = "sqpoll",
	 .group = OPT_GROUP_ENGINE,
	 .kind = OPT_KIND_FLAG,
	 .offset = AT(sqpoll),
	 .help = "let kernel threads submit, each on a CPU of its own that runs no shard\n"
		 "(uring only)"},

	{.name = "gro",
	 .group = OPT_GROUP_TRAINS,
	 .kind = OPT_KIND_CHOICE,
	 .arg = "WHEN",
	 .offset = AT(gro),
	 .choices = switch_choices,
	 .initial = "auto",
	 .help = "receive coalesced trains: auto (on where the kernel can), on or off"},
	{.name = "gso",
	 .group = OPT_GROUP_TRAINS,
	 .kind = OPT_KIND_CHOICE,
	 .arg = "WHEN",
	 .offset = AT(gso),
	 .choices = switch_choices,
	 .initial = "auto",
	 .help = "send trains: auto (until an output refuses them), on or off"},
	{.name = "train-max",
	 .group = OPT_GROUP_TRAINS,
	 .kind = OPT_KIND_U32,
	 .arg = "N",
	 .offset = AT(train_max),
	 .min = 2,
	 .max = UDP_SEGMENTS_NEW_MAX,
	 .initial = "128",
	 .help = "most datagrams a train (older kernels allow 64)"},
	{.name = "zerocopy",
	 .group = OPT_GROUP_TRAINS,
	 .kind = OPT_KIND_BYTES,
	 .arg = "WHEN",
	 .offset = AT(zerocopy),
	 .choices = zerocopy_words,
	 .min = 1,
	 .max = UDP_PAYLOAD_MAX_V4,
	 .initial = "auto",
	 .help = "send without copying: off, auto (trains of 32 KiB and more to devices\n"
		 "that cut them up), or all of BYTES and more (uring only)",
	 .example = "32K"},
	{.name = "register-buffers",
	 .group = OPT_GROUP_TRAINS,
	 .kind = OPT_KIND_AMOUNT,
	 .arg = "HOW",
	 .offset = AT(register_buffers),
	 .choices = register_words,
	 .min = 1,
	 .max = REGISTERED_MAX,
	 .initial = "auto",
	 .help = "keep buffers known to the kernel for that: auto (where an output does\n"
		 "so, with --huge off), on, off, or N of them, shared by all shards",
	 .example = "1024"},

	{.name = "rcvbuf",
	 .group = OPT_GROUP_SOCKETS,
	 .kind = OPT_KIND_SIZE,
	 .arg = "BYTES",
	 .offset = AT(rcvbuf_bytes),
	 .min = 0,
	 .max = 1u << 30,
	 .initial = "4M",
	 .help = "receive buffer of each ingress, with K, M or G; 0: the system's default"},
	{.name = "sndbuf",
	 .group = OPT_GROUP_SOCKETS,
	 .kind = OPT_KIND_SIZE,
	 .arg = "BYTES",
	 .offset = AT(sndbuf_bytes),
	 .min = 0,
	 .max = 1u << 30,
	 .initial = "4M",
	 .help = "send buffer of each egress, with K, M or G; 0: the system's default"},

	{.name = "exit-report",
	 .group = OPT_GROUP_RUNNING,
	 .kind = OPT_KIND_TEXT,
	 .arg = "FILE|-",
	 .offset = AT(exit_report),
	 .help = "write all counters as JSON at exit; -: to standard output",
	 .example = "/run/numacast/report.json"},
	{.name = "drain-timeout",
	 .group = OPT_GROUP_RUNNING,
	 .kind = OPT_KIND_U32,
	 .arg = "MSEC",
	 .offset = AT(drain_ms),
	 .min = 0,
	 .max = 600000,
	 .initial = "2000",
	 .help = "at SIGTERM, send what has arrived for at most this long"},
	{.name = "user",
	 .group = OPT_GROUP_RUNNING,
	 .kind = OPT_KIND_TEXT,
	 .arg = "NAME",
	 .offset = AT(user),
	 .help = "become this user before anything is opened, keeping only CAP_NET_ADMIN,\n"
		 "CAP_NET_RAW and CAP_NET_BIND_SERVICE",
	 .example = "numacast"},
	{.name = "verbose",
	 .group = OPT_GROUP_RUNNING,
	 .kind = OPT_KIND_FLAG,
	 .offset = AT(verbose),
	 .help = "log more"},
	{.name = "quiet",
	 .group = OPT_GROUP_RUNNING,
	 .kind = OPT_KIND_FLAG,
	 .offset = AT(quiet),
	 .help = "log only warnings and errors"},
};

const size_t opt_row_count = sizeof(opt_rows) / sizeof(opt_rows[0]);

static_assert(sizeof(opt_rows) / sizeof(opt_rows[0]) <= OPT_ROWS_MAX, "struct opt_given");

const struct opt_row *opt_row_find(const char *name, size_t len)
{
	for (size_t i = 0; i < opt_row_count; i++) {
		if (strlen(opt_rows[i].name) == len && memcmp(opt_rows[i].name, name, len) == 0) {
			return &opt_rows[i];
		}
	}
	return NULL;
}

const struct opt_row *opt_row_find_letter(char letter)
{
	for (size_t i = 0; i < opt_row_count; i++) {
		if (opt_rows[i].letter != 0 && opt_rows[i].letter == letter) {
			return &opt_rows[i];
		}
	}
	return NULL;
}

bool opt_row_arg_optional(const struct opt_row *row)
{
	return row->kind == OPT_KIND_FLAG || row->kind == OPT_KIND_MODE;
}

#define NAME_LEN_MAX 32

/* Insertions, deletions and exchanges that make `a' into `b'. */
static size_t edit_distance(const char *a, size_t a_len, const char *b, size_t b_len)
{
	size_t row[NAME_LEN_MAX + 1];

	for (size_t j = 0; j <= b_len; j++) {
		row[j] = j;
	}
	for (size_t i = 1; i <= a_len; i++) {
		size_t diagonal = row[0];

		row[0] = i;
		for (size_t j = 1; j <= b_len; j++) {
			size_t exchanged = diagonal + (a[i - 1] != b[j - 1]);
			size_t shifted = (row[j] < row[j - 1] ? row[j] : row[j - 1]) + 1;

			diagonal = row[j];
			row[j] = exchanged < shifted ? exchanged : shifted;
		}
	}
	return row[b_len];
}

const struct opt_row *opt_row_nearest(const char *name, size_t len)
{
	const struct opt_row *nearest = NULL;
	size_t least = len / 3 < 2 ? 2 : len / 3; /* closer than this to be worth naming */

	if (len == 0 || len > NAME_LEN_MAX) {
		return NULL;
	}
	for (size_t i = 0; i < opt_row_count; i++) {
		const char *other = opt_rows[i].name;
		size_t distance = edit_distance(name, len, other, strlen(other));

		if (distance <= least) {
			least = distance - (distance > 0);
			nearest = &opt_rows[i];
		}
	}
	return nearest;
}
