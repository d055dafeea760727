/* control.h - the control socket's clients: lines in, lines out, each bounded.
 *
 * Nothing here waits: control_fd is one more file for the supervisor's poll, control_serve does
 * what can be done at once. A client has one request answered at a time, and the next is not read
 * before that answer is taken, so what is kept for it is one request and one answer. Bounded are
 * clients, bytes and time (limits at the top of control.c); whoever exceeds them is told and
 * dropped, and nobody else notices. All accept NULL, which is no control socket. Control thread.
 */
#pragma once

#include <stdint.h>

#include "src/base/log.h"
#include "src/run/door.h"

struct control;
struct supervisor;

/* Takes over `door', which may be not open: then `*out' is NULL. 0 or -errno with `err'; the door
 * is closed then. */
int control_open(struct supervisor *sup, const struct door *door, struct control **out,
		 struct err *err);

/* Readable when there is something to do; -1: never. */
int control_fd(const struct control *control);

/* How long to sleep at most when nothing happens: `most_ms', or less. `now_ns' is clock_now_ns(),
 * as below. */
int control_sleep_ms(const struct control *control, uint64_t now_ns, int most_ms);

void control_serve(struct control *control, uint64_t now_ns);

/* Whoever waits for an answer that is not yet written gets none. */
void control_close(struct control *control);
