/* mailbox.c - flags in a word, a pointer each way, and wake-ups. See mailbox.h. */
#include "shard/mailbox.h"

#include <errno.h>
#include <stdatomic.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "src/base/must.h"

static void wake(int fd);

int mailbox_open(struct mailbox *box)
{
	int rc;

	*box = (struct mailbox){.eventfd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK), .answerfd = -1};
	if (box->eventfd < 0) {
		return -errno;
	}
	box->answerfd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (box->answerfd < 0) {
		rc = -errno;
		mailbox_close(box);
		return rc;
	}
	return 0;
}

void mailbox_close(struct mailbox *box)
{
	if (box->eventfd > 0) {
		close(box->eventfd);
	}
	if (box->answerfd > 0) {
		close(box->answerfd);
	}
	box->eventfd = -1;
	box->answerfd = -1;
}

void mailbox_post(struct mailbox *box, uint32_t flags)
{
	atomic_fetch_or_explicit(&box->flags, flags, memory_order_release);
	wake(box->eventfd);
}

uint32_t mailbox_take(struct mailbox *box)
{
	return atomic_exchange_explicit(&box->flags, 0, memory_order_acquire);
}

bool mailbox_send(struct mailbox *box, struct shard_message *message)
{
	must(message != NULL);
	if (box->waiting) {
		return false;
	}
	box->waiting = true;
	atomic_store_explicit(&box->sent, message, memory_order_release);
	mailbox_post(box, MAIL_MESSAGE);
	return true;
}

struct shard_message *mailbox_receive(struct mailbox *box)
{
	return atomic_exchange_explicit(&box->sent, NULL, memory_order_acquire);
}

void mailbox_answer(struct mailbox *box, struct shard_message *message)
{
	must(message != NULL);
	must(atomic_load_explicit(&box->answered, memory_order_relaxed) == NULL);
	atomic_store_explicit(&box->answered, message, memory_order_release);
	wake(box->answerfd);
}

struct shard_message *mailbox_take_answer(struct mailbox *box)
{
	struct shard_message *message;
	uint64_t count;

	/* Before the look: an answer given in between is seen now, and wakes once more. */
	if (read(box->answerfd, &count, sizeof(count)) < 0 && errno != EAGAIN) {
		return NULL;
	}
	message = atomic_exchange_explicit(&box->answered, NULL, memory_order_acquire);
	must(message == NULL || box->waiting);
	box->waiting = box->waiting && message == NULL;
	return message;
}

/* It can only fail when the counter is full, and then somebody is about to wake anyway. */
static void wake(int fd)
{
	uint64_t one = 1;

	if (write(fd, &one, sizeof(one)) < 0) {
		return;
	}
}
