/* check_changer_shares.c - the sockets of a divided flow are opened together, each step for all of
 * them before the next one, or none of them is.
 *
 * The linker sends here what makes sockets: the test writes down which step was made for which
 * share, and says which fails.
 */
#include "src/run/changer_shares.h"

#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "src/run/changer_sock.h"
#include "src/run/spread.h"

#define SHARES 3
#define STEPS  (2 * SHARES + 1)

void __wrap_changer_go_near(struct changer *c, uint32_t shard);
int __wrap_changer_prepare_flow(struct changer *c, struct changer_step *step,
				struct rule_ingress *in, struct sock_want *want, struct err *e);
int __wrap_sock_open_ingress(const struct rule_ingress *in, unsigned ifindex,
			     const struct sock_want *want, struct sock_got *got, struct err *e);
int __wrap_sock_share_bind(int fd, const struct rule_ingress *in, unsigned ifindex,
			   const struct share *share, struct sock_got *got, struct err *e);
int __wrap_sock_join(int fd, const struct rule_ingress *in, unsigned ifindex, struct err *e);
int __wrap_sock_share_open(int fd, const struct rule_ingress *in, const struct share *share,
			   struct err *e);
uint32_t __wrap_sock_kernel_drops(int fd);
void __wrap_spread_settle(void);

static struct changer changer;
static struct changer_step steps[STEPS];
static struct rule_flow flows[2][SHARES], other; /* two that are divided, and one that is not */
static struct err err, why;
static char made[128];      /* of each step a letter, and the number of its shard */
static const char *failing; /* likewise: the step that fails; or "" */
static bool is_there;       /* the interface */
static int fds[10];         /* by shard */
static uint32_t settled;

static int make(char what, uint32_t shard)
{
	char step[3] = {what, (char)('0' + shard), '\0'};

	ck_assert_uint_lt(strlen(made), sizeof(made) - 3);
	strcat(made, step);
	if (strcmp(step, failing) == 0) {
		err_set(&err, "%s fails", step);
		return -EPERM;
	}
	return 0;
}

static uint32_t shard_of(int fd)
{
	for (uint32_t s = 0; s < 10; s++) {
		if (fds[s] == fd) {
			return s;
		}
	}
	ck_abort_msg("nobody's socket");
	return 0;
}

void __wrap_changer_go_near(struct changer *c, uint32_t shard)
{
	ck_assert_ptr_eq(c, &changer);
	(void)make('n', shard);
}

int __wrap_changer_prepare_flow(struct changer *c, struct changer_step *step,
				struct rule_ingress *in, struct sock_want *want, struct err *e)
{
	(void)c;
	(void)e;
	*in = step->flow->in;
	*want = (struct sock_want){.share = step->flow->share};
	step->ifindex = step->shard; /* as good as any */
	return is_there ? 0 : 1;
}

int __wrap_sock_open_ingress(const struct rule_ingress *in, unsigned ifindex,
			     const struct sock_want *want, struct sock_got *got, struct err *e)
{
	int rc = make('o', ifindex);

	(void)in;
	(void)want;
	(void)got;
	(void)e;
	if (rc == 0) {
		fds[ifindex] = open("/dev/null", O_RDONLY | O_CLOEXEC);
		ck_assert_int_ge(fds[ifindex], 0);
	}
	return rc < 0 ? rc : fds[ifindex];
}

int __wrap_sock_share_bind(int fd, const struct rule_ingress *in, unsigned ifindex,
			   const struct share *share, struct sock_got *got, struct err *e)
{
	(void)in;
	(void)share;
	(void)got;
	(void)e;
	ck_assert_uint_eq(ifindex, shard_of(fd));
	return make('b', shard_of(fd));
}

int __wrap_sock_join(int fd, const struct rule_ingress *in, unsigned ifindex, struct err *e)
{
	(void)in;
	(void)e;
	ck_assert_uint_eq(ifindex, shard_of(fd));
	return make('j', shard_of(fd));
}

int __wrap_sock_share_open(int fd, const struct rule_ingress *in, const struct share *share,
			   struct err *e)
{
	(void)in;
	(void)share;
	(void)e;
	return make('s', shard_of(fd));
}

/* More with each step that was made. */
uint32_t __wrap_sock_kernel_drops(int fd)
{
	return 1000 * (1 + settled) + shard_of(fd);
}

void __wrap_spread_settle(void)
{
	settled++;
}

/* The last shares first, those of two flows among each other: share `i' of the first flow is of
 * shard 1 + i, of the second of shard 4 + i. */
static void setup(void)
{
	memset(steps, 0, sizeof(steps));
	for (uint32_t f = 0; f < 2; f++) {
		for (uint32_t i = 0; i < SHARES; i++) {
			struct rule_flow *flow = &flows[f][i];

			*flow = (struct rule_flow){.share = {.by = SHARE_BY_SOURCE,
							     .index = (uint8_t)i,
							     .count = SHARES}};
			flow->in.at.addr = (struct addr){
				.family = AF_INET, .port = (uint16_t)(5000 + f), .ip = {239}};
			steps[2 * (SHARES - 1 - i) + f] =
				(struct changer_step){.op = f ? SHARD_OPEN_FLOW : SHARD_ADD_FLOW,
						      .shard = 1 + f * SHARES + i,
						      .flow = flow,
						      .fd = -1};
		}
	}
	other.in.at.addr = (struct addr){.family = AF_INET, .port = 5000, .ip = {239}};
	steps[STEPS - 1] =
		(struct changer_step){.op = SHARD_ADD_FLOW, .shard = 9, .flow = &other, .fd = -1};
	changer = (struct changer){.steps = steps, .count = STEPS};
	made[0] = '\0';
	failing = "";
	is_there = true;
	settled = 0;
	memset(fds, -1, sizeof(fds));
}

static void teardown(void)
{
	changer_forget_shares(&changer);
	ck_assert_ptr_null(changer.shares);
}

/* Share `i' of flow `f'. */
static struct changer_step *step_of(uint32_t f, uint32_t i)
{
	return &steps[2 * (SHARES - 1 - i) + f];
}

static int open_by(struct changer_step *step)
{
	made[0] = '\0';
	return changer_open_shares(&changer, step, &err);
}

START_TEST(each_step_is_made_for_all_shares_before_the_next)
{
	ck_assert_int_eq(open_by(step_of(0, 2)), 0);
	ck_assert_str_eq(made, "n1o1n2o2n3o3b1b2b3j1j2j3s1s2s3");
	for (uint32_t i = 0; i < SHARES; i++) {
		ck_assert_int_eq(step_of(0, i)->fd, fds[1 + i]);
		ck_assert(step_of(0, i)->tried);
		ck_assert_uint_eq(step_of(0, i)->drops_seen, 0);
	}
	ck_assert(!step_of(1, 0)->tried);
	ck_assert_int_eq(open_by(step_of(0, 0)), 0); /* it has its own already */
	ck_assert_str_eq(made, "");
	ck_assert_int_eq(open_by(step_of(1, 1)), 0);
	ck_assert_str_eq(made, "n4o4n5o5n6o6b4b5b6j4j5j6s4s5s6");
}
END_TEST

START_TEST(shares_whose_others_have_sockets_wait_for_these)
{
	step_of(0, 1)->op = SHARD_REMOVE_FLOW;
	ck_assert_int_eq(open_by(step_of(0, 0)), -EAGAIN);
	ck_assert_str_eq(made, "");
	ck_assert(step_of(0, 0)->tried);
	changer_forget_shares(&changer);
	step_of(1, 2)->op = SHARD_REMOVE_FLOW; /* the last of all */
	ck_assert_int_eq(open_by(step_of(1, 0)), -EAGAIN);
	ck_assert_ptr_nonnull(strstr(err.text, "not without a socket"));
	ck_assert_str_eq(made, "");
}
END_TEST

/* The last of one flow, and all but the last of the next. */
START_TEST(share_that_is_missing_is_not_taken_from_another_flow)
{
	step_of(0, 2)->op = SHARD_REMOVE_FLOW;
	step_of(1, 0)->op = step_of(1, 1)->op = SHARD_REMOVE_FLOW;
	ck_assert_int_eq(open_by(step_of(0, 0)), -EAGAIN);
	ck_assert_str_eq(made, "");
	ck_assert(!step_of(1, 2)->tried);
}
END_TEST

START_TEST(none_has_a_socket_where_one_cannot)
{
	static const char *const steps_that_fail[] = {"o2", "b3", "j1", "s2"};

	for (size_t i = 0; i < sizeof(steps_that_fail) / sizeof(steps_that_fail[0]); i++) {
		setup();
		failing = steps_that_fail[i];
		step_of(0, 1)->why = &why;
		ck_assert_int_eq(open_by(step_of(0, 0)), -EPERM);
		ck_assert_str_eq(made + strlen(made) - 2, failing); /* the last that was made */
		for (uint32_t s = 0; s < SHARES; s++) {
			ck_assert_int_eq(step_of(0, s)->fd, -1);
			ck_assert(step_of(0, s)->tried);
			ck_assert(fds[1 + s] < 0 || fcntl(fds[1 + s], F_GETFD) < 0);
		}
		ck_assert(step_of(0, 1)->skip);
		ck_assert_int_eq(step_of(0, 1)->result, -EPERM);
		ck_assert_ptr_nonnull(strstr(why.text, " fails"));
		ck_assert(!step_of(0, 0)->skip); /* it may not fail, and ends the list */
		changer_forget_shares(&changer);
	}
}
END_TEST

START_TEST(shares_are_added_without_sockets_where_their_interface_is_not)
{
	is_there = false;
	ck_assert_int_eq(open_by(step_of(0, 0)), 0);
	ck_assert_str_eq(made, "n1");
	ck_assert_int_eq(step_of(0, 0)->fd, -1);
	ck_assert(step_of(0, 2)->tried);
	ck_assert(!step_of(0, 2)->skip);
}
END_TEST

START_TEST(what_a_unicast_socket_refused_before_it_was_open_is_not_lost)
{
	for (uint32_t i = 0; i < SHARES; i++) {
		flows[0][i].in.at.addr.ip[0] = 10;
	}
	ck_assert_int_eq(open_by(step_of(0, 0)), 0);
	for (uint32_t i = 0; i < SHARES; i++) {
		ck_assert_uint_eq(step_of(0, i)->drops_seen, 1001 + i);
	}
}
END_TEST

START_TEST(what_was_refused_before_a_cut_is_not_lost)
{
	for (uint32_t i = 0; i < SHARES; i++) {
		step_of(0, i)->cut = true;
	}
	ck_assert_int_eq(open_by(step_of(0, 0)), 0);
	ck_assert_uint_eq(settled, 1); /* once all have had what was on its way */
	for (uint32_t i = 0; i < SHARES; i++) {
		ck_assert_uint_eq(step_of(0, i)->drops_seen, 2001 + i);
	}
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {
		each_step_is_made_for_all_shares_before_the_next,
		shares_whose_others_have_sockets_wait_for_these,
		share_that_is_missing_is_not_taken_from_another_flow,
		none_has_a_socket_where_one_cannot,
		shares_are_added_without_sockets_where_their_interface_is_not,
		what_a_unicast_socket_refused_before_it_was_open_is_not_lost,
		what_was_refused_before_a_cut_is_not_lost,
	};
	Suite *suite = suite_create("changer_shares");
	TCase *tcase = tcase_create("changer_shares");
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
