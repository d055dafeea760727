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
	uint16_t port;                 /* that the output had when this was opened */
	unsigned ifindex;              /* the same */
};

static void drop_old(struct replies *replies, const struct supervisor *sup);
static bool is_for(const struct reply *reply, const struct output_place *place);
static void drop(struct replies *replies, uint32_t index);
static bool wants(const struct output_place *place);
static int look_at_output(struct replies *replies, uint32_t worker,
			  const struct output_place *place, struct err *err);
static int make_room(struct replies *replies);
static int open_one(struct replies *replies, const struct output_place *place, struct reply *out,
		    struct err *err);
static void take(struct replies *replies, struct supervisor *sup, const struct reply *reply);
static int asked_fd(const struct shard *shard, const struct egress_output *output,
		    unsigned *ifindex);
static bool send_back(const struct worker *w, const struct output_place *place, const void *bytes,
		      size_t len);

int replies_open(struct replies *replies, struct supervisor *sup, struct err *err)
{
	int rc;

	*replies = (struct replies){0};
	rc = replies_look(replies, sup, err);
	if (rc < 0) {
		replies_close(replies);
	}
	return rc;
}

int replies_look(struct replies *replies, struct supervisor *sup, struct err *err)
{
	struct err cause;
	int first = 0;

	drop_old(replies, sup);
	for (uint32_t w = 0; w < sup->worker_count; w++) {
		const struct shard *shard = sup->workers[w].shard;

		for (uint32_t o = 0; o < shard->egress.place_count; o++) {
			int rc =
				wants(shard_output(shard, o))
					? look_at_output(replies, w, shard_output(shard, o), &cause)
					: 0;

			if (rc < 0 && first == 0) {
				first = rc;
				*err = cause;
			}
		}
	}
	return first;
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
		take(replies, sup, events[i].data.ptr);
	}
}

void replies_follow(struct replies *replies, uint32_t from_shard, uint32_t from, uint32_t to_shard,
		    uint32_t to)
{
	for (uint32_t i = 0; replies->list && i < replies->count; i++) {
		struct reply *reply = replies->list[i];

		if (reply->worker == from_shard && reply->token == from) {
			reply->worker = to_shard;
			reply->place = place_index(to);
			reply->token = to;
			return;
		}
	}
}

void replies_close(struct replies *replies)
{
	while (replies->count > 0) {
		drop(replies, replies->count - 1);
	}
	if (replies->list) {
		close(replies->epoll_fd);
	}
	free(replies->list);
	free(replies->buffer);
	*replies = (struct replies){0};
}

/* Of outputs that have left, or have another socket. */
static void drop_old(struct replies *replies, const struct supervisor *sup)
{
	for (uint32_t i = replies->count; i-- > 0;) {
		const struct reply *reply = replies->list[i];

		if (!is_for(reply, shard_output(sup->workers[reply->worker].shard, reply->place))) {
			drop(replies, i);
		}
	}
}

static bool is_for(const struct reply *reply, const struct output_place *place)
{
	return wants(place) && place->output.token == reply->token &&
	       place->got.local.port == reply->port && place->rule.ifindex == reply->ifindex;
}

/* The last one takes its place. */
static void drop(struct replies *replies, uint32_t index)
{
	close(replies->list[index]->fd); /* and so it leaves the epoll */
	free(replies->list[index]);
	replies->list[index] = replies->list[--replies->count];
}

/* One that is pending has no port yet. */
static bool wants(const struct output_place *place)
{
	return place->output.rule && place->rule.out.reply && place->output.fd >= 0 &&
	       place->got.local.port != 0;
}

static int look_at_output(struct replies *replies, uint32_t worker,
			  const struct output_place *place, struct err *err)
{
	struct reply *reply;
	int rc;

	for (uint32_t i = 0; i < replies->count; i++) {
		if (replies->list[i]->worker == worker &&
		    replies->list[i]->token == place->output.token) {
			return 0;
		}
	}
	rc = make_room(replies);
	reply = rc == 0 ? malloc(sizeof(*reply)) : NULL;
	if (!reply) {
		rc = rc < 0 ? rc : -ENOMEM;
		err_set(err, "reply=yes: cannot wait for answers: %s; see `ulimit -n'",
			strerror(-rc));
		return rc;
	}
	*reply = (struct reply){.worker = worker,
				.place = place_index(place->output.token),
				.token = place->output.token,
				.port = place->got.local.port,
				.ifindex = place->rule.ifindex};
	rc = open_one(replies, place, reply, err);
	if (rc < 0) {
		free(reply);
		return rc;
	}
	replies->list[replies->count++] = reply;
	return 0;
}

/* For one more; the first takes what all share. */
static int make_room(struct replies *replies)
{
	uint32_t room = replies->room ? 2 * replies->room : 16;
	void *grown;

	if (replies->count < replies->room) {
		return 0;
	}
	if (!replies->buffer) {
		replies->buffer = malloc(REPLY_BYTES_MAX);
	}
	if (!replies->buffer) {
		return -ENOMEM;
	}
	if (!replies->list) {
		replies->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	}
	if (replies->epoll_fd < 0) {
		return -errno;
	}
	grown = realloc(replies->list, room * sizeof(struct reply *));
	if (!grown) {
		if (!replies->list) {
			close(replies->epoll_fd);
		}
		return -ENOMEM;
	}
	replies->list = grown;
	replies->room = room;
	return 0;
}

static int open_one(struct replies *replies, const struct output_place *place, struct reply *out,
		    struct err *err)
{
	const struct endpoint *to = &place->rule.out.to;
	struct epoll_event event = {.events = EPOLLIN, .data.ptr = out};
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
	const struct worker *w = &sup->workers[reply->worker];
	const struct output_place *place = shard_output(w->shard, reply->place);

	for (int i = 0; i < TAKES_MAX; i++) {
		ssize_t len = recv(reply->fd, replies->buffer, REPLY_BYTES_MAX, MSG_DONTWAIT);

		if (len < 0) {
			return;
		}
		if (place->output.token != reply->token || !place->output.rule) {
			continue; /* the output has left, and maybe another come */
		}
		stat_add(&place->output.stats->replies, 1);
		if (send_back(w, place, replies->buffer, (size_t)len)) {
			stat_add(&place->output.stats->replies_sent, 1);
		}
	}
}

/* While the gate keeps the shard from closing the socket: its number may be a client's next. */
static bool send_back(const struct worker *w, const struct output_place *place, const void *bytes,
		      size_t len)
{
	struct sockaddr_storage name;
	struct addr asker;
	unsigned ifindex = 0;
	ssize_t sent = -1;
	int fd;

	if (!asker_get(&place->asker, &asker)) {
		return false;
	}
	gate_keep(w->gate);
	fd = w->closing ? -1 : asked_fd(w->shard, &place->output, &ifindex);
	if (fd >= 0) {
		socklen_t name_len = addr_to_sockaddr(&asker, ifindex, &name);

		sent = sendto(fd, bytes, len, MSG_DONTWAIT, (struct sockaddr *)&name, name_len);
	}
	gate_let(w->gate);
	return sent == (ssize_t)len;
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
