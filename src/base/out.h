/* out.h - whether all that was printed to a stream has arrived, and if not why.
 *
 * Any thread that owns the stream.
 */
#pragma once

#include <stdio.h>

/* Flushes. 0, or -errno of a write that failed; -EIO when it was an earlier one, whose cause nobody
 * kept. */
int out_finish(FILE *out);
