/* lane_look.h - who is carried by the program; lane.c and nobody else uses it. Control thread. */
#pragma once

#include "src/run/lane.h"

/* Looks at all configured flows: puts those that can be carried, drops the others, and says of each
 * reason once that it stands in the way of flows that ask for it. */
void lane_look(struct supervisor *sup);

/* 0, or -EINVAL with `err' when a flow that asks for it never can be carried. */
int lane_check_all(const struct supervisor *sup, struct err *err);

/* NULL: it is not configured, or was not looked at yet. */
struct lane_verdict *lane_verdict_of(const struct lane *lane, const struct rule_ingress *in);
