/* check_ifwatch.c - what the kernel writes of interfaces, and what is made of it. */
#include "src/run/ifwatch.h"

#include <check.h>
#include <libmnl/libmnl.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <poll.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "src/base/clock.h"

#define ETH    2
#define BRIDGE 3
#define VLAN   4
#define FLAPS  2000

static struct ifwatch_table table;
static char said[1024];

static void hear(void *context, const struct ifwatch_event *event)
{
	static const char *const names[] = {
		[IFWATCH_ADDED] = "added", [IFWATCH_REMOVED] = "removed",
		[IFWATCH_UP] = "up",       [IFWATCH_PORT_UP] = "port up",
		[IFWATCH_MTU] = "mtu",     [IFWATCH_ADDRESS] = "address",
		[IFWATCH_DOWN] = "down",   [IFWATCH_ADDRESS_GONE] = "address gone",
	};
	size_t used = strlen(said);

	ck_assert_ptr_eq(context, said);
	snprintf(said + used, sizeof(said) - used, "%s %u %s; ", names[event->news], event->ifindex,
		 event->name);
}

static const struct ifwatch_listener listener = {.tell = hear, .context = said};

/* A link as the kernel writes it. */
struct written {
	unsigned ifindex;
	const char *name;
	bool running;
	uint32_t ups, master, lower, mtu;
	bool lower_elsewhere;
	uint16_t type; /* 0: RTM_NEWLINK */
	uint16_t flags;
	uint8_t family;
};

static unsigned take(struct written w)
{
	_Alignas(struct nlmsghdr) char buffer[512];
	struct nlmsghdr *message = mnl_nlmsg_put_header(buffer);
	struct ifinfomsg *info;

	message->nlmsg_type = w.type ? w.type : RTM_NEWLINK;
	message->nlmsg_flags = w.flags;
	info = mnl_nlmsg_put_extra_header(message, sizeof(*info));
	info->ifi_family = w.family;
	info->ifi_index = (int)w.ifindex;
	info->ifi_flags = w.running ? IFF_UP | IFF_RUNNING : IFF_UP;
	mnl_attr_put_strz(message, IFLA_IFNAME, w.name);
	mnl_attr_put_u32(message, IFLA_CARRIER_UP_COUNT, w.ups);
	if (w.mtu) {
		mnl_attr_put_u32(message, IFLA_MTU, w.mtu);
	}
	if (w.master) {
		mnl_attr_put_u32(message, IFLA_MASTER, w.master);
	}
	if (w.lower) {
		mnl_attr_put_u32(message, IFLA_LINK, w.lower);
	}
	if (w.lower_elsewhere) {
		mnl_attr_put_u32(message, IFLA_LINK_NETNSID, 0);
	}
	said[0] = '\0';
	return ifwatch_take(&table, buffer, message->nlmsg_len, &listener);
}

static unsigned take_short(uint16_t type, uint16_t flags)
{
	_Alignas(struct nlmsghdr) char buffer[64];
	struct nlmsghdr *message = mnl_nlmsg_put_header(buffer);

	message->nlmsg_type = type;
	message->nlmsg_flags = flags;
	mnl_nlmsg_put_extra_header(message, sizeof(struct nlmsgerr));
	said[0] = '\0';
	return ifwatch_take(&table, buffer, message->nlmsg_len, &listener);
}

/* eth0, a port of br0, on which br0.7 stands; all are running. */
static void setup(void)
{
	ifwatch_begin_listing(&table);
	take((struct written){
		.ifindex = ETH, .name = "eth0", .running = true, .ups = 1, .master = BRIDGE});
	take((struct written){.ifindex = VLAN, .name = "br0.7", .running = true, .lower = BRIDGE});
	take((struct written){.ifindex = BRIDGE, .name = "br0", .running = true});
	ck_assert_uint_eq(take_short(NLMSG_DONE, 0), IFWATCH_LISTED);
	ck_assert_str_eq(said, "");
}

static void teardown(void)
{
	ifwatch_table_free(&table);
}

START_TEST(first_listing_tells_of_links_and_not_of_carriers)
{
	ifwatch_table_free(&table);
	ifwatch_begin_listing(&table);
	take((struct written){.ifindex = BRIDGE, .name = "br0", .running = true});
	ck_assert_str_eq(said, "added 3 br0; ");
	take((struct written){
		.ifindex = ETH, .name = "eth0", .running = true, .ups = 1, .master = BRIDGE});
	ck_assert_str_eq(said, "added 2 eth0; ");
}
END_TEST

START_TEST(carrier_that_was_away_is_told_also_to_what_stands_on_it)
{
	take((struct written){.ifindex = ETH, .name = "eth0", .ups = 1, .master = BRIDGE});
	ck_assert_str_eq(said, "down 2 eth0; ");
	take((struct written){.ifindex = ETH, .name = "eth0", .ups = 1, .master = BRIDGE});
	ck_assert_str_eq(said, "");
	take((struct written){
		.ifindex = ETH, .name = "eth0", .running = true, .ups = 2, .master = BRIDGE});
	ck_assert_str_eq(said, "up 2 eth0; port up 3 br0; port up 4 br0.7; ");
}
END_TEST

START_TEST(interruption_that_is_over_is_told_by_the_count_of_carriers)
{
	take((struct written){
		.ifindex = ETH, .name = "eth0", .running = true, .ups = 2, .master = BRIDGE});
	ck_assert_str_eq(said, "up 2 eth0; port up 3 br0; port up 4 br0.7; ");
	take((struct written){
		.ifindex = ETH, .name = "eth0", .running = true, .ups = 2, .master = BRIDGE});
	ck_assert_str_eq(said, "");
}
END_TEST

START_TEST(link_that_becomes_a_port_is_told_to_its_master)
{
	take((struct written){.ifindex = ETH, .name = "eth0", .running = true, .ups = 1});
	ck_assert_str_eq(said, "");
	take((struct written){
		.ifindex = ETH, .name = "eth0", .running = true, .ups = 1, .master = BRIDGE});
	ck_assert_str_eq(said, "port up 3 br0; port up 4 br0.7; ");
	take((struct written){
		.ifindex = 9, .name = "eth1", .running = true, .ups = 1, .master = BRIDGE});
	ck_assert_str_eq(said, "added 9 eth1; port up 3 br0; port up 4 br0.7; ");
}
END_TEST

START_TEST(port_that_leaves_its_bridge_is_still_there)
{
	take((struct written){
		.type = RTM_DELLINK, .family = AF_BRIDGE, .ifindex = ETH, .name = "eth0"});
	ck_assert_str_eq(said, "");
	ck_assert_uint_eq(table.count, 3);
}
END_TEST

START_TEST(link_that_goes_is_told_and_forgotten)
{
	take((struct written){.type = RTM_DELLINK, .ifindex = BRIDGE, .name = "br0"});
	ck_assert_str_eq(said, "removed 3 br0; ");
	take((struct written){.type = RTM_DELLINK, .ifindex = BRIDGE, .name = "br0"});
	ck_assert_str_eq(said, "");
	take((struct written){.ifindex = 11, .name = "br0"});
	ck_assert_str_eq(said, "added 11 br0; ");
}
END_TEST

START_TEST(new_name_is_a_going_and_a_coming)
{
	take((struct written){
		.ifindex = ETH, .name = "wan0", .running = true, .ups = 1, .master = BRIDGE});
	ck_assert_str_eq(said, "removed 2 eth0; added 2 wan0; ");
}
END_TEST

START_TEST(another_mtu_is_told_and_the_same_is_not)
{
	struct written eth = {
		.ifindex = ETH, .name = "eth0", .running = true, .ups = 1, .master = BRIDGE};

	eth.mtu = 1500;
	take(eth);
	ck_assert_str_eq(said, "mtu 2 eth0; ");
	take(eth);
	ck_assert_str_eq(said, "");
	eth.mtu = 9000;
	take(eth);
	ck_assert_str_eq(said, "mtu 2 eth0; ");
	ck_assert_ptr_nonnull(ifwatch_find(&table, ETH));
	ck_assert_uint_eq(ifwatch_find(&table, ETH)->mtu, 9000);
	ck_assert_ptr_null(ifwatch_find(&table, 77));
}
END_TEST

START_TEST(number_of_another_namespace_is_no_link_of_this_one)
{
	take((struct written){
		.ifindex = 9, .name = "veth9", .lower = ETH, .lower_elsewhere = true});
	take((struct written){.ifindex = ETH, .name = "eth0", .running = true, .ups = 2});
	ck_assert_str_eq(said, "up 2 eth0; ");
}
END_TEST

START_TEST(what_a_new_listing_lacks_has_gone)
{
	ifwatch_begin_listing(&table);
	take((struct written){
		.ifindex = ETH, .name = "eth0", .running = true, .ups = 3, .master = BRIDGE});
	ck_assert_str_eq(said, "up 2 eth0; port up 3 br0; port up 4 br0.7; ");
	ck_assert_uint_eq(take_short(NLMSG_DONE, 0), IFWATCH_LISTED);
	ck_assert_str_eq(said, "removed 4 br0.7; removed 3 br0; ");
	ck_assert_uint_eq(table.count, 1);
}
END_TEST

START_TEST(broken_listing_removes_nothing)
{
	ifwatch_begin_listing(&table);
	take((struct written){.ifindex = ETH,
			      .name = "eth0",
			      .running = true,
			      .ups = 1,
			      .master = BRIDGE,
			      .flags = NLM_F_DUMP_INTR});
	ck_assert_uint_eq(take_short(NLMSG_DONE, 0), IFWATCH_LISTED | IFWATCH_BROKEN);
	ck_assert_str_eq(said, "");
	ck_assert_uint_eq(table.count, 3);
	ck_assert_uint_eq(take_short(NLMSG_ERROR, 0), IFWATCH_LISTED | IFWATCH_BROKEN);
}
END_TEST

START_TEST(circle_of_links_ends)
{
	take((struct written){.ifindex = 20, .name = "a", .lower = 21});
	take((struct written){.ifindex = 21, .name = "b", .lower = 20});
	take((struct written){.ifindex = 20, .name = "a", .running = true, .lower = 21});
	ck_assert_int_eq(strncmp(said, "up 20 a; port up 21 b; ", 23), 0);
}
END_TEST

START_TEST(address_is_told_with_the_name_of_its_link)
{
	_Alignas(struct nlmsghdr) char buffer[64];
	struct nlmsghdr *message = mnl_nlmsg_put_header(buffer);
	struct ifaddrmsg *info;

	message->nlmsg_type = RTM_NEWADDR;
	info = mnl_nlmsg_put_extra_header(message, sizeof(*info));
	info->ifa_index = ETH;
	ifwatch_take(&table, buffer, message->nlmsg_len, &listener);
	ck_assert_str_eq(said, "address 2 eth0; ");
	message->nlmsg_type = RTM_DELADDR;
	ifwatch_take(&table, buffer, message->nlmsg_len, &listener);
	ck_assert_str_eq(said, "address 2 eth0; address gone 2 eth0; ");
}
END_TEST

/* Until the kernel has said all that it is asked for, and what came before. */
static void read_all(struct ifwatch *watch)
{
	struct pollfd fd = {.fd = watch->fd, .events = POLLIN};
	uint64_t now_ns = clock_now_ns();

	do {
		now_ns += NS_PER_S;
		ifwatch_tick(watch, &listener, now_ns);
	} while (poll(&fd, 1, 0) > 0 || watch->listing || watch->wanted);
}

static void set_loopback(bool up)
{
	struct ifreq req = {.ifr_name = "lo", .ifr_flags = (short)(up ? IFF_UP : 0)};
	int fd = socket(AF_INET, SOCK_DGRAM, 0);

	ck_assert_int_eq(ioctl(fd, SIOCSIFFLAGS, &req), 0);
	close(fd);
}

START_TEST(news_that_the_kernel_dropped_is_read_again)
{
	static struct ifwatch watch;
	int least = 1;

	if (unshare(CLONE_NEWNET) != 0) {
		printf("skip: no network namespace for this user\n");
		return;
	}
	ck_assert_int_eq(ifwatch_open(&watch), 0);
	ck_assert_int_eq(
		setsockopt(watch.fd, SOL_SOCKET, SO_RCVBUF, &least, (socklen_t)sizeof(least)), 0);
	said[0] = '\0';
	read_all(&watch);
	ck_assert_ptr_nonnull(strstr(said, "added 1 lo; "));
	for (int i = 0; i < FLAPS; i++) {
		set_loopback(i % 2 != 0);
	}
	said[0] = '\0';
	read_all(&watch);
	ck_assert_uint_gt(watch.table.listing, 1); /* some of it was dropped */
	ck_assert_ptr_nonnull(strstr(said, "up 1 lo; "));
	ck_assert(watch.table.links[0].running);
	ifwatch_close(&watch);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("ifwatch");
	TCase *tc = tcase_create("ifwatch");
	SRunner *sr = srunner_create(s);
	int failed;

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, first_listing_tells_of_links_and_not_of_carriers);
	tcase_add_test(tc, carrier_that_was_away_is_told_also_to_what_stands_on_it);
	tcase_add_test(tc, interruption_that_is_over_is_told_by_the_count_of_carriers);
	tcase_add_test(tc, link_that_becomes_a_port_is_told_to_its_master);
	tcase_add_test(tc, port_that_leaves_its_bridge_is_still_there);
	tcase_add_test(tc, link_that_goes_is_told_and_forgotten);
	tcase_add_test(tc, new_name_is_a_going_and_a_coming);
	tcase_add_test(tc, another_mtu_is_told_and_the_same_is_not);
	tcase_add_test(tc, number_of_another_namespace_is_no_link_of_this_one);
	tcase_add_test(tc, what_a_new_listing_lacks_has_gone);
	tcase_add_test(tc, broken_listing_removes_nothing);
	tcase_add_test(tc, circle_of_links_ends);
	tcase_add_test(tc, address_is_told_with_the_name_of_its_link);
	tcase_add_test(tc, news_that_the_kernel_dropped_is_read_again);
	suite_add_tcase(s, tc);
	srunner_run_all(sr, CK_ENV);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
