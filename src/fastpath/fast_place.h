/* fast_place.h - where flows are heard: the key of each, and the interfaces that have the program.
 *
 * fast.c and nobody else uses it. Control thread.
 */
#pragma once

#include "src/fastpath/fast.h"

/* The program hears the flow: it is called there, and finds the flow's way. Where it did so by
 * another interface it no longer does, and the flow is dropped. 0, or -errno with `err'. */
int fast_place_take(struct fast *fast, struct fast_record *record, unsigned ifindex,
		    struct err *err);

/* The program hears the flow no more, and is called no more where no other flow is heard. */
void fast_place_leave(struct fast *fast, struct fast_record *record);
