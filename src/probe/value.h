/* value.h - the values that options of numacast-probe take, from text.
 *
 * Each function reads all of `text' or refuses it: -EINVAL with `err' = the flag, the text, what
 * was expected. Numbers are decimal, with an optional k, M or G (a thousand each). Pure; any
 * thread.
 */
#pragma once

#include <stdint.h>

#include "src/base/addr.h"
#include "src/base/log.h"
#include "src/probe/wire.h"

enum probe_rate_unit {
	PROBE_RATE_UNLIMITED,
	PROBE_RATE_DATAGRAMS,
	PROBE_RATE_BITS
};

struct probe_rate {
	enum probe_rate_unit unit;
	uint64_t per_s; /* datagrams, or bits of payload, each second over all flows */
};

struct probe_size {
	uint64_t min, max; /* bytes of payload */
};

struct probe_bound {
	uint64_t min, max;
};

int probe_value_number(const char *flag, const char *text, const struct probe_bound *bound,
		       uint64_t *out, struct err *err);

/* "2", "0.5": to nanoseconds; `bound' is in nanoseconds as well. */
int probe_value_seconds(const char *flag, const char *text, const struct probe_bound *bound,
			uint64_t *out, struct err *err);

/* "50000", "50k", "100Mbit", "unlimited". */
int probe_value_rate(const char *flag, const char *text, struct probe_rate *out, struct err *err);

/* "1316", "0-65507". */
int probe_value_size(const char *flag, const char *text, struct probe_size *out, struct err *err);

/* What the rules of numacastd take: "46", "EF", "cs5", "AF41". */
int probe_value_dscp(const char *flag, const char *text, uint64_t *out, struct err *err);

/* A unicast address. */
int probe_value_address(const char *flag, const char *text, struct addr *out, struct err *err);

/* "monotonic", "realtime". */
int probe_value_clock(const char *flag, const char *text, enum probe_wire_clock *out,
		      struct err *err);
