/* train.c - see train.h. The queue of an output, and the message of a train: destination, payload,
 * control data.
 *
 * Control data is read again when the send is carried out, so it lives in the train. Shard thread.
 */
#include "shard/train.h"

#include <netinet/in.h>
#include <netinet/udp.h>
#include <string.h>

#include "shard/journal.h"

static void point_at_single(struct train *t);
static void put_header(struct train *t, const struct train_path *path);
static void build_control(struct train *t, const struct train_path *path, uint32_t datagrams);
static void add_control(struct train *t, int level, int type, const void *data, size_t len);
static void add_source(struct train *t, const struct train_path *path);

void train_queue_close(struct train_queue *q, struct train *trains)
{
	uint32_t idx = q->open;

	if (idx == TRAIN_NONE) {
		return;
	}
	q->open = TRAIN_NONE;
	trains[idx].next = TRAIN_NONE;
	trains[idx].seq = q->next_seq++;
	journal_step();
	train_to(&trains[idx], TRAIN_CLOSED);
	journal_step();
	if (q->first == TRAIN_NONE) {
		q->first = idx;
	} else {
		trains[q->last].next = idx;
	}
	q->last = idx;
}

uint32_t train_queue_take(struct train_queue *q, struct train *trains)
{
	uint32_t idx = q->first;

	must(idx != TRAIN_NONE);
	q->first = trains[idx].next;
	return idx;
}

void train_queue_return(struct train_queue *q, struct train *trains, uint32_t idx)
{
	struct train *t = &trains[idx];
	uint32_t *link = &q->first;

	train_to(t, TRAIN_CLOSED);
	while (*link != TRAIN_NONE && trains[*link].seq < t->seq) {
		link = &trains[*link].next;
	}
	t->next = *link;
	*link = idx;
	if (t->next == TRAIN_NONE) {
		q->last = idx;
	}
}

void train_build_message(struct train *t, const struct train_path *path)
{
	t->msg = (struct msghdr){
		.msg_name = path->name_len ? (void *)&path->name : NULL,
		.msg_namelen = path->name_len,
		.msg_iov = t->iov,
		.msg_iovlen = t->iov_count,
	};
	if (t->way == TRAIN_SINGLES) {
		point_at_single(t);
		t->msg.msg_iov = &t->one;
		t->msg.msg_iovlen = 1;
	}
	if (path->headed_to.family != 0) {
		put_header(t, path);
	}
	build_control(t, path, train_send_datagrams(t));
}

/* Each iovec holds whole segments (only the very last one of the train may be short), so a
 * datagram never crosses from one iovec into the next. */
static void point_at_single(struct train *t)
{
	size_t at = (size_t)t->single_at * t->segment_bytes;
	uint32_t i = 0;

	while (at >= t->iov[i].iov_len) {
		at -= t->iov[i].iov_len;
		i++;
		must(i < t->iov_count);
	}
	t->one = (struct iovec){.iov_base = (unsigned char *)t->iov[i].iov_base + at,
				.iov_len = train_send_bytes(t)};
}

/* A raw socket sends datagrams one by one. */
static void put_header(struct train *t, const struct train_path *path)
{
	must(t->msg.msg_iovlen == 1);
	udp_header_write(&t->meta.src, &path->headed_to, t->msg.msg_iov, &t->header);
	t->headed[0] = (struct iovec){.iov_base = &t->header, .iov_len = sizeof(t->header)};
	t->headed[1] = t->msg.msg_iov[0];
	t->msg.msg_iov = t->headed;
	t->msg.msg_iovlen = 2;
}

static void build_control(struct train *t, const struct train_path *path, uint32_t datagrams)
{
	bool v6 = path->family == AF_INET6;
	int value;

	t->msg.msg_controllen = 0;
	if (datagrams > 1) {
		uint16_t segment = (uint16_t)t->segment_bytes;

		add_control(t, IPPROTO_UDP, UDP_SEGMENT, &segment, sizeof(segment));
	}
	if (t->meta.ttl >= 0) {
		value = t->meta.ttl;
		add_control(t, v6 ? IPPROTO_IPV6 : IPPROTO_IP, v6 ? IPV6_HOPLIMIT : IP_TTL, &value,
			    sizeof(value));
	}
	if (t->meta.tos >= 0) {
		value = t->meta.tos;
		add_control(t, v6 ? IPPROTO_IPV6 : IPPROTO_IP, v6 ? IPV6_TCLASS : IP_TOS, &value,
			    sizeof(value));
	}
	if (t->meta.src.family == path->family) {
		add_source(t, path);
	}
	t->msg.msg_control = t->msg.msg_controllen ? t->control : NULL;
}

static void add_control(struct train *t, int level, int type, const void *data, size_t len)
{
	struct cmsghdr *c = (struct cmsghdr *)(void *)(t->control + t->msg.msg_controllen);

	must(t->msg.msg_controllen + CMSG_SPACE(len) <= TRAIN_CONTROL_BYTES);
	c->cmsg_level = level;
	c->cmsg_type = type;
	c->cmsg_len = CMSG_LEN(len);
	memcpy(CMSG_DATA(c), data, len);
	t->msg.msg_controllen += CMSG_SPACE(len);
}

static void add_source(struct train *t, const struct train_path *path)
{
	if (t->meta.src.family == AF_INET) {
		struct in_pktinfo info = {.ipi_ifindex = (int)path->ifindex};

		memcpy(&info.ipi_spec_dst, t->meta.src.ip, sizeof(info.ipi_spec_dst));
		add_control(t, IPPROTO_IP, IP_PKTINFO, &info, sizeof(info));
	} else {
		struct in6_pktinfo info = {.ipi6_ifindex = path->ifindex};

		memcpy(&info.ipi6_addr, t->meta.src.ip, sizeof(info.ipi6_addr));
		add_control(t, IPPROTO_IPV6, IPV6_PKTINFO, &info, sizeof(info));
	}
}
