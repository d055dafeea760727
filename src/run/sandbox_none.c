/* sandbox_none.c - see sandbox.h, built without libseccomp or for a processor on which the answer
 * to a refused call is not known (refusals.c): no thread is limited, which is said at the start.
 */
#include <errno.h>
#include <stdio.h>

#include "src/run/sandbox.h"

int sandbox_build(bool fastpath, struct err *err)
{
	(void)fastpath;
	err_set(err, "sandbox: this program was built without filters of system calls; expected "
		     "libseccomp when it is built, on x86-64 or 64-bit ARM");
	return -ENOTSUP;
}

void sandbox_free(void)
{
}

void sandbox_enter(enum confine_kind kind)
{
	(void)kind;
}

int sandbox_refused(void)
{
	return 0;
}

const char *sandbox_name_call(int number, char text[SANDBOX_CALL_MAX])
{
	snprintf(text, SANDBOX_CALL_MAX, "number %d", number);
	return text;
}
