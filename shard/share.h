/* share.h - which of the shards that own one flow together takes a datagram (step 3).
 *
 * With spread=k by=source or by=cpu each of k owners takes its share of the datagrams and serves
 * all outputs. One pure function says whose share a source is, and two programs of classic BPF say
 * the same inside the kernel: a filter, of which each socket of a multicast group has its own, and
 * a chooser, of which the sockets of a unicast port have one together. The plan asks the function,
 * sock_share.c attaches the programs, a test compares them address by address.
 *
 *     by source   x = the IPv4 address, or the four words of an IPv6 address XORed;
 *                 share = ((x * 2654435761 mod 2^32) >> 16) mod k
 *     by CPU      the owner that runs on the CPU on which the kernel received; of a CPU that no
 *                 owner runs on, its number mod k
 *
 * By address and not by port, so that a sender with several ports stays in order. The factor
 * scatters addresses that lie a stride apart, which a plain remainder puts into one share.
 * Pure, any thread.
 */
#pragma once

#include <linux/filter.h>
#include <stdbool.h>
#include <stdint.h>

#include "src/base/addr.h"

#define SHARES_MAX        64
#define SHARE_PROGRAM_MAX (3 * SHARES_MAX + 16)

enum share_by {
	SHARE_BY_OUTPUTS, /* each owner hears all and serves its own outputs */
	SHARE_BY_SOURCE,
	SHARE_BY_CPU,
};

/* The part of a flow that one shard takes. All zero: the whole flow. */
struct share {
	const int *cpus_os; /* of the owners, by share; not owned, outlives the flow */
	uint8_t by;         /* enum share_by */
	uint8_t index;
	uint8_t count; /* of shares; less than 2: the whole flow */
};

struct share_program {
	struct sock_filter code[SHARE_PROGRAM_MAX];
	unsigned short len;
};

static inline bool share_is_part(const struct share *share)
{
	return share->count > 1;
}

/* Whether a socket that takes the one share takes the other. */
bool share_is_same(const struct share *a, const struct share *b);

/* Whether it is a filter that takes the share of what comes to `at': where every socket hears
 * everything. */
static inline bool share_is_filtered(const struct share *share, const struct addr *at)
{
	return share_is_part(share) && addr_is_multicast(at);
}

/* "outputs", "source", "cpu": as by= has it. */
const char *share_by_name(enum share_by by);

/* The share of `source', whose port does not matter, among `count'. */
uint32_t share_of_source(const struct addr *source, uint32_t count);

/* The share of what the kernel receives on `cpu_os'. */
uint32_t share_of_cpu(const int *cpus_os, uint32_t count, int cpu_os);

/* For SO_ATTACH_FILTER: takes what is of this share whole, refuses the rest. */
void share_filter(const struct share *share, int family, struct share_program *out);

/* For SO_ATTACH_REUSEPORT_CBPF: the number of the share. */
void share_chooser(const struct share *share, int family, struct share_program *out);
