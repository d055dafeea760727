/* sim.h - a world of two shards on rings that do what a list of events tells them.
 *
 *     trace.[ch]       events: made from a seed, printed, read again
 *     judge.[ch]       runs a trace in a process of its own, and shortens one that fails
 *     world.c          opens the shards: real relay, egress, pool and mailbox, the fake ring
 *     sockets.c        what the kernel would have: queues, drops, errors, MTUs, and the clock
 *     circle.c         what somebody bridges back to where it came from
 *     due.c            what ought to become of what a flow is handed
 *     event.c          does what an event says
 *     change.c         control, which changes rules by messages, one job at a time
 *     answer.c         of that, what the answers mean
 *     feed.c           feeds of two legs each: traffic, and how control makes, moves and ends them
 *     twins.c          a rule on two machines that change places: traffic, control and law
 *     watch.c          looks at each message that is sent
 *     law.c            what must hold after each event
 *     simulate.c       the program
 *
 * Nothing here is random and no real time passes: the same events do the same. Whoever is named in
 * an event is named modulo what there is, so that any part of a trace is a trace. One thread.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "shard/change.h"
#include "shard/relay.h"
#include "src/base/arena.h"
#include "tests/fake/ring_fake.h"

#define SIM_SHARDS       2
#define SIM_FLOWS        8 /* at once, in all */
#define SIM_OUTPUTS      24
#define SIM_FLOW_OUTPUTS 4 /* of one flow */
#define SIM_FEEDS        2
#define SIM_LEGS         2
#define SIM_NUMBERS      131072 /* of a feed, that are remembered */
#define SIM_LATELY       16     /* packets of a feed that may be brought again */
#define SIM_PLAN         8
#define SIM_SOCKS        64
#define SIM_ROOMS_MAX    2 /* added to a shard */
#define SIM_QUEUE        512
#define SIM_FD           5000 /* of the first socket; none of them is open */
#define SIM_NONE         UINT32_MAX
#define SIM_EMPTY        UINT32_MAX /* the number of a datagram without a byte */
#define SIM_HEAD_BYTES   13         /* number, feed, length, TTL, TOS, sender of each datagram */
#define SIM_RETURNS      16         /* that are on the way back, or wait */
#define SIM_SENDERS      4
#define SIM_STEP_NS      20000ULL /* a turn takes so long */
#define SIM_WALL_S       1000000  /* the other clock is so far ahead */

/* What a world is like: from its seed, and the first line of a trace. */
struct sim_conf {
	uint32_t seed;
	uint32_t slots_small, slots_train; /* of a shard */
	uint32_t trains, train_max;
	uint32_t zerocopy; /* shortest train sent without copying; 0: none */
	uint32_t mtu;
	uint32_t queue; /* of a socket; what comes then is dropped */
	uint32_t end;   /* how the shards end, an enum sim_end each, two bits */
};

enum sim_end {
	SIM_END_DRAIN,
	SIM_END_QUIT,
	SIM_END_FAIL,      /* the ring fails */
	SIM_END_HAND_OVER, /* some sockets are left to who comes next */
	SIM_END_KINDS,
};

struct sim_packet {
	uint32_t first; /* number of its first datagram */
	uint32_t count, segment, last_bytes;
	uint8_t ttl, tos; /* received; 0: not told */
	uint8_t sender;   /* 0 to SIM_SENDERS - 1 */
	bool control_cut, ends, echo;
	bool returned;     /* it was sent by an output of its flow */
	uint64_t stamp_ns; /* 0: none */
};

struct sim_sock {
	bool open, refuses, left;
	bool noted;    /* what it has dropped was, for who comes next */
	uint32_t flow; /* that receives from it, or SIM_NONE */
	uint32_t output;
	struct sim_packet queue[SIM_QUEUE];
	uint32_t head, count;
	uint32_t drops;
	uint32_t icmp; /* in its error queue */
	uint32_t mtu;  /* of the path, now */
};

/* What one flow is, wherever it stands, and what ought to have become of what it was brought. */
struct sim_flow {
	bool used, busy; /* busy: control is about to end or move it */
	bool held;       /* control has told it to wait */
	uint32_t feed;   /* no two flows ever have the same */
	uint32_t shard, token, sock;
	uint32_t of_feed, leg; /* of_feed: SIM_NONE, or which one it is a leg of */
	bool is_twin;
	bool circled;        /* what it has sent has come back */
	uint32_t circles_by; /* output of which it does; SIM_NONE: none */
	uint64_t returned;   /* datagrams that did */
	uint32_t *log;       /* numbers that are to be relayed, in the order of the ring */
	uint32_t log_count, log_room, next_number;
	uint64_t handed; /* datagrams the ring has had */
	uint64_t drops[FLOW_DROP_COUNT], relayed;
	uint64_t lost; /* at sockets it has had: of which it was told when they were closed */
	struct rule_flow rule;
};

struct sim_output {
	bool used, busy;
	uint32_t flow, token, sock; /* sock: SIM_NONE while it is pending */
	uint32_t old_token, old_sock;
	struct rule_table_output rule;
	bool meta_changed;               /* what it is to send with is not known exactly any more */
	bool cut_off, dark, sourceless;  /* it had a socket once; it has one, and is not to send */
	uint8_t asked;                   /* sim_name of who asked last; 0: nobody */
	uint64_t due[OUTPUT_DROP_COUNT]; /* known to be dropped before they are in a train */
	uint32_t mtu_told;
	uint32_t cursor; /* in its flow's log, behind what it sent last */
	uint64_t sent, sent_bytes;
	uint64_t base; /* relayed by its flow before it came */
};

/* Two legs that bring the same, and what was judged of it. A wild one has a window and a skew= that
 * traffic does not keep to: what becomes of a datagram of it is not foretold, only that it is
 * counted. */
struct sim_feed {
	bool used, wild;
	uint32_t legs[SIM_LEGS]; /* flows; the first has the outputs */
	struct rule_merge key;
	uint32_t next_number;
	struct sim_packet lately[SIM_LATELY];
	uint32_t lately_count;        /* ever */
	uint8_t brought[SIM_NUMBERS]; /* by which legs, a bit each */
	uint32_t first, end;          /* lowest number that was, and the one behind the highest */
	uint32_t distinct;            /* numbers that were */
	uint32_t leg_first[SIM_LEGS]; /* lowest number that the leg brought, if it has any */
	bool joined[SIM_LEGS];        /* it has */
	uint64_t relayed;
};

enum sim_relief {
	SIM_SETTLED, /* one relays, the other one stands by */
	SIM_HELD,    /* that receives nothing */
	SIM_NOTES,   /* the one that goes stands by, and writes marks down */
	SIM_READ,    /* they are written down */
	SIM_FOLLOWS, /* the one that comes waits for them */
};

/* One rule on two machines, each a shard here, which hear the same. */
struct sim_twins {
	bool used;
	bool late; /* it takes too long: nothing is promised */
	uint32_t flows[SIM_SHARDS];
	uint32_t active;  /* shard */
	uint32_t reliefs; /* since the law was looked at */
	enum sim_relief phase;
	uint64_t phase_ns;
	struct baton *notes, *follows;
	uint32_t next_number, seen_from;
	uint32_t trusted_from; /* before it something was late */
	uint64_t brought, relayed_base;
	uint8_t sent_by[SIM_NUMBERS]; /* 0: nobody, or a shard and 1 */
	uint8_t senders[SIM_NUMBERS];
};

/* What the ring of a shard is told. */
struct sim_weather {
	uint32_t odds; /* one send in so many fails; 0: none */
	uint32_t kind; /* by which errors */
	unsigned seed;
};

struct sim_world;

struct sim_shard {
	struct sim_world *world;
	uint32_t number;
	struct arena arena, rooms[SIM_ROOMS_MAX];
	uint32_t room_count;
	struct pool pool;
	struct egress egress;
	struct relay relay;
	struct mailbox mailbox;
	struct ring *ring;
	struct pool_class_stats pool_stats[POOL_CLASS_COUNT];
	struct ring_stats ring_stats;
	struct batch_stats batches;
	struct sim_weather weather;
	uint32_t turns;
	int ended;                /* what its last turn returned */
	uint64_t drains_until_ns; /* it was told to end, and relays what there is; 0: not yet */
};

/* What control is doing. */
enum sim_job_kind {
	SIM_IDLE,
	SIM_ADD_FLOW,
	SIM_REMOVE_FLOW,
	SIM_MOVE_TAKE,
	SIM_MOVE_GIVE,
	SIM_ADD_OUTPUT,
	SIM_REMOVE_OUTPUT,
	SIM_REPLACE_OUTPUT,
	SIM_SET_OUTPUT,
	SIM_OPEN_OUTPUT,
	SIM_CLOSE_OUTPUT,
	SIM_TRY_PATH,
	SIM_OPEN_FLOW,
	SIM_CLOSE_FLOW,
	SIM_SET_FLOW,
	SIM_SET_DUTIES,
	SIM_SET_ECHOES,
	SIM_ADD_ROOM,
	SIM_MAKE_FEED,
	SIM_HOLD_LEG,
};

/* A job that follows when the one before is done, all of one feed. */
struct sim_step {
	enum sim_job_kind kind;
	uint32_t leg;
};

struct sim_job {
	enum sim_job_kind kind;
	uint32_t shard, target; /* target: where a flow moves to */
	uint32_t flow, output;
	uint32_t fresh; /* socket brought; SIM_NONE: none */
	uint32_t parts[SIM_FLOW_OUTPUTS];
	uint32_t part_count;
	bool taken; /* by the shard */
	bool begun;
	uint64_t relayed; /* by the flow when it was taken */
	struct shard_duty duty;
	struct rule_table_output rule;
	struct shard_message message, list[SIM_FLOW_OUTPUTS + 2];
};

struct sim_world {
	struct sim_conf conf;
	struct sim_shard shards[SIM_SHARDS];
	struct sim_flow flows[SIM_FLOWS];
	struct sim_output outputs[SIM_OUTPUTS];
	struct sim_sock socks[SIM_SOCKS];
	struct sim_feed feed_list[SIM_FEEDS];
	struct sim_twins twins;
	struct sim_job job;
	struct sim_step plan[SIM_PLAN];
	uint32_t plan_count, plan_at, plan_feed, plan_shard, plan_kind;
	bool plan_twins;
	uint32_t feeds, ports; /* given so far */
	uint64_t clock_ns;
	uint32_t clock_reads; /* since the last event */
	unsigned char payload[UDP_PAYLOAD_MAX];
};

/* The one that is open: what the kernel is asked stands beside no world. */
extern struct sim_world *sim_world;

struct sim_event;

/* A law is broken: notes `text', and is the end of this process. In judge.c. */
_Noreturn void sim_broken(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* ---- world.c ---- */

void sim_open(struct sim_world *w, const struct sim_conf *conf);

/* Ends the shards as the world's conf says. Nothing must be left. */
void sim_close(struct sim_world *w);

/* One turn of a shard; control takes its answer, if there is one. */
void sim_turn(struct sim_world *w, uint32_t shard);

/* A message or a flag was left for the shard. */
void sim_wake(struct sim_shard *s);

/* The sky clears over a shard. */
void sim_clear_sky(struct sim_shard *s);

/* The sky clears, and all that waits gets through; whoever is left behind has been forgotten. */
void sim_settle(struct sim_world *w);

/* ---- sockets.c ---- */

/* The number of a fresh socket; SIM_NONE: there are no more. And the end of it. */
uint32_t sim_sock_open(struct sim_world *w, uint32_t flow, uint32_t output);
void sim_sock_close(struct sim_world *w, uint32_t sock);

static inline int sim_fd(uint32_t sock)
{
	return sock == SIM_NONE ? -1 : SIM_FD + (int)sock;
}

/* A packet comes to the socket of a flow, which has one; its datagrams are numbered. */
void sim_arrive(struct sim_world *w, struct sim_flow *flow, struct sim_packet packet);

/* For fake_feed_from. */
bool sim_feed(void *context, int fd, size_t room, struct fake_datagram *out);

/* One number for the sender of a packet, which is not 0, and who that is; whether it is another one
 * than flows with a source name. */
uint8_t sim_name(const struct sim_packet *packet);
struct addr sim_sender(uint8_t name);
bool sim_is_foreign(const struct sim_packet *packet);
struct addr sim_address(uint8_t last, uint16_t port);

uint32_t sim_packet_bytes(const struct sim_packet *packet);

/* ---- circle.c ---- */

/* For a while what a flow sends comes back to it; then the circle is broken. */
void sim_circle(struct sim_world *w, const struct sim_event *event);

/* The flow's output has sent that. */
void sim_come_back(struct sim_world *w, const struct sim_output *output, const unsigned char *at,
		   uint32_t bytes);

/* ---- due.c ---- */

/* Notes what ought to become of a packet that the ring has had for a slot of `room' bytes, in the
 * order of shard/ingress.c, and then at each output, as far as that is certain. */
void sim_expect(struct sim_world *w, struct sim_flow *flow, const struct sim_packet *packet,
		size_t room);

/* ---- event.c ---- */

void sim_do(struct sim_world *w, const struct sim_event *event);

/* One that receives, or might, and is no twin; NULL: there is none. */
struct sim_flow *sim_any_flow(struct sim_world *w, uint32_t choice);

/* ---- watch.c ---- */

/* For fake_decide_sends: what becomes of a send, by the weather; one that leaves is looked at. */
int32_t sim_decide(void *context, const struct fake_send *send);

/* ---- change.c, answer.c ---- */

/* Begins a job, unless another one is under way or it cannot be. */
void sim_change(struct sim_world *w, const struct sim_event *event);

/* Adds a flow with outputs, at the start. */
void sim_begin_flow(struct sim_world *w, uint32_t shard, uint32_t outputs, uint32_t kind);

/* The same, of a leg, in that place of `flows'. */
void sim_add_leg(struct sim_world *w, const struct sim_feed *feed, uint32_t leg, uint32_t outputs);

/* The same, of the twin on that shard. */
void sim_add_twin(struct sim_world *w, uint32_t shard);

/* Tells one flow what it has to do. */
void sim_ask_duty(struct sim_world *w, uint32_t flow, const struct shard_duty *duty);

/* Takes a flow and its outputs away, to end it or to move it. */
void sim_take_flow(struct sim_world *w, uint32_t flow, enum sim_job_kind kind);

/* The shard may have answered. */
void sim_take_answer(struct sim_world *w, struct sim_shard *s);

/* Sends what the job's message asks. */
void sim_ask(struct sim_world *w, uint32_t shard);

/* Gives a flow that moves, as it was taken, to shard `job.shard'. */
void sim_give(struct sim_world *w);

/* How an output's socket is used. */
struct egress_socket sim_egress_socket(const struct sim_world *w, uint32_t output, uint32_t sock);

/* ---- feed.c ---- */

/* So many bytes has a feed of a shard. */
size_t sim_feed_bytes(void);

/* What an event says: a packet on the legs, or one of lately again. */
void sim_bring_feed(struct sim_world *w, const struct sim_event *event, struct sim_packet packet);
void sim_bring_again(struct sim_world *w, const struct sim_event *event);

/* Begins to add one, and to move or end that of a leg; step by step. */
void sim_begin_feed(struct sim_world *w, const struct sim_event *event);
void sim_change_feed(struct sim_world *w, uint32_t feed, enum sim_job_kind kind);
void sim_next_step(struct sim_world *w);

/* What the outputs of the flow have been offered since the start, as far as it is foretold. */
uint64_t sim_offered(const struct sim_world *w, const struct sim_flow *flow);

/* What becomes of what it is handed is not foretold. */
bool sim_is_wild(const struct sim_world *w, const struct sim_flow *flow);

/* Its laws; `over': all its numbers are settled. */
void sim_check_feed(const struct sim_world *w, const struct sim_feed *feed, bool over);

/* ---- twins.c ---- */

void sim_begin_twins(struct sim_world *w);
void sim_bring_twins(struct sim_world *w, struct sim_packet packet, uint32_t times);

/* The next step of changing places, if its time has come. */
void sim_relieve(struct sim_world *w);

/* The flow, one of them, has sent a number. */
void sim_twin_sent(struct sim_world *w, const struct sim_flow *flow, uint32_t number);
void sim_check_twins(struct sim_world *w);

/* ---- law.c ---- */

void sim_check(struct sim_world *w);

/* The shard has receptions that it has not looked at: where a change has let go what was held, and
 * made room for that by a turn of the ring. */
bool sim_has_more(const struct sim_world *w, uint32_t shard);

/* Of a flow or an output that has left, by what was told of it. */
void sim_check_flow(const struct sim_world *w, const struct sim_flow *flow,
		    const struct flow_stats *stats, uint64_t held);
void sim_check_output(const struct sim_world *w, const struct sim_output *output,
		      const struct output_stats *stats, uint64_t pending);
