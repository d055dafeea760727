/* fast_image.c - images of flows in the program's maps, from the first word to the last count.
 *
 * See fast_image.h and abi.h. Control thread.
 */
#include "src/fastpath/fast_image.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "src/fastpath/counts.h"

static int write_output(struct fast *fast, struct fast_record *record,
			const struct fast_wanted_output *wanted, uint32_t *number);
static struct fast_record_output *new_output(struct fast_record *record, const struct endpoint *to);

/* Numbers and entries of all outputs; what is as before keeps its own. */
int fast_image_write(struct fast *fast, struct fast_record *record,
		     const struct fast_wanted *wanted, struct fast_image *image)
{
	image->mtu = wanted->mtu;
	image->echo_count = wanted->echo_count;
	memcpy(image->echoes, wanted->echoes, sizeof(image->echoes));
	for (uint32_t i = 0; i < wanted->output_count; i++) {
		int rc = write_output(fast, record, &wanted->outputs[i], &image->outputs[i]);

		if (rc < 0) {
			return rc;
		}
		image->output_count++;
	}
	return 0;
}

/* Gives back what fast_image_write took: no program has seen it. */
void fast_image_unwrite(struct fast *fast, const struct fast_record *record,
			const struct fast_image *image)
{
	for (uint32_t i = 0; i < image->output_count; i++) {
		bool used = false;

		for (uint32_t o = 0; o < record->output_count; o++) {
			used = used || record->outputs[o].number == image->outputs[i];
		}
		if (!used) {
			fast_give_number(&fast->outputs, image->outputs[i]);
		}
	}
}

void fast_image_put(struct fast *fast, struct fast_record *record, uint32_t number,
		    const struct fast_image *image, const struct fast_wanted *wanted)
{
	struct fast_way way = {.image = number};

	record->puts += record->image == FAST_NONE;
	record->old_image = record->image;
	for (uint32_t o = 0; o < record->output_count; o++) {
		struct fast_record_output *out = &record->outputs[o];

		out->old_number = out->number;
		out->in_old = out->number != 0;
		out->number = 0;
	}
	for (uint32_t i = 0; i < wanted->output_count; i++) {
		struct fast_record_output *out = fast_image_output(record, &wanted->outputs[i].to);

		out->number = image->outputs[i];
		out->wire = wanted->outputs[i].wire;
		out->old_number = out->old_number == out->number ? 0 : out->old_number;
	}
	record->image = number;
	record->now = *image;
	(void)program_put(&fast->program, PROGRAM_WAYS, &record->way, &way);
	fast->unsettled = true;
}

void fast_image_retire(struct fast_record *record)
{
	record->old_image = record->image;
	record->image = FAST_NONE;
	for (uint32_t i = 0; i < record->output_count; i++) {
		struct fast_record_output *o = &record->outputs[i];

		/* Since the last one was settled, it has no old number. */
		o->old_number = o->number;
		o->in_old = o->number != 0;
		o->number = 0;
	}
}

/* Nobody uses what it had before. */
void fast_image_settle(struct fast *fast, struct fast_record *record)
{
	struct fast_image_counts flow = {0};

	if (record->old_image == FAST_NONE) {
		return;
	}
	fast_image_sum(fast, record->old_image, &flow);
	counts_add_flow(&record->past, &flow);
	fast_give_number(&fast->images, record->old_image);
	record->old_image = FAST_NONE;
	for (uint32_t i = 0; i < record->output_count; i++) {
		struct fast_record_output *o = &record->outputs[i];

		if (o->old_number != 0) {
			fast_image_sum_output(fast, o->old_number, &o->past);
			fast_give_number(&fast->outputs, o->old_number);
			o->old_number = 0;
		}
		o->before += o->in_old ? 0 : flow.received;
	}
}

struct fast_record_output *fast_image_output(const struct fast_record *record,
					     const struct endpoint *to)
{
	for (uint32_t i = 0; i < record->output_count; i++) {
		const struct endpoint *at = &record->outputs[i].to;

		if (addr_equal(&at->addr, &to->addr) && strcmp(at->ifname, to->ifname) == 0) {
			return &record->outputs[i];
		}
	}
	return NULL;
}

/* Adds what an image has counted, or an output by its number. */
void fast_image_sum(const struct fast *fast, uint32_t number, struct fast_image_counts *sums)
{
	struct fast_image_cell now;

	if (number != FAST_NONE &&
	    program_sum(&fast->program, PROGRAM_IMAGE_COUNTS, number, (uint64_t *)&now,
			sizeof(now) / sizeof(uint64_t)) == 0) {
		counts_add_flow(sums, &now.counts);
	}
}

void fast_image_sum_output(const struct fast *fast, uint32_t number,
			   struct fast_output_counts *sums)
{
	struct fast_output_counts now;

	if (program_sum(&fast->program, PROGRAM_OUTPUT_COUNTS, number, (uint64_t *)&now,
			sizeof(now) / sizeof(uint64_t)) == 0) {
		counts_add_output(sums, &now);
	}
}

static int write_output(struct fast *fast, struct fast_record *record,
			const struct fast_wanted_output *wanted, uint32_t *number)
{
	struct fast_record_output *o = fast_image_output(record, &wanted->to);
	int rc;

	o = o ? o : new_output(record, &wanted->to);
	if (!o) {
		return -ENOMEM;
	}
	if (o->number != 0 && memcmp(&o->wire, &wanted->wire, sizeof(o->wire)) == 0) {
		*number = o->number;
		return 0;
	}
	*number = fast_take_number(&fast->outputs);
	if (*number == 0) {
		return -ENOSPC;
	}
	rc = program_clear(&fast->program, PROGRAM_OUTPUT_COUNTS, *number);
	if (rc == 0) {
		rc = program_put(&fast->program, PROGRAM_OUTPUTS, number, &wanted->wire);
	}
	if (rc < 0) {
		fast_give_number(&fast->outputs, *number);
	}
	return rc;
}

static struct fast_record_output *new_output(struct fast_record *record, const struct endpoint *to)
{
	struct fast_record_output *outputs =
		realloc(record->outputs, (record->output_count + 1) * sizeof(*outputs));

	if (!outputs) {
		return NULL;
	}
	record->outputs = outputs;
	outputs[record->output_count] =
		(struct fast_record_output){.to = *to, .before = record->past.received};
	return &outputs[record->output_count++];
}
