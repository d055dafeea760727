/* store_socket.h - what store.c and store_passed.c have in common; private to these.
 *
 * Of each socket that the manager keeps we know the name that it has there and its inode: a flow
 * may have another socket by now, and then the one that is kept must go.
 */
#pragma once

#include "src/run/store.h"

struct store_socket {
	uint64_t id; /* first, as in struct store_flow: both are compared by it */
	uint64_t inode;
};

/* One descriptor that was passed to us. */
struct store_passed {
	uint64_t id;
	int fd;     /* ours until it is settled */
	bool ours;  /* its name is one of ours */
	bool note;  /* it tells how the process before us has ended */
	bool taken; /* by a flow */
	char *name; /* when it is not ours */
};

/* Has the manager let go of what it keeps under this name. Whether it was told. */
bool store_remove(struct store *store, uint64_t id);

/* The manager keeps this one; to be sorted. 0 or -ENOMEM. */
int store_remember(struct store *store, uint64_t id, uint64_t inode);
void store_sort(struct store *store);

/* Has the manager keep the end to read from of the note of our end, in the place of that of the
 * process before us, unless it does. */
void store_keep_note(struct store *store);

/* 0: no such file. */
uint64_t store_inode(int fd);
