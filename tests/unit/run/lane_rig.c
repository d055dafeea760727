/* lane_rig.c - see lane_rig.h. */
#include "tests/unit/run/lane_rig.h"

#include <check.h>
#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "src/fastpath/hook.h"
#include "src/fastpath/program.h"

int __wrap_program_load(const struct program_sizes *sizes, struct program *out, struct err *err);
void __wrap_program_unload(struct program *program);
int __wrap_program_put(const struct program *program, enum program_map map, const void *key,
		       const void *value);
int __wrap_program_remove(const struct program *program, const void *key);
int __wrap_program_get(const struct program *program, enum program_map map, uint32_t number,
		       void *out);
int __wrap_program_sum(const struct program *program, enum program_map map, uint32_t number,
		       uint64_t *out, uint32_t words);
int __wrap_program_clear(const struct program *program, enum program_map map, uint32_t number);
void __wrap_program_wait(const struct program *program);
int __wrap_hook_attach(struct hooks *hooks, int program_fd, unsigned ifindex, struct hook *out,
		       struct err *err);
void __wrap_hook_detach(struct hooks *hooks, struct hook *hook);
void __wrap_hooks_free(struct hooks *hooks);
void __wrap_device_read(const char *ifname, struct device *out);
void __wrap_lane_hops_open(struct lane_hops *hops);

struct lane_rig rig;

int __wrap_program_load(const struct program_sizes *sizes, struct program *out, struct err *err)
{
	rig.sizes = *sizes;
	if (rig.loads < 0) {
		err_set(err, "no program here");
		return rig.loads;
	}
	out->object = (struct bpf_object *)&rig;
	return 0;
}

void __wrap_program_unload(struct program *program)
{
	*program = (struct program){0};
}

int __wrap_program_put(const struct program *program, enum program_map map, const void *key,
		       const void *value)
{
	const uint32_t *number = key;

	ck_assert_ptr_eq(program->object, &rig);
	if (map == PROGRAM_WAYS) {
		ck_assert_uint_lt(*number, LANE_RIG_IMAGES);
		memcpy(&rig.ways[*number], value, sizeof(rig.ways[0]));
	} else if (map == PROGRAM_CONTROL) {
		rig.until_ns = ((const struct fast_control *)value)->until_ns;
	} else if (map == PROGRAM_IMAGES) {
		return rig.writes;
	}
	return 0;
}

int __wrap_program_remove(const struct program *program, const void *key)
{
	(void)program;
	(void)key;
	return 0;
}

int __wrap_program_get(const struct program *program, enum program_map map, uint32_t number,
		       void *out)
{
	(void)program;
	ck_assert_int_eq(map, PROGRAM_WAYS);
	memcpy(out, &rig.ways[number], sizeof(rig.ways[0]));
	return 0;
}

int __wrap_program_sum(const struct program *program, enum program_map map, uint32_t number,
		       uint64_t *out, uint32_t words)
{
	(void)program;
	memset(out, 0, words * sizeof(*out));
	if (map == PROGRAM_IMAGE_COUNTS) {
		memcpy(out, &rig.images[number], sizeof(rig.images[0]));
	} else {
		memcpy(out, &rig.outputs[number], sizeof(rig.outputs[0]));
	}
	return 0;
}

int __wrap_program_clear(const struct program *program, enum program_map map, uint32_t number)
{
	(void)program;
	if (map == PROGRAM_IMAGE_COUNTS) {
		rig.images[number] = (struct fast_image_counts){0};
	} else {
		rig.outputs[number] = (struct fast_output_counts){0};
	}
	return 0;
}

void __wrap_program_wait(const struct program *program)
{
	(void)program;
	rig.waits++;
}

int __wrap_hook_attach(struct hooks *hooks, int program_fd, unsigned ifindex, struct hook *out,
		       struct err *err)
{
	(void)hooks;
	(void)program_fd;
	(void)err;
	*out = (struct hook){.kind = HOOK_FILTER, .ifindex = ifindex};
	return 0;
}

void __wrap_hook_detach(struct hooks *hooks, struct hook *hook)
{
	(void)hooks;
	*hook = (struct hook){0};
}

void __wrap_hooks_free(struct hooks *hooks)
{
	*hooks = (struct hooks){0};
}

/* eth0 and eth1, as the rule of the supervisor's rig has them. */
void __wrap_device_read(const char *ifname, struct device *out)
{
	bool in = strcmp(ifname, "eth0") == 0;

	rig.reads++;
	*out = (struct device){0};
	if (in || rig.mtu_out > 0) {
		*out = (struct device){.ifindex = in ? 1 : 2,
				       .mtu = in ? rig.mtu_in : rig.mtu_out,
				       .ethernet = true};
	}
}

void __wrap_lane_hops_open(struct lane_hops *hops)
{
	(void)hops;
}

void lane_rig_open(void)
{
	int pair[2];

	memset(&rig, 0, sizeof(rig));
	sup_rig_open(&rig.at);
	rig.at.opt.fastpath = OPT_FASTPATH_AUTO;
	rig.at.opt.fastpath_linger_s = OPT_AMOUNT_OFF;
	rig.at.opt.gso = OPT_ON;
	rig.mtu_in = rig.mtu_out = 1500;
	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK, 0, pair), 0);
	rig.rx = pair[0];
	rig.tx = pair[1];
	rig.at.flow.ifindex = 1;
	rig.at.flow_room[0].flow.fd = rig.rx;
	for (uint32_t o = 0; o < SUP_RIG_OUTPUTS; o++) {
		struct output_place *place = &rig.at.output_room[o];

		rig.at.outputs[o].ifindex = 2;
		place->output.fd = rig.tx;
		place->got.local = (struct addr){
			.family = AF_INET, .port = (uint16_t)(40000 + o), .ip = {10, 2, 0, 2}};
	}
	ck_assert_int_eq(gate_init(&rig.at.sup.gate), 0);
	logged_start();
}

void lane_rig_close(void)
{
	lane_close(&rig.at.sup.lane);
	gate_free(&rig.at.sup.gate);
	close(rig.rx);
	close(rig.tx);
	sup_rig_close(&rig.at);
}

void lane_rig_carry(void)
{
	struct err err;

	ck_assert_int_eq(lane_open(&rig.at.sup, &err), 0);
	ck_assert(lane_is_open(&rig.at.sup));
	ck_assert_int_eq(lane_start(&rig.at.sup, &err), 0);
	ck_assert_int_eq(lane_rig_verdict()->reason, FAST_REASON_NONE);
	ck_assert_uint_ne(lane_rig_record()->image, FAST_NONE);
	(void)logged();
}

struct lane_verdict *lane_rig_verdict(void)
{
	struct lane_verdict *verdict = lane_verdict_of(&rig.at.sup.lane, &rig.at.flow.in);

	ck_assert_ptr_nonnull(verdict);
	return verdict;
}

const struct fast_record *lane_rig_record(void)
{
	const struct fast_record *record = fast_find(&rig.at.sup.lane.fast, &rig.at.flow.in);

	ck_assert_ptr_nonnull(record);
	return record;
}

struct fast_image_counts *lane_rig_counts(void)
{
	ck_assert_uint_ne(lane_rig_record()->image, FAST_NONE);
	return &rig.images[lane_rig_record()->image];
}

struct fast_output_counts *lane_rig_output_counts(uint32_t o)
{
	const struct fast_record *record = lane_rig_record();

	for (uint32_t i = 0; i < record->output_count; i++) {
		if (addr_equal(&record->outputs[i].to.addr, &rig.at.outputs[o].out.to.addr)) {
			ck_assert_uint_ne(record->outputs[i].number, 0);
			return &rig.outputs[record->outputs[i].number];
		}
	}
	ck_abort_msg("the program does not know output %u", o);
	return NULL;
}
