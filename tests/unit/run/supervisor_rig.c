/* supervisor_rig.c - see supervisor_rig.h. */
#include "tests/unit/run/supervisor_rig.h"

#include <check.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "src/run/answer.h"

static void rig_fill_rooms(struct sup_rig *rig)
{
	rig->flow_rooms = rig->flow_room;
	rig->shard.relay.rooms = &rig->flow_rooms;
	rig->shard.relay.place_count = ROOM_FLOWS;
	rig->flow_room[0].flow = (struct ingress_flow){
		.rule = &rig->flow, .stats = &rig->flow_stats, .state = FLOW_ARMED};
	rig->output_rooms = rig->output_room;
	rig->shard.egress.rooms = &rig->output_rooms;
	rig->shard.egress.place_count = ROOM_OUTPUTS;
	for (uint32_t o = 0; o < SUP_RIG_OUTPUTS; o++) {
		rig->output_room[o].output = (struct egress_output){
			.token = o,
			.rule = &rig->outputs[o],
			.stats = &rig->output_stats[o],
			.sibling = o + 1 < SUP_RIG_OUTPUTS ? o + 1 : PLACE_NONE,
			.state = OUTPUT_OPEN,
		};
	}
}

void sup_rig_open(struct sup_rig *rig)
{
	struct err err;

	memset(rig, 0, sizeof(*rig));
	ck_assert_int_eq(conf_add_rule(&rig->opt.conf,
				       "239.1.1.1%eth0:5000 -> 239.2.2.1%eth1:6000, "
				       "239.2.2.2%eth1:6000",
				       "--rule", &err),
			 0);
	rig->flow = (struct rule_flow){.in = rig->opt.conf.flows[0].in,
				       .output_count = SUP_RIG_OUTPUTS};
	for (uint32_t o = 0; o < SUP_RIG_OUTPUTS; o++) {
		rig->outputs[o].out = rig->opt.conf.outputs[o];
	}
	rig->table = (struct rule_table){.flows = &rig->flow,
					 .outputs = rig->outputs,
					 .flow_count = 1,
					 .output_count = SUP_RIG_OUTPUTS};
	rig->shard.stats = &rig->stats;
	rig_fill_rooms(rig);
	rig->worker.shard = &rig->shard;
	rig->worker.gate = &rig->sup.gate;
	rig->worker.spec.table = &rig->table;
	rig->worker.node_os = NODE_UNKNOWN;
	rig->setup.opt = &rig->opt;
	rig->sup.setup = &rig->setup;
	rig->sup.workers = &rig->worker;
	rig->sup.worker_count = 1;
	rig->setup.plan.shard_count = 1;
	rig->setup.layout.tables = &rig->table;
	rig->setup.layout.shard_count = 1;
	rig->setup.layout.echo_counts = &rig->echo_count;
	rig->setup.plan.shards = &rig->plan_shard;
}

void sup_rig_close(struct sup_rig *rig)
{
	conf_free(&rig->opt.conf);
}

char *sup_rig_ask(struct sup_rig *rig, const struct command_peer *peer, const char *line,
		  size_t *out_len)
{
	struct answer *rows;
	char *text = commands_answer(&rig->sup, peer, line, strlen(line), &rows, out_len);

	while (rows && !text) {
		text = commands_go_on(&rig->sup, rows, out_len);
	}
	answer_free(rows);
	return text;
}

void sup_rig_merge(struct sup_rig *rig)
{
	rig->merge =
		(struct merge){.rule = {.method = MERGE_BY_HASH, .leg_count = 1, .silent_ms = 300},
			       .stats = &rig->merge_stats};
	rig->merge.legs[0].stats = &rig->leg_stats;
	rig->feed = (struct relay_merge){.merge = &rig->merge};
	rig->flow_room[0].flow.merge = &rig->feed;
}

void logged_start(void)
{
	int fd = memfd_create("log", 0);

	ck_assert_int_ge(fd, 0);
	log_init(LOG_LEVEL_INFO, false);
	ck_assert_int_eq(dup2(fd, STDERR_FILENO), STDERR_FILENO);
	close(fd);
}

const char *logged(void)
{
	static char text[65536];
	ssize_t n = pread(STDERR_FILENO, text, sizeof(text) - 1, 0);

	ck_assert_int_ge(n, 0);
	text[n] = '\0';
	ck_assert_int_eq(ftruncate(STDERR_FILENO, 0), 0);
	ck_assert_int_eq(lseek(STDERR_FILENO, 0, SEEK_SET), 0);
	return text;
}
