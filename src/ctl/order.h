/* order.h - one command: asks the daemon and prints what it answers.
 *
 * One thread.
 */
#pragma once

#include "src/ctl/client.h"
#include "src/ctl/options.h"

/* Does the command in `opt', which is a request, over `client'. What was refused or went wrong is
 * told on standard error behind `where' ("numacastctl", "FILE:LINE"). An exit status. */
enum ctl_status order_do(struct client *client, const struct ctl_opt *opt, const char *where);
