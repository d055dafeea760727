/* relay_flows.c - gives places to flows, starts and ends them. See relay_flows.h. */
#include "shard/relay_flows.h"

#include "shard/relay_band.h"
#include "shard/relay_breaker.h"
#include "shard/relay_merge.h"
#include "shard/sock.h"
#include "src/base/must.h"

static void free_places(struct relay *r, uint32_t first);
static void unlist_ended(struct relay *r, struct ingress_flow *flow);

void relay_cut(struct relay *r, uint32_t flow_count, struct arena *arena)
{
	*r = (struct relay){.free_first = PLACE_NONE};
	for (unsigned rank = 0; rank < RELAY_RANKS; rank++) {
		r->ended[rank] = PLACE_LIST_EMPTY;
	}
	relay_add_rooms(r, rooms_for(flow_count, ROOM_FLOWS), arena);
	relay_breaker_cut(r, arena);
}

void relay_add_rooms(struct relay *r, uint32_t count, struct arena *arena)
{
	uint32_t before = r->place_count / ROOM_FLOWS, all = before + count;
	struct flow_place **rooms = arena_alloc(arena, all * sizeof(void *), CACHE_LINE_BYTES);

	for (uint32_t i = before; i < all; i++) {
		struct flow_place *room =
			arena_alloc(arena, ROOM_FLOWS * sizeof(*room), CACHE_LINE_BYTES);

		if (rooms) {
			rooms[i] = room;
		}
	}
	if (!rooms) {
		return;
	}
	for (uint32_t i = 0; i < before; i++) {
		rooms[i] = r->rooms[i];
	}
	r->rooms = rooms;
	r->place_count = all * ROOM_FLOWS;
	free_places(r, before * ROOM_FLOWS);
}

struct flow_place *relay_take_place(struct relay *r, const struct rule_flow *rule)
{
	struct flow_place *place;

	if (r->free_first == PLACE_NONE) {
		return NULL;
	}
	place = relay_place(r, r->free_first);
	must(place->flow.state == FLOW_FREE);
	r->free_first = place->flow.next;
	place->rule = *rule;
	place->got = (struct sock_got){0};
	place->stats = (struct flow_stats){0};
	place->book = (struct share_book){0};
	place->unstamp_ns = 0;
	asker_note(&place->circled_from, &(struct addr){0});
	place->flow = (struct ingress_flow){
		.token = place->flow.token,
		.first_output = PLACE_NONE,
		.next = PLACE_NONE,
		.rule = &place->rule,
		.stats = &place->stats,
		.fd = -1,
		.file = PLACE_NONE,
		.group = rule->pool_class,
		.next_group = rule->pool_class,
		.counted = BAND_NOWHERE,
		.state = FLOW_IDLE,
	};
	if (rule->merge && !relay_merge_join(r, &place->flow)) {
		relay_leave_place(r, &place->flow);
		return NULL;
	}
	return place;
}

void relay_leave_place(struct relay *r, struct ingress_flow *flow)
{
	must(flow->state == FLOW_IDLE);
	band_leave(r, flow);
	relay_merge_leave(r, flow);
	relay_breaker_forget(r, flow);
	*flow = (struct ingress_flow){
		.token = place_next_token(flow->token),
		.next = r->free_first,
		.fd = -1,
		.counted = BAND_NOWHERE,
	};
	r->free_first = place_index(flow->token);
}

void relay_start_flow(struct relay *r, struct ingress_flow *flow)
{
	must(flow->state == FLOW_IDLE);
	flow->state = FLOW_ENDED;
	relay_list_ended(r, flow);
}

void relay_end_flow(struct relay *r, struct ingress_flow *flow)
{
	flow->going = true;
	if (flow->state == FLOW_ARMED) {
		ring_cancel_recv(r->ring, flow->token);
		flow->state = FLOW_LEAVING;
	} else if (flow->state == FLOW_ENDED) {
		unlist_ended(r, flow);
		r->retrying_count -= flow->retry_ns != 0;
		flow->retry_ns = 0;
		flow->state = FLOW_IDLE;
	} else if (flow->state == FLOW_PENDING) {
		flow->state = FLOW_IDLE;
	}
}

void relay_list_ended(struct relay *r, struct ingress_flow *flow)
{
	uint32_t index = place_index(flow->token);
	struct place_list *list;

	band_weigh(r, flow);
	list = &r->ended[band_rank(r, flow)];
	flow->next = PLACE_NONE;
	if (list->last == PLACE_NONE) {
		list->first = index;
	} else {
		relay_place(r, list->last)->flow.next = index;
	}
	list->last = index;
	r->ended_count++;
}

uint32_t relay_take_ended(struct relay *r)
{
	uint32_t first = PLACE_NONE;

	if (r->ended_count == 0) {
		return PLACE_NONE;
	}
	for (unsigned rank = RELAY_RANKS; rank-- > 0;) {
		struct place_list *list = &r->ended[rank];

		if (list->last != PLACE_NONE) {
			relay_place(r, list->last)->flow.next = first;
			first = list->first;
		}
		*list = PLACE_LIST_EMPTY;
	}
	r->ended_count = 0;
	return first;
}

void relay_sample(struct relay *r, uint32_t every)
{
	r->sample_every = every;
	r->sample_left = 1; /* the next one, so that a quiet flow is not waited for */
}

void relay_leave_groups(struct relay *r)
{
	for (uint32_t i = 0; i < r->place_count; i++) {
		const struct ingress_flow *flow = &relay_place(r, i)->flow;

		if (flow->state >= FLOW_IDLE && !flow->kept) {
			sock_leave(flow->fd, &flow->rule->in, flow->rule->ifindex);
		}
	}
}

bool relay_has_own_flow(const struct relay *r)
{
	bool any_kept = false;

	for (uint32_t i = 0; i < r->place_count; i++) {
		const struct ingress_flow *flow = &relay_place(r, i)->flow;

		if (flow->state >= FLOW_IDLE && !flow->kept) {
			return true;
		}
		any_kept = any_kept || flow->kept;
	}
	return !any_kept;
}

void relay_keep_stored(struct relay *r)
{
	for (uint32_t i = 0; i < r->place_count; i++) {
		struct flow_place *place = relay_place(r, i);

		if (place->flow.state >= FLOW_IDLE && place->stored) {
			place->flow.kept = true;
			relay_end_flow(r, &place->flow);
		}
	}
}

void relay_count_unread(struct relay *r)
{
	for (uint32_t i = 0; i < r->place_count; i++) {
		struct ingress_flow *flow = &relay_place(r, i)->flow;

		if (flow->state >= FLOW_IDLE && flow->kept) {
			ingress_hand_over(flow);
		} else if (flow->state >= FLOW_IDLE) {
			ingress_count_leftovers(flow);
			ingress_look_at_drops(flow);
		}
	}
}

/* The places from `first' on are new; the first is taken first. */
static void free_places(struct relay *r, uint32_t first)
{
	for (uint32_t i = r->place_count; i-- > first;) {
		struct ingress_flow *flow = &relay_place(r, i)->flow;

		flow->token = place_token(i, 0);
		flow->fd = -1;
		flow->counted = BAND_NOWHERE;
		flow->next = r->free_first;
		r->free_first = i;
	}
}

static void unlist_ended(struct relay *r, struct ingress_flow *flow)
{
	uint32_t next = relay_take_ended(r);

	while (next != PLACE_NONE) {
		struct ingress_flow *other = &relay_place(r, next)->flow;

		next = other->next;
		if (other != flow) {
			relay_list_ended(r, other);
		}
	}
}
