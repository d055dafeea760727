/* fast_rig.c - see fast_rig.h. */
#include "tests/unit/fastpath/fast_rig.h"

#include <check.h>
#include <net/if.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "src/base/clock.h"
#include "src/fastpath/counts.h"
#include "src/fastpath/wire.h"

#define SILENT_MS 50 /* what is relayed within softirq has arrived before the send returns */

struct fast rig_fast;
int rig_socket, rig_sender;
const char *rig_group = GROUP;

static const char *local_ip = "10.2.0.2";

struct rule_output rig_output(const char *group, uint16_t port)
{
	struct rule_output out = output_to(group, "b1", port);

	out.ttl = 9;
	return out;
}

void rig_want(const struct rule_output *rules, uint32_t count, struct fast_wanted *wanted,
	      struct fast_wanted_output *outputs)
{
	struct addr local = addr_of(local_ip);
	struct device device;

	local.port = 4000;
	device_read("b1", &device);
	ck_assert(device.ethernet);
	*wanted = (struct fast_wanted){.in = ingress_at(rig_group, "a1", SOCK_PORT),
				       .ifindex = if_nametoindex("a1"),
				       .mtu = device.mtu,
				       .outputs = outputs,
				       .output_count = count};
	for (uint32_t i = 0; i < count; i++) {
		outputs[i].to = rules[i].to;
		wire_fill(&rules[i], &device, &local, false, &outputs[i].wire);
	}
}

void rig_put(const struct rule_output *rules, uint32_t count)
{
	struct fast_wanted_output outputs[FAST_OUTPUTS_MAX];
	struct fast_wanted wanted;
	struct err err = {0};

	net_go(HERE);
	rig_want(rules, count, &wanted, outputs);
	ck_assert_msg(fast_put(&rig_fast, &wanted, &err) == 0, "%s", err.text);
	fast_prolong(&rig_fast, clock_now_ns());
}

int rig_receiver(const char *group, uint16_t port)
{
	struct rule_ingress in = ingress_at(group, "b0", port);

	net_go(THERE);
	return must_ingress(&in, NULL);
}

/* The next datagram, its rig_sender and TTL; its length, or -1 when none comes. */
ssize_t rig_take(int fd, void *bytes, size_t room, struct sockaddr_in *from, int *ttl)
{
	char control[128];
	struct iovec iov = {bytes, room};
	struct msghdr msg = {.msg_name = from,
			     .msg_namelen = from ? sizeof(*from) : 0,
			     .msg_iov = &iov,
			     .msg_iovlen = 1,
			     .msg_control = control,
			     .msg_controllen = sizeof(control)};
	struct pollfd poll_fd = {.fd = fd, .events = POLLIN};
	ssize_t len = poll(&poll_fd, 1, SILENT_MS) == 1 ? recvmsg(fd, &msg, 0) : -1;

	for (struct cmsghdr *c = len < 0 ? NULL : CMSG_FIRSTHDR(&msg); c;
	     c = CMSG_NXTHDR(&msg, c)) {
		if (ttl && ((c->cmsg_level == IPPROTO_IP && c->cmsg_type == IP_TTL) ||
			    (c->cmsg_level == IPPROTO_IPV6 && c->cmsg_type == IPV6_HOPLIMIT))) {
			memcpy(ttl, CMSG_DATA(c), sizeof(*ttl));
		}
	}
	return len;
}

uint32_t rig_count_waiting(int fd)
{
	char bytes[65536];
	uint32_t count = 0;

	while (rig_take(fd, bytes, sizeof(bytes), NULL, NULL) >= 0) {
		count++;
	}
	return count;
}

void rig_send(size_t len, uint8_t filled)
{
	char bytes[8000];

	memset(bytes, filled, sizeof(bytes));
	net_go(THERE);
	ck_assert_int_eq(send_bytes(rig_sender, bytes, len), (ssize_t)len);
}

void rig_sums_hold(uint64_t received, const struct rule_output *rules, uint32_t count)
{
	struct rule_ingress in = ingress_at(rig_group, "a1", SOCK_PORT);
	struct fast_image_counts flow;

	fast_settle(&rig_fast);
	fast_read(&rig_fast, &in, &flow);
	ck_assert_uint_eq(flow.received, received);
	for (uint32_t i = 0; i < count; i++) {
		struct fast_output_counts counts;
		uint64_t before;

		fast_read_output(&rig_fast, &in, &rules[i].to, &counts, &before);
		ck_assert_uint_eq(counts_offered(&counts) + before, received);
	}
}

void rig_open(uint32_t outputs)
{
	struct err err = {0};

	net_go(HERE);
	fast_close(&rig_fast);
	ck_assert_msg(fast_open(4, outputs, &rig_fast, &err) == 0, "%s", err.text);
}

void rig_set_up(void)
{
	net_make();
	rig_socket = in_here(GROUP, "a1");
	rig_open(16);
	rig_sender = out_there(GROUP, "a0", NULL);
}

void rig_use_v6(void)
{
	close(rig_socket);
	close(rig_sender);
	rig_group = "ff1e::1";
	local_ip = "fd00:2::2";
	rig_socket = in_here(rig_group, "a1");
	rig_sender = out_there(rig_group, "a0", NULL);
}

void rig_tear_down(void)
{
	net_go(HERE);
	fast_close(&rig_fast);
}

bool rig_possible(void)
{
	struct fast trial = {0};
	struct err err = {0};

	if (!net_possible()) {
		return false;
	}
	if (fast_open(1, 1, &trial, &err) < 0) {
		printf("fast path tests skipped: %s\n", err.text);
		return false;
	}
	fast_close(&trial);
	return true;
}
