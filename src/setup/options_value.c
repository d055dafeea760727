/* options_value.c - the values that only numacastd has: CPUs, buffers, a sender, where to listen,
 * when to rebalance.
 *
 * Numbers are read strictly (num.h). Pure but for the list's memory; control thread.
 */
#include "src/setup/options_value.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "shard/limits.h"
#include "src/base/num.h"
#include "src/setup/options.h"
#include "src/setup/privileges.h"

#define CPU_OS_MAX          65535 /* far above any kernel's NR_CPUS */
#define REBALANCE_RATIO_MIN 1.1
#define REBALANCE_RATIO_MAX 1000.0

static int read_host(const char *text, size_t len, struct addr *out);
static int read_cpus(const char *at, int *cpus);
static int take_cpu(const char **at, int *out);
static int class_of(const char *text);

static_assert(SHARDS_MAX == 1024, "OPTIONS_CPUS_TAKES says so");
static_assert(POOL_SLOTS_MAX == 32768, "OPTIONS_COUNTS_TAKES says so");

int options_read_cpus(const struct cli_row *row, void *into, const char *value)
{
	struct opt *opt = into;
	int *cpus = calloc(SHARDS_MAX, sizeof(*cpus));
	int count;

	if (!cpus) {
		return -ENOMEM;
	}
	count = read_cpus(value, cpus);
	if (count < 0) {
		free(cpus);
		return count;
	}
	free(opt->cpus_os);
	opt->cpus_os = cpus;
	opt->cpus_count = (uint32_t)count;
	return 0;
}

int options_read_counts(const struct cli_row *row, void *into, const char *value)
{
	uint32_t *counts = (uint32_t *)((char *)into + row->offset);
	uint32_t next[POOL_CLASS_COUNT];
	bool seen[POOL_CLASS_COUNT] = {false};
	const char *at = value;

	memcpy(next, counts, sizeof(next));
	for (;;) {
		char digits[8];
		int cls = class_of(at);
		const char *text = cls < 0 ? at : strchr(at, '=') + 1;
		size_t len = strcspn(text, ",");
		uint64_t count;

		if (cls < 0 || seen[cls] || len >= sizeof(digits)) {
			return -EINVAL;
		}
		memcpy(digits, text, len);
		digits[len] = '\0';
		if (num_parse(digits, row->min, row->max, &count) != 0) {
			return -EINVAL;
		}
		seen[cls] = true;
		next[cls] = (uint32_t)count;
		if (!text[len]) {
			memcpy(counts, next, sizeof(next));
			return 0;
		}
		at = text + len + 1;
	}
}

int options_read_source(const struct cli_row *row, void *into, const char *value)
{
	struct opt *opt = into;
	struct addr source;

	(void)row;
	if (addr_parse_ip(value, &source) != 0 || addr_is_multicast(&source) ||
	    addr_is_any(&source)) {
		return -EINVAL;
	}
	opt->source = source;
	return 0;
}

int options_read_metrics(const struct cli_row *row, void *into, const char *value)
{
	struct addr *metrics = (struct addr *)(void *)((char *)into + row->offset);
	const char *colon = strrchr(value, ':');
	struct addr at;
	uint64_t port;

	if (strcmp(value, "off") == 0) {
		*metrics = (struct addr){0};
		return 0;
	}
	if (num_parse(colon ? colon + 1 : value, 1, UINT16_MAX, &port) != 0 ||
	    read_host(value, colon ? (size_t)(colon - value) : 0, &at) != 0) {
		return -EINVAL;
	}
	at.port = (uint16_t)port;
	*metrics = at;
	return 0;
}

int options_read_rebalance(const struct cli_row *row, void *into, const char *value)
{
	struct opt *opt = into;

	(void)row;
	if (strcmp(value, "off") == 0) {
		opt->rebalance = 0;
		return 0;
	}
	return strncmp(value, "auto=", 5) == 0
		       ? num_parse_ratio(value + 5, REBALANCE_RATIO_MIN, REBALANCE_RATIO_MAX,
					 &opt->rebalance)
		       : -EINVAL;
}

int options_read_privileges(const struct cli_row *row, void *into, const char *value)
{
	struct opt *opt = into;

	(void)row;
	if (strcmp(value, "auto") == 0) {
		opt->privileges = 0;
		return 0;
	}
	return privileges_parse(value, &opt->privileges);
}

/* The first `len' bytes of `text', with brackets if it is IPv6; the loopback when there are none.
 */
static int read_host(const char *text, size_t len, struct addr *out)
{
	char host[ADDR_TEXT_MAX];
	bool brackets = len >= 2 && text[0] == '[' && text[len - 1] == ']';
	struct addr at;

	snprintf(host, sizeof(host), "%.*s", (int)(brackets ? len - 2 : len), text + brackets);
	if (len == 0) {
		snprintf(host, sizeof(host), "127.0.0.1");
	}
	if (len >= sizeof(host) || addr_parse_ip(host, &at) != 0 ||
	    (at.family == AF_INET6) != brackets || addr_is_multicast(&at) ||
	    addr_is_broadcast(&at)) {
		return -EINVAL;
	}
	*out = at;
	return 0;
}

/* Reads "0-3,8" into `cpus', at most SHARDS_MAX of them and none twice; the count or -EINVAL. */
static int read_cpus(const char *at, int *cpus)
{
	bool seen[CPU_OS_MAX + 1] = {false};
	int count = 0;

	for (;;) {
		int first;
		int last;

		if (take_cpu(&at, &first) != 0) {
			return -EINVAL;
		}
		last = first;
		if (*at == '-') {
			at++;
			if (take_cpu(&at, &last) != 0) {
				return -EINVAL;
			}
		}
		if (last < first) {
			return -EINVAL;
		}
		for (int cpu = first; cpu <= last; cpu++) {
			if (seen[cpu] || count == SHARDS_MAX) {
				return -EINVAL;
			}
			seen[cpu] = true;
			cpus[count++] = cpu;
		}
		if (!*at) {
			return count;
		}
		if (*at++ != ',') {
			return -EINVAL;
		}
	}
}

/* Reads the digits at *at and steps over them. */
static int take_cpu(const char **at, int *out)
{
	char digits[8];
	size_t len = strspn(*at, "0123456789");
	uint64_t cpu;

	if (len == 0 || len >= sizeof(digits)) {
		return -EINVAL;
	}
	memcpy(digits, *at, len);
	digits[len] = '\0';
	if (num_parse(digits, 0, CPU_OS_MAX, &cpu) != 0) {
		return -EINVAL;
	}
	*at += len;
	*out = (int)cpu;
	return 0;
}

/* The class whose name `text' begins with, `=' after it; -ENOENT. */
static int class_of(const char *text)
{
	for (int cls = 0; cls < POOL_CLASS_COUNT; cls++) {
		const char *name = pool_class_name((enum pool_class)cls);
		size_t len = strlen(name);

		if (strncmp(text, name, len) == 0 && text[len] == '=') {
			return cls;
		}
	}
	return -ENOENT;
}
