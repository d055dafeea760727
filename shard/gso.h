/* gso.h - what this kernel can do with trains (step 10), found out once, before the shards start.
 *
 * Linux cuts one send into at most 64 datagrams, from 6.9 on 128 (UDP_MAX_SEGMENTS), so the limit
 * is tried, not guessed from the version. One thing cannot be tried cheaply: some kernels corrupt
 * trains on the way through a device. Those are known by their release. Control thread.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

/* Most datagrams a single send may carry: 128, 64, or 1 when the kernel knows no UDP_SEGMENT. Asks
 * by sending to a socket of our own on the loopback address; 64 when there is no loopback. */
uint32_t gso_probe_segments(void);

/* Whether the kernel of that release (uname -r) is known to corrupt trains. Pure. */
bool gso_is_known_bad(const char *release);
