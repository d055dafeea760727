/* compat.h - io_uring constants and layouts newer than liburing 2.3 (step 5).
 *
 * Debian 12 ships liburing 2.3; the kernel below may be years newer. What numacast uses of it and
 * an old <linux/io_uring.h> does not name stands here, with the kernel that brought it. Values are
 * those of the kernel's user interface, which never change. Included by ring/uring.h only. The two
 * headers called io_uring.h share one include guard, so including the kernel's own beside
 * liburing's would change nothing.
 */
#pragma once

#include <assert.h>
#include <liburing.h>
#include <stdint.h>

#ifndef IORING_FEAT_MIN_TIMEOUT
#define IORING_FEAT_MIN_TIMEOUT (1U << 15) /* Linux 6.12 */
#endif

#define URING_REGISTER_NAPI   27 /* Linux 6.9; enumerators, which #ifdef cannot see */
#define URING_UNREGISTER_NAPI 28

#define URING_REGISTER_SYNC_CANCEL 24 /* Linux 6.0 */

#define URING_OP_SENDMSG_ZC 48 /* Linux 6.1; an enumerator, which #ifdef cannot see */

#ifndef IORING_RECVSEND_FIXED_BUF
#define IORING_RECVSEND_FIXED_BUF (1U << 2) /* of SENDMSG_ZC: Linux 6.15 */
#endif
#ifndef IORING_SEND_ZC_REPORT_USAGE
#define IORING_SEND_ZC_REPORT_USAGE (1U << 3) /* Linux 6.2 */
#endif
#ifndef IORING_NOTIF_USAGE_ZC_COPIED
#define IORING_NOTIF_USAGE_ZC_COPIED (1U << 31)
#endif
#ifndef IORING_CQE_F_NOTIF
#define IORING_CQE_F_NOTIF (1U << 3) /* Linux 6.0 */
#endif

/* struct io_uring_getevents_arg; the third member was padding before Linux 6.12. */
struct uring_wait_arg {
	uint64_t sigmask;
	uint32_t sigmask_bytes;
	uint32_t min_wait_us; /* wait this long for all events asked for, from then on for one */
	uint64_t timespec;    /* address of a struct __kernel_timespec, relative; 0: for ever */
};

/* What registering it takes; all else is 0, which since Linux 6.13 says that the kernel itself
 * keeps track of the queues that datagrams came from, as it always did before. */
struct uring_napi {
	uint32_t busy_poll_us;
	uint8_t prefer_busy_poll;
	uint8_t zero[3];
	uint64_t zeros;
};

static_assert(sizeof(struct uring_wait_arg) == sizeof(struct io_uring_getevents_arg),
	      "the kernel's layout");
