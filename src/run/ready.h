/* ready.h - what must be done and known before a shard starts, and what is told once all do.
 *
 * Limits, then the user, then whatever must be tried as that user: the log's thread, the report's
 * file, the engine, the control socket, the marks on the ingresses. Control thread.
 */
#pragma once

#include "src/base/log.h"

struct supervisor;

/* 0 or -errno with `err'. */
int ready_get(struct supervisor *sup, struct err *err);

/* All shards are live: says so in the log and to the service manager. */
void ready_announce(struct supervisor *sup);
