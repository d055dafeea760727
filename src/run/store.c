/* store.c - see store.h; store_passed.c has the start.
 *
 * What the manager keeps is compared, once a second, with what the flows have, and the difference
 * is told. So flows that come, go, become live, move or get another socket need not think of it.
 */
#include "src/run/store.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "src/base/clock.h"
#include "src/run/finish_note.h"
#include "src/run/notify.h"
#include "src/run/store_list.h"
#include "src/run/store_name.h"
#include "src/run/store_socket.h"
#include "src/run/supervisor.h"

#define TICK_NS        NS_PER_S
#define BEHIND_WAIT_MS 10                /* the manager reads when it comes to it */
#define END_WAIT_NS    (100 * NS_PER_MS) /* for it, before we end */

static int list_in_time(const struct supervisor *sup, uint64_t end_ns, struct store_flow **list,
			uint32_t *count);
static void compare(struct store *store, const struct supervisor *sup);
static void remove_others(struct store *store, const struct supervisor *sup,
			  const struct store_flow *list, uint32_t count);
static bool still_has(const struct supervisor *sup, const struct store_flow *list, uint32_t count,
		      const struct store_socket *socket);
static void put_others(struct store *store, const struct supervisor *sup,
		       const struct store_flow *list, uint32_t count);
static bool put(struct store *store, uint64_t id, int fd);
static bool is_known(const struct store *store, uint32_t count, uint64_t id, uint64_t inode);
static int compare_ids(const void *left, const void *right);
static bool tell(struct store *store, const char *state, int fd);

void store_tick(struct store *store, const struct supervisor *sup, uint64_t now_ns)
{
	if (store->on && changer_is_idle(&sup->changer) &&
	    (store->behind || now_ns - store->ticked_ns >= TICK_NS)) {
		store->ticked_ns = now_ns;
		compare(store, sup);
	}
}

int store_wait_ms(const struct store *store, int most)
{
	return store->behind && most > BEHIND_WAIT_MS ? BEHIND_WAIT_MS : most;
}

uint32_t store_hand_over(struct store *store, struct supervisor *sup)
{
	uint64_t end_ns = clock_now_ns() + END_WAIT_NS;
	struct store_flow *list;
	uint32_t count, stored = 0;
	int rc;

	if (!store->on || !changer_is_idle(&sup->changer)) {
		return 0; /* who has which socket is about to change */
	}
	compare(store, sup);
	while (store->behind && clock_now_ns() < end_ns) {
		(void)poll(NULL, 0, 1);
		compare(store, sup);
	}
	rc = store->on ? list_in_time(sup, end_ns, &list, &count) : 0;
	if (rc < 0) {
		log_warn("store: out of memory; the next process joins all groups anew, and what "
			 "arrives meanwhile is lost");
	}
	if (!store->on || rc < 0) {
		return 0;
	}
	for (uint32_t i = 0; i < count; i++) {
		struct relay *relay = &sup->workers[list[i].shard].shard->relay;
		uint64_t inode = store_inode(relay_place(relay, list[i].index)->flow.fd);

		if (is_known(store, store->count, list[i].id, inode)) {
			relay_place(relay, list[i].index)->stored = true;
			stored++;
		}
	}
	free(list);
	return stored - spread_hand_over(sup);
}

void store_forget(struct store *store)
{
	for (uint32_t i = 0; i < store->count && store->on; i++) {
		store_remove(store, store->sockets[i].id);
	}
	if (store->note_kept) {
		(void)tell(store, "FDSTOREREMOVE=1\nFDNAME=" FINISH_NOTE_NAME, -1);
		store->note_kept = false;
	}
	store->count = 0;
	store->on = false;
}

bool store_remove(struct store *store, uint64_t id)
{
	char name[STORE_NAME_ROOM], state[64];

	snprintf(state, sizeof(state), "FDSTOREREMOVE=1\nFDNAME=%s", store_name(id, name));
	return tell(store, state, -1);
}

int store_remember(struct store *store, uint64_t id, uint64_t inode)
{
	if (store->count == store->room) {
		uint32_t room = store->room ? 2 * store->room : 64;
		void *grown = realloc(store->sockets, room * sizeof(*store->sockets));

		if (!grown) {
			return -ENOMEM;
		}
		store->sockets = grown;
		store->room = room;
	}
	store->sockets[store->count++] = (struct store_socket){.id = id, .inode = inode};
	return 0;
}

void store_sort(struct store *store)
{
	if (store->count > 0) {
		qsort(store->sockets, store->count, sizeof(*store->sockets), compare_ids);
	}
}

void store_keep_note(struct store *store)
{
	if (!store->note_kept && store->note_fds[0] >= 0 &&
	    tell(store, "FDSTOREREMOVE=1\nFDNAME=" FINISH_NOTE_NAME, -1)) {
		store->note_kept = tell(store, "FDSTORE=1\nFDPOLL=0\nFDNAME=" FINISH_NOTE_NAME,
					store->note_fds[0]);
	}
}

uint64_t store_inode(int fd)
{
	struct stat st;

	return fstat(fd, &st) == 0 ? (uint64_t)st.st_ino : 0;
}

/* Memory that is short may come back. */
static int list_in_time(const struct supervisor *sup, uint64_t end_ns, struct store_flow **list,
			uint32_t *count)
{
	int rc;

	while ((rc = store_list_places(sup, list, count)) < 0 && clock_now_ns() < end_ns) {
		(void)poll(NULL, 0, 1);
	}
	return rc;
}

static void compare(struct store *store, const struct supervisor *sup)
{
	struct store_flow *list;
	uint32_t count;

	if (store_list_places(sup, &list, &count) < 0) {
		store->behind = true; /* again soon */
		return;
	}
	store->behind = false;
	store_keep_note(store);
	remove_others(store, sup, list, count);
	put_others(store, sup, list, count);
	free(list);
}

/* What no flow has any more, and what is another socket by now. A name that is removed is removed
 * from all that have it. */
static void remove_others(struct store *store, const struct supervisor *sup,
			  const struct store_flow *list, uint32_t count)
{
	struct store_socket *sockets = store->sockets;
	uint32_t left = 0;

	for (uint32_t first = 0, end; first < store->count; first = end) {
		bool stay = true;

		for (end = first; end < store->count && sockets[end].id == sockets[first].id;
		     end++) {
			stay = stay && still_has(sup, list, count, &sockets[end]);
		}
		if (stay || store->behind || !store_remove(store, sockets[first].id)) {
			memmove(&sockets[left], &sockets[first], (end - first) * sizeof(*sockets));
			left += end - first;
		}
	}
	store->count = left;
}

static bool still_has(const struct supervisor *sup, const struct store_flow *list, uint32_t count,
		      const struct store_socket *socket)
{
	const struct store_flow *flow =
		count > 0 ? bsearch(socket, list, count, sizeof(*list), compare_ids) : NULL;

	return flow &&
	       store_inode(shard_flow(sup->workers[flow->shard].shard, flow->index)->flow.fd) ==
		       socket->inode;
}

static void put_others(struct store *store, const struct supervisor *sup,
		       const struct store_flow *list, uint32_t count)
{
	uint32_t before = store->count;

	for (uint32_t i = 0; i < count && !store->behind && store->on; i++) {
		const struct shard *shard = sup->workers[list[i].shard].shard;
		int fd = shard_flow(shard, list[i].index)->flow.fd;

		if (!is_known(store, before, list[i].id, store_inode(fd)) &&
		    !put(store, list[i].id, fd)) {
			break;
		}
	}
	store_sort(store);
}

/* Whether it is stored. */
static bool put(struct store *store, uint64_t id, int fd)
{
	char name[STORE_NAME_ROOM], state[64];

	if (store->count >= STORE_SOCKETS_MAX) {
		if (!store->told_full) {
			store->told_full = true;
			log_warn("store: more than %u flows; the sockets of the others are not "
				 "kept over a restart",
				 STORE_SOCKETS_MAX);
		}
		return false;
	}
	snprintf(state, sizeof(state), "FDSTORE=1\nFDNAME=%s\nFDPOLL=0", store_name(id, name));
	return tell(store, state, fd) && store_remember(store, id, store_inode(fd)) == 0;
}

/* Among the first `count', which are in order. */
static bool is_known(const struct store *store, uint32_t count, uint64_t id, uint64_t inode)
{
	const struct store_socket key = {.id = id};
	const struct store_socket *found =
		count > 0 ? bsearch(&key, store->sockets, count, sizeof(key), compare_ids) : NULL;

	return found && found->inode == inode;
}

/* Flows and sockets both begin with their id. */
static int compare_ids(const void *left, const void *right)
{
	const uint64_t *a = left, *b = right;

	return *a < *b ? -1 : *a > *b;
}

/* Whether the manager has it. When it does not read, it is tried again; whatever else is wrong will
 * not mend itself. */
static bool tell(struct store *store, const char *state, int fd)
{
	int rc = notify_send_fd(state, fd);

	if (rc == -EAGAIN || rc == -ENOBUFS || rc == -ETOOMANYREFS || rc == -EINTR) {
		store->behind = true;
	} else if (rc < 0) {
		store->on = false;
		log_warn("store: cannot tell the service manager what to keep: %s; expected the "
			 "socket of NOTIFY_SOCKET to be open to this user; a restart loses what "
			 "arrives meanwhile",
			 strerror(-rc));
	}
	return rc == 0;
}
