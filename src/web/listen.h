/* listen.h - the socket of --metrics, and how its address is written.
 *
 * Any thread.
 */
#pragma once

#include <stdint.h>

#include "src/base/addr.h"
#include "src/base/log.h"

/* A socket that listens at `at'; `::' takes IPv4 as well. 0 or -errno with `err'. */
int listen_at(const struct addr *at, int *out, struct err *err);

/* The port it got. */
uint16_t listen_port(int fd);
