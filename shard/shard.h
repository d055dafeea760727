/* shard.h - what one core does: a ring, sockets, a pool, and the relay that ties them together.
 *
 * The supervisor owns the thread and the arena; a shard is built inside that arena, on that thread:
 *
 *     shard_arena_bytes   (control)      how much memory: shard_cut in an arena that only counts
 *     shard_open          (shard thread) memory, ring, sockets; nothing joined, nothing arrives
 *     shard_set_echoes    (control, while the thread waits) who of us could be heard again
 *     shard_join          (shard thread) joins the groups: datagrams arrive, and wait
 *     shard_live          (shard thread) arms the receives; or shard_discard, when all are to leave
 *     shard_run           (shard thread) relays until told to drain or quit by the mailbox
 *     shard_close         (shard thread) ring and sockets gone; counters stay readable
 *
 * Between shard_live and the end of shard_run nothing is allocated, locked or logged.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "shard/counters.h"
#include "shard/egress.h"
#include "shard/ingress.h"
#include "shard/mailbox.h"
#include "shard/pool.h"
#include "shard/regbuf.h"
#include "shard/relay.h"
#include "shard/ring.h"
#include "shard/rule.h"
#include "shard/sock.h"
#include "src/base/arena.h"
#include "src/base/log.h"

/* Everything a shard is told. Pointers outlive the shard. */
struct shard_spec {
	const struct rule_table *table;
	enum ring_engine engine; /* not AUTO */
	struct ring_params ring; /* queue sizes and waiting; the rest is filled in */
	struct pool_counts pool;
	uint32_t hot[POOL_CLASS_COUNT];      /* slots lent at most; 0: chosen by class */
	uint32_t train_max;                  /* datagrams a train */
	bool gso;                            /* send trains where possible */
	struct regbuf_limit registered;      /* how much of the pool, where the engine can */
	uint32_t rcvbuf_bytes, sndbuf_bytes; /* 0: system default */
	uint32_t echo_count;                 /* addresses shard_set_echoes will give, all flows */
	uint64_t drain_ns;
	uint32_t latency_sample; /* one in so many receptions is timed; 0: none */
	bool strict; /* a socket that cannot be had is a failure, and nothing that is pending */
	struct shard_kept *kept; /* one for each flow of the table; NULL: none */
};

/* The socket of a flow that a process before us had, ready and joined. */
struct shard_kept {
	int fd; /* -1: none; and so once the shard has it */
	struct sock_got got;
};

/* Counters: written by the shard, read by anyone, alive as long as the arena. Those of flows and
 * outputs are in their places. */
struct shard_stats {
	struct pool_class_stats pool[POOL_CLASS_COUNT];
	struct ring_stats ring;
	struct batch_stats batches;
};

struct shard {
	const struct shard_spec *spec;
	struct shard_stats *stats;
	struct pool pool;
	struct egress egress;
	struct relay relay;
	struct mailbox *mailbox;
	struct addr *echoes;
	uint32_t echoes_told;
	bool zerocopy; /* the ring can, or could before it was closed: control asks any time */
	struct err features; /* of the ring, for the start-up line */
};

/* The group depth for class `cls' when the operator did not say: a power of two, about an L2's
 * worth of payload, at most the class's slots. Of class train all may be lent while single
 * datagrams lie in them (relay_hot.h), HOT_TRAINS_MOST at most. Pure. */
uint32_t shard_hot_default(enum pool_class cls, uint32_t slots);

/* Cuts all that a shard so ordered consists of, itself included, off `arena', which must hold
 * shard_arena_bytes and be untouched; from one that counts, NULL. */
struct shard *shard_cut(const struct shard_spec *spec, struct arena *arena);
size_t shard_arena_bytes(const struct shard_spec *spec);

/* What the rings of `shards' shards so ordered hold against RLIMIT_MEMLOCK at most. Pure. */
size_t shard_locked_bytes(const struct shard_spec *spec, uint32_t shards);

/* Which part of the pool a shard so ordered registers; none where the engine has no use for it.
 * Pure. */
void shard_registers(const struct shard_spec *spec, struct regbuf_map *out);

/* Builds the shard in `arena', seals that, and opens the ring. 0, or -errno with `err': this engine
 * cannot be had, nothing is left open, and another engine may do. */
int shard_open(const struct shard_spec *spec, struct arena *arena, struct mailbox *mailbox,
	       struct shard **out, struct err *err);

/* Opens every socket. One that cannot be had leaves its flow or output pending, or, if the shard is
 * to be strict, is a failure. 0 or -errno with `err'; shard_close closes what was opened. */
int shard_open_sockets(struct shard *shard, struct err *err);

/* The senders of ours that flow `flow' must not relay: `echoes' are appended. Between shard_open
 * and shard_live; flows in ascending order. */
void shard_set_echoes(struct shard *shard, uint32_t flow, const struct addr *echoes,
		      uint32_t count);

/* What the socket of flow `rule' must tell of each datagram: `outputs' are those of its table.
 * Pure.
 */
struct sock_want shard_want(const struct shard_spec *spec, const struct rule_flow *rule);

/* Whether what a flow of `in' receives is to come with the kernel's time stamps. Pure. */
bool shard_stamps(const struct shard_spec *spec, const struct rule_ingress *in);

/* Completes how the socket of output `rule', as `got', is used; its `fd' is set. Any thread. */
void shard_describe(const struct shard *shard, const struct rule_table_output *rule,
		    const struct sock_got *got, struct egress_socket *sock);

/* Joins the group of each flow but of those that several shards divide; one that cannot be joined
 * is as one that cannot be opened. Nothing is relayed before shard_live: what arrives stays in the
 * sockets. 0 or -errno with `err'; then some may be joined. */
int shard_join(struct shard *shard, struct err *err);

int shard_live(struct shard *shard, struct err *err);

/* 0 after a drain or quit, -errno when the ring failed for good. */
int shard_run(struct shard *shard);

/* The places of flows and outputs by index, below the counts of relay and egress; a free one has
 * no rule. At start flow and output `i' of the table stand in place `i'. Who holds
 * a place changes by messages only, so control may look at places between them. */
static inline const struct flow_place *shard_flow(const struct shard *shard, uint32_t index)
{
	return relay_place(&shard->relay, index);
}

static inline const struct output_place *shard_output(const struct shard *shard, uint32_t index)
{
	return egress_place(&shard->egress, index);
}

/* Instead of shard_live: counts what has arrived as not relayed. */
void shard_discard(struct shard *shard);

/* What shard_open opened. */
void shard_close(struct shard *shard);
