/* options_value.c - the values that only numacast-probe has: rates in two units, ranges of sizes.
 *
 * Numbers are read strictly (num.h). Pure; main thread.
 */
#include "src/probe/options_value.h"

#include <assert.h>
#include <errno.h>
#include <string.h>

#include "src/base/dscp.h"
#include "src/base/num.h"
#include "src/probe/options.h"

#define RATE_MAX 1000000000000ULL /* 10^12: a datagram each picosecond, a terabit */

static_assert(PROBE_WIRE_SIZE_MAX == 65507, "PROBE_OPTIONS_SIZE_TAKES says so");

int probe_options_read_rate(const struct cli_row *row, void *into, const char *value)
{
	struct probe_rate *out = &((struct probe_opt *)into)->rate;
	struct probe_rate rate = {.unit = strstr(value, "bit") ? PROBE_RATE_BITS
							       : PROBE_RATE_DATAGRAMS};

	if (strcmp(value, "unlimited") == 0) {
		*out = (struct probe_rate){.unit = PROBE_RATE_UNLIMITED};
		return 0;
	}
	if (num_parse_rate(value, 1, RATE_MAX, &rate.per_s) != 0) {
		return -EINVAL;
	}
	*out = rate;
	return 0;
}

int probe_options_read_size(const struct cli_row *row, void *into, const char *value)
{
	struct probe_size *out = &((struct probe_opt *)into)->size;
	size_t len = strcspn(value, "-");
	const char *last = value[len] ? value + len + 1 : value;
	struct probe_size size;
	char first[16];

	if (len >= sizeof(first)) {
		return -EINVAL;
	}
	memcpy(first, value, len);
	first[len] = '\0';
	if (num_parse_size(first, 0, PROBE_WIRE_SIZE_MAX, &size.min) != 0 ||
	    num_parse_size(last, size.min, PROBE_WIRE_SIZE_MAX, &size.max) != 0) {
		return -EINVAL;
	}
	*out = size;
	return 0;
}

int probe_options_read_dscp(const struct cli_row *row, void *into, const char *value)
{
	uint8_t dscp;
	int rc = dscp_parse(value, &dscp);

	if (rc == 0) {
		((struct probe_opt *)into)->dscp = dscp;
	}
	return rc;
}

int probe_options_read_source(const struct cli_row *row, void *into, const char *value)
{
	struct addr addr;

	if (addr_parse_ip(value, &addr) != 0 || addr_is_multicast(&addr) || addr_is_any(&addr)) {
		return -EINVAL;
	}
	((struct probe_opt *)into)->source = addr;
	return 0;
}
