/* check_gso.c - the limit that is probed is the limit that holds; bad kernels are recognised. */
#include <arpa/inet.h>
#include <check.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/udp.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "shard/gso.h"
#include "shard/limits.h"

#ifndef UDP_SEGMENT
#define UDP_SEGMENT 103
#endif

START_TEST(one_more_than_the_probed_limit_is_refused)
{
	static const char payload[UDP_SEGMENTS_NEW_MAX + 1];
	struct sockaddr_in to = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t len = sizeof(to);
	uint32_t most = gso_probe_segments();
	int segment = 1;
	int receiver = socket(AF_INET, SOCK_DGRAM, 0);
	int sender = socket(AF_INET, SOCK_DGRAM, 0);

	ck_assert(most == UDP_SEGMENTS_OLD_MAX || most == UDP_SEGMENTS_NEW_MAX);
	ck_assert_int_eq(bind(receiver, (struct sockaddr *)&to, sizeof(to)), 0);
	ck_assert_int_eq(getsockname(receiver, (struct sockaddr *)&to, &len), 0);
	ck_assert_int_eq(connect(sender, (struct sockaddr *)&to, len), 0);
	ck_assert_int_eq(setsockopt(sender, IPPROTO_UDP, UDP_SEGMENT, &segment, sizeof(segment)),
			 0);
	ck_assert_int_eq(send(sender, payload, most, 0), (int)most);
	ck_assert_int_eq(send(sender, payload, most + 1, 0), -1);
	ck_assert_int_eq(errno, EINVAL);
	close(sender);
	close(receiver);
}
END_TEST

START_TEST(kernels_known_to_corrupt_trains_are_recognised)
{
	ck_assert(gso_is_known_bad("7.0"));
	ck_assert(gso_is_known_bad("7.0.9-cloud-amd64"));
	ck_assert(gso_is_known_bad("7.1.4"));
	ck_assert(gso_is_known_bad("7.1-rc3"));
	ck_assert(!gso_is_known_bad("7.1.5"));
	ck_assert(!gso_is_known_bad("7.2.0"));
	ck_assert(!gso_is_known_bad("6.18.44"));
	ck_assert(!gso_is_known_bad("5.15.0-1-amd64"));
	ck_assert(!gso_is_known_bad("unknown"));
}
END_TEST

static Suite *gso_suite(void)
{
	Suite *suite = suite_create("gso");
	TCase *tcase = tcase_create("gso");

	tcase_add_test(tcase, one_more_than_the_probed_limit_is_refused);
	tcase_add_test(tcase, kernels_known_to_corrupt_trains_are_recognised);
	suite_add_tcase(suite, tcase);
	return suite;
}

int main(void)
{
	SRunner *runner = srunner_create(gso_suite());
	int failed;

	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? 0 : 1;
}
