/* egress.h - outputs and their trains: what leaves, in order (steps 9, 10 and 11).
 *
 * Per output the order of datagrams is kept through all that may happen to a train (train.h). One
 * that the path refuses (EIO, EINVAL, EMSGSIZE) is resent datagram by datagram, and its output
 * sends no trains for a while; until the first train after that, or of all, has succeeded no second
 * one is in flight, so that not even this fallback reorders. Nor does anything follow a zero-copy
 * send (zerocopy.h) of a shape that its output has not taken yet before it is known to be under
 * way: it may have to be copied. In all these cases the train that must be answered first is
 * `awaited'.
 *
 * Here is what gathers datagrams, and in egress_open.c what opens and closes outputs; egress_send.h
 * sends and settles what was gathered. Shard thread
 * only.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "shard/asker.h"
#include "shard/counters.h"
#include "shard/ingress.h"
#include "shard/pool.h"
#include "shard/ring.h"
#include "shard/room.h"
#include "shard/rule.h"
#include "shard/sock.h"
#include "shard/train.h"
#include "shard/zerocopy.h"
#include "src/base/arena.h"

enum egress_gso {
	GSO_OFF,      /* not wanted, not possible, or refused a while ago */
	GSO_UNPROVEN, /* no train has succeeded yet: one at a time */
	GSO_PROVEN,
};

enum output_state {
	OUTPUT_FREE,    /* its place has no holder */
	OUTPUT_PENDING, /* has no socket, yet or any more: what it takes is counted, and dropped */
	OUTPUT_OPEN,    /* takes datagrams */
	OUTPUT_CLOSING, /* takes none; what it has is sent or dropped, and counted */
};

struct egress_output {
	uint32_t token;          /* of its place (room.h) */
	uint32_t flow;           /* token of its flow, which may have left before it */
	uint32_t sibling;        /* place of the next output of its flow, or PLACE_NONE */
	uint32_t next;           /* place after it in the list that it is in: dirty or free */
	uint32_t after;          /* token of an output that is to be closed before this one
				  * sends; PLACE_NONE: it need not wait */
	uint64_t relayed_before; /* by its flow, when it came */
	uint64_t taken;          /* up to where it has taken what came, as journal_place */
	const struct rule_table_output *rule;
	struct output_stats *stats;
	struct train_path path;
	int fd;
	uint32_t file; /* in the ring; PLACE_NONE: not there */
	struct train_queue queue;
	uint32_t in_flight;
	uint32_t newest;          /* train queued to the ring last */
	uint32_t awaited;         /* train in flight that nothing may follow before its answer */
	uint32_t segment_max;     /* largest datagram that may be in a train: MTU less headers */
	uint32_t train_bytes_max; /* 65507 or 65487 */
	uint32_t datagram_max;    /* larger ones cannot arrive, by df= and mtu=, and are not sent */
	uint32_t mtu;             /* of the path when the socket was opened */
	struct zerocopy_output zerocopy;
	uint64_t wary_until_ns; /* one send at a time until then, for ICMP errors come in; 0: no */
	uint64_t gso_again_ns;  /* when trains are tried again; 0: not, or not given up */
	uint64_t gso_wait_ns;   /* how long they were last given up for */
	uint64_t mtu_again_ns;  /* when to look whether a path that shrank has grown; 0: not */
	uint64_t tokens_bits;   /* rate=: may be sent now */
	uint64_t tokens_at_ns;  /* when tokens_bits was true */
	uint8_t gso;            /* enum egress_gso */
	bool dirty;             /* in a dirty list */
	bool cut_off;           /* it had a socket, on an interface that has gone */
	bool dark;              /* open, and its link has no carrier: the kernel would lose all */
	bool sourceless;        /* open, and its source address (src=) is not this host's */
	uint8_t level;          /* rule_level of its rule: who is sent first */
	bool connected;
	uint8_t state; /* enum output_state */
};

/* Where an output stands, with all that belongs to it. */
struct output_place {
	struct egress_output output;
	struct rule_table_output rule; /* output.rule */
	struct sock_got got;           /* buffer size got, clamped, local address */
	struct asker asker;            /* reply=yes: for control to read */
	struct output_stats stats;     /* output.stats */
};

/* What an output that moves to another place takes along beside its counters. */
struct output_past {
	uint64_t relayed_before;
	uint64_t tokens_bits, tokens_at_ns;
	uint64_t gso_again_ns, gso_wait_ns;
	struct zerocopy_output zerocopy;
	struct addr asker; /* family 0: none */
	uint8_t gso;
	bool cut_off, dark;
};

struct egress {
	struct ring *ring;
	struct pool *pool;
	struct train *trains;
	struct output_place **rooms;          /* of ROOM_OUTPUTS places each */
	uint32_t place_count;                 /* of outputs */
	uint32_t free_first;                  /* list of free places */
	struct place_list dirty[RULE_LEVELS]; /* outputs with something to flush, by level */
	uint32_t dirty_levels;                /* a bit for each of these that is not empty */
	uint32_t dirty_count;
	uint32_t look_at; /* place whose source address is looked at next */
	uint32_t train_count;
	uint32_t free;               /* list of free trains */
	uint32_t in_flight;          /* trains queued to the ring and not answered */
	uint32_t held;               /* trains answered that a device still reads */
	struct zerocopy zerocopy;    /* set up by the shard when an output uses it */
	uint32_t train_max;          /* datagrams a train, at most UDP_SEGMENTS_NEW_MAX */
	struct batch_stats *batches; /* outlives the egress */
	uint64_t queued;             /* sends queued since start */
	uint64_t now_ns;             /* of this turn; kept only when an output has a rate */
	uint64_t flush_wall_ns;      /* of this flush, by clock_wall_ns; 0: not needed so far */
	bool has_rate;
	bool has_level; /* some output is or was above level 0 */
};

/* Begins with trains and places for outputs, in rooms, cut off `arena'. All places are free, the
 * first to be taken first. With an arena that counts the egress is of no use. */
void egress_cut(struct egress *eg, uint32_t output_count, uint32_t train_count,
		struct arena *arena);

/* Adds `count' rooms, cut off `arena'; with one that counts nothing but that is done. */
void egress_add_rooms(struct egress *eg, uint32_t count, struct arena *arena);

/* All trains are free. */
void egress_init(struct egress *eg, uint32_t train_max, struct pool *pool);

/* How an output's socket was opened. */
struct egress_socket {
	int fd;
	uint32_t file;
	bool connected;
	bool gso;                /* wanted and known to the kernel */
	uint32_t mtu;            /* of the path; 0: unknown, 1500 is assumed */
	uint32_t zerocopy_bytes; /* shortest train sent without copying; 0: none. Needs a ring that
				  * can, and eg->zerocopy */
};

/* Gives a free place to an output of `rule', which is copied; the socket is still to come. NULL
 * when no place is free. */
struct output_place *egress_take_place(struct egress *eg, const struct rule_table_output *rule);

/* The output is gone; its place is free for the next. Nothing of it is queued or in flight. */
void egress_leave_place(struct egress *eg, struct egress_output *output);

/* The output has its socket: datagrams may be appended. */
void egress_open_output(struct egress *eg, struct egress_output *output,
			const struct egress_socket *sock);

/* From the next datagram on the output goes by `rule', which is the same output and differs in no
 * option of how its socket is bound. Trains that are there leave as they are. `gso': it may send
 * trains; one whose path has refused a train keeps to single datagrams for as long
 * as it would have. */
void egress_set_output(struct egress *eg, struct egress_output *output,
		       const struct rule_table_output *rule, bool gso);

/* In egress_past.c. What an output that is closed has behind it; and one that was just opened, with
 * the socket and the options of that, goes on from there. `stats' are that one's, too. */
void egress_tell_past(const struct output_place *place, struct output_past *out);
void egress_go_on(struct output_place *place, const struct output_past *past,
		  const struct output_stats *stats);

/* Its interface has gone: from now on what it takes is counted as `link_down'. What it has leaves
 * with the rest or is lost with the interface; once that is settled (egress_is_closed) its file
 * leaves the ring, and its descriptor is given back. It may be opened again then. */
void egress_suspend_output(struct egress *eg, struct egress_output *output);
int egress_take_socket(struct egress *eg, struct egress_output *output);

/* The path of an open output may be another one now, over an interface of MTU `device': what it
 * carries is found out anew, and trains that were given up are tried again. */
void egress_try_path(struct egress_output *output, uint32_t device);

/* What is known of the MTUs of an interface and of the path over it, 0: unknown. Pure. */
uint32_t egress_choose_mtu(uint32_t device, uint32_t path);

/* From the next datagram on trains carry what a path of `mtu' does, or of mtu= where that is less.
 */
void egress_set_mtu(struct egress_output *output, uint32_t mtu);

/* Looks whether the source address of some outputs has changed, the next ones in turn; those that
 * are connected, and have nothing under way, send from the new one then. */
void egress_follow_sources(struct egress *eg);

/* Nothing is appended to the output any more. Its open train is closed, and leaves with the rest by
 * later flushes; it is over when egress_is_closed says so. */
void egress_close_output(struct egress *eg, struct egress_output *output);
bool egress_is_closed(const struct egress_output *output);

/* Ends a closed output: its file leaves the ring, its descriptor is given back, its place is
 * free. What a device still reads of it is let go later, and concerns no other output. */
int egress_finish_output(struct egress *eg, struct egress_output *output);

/* What an output has not taken yet of a datagram, for want of a free train. */
struct egress_rest {
	const struct datagram *d;
	struct train_meta meta;
	uint32_t output;
	uint32_t per_send; /* datagrams that may travel in one send */
	uint32_t done;     /* datagrams taken */
	uint32_t at;       /* payload bytes taken */
};

/* Appends `d' to `output': offered, then sent or counted as dropped, sooner or later. False when
 * every train is in use: `rest' is what was not taken. Then the caller makes room, by flushing and
 * a ring turn, and appends the rest before anything else of this output; or drops it. */
bool egress_append(struct egress *eg, uint32_t output, const struct datagram *d,
		   struct egress_rest *rest);
bool egress_append_rest(struct egress *eg, struct egress_rest *rest);

/* The rest will never be sent, since the ring failed: counts it as `send_error'. */
void egress_drop_rest(struct egress *eg, const struct egress_rest *rest);

/* Whether a datagram that needs a train of its own would find one. */
static inline bool egress_has_train(const struct egress *eg)
{
	return eg->free != TRAIN_NONE;
}

/* Whether something waits to be flushed or answered. */
static inline bool egress_busy(const struct egress *eg)
{
	return eg->dirty_count > 0 || eg->in_flight > 0 || eg->held > 0;
}

static inline struct output_place *egress_place(const struct egress *eg, uint32_t index)
{
	return &eg->rooms[index / ROOM_OUTPUTS][index % ROOM_OUTPUTS];
}

static inline struct egress_output *egress_output(const struct egress *eg, uint32_t index)
{
	return &egress_place(eg, index)->output;
}

/* Notes that `output' has something to flush. */
static inline void egress_mark_dirty(struct egress *eg, struct egress_output *output)
{
	uint32_t index = place_index(output->token);
	struct place_list *list;

	if (output->dirty) {
		return;
	}
	list = &eg->dirty[output->level];
	output->dirty = true;
	output->next = PLACE_NONE;
	if (list->last == PLACE_NONE) {
		list->first = index;
	} else {
		egress_output(eg, list->last)->next = index;
	}
	list->last = index;
	eg->dirty_levels |= 1U << output->level;
	eg->dirty_count++;
}
