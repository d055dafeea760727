/* host.h - one inspection of this host: findings, and what the parts of --check-host share.
 *
 * inspect.c gathers facts that only system calls tell (facts.c), lets each part look,
 * and prints (print.c). A part is one function below: it reads the facts, the plan and files
 * under `root' (the empty string in production; a made-up tree in tests), and adds findings. Parts
 * change nothing on the host. Control thread; nothing has been started. No step of a datagram runs
 * here.
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
#include "src/host/route.h"
#include "src/setup/setup.h"

enum check_level {
	CHECK_OK,
	CHECK_WARN, /* works, but worse or not for certain */
	CHECK_FAIL, /* does not work, or loses datagrams in silence */
};

/* One line of the answer. Texts are literals or come from check_text. */
struct check_finding {
	enum check_level level;
	const char *id;      /* "rp_filter" */
	const char *subject; /* "eth0", "node 1"; NULL: the host */
	const char *value;   /* what is so now */
	const char *why;     /* why it matters */
	const char *cure;    /* for a root shell; after it the finding is ok; NULL: none */
	const char *advice;  /* what no command can do; NULL: nothing */
};

/* An interface that a rule names, and what passes there. */
struct check_iface {
	const struct iface *at;
	unsigned flags; /* IFF_UP ...; 0: it does not exist */
	bool has_ipv4;  /* at least one address */
	struct ethtool_features features;
	uint32_t flow_count;   /* that come in here */
	uint32_t output_count; /* that leave here */
	bool in_v4, in_v6;     /* of any kind */
	bool in_group_v4, in_group_v6;
	bool ssm_v4, ssm_v6; /* a group of one source */
	bool out_v4, out_v6;
	bool out_v4_any; /* IPv4 whose source address the kernel chooses */
	bool out_group;
};

/* Where datagrams to a source of an IPv4 flow would leave. */
struct check_source {
	struct addr addr;
	struct route route;
};

/* What system calls said. */
struct check_facts {
	struct check_iface *ifaces; /* as setup.ifaces.list */
	uint32_t iface_count;
	struct check_source *sources; /* each once, in no order */
	uint32_t source_count;
	int uring_rc;              /* of ring_probe and of opening a ring as ordered */
	struct err uring_error;    /* why not */
	struct err uring_features; /* what is in use */
	char *ruleset;             /* `nft -j list ruleset'; NULL: see ruleset_rc */
	int ruleset_rc;            /* -ENOENT: no nft here; -EPERM ... */
};

struct check {
	const struct setup *setup;
	const struct check_facts *facts;
	const char *root; /* before /proc and /sys */
	struct check_finding *findings;
	uint32_t count;
	uint32_t room;
	char **texts; /* all that check_text made */
	uint32_t text_count;
	uint32_t text_room;
	bool out_of_memory; /* then findings are missing, and none may be shown */
};

/* Accepts all-zero. */
void check_free(struct check *check);

void check_add(struct check *check, const struct check_finding *finding);

/* A text that lives as long as `check'; never NULL. */
const char *check_text(struct check *check, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/* "NAME=VALUE" for sysctl -w, NAME with slashes where the interface's name needs them:
 * "net.ipv4.conf.eth0.rp_filter=2", "net/ipv4/conf/eth0.100/rp_filter=2". */
const char *check_conf_setting(struct check *check, const char *family, const char *ifname,
			       const char *key, int value);

/* ---- files under root ---- */

/* The first line of a file, its end cut off, as a check_text; NULL when it cannot be read. */
const char *check_line(struct check *check, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/* The whole of a small file (1 MiB at most), as a check_text; NULL when it cannot be read. */
const char *check_file(struct check *check, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/* The number at the start of a file; `otherwise' when there is none. */
int64_t check_number(const struct check *check, int64_t otherwise, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

bool check_exists(const struct check *check, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/* Whether /proc/self/status grants the capability (CAP_NET_ADMIN ...) to this process. */
bool check_has_capability(struct check *check, unsigned capability);

/* ---- the parts, in the order of printing ---- */

void check_kernel(struct check *check);     /* kernel.c: version, known bugs */
void check_uring(struct check *check);      /* uring.c: io_uring, memlock */
void check_limits(struct check *check);     /* limits.c: nofile, capabilities, ports */
void check_buffers(struct check *check);    /* buffers.c: rmem, wmem, optmem */
void check_memory(struct check *check);     /* memory.c: huge pages, NUMA balancing */
void check_cpu(struct check *check);        /* cpu.c: cpuset, governor, idle states */
void check_links(struct check *check);      /* link.c: interfaces, MTU */
void check_offloads(struct check *check);   /* offload.c: GRO, GSO, USO, checksums */
void check_nics(struct check *check);       /* nic.c: node, queues, interrupts */
void check_rp_filter(struct check *check);  /* rp_filter.c */
void check_membership(struct check *check); /* membership.c: IGMP, MLD, queriers */
void check_firewall(struct check *check);   /* firewall.c: nftables, iptables */
void check_cloud(struct check *check);      /* cloud.c */

/* The half of check_nics that the running daemon looks at as well: each ingress interface whose
 * interrupts go to another node than the shards that own its flows. */
void check_interrupts(struct check *check);
