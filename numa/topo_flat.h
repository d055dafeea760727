/* topo_flat.h - a topology as bytes, from one process to another of the same program (step 1).
 *
 * The bytes are the structs as they are, arrays behind the head. Who wrote them may have gone wrong
 * over a broken file, so the reader believes nothing: not a length, a number that points into an
 * array, a flag or the end of a text. Only numa/topo_load.c includes this, and tests. Control
 * thread, at start.
 */
#pragma once

#include <stddef.h>

#include "numa/topo.h"

#define TOPO_FLAT_MAX ((size_t)64 << 20) /* 4096 CPUs in 64 nodes are half a MiB */

/* The bytes of `topo', to be freed, and how many; NULL: out of memory, or more than TOPO_FLAT_MAX.
 */
void *topo_flat_write(const struct topo *topo, size_t *out_len);

/* The topology that they are, as topo.h has it. 0, -EBADMSG: they are none, or -ENOMEM. */
int topo_flat_read(const void *bytes, size_t len, struct topo *out);
