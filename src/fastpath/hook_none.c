/* hook_none.c - in place of hook.c where there is no program to attach. */
#include "src/fastpath/hook.h"

#include <errno.h>

int hook_attach(struct hooks *hooks, int program_fd, unsigned ifindex, struct hook *out,
		struct err *err)
{
	(void)hooks;
	(void)program_fd;
	(void)ifindex;
	(void)out;
	err_set(err, "this numacast was built without libbpf or clang");
	return -ENOTSUP;
}

void hook_detach(struct hooks *hooks, struct hook *hook)
{
	(void)hooks;
	(void)hook;
}

void hooks_free(struct hooks *hooks)
{
	(void)hooks;
}
