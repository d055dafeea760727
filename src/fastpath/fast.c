/* fast.c - the records of flows: which there are, what is in force, what they have counted.
 *
 * See fast.h; fast_image.c writes what is in force, fast_place.c has the program called. Control
 * thread.
 */
#include "src/fastpath/fast.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "src/base/must.h"
#include "src/fastpath/counts.h"
#include "src/fastpath/fast_image.h"
#include "src/fastpath/fast_place.h"

/* An output, or an image, is replaced by another one while it is still in force. Images are large,
 * so only some can be at a time, and then what is out of force is waited for. */
#define SPARE        2
#define SPARE_IMAGES 64

static uint32_t take_image(struct fast *fast);
static int numbers_init(struct fast_numbers *numbers, uint32_t count);
static uint32_t position(const struct fast *fast, const struct rule_ingress *in, bool *found);
static struct fast_record *record_of(const struct fast *fast, const struct rule_ingress *in);
static struct fast_record *new_record(struct fast *fast, const struct fast_wanted *wanted);
static bool is_as_wanted(const struct fast_record *record, const struct fast_wanted *wanted);
static void drop(struct fast *fast, struct fast_record *record);
static void remove_record(struct fast *fast, uint32_t at);

int fast_open(uint32_t flows, uint32_t outputs, struct fast *out, struct err *err)
{
	struct program_sizes sizes = {.ways = flows + 1,
				      .images = flows + SPARE_IMAGES + 1,
				      .outputs = SPARE * outputs + 1};
	struct fast fast = {0};
	int rc = program_load(&sizes, &fast.program, err);

	if (rc == 0 && (numbers_init(&fast.ways, sizes.ways) < 0 ||
			numbers_init(&fast.images, sizes.images) < 0 ||
			numbers_init(&fast.outputs, sizes.outputs) < 0)) {
		err_set(err, "out of memory");
		rc = -ENOMEM;
	}
	if (rc < 0) {
		fast_close(&fast);
		return rc;
	}
	*out = fast;
	return 0;
}

void fast_outlive(struct fast *fast, uint64_t lease_ns)
{
	fast->hooks.outlives = true;
	fast->lease_ns = lease_ns > FAST_LEASE_NS ? lease_ns : FAST_LEASE_NS;
}

bool fast_is_open(const struct fast *fast)
{
	return fast->program.object != NULL;
}

void fast_close(struct fast *fast)
{
	for (uint32_t i = 0; i < fast->place_count; i++) {
		hook_detach(&fast->hooks, &fast->places[i].hook);
	}
	for (uint32_t i = 0; i < fast->record_count; i++) {
		free(fast->records[i]->outputs);
		free(fast->records[i]);
	}
	hooks_free(&fast->hooks);
	program_unload(&fast->program);
	free(fast->records);
	free(fast->places);
	free(fast->ways.free);
	free(fast->images.free);
	free(fast->outputs.free);
	*fast = (struct fast){0};
}

int fast_prepare(struct fast *fast, const struct fast_wanted *wanted, struct err *err)
{
	struct fast_record *record = record_of(fast, &wanted->in);

	record = record ? record : new_record(fast, wanted);
	if (!record) {
		err_set(err, "out of memory");
		return -ENOMEM;
	}
	return fast_place_take(fast, record, wanted->ifindex, err);
}

int fast_put(struct fast *fast, const struct fast_wanted *wanted, struct err *err)
{
	struct fast_record *record = record_of(fast, &wanted->in);
	struct fast_image image = {0};
	uint32_t number;
	int rc;

	must(wanted->output_count > 0 && wanted->output_count <= FAST_OUTPUTS_MAX);
	must(wanted->ifindex != 0);
	if (record && is_as_wanted(record, wanted)) {
		return 0;
	}
	if (record && record->old_image != FAST_NONE) {
		fast_settle(fast);
	}
	rc = fast_prepare(fast, wanted, err);
	if (rc < 0) {
		return rc;
	}
	record = record_of(fast, &wanted->in);
	number = take_image(fast);
	rc = number == FAST_NONE ? -ENOSPC : fast_image_write(fast, record, wanted, &image);
	if (rc == 0) {
		rc = program_clear(&fast->program, PROGRAM_IMAGE_COUNTS, number);
	}
	if (rc == 0) {
		rc = program_put(&fast->program, PROGRAM_IMAGES, &number, &image);
	}
	if (rc < 0) {
		fast_image_unwrite(fast, record, &image);
		fast_give_number(&fast->images, number);
		err_set(err, "%s",
			rc == -ENOSPC ? "there are more flows or outputs than at the start"
				      : strerror(-rc));
		return rc;
	}
	fast_image_put(fast, record, number, &image, wanted);
	return 0;
}

void fast_drop(struct fast *fast, const struct rule_ingress *in)
{
	struct fast_record *record = record_of(fast, in);

	if (record) {
		drop(fast, record);
	}
}

void fast_drop_all(struct fast *fast)
{
	for (uint32_t i = 0; i < fast->record_count; i++) {
		drop(fast, fast->records[i]);
	}
}

void fast_settle(struct fast *fast)
{
	if (!fast->unsettled) {
		return;
	}
	program_wait(&fast->program);
	for (uint32_t i = 0; i < fast->record_count; i++) {
		fast_image_settle(fast, fast->records[i]);
	}
	fast->unsettled = false;
}

void fast_forget(struct fast *fast, const struct rule_ingress *in, struct fast_image_counts *flow,
		 struct fast_output_counts *outputs)
{
	bool found;
	uint32_t at = position(fast, in, &found);
	struct fast_record *record;

	if (!found) {
		return;
	}
	record = fast->records[at];
	must(record->image == FAST_NONE);
	must(record->old_image == FAST_NONE);
	counts_add_flow(flow, &record->past);
	for (uint32_t i = 0; i < record->output_count; i++) {
		counts_add_output(outputs, &record->outputs[i].past);
	}
	remove_record(fast, at);
}

void fast_forget_output(struct fast *fast, const struct rule_ingress *in, const struct endpoint *to,
			struct fast_output_counts *output)
{
	struct fast_record *record = record_of(fast, in);
	struct fast_record_output *o = record ? fast_image_output(record, to) : NULL;

	if (!o) {
		return;
	}
	must(o->number == 0);
	must(o->old_number == 0);
	counts_add_output(output, &o->past);
	record->output_count--;
	*o = record->outputs[record->output_count];
}

const struct fast_record *fast_find(const struct fast *fast, const struct rule_ingress *in)
{
	return record_of(fast, in);
}

struct fast_order *fast_order_of(const struct fast *fast, const struct rule_ingress *in)
{
	struct fast_record *record = record_of(fast, in);

	return record ? &record->order : NULL;
}

void fast_read(const struct fast *fast, const struct rule_ingress *in,
	       struct fast_image_counts *out)
{
	const struct fast_record *record = record_of(fast, in);

	*out = (struct fast_image_counts){0};
	if (record) {
		*out = record->past;
		fast_image_sum(fast, record->image, out);
	}
}

void fast_read_output(const struct fast *fast, const struct rule_ingress *in,
		      const struct endpoint *to, struct fast_output_counts *out, uint64_t *before)
{
	const struct fast_record *record = record_of(fast, in);
	const struct fast_record_output *o = record ? fast_image_output(record, to) : NULL;
	struct fast_image_counts flow = {0};

	*out = o ? o->past : (struct fast_output_counts){0};
	*before = o ? o->before : record ? record->past.received : 0;
	if (o && o->number != 0) {
		fast_image_sum_output(fast, o->number, out);
	} else if (record) {
		fast_image_sum(fast, record->image, &flow);
		*before += flow.received;
	}
}

void fast_add_errors(struct fast *fast, const struct rule_ingress *in, const struct endpoint *to,
		     uint64_t errors)
{
	struct fast_record *record = record_of(fast, in);
	struct fast_record_output *o = record ? fast_image_output(record, to) : NULL;

	if (o) {
		o->past.icmp_errors += errors;
	}
}

uint32_t fast_flag(const struct fast *fast, const struct fast_record *record)
{
	struct fast_way way = {0};

	if (record->image == FAST_NONE ||
	    program_get(&fast->program, PROGRAM_WAYS, record->way, &way) < 0) {
		return FAST_FLAG_NONE;
	}
	return way.flag;
}

void fast_prolong(const struct fast *fast, uint64_t now_ns)
{
	uint64_t lease_ns = fast->lease_ns > 0 ? fast->lease_ns : FAST_LEASE_NS;
	struct fast_control control = {.until_ns = now_ns + lease_ns};
	uint32_t zero = 0;

	(void)program_put(&fast->program, PROGRAM_CONTROL, &zero, &control);
}

static uint32_t take_image(struct fast *fast)
{
	if (fast->images.count == 0) {
		fast_settle(fast);
	}
	return fast_take_number(&fast->images);
}

/* All but 0. */
static int numbers_init(struct fast_numbers *numbers, uint32_t count)
{
	numbers->free = calloc(count, sizeof(*numbers->free));
	if (!numbers->free) {
		return -ENOMEM;
	}
	for (uint32_t i = count - 1; i > 0; i--) {
		numbers->free[numbers->count++] = i;
	}
	return 0;
}

/* Where a flow stands among the records, or would. */
static uint32_t position(const struct fast *fast, const struct rule_ingress *in, bool *found)
{
	uint32_t low = 0, high = fast->record_count;

	*found = false;
	while (low < high) {
		uint32_t middle = low + (high - low) / 2;
		int order = rule_compare_flows(&fast->records[middle]->in, in);

		if (order == 0) {
			*found = true;
			return middle;
		}
		if (order < 0) {
			low = middle + 1;
		} else {
			high = middle;
		}
	}
	return low;
}

static struct fast_record *record_of(const struct fast *fast, const struct rule_ingress *in)
{
	bool found;
	uint32_t at = position(fast, in, &found);

	return found ? fast->records[at] : NULL;
}

static struct fast_record *new_record(struct fast *fast, const struct fast_wanted *wanted)
{
	struct fast_record *record = calloc(1, sizeof(*record));
	bool found;
	uint32_t at = position(fast, &wanted->in, &found);

	if (fast->record_count == fast->record_room) {
		uint32_t room = 2 * fast->record_room + 16;
		struct fast_record **records = realloc(fast->records, room * sizeof(void *));

		if (!records) {
			free(record);
			return NULL;
		}
		fast->records = records;
		fast->record_room = room;
	}
	if (!record) {
		return NULL;
	}
	memmove(&fast->records[at + 1], &fast->records[at],
		(fast->record_count - at) * sizeof(void *));
	fast->records[at] = record;
	fast->record_count++;
	record->in = wanted->in;
	return record;
}

static bool is_as_wanted(const struct fast_record *record, const struct fast_wanted *wanted)
{
	if (record->image == FAST_NONE || record->ifindex != wanted->ifindex ||
	    record->now.output_count != wanted->output_count || record->now.mtu != wanted->mtu ||
	    record->now.echo_count != wanted->echo_count ||
	    memcmp(record->now.echoes, wanted->echoes, sizeof(wanted->echoes)) != 0) {
		return false;
	}
	for (uint32_t i = 0; i < wanted->output_count; i++) {
		const struct fast_record_output *o =
			fast_image_output(record, &wanted->outputs[i].to);

		if (!o || o->number != record->now.outputs[i] ||
		    memcmp(&o->wire, &wanted->outputs[i].wire, sizeof(o->wire)) != 0) {
			return false;
		}
	}
	return true;
}

static void drop(struct fast *fast, struct fast_record *record)
{
	if (record->image == FAST_NONE) {
		return;
	}
	if (record->old_image != FAST_NONE) {
		fast_settle(fast);
	}
	fast_image_retire(record);
	(void)program_put(&fast->program, PROGRAM_WAYS, &record->way, &(struct fast_way){0});
	fast->unsettled = true;
}

static void remove_record(struct fast *fast, uint32_t at)
{
	struct fast_record *record = fast->records[at];

	fast_place_leave(fast, record);
	fast->record_count--;
	memmove(&fast->records[at], &fast->records[at + 1],
		(fast->record_count - at) * sizeof(void *));
	free(record->outputs);
	free(record);
}
