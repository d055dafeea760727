/* check_lane_hops.c - next hops: whom the kernel is asked for, when again, and what of its news is
 * news.
 *
 * The linker sends here what asks it and what hears it: the test says where destinations lead, and
 * which messages come. In the first test there is nobody to ask.
 */
#include "src/run/lane_hops.h"

#include <check.h>
#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/neighbour.h>
#include <linux/rtnetlink.h>
#include <stdlib.h>
#include <string.h>

#include "src/base/clock.h"
#include "tests/unit/run/supervisor_rig.h"
#include "tests/unit/sock_help.h"

#define KERNEL ((struct mnl_socket *)&kernel) /* nothing looks into it */
#define ROUND  (5 * NS_PER_S)

void __wrap_hop_reach(struct mnl_socket *socket, const struct addr *to, unsigned ifindex,
		      struct hop *out);
int __wrap_hop_has_policy(struct mnl_socket *socket, int family);
int __wrap_hop_use(struct mnl_socket *socket, struct hop *hop);
ssize_t __wrap_mnl_socket_recvfrom(const struct mnl_socket *socket, void *bytes, size_t room);

static struct lane_hops hops;

static struct {
	uint8_t mac;              /* of each neighbour, its last byte */
	uint16_t state;           /* NUD_* */
	uint32_t reached, used;   /* how often was asked */
	uint32_t policies_asked;  /* likewise, of both families */
	int policy_v4, policy_v6; /* what it says */
	int use;                  /* 0, or what is refused */
	struct nlmsghdr *news[4]; /* that wait; NULL: some were lost */
	uint32_t news_count, heard;
} kernel;

/* Each destination is its own neighbour. */
void __wrap_hop_reach(struct mnl_socket *socket, const struct addr *to, unsigned ifindex,
		      struct hop *out)
{
	ck_assert_ptr_eq(socket, KERNEL);
	kernel.reached++;
	*out = (struct hop){.way = HOP_NEIGHBOUR,
			    .addr = *to,
			    .ifindex = ifindex ? ifindex : 9,
			    .state = kernel.state,
			    .mac = {2, 0, 0, 0, 0, kernel.mac},
			    .mac_bytes = kernel.state != NUD_NONE ? 6 : 0};
	out->addr.port = 0;
}

int __wrap_hop_has_policy(struct mnl_socket *socket, int family)
{
	ck_assert_ptr_eq(socket, KERNEL);
	kernel.policies_asked++;
	return family == AF_INET6 ? kernel.policy_v6 : kernel.policy_v4;
}

int __wrap_hop_use(struct mnl_socket *socket, struct hop *hop)
{
	ck_assert_ptr_eq(socket, KERNEL);
	ck_assert_int_eq(hop->way, HOP_NEIGHBOUR);
	kernel.used++;
	return kernel.use;
}

ssize_t __wrap_mnl_socket_recvfrom(const struct mnl_socket *socket, void *bytes, size_t room)
{
	const struct nlmsghdr *message;

	ck_assert_ptr_eq(socket, KERNEL);
	if (kernel.heard == kernel.news_count) {
		errno = EAGAIN;
		return -1;
	}
	message = kernel.news[kernel.heard++];
	if (!message) {
		errno = ENOBUFS;
		return -1;
	}
	ck_assert_uint_le(message->nlmsg_len, room);
	memcpy(bytes, message, message->nlmsg_len);
	return message->nlmsg_len;
}

static void setup(void)
{
	memset(&kernel, 0, sizeof(kernel));
	kernel.state = NUD_REACHABLE;
	hops = (struct lane_hops){.asker = KERNEL, .news = KERNEL};
	logged_start();
}

static void teardown(void)
{
	free(hops.found.list);
}

static struct hop find(struct lane_hop_list *list, uint32_t first, const char *to, unsigned ifindex)
{
	struct lane_hop key = {.to = addr_of(to), .ifindex = ifindex};
	struct hop found;

	ck_assert_int_eq(lane_hops_find(&hops, list, first, &key, &found), 0);
	return found;
}

/* A look finds so many hops, in no order. */
static void look(uint32_t count)
{
	struct lane_hop_list list = {0};
	char to[32];

	for (uint32_t i = count; i > 0; i--) {
		(void)snprintf(to, sizeof(to), "10.1.%u.%u", i / 200, i % 200);
		(void)find(&list, list.count, to, 0);
	}
	lane_hops_take(&hops, &list);
	ck_assert_uint_eq(hops.found.count, count);
	ck_assert_uint_eq(list.count, 0);
}

/* A neighbour is so by now; heard with the next. */
static void send_news(uint16_t type, const char *ip, uint16_t state, uint8_t mac)
{
	static char room[4][256];
	uint32_t at = kernel.news_count++;
	struct nlmsghdr *message = mnl_nlmsg_put_header(room[at]);
	struct addr addr = addr_of(ip);
	const uint8_t bytes[6] = {2, 0, 0, 0, 0, mac};
	struct ndmsg *neighbour;

	message->nlmsg_type = type;
	neighbour = mnl_nlmsg_put_extra_header(message, sizeof(*neighbour));
	neighbour->ndm_family = AF_INET;
	neighbour->ndm_ifindex = 9;
	neighbour->ndm_state = state;
	mnl_attr_put(message, NDA_DST, 4, addr.ip);
	mnl_attr_put(message, NDA_LLADDR, sizeof(bytes), bytes);
	kernel.news[at] = message;
}

static bool hears(void)
{
	bool changed = lane_hops_hear(&hops);

	ck_assert_uint_eq(kernel.heard, kernel.news_count);
	kernel.heard = kernel.news_count = 0;
	return changed;
}

START_TEST(hop_that_nobody_can_be_asked_for_is_not_asked_for_again)
{
	struct lane_hop_list list = {0};
	struct hop found;

	hops = (struct lane_hops){0}; /* as lane_hops_open leaves it without sockets */
	found = find(&list, 0, "10.1.0.1", 0);
	ck_assert(!hop_is_known(&found));
	lane_hops_take(&hops, &list);
	ck_assert_uint_eq(hops.found.count, 1);
	ck_assert(!lane_hops_refresh(&hops, clock_now_ns()));
	ck_assert(!lane_hops_hear(&hops));
	ck_assert_uint_eq(kernel.reached, 0);
	ck_assert_int_eq(lane_hops_fd(&hops), -1);
	lane_hops_close(&hops);
}
END_TEST

START_TEST(destination_of_one_flow_is_asked_for_once)
{
	struct lane_hop_list list = {0};
	struct hop found = find(&list, 0, "10.1.0.1", 0);

	ck_assert_uint_eq(found.ifindex, 9);
	ck_assert(hop_is_known(&found));
	kernel.mac = 7;
	found = find(&list, 0, "10.1.0.1", 0);
	ck_assert_uint_eq(found.mac[5], 0); /* what was found before */
	ck_assert_uint_eq(list.count, 1);
	(void)find(&list, 0, "10.1.0.1", 4); /* by another interface */
	(void)find(&list, 0, "10.1.0.2", 0);
	ck_assert_uint_eq(list.count, 3);
	found = find(&list, list.count, "10.1.0.1", 0); /* of another flow */
	ck_assert_uint_eq(found.mac[5], 7);
	ck_assert_uint_eq(kernel.reached, 4);
	lane_hops_take(&hops, &list);
}
END_TEST

START_TEST(neighbour_of_whom_nothing_is_known_is_asked_for)
{
	struct lane_hop_list list = {0};

	(void)find(&list, 0, "10.1.0.1", 0);
	ck_assert_uint_eq(kernel.used, 0);
	kernel.state = NUD_NONE;
	(void)find(&list, 0, "10.1.0.2", 0);
	ck_assert_uint_eq(kernel.used, 1);
	lane_hops_take(&hops, &list);
}
END_TEST

START_TEST(hops_are_asked_for_again_a_round_at_a_time)
{
	look(600);
	hops.next = 600; /* of before */
	kernel.reached = 0;
	ck_assert(!lane_hops_refresh(&hops, ROUND - 1));
	ck_assert_uint_eq(kernel.reached, 0);
	ck_assert(!lane_hops_refresh(&hops, ROUND));
	ck_assert_uint_eq(kernel.reached, 512);
	ck_assert(!lane_hops_refresh(&hops, ROUND + NS_PER_S));
	ck_assert_uint_eq(kernel.reached, 600);
	ck_assert(!lane_hops_refresh(&hops, 2 * ROUND - 1));
	ck_assert_uint_eq(kernel.reached, 600);
	ck_assert(!lane_hops_refresh(&hops, 2 * ROUND));
	ck_assert_uint_eq(kernel.reached, 600 + 512);
}
END_TEST

START_TEST(hop_that_was_asked_for_again_may_be_another_one)
{
	look(2);
	ck_assert(!lane_hops_refresh(&hops, ROUND));
	kernel.mac = 1;
	ck_assert(lane_hops_refresh(&hops, 2 * ROUND));
	kernel.mac = 0;
	kernel.state = NUD_FAILED;
	ck_assert(lane_hops_refresh(&hops, 3 * ROUND));
}
END_TEST

START_TEST(neighbour_that_has_grown_old_is_used)
{
	look(2);
	ck_assert(!lane_hops_refresh(&hops, ROUND));
	ck_assert_uint_eq(kernel.used, 0);
	kernel.state = NUD_STALE;
	ck_assert(!lane_hops_refresh(&hops, 2 * ROUND)); /* it holds as it did */
	ck_assert_uint_eq(kernel.used, 2);
}
END_TEST

START_TEST(neighbour_that_cannot_be_used_is_left_when_it_grows_old)
{
	struct hop hop;

	look(2);
	hop = hops.found.list[0].hop;
	hop.state = NUD_STALE;
	ck_assert(lane_hops_knows(&hops, &hop));
	kernel.use = -EPERM;
	kernel.state = NUD_STALE;
	ck_assert(lane_hops_refresh(&hops, ROUND));
	ck_assert_ptr_nonnull(strstr(logged(), "neighbours cannot be kept: Operation not"));
	ck_assert(!lane_hops_knows(&hops, &hop));
	hop.state = NUD_REACHABLE;
	ck_assert(lane_hops_knows(&hops, &hop));
	(void)lane_hops_refresh(&hops, 2 * ROUND);
	ck_assert_str_eq(logged(), ""); /* it was said */
}
END_TEST

START_TEST(rules_for_routes_keep_a_family_from_being_sent)
{
	struct lane_hop_list list = {0};

	kernel.policy_v6 = 1;
	ck_assert_int_eq(find(&list, 0, "10.1.0.1", 0).way, HOP_NEIGHBOUR);
	ck_assert_int_eq(find(&list, 0, "fd00::1", 0).way, HOP_POLICY);
	ck_assert_uint_eq(kernel.policies_asked, 2); /* once for all */
	kernel.policy_v4 = -EIO;                     /* it does not say */
	lane_hops_take(&hops, &list);
	hops.next = hops.found.count;
	ck_assert(!lane_hops_refresh(&hops, ROUND));
	ck_assert_uint_eq(kernel.policies_asked, 4); /* and in each round */
	kernel.policy_v4 = 1;
	ck_assert(lane_hops_refresh(&hops, 2 * ROUND));
}
END_TEST

START_TEST(only_another_neighbour_is_news)
{
	look(3);
	ck_assert(!hears());
	send_news(RTM_NEWNEIGH, "10.1.0.2", NUD_STALE, 0);  /* it is known yet */
	send_news(RTM_NEWNEIGH, "10.1.0.9", NUD_FAILED, 5); /* nobody asked */
	ck_assert(!hears());
	send_news(RTM_NEWNEIGH, "10.1.0.3", NUD_REACHABLE, 5);
	send_news(RTM_NEWNEIGH, "10.1.0.1", NUD_STALE, 0);
	ck_assert(hears());
	send_news(RTM_NEWNEIGH, "10.1.0.3", NUD_REACHABLE, 5); /* as it was told */
	ck_assert(!hears());
	send_news(RTM_DELNEIGH, "10.1.0.1", NUD_STALE, 0);
	ck_assert(hears());
}
END_TEST

START_TEST(neighbour_of_several_outputs_is_news_to_all)
{
	struct lane_hop_list list = {0};

	(void)find(&list, 0, "10.1.0.1", 0);
	(void)find(&list, 1, "10.1.0.1", 0);
	lane_hops_take(&hops, &list);
	send_news(RTM_NEWNEIGH, "10.1.0.1", NUD_REACHABLE, 3);
	ck_assert(hears());
	ck_assert_uint_eq(hops.found.list[0].hop.mac[5], 3);
	ck_assert_uint_eq(hops.found.list[1].hop.mac[5], 3);
}
END_TEST

START_TEST(news_that_were_lost_may_have_been_of_ours)
{
	look(1);
	kernel.news[kernel.news_count++] = NULL;
	ck_assert(hears());
}
END_TEST

START_TEST(routes_that_change_are_told_where_hops_go_by_them)
{
	static char room[256];
	struct nlmsghdr *message = mnl_nlmsg_put_header(room);

	message->nlmsg_type = RTM_NEWRULE;
	kernel.news[0] = message;
	kernel.news_count = 1;
	ck_assert(!hears());
	ck_assert(!hops.routes);
	look(1);
	ck_assert(hops.asked_policy);
	kernel.news_count = 1;
	ck_assert(!hears());
	ck_assert(hops.routes);
	ck_assert(!hops.asked_policy);
	look(1);
	ck_assert(!hops.routes);
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {
		hop_that_nobody_can_be_asked_for_is_not_asked_for_again,
		destination_of_one_flow_is_asked_for_once,
		neighbour_of_whom_nothing_is_known_is_asked_for,
		hops_are_asked_for_again_a_round_at_a_time,
		hop_that_was_asked_for_again_may_be_another_one,
		neighbour_that_has_grown_old_is_used,
		neighbour_that_cannot_be_used_is_left_when_it_grows_old,
		rules_for_routes_keep_a_family_from_being_sent,
		only_another_neighbour_is_news,
		neighbour_of_several_outputs_is_news_to_all,
		news_that_were_lost_may_have_been_of_ours,
		routes_that_change_are_told_where_hops_go_by_them,
	};
	Suite *suite = suite_create("lane_hops");
	TCase *tcase = tcase_create("lane_hops");
	SRunner *runner;
	int failed;

	tcase_add_checked_fixture(tcase, setup, teardown);
	for (size_t i = 0; i < sizeof(tests) / sizeof(tests[0]); i++) {
		tcase_add_test(tcase, tests[i]);
	}
	suite_add_tcase(suite, tcase);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
