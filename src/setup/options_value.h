/* options_value.h - readers of what no row can say, for the table in options_rows.c.
 *
 * All are cli_read functions (src/cli/row.h).
 */
#pragma once

#include "src/cli/row.h"

/* options_ring.c */
extern const struct cli_group options_ring_group;

/* options_fastpath.c */
extern const struct cli_group options_fastpath_group;

#define OPTIONS_CPUS_TAKES \
	"CPU numbers and ascending ranges separated by commas, none twice, at most 1024"
#define OPTIONS_COUNTS_TAKES                                                                       \
	"CLASS=N separated by commas, each of small, standard, jumbo, train at most once, N 0 to " \
	"32768"

#define OPTIONS_SOURCE_TAKES "a unicast address without port or brackets"
#define OPTIONS_METRICS_TAKES \
	"ADDR:PORT with a unicast address of this host, [ADDR]:PORT for IPv6, PORT alone, or off"
#define OPTIONS_PRIVILEGES_TAKES                                                              \
	"auto, or any of net_admin, net_raw, net_bind_service, bpf, dac_override, ipc_lock, " \
	"sys_resource, sys_admin, separated by commas, none twice"
#define OPTIONS_REBALANCE_TAKES "off, or auto=RATIO with a RATIO of 1.1 to 1000"

/* "0-3,8" to cpus_os and cpus_count, at most SHARDS_MAX of them and none twice. */
int options_read_cpus(const struct cli_row *row, void *into, const char *value);

/* "small=N,train=N" over the uint32_t[POOL_CLASS_COUNT] at the row's offset, each class once. */
int options_read_counts(const struct cli_row *row, void *into, const char *value);

/* An address to `source'. */
int options_read_source(const struct cli_row *row, void *into, const char *value);

/* "127.0.0.1:9469", "[::1]:9469", ":9469", "9469" or "off" to `metrics'. */
int options_read_metrics(const struct cli_row *row, void *into, const char *value);

/* "off" or "auto=1.5" to `rebalance': 0, or the ratio. */
int options_read_rebalance(const struct cli_row *row, void *into, const char *value);

/* "auto" or "net_raw,net_admin" to `privileges': 0, or those. */
int options_read_privileges(const struct cli_row *row, void *into, const char *value);
