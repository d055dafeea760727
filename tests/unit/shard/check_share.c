/* check_share.c - whose share a source is: the function, and the kernel with the programs.
 *
 * The kernel is asked in a namespace whose lo takes 10.0.0.0/8 and fd00::/8 for its own, so that a
 * datagram can come from any address there: each is sent once, and the socket that hears it must be
 * the one that the function names. An IPv6 group comes by a veth, since lo brings none. The linker
 * sends setsockopt here, where a filter can be refused.
 */
#include <arpa/inet.h>
#include <check.h>
#include <errno.h>
#include <net/if.h>
#include <netinet/in.h>
#include <poll.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "shard/share.h"
#include "tests/unit/sock_help.h"

#define ADDRESSES 10000

int __real_setsockopt(int fd, int level, int name, const void *value, socklen_t len);
int __wrap_setsockopt(int fd, int level, int name, const void *value, socklen_t len);

static struct err err;
static uint64_t seed = 12;
static bool no_filters; /* the kernel has no memory for one */

int __wrap_setsockopt(int fd, int level, int name, const void *value, socklen_t len)
{
	if (no_filters && level == SOL_SOCKET && name == SO_ATTACH_FILTER) {
		errno = ENOMEM;
		return -1;
	}
	return __real_setsockopt(fd, level, name, value, len);
}

static uint32_t random_word(void)
{
	seed = seed * 6364136223846793005ULL + 1442695040888963407ULL;
	return (uint32_t)(seed >> 32);
}

static struct addr v4_addr(uint32_t word)
{
	struct addr addr = {.family = AF_INET};

	word = htonl(word);
	memcpy(addr.ip, &word, sizeof(word));
	return addr;
}

/* One of those that lo takes for its own. */
static struct addr local_addr(int family)
{
	struct addr addr = {.family = (uint16_t)family};

	for (unsigned i = 0; i < (family == AF_INET ? 4U : 16U); i++) {
		addr.ip[i] = (uint8_t)random_word();
	}
	addr.ip[0] = family == AF_INET ? 10 : 0xfd;
	addr.ip[3] = addr.ip[3] % 254 + 1; /* no broadcast address of any size of network */
	return addr;
}

START_TEST(known_sources_have_known_shares)
{
	struct addr v4 = addr_of("10.1.2.3"), v6 = addr_of("fd00:1::2");

	/* Computed elsewhere: a change of the function, which would move every source, shows. */
	ck_assert_uint_eq(share_of_source(&v4, 1), 0);
	ck_assert_uint_eq(share_of_source(&v4, 65536), 44362);
	ck_assert_uint_eq(share_of_source(&v6, 65536), 51110);
	v4.port = 1;
	ck_assert_uint_eq(share_of_source(&v4, 7), 44362 % 7);
}
END_TEST

/* Sources lie a stride apart, as the addresses of a rack's hosts do. */
START_TEST(shares_of_sixty_four_sources_are_balanced)
{
	static const uint32_t strides[] = {1, 2, 4, 16, 256};

	for (unsigned s = 0; s < 5; s++) {
		for (uint32_t count = 2; count <= 8; count *= 2) {
			uint32_t of_share[8] = {0}, fullest = 0;

			for (uint32_t i = 0; i < 64; i++) {
				struct addr source = v4_addr(0x0a000001 + i * strides[s]);
				uint32_t *n = &of_share[share_of_source(&source, count)];

				(*n)++;
				fullest = *n > fullest ? *n : fullest;
			}
			ck_assert_msg(fullest * count <= 64 * 5 / 4, "stride %u: %u of 64 of %u",
				      strides[s], fullest, count);
		}
	}
}
END_TEST

START_TEST(a_cpu_is_its_owners_share_and_no_cpu_is_nobodys)
{
	const int cpus[] = {4, 0, 9};

	ck_assert_uint_eq(share_of_cpu(cpus, 3, 4), 0);
	ck_assert_uint_eq(share_of_cpu(cpus, 3, 0), 1);
	ck_assert_uint_eq(share_of_cpu(cpus, 3, 9), 2);
	for (int cpu = 0; cpu < 4096; cpu++) {
		ck_assert_uint_lt(share_of_cpu(cpus, 3, cpu), 3);
	}
	ck_assert_uint_eq(share_of_cpu(cpus, 3, 5), 2);
}
END_TEST

START_TEST(shares_are_the_same_when_their_sockets_would_be)
{
	const int cpus[] = {1, 2}, others[] = {2, 1};
	const struct share whole = {0}, one = {.by = SHARE_BY_SOURCE, .count = 1},
			   first = {.by = SHARE_BY_SOURCE, .count = 2, .cpus_os = cpus},
			   second = {.by = SHARE_BY_SOURCE, .count = 2, .index = 1},
			   moved = {.by = SHARE_BY_SOURCE, .count = 2, .cpus_os = others},
			   more = {.by = SHARE_BY_SOURCE, .count = 3},
			   by_cpu = {.by = SHARE_BY_CPU, .count = 2, .cpus_os = cpus},
			   by_others = {.by = SHARE_BY_CPU, .count = 2, .cpus_os = others};

	ck_assert(share_is_same(&whole, &one));
	ck_assert(share_is_same(&first, &moved));
	ck_assert(share_is_same(&by_cpu, &by_cpu));
	ck_assert(!share_is_same(&whole, &first));
	ck_assert(!share_is_same(&first, &second));
	ck_assert(!share_is_same(&first, &more));
	ck_assert(!share_is_same(&first, &by_cpu));
	ck_assert(!share_is_same(&by_cpu, &by_others));
}
END_TEST

START_TEST(programs_of_every_size_fit)
{
	static struct share_program program;
	int cpus[SHARES_MAX];

	for (int i = 0; i < SHARES_MAX; i++) {
		cpus[i] = i;
	}
	for (int by = SHARE_BY_SOURCE; by <= SHARE_BY_CPU; by++) {
		for (uint8_t count = 2; count <= SHARES_MAX; count++) {
			struct share share = {.by = (uint8_t)by,
					      .count = count,
					      .index = count - 1,
					      .cpus_os = cpus};

			share_filter(&share, AF_INET6, &program);
			ck_assert_uint_le(program.len, SHARE_PROGRAM_MAX);
			share_chooser(&share, AF_INET, &program);
			ck_assert_uint_le(program.len, SHARE_PROGRAM_MAX);
		}
	}
}
END_TEST

/* Where the datagrams of a test go out and come in. */
static const char *out_dev, *in_dev;
static int out_index;

static int open_sender(int family)
{
	int fd = socket(family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	int off = 0;
	struct ip_mreqn mreq = {.imr_ifindex = (int)if_nametoindex(out_dev)};

	out_index = mreq.imr_ifindex;
	ck_assert_int_ge(fd, 0);
	if (family == AF_INET) {
		setsockopt(fd, IPPROTO_IP, IP_MULTICAST_IF, &mreq, sizeof(mreq));
		setsockopt(fd, IPPROTO_IP, IP_MULTICAST_LOOP, &off, sizeof(off));
	} else {
		setsockopt(fd, IPPROTO_IPV6, IPV6_MULTICAST_IF, &out_index, sizeof(out_index));
		setsockopt(fd, IPPROTO_IPV6, IPV6_MULTICAST_LOOP, &off, sizeof(off));
	}
	return fd;
}

/* Makes what a flow to `to' needs; the socket to send by. */
static int enter(const char *to)
{
	bool by_veth = strncmp(to, "ff", 2) == 0;
	int fd;

	in_dev = by_veth ? "a1" : "lo";
	out_dev = by_veth ? "a0" : "lo";
	if (by_veth) {
		net_make();
		net_go(THERE);
	} else {
		ck_assert_int_eq(unshare(CLONE_NEWNET), 0);
		net_sysctl("net/ipv6/conf/all/disable_ipv6", "0");
		net_ip("link set lo up\nroute add local 10.0.0.0/8 dev lo\n"
		       "route add local fd00::/8 dev lo\nroute add 239.0.0.0/8 dev lo\n");
	}
	net_sysctl("net/ipv6/ip_nonlocal_bind", "1"); /* IPv4 asks the route, IPv6 the interface */
	fd = open_sender(strchr(to, ':') ? AF_INET6 : AF_INET);
	if (by_veth) {
		net_go(HERE);
	}
	return fd;
}

/* Opens the sockets of a flow as the shards and the gate do. */
static void open_shares(const struct rule_ingress *in, struct share *shares, uint8_t count,
			int *fds)
{
	struct sock_got got;
	unsigned index = if_nametoindex(in_dev);

	for (uint8_t i = 0; i < count; i++) {
		struct sock_want want = {.buffer_bytes = 1 << 20};

		shares[i].index = i;
		shares[i].count = count;
		want.share = shares[i];
		fds[i] = sock_open_ingress(in, index, &want, &got, &err);
		ck_assert_msg(fds[i] >= 0, "%s", err.text);
	}
	for (uint8_t i = 0; i < count; i++) {
		ck_assert_msg(sock_share_bind(fds[i], in, index, &shares[i], &got, &err) == 0, "%s",
			      err.text);
	}
	for (uint8_t i = 0; i < count; i++) {
		ck_assert_msg(sock_join(fds[i], in, index, &err) == 0, "%s", err.text);
	}
	for (uint8_t i = 0; i < count; i++) {
		ck_assert_msg(sock_share_open(fds[i], in, &shares[i], &err) == 0, "%s", err.text);
	}
}

/* One empty datagram from `from' to `to'. */
static void send_from(int fd, const struct addr *from, const struct addr *to)
{
	unsigned char control[CMSG_SPACE(sizeof(struct in6_pktinfo))]
		__attribute__((aligned(8))) = {0};
	struct sockaddr_storage name;
	struct msghdr msg = {.msg_name = &name,
			     .msg_namelen = addr_to_sockaddr(to, 0, &name),
			     .msg_control = control};
	struct cmsghdr *c = (struct cmsghdr *)control;
	struct in_pktinfo v4 = {.ipi_ifindex = out_index};
	struct in6_pktinfo v6 = {.ipi6_ifindex = (unsigned)out_index};

	if (from->family == AF_INET) {
		memcpy(&v4.ipi_spec_dst, from->ip, 4);
		c->cmsg_level = IPPROTO_IP;
		c->cmsg_type = IP_PKTINFO;
		c->cmsg_len = CMSG_LEN(sizeof(v4));
		memcpy(CMSG_DATA(c), &v4, sizeof(v4));
		msg.msg_controllen = CMSG_SPACE(sizeof(v4));
	} else {
		memcpy(&v6.ipi6_addr, from->ip, 16);
		c->cmsg_level = IPPROTO_IPV6;
		c->cmsg_type = IPV6_PKTINFO;
		c->cmsg_len = CMSG_LEN(sizeof(v6));
		memcpy(CMSG_DATA(c), &v6, sizeof(v6));
		msg.msg_controllen = CMSG_SPACE(sizeof(v6));
	}
	ck_assert_msg(sendmsg(fd, &msg, 0) == 0, "%s", strerror(errno));
}

/* The kernel may take its time; what one socket hears and another hears too comes with it. */
static void wait_for_one(int fd)
{
	struct pollfd poll_fd = {.fd = fd, .events = POLLIN};

	ck_assert_int_eq(poll(&poll_fd, 1, 300000), 1);
}

/* Each socket hears what the function says is its share, and nothing else. */
static void ask_kernel(int tx, const char *to, uint8_t count)
{
	struct rule_ingress in = ingress_at(to, in_dev, SOCK_PORT);
	struct share shares[SHARES_MAX];
	int fds[SHARES_MAX];
	unsigned heard[SHARES_MAX] = {0};

	for (uint8_t i = 0; i < count; i++) {
		shares[i] = (struct share){.by = SHARE_BY_SOURCE};
	}
	open_shares(&in, shares, count, fds);
	for (unsigned i = 0; i < ADDRESSES; i++) {
		struct addr from = local_addr(in.at.addr.family);
		uint32_t share = share_of_source(&from, count);

		send_from(tx, &from, &in.at.addr);
		wait_for_one(fds[share]);
		for (uint8_t s = 0; s < count; s++) {
			char text[ADDR_TEXT_MAX];
			unsigned n = drain_socket(fds[s]);

			ck_assert_msg(n == (s == share), "%s to %s: share %u of %u heard %u",
				      addr_format(&from, text), to, s, count, n);
			heard[s] += n;
		}
	}
	for (uint8_t s = 0; s < count; s++) {
		ck_assert_uint_gt(heard[s], ADDRESSES / count / 2);
		close(fds[s]);
	}
}

START_TEST(the_kernel_chooses_what_the_function_says)
{
	static const char *const to[] = {"10.200.0.1", "fd00:200::1", "239.1.1.1", "ff3e::4321:1"};

	int tx = enter(to[_i]);

	ask_kernel(tx, to[_i], 2);
	ask_kernel(tx, to[_i], 7);
}
END_TEST

/* One CPU sends and so receives, over lo: all of it is the share of the owner that runs there. */
START_TEST(by_cpu_the_owner_of_the_receiving_cpu_hears_all)
{
	static const char *const to[] = {"10.200.0.1", "fd00:200::1", "239.1.1.1", "ff3e::4321:1"};
	cpu_set_t one;
	int here = sched_getcpu();
	const int cpus[] = {here + 1, here, here + 2};
	struct rule_ingress in;
	struct share shares[3];
	int fds[3], tx;

	CPU_ZERO(&one);
	CPU_SET((size_t)here, &one);
	ck_assert_int_eq(sched_setaffinity(0, sizeof(one), &one), 0);
	tx = enter(to[_i]);
	in = ingress_at(to[_i], in_dev, SOCK_PORT);
	for (int i = 0; i < 3; i++) {
		shares[i] = (struct share){.by = SHARE_BY_CPU, .cpus_os = cpus};
	}
	open_shares(&in, shares, 3, fds);
	for (int i = 0; i < 100; i++) {
		struct addr from = local_addr(in.at.addr.family);

		send_from(tx, &from, &in.at.addr);
	}
	for (unsigned heard = 0; heard < 100; heard += drain_socket(fds[1])) {
		wait_for_one(fds[1]);
	}
	ck_assert_uint_eq(drain_socket(fds[0]), 0);
	ck_assert_uint_eq(drain_socket(fds[1]), 0);
	ck_assert_uint_eq(drain_socket(fds[2]), 0);
}
END_TEST

START_TEST(a_second_instance_is_told_that_the_port_is_taken)
{
	static const char *const at[] = {"10.200.0.1", "fd00:200::1"};
	struct rule_ingress in = ingress_at(at[_i], "lo", SOCK_PORT);
	struct share shares[2] = {{.by = SHARE_BY_SOURCE}, {.by = SHARE_BY_SOURCE}};
	struct sock_want want = {0};
	struct sock_got got;
	int fds[2], second, tx;

	tx = enter(at[_i]);
	open_shares(&in, shares, 2, fds);
	close(tx);
	want.share = shares[0];
	second = sock_open_ingress(&in, if_nametoindex(in_dev), &want, &got, &err);
	ck_assert_int_ge(second, 0);
	ck_assert_int_eq(
		sock_share_bind(second, &in, if_nametoindex(in_dev), &want.share, &got, &err),
		-EADDRINUSE);
	err_says(&err, "cannot bind: Address already in use; another socket has this address");
}
END_TEST

/* A newcomer of the same user may join the group of sockets; the program never names it. */
START_TEST(a_stranger_of_the_same_user_hears_nothing)
{
	static const char *const at[] = {"10.200.0.1", "fd00:200::1"};
	struct rule_ingress in = ingress_at(at[_i], "lo", SOCK_PORT);
	struct share shares[2] = {{.by = SHARE_BY_SOURCE}, {.by = SHARE_BY_SOURCE}};
	struct sockaddr_storage name;
	socklen_t len = addr_to_sockaddr(&in.at.addr, 0, &name);
	int fds[2], on = 1, stranger, tx;

	tx = enter(at[_i]);
	open_shares(&in, shares, 2, fds);
	stranger = socket(in.at.addr.family, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	ck_assert_int_eq(setsockopt(stranger, SOL_SOCKET, SO_REUSEPORT, &on, sizeof(on)), 0);
	ck_assert_int_eq(setsockopt(stranger, SOL_SOCKET, SO_BINDTODEVICE, "lo", 3), 0);
	ck_assert_int_eq(bind(stranger, (struct sockaddr *)&name, len), 0);
	for (int i = 0; i < 200; i++) {
		struct addr from = local_addr(in.at.addr.family);

		send_from(tx, &from, &in.at.addr);
	}
	for (unsigned heard = 0; heard < 200;) {
		struct pollfd any[] = {{.fd = fds[0], .events = POLLIN},
				       {.fd = fds[1], .events = POLLIN}};

		ck_assert_int_gt(poll(any, 2, 300000), 0);
		heard += drain_socket(fds[0]) + drain_socket(fds[1]);
	}
	ck_assert_uint_eq(drain_socket(stranger), 0);
}
END_TEST

START_TEST(a_broadcast_is_not_divided)
{
	struct rule_ingress in = ingress_at("10.77.0.255", "lo", SOCK_PORT);
	struct share share = {.by = SHARE_BY_SOURCE, .count = 2};
	struct sock_want want = {.share = share};
	struct sock_got got;
	int fd;

	(void)enter("10.200.0.1");
	net_ip("route add broadcast 10.77.0.255 dev lo table local\n");
	fd = sock_open_ingress(&in, if_nametoindex("lo"), &want, &got, &err);
	ck_assert_msg(fd >= 0, "%s", err.text);
	ck_assert_int_eq(sock_share_bind(fd, &in, if_nametoindex("lo"), &share, &got, &err),
			 -EINVAL);
	err_says(&err, "cannot divide a broadcast among shards");
}
END_TEST

/* Until its flow is opened a share hears nothing, and what it refuses it counts. */
START_TEST(nothing_is_heard_before_all_have_joined)
{
	struct rule_ingress in = ingress_at("239.1.1.1", "lo", SOCK_PORT);
	struct share share = {.by = SHARE_BY_SOURCE, .count = 2};
	struct addr from = addr_of("10.0.0.1");
	struct sock_want want = {.share = share};
	struct sock_got got;
	int fd, tx;

	tx = enter("239.1.1.1");
	fd = sock_open_ingress(&in, if_nametoindex(in_dev), &want, &got, &err);
	ck_assert_msg(fd >= 0, "%s", err.text);
	ck_assert_int_eq(sock_join(fd, &in, if_nametoindex(in_dev), &err), 0);
	send_from(tx, &from, &in.at.addr);
	while (sock_kernel_drops(fd) == 0) { /* or the limit of the test ends it */
		usleep(1000);
	}
	ck_assert(nothing_queued(fd));
	ck_assert_uint_eq(sock_kernel_drops(fd), 1);
}
END_TEST

/* It would hear all of the flow, and not its share, as soon as it has joined. */
START_TEST(a_share_that_cannot_refuse_is_not_opened)
{
	static const char *const at[] = {"10.200.0.1", "239.1.1.1"};
	struct rule_ingress in = ingress_at(at[_i], "lo", SOCK_PORT);
	struct sock_want want = {.share = {.by = SHARE_BY_SOURCE, .count = 2}};
	struct sock_got got;

	(void)enter(at[_i]);
	no_filters = true;
	ck_assert_int_eq(sock_open_ingress(&in, if_nametoindex(in_dev), &want, &got, &err),
			 -ENOMEM);
	err_says(&err, "cannot refuse what comes before all shares are there: Cannot allocate "
		       "memory; no room for the program; raise net.core.optmem_max");
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("share");
	TCase *pure = tcase_create("pure"), *kernel = tcase_create("kernel");
	SRunner *runner = srunner_create(suite);
	int failed;

	suite_add_tcase(suite, pure);
	tcase_add_test(pure, known_sources_have_known_shares);
	tcase_add_test(pure, shares_of_sixty_four_sources_are_balanced);
	tcase_add_test(pure, a_cpu_is_its_owners_share_and_no_cpu_is_nobodys);
	tcase_add_test(pure, shares_are_the_same_when_their_sockets_would_be);
	tcase_add_test(pure, programs_of_every_size_fit);
	tcase_set_timeout(kernel, 600); /* an emulated machine takes its time */
	tcase_add_loop_test(kernel, the_kernel_chooses_what_the_function_says, 0, 4);
	tcase_add_loop_test(kernel, by_cpu_the_owner_of_the_receiving_cpu_hears_all, 0, 4);
	tcase_add_loop_test(kernel, a_second_instance_is_told_that_the_port_is_taken, 0, 2);
	tcase_add_loop_test(kernel, a_stranger_of_the_same_user_hears_nothing, 0, 2);
	tcase_add_test(kernel, a_broadcast_is_not_divided);
	tcase_add_test(kernel, nothing_is_heard_before_all_have_joined);
	tcase_add_loop_test(kernel, a_share_that_cannot_refuse_is_not_opened, 0, 2);
	if (net_possible()) {
		suite_add_tcase(suite, kernel);
	}
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? 0 : 1;
}
