/* ring_rig.h - a ring with slots and sockets around it, for the tests of the engines.
 *
 * A rig opens one engine in one of several ways (rig_variants: plain, batching, spinning, with
 * SQPOLL, without a file table), lends it slots from ordinary memory, and collects what arrives.
 * All traffic stays on the loopback interface or in socket pairs. One test, one rig, one process.
 */
#pragma once

#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>

#include "shard/ring.h"
#include "shard/slot.h"

#define RIG_SLOT_BYTES 2048 /* of group 0 */
#define RIG_SLOTS_MAX  256
#define RIG_SENDS      128
#define RIG_FLOWS      64
#define RIG_GOT_MAX    512
#define RIG_TURNS_MAX  20000 /* of at most RIG_WAIT_US each, until a test gives up */
#define RIG_WAIT_US    1000

struct rig_variant {
	const char *name;
	enum ring_engine engine;
	void (*tweak)(struct ring_params *params); /* NULL: defaults */
};

extern const struct rig_variant rig_variants[];
extern const int rig_variant_count; /* those to loop over */
extern const int rig_variant_auto;  /* the index of one more: RING_ENGINE_AUTO */

/* A datagram that arrived, copied out of its slot. */
struct rig_got {
	uint32_t flow;
	struct slot_head head;
	struct sockaddr_storage name;
	unsigned char control[SLOT_CONTROL_BYTES];
	unsigned char payload[RIG_SLOT_BYTES];
};

struct rig {
	struct ring *ring;
	struct ring_params params;
	struct ring_stats stats;
	struct arena arena;
	struct err features;
	unsigned char *slots; /* of group 0 */
	bool slot_lent[RIG_SLOTS_MAX];
	bool relend; /* lend a slot again as soon as its datagram was copied */
	uint32_t got_count;
	struct rig_got got[RIG_GOT_MAX];
	uint32_t ended_count; /* events that ended a receive, and the last of them */
	int32_t ended_res;
	uint32_t ended_flow;
	uint32_t rearm_file[RIG_FLOWS];    /* with `rearm': the file of each flow */
	bool rearm;                        /* arm a flow again when its receive ended */
	int in_fd, out_fd;                 /* rig_open_pair */
	struct msghdr messages[RIG_SENDS]; /* rig_queue_numbers, by token */
	struct iovec vectors[RIG_SENDS];
	uint32_t numbers[RIG_SENDS];
	uint32_t sent_count;
	struct ring_sent sent[RIG_GOT_MAX];
};

/* Parameters that fit a rig; to be changed before rig_open. */
void rig_init(struct rig *rig);

/* Opens variant `index'; aborts the test on failure. */
void rig_open(struct rig *rig, int index);
void rig_close(struct rig *rig);

/* Opens a rig with a UDP socket as file 0, flow 0's, and one connected to it as file 1. */
void rig_open_pair(struct rig *rig, int index, int family);
void rig_close_pair(struct rig *rig);

/* Numbers as datagrams of 4 bytes: sent by hand; the one that arrived as `index'; queued on `file'
 * with tokens equal to the numbers. */
void rig_send_number(int fd, uint32_t number);
uint32_t rig_got_number(const struct rig *rig, uint32_t index);
void rig_queue_numbers(struct rig *rig, uint32_t file, uint32_t first, uint32_t count);

/* The control message of `level' and `type' that came with datagram `index', as an int. */
bool rig_got_control(struct rig *rig, uint32_t index, int level, int type, int *out);

/* Lends slot `index' of group 0. */
void rig_lend(struct rig *rig, uint32_t index);
void rig_lend_range(struct rig *rig, uint32_t first, uint32_t count);

/* One turn, then takes all events. */
void rig_turn(struct rig *rig, uint32_t wait_us);

/* Turns until so many datagrams, answers or ends have come in all; fails the test after
 * RIG_TURNS_MAX turns. */
void rig_until_got(struct rig *rig, uint32_t count);
void rig_until_sent(struct rig *rig, uint32_t count);
void rig_until_ended(struct rig *rig, uint32_t count);

/* Cancels `flow' and waits for its end; takes every lent slot back. */
void rig_stop_flow(struct rig *rig, uint32_t flow);
uint32_t rig_reclaim_all(struct rig *rig);

/* A UDP socket on the loopback address of `family', its own port in `at'. */
int rig_udp(int family, struct sockaddr_storage *at);
/* The same, connected to `to'. */
int rig_udp_to(const struct sockaddr_storage *to);
socklen_t rig_name_len(const struct sockaddr_storage *at);
