/* finish.c - the engine of a ring whose thread is dead (step 10).
 *
 * Nothing is received any more, and a send is made where it is queued, by whoever finishes the work
 * (shard/finish.c). A socket whose buffer is full is waited for, but not long: who comes next waits
 * too. Files are descriptors.
 */
#include <errno.h>
#include <poll.h>

#include "shard/ring/engine.h"

#define FULL_WAIT_MS 5 /* for room in a socket's buffer, each time */

static void queue_send(struct ring *ring, uint32_t file, const struct msghdr *msg, uint32_t token);
static int turn(struct ring *ring, uint32_t wait_us);

const struct ring_ops ring_finish_ops = {.queue_send = queue_send, .turn = turn};

static void queue_send(struct ring *ring, uint32_t file, const struct msghdr *msg, uint32_t token)
{
	struct pollfd room = {.fd = (int)file, .events = POLLOUT};
	ssize_t sent = sendmsg((int)file, msg, MSG_DONTWAIT | MSG_NOSIGNAL);

	if (sent < 0 && errno == EAGAIN && poll(&room, 1, FULL_WAIT_MS) == 1) {
		sent = sendmsg((int)file, msg, MSG_DONTWAIT | MSG_NOSIGNAL);
	}
	ring_push_sent(ring, token, sent < 0 ? -errno : (int32_t)sent);
}

static int turn(struct ring *ring, uint32_t wait_us)
{
	(void)ring;
	(void)wait_us;
	return 0;
}
