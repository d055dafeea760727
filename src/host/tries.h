/* tries.h - does for a moment what the daemon will do at start, to see whether it may.
 *
 * Capabilities, limits and sysctls tell little in a user namespace or a container; trying tells.
 * Nothing is joined, nothing is sent, and everything is undone. Control thread.
 */
#pragma once

#include "src/host/host.h"

/* Fills in facts->tries and what is known of rings. */
void host_try(const struct setup *setup, struct host_facts *facts);
