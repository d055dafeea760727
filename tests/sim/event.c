/* event.c - does what an event of a simulation says: traffic, time, and weather.
 *
 * What an event names it names modulo what there is. Sizes come from a list of those at which
 * something changes, as often as from anywhere: the least, what just fits a slot, an MTU, or a
 * train that is full to the byte with them.
 */
#include <errno.h>

#include "src/base/clock.h"
#include "tests/sim/trace.h"

#define PASS_MAX_MS 64
#define LEG_TRAIN   64 /* more would be farther ahead of the other leg than is remembered */

static uint32_t size_of(uint32_t choice)
{
	static const uint32_t edges[] = {SIM_HEAD_BYTES, 14,   64,   636,  1236, 1400,
					 1452,           1472, 1473, 1500, 1501, 4093};

	return choice % 2 == 0 ? edges[choice / 2 % 12] : SIM_HEAD_BYTES + choice / 2 % 1500;
}

struct sim_flow *sim_any_flow(struct sim_world *w, uint32_t choice)
{
	for (uint32_t i = 0; i < SIM_FLOWS; i++) {
		struct sim_flow *flow = &w->flows[(choice + i) % SIM_FLOWS];

		if (flow->used && flow->sock != SIM_NONE && !flow->is_twin) {
			return flow;
		}
	}
	return NULL;
}

static struct sim_packet packet_of(uint32_t bytes, uint32_t marks)
{
	static const uint8_t ttls[] = {0, 1, 2, 3, 4, 16, 17, 64};
	static const uint8_t toses[] = {0, 0, 0xb8, 0xbb};
	static const uint8_t senders[] = {0, 0, 0, 1, 0, 1, 2, 0};

	return (struct sim_packet){.first = SIM_NONE,
				   .count = 1,
				   .segment = bytes,
				   .last_bytes = bytes,
				   .ttl = ttls[marks % 8],
				   .tos = toses[marks / 8 % 4],
				   .sender = senders[marks / 32 % 8]};
}

static void bring(struct sim_world *w, const struct sim_event *e)
{
	struct sim_flow *flow = sim_any_flow(w, e->a);
	struct sim_packet packet = packet_of(size_of(e->b), e->kind == SIM_EVENT_ONE ? e->c : 0);
	uint32_t times = e->kind == SIM_EVENT_MANY ? 1 + e->c % 70 : 1;

	for (uint32_t i = 0; flow && i < times; i++) {
		packet.sender = times > 1 && e->c % 4 == 0 ? i / 2 % 2 : packet.sender;
		sim_arrive(w, flow, packet);
	}
}

/* A train, full to the byte now and then. */
static void bring_train(struct sim_world *w, const struct sim_event *e)
{
	struct sim_flow *flow = sim_any_flow(w, e->a);
	struct sim_packet packet = packet_of(size_of(e->b), e->c / 64);
	uint32_t most = UDP_PAYLOAD_MAX / packet.segment;

	packet.count = e->c % 8 == 0 ? most : 2U + e->c % 62;
	most = flow && flow->of_feed != SIM_NONE && most > LEG_TRAIN ? LEG_TRAIN : most;
	packet.count = packet.count < most ? packet.count : most;
	if (e->c % 3 == 0 && packet.segment > SIM_HEAD_BYTES) {
		packet.last_bytes = SIM_HEAD_BYTES + e->c % (packet.segment - SIM_HEAD_BYTES);
	}
	if (flow) {
		sim_arrive(w, flow, packet);
	}
}

static void bring_odd(struct sim_world *w, const struct sim_event *e)
{
	struct sim_flow *flow = sim_any_flow(w, e->a);
	struct sim_packet packet = packet_of(size_of(e->b), e->c / 8);

	switch (e->c % 8) {
	case 0:
	case 1: /* a datagram without a byte ends its receive */
		packet.last_bytes = 0;
		packet.ends = true;
		break;
	case 2:
		packet.ends = true;
		break;
	case 3:
		packet.control_cut = true;
		break;
	case 4:
		packet.sender = 2 + e->b % 2;
		break;
	case 5:
		packet.echo = true;
		break;
	case 6:
		packet.last_bytes = e->b % 2 ? UDP_PAYLOAD_MAX_V4 : UDP_PAYLOAD_MAX_V6;
		break;
	default:
		packet.last_bytes = 1501 + e->b;
		packet.last_bytes =
			packet.last_bytes <= UDP_PAYLOAD_MAX_V4 ? packet.last_bytes : 9000;
	}
	if (flow) {
		sim_arrive(w, flow, packet);
	}
}

static void fail_receive(struct sim_world *w, const struct sim_event *e)
{
	static const int errors[] = {ENOBUFS, ENOMEM, ECONNREFUSED, EIO};
	struct sim_flow *flow = sim_any_flow(w, e->a);

	if (flow && !flow->busy) {
		fake_end_recv(w->shards[flow->shard].ring, place_index(flow->token),
			      -errors[e->b % 4]);
	}
}

/* Something comes for somebody who has left the place long ago. */
static void come_late(struct sim_shard *s, const struct sim_event *e)
{
	uint32_t place = e->b % s->relay.place_count;
	unsigned group = e->c % 2 ? POOL_TRAIN : POOL_SMALL;

	if (fake_lent(s->ring, group) > 0) {
		fake_late_recv(s->ring, group, place_token(place, PLACE_HOLDERS - 1));
	}
}

static void change_path(struct sim_world *w, const struct sim_event *e)
{
	static const uint32_t mtus[] = {576, 1280, 1400, 1500, 9000};
	struct sim_output *o = &w->outputs[e->a % SIM_OUTPUTS];

	if (!o->used || o->sock == SIM_NONE) {
		return;
	}
	if (e->kind == SIM_EVENT_ICMP) {
		w->socks[o->sock].icmp += 1 + e->b % 3;
	} else {
		w->socks[o->sock].mtu = mtus[e->b % 5];
	}
}

static void change_weather(struct sim_world *w, const struct sim_event *e)
{
	struct sim_shard *s = &w->shards[e->a % SIM_SHARDS];

	switch (e->kind) {
	case SIM_EVENT_ERRORS:
		s->weather.odds = e->b % 4 == 0 ? 0 : 1 + e->b % 16;
		s->weather.kind = e->c % 4;
		break;
	case SIM_EVENT_ORDER:
		fake_shuffle_answers(s->ring, e->b % 3 == 0 ? 0 : e->c);
		fake_reverse_answers(s->ring, e->b % 3 == 1);
		break;
	case SIM_EVENT_DELAY:
		fake_delay_sends(s->ring, e->b % 4);
		break;
	case SIM_EVENT_LIMIT:
		fake_limit_burst(s->ring, e->b % 5);
		break;
	case SIM_EVENT_CANCELS:
		fake_delay_cancel(s->ring, e->b % 4);
		break;
	case SIM_EVENT_KEEP:
		fake_keep_memory(s->ring, e->b % 2 == 0);
		break;
	case SIM_EVENT_GIVE_BACK:
		fake_return_memory(s->ring, e->b % 4);
		break;
	case SIM_EVENT_COPIED:
		fake_say_copied(s->ring, e->b % 4 == 0);
		break;
	case SIM_EVENT_LATE:
		come_late(s, e);
		break;
	case SIM_EVENT_LOOK:
		mailbox_post(&s->mailbox, MAIL_LOOK);
		sim_wake(s);
		break;
	default:
		sim_broken("an event that says nothing # %u", e->kind);
	}
}

void sim_do(struct sim_world *w, const struct sim_event *e)
{
	switch (e->kind) {
	case SIM_EVENT_ONE:
	case SIM_EVENT_MANY:
		bring(w, e);
		break;
	case SIM_EVENT_TRAIN:
		bring_train(w, e);
		break;
	case SIM_EVENT_ODD:
		bring_odd(w, e);
		break;
	case SIM_EVENT_FEED:
		sim_bring_feed(w, e, packet_of(size_of(e->b), e->c / 64));
		break;
	case SIM_EVENT_TWINS:
		sim_bring_twins(w, packet_of(size_of(e->b), e->c / 64), 1 + e->a % 20);
		break;
	case SIM_EVENT_AGAIN:
		sim_bring_again(w, e);
		break;
	case SIM_EVENT_TURN:
		sim_turn(w, e->a % SIM_SHARDS);
		break;
	case SIM_EVENT_PASS:
		w->clock_ns += (1 + e->a % PASS_MAX_MS) * (e->b % 16 ? 1 : 100) * NS_PER_MS;
		break;
	case SIM_EVENT_RECV_ERROR:
		fail_receive(w, e);
		break;
	case SIM_EVENT_ICMP:
	case SIM_EVENT_PATH:
		change_path(w, e);
		break;
	case SIM_EVENT_CIRCLE:
		sim_circle(w, e);
		break;
	case SIM_EVENT_SETTLE:
		sim_settle(w);
		break;
	default:
		if (e->kind < SIM_EVENT_ADD_FLOW) {
			change_weather(w, e);
		} else {
			sim_change(w, e);
		}
	}
}
