/* out.c - the end of an answer. See out.h.
 *
 * A stream remembers that a write failed but not why. What refuses one buffer mostly refuses the
 * next too, so the last flush tells the cause; and where nothing was left for it, one more byte
 * does.
 */
#include "src/base/out.h"

#include <errno.h>

int out_finish(FILE *out)
{
	errno = 0;
	if (fflush(out) != 0 && errno != 0) {
		return -errno;
	}
	if (!ferror(out)) {
		return 0;
	}
	clearerr(out);
	return putc('\n', out) != EOF && fflush(out) == 0 ? -EIO : errno != 0 ? -errno : -EIO;
}
