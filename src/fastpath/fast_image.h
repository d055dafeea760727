/* fast_image.h - what stands in the program's maps of one flow; fast.c and nobody else uses it.
 *
 * An image is written beside the one in force, put in its place, retired when another one or none
 * takes its place, and settled once no program uses it. Control thread.
 */
#pragma once

#include "src/fastpath/fast.h"

/* A number that is free, 0: none is left; and back again. */
static inline uint32_t fast_take_number(struct fast_numbers *numbers)
{
	return numbers->count > 0 ? numbers->free[--numbers->count] : 0;
}

static inline void fast_give_number(struct fast_numbers *numbers, uint32_t number)
{
	if (number != 0) {
		numbers->free[numbers->count++] = number;
	}
}

/* Writes the outputs, those that are not as before, and fills in `image'. 0; -ENOSPC, no number is
 * left; other -errno. After an error or when it is not put in force: fast_image_unwrite. */
int fast_image_write(struct fast *fast, struct fast_record *record,
		     const struct fast_wanted *wanted, struct fast_image *image);
void fast_image_unwrite(struct fast *fast, const struct fast_record *record,
			const struct fast_image *image);

/* Image `number' takes the place of the one in force, if any. The last one retired is settled. */
void fast_image_put(struct fast *fast, struct fast_record *record, uint32_t number,
		    const struct fast_image *image, const struct fast_wanted *wanted);

/* In the record; the caller takes the way there away. */
void fast_image_retire(struct fast_record *record);

/* Keeps the counts of what was retired, and gives its numbers back. */
void fast_image_settle(struct fast *fast, struct fast_record *record);

/* NULL: the record knows none such. */
struct fast_record_output *fast_image_output(const struct fast_record *record,
					     const struct endpoint *to);

/* Adds what an image has counted, FAST_NONE: nothing; and an output, by their numbers. */
void fast_image_sum(const struct fast *fast, uint32_t number, struct fast_image_counts *sums);
void fast_image_sum_output(const struct fast *fast, uint32_t number,
			   struct fast_output_counts *sums);
