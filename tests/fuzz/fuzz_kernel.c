/* fuzz_kernel.c - any bytes as what the kernel answers about links, routes,
 * neighbours, filters and offloads.
 *
 * The first byte chooses the question. Each answer has two bytes for its length
 * before it; when none is left there is nothing to receive. What must hold: no
 * crash, no read behind what was received, no wait for an end that does not
 * come, and what is told is within its bounds.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/ethtool.h>
#include <linux/sockios.h>
#include <net/if.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "src/base/must.h"
#include "src/fastpath/filters.h"
#include "src/fastpath/hop.h"
#include "src/host/route.h"
#include "src/setup/ethtool.h"
#include "src/setup/linkinfo.h"

#if defined(__SANITIZE_ADDRESS__)
#define HIDES_REST 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define HIDES_REST 1
#endif
#endif
#ifdef HIDES_REST
#include <sanitizer/asan_interface.h>
#endif

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* In the place of those of the C library and of libmnl, for this program. */
ssize_t __wrap_send(int fd, const void *bytes, size_t len, int flags);
ssize_t __wrap_recv(int fd, void *bytes, size_t room, int flags);
ssize_t __wrap_mnl_socket_sendto(const struct mnl_socket *socket, const void *bytes, size_t len);
ssize_t __wrap_mnl_socket_recvfrom(const struct mnl_socket *socket, void *bytes, size_t room);
int __wrap_ioctl(int fd, unsigned long request, ...);

/* What is left of the input, and what of the receiver's room is hidden. */
static const uint8_t *input;
static size_t input_bytes;
static char *hidden;
static size_t hidden_bytes;

/* The next answer, cut to `room' as the kernel cuts it. -1 with EAGAIN: there
 * is none. */
static ssize_t next_answer(void *to, size_t room)
{
	size_t len;

	if (input_bytes < 2) {
		errno = EAGAIN;
		return -1;
	}
	len = input[0] | (size_t)input[1] << 8;
	len = len < input_bytes - 2 ? len : input_bytes - 2;
	memcpy(to, input + 2, len < room ? len : room);
	input += 2 + len;
	input_bytes -= 2 + len;
	return (ssize_t)(len < room ? len : room);
}

static void show_all(void)
{
#ifdef HIDES_REST
	if (hidden) {
		ASAN_UNPOISON_MEMORY_REGION(hidden, hidden_bytes);
	}
#endif
	hidden = NULL;
}

/* So that reading there is an error, until the question is answered. */
static void hide(char *from, size_t bytes)
{
	hidden = from;
	hidden_bytes = bytes;
#ifdef HIDES_REST
	ASAN_POISON_MEMORY_REGION(from, bytes);
#endif
}

ssize_t __wrap_send(int fd, const void *bytes, size_t len, int flags)
{
	(void)fd;
	(void)bytes;
	(void)flags;
	return (ssize_t)len;
}

ssize_t __wrap_recv(int fd, void *bytes, size_t room, int flags)
{
	ssize_t len;

	(void)fd;
	(void)flags;
	show_all();
	len = next_answer(bytes, room);
	if (len >= 0) {
		hide((char *)bytes + len, room - (size_t)len);
	}
	return len;
}

ssize_t __wrap_mnl_socket_sendto(const struct mnl_socket *socket, const void *bytes, size_t len)
{
	(void)socket;
	(void)bytes;
	return (ssize_t)len;
}

/* libmnl takes a length beyond INT_MAX for a negative one, and no kernel writes
 * such. */
ssize_t __wrap_mnl_socket_recvfrom(const struct mnl_socket *socket, void *bytes, size_t room)
{
	ssize_t len = next_answer(bytes, room);
	char *at = bytes, *end = at + (len > 0 ? len : 0);

	(void)socket;
	while (end - at >= (ssize_t)sizeof(struct nlmsghdr)) {
		struct nlmsghdr *head = (struct nlmsghdr *)(void *)at;

		head->nlmsg_len = head->nlmsg_len < INT32_MAX ? head->nlmsg_len : INT32_MAX;
		at += head->nlmsg_len >= sizeof(*head) && head->nlmsg_len < (size_t)(end - at)
			      ? NLMSG_ALIGN(head->nlmsg_len)
			      : (size_t)(end - at);
	}
	return len;
}

/* The kernel writes no more strings and blocks than it was given room for. */
int __wrap_ioctl(int fd, unsigned long request, ...)
{
	union {
		uint32_t cmd;
		struct ethtool_sset_info info;
		struct ethtool_gstrings names;
		struct ethtool_gfeatures bits;
		struct ethtool_drvinfo driver;
	} * ask;
	va_list args;
	ssize_t got = -1;

	(void)fd;
	must(request == SIOCETHTOOL);
	va_start(args, request);
	ask = (void *)va_arg(args, struct ifreq *)->ifr_data;
	va_end(args);
	switch (ask->cmd) {
	case ETHTOOL_GSSET_INFO:
		got = next_answer(&ask->info.sset_mask,
				  sizeof(ask->info.sset_mask) + sizeof(ask->info.data[0]));
		break;
	case ETHTOOL_GSTRINGS:
		got = next_answer(ask->names.data, (size_t)ask->names.len * ETH_GSTRING_LEN);
		break;
	case ETHTOOL_GFEATURES:
		got = next_answer(ask->bits.features,
				  ask->bits.size * sizeof(ask->bits.features[0]));
		ask->bits.size = input_bytes > 0 ? *input : ask->bits.size;
		break;
	case ETHTOOL_GDRVINFO:
		got = next_answer(ask->driver.driver, sizeof(ask->driver.driver));
		break;
	default:
		must(!"a question that is known");
	}
	return got < 0 ? -1 : 0;
}

static void ask_route(const struct addr *to)
{
	struct route route = {0};

	if (route_ask(to, &route) == 0) {
		must(route.hop_count <= ROUTE_HOPS_MAX);
		must(route.error <= 0);
		for (uint32_t i = 0; i < route.hop_count; i++) {
			must(route.hops[i] != 0);
			must(route_uses(&route, route.hops[i]));
		}
	}
}

static void ask_link(bool by_name)
{
	struct linkinfo link = {0};
	unsigned ifindex = 0;

	if (by_name) {
		(void)linkinfo_find("an-alternative-name", &ifindex);
	} else if (linkinfo_ask(1, &link) == 0) {
		must(memchr(link.kind, '\0', sizeof(link.kind)));
		must(memchr(link.master_kind, '\0', sizeof(link.master_kind)));
		must(memchr(link.master, '\0', sizeof(link.master)));
		(void)linkinfo_is_taken(&link);
		(void)linkinfo_is_stacked(&link);
	}
}

static void judge_hop(const struct hop *hop)
{
	must(hop->way <= HOP_POLICY);
	must(!hop_is_known(hop) || hop->mac_bytes == sizeof(hop->mac));
	(void)hop_is_fresh(hop);
	must(hop_compare(hop, hop) == 0);
}

static void ask_hop(int how, const struct addr *to)
{
	static struct mnl_socket *socket;
	struct hop hop = {.addr = *to, .ifindex = 1};

	socket = socket ? socket : hop_open();
	must(socket);
	if (how == 0) {
		hop_reach(socket, to, 0, &hop);
	} else if (how == 1) {
		(void)hop_use(socket, &hop);
	} else {
		(void)hop_has_policy(socket, to->family);
	}
	judge_hop(&hop);
}

/* One message, in memory of its own; that it is whole libmnl has seen before.
 */
static void read_news(void)
{
	size_t len = input_bytes;
	void *copy = malloc(len + 1);
	struct hop hop;

	must(copy);
	memcpy(copy, input, len);
	if (len <= UINT16_MAX && mnl_nlmsg_ok(copy, (int)len) &&
	    ((const struct nlmsghdr *)copy)->nlmsg_len <= len && hop_read(copy, &hop)) {
		judge_hop(&hop);
	}
	free(copy);
}

static void ask_offloads(void)
{
	struct ethtool_features features;

	if (ethtool_read("eth0", &features) == 0) {
		must(features.known);
		must(memchr(features.driver, '\0', sizeof(features.driver)));
	} else {
		must(!features.known);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct addr v4 = {.family = AF_INET, .ip = {192, 0, 2, 1}};
	struct addr v6 = {.family = AF_INET6, .ip = {0x20, 1, 0xd, 0xb8, [15] = 1}};
	const struct addr *to;

	if (size == 0) {
		return 0;
	}
	to = data[0] & 0x80 ? &v6 : &v4;
	input = data + 1;
	input_bytes = size - 1;
	switch (data[0] & 0x7f) {
	case 'r':
		ask_route(to);
		break;
	case 'm':
		(void)route_mtu(to, 1);
		break;
	case 'c':
		(void)route_count_by(1);
		break;
	case 'l':
		ask_link(false);
		break;
	case 'a':
		ask_link(true);
		break;
	case 'h':
		ask_hop(0, to);
		break;
	case 'u':
		ask_hop(1, to);
		break;
	case 'p':
		ask_hop(2, to);
		break;
	case 'n':
		read_news();
		break;
	case 'f':
		(void)filters_count(1, true);
		break;
	case 'o':
		ask_offloads();
		break;
	default:
		break;
	}
	show_all();
	return 0;
}
