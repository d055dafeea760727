/* slot.h - how one received datagram lies in its buffer (steps 6 and 7).
 *
 *     0        16            48                    192
 *     | head   | name (32)   | control data (144)  | payload ...
 *
 * This is the layout io_uring's multishot recvmsg writes (struct io_uring_recvmsg_out, then the
 * reserved name, the reserved control area, then the payload); the mmsg engine fills in the same,
 * so ingress reads one format. 32 bytes for the name keep the control data aligned for both
 * families (28 would not), 192 in all put the payload on a cache line.
 */
#pragma once

#include <assert.h>
#include <stdint.h>

struct slot_head {
	uint32_t name_bytes;    /* written; may exceed what was reserved */
	uint32_t control_bytes; /* written */
	uint32_t payload_bytes; /* real length of the datagram, even when it did not fit */
	uint32_t flags;         /* MSG_TRUNC, MSG_CTRUNC */
};

#define SLOT_NAME_BYTES     32
#define SLOT_CONTROL_BYTES  144
#define SLOT_NAME_OFFSET    sizeof(struct slot_head)
#define SLOT_CONTROL_OFFSET (SLOT_NAME_OFFSET + SLOT_NAME_BYTES)
#define SLOT_HEAD_BYTES     (SLOT_CONTROL_OFFSET + SLOT_CONTROL_BYTES)
#define CACHE_LINE_BYTES    64

static_assert(sizeof(struct slot_head) == 16, "the kernel's header has 16 bytes");
static_assert(SLOT_HEAD_BYTES == 192, "three cache lines of headroom");
static_assert(SLOT_HEAD_BYTES % CACHE_LINE_BYTES == 0, "payload starts on a cache line");
