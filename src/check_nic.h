/* check_nic.h - what the running daemon takes from the host check: interrupts on the wrong node.
 *
 * Control thread, at start.
 */
#pragma once

#include "src/supervisor.h"

/* Warns of each ingress interface whose interrupts go to another node than the shards that own its
 * flows, with the cure. Reads below `root' (the empty string in production). */
void check_nic_warn(const struct supervisor *sup, const char *root);
