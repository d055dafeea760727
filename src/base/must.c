/* must.c - the end of a run in which one of our own assumptions did not hold.
 *
 * Any thread may come here in any state, so nothing is allocated and stdio is not used: one write,
 * then abort, which leaves a core dump for whoever mends it. A standard error that nobody reads
 * must not keep it from that.
 */
#include "src/base/must.h"

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define READER_WAIT_MS 1000

_Noreturn void must_fail(const char *file, int line, const char *condition)
{
	struct pollfd err = {.fd = STDERR_FILENO, .events = POLLOUT};
	char text[512]; /* less than PIPE_BUF: a pipe that is writable takes it whole */
	int used = snprintf(text, sizeof(text), "%s:%d: bug in numacast: must hold: %s\n", file,
			    line, condition);

	if (used > 0 && poll(&err, 1, READER_WAIT_MS) == 1) {
		size_t len = (size_t)used < sizeof(text) ? (size_t)used : sizeof(text) - 1;
		ssize_t written = write(STDERR_FILENO, text, len);

		(void)written; /* There is nowhere left to complain. */
	}
	abort();
}
