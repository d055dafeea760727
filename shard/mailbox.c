/* mailbox.c - flags in a word, and a wake-up. See mailbox.h; no step of a datagram runs here. */
#include "shard/mailbox.h"

#include <errno.h>
#include <stdatomic.h>
#include <sys/eventfd.h>
#include <unistd.h>

int mailbox_open(struct mailbox *box)
{
	box->flags = 0;
	box->eventfd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	return box->eventfd < 0 ? -errno : 0;
}

void mailbox_close(struct mailbox *box)
{
	if (box->eventfd > 0) {
		close(box->eventfd);
	}
	box->eventfd = -1;
}

void mailbox_post(struct mailbox *box, uint32_t flags)
{
	uint64_t one = 1;

	atomic_fetch_or_explicit(&box->flags, flags, memory_order_release);
	/* It can only fail when the counter is full, and then the shard is about to wake anyway. */
	if (write(box->eventfd, &one, sizeof(one)) < 0) {
		return;
	}
}

uint32_t mailbox_take(struct mailbox *box)
{
	return atomic_exchange_explicit(&box->flags, 0, memory_order_acquire);
}
