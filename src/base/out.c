/* out.c - the end of an answer. See out.h.
 *
 * A stream remembers that a write failed but not why. What refuses one buffer mostly refuses the
 * next too, so the last flush tells the cause nearly always.
 */
#include "src/base/out.h"

#include <errno.h>

int out_finish(FILE *out)
{
	errno = 0;
	if (fflush(out) != 0 && errno != 0) {
		return -errno;
	}
	return ferror(out) ? -EIO : 0;
}
