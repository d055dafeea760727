/* change_place.h - whom a message means, and what becomes of the sockets it brings.
 *
 * The steps of change.c that take a place or give its holder a socket. Shard thread.
 */
#pragma once

#include "shard/change.h"

/* NULL when the holder that `token' names has left. */
struct ingress_flow *change_find_flow(const struct relay *r, uint32_t token);
struct egress_output *change_find_output(const struct relay *r, uint32_t token);

/* SHARD_OPEN_FLOW and SHARD_OPEN_OUTPUT: 0, or what they are answered. */
int change_open_flow(struct relay *r, const struct shard_message *m);
int change_open_output(struct relay *r, struct shard_message *m);

/* SHARD_CLOSE_FLOW and SHARD_CLOSE_OUTPUT: the same; and whether all that was under way is over,
 * and `m' has the socket. */
int change_close_flow(struct relay *r, const struct shard_message *m);
bool change_finish_closed_flow(struct relay *r, struct shard_message *m);
int change_close_output(struct relay *r, const struct shard_message *m);
bool change_finish_closed_output(struct relay *r, struct shard_message *m);

/* SHARD_TRY_PATH. */
int change_try_path(struct relay *r, const struct shard_message *m);

/* SHARD_HOLD_FLOW, and whether it is over. */
int change_hold_flow(struct relay *r, const struct shard_message *m);
bool change_finish_held_flow(struct relay *r, const struct shard_message *m);

/* SHARD_SET_WAITS. */
int change_set_waits(struct relay *r, const struct shard_message *m);

/* SHARD_SET_DUTIES, and whether what is held has come to rest. */
int change_set_duties(struct relay *r, const struct shard_message *m);
bool change_finish_duties(const struct relay *r, const struct shard_message *m);

/* A place and a file for the output that `m' brings; 0 with `*out', or -errno. */
int change_take_output(struct relay *r, struct shard_message *m, struct output_place **out);

/* The last output of `flow', or PLACE_NONE, if one that sends to where `out' does may follow: 0, or
 * what ADD_OUTPUT is answered. */
int change_find_end(const struct relay *r, const struct ingress_flow *flow,
		    const struct rule_output *out, uint32_t *last);

/* Out of the list of its flow, if that is still there. */
void change_unlink_output(struct relay *r, const struct egress_output *output);

/* What names place `index' in the list of `flow', which it is in. */
uint32_t *change_find_link(struct relay *r, struct ingress_flow *flow, uint32_t index);
