/* journal.h - what a shard leaves in memory for whoever finishes its work when it was killed.
 *
 * A thread that is killed ends between two instructions in user space: a system call that has begun
 * is over before, but nobody learns its result. So each step that moves a datagram on is one store,
 * made after all that it vouches for has been stored, and before anything that rests on it. Then
 * the memory says at any instant what has been taken and what has been sent:
 *
 *     received   the completion queue, or what recvmmsg wrote; then the ring's queue of receptions,
 *                where the one at hand stays until the next one is asked for
 *     gathered   `iov_count' of a train, and with it `ends', how far its output has come
 *     sent       the head of the submission queue, or what sendmmsg wrote; then the answer
 *
 * shard/finish.c reads it. Only the order in which one thread stores matters, since it is read
 * after that thread's end: journal_step keeps the compiler to it and costs no instruction.
 */
#pragma once

#include <stdatomic.h>
#include <stdint.h>

/* What is stored before it is stored before what is stored after it. */
static inline void journal_step(void)
{
	atomic_signal_fence(memory_order_seq_cst);
}

/* Where a byte of payload stands among all that a shard has received: the number of its reception,
 * counted from 1, above its offset there. */
#define JOURNAL_OFFSET_BITS 17

static inline uint64_t journal_place(uint64_t reception)
{
	return reception << JOURNAL_OFFSET_BITS;
}
