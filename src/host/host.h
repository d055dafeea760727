/* host.h - one inspection of this host: findings, and what the parts of --check-host share.
 *
 * inspect.c gathers facts that only system calls tell (facts.c), lets each part look, and prints
 * (print.c). A part is one function below: it reads the facts, the plan and files under `root' (the
 * empty string in production; a made-up tree in tests), and adds findings. Parts change nothing on
 * the host. Control thread; nothing has been started.
 *
 * A finding's `id' and the wording of `why' are what doc/TROUBLESHOOTING.md refers to: an id never
 * changes its meaning.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "src/base/addr.h"
#include "src/base/log.h"
#include "src/setup/ethtool.h"
#include "src/setup/iface.h"
#include "src/setup/lookup.h"
#include "src/host/route.h"
#include "src/setup/marks.h"
#include "src/setup/setup.h"

enum finding_level {
	FINDING_OK,
	FINDING_UNKNOWN, /* nobody can tell, or not from here */
	FINDING_WARN,    /* works, but worse or not for certain */
	FINDING_FAIL,    /* does not work, or loses datagrams in silence */
};

/* One line of the answer. Texts are literals or come from check_text. */
struct finding {
	enum finding_level level;
	const char *id;      /* "rp_filter" */
	const char *subject; /* "eth0", "node 1"; NULL: the host */
	const char *value;   /* what is so now */
	const char *why;     /* why it matters */
	const char *cure;    /* for a root shell; after it the finding is ok; NULL: none */
	const char *advice;  /* what no command can do; NULL: nothing */
};

/* An interface that a rule names, and what passes there. */
struct host_iface {
	const struct iface *at;
	unsigned flags; /* IFF_UP ...; 0: it does not exist */
	bool has_ipv4;  /* at least one address */
	bool unrouted;  /* no IPv4 route of any table leads out by it */
	struct ethtool_features features;
	uint32_t flow_count;   /* that come in here */
	uint32_t output_count; /* that leave here */
	bool in_v4, in_v6;     /* of any kind */
	bool in_group_v4, in_group_v6;
	bool ssm_v4, ssm_v6;             /* a group of one source */
	bool ssm_range_v4, ssm_range_v6; /* of these one in 232.0.0.0/8, ff3x::/32 */
	bool out_v4, out_v6;
	bool out_v4_any; /* IPv4 whose source address the kernel chooses */
	bool out_group;
	uint32_t path_mtu;   /* the smallest that a route to an output has; 0: none has one */
	struct addr path_to; /* whose that is */
};

/* Where datagrams to a source of an IPv4 flow would leave. */
struct host_source {
	struct addr addr;
	struct route route;
};

/* A host that rules name. */
struct host_named {
	const struct host_name *name;
	bool answered;
	uint32_t count, ttl_s;               /* addresses; none: see `why' */
	struct addr addrs[LOOKUP_ADDRS_MAX]; /* the first one would be taken */
	struct err why;
};

/* What was tried, as the starting daemon will. */
struct host_tries {
	bool done;             /* false: nothing was tried, so nothing is known */
	int keep, priority;    /* src=keep, priority=7: 0 or -errno */
	int low_port;          /* binding the lowest port of the rules: 0 or -errno */
	uint32_t rcvbuf_bytes; /* what a socket got of --rcvbuf and --sndbuf; 0: not known */
	uint32_t sndbuf_bytes;
	uint64_t files;      /* so many may be open; 0: not known */
	uint32_t rings;      /* of the shards' were open together */
	uint32_t busy_count; /* endpoints of rules whose port somebody else has */
	struct err busy;     /* what the first of them was told */
	struct marks marks;  /* of ingresses that are relayed already; holds no file */
};

/* What system calls said. */
struct host_facts {
	struct host_iface *ifaces; /* as setup.ifaces.list */
	uint32_t iface_count;
	struct host_source *sources; /* each once, in no order */
	uint32_t source_count;
	struct host_named *names; /* the first ones, each once */
	uint32_t name_count;
	struct host_tries tries;
	bool fast_tried;           /* rules ask for the program of the fast path */
	int fast_rc;               /* of loading it */
	struct err fast_error;     /* why not */
	int uring_rc;              /* of ring_probe and of opening rings as ordered */
	struct err uring_error;    /* why not */
	struct err uring_features; /* what is in use */
	int busy_poll_rc;          /* of ring_probe_busy_poll, where it is asked for */
	char *ruleset;             /* `nft -j list ruleset'; NULL: see ruleset_rc */
	int ruleset_rc;            /* -ENOENT: no nft here; -EPERM ... */
};

struct host {
	const struct setup *setup;
	const struct host_facts *facts;
	const char *root; /* before /proc and /sys */
	struct finding *findings;
	uint32_t count;
	uint32_t room;
	char **texts; /* all that host_text made */
	uint32_t text_count;
	uint32_t text_room;
	bool out_of_memory; /* then findings are missing, and none may be shown */
};

/* Accepts all-zero. */
void host_free(struct host *host);

void host_add(struct host *host, const struct finding *finding);

/* A text that lives as long as `host'; never NULL. */
const char *host_text(struct host *host, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/* "NAME=VALUE" for sysctl -w, NAME with slashes where the interface's name needs them:
 * "net.ipv4.conf.eth0.rp_filter=2", "net/ipv4/conf/eth0.100/rp_filter=2". */
const char *host_conf_setting(struct host *host, const char *family, const char *ifname,
			      const char *key, int value);

/* ---- files under root ---- */

/* The first line of a file, its end cut off, as a host_text; NULL when it cannot be read. */
const char *host_line(struct host *host, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/* The whole of a small file (1 MiB at most), as a host_text; NULL when it cannot be read. */
const char *host_file(struct host *host, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/* The number at the start of a file; `otherwise' when there is none. */
int64_t host_number(const struct host *host, int64_t otherwise, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

bool host_exists(const struct host *host, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/* A sysctl that is read by a file of this kind is missing from a tree that can be read at all, so
 * this kernel has none; where there is no /proc/sys nothing is known. */
bool host_has_sysctls(const struct host *host);

/* ---- the parts, in the order of printing ---- */

void host_kernel(struct host *host);     /* kernel.c: version, known bugs */
void host_uring(struct host *host);      /* uring.c: io_uring, memlock */
void host_fastpath(struct host *host);   /* fastpath.c: the program in the kernel */
void host_limits(struct host *host);     /* limits.c: files, capabilities, ports */
void host_group(struct host *host);      /* group.c: limits of the control group */
void host_buffers(struct host *host);    /* buffers.c: rmem, wmem, optmem */
void host_memory(struct host *host);     /* memory.c: huge pages, NUMA balancing */
void host_cpu(struct host *host);        /* cpu.c: cpuset, governor, idle states */
void host_links(struct host *host);      /* link.c: interfaces, MTU */
void host_paths(struct host *host);      /* path.c: MTUs of routes */
void host_offloads(struct host *host);   /* offload.c: GRO, GSO, USO, checksums */
void host_nics(struct host *host);       /* nic.c: node, queues, interrupts */
void host_rp_filter(struct host *host);  /* rp_filter.c */
void host_losses(struct host *host);     /* losses.c: checksums, fragments */
void host_membership(struct host *host); /* membership.c: IGMP, MLD, queriers */
void host_firewall(struct host *host);   /* firewall.c: nftables, iptables */
void host_cloud(struct host *host);      /* cloud.c */
void host_names(struct host *host);      /* asked.c: what names of hosts mean */

/* The part of host_links that the starting daemon looks at as well: each ingress interface whose
 * datagrams its master takes. */
void host_ports(struct host *host);

/* The half of host_nics that the running daemon looks at as well: each ingress interface whose
 * interrupts go to another node than the shards that own its flows, or, where the kernel relays
 * them, than its device. */
void host_interrupts(struct host *host);

/* Whether the kernel may relay the flow: its rule asks for that, it is a group's, and the kernel
 * takes the program. */
bool host_is_fast(const struct host *host, const struct conf_flow *flow);
