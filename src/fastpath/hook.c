/* hook.c - see hook.h; links by bpf(2) itself, which is younger than our libbpf, filters by libbpf.
 */
#include "src/fastpath/hook.h"

#include <bpf/libbpf.h>
#include <errno.h>
#include <linux/bpf.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <unistd.h>

#include "src/fastpath/filters.h"

#define TCX_INGRESS 46 /* BPF_TCX_INGRESS of newer headers */
#define TRIES       3

static int attach_link(int program_fd, unsigned ifindex, int *out);
static int attach_filter(struct hooks *hooks, int program_fd, struct hook *hook, struct err *err);
static void detach_filter(const struct hooks *hooks, const struct hook *hook);
static int take_handle(struct hooks *hooks);
static int lock_handle(uint32_t handle);
static bool sweep(unsigned ifindex, uint32_t own);
static bool is_empty(unsigned ifindex);
static void remove_filter(unsigned ifindex, uint32_t handle);
static void explain(int rc, unsigned ifindex, struct err *err);

int hook_attach(struct hooks *hooks, int program_fd, unsigned ifindex, struct hook *out,
		struct err *err)
{
	struct hook hook = {.kind = HOOK_LINK, .ifindex = ifindex, .link = -1};
	int rc = -EINVAL;

	if (!hooks->outlives && filters_count(ifindex, true) == 0) {
		rc = attach_link(program_fd, ifindex, &hook.link);
	}
	if (rc == -EINVAL || rc == -EOPNOTSUPP || rc == -E2BIG) {
		hook.kind = HOOK_FILTER;
		rc = attach_filter(hooks, program_fd, &hook, err);
		/* A kernel without filters may have links. */
		if (rc < 0 && hooks->outlives &&
		    attach_link(program_fd, ifindex, &hook.link) == 0) {
			hook.kind = HOOK_LINK;
			rc = 0;
		}
	} else if (rc < 0) {
		explain(rc, ifindex, err);
	}
	if (rc == 0) {
		*out = hook;
	}
	return rc;
}

void hook_detach(struct hooks *hooks, struct hook *hook)
{
	if (hook->kind == HOOK_LINK) {
		close(hook->link);
	}
	if (hook->kind == HOOK_FILTER) {
		detach_filter(hooks, hook);
	}
	*hook = (struct hook){0};
}

void hooks_free(struct hooks *hooks)
{
	if (hooks->handle != 0) {
		close(hooks->lock);
	}
	*hooks = (struct hooks){0};
}

/* Behind whatever is there. */
static int attach_link(int program_fd, unsigned ifindex, int *out)
{
	union bpf_attr attr = {.link_create = {
				       .prog_fd = (uint32_t)program_fd,
				       .target_ifindex = ifindex,
				       .attach_type = TCX_INGRESS,
			       }};
	long fd = syscall(SYS_bpf, BPF_LINK_CREATE, &attr, sizeof(attr));

	if (fd < 0) {
		return -errno;
	}
	*out = (int)fd;
	return 0;
}

static int attach_filter(struct hooks *hooks, int program_fd, struct hook *hook, struct err *err)
{
	struct bpf_tc_hook room = {
		.sz = sizeof(room), .ifindex = (int)hook->ifindex, .attach_point = BPF_TC_INGRESS};
	struct bpf_tc_opts filter = {.sz = sizeof(filter),
				     .prog_fd = program_fd,
				     .flags = BPF_TC_F_REPLACE,
				     .priority = HOOK_PRIORITY};
	int rc = hooks->handle != 0 ? 0 : take_handle(hooks);

	if (rc == 0) {
		rc = bpf_tc_hook_create(&room);
		/* Whoever is no more had made it, if nobody else uses it. Where it is not known
		 * what became of the request, it may be ours. */
		hook->made_room = sweep(hook->ifindex, hooks->handle) || rc != -EEXIST;
		rc = rc == -EEXIST ? 0 : rc;
	}
	if (rc == 0) {
		filter.handle = hooks->handle;
		rc = bpf_tc_attach(&room, &filter);
	}
	if (rc < 0) {
		explain(rc, hook->ifindex, err);
	}
	/* An answer that is lost may have said yes. */
	if (rc < 0 && hooks->handle != 0) {
		detach_filter(hooks, hook);
	}
	return rc;
}

static void detach_filter(const struct hooks *hooks, const struct hook *hook)
{
	struct bpf_tc_hook room = {.sz = sizeof(room),
				   .ifindex = (int)hook->ifindex,
				   .attach_point = BPF_TC_INGRESS | BPF_TC_EGRESS};
	int rc = -EAGAIN;

	remove_filter(hook->ifindex, hooks->handle);
	/* What others have put there since keeps it. */
	for (int i = 0; i < TRIES && hook->made_room && rc < 0 && is_empty(hook->ifindex); i++) {
		rc = bpf_tc_hook_destroy(&room);
	}
}

/* The first that nobody has: in a network namespace no two filters of a priority have the same. */
static int take_handle(struct hooks *hooks)
{
	for (uint32_t handle = 1; handle <= HOOK_HANDLES_MAX; handle++) {
		int fd = lock_handle(handle);

		if (fd >= 0) {
			hooks->handle = handle;
			hooks->lock = fd;
			return 0;
		}
		if (fd != -EADDRINUSE) {
			return fd;
		}
	}
	return -EBUSY;
}

/* An abstract name of the network namespace, gone with whoever holds it. */
static int lock_handle(uint32_t handle)
{
	struct sockaddr_un at = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	int len = snprintf(at.sun_path + 1, sizeof(at.sun_path) - 1, "numacast-fast/%u", handle);
	int rc;

	if (fd < 0) {
		return -errno;
	}
	if (bind(fd, (struct sockaddr *)&at,
		 (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 + (size_t)len)) < 0) {
		rc = -errno;
		close(fd);
		return rc;
	}
	return fd;
}

/* Takes away the filters of those who are no more, one that had our own handle among them. Whether
 * there was any, and no other filter is left. */
static bool sweep(unsigned ifindex, uint32_t own)
{
	int before = filters_count(ifindex, true);

	for (uint32_t handle = 1; before > 0 && handle <= HOOK_HANDLES_MAX; handle++) {
		int fd = handle == own ? -1 : lock_handle(handle);

		if (fd >= 0 || handle == own) {
			remove_filter(ifindex, handle);
		}
		if (fd >= 0) {
			close(fd);
		}
	}
	return before > 0 && is_empty(ifindex);
}

/* False also where it is not known. */
static bool is_empty(unsigned ifindex)
{
	int inside = -EAGAIN, outside = -EAGAIN;

	for (int i = 0; i < TRIES && inside < 0; i++) {
		inside = filters_count(ifindex, true);
	}
	for (int i = 0; i < TRIES && outside < 0; i++) {
		outside = filters_count(ifindex, false);
	}
	return inside == 0 && outside == 0;
}

/* What was short for the request may be there for the next one. */
static void remove_filter(unsigned ifindex, uint32_t handle)
{
	struct bpf_tc_hook room = {
		.sz = sizeof(room), .ifindex = (int)ifindex, .attach_point = BPF_TC_INGRESS};
	struct bpf_tc_opts filter = {
		.sz = sizeof(filter), .handle = handle, .priority = HOOK_PRIORITY};
	int rc = -EAGAIN;

	for (int i = 0; i < TRIES && rc < 0 && rc != -ENOENT && rc != -EINVAL; i++) {
		rc = bpf_tc_detach(&room, &filter);
	}
}

static void explain(int rc, unsigned ifindex, struct err *err)
{
	err_set(err, "interface %u: the program cannot be attached: %s%s", ifindex, strerror(-rc),
		rc == -EPERM ? "; expected CAP_NET_ADMIN"
		: rc == -ENOENT || rc == -EOPNOTSUPP
			? "; expected the kernel's sch_ingress and cls_bpf; "
			  "`modprobe -a sch_ingress cls_bpf'"
			: "");
}
