/* watch_leg.h - what the operator is told of the legs of a feed.
 *
 * Private to watch.c. Control thread.
 */
#pragma once

struct ingress_flow;
struct watch_told;

/* Looks at a flow, a leg or not, of which `told' has been said: that it is silent while another leg
 * is heard, that it is heard again, also when both were so since the last look, and once that it is
 * no copy of the feed. */
void watch_leg(struct watch_told *told, const struct ingress_flow *flow);
