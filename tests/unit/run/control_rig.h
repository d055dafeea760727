/* control_rig.h - a control socket without a path, over a supervisor built by hand, and clients.
 *
 * Time is the test's: it stands still until the test moves it.
 */
#pragma once

#include "src/run/control.h"
#include "tests/unit/run/supervisor_rig.h"

struct control_rig {
	struct sup_rig sup;
	struct control *control;
	uint64_t now_ns;
	int door; /* as the control has it */
};

void control_rig_open(struct control_rig *rig);
void control_rig_close(struct control_rig *rig);

/* A client, which waits for nothing. */
int control_rig_connect(const struct control_rig *rig);

/* Serves until there is nothing to do. */
void control_rig_pump(struct control_rig *rig);

/* Sends all of `text', or as much as is taken, serving meanwhile. How much. */
size_t control_rig_send(struct control_rig *rig, int fd, const char *text, size_t len);

/* Serves, then the next line that came; NULL: none; "": the connection has ended. */
const char *control_rig_read(struct control_rig *rig, int fd);
