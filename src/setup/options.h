/* options.h - the options of numacastd, from the command line and the configuration file alike.
 *
 *     options.c         the table, one row an option, and the command line's way to struct opt
 *     options_machines.c what several machines need
 *     options_ring.c    engine, queues and waits of a shard's ring
 *     options_fastpath.c  those about the kernel's way
 *     options_value.c   what only numacastd's options take: CPU lists, buffers of each class
 *     options_check.c   contradictions between options
 *     options_live.c    what may change while the daemon runs
 *     options_help.c    --help and --version
 *
 * --help, the command line and the configuration file all walk the table (src/cli). Defaults stand
 * there and nowhere else. Values given on the command line win over the files', wherever --config
 * stands; among files the later wins; rules add up in the order given. Pure but for reading the
 * file. Control thread, before anything starts.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "numa/nodemem.h"
#include "shard/pool.h"
#include "shard/ring.h"
#include "src/base/log.h"
#include "src/cli/fill.h"
#include "src/rules/conf.h"

enum opt_mode {
	OPT_MODE_RELAY,
	OPT_MODE_HELP,
	OPT_MODE_VERSION,
	OPT_MODE_CHECK,      /* --check: parse, validate, exit 0 or 2 */
	OPT_MODE_PLAN,       /* --plan */
	OPT_MODE_CHECK_HOST, /* --check-host */
};

/* What --plan prints. */
enum opt_plan {
	OPT_PLAN_TEXT,
	OPT_PLAN_JSON,
	OPT_PLAN_SVG,
	OPT_PLAN_HUGEPAGES,
	OPT_PLAN_SYSCTL,
};

/* Which lines the metrics have of each rule; src/web/metrics.h has the same. */
enum opt_detail {
	OPT_DETAIL_RULE,
	OPT_DETAIL_FLOW,
	OPT_DETAIL_OUTPUT,
};

/* --fastpath: whether rules that do not say are relayed in the kernel. */
enum opt_fastpath {
	OPT_FASTPATH_OFF,
	OPT_FASTPATH_AUTO,    /* those that can be */
	OPT_FASTPATH_REQUIRE, /* and it is an error when one cannot be */
};

/* --sandbox: whether what runs may do no more than it has to. */
enum opt_sandbox {
	OPT_SANDBOX_ON,
	OPT_SANDBOX_OFF
};

enum opt_switch {
	OPT_AUTO,
	OPT_ON,
	OPT_OFF
};

/* An option that takes a number or a word: what the words are. */
#define OPT_AMOUNT_OFF  0U
#define OPT_AMOUNT_ON   (UINT32_MAX - 1)
#define OPT_AMOUNT_AUTO UINT32_MAX

struct opt {
	enum opt_mode mode;
	enum opt_plan plan;
	struct addr
		source;   /* --source, with --plan: whose shard is asked for; family 0: nobody's */
	struct conf conf; /* every --rule and rule line, in order */
	bool strict;      /* --strict */
	/* several machines */
	bool standby;      /* --standby: rules stand by until an order says otherwise */
	char *member;      /* --member NAME; NULL: there are no others */
	char *members;     /* --members LIST|FILE; NULL: the same */
	char *health_file; /* --health-file PATH; NULL: none */
	/* placement */
	char *topology;  /* --topology FILE|STRING; NULL: this machine */
	uint32_t shards; /* --shards N; 0: one per core */
	int *cpus_os;    /* --cpus LIST ("0-3,8"), in the order given; NULL: all allowed */
	uint32_t cpus_count;
	int reserve_cores; /* --reserve-cores N; -1: auto */
	bool smt;
	bool oversubscribe;
	double balance;   /* --balance RATIO */
	double rebalance; /* --rebalance auto=RATIO; 0: off */
	/* memory */
	enum nodemem_huge huge; /* --huge */
	bool require_huge;
	int bench_node; /* --bench-node N: memory from there; -1: from the shard's own node */
	struct pool_counts pool;        /* --pool, slots per class */
	uint32_t hot[POOL_CLASS_COUNT]; /* --hot small=N,...: slots lent to the kernel at most, a
					 * power of two; 0: chosen from the class (about an L2's
					 * worth) */
	/* engine */
	enum ring_engine engine; /* --engine */
	uint32_t sq_entries;     /* --sq-entries; or cq_entries, when only that is given and less */
	uint32_t cq_entries;     /* --cq-entries, at least sq_entries */
	uint32_t batch_submit;   /* --batch-submit; 0: only at turns */
	uint32_t batch_complete; /* --batch-complete */
	struct ring_waits waits; /* --batch-wait, --spin */
	bool sqpoll;
	enum opt_switch gro, gso; /* --gro, --gso */
	uint32_t train_max;       /* datagrams a train, 2..UDP_SEGMENTS_NEW_MAX */
	uint32_t zerocopy; /* --zerocopy: bytes, the shortest send; or OPT_AMOUNT_AUTO, _OFF */
	uint32_t register_buffers;  /* how many, of all shards together; or OPT_AMOUNT_* */
	enum opt_fastpath fastpath; /* --fastpath */
	uint32_t fastpath_linger_s; /* --fastpath-linger; or OPT_AMOUNT_AUTO, _OFF */
	/* sockets */
	uint32_t rcvbuf_bytes, sndbuf_bytes; /* 0: system default */
	/* running */
	char *exit_report;        /* --exit-report FILE|- */
	char *control;            /* --control PATH|off; NULL: where door.h says */
	char *control_group;      /* --control-group NAME; NULL: the daemon's own */
	struct addr metrics;      /* --metrics ADDR:PORT|off; family 0: nowhere */
	unsigned metrics_detail;  /* --metrics-detail, enum opt_detail */
	char *metrics_host;       /* --metrics-host NAME,...|any; NULL: as src/web/hosts.h says */
	uint32_t drain_ms;        /* --drain-timeout MS */
	enum opt_switch store;    /* --store: keep sockets with the service manager */
	uint32_t latency_sample;  /* --latency-sample N; 0: nothing is timed */
	char *user;               /* --user NAME: drop privileges to */
	uint64_t privileges;      /* --privileges: kept beside those that rules ask for */
	enum opt_sandbox sandbox; /* --sandbox */
	bool verbose;
	bool quiet;
	bool json; /* with --check-host */
};

/* A configuration that is in no file. */
struct options_text {
	const char *name; /* for messages */
	const char *text;
	size_t len; /* bytes */
};

extern const struct cli_table options_table;

/* In options_machines.c. A part of it. */
extern const struct cli_group options_machines_group;

/* 0; -EINVAL with `err' = the flag or file:line, what was expected, what to do; -ENOMEM. On 0 `out'
 * is filled in, defaults included, and conf_check_twins has passed: relaying and --check need a
 * rule,
 * --plan and --check-host do without, --help and --version look at nothing else. `out' need not be
 * initialised and must be freed only after 0. */
int options_parse(int argc, char **argv, struct opt *out, struct err *err);

/* The same for a daemon that runs, which is not to wait for a file (src/cli/file.h). */
int options_parse_again(int argc, char **argv, struct opt *out, struct err *err);

/* In options_check.c. 0, or -EINVAL with `err' when options contradict each other. What was left at
 * its default may follow what was given: `fill' is how `opt' was filled. */
int options_check(struct opt *opt, const struct cli_fill *fill, struct err *err);

/* In options_live.c. Whether a running daemon can go from one to the other: 0, or -EINVAL with
 * `err' naming what needs a restart. Rules are not looked at. */
int options_check_live(const struct opt *running, const struct opt *wanted, struct err *err);

/* In options_fastpath.c. Whether any rule asks to be relayed in the kernel. */
bool options_want_fastpath(const struct opt *opt);

/* In options_live.c. How much `opt' wants logged. */
enum log_level options_log_level(const struct opt *opt);

/* In options_live.c. Accepts all-zero. */
void options_free(struct opt *opt);

/* In options_edit.c. All but the rules: 0, or -ENOMEM with `err'. */
int options_copy(const struct opt *from, struct opt *out, struct err *err);

/* In options_edit.c. Appends `rule' of another conf to `to', by its text and with its name. As
 * conf_add_rule. */
int options_take_rule(struct conf *to, const struct conf_rule *rule, struct err *err);

/* In options_edit.c. Appends a rule; one that has no name gets one that neither `to' nor `others'
 * has. As conf_add_rule. */
int options_add_rule(struct conf *to, const struct conf *others, const char *text,
		     const char *where, struct err *err);

/* In options_edit.c. As options_parse, but `text', which messages call `name', stands in the place
 * of each --config and --rule. */
int options_parse_instead(int argc, char **argv, const struct options_text *text, struct opt *out,
			  struct err *err);

/* In options_help.c. The grouped help, to stdout. */
void options_print_help(void);

/* In options_help.c. "numacastd 0.1.0" to stdout; with `verbose' also what configure summed up. */
void options_print_version(bool verbose);
