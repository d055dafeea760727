/* scene.h - the running machine as a picture: what its shards and interfaces do at present.
 *
 * "At present" is the time since the picture before the last one, as long as that is some seconds
 * ago at least; so a scene remembers two samples, and nothing is sampled while nobody looks. The
 * first picture shows the mean since the start. Control thread, and not while a change is under
 * way.
 */
#pragma once

#include <net/if.h>
#include <stddef.h>
#include <stdint.h>

struct supervisor;
struct tally;

/* What one shard or interface has counted. */
struct scene_sums {
	char name[IF_NAMESIZE];     /* of an interface, "" = any */
	uint64_t in, out, lost;     /* datagrams */
	uint64_t in_bits, out_bits; /* of an interface, with headers, about */
	uint64_t cpu_ns;            /* of a shard */
};

/* All zero: none was taken. */
struct scene_sample {
	uint64_t at_ns;
	struct scene_sums *shards, *ifaces;
	uint32_t shard_count, iface_count;
};

struct scene {
	struct scene_sample older, newer;
};

/* SVG, `width' CSS pixels wide, of what `tally' has just summed; to be freed. NULL: out of memory.
 */
char *scene_text(struct scene *scene, const struct supervisor *sup, const struct tally *tally,
		 double width, size_t *out_len);

/* Accepts all-zero. */
void scene_free(struct scene *scene);
