/* precedence.h - the control thread gives way to the shards.
 *
 * Control reads files, opens sockets and joins groups while shards relay, and a shard that becomes
 * ready while control has its CPU waits until the scheduler takes it away. So control keeps off the
 * CPUs of shards where there are others, and where there are none, or it goes to a shard's node
 * (numa/near.h), it comes after the shards. Control thread.
 */
#pragma once

struct supervisor;

/* Before other threads start, which are then where control is; shards tie themselves. */
void precedence_settle(struct supervisor *sup);

/* After the shards have started, which would inherit it. Under SCHED_FIFO and SCHED_RR, which do
 * not know nice(2), control gets a lower priority; where there is none, the usual scheduler. */
void precedence_give_way(void);
