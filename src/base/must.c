/* must.c - the end of a run in which one of our own assumptions did not hold.
 *
 * Any thread may come here in any state, so nothing is allocated and stdio is not used: one write,
 * then abort, which leaves a core dump for whoever mends it.
 */
#include "src/base/must.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

_Noreturn void must_fail(const char *file, int line, const char *condition)
{
	char text[512];
	int used = snprintf(text, sizeof(text), "%s:%d: bug in numacast: must hold: %s\n", file,
			    line, condition);

	if (used > 0) {
		size_t len = (size_t)used < sizeof(text) ? (size_t)used : sizeof(text) - 1;
		ssize_t written = write(STDERR_FILENO, text, len);

		(void)written; /* There is nowhere left to complain. */
	}
	abort();
}
