/* report_rows.h - the members that tell of one shard, flow, output or class of buffers.
 *
 * The exit report builds its tree of such objects, `show' its tables; a member that is not wanted
 * costs next to nothing. Out of memory is fatal. Control thread.
 */
#pragma once

#include "src/run/report_put.h"

struct egress_output;
struct ingress_flow;
struct json_t;
struct output_place;
struct shard;
struct supervisor;
struct worker;

/* Without its pool. */
void report_put_shard(const struct worker *w, const struct report_want *want, struct json_t *row);

/* Class `class' of the shard's pool. */
void report_put_pool(const struct shard *shard, unsigned class, const struct report_want *want,
		     struct json_t *row);

/* A flow on one shard, without its outputs. */
void report_put_flow(const struct supervisor *sup, const struct worker *w,
		     const struct ingress_flow *flow, const struct report_want *want,
		     struct json_t *row);

/* Whether the rule of that name relays here, and by an order, how often it has taken over, and when
 * that changed last. */
void report_put_duty(const struct supervisor *sup, const char *rule, const struct report_want *want,
		     struct json_t *row);

/* Where an output stands. */
struct report_spot {
	const struct worker *w;
	const struct ingress_flow *flow;
	const struct output_place *place;
};

/* An output, with what its flow had relayed without it. */
void report_put_output(const struct supervisor *sup, const struct report_spot *spot,
		       const struct report_want *want, struct json_t *row);
