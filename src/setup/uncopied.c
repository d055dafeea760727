/* uncopied.c - see uncopied.h. Pure. */
#include "src/setup/uncopied.h"

#include "shard/limits.h"
#include "src/setup/options.h"

static bool device_gathers(const struct iface *iface, bool v6);

uint32_t uncopied_min_bytes(uint32_t want, const struct iface *iface, bool v6)
{
	if (want != OPT_AMOUNT_AUTO) {
		return want;
	}
	return iface && device_gathers(iface, v6) ? ZEROCOPY_AUTO_BYTES : 0;
}

bool uncopied_gains_by_registering(const struct rule_table *table, enum nodemem_huge huge)
{
	return huge == NODEMEM_HUGE_OFF && rule_table_zerocopy(table);
}

struct regbuf_limit uncopied_share(uint32_t want, bool gains, uint64_t lockable_bytes,
				   uint32_t shards, uint32_t index)
{
	bool by_number = want != OPT_AMOUNT_AUTO && want != OPT_AMOUNT_ON;

	if (want == OPT_AMOUNT_OFF || (want == OPT_AMOUNT_AUTO && !gains)) {
		return (struct regbuf_limit){0};
	}
	return (struct regbuf_limit){
		.slots = regbuf_share(by_number ? want : REGBUF_ALL, shards, index),
		.bytes = regbuf_share(lockable_bytes, shards, index),
	};
}

uint64_t uncopied_page_bytes(enum nodemem_huge huge)
{
	switch (huge) {
	case NODEMEM_HUGE_OFF:
		return arena_huge_bytes(ARENA_HUGE_OFF);
	case NODEMEM_HUGE_1G:
		return arena_huge_bytes(ARENA_HUGE_1G);
	default:
		return arena_huge_bytes(ARENA_HUGE_2M);
	}
}

/* A device that reads our memory itself, and cuts the train up while it does. */
static bool device_gathers(const struct iface *iface, bool v6)
{
	const struct ethtool_features *features = &iface->features;

	return iface->physical && features->known && features->uso && features->scatter &&
	       (v6 ? features->checksum_v6 : features->checksum_v4);
}
