/* mailbox.h - how the control thread speaks to a shard: flags in a word, one message, wake-ups.
 *
 * The word holds flags, set by control with release order and taken by the shard with acquire
 * order; the eventfd wakes the shard's ring. There is no queue to overflow and no lock to wait
 * for; flags that were already set stay set.
 *
 * Beside them goes one message at a time, by pointer: what it points to is control's until it is
 * sent, the shard's until it is answered, and then control's again. Each hand-over is a pointer
 * stored with release order and taken with acquire order, so plain members of a message need no
 * order of their own. Of what two threads write while datagrams flow this is all, and it is idle
 * unless something changes.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct shard_message; /* shard/change.h */

enum mail {
	MAIL_DRAIN = 1 << 0,   /* leave the groups, relay what is queued, end */
	MAIL_QUIT = 1 << 1,    /* end at once, counting what is left behind */
	MAIL_LOOK = 1 << 2,    /* look how many datagrams the kernel has dropped at some sockets */
	MAIL_MESSAGE = 1 << 3, /* by mailbox_send only */
	MAIL_HAND_OVER = 1 << 4, /* as MAIL_DRAIN, but what is stored is left to who comes next */
};

struct mailbox {
	_Atomic uint32_t flags;
	int eventfd;  /* wakes the shard; -1: not open */
	int answerfd; /* readable once a message was answered; control polls it */
	struct shard_message *_Atomic sent;     /* control writes, the shard takes */
	struct shard_message *_Atomic answered; /* the shard writes, control takes */
	bool waiting;                           /* control's own: a message is not answered yet */
};

/* 0 or -errno. Control thread. */
int mailbox_open(struct mailbox *box);
void mailbox_close(struct mailbox *box);

/* Control thread; also safe in a signal handler. */
void mailbox_post(struct mailbox *box, uint32_t flags);

/* What was posted since the last call. Shard thread. */
uint32_t mailbox_take(struct mailbox *box);

/* Hands `message' over. False, and nothing was done, while another one is not answered. Control
 * thread. */
bool mailbox_send(struct mailbox *box, struct shard_message *message);

/* The message that was sent, once; NULL when there is none. Shard thread, on MAIL_MESSAGE. */
struct shard_message *mailbox_receive(struct mailbox *box);

/* Gives it back. Does not wait. Shard thread. */
void mailbox_answer(struct mailbox *box, struct shard_message *message);

/* The message that was answered, once, and then another may be sent; NULL: not yet, or none was
 * sent. Control thread. */
struct shard_message *mailbox_take_answer(struct mailbox *box);
