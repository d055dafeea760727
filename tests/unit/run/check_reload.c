/* check_reload.c - what a changed configuration makes shards be asked, and what is said of it.
 *
 * The setup is a real one of rules on this host's loopback; the shards are places filled by hand,
 * and the test answers their mailboxes.
 */
#include "src/run/reload.h"

#include <check.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "numa/cpu_bits.h"
#include "numa/pin.h"
#include "shard/ring/engine.h"
#include "src/run/supervisor.h"

#define RULE      "127.0.0.1:5000 -> 127.0.0.1:6000"
#define MORE      "127.0.0.1:5000 -> 127.0.0.1:6000, 127.0.0.1:6001, 127.0.0.1:6002"
#define ASKED_MAX 16

static struct supervisor sup;
static struct opt opt;
static struct setup setup;
static struct shard shard;
static struct ring ring; /* of no engine: it is only asked what it can */
static struct flow_place flow_room[ROOM_FLOWS], *flow_rooms[] = {flow_room};
static struct output_place output_room[ROOM_OUTPUTS], *output_rooms[] = {output_room};
static struct shard_message asked[ASKED_MAX];
static uint32_t asked_count, refused_at, refused_count;
static int result; /* what the client was told; 1: nothing yet */
static struct err told;

static void parse(struct opt *out, const char *const *words)
{
	char *argv[16] = {(char *)"numacastd", (char *)"--shards", (char *)"1"};
	struct err err;
	int argc = 3;

	for (; *words; words++) {
		argv[argc++] = (char *)*words;
	}
	ck_assert_msg(options_parse(argc, argv, out, &err) == 0, "%s", err.text);
}

static void fill_places(void)
{
	const struct rule_table *table = &setup.layout.tables[0];
	int fd = socket(AF_INET, SOCK_DGRAM, 0);

	ck_assert_int_ge(fd, 0);
	flow_room[0].rule = table->flows[0];
	flow_room[0].flow = (struct ingress_flow){.rule = &flow_room[0].rule,
						  .stats = &flow_room[0].stats,
						  .fd = fd,
						  .state = FLOW_ARMED};
	output_room[0].rule = table->outputs[0];
	output_room[0].output = (struct egress_output){.rule = &output_room[0].rule,
						       .stats = &output_room[0].stats,
						       .sibling = PLACE_NONE,
						       .fd = dup(fd),
						       .state = OUTPUT_OPEN};
	shard.relay.ring = &ring;
	shard.relay.rooms = flow_rooms;
	shard.relay.place_count = ROOM_FLOWS;
	shard.egress.rooms = output_rooms;
	shard.egress.place_count = ROOM_OUTPUTS;
}

static void open_rig(void)
{
	static struct worker worker;
	static const char *const words[] = {"--rule", RULE, NULL};
	struct err err;

	parse(&opt, words);
	ck_assert_msg(setup_prepare(&setup, &opt, true, &err) == 0, "%s", err.text);
	fill_places();
	worker = (struct worker){.gate = &sup.gate, .shard = &shard, .node_os = NODE_UNKNOWN};
	shard.spec = &worker.spec;
	ck_assert_int_eq(mailbox_open(&worker.mailbox), 0);
	sup = (struct supervisor){.setup = &setup, .workers = &worker, .worker_count = 1};
	sup.links.sup = sup.links.pending.sup = sup.links.renew.sup = &sup;
	ck_assert_int_eq(gate_init(&sup.gate), 0);
	changer_init(&sup.changer, &sup);
	reload_init(&sup.reload, &sup, 0, NULL);
	refused_at = UINT32_MAX;
	refused_count = 0;
	asked_count = 0;
	result = 1;
}

/* Plays the shard: takes what it is asked, but for messages that it has no room for, and from the
 * second of these on it is broken. */
static void answer(void)
{
	struct mailbox *box = &sup.workers[0].mailbox;
	struct shard_message *m = mailbox_receive(box);

	ck_assert_ptr_nonnull(m);
	ck_assert_uint_lt(asked_count, ASKED_MAX);
	asked[asked_count] = *m;
	m->result = asked_count++ < refused_at ? 0 : refused_count++ == 0 ? -ENOSPC : -EIO;
	mailbox_answer(box, m);
}

static void do_lists(void)
{
	while (!changer_is_idle(&sup.changer)) {
		changer_tick(&sup.changer);
		if (changer_fd(&sup.changer) >= 0) {
			answer();
		}
	}
}

static void done(void *context, int rc, const struct err *text)
{
	ck_assert_ptr_eq(context, &sup);
	result = rc;
	told = *text;
}

/* By a command line of these words; what reload_apply returns. */
static int reload(const char *const *words)
{
	struct reload_client client = {.done = done, .context = &sup};
	struct opt wanted;
	int rc;

	parse(&wanted, words);
	rc = reload_apply(&sup.reload, &wanted, &client, &told);
	if (rc < 0) {
		options_free(&wanted);
		return rc;
	}
	do_lists();
	return 0;
}

static void expect_asked(uint32_t i, enum shard_op op)
{
	ck_assert_uint_lt(i, asked_count);
	ck_assert_int_eq(asked[i].op, op);
}

START_TEST(what_needs_a_restart_is_refused_by_name)
{
	static const char *const words[] = {"--rule",       MORE,  "--engine", "mmsg",
					    "--cpus",       "0",   "--pool",   "small=64",
					    "--sq-entries", "512", NULL};
	static const char *const names[] = {"--engine", "--cpus", "--pool", "--sq-entries"};

	open_rig();
	ck_assert_int_eq(reload(words), -EINVAL);
	for (unsigned i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		ck_assert_msg(strstr(told.text, names[i]) != NULL, "%s: %s", names[i], told.text);
	}
	ck_assert_ptr_nonnull(strstr(told.text, ": needs a restart to change;"));
	ck_assert(changer_is_idle(&sup.changer));
	ck_assert_uint_eq(asked_count, 0);
	ck_assert_ptr_eq(sup.setup, &setup);
}
END_TEST

START_TEST(another_number_of_shards_needs_a_restart)
{
	struct reload_client client = {.done = done, .context = &sup};
	struct opt wanted;
	struct err err;
	char *argv[] = {(char *)"numacastd", (char *)"--shards", (char *)"2", (char *)"--rule",
			(char *)RULE};

	open_rig();
	ck_assert_int_eq(options_parse(5, argv, &wanted, &err), 0);
	ck_assert_int_eq(reload_apply(&sup.reload, &wanted, &client, &told), -EINVAL);
	ck_assert_int_eq(strncmp(told.text, "--shards: needs a restart", 25), 0);
	options_free(&wanted);
}
END_TEST

START_TEST(an_output_that_comes_touches_nothing_else)
{
	static const char *const words[] = {
		"--rule", "127.0.0.1:5000 -> 127.0.0.1:6000, 127.0.0.1:6001", NULL};

	open_rig();
	ck_assert_int_eq(reload(words), 0);
	ck_assert_int_eq(result, 0);
	ck_assert_uint_eq(asked_count, 1);
	expect_asked(0, SHARD_ADD_OUTPUT);
	ck_assert_int_ge(asked[0].socket.fd, 0);
	ck_assert_ptr_nonnull(strstr(told.text, "flows: 1 kept, 0 moved, 0 added"));
	ck_assert_ptr_nonnull(strstr(told.text, "outputs: 1 kept, 1 added"));
	ck_assert_ptr_ne(sup.setup, &setup);
	ck_assert(!sup.reload.partly);
}
END_TEST

START_TEST(what_comes_on_a_missing_interface_is_added_without_a_socket)
{
	static const char *const words[] = {"--rule", RULE, "--rule",
					    "239.1.1.1%never0:5000 -> 239.2.2.2%never1:6000", NULL};

	open_rig();
	ck_assert_int_eq(reload(words), 0);
	ck_assert_int_eq(result, 0);
	ck_assert_uint_eq(asked_count, 3);
	expect_asked(0, SHARD_ADD_FLOW);
	ck_assert_int_lt(asked[0].fd, 0);
	expect_asked(1, SHARD_ADD_OUTPUT);
	ck_assert_int_lt(asked[1].socket.fd, 0);
	expect_asked(2, SHARD_START_FLOW);
}
END_TEST

/* The descriptor that would be opened next. */
static int free_fd(void)
{
	int fd = dup(0);

	close(fd);
	return fd;
}

START_TEST(what_the_kernel_refuses_changes_nothing)
{
	struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
	socklen_t len = sizeof(at);
	int taken = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0), next_fd;
	char rule[160], words_said[64];
	const char *words[] = {"--rule", rule, NULL};

	ck_assert_int_eq(bind(taken, (struct sockaddr *)&at, len), 0);
	ck_assert_int_eq(getsockname(taken, (struct sockaddr *)&at, &len), 0);
	snprintf(rule, sizeof(rule), RULE ", 127.0.0.1:6002, 127.0.0.1:6001 src=127.0.0.1 sport=%u",
		 ntohs(at.sin_port));
	snprintf(words_said, sizeof(words_said), "127.0.0.1:%u: cannot bind", ntohs(at.sin_port));
	open_rig();
	next_fd = free_fd();
	ck_assert_int_eq(reload(words), 0);
	ck_assert_int_lt(result, 0);
	ck_assert_uint_eq(asked_count, 0);
	ck_assert_int_eq(free_fd(), next_fd); /* nor is a socket left open */
	ck_assert(!sup.reload.partly);
	ck_assert_ptr_eq(sup.setup, &setup);
	ck_assert_ptr_eq(strstr(told.text, words_said), told.text);
	close(taken);
}
END_TEST

START_TEST(what_a_shard_refuses_is_named_and_the_rest_is_in_force)
{
	static const char *const words[] = {"--rule", MORE, NULL};

	open_rig();
	refused_at = 1;
	ck_assert_int_eq(reload(words), 0);
	ck_assert_int_eq(result, -ENOSPC);
	ck_assert_uint_eq(asked_count, 2);
	ck_assert(sup.reload.partly);
	ck_assert_ptr_ne(sup.setup, &setup);
	ck_assert_msg(
		strncmp(told.text,
			"partly applied: 1 of 2 steps were not done, of 127.0.0.1:6002: ", 63) == 0,
		"%s", told.text);
}
END_TEST

START_TEST(one_change_at_a_time_is_taken)
{
	static const char *const words[] = {"--rule", MORE, NULL};
	struct reload_client client = {.done = done, .context = &sup};
	struct opt wanted;

	open_rig();
	parse(&wanted, words);
	ck_assert_int_eq(reload_apply(&sup.reload, &wanted, &client, &told), 0);
	ck_assert(reload_is_busy(&sup.reload));
	ck_assert_int_eq(reload(words), -EBUSY);
	ck_assert_str_eq(told.text, "another change is under way");
	ck_assert_int_eq(result, 1); /* of the first one nothing was said */
	do_lists();
	ck_assert_int_eq(result, 0);
	ck_assert_uint_eq(asked_count, 2);
}
END_TEST

/* However often, and it is read then. */
START_TEST(what_is_asked_for_amid_a_change_is_done_after_it)
{
	static const char *argv[] = {"numacastd", "--shards", "1", "--rule", MORE};

	open_rig();
	reload_init(&sup.reload, &sup, 5, (char **)argv);
	reload_again(&sup.reload, "SIGHUP");
	ck_assert(reload_is_busy(&sup.reload));
	argv[4] = RULE;
	reload_again(&sup.reload, "SIGHUP");
	reload_again(&sup.reload, "SIGHUP");
	ck_assert_uint_eq(sup.history.count, 0);
	do_lists();
	ck_assert_uint_eq(sup.history.count, 2);
	ck_assert_str_eq(history_at(&sup.history, 0)->result, "done");
	ck_assert_str_eq(history_at(&sup.history, 1)->result, "done");
	ck_assert_uint_eq(sup.setup->opt->conf.output_count, 1);
	ck_assert(!reload_is_busy(&sup.reload));
}
END_TEST

/* What has become of a list. */
struct outcome {
	int rc, times;
	bool begun;
};

static void note_outcome(void *context, int rc, bool begun, const struct err *err)
{
	struct outcome *outcome = context;

	(void)err;
	*outcome = (struct outcome){.rc = rc, .times = outcome->times + 1, .begun = begun};
}

/* Two steps that change the rig's output, each in its own way; opens the rig. */
static void open_with_steps(struct changer_step steps[2])
{
	static struct rule_table_output wanted[2];

	open_rig();
	for (uint32_t i = 0; i < 2; i++) {
		wanted[i] = output_room[0].rule;
		wanted[i].out.rate_bps = 1000 + i;
		steps[i] = (struct changer_step){.op = SHARD_SET_OUTPUT,
						 .fd = -1,
						 .flow = &flow_room[0].rule,
						 .output = &wanted[i]};
	}
}

static void begin_list(struct changer_step *steps, uint32_t count, struct outcome *outcome)
{
	struct changer_client client = {.done = note_outcome, .context = outcome};

	ck_assert_int_eq(changer_begin(&sup.changer, steps, count, &client), 0);
}

START_TEST(lists_are_done_one_after_the_other_and_each_is_answered)
{
	struct changer_step steps[2];
	struct outcome outcomes[2] = {{0}, {0}};

	open_with_steps(steps);
	begin_list(&steps[0], 1, &outcomes[0]);
	begin_list(&steps[1], 1, &outcomes[1]);
	do_lists();
	ck_assert_int_eq(outcomes[0].times, 1);
	ck_assert_int_eq(outcomes[1].times, 1);
	ck_assert_uint_eq(asked_count, 2);
	ck_assert_uint_eq(asked[0].output_rule.out.rate_bps, 1000);
	ck_assert_uint_eq(asked[1].output_rule.out.rate_bps, 1001);
}
END_TEST

START_TEST(what_has_gone_already_counts_as_removed)
{
	struct rule_table_output gone = {.out = RULE_OUTPUT_UNSET};
	struct changer_step step = {.op = SHARD_REMOVE_OUTPUT, .fd = -1, .output = &gone};
	struct outcome outcome = {.rc = 1};

	open_rig();
	step.flow = &flow_room[0].rule;
	ck_assert_int_eq(addr_parse_ip("127.0.0.9", &gone.out.to.addr), 0);
	begin_list(&step, 1, &outcome);
	do_lists();
	ck_assert_int_eq(outcome.times, 1);
	ck_assert_int_eq(outcome.rc, 0);
	ck_assert_int_eq(step.result, 0);
	ck_assert_uint_eq(asked_count, 0);
}
END_TEST

START_TEST(of_several_failures_the_first_is_told)
{
	struct changer_step steps[2];
	struct outcome outcome = {0};

	open_with_steps(steps);
	refused_at = 0;
	begin_list(steps, 2, &outcome);
	do_lists();
	ck_assert_int_eq(steps[0].result, -ENOSPC);
	ck_assert_int_eq(steps[1].result, -EIO);
	ck_assert_int_eq(outcome.rc, -ENOSPC);
	ck_assert(outcome.begun);
}
END_TEST

START_TEST(list_that_the_end_overtakes_is_answered_and_says_so)
{
	struct changer_step steps[2];
	struct outcome outcomes[2] = {{0}, {0}};

	open_with_steps(steps);
	begin_list(&steps[0], 1, &outcomes[0]);
	begin_list(&steps[1], 1, &outcomes[1]);
	while (changer_fd(&sup.changer) < 0) {
		changer_tick(&sup.changer);
	}
	changer_end(&sup.changer); /* the shard has ended and never looked */
	for (int i = 0; i < 2; i++) {
		ck_assert_int_eq(outcomes[i].times, 1);
		ck_assert_int_eq(outcomes[i].rc, -ESHUTDOWN);
	}
	ck_assert(changer_is_idle(&sup.changer));
}
END_TEST

/* Where the thread runs while the sockets of a list are there and no shard has heard of it. */
static int look_where(void *context, struct err *err)
{
	int *cpu_os = context;

	*cpu_os = pin_get(0);
	err_set(err, "that is all");
	return -ECANCELED;
}

static void stopped(void *context, int rc, bool begun, const struct err *err)
{
	(void)context;
	ck_assert_msg(rc == -ECANCELED && !begun, "%s", err->text);
}

START_TEST(sockets_are_opened_on_the_node_of_their_shard)
{
	struct cpu_bits before = {0}, after = {0};
	struct changer_step step = {.op = SHARD_ADD_OUTPUT};
	struct topo_cpu cpu = {.node_os = 1};
	int where = -1;
	struct changer_client client = {.prepared = look_where, .done = stopped, .context = &where};

	open_rig();
	ck_assert_int_eq(cpu_bits_read(&before, 0), 0);
	while (!CPU_ISSET_S((size_t)cpu.cpu_os, CPU_ALLOC_SIZE(before.count), before.set)) {
		cpu.cpu_os++;
	}
	topo_free(&setup.topo);
	setup.topo = (struct topo){.cpus = &cpu, .cpu_count = 1, .this_machine = true};
	sup.workers[0].node_os = 1;
	step.flow = &flow_room[0].rule;
	step.output = &output_room[0].rule;
	/* A tick is a time: on a busy machine it may be over before the client is asked, and the
	 * next tick, which opens nothing, runs anywhere. */
	for (bool in_one = false; !in_one;) {
		ck_assert_int_eq(changer_begin(&sup.changer, &step, 1, &client), 0);
		changer_tick(&sup.changer);
		in_one = changer_is_idle(&sup.changer);
		while (!changer_is_idle(&sup.changer)) {
			changer_tick(&sup.changer);
		}
	}
	ck_assert_int_eq(where, cpu.cpu_os);
	ck_assert_int_eq(cpu_bits_read(&after, 0), 0);
	ck_assert(CPU_EQUAL_S(CPU_ALLOC_SIZE(before.count), before.set, after.set));
	CPU_FREE(before.set);
	CPU_FREE(after.set);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("reload");
	SRunner *runner = srunner_create(suite);
	TCase *tc = tcase_create("reload");
	int failed;

	tcase_add_test(tc, what_needs_a_restart_is_refused_by_name);
	tcase_add_test(tc, another_number_of_shards_needs_a_restart);
	tcase_add_test(tc, an_output_that_comes_touches_nothing_else);
	tcase_add_test(tc, what_comes_on_a_missing_interface_is_added_without_a_socket);
	tcase_add_test(tc, what_the_kernel_refuses_changes_nothing);
	tcase_add_test(tc, what_a_shard_refuses_is_named_and_the_rest_is_in_force);
	tcase_add_test(tc, one_change_at_a_time_is_taken);
	tcase_add_test(tc, what_is_asked_for_amid_a_change_is_done_after_it);
	tcase_add_test(tc, lists_are_done_one_after_the_other_and_each_is_answered);
	tcase_add_test(tc, what_has_gone_already_counts_as_removed);
	tcase_add_test(tc, of_several_failures_the_first_is_told);
	tcase_add_test(tc, list_that_the_end_overtakes_is_answered_and_says_so);
	tcase_add_test(tc, sockets_are_opened_on_the_node_of_their_shard);
	suite_add_tcase(suite, tc);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
