/* value.c - reads the values of numacast-probe's options, strictly.
 *
 * No step of the relay. Pure; main thread. No blank, sign or leftover is accepted, and nothing is
 * clamped: what does not fit is refused with the range that would.
 */
#include "src/probe/value.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>

#include "src/base/clock.h"
#include "src/base/dscp.h"

#define RATE_MAX 1000000000000ULL /* 10^12: a datagram each picosecond, a terabit */

/* Reads digits, a fraction of at most `decimals' digits, and k, M or G, up to where they end. The
 * value comes out multiplied by 10^decimals. */
static bool scan(const char **text, unsigned decimals, bool suffix, uint64_t *out)
{
	const char *c = *text;
	unsigned __int128 value = 0;
	unsigned left = decimals;

	if (*c < '0' || *c > '9') {
		return false;
	}
	for (; *c >= '0' && *c <= '9'; c++) {
		value = value * 10 + (unsigned)(*c - '0');
		if (value > UINT64_MAX) {
			return false;
		}
	}
	if (*c == '.' && decimals > 0) {
		if (c[1] < '0' || c[1] > '9') {
			return false;
		}
		for (c++; *c >= '0' && *c <= '9'; c++, left--) {
			if (left == 0) {
				return false;
			}
			value = value * 10 + (unsigned)(*c - '0');
		}
	}
	for (; left > 0; left--) {
		value *= 10;
	}
	if (suffix && (*c == 'k' || *c == 'M' || *c == 'G')) {
		value *= *c == 'k' ? 1000u : *c == 'M' ? 1000000u : 1000000000u;
		c++;
	}
	if (value > UINT64_MAX) {
		return false;
	}
	*text = c;
	*out = (uint64_t)value;
	return true;
}

int probe_value_number(const char *flag, const char *text, const struct probe_bound *bound,
		       uint64_t *out, struct err *err)
{
	const char *end = text;
	uint64_t value;

	if (!scan(&end, 0, true, &value) || *end != '\0' || value < bound->min ||
	    value > bound->max) {
		err_set(err, "--%s %s: expected a number from %llu to %llu", flag, text,
			(unsigned long long)bound->min, (unsigned long long)bound->max);
		return -EINVAL;
	}
	*out = value;
	return 0;
}

int probe_value_seconds(const char *flag, const char *text, const struct probe_bound *bound,
			uint64_t *out, struct err *err)
{
	const char *end = text;
	uint64_t value;

	if (!scan(&end, 9, false, &value) || *end != '\0' || value < bound->min ||
	    value > bound->max) {
		err_set(err, "--%s %s: expected seconds, such as 2 or 0.5, from %g to %g", flag,
			text, (double)bound->min / (double)NS_PER_S,
			(double)bound->max / (double)NS_PER_S);
		return -EINVAL;
	}
	*out = value;
	return 0;
}

int probe_value_rate(const char *flag, const char *text, struct probe_rate *out, struct err *err)
{
	const char *end = text;
	struct probe_rate rate = {.unit = PROBE_RATE_DATAGRAMS};
	bool sound;

	if (strcmp(text, "unlimited") == 0) {
		out->unit = PROBE_RATE_UNLIMITED;
		out->per_s = 0;
		return 0;
	}
	sound = scan(&end, 0, true, &rate.per_s);
	if (sound && strncmp(end, "bit", 3) == 0) {
		rate.unit = PROBE_RATE_BITS;
		end += 3;
	}
	if (sound && strcmp(end, "/s") == 0) {
		end += 2;
	}
	if (!sound || *end != '\0' || rate.per_s == 0 || rate.per_s > RATE_MAX) {
		err_set(err,
			"--%s %s: expected datagrams a second such as 50000 or 50k, bits a second "
			"such "
			"as 100Mbit, or unlimited",
			flag, text);
		return -EINVAL;
	}
	*out = rate;
	return 0;
}

int probe_value_size(const char *flag, const char *text, struct probe_size *out, struct err *err)
{
	const char *end = text;
	struct probe_size size;
	bool sound = scan(&end, 0, false, &size.min);

	size.max = size.min;
	if (sound && *end == '-') {
		end++;
		sound = scan(&end, 0, false, &size.max);
	}
	if (!sound || *end != '\0' || size.max > PROBE_WIRE_SIZE_MAX || size.min > size.max) {
		err_set(err,
			"--%s %s: expected bytes of payload from 0 to %d, or a range such as "
			"64-1400",
			flag, text, PROBE_WIRE_SIZE_MAX);
		return -EINVAL;
	}
	*out = size;
	return 0;
}

int probe_value_dscp(const char *flag, const char *text, uint64_t *out, struct err *err)
{
	uint8_t dscp;

	if (dscp_parse(text, &dscp) != 0) {
		err_set(err, "--%s %s: expected %s", flag, text, DSCP_TAKES);
		return -EINVAL;
	}
	*out = dscp;
	return 0;
}

int probe_value_address(const char *flag, const char *text, struct addr *out, struct err *err)
{
	struct addr addr;

	if (addr_parse_ip(text, &addr) != 0 || addr_is_multicast(&addr) || addr_is_any(&addr)) {
		err_set(err, "--%s %s: expected a unicast address without brackets or port", flag,
			text);
		return -EINVAL;
	}
	*out = addr;
	return 0;
}

int probe_value_clock(const char *flag, const char *text, enum probe_wire_clock *out,
		      struct err *err)
{
	if (strcmp(text, "monotonic") == 0) {
		*out = PROBE_WIRE_MONOTONIC;
	} else if (strcmp(text, "realtime") == 0) {
		*out = PROBE_WIRE_REALTIME;
	} else {
		err_set(err, "--%s %s: expected monotonic or realtime", flag, text);
		return -EINVAL;
	}
	return 0;
}
