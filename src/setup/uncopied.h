/* uncopied.h - which outputs send without copying, and what memory may be registered for it.
 *
 * The operator's two options become orders for step 10 of a datagram's life: `--zerocopy' the
 * shortest send of each output that is not copied, `--register-buffers' what each shard may
 * register. `auto' was measured (doc/TUNING.md): below 32 KiB nothing is won; where the kernel has
 * to cut a train up itself, or to compute its checksums, it copies or wins nothing; and a virtual
 * device ends at a receiver on this host, for whom the kernel copies. Control thread.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "numa/nodemem.h"
#include "shard/regbuf.h"
#include "shard/rule.h"
#include "src/setup/iface.h"

/* The shortest send in bytes that an output towards `iface' (NULL: wherever the route leads) makes
 * without copying, `want' being --zerocopy; 0: none. Pure. */
uint32_t uncopied_min_bytes(uint32_t want, const struct iface *iface, bool v6);

/* Whether registered buffers do more good than harm to the outputs of `table', on the pages that
 * `huge' asks for. On huge pages they do not: Linux (6.18) charges a send from a registered one to
 * the socket's send buffer as if it held all up to there, 2 MiB instead of 4 KiB, and drops what
 * follows a handful of sends that a device has not yet taken. Pure. */
bool uncopied_gains_by_registering(const struct rule_table *table, enum nodemem_huge huge);

/* What shard `index' of `shards' may register, `want' being --register-buffers and `gains' whether
 * `auto' does so. All shards together get `want' buffers, and not more than
 * `lockable_bytes'. Pure. */
struct regbuf_limit uncopied_share(uint32_t want, bool gains, uint64_t lockable_bytes,
				   uint32_t shards, uint32_t index);

/* What the kernel counts locked memory in, on the pages that `huge' asks for. */
uint64_t uncopied_page_bytes(enum nodemem_huge huge);
