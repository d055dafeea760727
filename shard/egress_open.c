/* egress_open.c - gives outputs their sockets, sets how they are used, and takes them back (step
 * 10).
 *
 * What an output may carry follows from its socket, its rule and what is known of the path;
 * egress.c gathers by that, egress_send.c sends. See egress.h. Shard thread only; sizes in payload
 * bytes.
 */
#include "shard/egress.h"

#include <netinet/in.h>

#include "shard/sock.h"
#include "src/base/must.h"

static void set_level(struct egress *eg, struct egress_output *o);

void egress_open_output(struct egress *eg, struct egress_output *o,
			const struct egress_socket *sock)
{
	const struct rule_table_output *rule = o->rule;
	bool v6 = rule->out.to.addr.family == AF_INET6;

	must(o->state == OUTPUT_PENDING);
	must(egress_is_closed(o));
	o->state = OUTPUT_OPEN;
	o->dark = false;
	o->sourceless = egress_place(eg, place_index(o->token))->got.sourceless;
	if (o->cut_off) { /* it has done so before, by another path */
		o->cut_off = false;
		o->newest = TRAIN_NONE;
		o->wary_until_ns = o->gso_again_ns = o->gso_wait_ns = o->mtu_again_ns = 0;
		o->zerocopy = (struct zerocopy_output){0};
		stat_set(&o->stats->gso_off, 0);
	}
	o->fd = sock->fd;
	o->file = sock->file;
	o->connected = sock->connected;
	o->train_bytes_max = v6 ? UDP_PAYLOAD_MAX_V6 : UDP_PAYLOAD_MAX_V4;
	o->mtu = sock->mtu ? sock->mtu : MTU_ASSUMED;
	egress_set_mtu(o, o->mtu);
	/* Where we write the header, each datagram leaves by itself, and its header is copied. */
	o->gso = sock->gso && !rule->out.sport_keep ? GSO_UNPROVEN : GSO_OFF;
	o->zerocopy.min_bytes = rule->out.sport_keep ? 0 : sock->zerocopy_bytes;
	o->path.family = rule->out.to.addr.family;
	o->path.ifindex = rule->ifindex;
	if (!sock->connected) {
		struct addr to = rule->out.to.addr;

		o->path.headed_to = rule->out.sport_keep ? to : (struct addr){0};
		to.port = rule->out.sport_keep ? 0 : to.port; /* raw sockets have none */
		o->path.name_len = addr_to_sockaddr(&to, rule->ifindex, &o->path.name);
	}
	if (rule->out.rate_bps > 0) {
		eg->has_rate = true;
	}
	set_level(eg, o);
}

void egress_set_output(struct egress *eg, struct egress_output *o,
		       const struct rule_table_output *rule, bool gso)
{
	struct output_place *place = egress_place(eg, place_index(o->token));

	must(o->state == OUTPUT_OPEN);
	must(rule_same_output(&rule->out, &o->rule->out));
	if (rule->out.rate_bps != o->rule->out.rate_bps) {
		o->tokens_at_ns = 0; /* a new bucket, and full */
	}
	place->rule.out = rule->out;
	egress_set_mtu(o, o->mtu);
	if (!gso || rule->out.sport_keep) {
		o->gso = GSO_OFF;
		o->gso_again_ns = 0;
		stat_set(&o->stats->gso_off, 0);
	} else if (o->gso == GSO_OFF && stat_get(&o->stats->gso_off) == 0) {
		o->gso = GSO_UNPROVEN;
	}
	eg->has_rate = eg->has_rate || rule->out.rate_bps > 0;
	set_level(eg, o);
}

void egress_suspend_output(struct egress *eg, struct egress_output *o)
{
	must(o->state == OUTPUT_OPEN);
	o->state = OUTPUT_PENDING;
	o->cut_off = true;
	train_queue_close(&o->queue, eg->trains);
}

int egress_take_socket(struct egress *eg, struct egress_output *o)
{
	int fd = o->fd;

	must(o->state == OUTPUT_PENDING);
	must(egress_is_closed(o));
	if (o->file != PLACE_NONE) {
		ring_remove_file(eg->ring, o->file);
	}
	o->fd = -1;
	o->file = PLACE_NONE;
	return fd;
}

void egress_try_path(struct egress_output *o, uint32_t device)
{
	uint32_t path = o->connected ? sock_path_mtu(o->fd, o->path.family) : 0;
	uint32_t mtu = egress_choose_mtu(device, path);

	must(o->state == OUTPUT_OPEN);
	o->mtu = mtu > 0 ? mtu : o->mtu;
	o->mtu_again_ns = 0;
	egress_set_mtu(o, o->mtu);
	if (o->gso == GSO_OFF && o->gso_again_ns != 0) {
		o->gso = GSO_UNPROVEN;
		o->gso_again_ns = o->gso_wait_ns = 0;
	}
}

uint32_t egress_choose_mtu(uint32_t device, uint32_t path)
{
	return device == 0 || (path != 0 && path < device) ? path : device;
}

void egress_set_mtu(struct egress_output *o, uint32_t mtu)
{
	const struct rule_output *out = &o->rule->out;
	bool v6 = out->to.addr.family == AF_INET6;
	uint32_t headers = v6 ? IPV6_UDP_HEADER_BYTES : IPV4_UDP_HEADER_BYTES;
	uint32_t carried = out->mtu > 0 && out->mtu < mtu ? out->mtu : mtu;

	/* A device may take more than UDP can carry: loopback does. */
	o->segment_max = carried > headers ? carried - headers : 0;
	if (o->segment_max > o->train_bytes_max) {
		o->segment_max = o->train_bytes_max;
	}
	o->datagram_max = UINT32_MAX;
	/* The kernel cuts up by what the route says, and routers cut up in IPv4 only. */
	if (out->mtu > 0 && (out->df || (v6 && out->mtu < mtu))) {
		o->datagram_max = out->mtu - headers;
	}
}

void egress_follow_sources(struct egress *eg)
{
	for (uint32_t i = 0; i < eg->place_count && i < LOOK_OUTPUTS_MAX; i++) {
		struct output_place *place;
		struct egress_output *o;

		eg->look_at = eg->look_at < eg->place_count ? eg->look_at : 0;
		place = egress_place(eg, eg->look_at++);
		o = &place->output;
		if (o->state == OUTPUT_OPEN && o->connected && o->in_flight == 0) {
			(void)sock_follow_source(o->fd, &o->rule->out, o->path.ifindex,
						 &place->got.local);
		}
	}
}

void egress_close_output(struct egress *eg, struct egress_output *o)
{
	must(o->state == OUTPUT_OPEN || o->state == OUTPUT_PENDING);
	o->state = OUTPUT_CLOSING;
	train_queue_close(&o->queue, eg->trains);
}

bool egress_is_closed(const struct egress_output *o)
{
	return o->queue.open == TRAIN_NONE && o->queue.first == TRAIN_NONE && o->in_flight == 0 &&
	       !o->dirty;
}

int egress_finish_output(struct egress *eg, struct egress_output *o)
{
	int fd = o->fd;

	must(o->state == OUTPUT_CLOSING);
	if (o->file != PLACE_NONE) {
		ring_remove_file(eg->ring, o->file);
	}
	egress_leave_place(eg, o);
	return fd;
}

/* While it is in a list of the level before, it stays there until that is flushed. */
static void set_level(struct egress *eg, struct egress_output *o)
{
	o->level = rule_level(&o->rule->out);
	eg->has_level = eg->has_level || o->level > 0;
}
