/* asker.h - who asked last: the sender of the last datagram that an output relayed.
 *
 * With reply=yes control sends to it what comes back to the output's port (src/run/replies.h). The
 * shard writes and control reads, without a lock: `seq' is odd while the shard writes, and a reader
 * who finds that, or another one afterwards, looks again. A word is released after the odd `seq'
 * and acquired before `seq' is looked at again: whoever got a new word sees that it is new.
 */
#pragma once

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "src/base/addr.h"

#define ASKER_WORDS     ((sizeof(struct addr) + 7) / 8)
#define ASKER_TRIES_MAX 8

/* Written by: the shard. Read by: control. Order: see above. */
struct asker {
	_Atomic uint32_t seq;
	_Atomic uint64_t words[ASKER_WORDS]; /* of a struct addr; all 0: nobody has asked */
};

/* Shard thread. */
static inline void asker_note(struct asker *asker, const struct addr *addr)
{
	uint32_t seq = atomic_load_explicit(&asker->seq, memory_order_relaxed);
	uint64_t words[ASKER_WORDS] = {0};
	bool same = true;

	memcpy(words, addr, sizeof(*addr));
	for (size_t i = 0; i < ASKER_WORDS; i++) {
		same = same &&
		       words[i] == atomic_load_explicit(&asker->words[i], memory_order_relaxed);
	}
	if (same) {
		return;
	}
	atomic_store_explicit(&asker->seq, seq + 1, memory_order_relaxed);
	for (size_t i = 0; i < ASKER_WORDS; i++) {
		atomic_store_explicit(&asker->words[i], words[i], memory_order_release);
	}
	atomic_store_explicit(&asker->seq, seq + 2, memory_order_release);
}

/* The same, of who sent a datagram. */
static inline void asker_note_sender(struct asker *asker, const struct sockaddr *from)
{
	struct addr addr;

	if (addr_from_sockaddr(from, &addr) == 0) {
		asker_note(asker, &addr);
	}
}

/* Any other thread. False when nobody has asked, or the shard writes each time one looks. */
static inline bool asker_get(const struct asker *asker, struct addr *out)
{
	for (int i = 0; i < ASKER_TRIES_MAX; i++) {
		uint32_t seq = atomic_load_explicit(&asker->seq, memory_order_acquire);
		uint64_t words[ASKER_WORDS];

		for (size_t w = 0; w < ASKER_WORDS; w++) {
			words[w] = atomic_load_explicit(&asker->words[w], memory_order_acquire);
		}
		if (seq % 2 == 0 &&
		    atomic_load_explicit(&asker->seq, memory_order_relaxed) == seq) {
			memcpy(out, words, sizeof(*out));
			return out->family != 0;
		}
	}
	return false;
}
