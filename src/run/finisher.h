/* finisher.h - a process that finishes what this one was about when it is killed.
 *
 * With a descriptor store the sockets of flows outlive the process, and what waits in them. What
 * was taken from them and not sent yet lies in memory, and nothing that is killed can send it. So a
 * second process shares the memory and the descriptors of this one, and no thread: it sleeps, costs
 * nothing, and wakes when all threads of this process are dead. Then it sends what the shards had
 * received (shard/finish.h), which takes a fraction of a millisecond, writes what came of it, and
 * ends. Who comes next waits for that (finish_note.h) before it reads a socket, so nothing is
 * doubled or overtaken.
 *
 * It holds what the process holds, and is killed with it by whoever means all processes of the
 * service (systemctl kill), or all that share its memory (the kernel, when that runs out). Control
 * thread.
 */
#pragma once

#include <sys/types.h>

struct supervisor;

/* All zero: there is none, nor a store. */
struct finisher {
	const struct supervisor *sup;
	pid_t pid;    /* of the other process; 0: there is none */
	int death_fd; /* readable once this process is dead */
	int confined; /* 1: it has given up what it does not need; atomic, a futex */
	void *stack;
};

/* Once the process has the rights that it keeps, and before it has shards. Where there is no store
 * it does nothing; a process that cannot be made is logged. finisher_end either way. */
void finisher_start(struct finisher *finisher, const struct supervisor *sup);

/* All shards have ended: there is nothing to finish any more, which is noted. */
void finisher_end(struct finisher *finisher);
