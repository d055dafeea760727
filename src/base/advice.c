/* advice.c - one errno, one advice. See advice.h. */
#include "src/base/advice.h"

#include <errno.h>

static const char no_memory[] = "free memory, or raise MemoryMax= of the unit";

const char *advice_for_file(int error)
{
	switch (error) {
	case EMFILE:
		return "raise the limit with `ulimit -n' or LimitNOFILE= in the unit";
	case ENFILE:
		return "the whole host has run out of files: raise the sysctl fs.file-max";
	case ENOMEM:
	case ENOBUFS:
		return no_memory;
	case EPERM:
	case EACCES:
	case ENOSYS:
		return "a sandbox forbids it: look at SystemCallFilter= of the unit, or at the "
		       "seccomp profile of the container";
	default:
		return "the kernel's log (`dmesg') may say why";
	}
}

const char *advice_for_thread(int error)
{
	switch (error) {
	case EAGAIN:
		return "raise the limit of tasks: `ulimit -u', TasksMax= in the unit, pids.max of "
		       "the control group, or the sysctl kernel.threads-max";
	case ENOMEM:
		return no_memory;
	default:
		return advice_for_file(error);
	}
}
