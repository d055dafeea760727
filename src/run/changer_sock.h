/* changer_sock.h - the sockets and the memory of a change: made, fitted, and unmade.
 *
 * What may block is here, and is done by the control thread. Private to changer.c, which says when.
 */
#pragma once

#include "src/run/changer.h"
#include "src/run/worker.h"

/* Opens what `step' brings, one of the changer's list, if it brings anything: an output's socket,
 * or that of a flow, which is fitted for its outputs and joined, or those of all shares of a
 * divided flow (changer_shares.h). Nothing for what is added on an
 * interface that is not there. 0 or -errno with `err'. No shard has a message. From then on until
 * changer_go_home the thread runs on the shard's node, where it may (near.h), for the socket to be
 * there; where it cannot go, that is said once. */
int changer_open(struct changer *changer, struct changer_step *step, struct err *err);

/* Goes where the shard is, as that does. */
void changer_go_near(struct changer *changer, uint32_t shard);

/* What the socket is to hear, and be like, that `step' is to bring a flow: one that is added, whose
 * outputs follow in the list, or one that waits in its place. Notes the interface by now in the
 * step. 0; 1: its interface is not there, and it is added without a socket; -errno with `err'. */
int changer_prepare_flow(struct changer *changer, struct changer_step *step,
			 struct rule_ingress *in, struct sock_want *want, struct err *err);

/* The thread runs again wherever it may. */
void changer_go_home(struct changer *changer);

/* Makes ready what `message' asks of an output of the running flow `flow': the flow's socket tells
 * what the output wants to know, the output's socket has its options. 0 or -errno with `err'. */
int changer_fit(const struct worker *worker, uint32_t flow, const struct changer_step *step,
		struct shard_message *message, struct err *err);

/* One in `latency_sample' receptions of the shard is to be timed, 0: none: its flows' sockets come
 * with stamps, or no longer do. Before the shard hears of it. */
void changer_stamp(struct worker *worker, uint32_t latency_sample);

/* The socket of running flow `flow' comes with stamps if it is to go on by `rule'. Before the shard
 * hears of it. */
void changer_stamp_flow(const struct worker *worker, uint32_t flow, const struct rule_flow *rule);

/* Takes in the answer to `message', which succeeded: counters of what has gone are kept, its socket
 * is left, read empty and closed. `step': that it belongs to, or NULL. */
void changer_keep(struct supervisor *sup, struct shard_message *message,
		  const struct changer_step *step);

/* Makes the message that adds rooms and blocks when `worker' has too few that are free for what is
 * wanted of it; their memory is added to `memories', and `wanted' is the message's until it is
 * answered. 1, or 0 when there are enough, or -errno with `err', -ESHUTDOWN when the shard has
 * begun to close. Nothing changes the places. */
int changer_map_rooms(const struct worker *worker, struct changer_shard *wanted,
		      struct changer_memory **memories, struct shard_message *message,
		      struct err *err);
