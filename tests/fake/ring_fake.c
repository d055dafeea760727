/* ring_fake.c - opens the fake engine and takes the test's wishes; see ring_fake.h. */
#include "tests/fake/ring_fake.h"

#include <stdlib.h>
#include <string.h>

#include "src/base/must.h"
#include "tests/fake/ring_fake_engine.h"

struct ring *fake_open(const struct ring_params *params)
{
	struct fake *f = fake_zeroed(1, sizeof(*f));
	struct arena counter = ARENA_COUNTER;

	ring_params_check(params);
	ring_queues_cut(&f->base, params, &counter);
	must(arena_map(&f->arena, counter.used_bytes, ARENA_HUGE_OFF) == 0);
	ring_queues_cut(&f->base, params, &f->arena);
	f->base.stats = params->stats;
	f->base.ops = &fake_ops;
	f->base.zerocopy = params->zerocopy;
	f->base.buffers_usable = (1U << params->buffer_count) - 1;
	f->flows = fake_zeroed(params->flows, sizeof(*f->flows));
	f->files = fake_zeroed(params->files, sizeof(*f->files));
	f->sends = fake_zeroed(FAKE_SENDS_MAX, sizeof(*f->sends));
	f->inflight = fake_zeroed(params->sends, sizeof(*f->inflight));
	f->file_count = params->files;
	f->wake_fd = -1;
	f->armed_first = f->armed_last = FAKE_NO_FLOW;
	for (uint32_t i = 0; i < params->flows; i++) {
		f->flows[i].last = &f->flows[i].first;
	}
	for (uint32_t i = 0; i < params->files; i++) {
		f->files[i].fd = -1;
	}
	for (unsigned i = 0; i < RING_GROUP_COUNT; i++) {
		uint32_t depth = params->groups[i].depth;

		f->groups[i].ring = fake_zeroed(depth, sizeof(struct fake_slot));
		f->groups[i].mask = depth - 1;
		f->groups[i].slot_bytes = params->groups[i].slot_bytes;
	}
	return &f->base;
}

void fake_deliver(struct ring *ring, uint32_t flow, const struct fake_datagram *datagram)
{
	struct fake *f = fake_of(ring);
	struct fake_waiting *w = fake_zeroed(1, sizeof(*w));

	must(flow < ring->flows);
	w->datagram = *datagram;
	w->payload = fake_zeroed(datagram->payload_bytes, 1);
	if (datagram->payload_bytes > 0) {
		memcpy(w->payload, datagram->payload, datagram->payload_bytes);
	}
	*f->flows[flow].last = w;
	f->flows[flow].last = &w->next;
	f->flows[flow].waiting_count++;
}

uint32_t fake_undelivered(const struct ring *ring, uint32_t flow)
{
	must(flow < ring->flows);
	return fake_of(ring)->flows[flow].waiting_count;
}

void fake_feed_from(struct ring *ring, fake_feed_fn *feed, void *context)
{
	struct fake *f = fake_of(ring);

	f->feed = feed;
	f->feed_context = context;
}

void fake_end_recv(struct ring *ring, uint32_t flow, int32_t res)
{
	must(flow < ring->flows);
	must(res < 0);
	fake_of(ring)->flows[flow].end_res = res;
}

void fake_limit_burst(struct ring *ring, uint32_t count)
{
	fake_of(ring)->burst = count;
}

void fake_delay_cancel(struct ring *ring, uint32_t turns)
{
	fake_of(ring)->cancel_delay = turns;
}

void fake_late_recv(struct ring *ring, unsigned group, uint32_t token)
{
	struct fake_slots *slots = &fake_of(ring)->groups[group];
	struct ring_recv event = {.flow = token, .group = (uint8_t)group, .has_slot = true};

	must(slots->count > 0);
	must(ring->recv_tail - ring->recv_head <= ring->recv_mask);
	event.slot = slots->ring[slots->head++ & slots->mask].index;
	slots->count--;
	ring->unfilled[group]--;
	ring->recvs[ring->recv_tail++ & ring->recv_mask] = event;
}

uint32_t fake_lent(const struct ring *ring, unsigned group)
{
	return fake_of(ring)->groups[group].count;
}

bool fake_is_armed(const struct ring *ring, uint32_t flow)
{
	must(flow < ring->flows);
	return ring->flow_states[flow].armed;
}

uint32_t fake_flow_file(const struct ring *ring, uint32_t flow)
{
	must(flow < ring->flows);
	return fake_of(ring)->flows[flow].file;
}

uint32_t fake_flow_group(const struct ring *ring, uint32_t flow)
{
	must(flow < ring->flows);
	return ring->flow_states[flow].group;
}

void fake_fail_sends(struct ring *ring, uint32_t file, int32_t res, uint32_t count)
{
	struct fake *f = fake_of(ring);

	must(file < f->file_count);
	must(res < 0);
	f->files[file].fail_res = res;
	f->files[file].fail_count = count;
}

void fake_decide_sends(struct ring *ring, fake_decide_fn *decide, void *context)
{
	struct fake *f = fake_of(ring);

	f->decide = decide;
	f->decide_context = context;
}

void fake_hold_sends(struct ring *ring, bool hold)
{
	fake_of(ring)->hold = hold;
}

void fake_release(struct ring *ring, uint32_t count)
{
	fake_of(ring)->release_count += count;
}

void fake_delay_sends(struct ring *ring, uint32_t turns)
{
	fake_of(ring)->send_delay = turns;
}

void fake_reverse_answers(struct ring *ring, bool reverse)
{
	fake_of(ring)->reverse = reverse;
}

void fake_shuffle_answers(struct ring *ring, unsigned seed)
{
	fake_of(ring)->shuffle = seed;
}

uint32_t fake_send_count(const struct ring *ring)
{
	return fake_of(ring)->send_count;
}

uint32_t fake_unanswered(const struct ring *ring)
{
	return fake_of(ring)->unanswered;
}

const struct fake_send *fake_send_at(const struct ring *ring, uint32_t index)
{
	const struct fake *f = fake_of(ring);

	must(index < f->send_count);
	return &f->sends[index];
}

void fake_forget_sends(struct ring *ring)
{
	struct fake *f = fake_of(ring);
	uint32_t kept = 0;

	for (uint32_t i = 0; i < f->send_count; i++) {
		struct fake_send *send = &f->sends[i];

		if (send->answered && !send->held) {
			free(send->payload);
			continue;
		}
		f->inflight[send->token] = kept + 1;
		f->sends[kept++] = *send;
	}
	f->send_count = kept;
	f->first_unanswered = f->first_held = 0;
}

void fake_keep_memory(struct ring *ring, bool keep)
{
	fake_of(ring)->keep_memory = keep;
}

void fake_return_memory(struct ring *ring, uint32_t count)
{
	fake_of(ring)->return_count += count;
}

uint32_t fake_held(const struct ring *ring)
{
	return fake_of(ring)->held;
}

void fake_say_copied(struct ring *ring, bool copied)
{
	fake_of(ring)->say_copied = copied;
}

uint32_t fake_turn_count(const struct ring *ring)
{
	return fake_of(ring)->turn_count;
}

uint32_t fake_last_wait_us(const struct ring *ring)
{
	return fake_of(ring)->last_wait_us;
}

void fake_fail_turn(struct ring *ring, int32_t res)
{
	fake_fail_turn_after(ring, 0, res);
}

void fake_fail_turn_after(struct ring *ring, uint32_t turns, int32_t res)
{
	fake_of(ring)->turn_res = res;
	fake_of(ring)->turn_res_after = turns;
}

void fake_wake(struct ring *ring)
{
	fake_of(ring)->wake = true;
}

uint32_t fake_busy_poll_us(const struct ring *ring)
{
	return fake_of(ring)->busy_poll_us;
}

uint32_t fake_busy_poll_count(const struct ring *ring)
{
	return fake_of(ring)->busy_poll_count;
}

void fake_refuse_busy_poll(struct ring *ring, int32_t res)
{
	fake_of(ring)->busy_poll_res = res;
}

int fake_file_fd(const struct ring *ring, uint32_t file)
{
	const struct fake *f = fake_of(ring);

	must(file < f->file_count);
	return f->files[file].fd;
}

void fake_grow(struct ring *ring, uint32_t flows, uint32_t files, struct arena *arena)
{
	struct fake *f = fake_of(ring);
	struct fake_flow *more;
	struct fake_file *more_files;

	if (arena->counting) {
		return;
	}
	must(files >= f->file_count);
	more = fake_zeroed(flows, sizeof(*more));
	more_files = fake_zeroed(files, sizeof(*more_files));
	for (uint32_t i = 0; i < flows; i++) {
		more[i] = i < ring->flows ? f->flows[i] : more[i];
		more[i].last = more[i].first == NULL ? &more[i].first : more[i].last;
	}
	for (uint32_t i = 0; i < files; i++) {
		more_files[i] = i < f->file_count ? f->files[i] : (struct fake_file){.fd = -1};
	}
	free(f->flows);
	free(f->files);
	f->flows = more;
	f->files = more_files;
	f->file_count = files;
}

void *fake_zeroed(size_t count, size_t bytes)
{
	void *memory = calloc(count > 0 ? count : 1, bytes);

	must(memory != NULL);
	return memory;
}
