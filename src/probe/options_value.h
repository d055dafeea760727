/* options_value.h - readers of what no row can say, for the tables in options.c.
 *
 * All are cli_read functions (src/cli/row.h) over struct probe_opt.
 */
#pragma once

#include "src/cli/row.h"

#define PROBE_OPTIONS_SIZE_TAKES "0 to 65507 bytes of payload, or a range such as 64-1400"

/* "50k", "100Mbit", "unlimited" to rate. */
int probe_options_read_rate(const struct cli_row *row, void *into, const char *value);

/* "1316", "64-1400" to size. */
int probe_options_read_size(const struct cli_row *row, void *into, const char *value);

/* "46", "EF" to dscp. */
int probe_options_read_dscp(const struct cli_row *row, void *into, const char *value);

/* A unicast address to source. */
int probe_options_read_source(const struct cli_row *row, void *into, const char *value);
