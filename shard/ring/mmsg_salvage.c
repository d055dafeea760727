/* mmsg_salvage.c - what the kernel did for a thread that was killed (steps 6 and 10).
 *
 * Such a thread leaves recvmmsg and sendmmsg only when they are over, but their results are lost
 * with its registers. What they wrote is not: the length of each message that was received or sent,
 * one after the other, where there was MMSG_UNTOUCHED before. Whoever finishes the work of the dead
 * thread; mmsg_write_head also the shard's thread.
 */
#include <string.h>

#include "shard/ring/mmsg.h"
#include "shard/slot.h"

static void take_burst(struct mmsg *m);

void mmsg_salvage(struct ring *ring, uint8_t *fates)
{
	struct mmsg *m = mmsg_of(ring);
	uint32_t token = m->run_token;

	for (uint32_t i = 0; i < ring->sends; i++) {
		if (m->sends[i].msg != NULL) {
			fates[i] = RING_UNMADE;
		}
	}
	for (uint32_t i = 0; i < m->run_count; i++) {
		if (m->headers[i].msg_len != MMSG_UNTOUCHED) {
			fates[token] = RING_MADE;
		}
		token = m->sends[token].next_token;
	}
	take_burst(m);
}

void mmsg_write_head(unsigned char *base, const struct mmsghdr *header)
{
	const struct msghdr *hdr = &header->msg_hdr;
	const struct slot_head head = {.name_bytes = hdr->msg_namelen,
				       .control_bytes = (uint32_t)hdr->msg_controllen,
				       .payload_bytes = header->msg_len,
				       .flags = (uint32_t)hdr->msg_flags};

	memcpy(base, &head, sizeof(head));
}

/* The first of them may be in the queue of receptions already. */
static void take_burst(struct mmsg *m)
{
	uint8_t group = m->base.flow_states[m->burst_flow].group;

	for (uint32_t i = 0; i < m->burst_count; i++) {
		const struct mmsg_slot *slot = &m->groups[group].stack[m->burst_top - 1 - i];

		if (m->headers[i].msg_len == MMSG_UNTOUCHED) {
			return;
		}
		if (!ring_has_slot(&m->base, group, slot->index)) {
			mmsg_write_head(slot->base, &m->headers[i]);
			ring_push_recv(&m->base, &(struct ring_recv){.flow = m->burst_flow,
								     .slot = slot->index,
								     .group = group,
								     .has_slot = true});
		}
	}
}
