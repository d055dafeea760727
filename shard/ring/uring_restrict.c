/* uring_restrict.c - what a ring may be used for, told to the kernel before it is used at all.
 *
 * What io_uring executes no filter of system calls sees, so each ring is limited to what this
 * engine does: whatever else is put into its queue is answered by EACCES. A ring that begins
 * disabled takes registrations but no requests, until it is told its limits and enabled; these
 * cannot be lifted. A kernel refuses a list that names what it does not know, so the newest are
 * left out until it takes the rest; this engine does without them there as well. Owner: the shard's
 * thread.
 */
#include <errno.h>
#include <string.h>

#include "shard/ring/uring.h"

/* Oldest first. */
static const struct io_uring_restriction allowed[] = {
	{.opcode = IORING_RESTRICTION_SQE_OP, .sqe_op = IORING_OP_POLL_ADD},
	{.opcode = IORING_RESTRICTION_SQE_OP, .sqe_op = IORING_OP_SENDMSG},
	{.opcode = IORING_RESTRICTION_SQE_OP, .sqe_op = IORING_OP_RECVMSG},
	{.opcode = IORING_RESTRICTION_SQE_OP, .sqe_op = IORING_OP_ASYNC_CANCEL},
	{.opcode = IORING_RESTRICTION_SQE_FLAGS_ALLOWED,
	 .sqe_flags = IOSQE_FIXED_FILE | IOSQE_BUFFER_SELECT | IOSQE_CQE_SKIP_SUCCESS},
	{.opcode = IORING_RESTRICTION_REGISTER_OP, .register_op = IORING_UNREGISTER_BUFFERS},
	{.opcode = IORING_RESTRICTION_REGISTER_OP, .register_op = IORING_UNREGISTER_FILES},
	{.opcode = IORING_RESTRICTION_REGISTER_OP, .register_op = IORING_REGISTER_FILES_UPDATE},
	{.opcode = IORING_RESTRICTION_REGISTER_OP, .register_op = IORING_REGISTER_FILES2},
	{.opcode = IORING_RESTRICTION_REGISTER_OP, .register_op = IORING_REGISTER_BUFFERS2},
	{.opcode = IORING_RESTRICTION_REGISTER_OP, .register_op = IORING_REGISTER_BUFFERS_UPDATE},
	{.opcode = IORING_RESTRICTION_REGISTER_OP, .register_op = IORING_REGISTER_RING_FDS},
	{.opcode = IORING_RESTRICTION_REGISTER_OP, .register_op = IORING_UNREGISTER_RING_FDS},
	{.opcode = IORING_RESTRICTION_REGISTER_OP, .register_op = IORING_UNREGISTER_PBUF_RING},
	{.opcode = IORING_RESTRICTION_REGISTER_OP, .register_op = URING_REGISTER_SYNC_CANCEL},
	{.opcode = IORING_RESTRICTION_SQE_OP, .sqe_op = URING_OP_SENDMSG_ZC},
	{.opcode = IORING_RESTRICTION_REGISTER_OP, .register_op = URING_REGISTER_NAPI},
	{.opcode = IORING_RESTRICTION_REGISTER_OP, .register_op = URING_UNREGISTER_NAPI},
};

#define ALLOWED_COUNT (sizeof(allowed) / sizeof(allowed[0]))
#define ALLOWED_MIN   14 /* known to each kernel that has rings of buffers */

static int restrict_to(struct uring *u, unsigned count);

int uring_enable(struct uring *u)
{
	unsigned count = ALLOWED_COUNT;
	int rc = restrict_to(u, count);

	while (rc == -EINVAL && count > ALLOWED_MIN) {
		rc = restrict_to(u, --count);
	}
	u->restricted = rc == 0;
	return io_uring_register((unsigned)u->io.ring_fd, IORING_REGISTER_ENABLE_RINGS, NULL, 0);
}

/* To the first `count': 0 or -errno. The kernel copies them, and wants to be able to write. */
static int restrict_to(struct uring *u, unsigned count)
{
	struct io_uring_restriction list[ALLOWED_COUNT];

	memcpy(list, allowed, sizeof(list));
	return io_uring_register((unsigned)u->io.ring_fd, IORING_REGISTER_RESTRICTIONS, list,
				 count);
}
