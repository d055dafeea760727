/* check_ring_zc.c - zero-copy sends and registered areas, on this kernel.
 *
 * A receiver on this host makes the kernel copy, and it says so; a group that nobody joined leaves
 * by the loopback interface without a copy. Where the kernel knows no SENDMSG_ZC with a report
 * (before Linux 6.2) only that much is tested: that the ring says so. Loop tests: _i is an index of
 * rig_variants. The two functions below stand before those of liburing, so that registrations can
 * be refused. */
#include "shard/ring.h"

#include <arpa/inet.h>
#include <check.h>
#include <dlfcn.h>
#include <errno.h>
#include <liburing.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "tests/unit/shard/ring_rig.h"

#define AREA_BYTES 65536

static struct rig rig;
static unsigned char area[AREA_BYTES] __attribute__((aligned(4096)));
static struct iovec buffers[] = {{area, AREA_BYTES / 2}, {area + AREA_BYTES / 2, AREA_BYTES / 2}};
static struct msghdr messages[RIG_SENDS];
static struct iovec vectors[RIG_SENDS];

/* What the kernel of a test refuses. */
static struct {
	int table_errno;     /* the table of areas; */
	int area_errno;      /* each area, */
	unsigned area_first; /* from this one on */
} refuse;

#define REAL(name) ((__typeof__(&(name)))dlsym(RTLD_NEXT, #name))

int io_uring_register_buffers_sparse(struct io_uring *ring, unsigned nr)
{
	return refuse.table_errno != 0 ? -refuse.table_errno
				       : REAL(io_uring_register_buffers_sparse)(ring, nr);
}

int io_uring_register_buffers_update_tag(struct io_uring *ring, unsigned off,
					 const struct iovec *iovecs, const __u64 *tags, unsigned nr)
{
	if (refuse.area_errno != 0 && off >= refuse.area_first) {
		return -refuse.area_errno;
	}
	return REAL(io_uring_register_buffers_update_tag)(ring, off, iovecs, tags, nr);
}

/* False on a kernel that cannot; then there is nothing more to be said. */
static bool open_zc(int variant)
{
	rig_init(&rig);
	rig.params.zerocopy = true;
	rig.params.buffers = buffers;
	rig.params.buffer_count = 2;
	rig_open_pair(&rig, variant, AF_INET);
	if (!ring_zerocopy(rig.ring)) {
		ck_assert_ptr_nonnull(strstr(rig.features.text, "no_zerocopy"));
		rig_close_pair(&rig);
		return false;
	}
	return true;
}

static void queue_zc(uint32_t file, uint32_t token, void *payload, size_t len, int buffer)
{
	vectors[token] = (struct iovec){.iov_base = payload, .iov_len = len};
	messages[token] = (struct msghdr){.msg_iov = &vectors[token], .msg_iovlen = 1};
	ring_queue_send_zc(rig.ring, file, &messages[token], token, buffer);
}

/* Turns until so many sends have had their last event. */
static void until_free(uint32_t count)
{
	uint32_t done = 0;

	for (int i = 0; i < RIG_TURNS_MAX && done < count; i++) {
		rig_turn(&rig, RIG_WAIT_US);
		done = 0;
		for (uint32_t k = 0; k < rig.sent_count; k++) {
			done += !rig.sent[k].held;
		}
	}
	ck_assert_uint_eq(done, count);
}

static const struct ring_sent *last_event(uint32_t token)
{
	for (uint32_t k = rig.sent_count; k-- > 0;) {
		if (rig.sent[k].token == token) {
			ck_assert(!rig.sent[k].held);
			return &rig.sent[k];
		}
	}
	ck_abort_msg("no event of token %u", token);
	return NULL;
}

static bool is_zc_variant(int variant)
{
	return rig_variants[variant].engine == RING_ENGINE_URING;
}

START_TEST(a_receiver_on_this_host_gets_a_copy_and_the_ring_says_so)
{
	unsigned char got[20000];

	if (!open_zc(_i)) {
		return;
	}
	ck_assert(is_zc_variant(_i));
	memset(area, 'a', 20000);
	queue_zc(1, 0, area, 20000, -1);
	until_free(1);
	ck_assert_int_eq(last_event(0)->res, 20000);
	ck_assert(last_event(0)->copied);
	ck_assert_int_eq(recv(rig.in_fd, got, sizeof(got), 0), 20000);
	ck_assert_mem_eq(got, area, sizeof(got));
	ck_assert_uint_eq(stat_get(&rig.stats.buffer_misses), 1);
	rig_close_pair(&rig);
}
END_TEST

/* A socket that sends to a group of which nobody on this host is a member. */
static int open_unheard(void)
{
	struct ip_mreqn mreq = {.imr_ifindex = (int)if_nametoindex("lo")};
	struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(9)};
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	ck_assert_int_eq(inet_pton(AF_INET, "239.255.77.1", &to.sin_addr), 1);
	ck_assert_int_eq(setsockopt(fd, IPPROTO_IP, IP_MULTICAST_IF, &mreq, sizeof(mreq)), 0);
	ck_assert_int_eq(setsockopt(fd, IPPROTO_IP, IP_MULTICAST_LOOP, &(int){0}, sizeof(int)), 0);
	ck_assert_int_eq(connect(fd, (struct sockaddr *)&to, sizeof(to)), 0);
	return fd;
}

/* Whether it is Linux 6.`least' or newer. */
static bool kernel_is_six(unsigned least)
{
	unsigned major = 0, minor = 0;
	struct utsname host;

	ck_assert_int_eq(uname(&host), 0);
	ck_assert_int_eq(sscanf(host.release, "%u.%u", &major, &minor), 2);
	return major > 6 || (major == 6 && minor >= least);
}

/* Linux 6.1 copies what comes back on this host before it looks whether anybody is a member. */
START_TEST(what_nobody_here_receives_is_not_copied)
{
	bool copied = false;
	int fd = open_unheard();

	if (open_zc(_i)) {
		ck_assert_int_eq(ring_add_file(rig.ring, fd), 2);
		for (uint32_t i = 0; i < 20; i++) {
			queue_zc(2, i, area, 20000, i % 2 ? 0 : -1);
		}
		until_free(20);
		for (uint32_t i = 0; i < 20; i++) {
			ck_assert_int_eq(last_event(i)->res, 20000);
			copied = copied || last_event(i)->copied;
		}
		ck_assert(!copied || !kernel_is_six(18));
		ring_remove_file(rig.ring, 2);
		rig_close_pair(&rig);
	}
	close(fd);
}
END_TEST

START_TEST(areas_are_registered_and_their_use_counted)
{
	bool registered;

	if (!open_zc(_i)) {
		return;
	}
	registered = strstr(rig.features.text, "registered_buffers=64K") != NULL;
	ck_assert(registered != (strstr(rig.features.text, "no_registered_buffers") != NULL));
	ck_assert(registered == kernel_is_six(15)); /* since then messages may lie there */
	ck_assert_uint_eq(stat_get(&rig.stats.buffers_bytes), registered ? AREA_BYTES : 0);
	queue_zc(1, 0, area + 100, 1000, 0);
	queue_zc(1, 1, area + AREA_BYTES / 2, 1000, 1);
	queue_zc(1, 2, area, 1000, -1);
	until_free(3);
	for (uint32_t i = 0; i < 3; i++) {
		ck_assert_int_eq(last_event(i)->res, 1000);
	}
	ck_assert_uint_eq(stat_get(&rig.stats.buffer_hits), registered ? 2 : 0);
	ck_assert_uint_eq(stat_get(&rig.stats.buffer_misses), registered ? 1 : 3);
	ck_assert_uint_eq(stat_get(&rig.stats.buffers_refused), 0);
	rig_close_pair(&rig);
}
END_TEST

START_TEST(memory_outside_its_area_is_refused_once)
{
	if (!open_zc(_i)) {
		return;
	}
	if (stat_get(&rig.stats.buffers_bytes) > 0) {
		queue_zc(1, 0, area + AREA_BYTES / 2, 1000, 0);
		until_free(1);
		ck_assert_uint_eq(rig.sent_count, 1);
		ck_assert_int_eq(rig.sent[0].res, -EFAULT);
	}
	rig_close_pair(&rig);
}
END_TEST

START_TEST(a_socket_that_cannot_refuses_with_one_event)
{
	int pair[2];

	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_DGRAM, 0, pair), 0);
	if (open_zc(_i)) {
		ck_assert_int_eq(ring_add_file(rig.ring, pair[0]), 2);
		queue_zc(2, 7, area, 100, -1);
		until_free(1);
		ck_assert_uint_eq(rig.sent_count, 1);
		ck_assert_int_eq(rig.sent[0].res, -EOPNOTSUPP);
		ring_remove_file(rig.ring, 2);
		rig_close_pair(&rig);
	}
	close(pair[0]);
	close(pair[1]);
}
END_TEST

/* Sends of both kinds to one file, then a look at results and arrivals: both in order. */
START_TEST(both_kinds_of_send_keep_their_order)
{
	uint32_t next = 0;
	uint32_t number;

	if (!open_zc(_i)) {
		return;
	}
	for (uint32_t i = 0; i < 100; i++) {
		if (i % 3 == 0) {
			rig_queue_numbers(&rig, 1, i, 1);
			continue;
		}
		memcpy(area + i * 8UL, &i, sizeof(i));
		queue_zc(1, i, area + i * 8UL, sizeof(i), i % 3 == 1 ? 0 : -1);
	}
	until_free(100);
	for (uint32_t k = 0; k < rig.sent_count; k++) {
		const struct ring_sent *sent = &rig.sent[k];

		ck_assert_int_eq(sent->res, sizeof(number));
		/* The first event of each token, in the order of queueing. */
		if (sent->token == next) {
			next++;
		}
		ck_assert_uint_lt(sent->token, next);
	}
	ck_assert_uint_eq(next, 100);
	for (uint32_t i = 0; i < 100; i++) {
		ck_assert_int_eq(recv(rig.in_fd, &number, sizeof(number), 0), sizeof(number));
		ck_assert_uint_eq(number, i);
	}
	rig_close_pair(&rig);
}
END_TEST

START_TEST(a_ring_can_be_closed_before_memory_is_back)
{
	if (!open_zc(_i)) {
		return;
	}
	for (uint32_t i = 0; i < 16; i++) {
		queue_zc(1, i, area, 2000, 0);
	}
	rig_turn(&rig, 0);
	rig_close_pair(&rig);
}
END_TEST

static bool has_feature(const char *name)
{
	const char *at = strstr(rig.features.text, name);

	return at != NULL && (at == rig.features.text || at[-1] == ' ');
}

/* Each area stands for itself, and a ring without any sends all the same. */
START_TEST(areas_that_are_refused_are_counted_and_done_without)
{
	static const struct {
		int table_errno;
		unsigned first;
		unsigned refused;
	} cases[] = {{0, 2, 0}, {0, 1, 1}, {0, 0, 2}, {ENOMEM, 0, 2}};
	unsigned refused = cases[_i].refused;

	if (!open_zc(0)) {
		return;
	}
	if (has_feature("no_registered_buffers")) {
		rig_close_pair(&rig);
		return; /* what a kernel cannot use does not stay registered */
	}
	rig_close_pair(&rig);
	refuse.table_errno = cases[_i].table_errno;
	refuse.area_errno = ENOMEM;
	refuse.area_first = cases[_i].first;
	ck_assert(open_zc(0));
	ck_assert_uint_eq(stat_get(&rig.stats.buffers_refused), refused);
	ck_assert_uint_eq(stat_get(&rig.stats.buffers_bytes), AREA_BYTES / 2 * (2UL - refused));
	ck_assert(has_feature("refused_buffers=ENOMEM") == (refused > 0));
	ck_assert(has_feature("no_registered_buffers") == (refused == 2));
	ck_assert(has_feature("registered_buffers=") == (refused < 2));
	for (uint32_t i = 0; i < 2; i++) {
		queue_zc(1, i, buffers[i].iov_base, 1000, (int)i);
	}
	until_free(2);
	ck_assert_int_eq(last_event(0)->res, 1000);
	ck_assert_int_eq(last_event(1)->res, 1000);
	ck_assert_uint_eq(stat_get(&rig.stats.buffer_hits), 2 - refused);
	ck_assert_uint_eq(stat_get(&rig.stats.buffer_misses), refused);
	rig_close_pair(&rig);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("ring_zc");
	SRunner *runner = srunner_create(suite);
	TCase *tc = tcase_create("zerocopy");
	const int n = rig_variant_count;
	int failed;

	tcase_add_loop_test(tc, a_receiver_on_this_host_gets_a_copy_and_the_ring_says_so, 0, n);
	tcase_add_loop_test(tc, what_nobody_here_receives_is_not_copied, 0, n);
	tcase_add_loop_test(tc, areas_are_registered_and_their_use_counted, 0, n);
	tcase_add_loop_test(tc, memory_outside_its_area_is_refused_once, 0, n);
	tcase_add_loop_test(tc, a_socket_that_cannot_refuses_with_one_event, 0, n);
	tcase_add_loop_test(tc, both_kinds_of_send_keep_their_order, 0, n);
	tcase_add_loop_test(tc, a_ring_can_be_closed_before_memory_is_back, 0, n);
	tcase_add_loop_test(tc, areas_that_are_refused_are_counted_and_done_without, 0, 4);
	suite_add_tcase(suite, tc);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
