/* replies.c - see replies.h.
 *
 * A reply socket is opened like an ingress that listens on any address of the output's interface,
 * at the port that the output has got. It shares the port with the output's own socket, which is
 * bound to an address that nobody sends to and hears nothing. What cannot be sent on is counted by
 * the difference of `replies' and `replies_sent'. Control thread.
 */
#include "src/run/replies.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "shard/sock.h"
#include "src/run/supervisor.h"

#define REPLY_BYTES_MAX 65536
#define EVENTS_MAX      16 /* of one tick */
#define TAKES_MAX       16 /* of one socket and tick, so that signals are heard */

struct reply {
	int fd;
	uint32_t worker, place, token; /* of the output */
};

static uint32_t count_wanted(const struct supervisor *sup);
static int open_all(struct replies *replies, struct supervisor *sup, struct err *err);
static int open_one(struct replies *replies, const struct output_place *place, struct reply *out,
		    struct err *err);
static void take(struct replies *replies, struct supervisor *sup, const struct reply *reply);
static int asked_fd(const struct shard *shard, const struct egress_output *output,
		    unsigned *ifindex);
static bool send_back(const struct shard *shard, const struct output_place *place,
		      const void *bytes, size_t len);

int replies_open(struct replies *replies, struct supervisor *sup, struct err *err)
{
	uint32_t wanted = count_wanted(sup);
	int rc = 0;

	*replies = (struct replies){0};
	if (wanted == 0) {
		return 0;
	}
	replies->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	if (replies->epoll_fd < 0) {
		err_set(err, "reply=yes: cannot wait for answers: %s; see `ulimit -n'",
			strerror(errno));
		return -errno;
	}
	replies->list = calloc(wanted, sizeof(*replies->list));
	replies->buffer = malloc(REPLY_BYTES_MAX);
	if (!replies->list || !replies->buffer) {
		err_set(err, "reply=yes: out of memory");
		rc = -ENOMEM;
	}
	rc = rc == 0 ? open_all(replies, sup, err) : rc;
	if (rc < 0) {
		if (!replies->list) {
			close(replies->epoll_fd);
		}
		replies_close(replies);
	}
	return rc;
}

int replies_fd(const struct replies *replies)
{
	return replies->list ? replies->epoll_fd : -1;
}

void replies_tick(struct replies *replies, struct supervisor *sup)
{
	struct epoll_event events[EVENTS_MAX];
	int count = replies->list ? epoll_wait(replies->epoll_fd, events, EVENTS_MAX, 0) : 0;

	for (int i = 0; i < count; i++) {
		take(replies, sup, &replies->list[events[i].data.u32]);
	}
}

void replies_follow(struct replies *replies, uint32_t from_shard, uint32_t from, uint32_t to_shard,
		    uint32_t to)
{
	for (uint32_t i = 0; replies->list && i < replies->count; i++) {
		struct reply *reply = &replies->list[i];

		if (reply->worker == from_shard && reply->token == from) {
			*reply = (struct reply){reply->fd, to_shard, place_index(to), to};
			return;
		}
	}
}

void replies_close(struct replies *replies)
{
	for (uint32_t i = 0; replies->list && i < replies->count; i++) {
		close(replies->list[i].fd);
	}
	if (replies->list) {
		close(replies->epoll_fd);
	}
	free(replies->list);
	free(replies->buffer);
	*replies = (struct replies){0};
}

static uint32_t count_wanted(const struct supervisor *sup)
{
	uint32_t wanted = 0;

	for (uint32_t w = 0; w < sup->worker_count; w++) {
		const struct rule_table *table = sup->workers[w].spec.table;

		for (uint32_t o = 0; o < table->output_count; o++) {
			wanted += table->outputs[o].out.reply;
		}
	}
	return wanted;
}

/* At start output `o' of a shard's table stands in place `o'. */
static int open_all(struct replies *replies, struct supervisor *sup, struct err *err)
{
	int rc = 0;

	for (uint32_t w = 0; w < sup->worker_count; w++) {
		const struct rule_table *table = sup->workers[w].spec.table;

		for (uint32_t o = 0; o < table->output_count && rc == 0; o++) {
			struct reply *reply = &replies->list[replies->count];
			const struct output_place *place;

			place = shard_output(sup->workers[w].shard, o);
			if (!table->outputs[o].out.reply || place->got.local.port == 0) {
				continue; /* one that is pending has no port yet */
			}
			*reply = (struct reply){
				.worker = w, .place = o, .token = place->output.token};
			rc = open_one(replies, place, reply, err);
			replies->count += rc == 0;
		}
	}
	return rc;
}

static int open_one(struct replies *replies, const struct output_place *place, struct reply *out,
		    struct err *err)
{
	const struct endpoint *to = &place->rule.out.to;
	struct epoll_event event = {.events = EPOLLIN, .data.u32 = replies->count};
	struct rule_ingress in = RULE_INGRESS_UNSET;
	struct sock_want want = {0};
	struct sock_got got;

	in.at.addr = (struct addr){.family = to->addr.family, .port = place->got.local.port};
	memcpy(in.at.ifname, to->ifname, sizeof(in.at.ifname));
	in.shared = true;
	out->fd = sock_open_ingress(&in, place->rule.ifindex, &want, &got, err);
	if (out->fd < 0) {
		return out->fd;
	}
	if (epoll_ctl(replies->epoll_fd, EPOLL_CTL_ADD, out->fd, &event) < 0) {
		int rc = -errno;

		err_set(err, "reply=yes: cannot wait for answers: %s", strerror(-rc));
		close(out->fd);
		return rc;
	}
	return 0;
}

static void take(struct replies *replies, struct supervisor *sup, const struct reply *reply)
{
	const struct shard *shard = sup->workers[reply->worker].shard;
	const struct output_place *place = shard_output(shard, reply->place);

	for (int i = 0; i < TAKES_MAX; i++) {
		ssize_t len = recv(reply->fd, replies->buffer, REPLY_BYTES_MAX, MSG_DONTWAIT);

		if (len < 0) {
			return;
		}
		if (place->output.token != reply->token || !place->output.rule) {
			continue; /* the output has left, and maybe another come */
		}
		stat_add(&place->output.stats->replies, 1);
		if (send_back(shard, place, replies->buffer, (size_t)len)) {
			stat_add(&place->output.stats->replies_sent, 1);
		}
	}
}

static bool send_back(const struct shard *shard, const struct output_place *place,
		      const void *bytes, size_t len)
{
	struct sockaddr_storage name;
	struct addr asker;
	unsigned ifindex = 0;
	int fd = asked_fd(shard, &place->output, &ifindex);
	socklen_t name_len;

	if (fd < 0 || !asker_get(&place->asker, &asker)) {
		return false;
	}
	name_len = addr_to_sockaddr(&asker, ifindex, &name);
	return sendto(fd, bytes, len, MSG_DONTWAIT, (struct sockaddr *)&name, name_len) ==
	       (ssize_t)len;
}

/* The socket that was asked, that of the output's flow; -1 when it has left. */
static int asked_fd(const struct shard *shard, const struct egress_output *output,
		    unsigned *ifindex)
{
	const struct ingress_flow *flow = &shard_flow(shard, place_index(output->flow))->flow;

	if (flow->token != output->flow || !flow->rule) {
		return -1;
	}
	*ifindex = flow->rule->ifindex;
	return flow->fd;
}
