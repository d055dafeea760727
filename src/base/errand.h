/* errand.h - something that a child process finds out, since it may die of it or never end.
 *
 * The child is a copy of this process, with its rights, limits and CPUs; it answers through a pipe
 * and dies with the thread that began it. However it ends, nothing of it is left, no core file
 * either. Before there are other threads: a copy of one thread alone may wait for the locks of
 * those that it has not.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "src/base/log.h"

struct errand {
	/* In the child: finds out and answers by errand_tell; false: that was not possible. */
	bool (*run)(void *context, int fd);
	void *context;
	size_t answer_max;    /* bytes */
	uint32_t patience_ms; /* of waiting for the whole answer */
	uint32_t cpu_s;       /* of computing; 0: as long as there is patience */
};

/* All zero: none. */
struct errand_answer {
	char *bytes;
	size_t len;
	bool begun; /* there was a child */
};

/* 0 when the child has ended by itself and well: `out' is its answer, to be freed by
 * errand_answer_free either way. Else -errno, and why in `how', which names no subject: "it died by
 * signal 11, Segmentation fault". */
int errand_run(const struct errand *errand, struct errand_answer *out, struct err *how);
void errand_answer_free(struct errand_answer *answer);

/* The child: appends to the answer. */
bool errand_tell(int fd, const void *from, size_t len);
