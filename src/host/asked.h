/* asked.h - asks for the addresses of the hosts that rules name, and waits for the answers.
 *
 * Only an inspection may wait for DNS. Control thread.
 */
#pragma once

#include "src/host/host.h"

/* Fills in `facts->names', the first of them, within a few seconds. 0 or -ENOMEM; what is not
 * answered by then says so. */
int asked_names(const struct setup *setup, struct host_facts *facts);
