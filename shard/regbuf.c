/* regbuf.c - divides what may be registered among shards, classes and areas; see regbuf.h.
 *
 * A slot is registered whole, head and payload, because slots follow one another without a gap.
 * Bytes are counted as the kernel does, in whole pages, huge ones too, of which an area may touch
 * one more at each end.
 */
#include "shard/regbuf.h"

#include "src/base/must.h"

#define AREA_BYTES_MAX ((uint64_t)1 << 30)
#define PAGE_BYTES     4096U

static_assert(POOL_CLASS_COUNT * (1 + POOL_SLOTS_MAX * (UDP_PAYLOAD_MAX + 2ULL * SLOT_HEAD_BYTES) /
					      AREA_BYTES_MAX) <=
		      RING_BUFFERS_MAX,
	      "the largest pool has not too many areas");

static uint64_t area_bytes(uint32_t slots, enum pool_class cls, uint64_t page_bytes);
static uint32_t slots_within(uint32_t slots, enum pool_class cls, const struct regbuf_limit *limit);

uint64_t regbuf_share(uint64_t all, uint32_t shards, uint32_t index)
{
	must(index < shards);
	return all == REGBUF_ALL ? all : all / shards + (index < all % shards);
}

void regbuf_plan(const struct pool_counts *counts, const struct regbuf_limit *limit,
		 struct regbuf_map *out)
{
	struct regbuf_limit left = *limit;

	*out = (struct regbuf_map){0};
	for (int cls = POOL_CLASS_COUNT - 1; cls >= 0; cls--) {
		uint32_t per_area =
			(uint32_t)(AREA_BYTES_MAX / pool_stride_bytes((enum pool_class)cls));
		uint32_t slots = counts->count[cls];

		slots = slots < left.slots ? slots : (uint32_t)left.slots;
		slots = slots_within(slots, (enum pool_class)cls, &left);
		out->slots[cls] = slots;
		out->per_area[cls] = per_area;
		out->first[cls] = out->area_count;
		out->area_count += (slots + per_area - 1) / per_area;
		if (left.slots != REGBUF_ALL) {
			left.slots -= slots;
		}
		if (left.bytes != REGBUF_ALL) {
			left.bytes -= area_bytes(slots, (enum pool_class)cls, left.page_bytes);
		}
	}
}

void regbuf_areas(const struct regbuf_map *map, const struct pool *pool, struct iovec *areas)
{
	must(map->area_count <= RING_BUFFERS_MAX);
	for (int cls = 0; cls < POOL_CLASS_COUNT; cls++) {
		size_t stride = pool->classes[cls].stride_bytes;
		uint32_t area = map->first[cls];

		for (uint32_t at = 0; at < map->slots[cls]; at += map->per_area[cls]) {
			uint32_t slots = map->slots[cls] - at;

			slots = slots < map->per_area[cls] ? slots : map->per_area[cls];
			areas[area++] = (struct iovec){
				.iov_base = pool->classes[cls].base + at * stride,
				.iov_len = slots * stride,
			};
		}
	}
}

int regbuf_area_of(const struct regbuf_map *map, const uint32_t *slots, uint32_t count)
{
	int area = -1;

	for (uint32_t i = 0; i < count; i++) {
		enum pool_class cls = pool_slot_class(slots[i]);
		uint32_t index = pool_slot_index(slots[i]);
		int at;

		if (index >= map->slots[cls]) {
			return -1;
		}
		at = (int)(map->first[cls] + index / map->per_area[cls]);
		if (i > 0 && at != area) {
			return -1;
		}
		area = at;
	}
	return area;
}

/* Of `slots' slots, in whole pages; 0 of none. */
static uint64_t area_bytes(uint32_t slots, enum pool_class cls, uint64_t page_bytes)
{
	uint64_t stride = pool_stride_bytes(cls);
	uint32_t per_area = (uint32_t)(AREA_BYTES_MAX / stride);
	uint64_t page = page_bytes ? page_bytes : PAGE_BYTES;
	uint64_t pages = 0;

	for (uint32_t at = 0; at < slots; at += per_area) {
		uint32_t count = slots - at < per_area ? slots - at : per_area;

		pages += (count * stride + page - 1) / page + 1;
	}
	return pages * page;
}

/* As many of the slots as the limit's bytes allow. */
static uint32_t slots_within(uint32_t slots, enum pool_class cls, const struct regbuf_limit *limit)
{
	uint64_t fit = limit->bytes / pool_stride_bytes(cls);

	slots = slots < fit ? slots : (uint32_t)fit;
	while (slots > 0 && area_bytes(slots, cls, limit->page_bytes) > limit->bytes) {
		slots--;
	}
	return slots;
}
