/* store_passed.c - the sockets that the process before us left to us. See store.h.
 *
 * Each shard is given copies, so that the shards can start once more with another engine. What no
 * flow takes is closed, and removed from the store: then its groups are left.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "src/base/clock.h"
#include "src/base/num.h"
#include "src/run/finish_note.h"
#include "src/run/notify.h"
#include "src/run/store_list.h"
#include "src/run/store_name.h"
#include "src/run/store_socket.h"
#include "src/run/supervisor.h"

#define PASSED_FIRST 3     /* SD_LISTEN_FDS_START */
#define PASSED_MAX   65536 /* far beyond what the environment can name */

static uint32_t count_passed(void);
static int read_passed(struct store *store, uint32_t count);
static bool has_come(int fd);
static int compare_passed(const void *left, const void *right);
static bool is_on(const struct store *store, enum opt_switch wish);
static void await_before(const struct store *store);
static void begin_note(struct store *store);
static int make_kept(struct store *store, const struct supervisor *sup);
static void free_kept(struct store *store);
static void take_over(struct store *store, const struct supervisor *sup,
		      const struct store_flow *flow);
static void say_not_taken(const struct supervisor *sup, const struct store_flow *flow, int error);
static void let_parts_go(const struct store *store, const struct layout *layout);
static void let_copy_go(const struct store *store, struct shard_kept *kept);
static uint32_t find_first(const struct store *store, uint64_t id);
static int verify(const struct supervisor *sup, const struct store_flow *flow, int fd,
		  struct sock_got *got, struct err *err);
static void let_go(struct store *store, const struct store_passed *passed);

int store_open(struct store *store, const struct opt *opt, struct err *err)
{
	int rc;

	*store = (struct store){.note_fds = {-1, -1}};
	rc = read_passed(store, count_passed());
	unsetenv("LISTEN_FDS");
	unsetenv("LISTEN_PID");
	unsetenv("LISTEN_FDNAMES");
	if (rc < 0) {
		err_set(err, "store: out of memory");
		return rc;
	}
	store->on = is_on(store, opt->store);
	if (opt->store == OPT_ON && !store->on) {
		log_warn("--store on: there is no service manager to keep sockets; expected "
			 "NOTIFY_SOCKET in the environment, as systemd sets it; a restart loses "
			 "what arrives meanwhile");
	}
	await_before(store);
	if (store->on) {
		begin_note(store);
	}
	return 0;
}

void store_close(struct store *store)
{
	free_kept(store);
	for (uint32_t i = 0; i < store->passed_count; i++) {
		if (store->passed[i].fd >= 0) {
			close(store->passed[i].fd);
		}
		free(store->passed[i].name);
	}
	free(store->passed);
	free(store->sockets);
	for (int i = 0; i < 2; i++) {
		if (store->note_fds[i] >= 0) {
			close(store->note_fds[i]);
		}
	}
	*store = (struct store){.note_fds = {-1, -1}};
}

int store_adopt(struct store *store, const struct supervisor *sup, struct err *err)
{
	struct store_flow *list = NULL;
	uint32_t count = 0;
	int rc;

	free_kept(store);
	if (store->passed_count == 0) {
		return 0;
	}
	rc = make_kept(store, sup);
	rc = rc == 0 ? store_list_tables(sup, &list, &count) : rc;
	if (rc < 0) {
		err_set(err, "store: out of memory");
		return rc;
	}
	for (uint32_t i = 0; i < count && store->on; i++) {
		take_over(store, sup, &list[i]);
	}
	let_parts_go(store, &sup->setup->layout);
	store->adopted = 0;
	store->wanted = count;
	for (uint32_t i = 0; i < count; i++) {
		store->adopted += store->kept[list[i].shard][list[i].index].fd >= 0;
	}
	free(list);
	return 0;
}

struct shard_kept *store_kept(const struct store *store, uint32_t shard)
{
	return shard < store->kept_count ? store->kept[shard] : NULL;
}

void store_settle(struct store *store, const struct supervisor *sup)
{
	uint32_t gone = 0;

	for (uint32_t i = 0; i < store->passed_count; i++) {
		struct store_passed *passed = &store->passed[i];

		if (store->on && passed->ours && passed->fd >= 0) {
			(void)store_remember(store, passed->id, store_inode(passed->fd));
		} else {
			let_go(store, passed);
		}
		gone += !passed->taken && !passed->note;
		if (passed->fd >= 0) {
			close(passed->fd);
		}
		free(passed->name);
	}
	if (store->passed_count > 0) {
		log_notice(
			"store: of %u sockets of flows %u go on from the process before; %u kept "
			"sockets are of no use any more and closed",
			store->wanted, store->adopted, gone);
	}
	free(store->passed);
	store->passed = NULL;
	store->passed_count = 0;
	free_kept(store);
	store_sort(store);
	store->ticked_ns = 0; /* what no flow took is removed at once, as if its flow had gone */
	store_tick(store, sup, clock_now_ns());
}

/* They are for the process that LISTEN_PID names. */
static uint32_t count_passed(void)
{
	const char *pid = getenv("LISTEN_PID"), *fds = getenv("LISTEN_FDS");
	uint64_t for_pid, count;

	if (!pid || num_parse(pid, 1, INT32_MAX, &for_pid) < 0 || for_pid != (uint64_t)getpid() ||
	    !fds || num_parse(fds, 1, PASSED_MAX, &count) < 0) {
		return 0;
	}
	return (uint32_t)count;
}

/* A descriptor without a name is nobody's. */
static int read_passed(struct store *store, uint32_t count)
{
	const char *names = getenv("LISTEN_FDNAMES");

	store->passed = calloc(count + 1UL, sizeof(*store->passed));
	if (!store->passed) {
		return -ENOMEM;
	}
	for (uint32_t i = 0; i < count; i++) {
		struct store_passed *passed = &store->passed[i];
		struct store_word word = {0};
		int fd = PASSED_FIRST + (int)i;

		(void)store_next_word(&names, &word);
		*passed = (struct store_passed){.id = word.id, .fd = fd, .ours = word.ours};
		store->passed_count++;
		if (!has_come(fd) || fcntl(fd, F_SETFD, FD_CLOEXEC) < 0) {
			passed->fd = -1;
		}
		passed->note = word.len == strlen(FINISH_NOTE_NAME) &&
			       strncmp(word.text, FINISH_NOTE_NAME, word.len) == 0;
		if (!word.ours && !passed->note && word.len > 0) {
			passed->name = strndup(word.text, word.len);
		}
	}
	qsort(store->passed, count, sizeof(*store->passed), compare_passed);
	return 0;
}

/* What has come through the execution of this program is not closed by one, and what we have opened
 * ourselves is: a list that is longer than what was passed names that, too. */
static bool has_come(int fd)
{
	int flags = fcntl(fd, F_GETFD);

	return flags >= 0 && (flags & FD_CLOEXEC) == 0;
}

static int compare_passed(const void *left, const void *right)
{
	const struct store_passed *a = left, *b = right;

	return a->id < b->id ? -1 : a->id > b->id;
}

/* Newer managers say how much they keep; older ones give themselves away by what they kept. */
static bool is_on(const struct store *store, enum opt_switch wish)
{
	const char *most = getenv("FDSTORE");
	uint64_t count;
	bool any = false;

	for (uint32_t i = 0; i < store->passed_count; i++) {
		any = any || store->passed[i].ours || store->passed[i].note;
	}
	any = any || (most && num_parse(most, 1, UINT32_MAX, &count) == 0);
	return notify_is_wanted() && wish != OPT_OFF && (wish == OPT_ON || any);
}

/* The sockets are not to be read before they are left alone. */
static void await_before(const struct store *store)
{
	struct finish done;
	struct refusals_news refused;

	for (uint32_t i = 0; i < store->passed_count; i++) {
		if (!store->passed[i].note || store->passed[i].fd < 0) {
			continue;
		}
		switch (finish_note_await(store->passed[i].fd, &done, &refused)) {
		case FINISH_NOTE_ORDERLY:
			break;
		case FINISH_NOTE_FINISHED:
			log_notice("store: the process before was killed; of what it had received, "
				   "%" PRIu64 " datagrams were sent after its end, %" PRIu64
				   " lost",
				   done.sent, done.lost);
			refusals_tell_of(&refused);
			break;
		case FINISH_NOTE_NONE:
			log_warn("store: the process before was killed, and nobody has finished "
				 "what it was about: what it had received and not sent is lost");
			break;
		case FINISH_NOTE_LATE:
			log_warn("store: the process before is still there after a second; what it "
				 "relays comes twice or out of order");
			break;
		}
	}
}

static void begin_note(struct store *store)
{
	int rc = finish_note_open(&store->note_fds[0], &store->note_fds[1]);

	if (rc < 0) {
		log_warn("store: cannot make a pipe: %s; expected a free descriptor; should this "
			 "process be killed, the next one does not wait until what it had received "
			 "is sent",
			 strerror(-rc));
		return;
	}
	store_keep_note(store);
}

static int make_kept(struct store *store, const struct supervisor *sup)
{
	const struct layout *layout = &sup->setup->layout;

	store->kept = calloc(layout->shard_count + 1UL, sizeof(struct shard_kept *));
	if (!store->kept) {
		return -ENOMEM;
	}
	for (uint32_t s = 0; s < layout->shard_count; s++) {
		uint32_t flows = layout->tables[s].flow_count;

		store->kept[s] = calloc(flows + 1UL, sizeof(struct shard_kept));
		if (!store->kept[s]) {
			return -ENOMEM;
		}
		store->kept_count++;
		for (uint32_t i = 0; i <= flows; i++) {
			store->kept[s][i].fd = i < flows ? -1 : -2; /* where the list ends */
		}
	}
	return 0;
}

/* With the copies that no shard has taken. */
static void free_kept(struct store *store)
{
	for (uint32_t s = 0; s < store->kept_count; s++) {
		for (struct shard_kept *kept = store->kept[s]; kept->fd != -2; kept++) {
			if (kept->fd >= 0) {
				close(kept->fd);
			}
		}
		free(store->kept[s]);
	}
	free(store->kept);
	store->kept = NULL;
	store->kept_count = 0;
}

static void take_over(struct store *store, const struct supervisor *sup,
		      const struct store_flow *flow)
{
	struct shard_kept *kept = &store->kept[flow->shard][flow->index];
	struct err err;

	for (uint32_t i = find_first(store, flow->id);
	     i < store->passed_count && store->passed[i].id == flow->id; i++) {
		struct store_passed *passed = &store->passed[i];

		if (!passed->ours || passed->fd < 0) {
			continue;
		}
		if (verify(sup, flow, passed->fd, &kept->got, &err) < 0) {
			log_warn("%s", err.text);
			continue;
		}
		kept->fd = fcntl(passed->fd, F_DUPFD_CLOEXEC, 0);
		passed->taken = kept->fd >= 0;
		if (!passed->taken) {
			say_not_taken(sup, flow, errno);
		}
		return;
	}
}

static void say_not_taken(const struct supervisor *sup, const struct store_flow *flow, int error)
{
	const struct worker *w = &sup->workers[flow->shard];
	char text[ENDPOINT_TEXT_MAX];

	log_warn("%s: the kept socket cannot be taken over: %s; what waits in it is lost",
		 endpoint_format(&w->spec.table->flows[flow->index].in.at, text), strerror(error));
}

/* Of a divided flow all sockets are taken, or none is. */
static void let_parts_go(const struct store *store, const struct layout *layout)
{
	uint32_t k;

	for (uint32_t at = 0; at < layout->share_count; at += k) {
		const struct layout_share *shares = &layout->shares[at];
		bool all = true;

		k = layout->tables[shares->shard].flows[shares->flow].share.count;
		for (uint32_t i = 0; i < k; i++) {
			all = all && store->kept[shares[i].shard][shares[i].flow].fd >= 0;
		}
		for (uint32_t i = 0; i < k && !all; i++) {
			let_copy_go(store, &store->kept[shares[i].shard][shares[i].flow]);
		}
	}
}

static void let_copy_go(const struct store *store, struct shard_kept *kept)
{
	uint64_t inode = kept->fd >= 0 ? store_inode(kept->fd) : 0;

	for (uint32_t i = 0; i < store->passed_count && inode != 0; i++) {
		struct store_passed *passed = &store->passed[i];

		if (passed->taken && store_inode(passed->fd) == inode) {
			passed->taken = false;
		}
	}
	if (kept->fd >= 0) {
		close(kept->fd);
	}
	kept->fd = -1;
}

/* The first that has `id', or where it would stand. */
static uint32_t find_first(const struct store *store, uint64_t id)
{
	uint32_t low = 0, high = store->passed_count;

	while (low < high) {
		uint32_t mid = low + (high - low) / 2;

		if (store->passed[mid].id < id) {
			low = mid + 1;
		} else {
			high = mid;
		}
	}
	return low;
}

static int verify(const struct supervisor *sup, const struct store_flow *flow, int fd,
		  struct sock_got *got, struct err *err)
{
	const struct worker *w = &sup->workers[flow->shard];
	const struct rule_flow *rule = &w->spec.table->flows[flow->index];
	struct sock_want want = shard_want(&w->spec, rule);

	return sock_take_ingress(fd, &rule->in, rule->ifindex, &want, got, err);
}

/* A name of another build, or none of ours, is told as it came. */
static void let_go(struct store *store, const struct store_passed *passed)
{
	char state[320];

	if (passed->ours) {
		(void)store_remove(store, passed->id);
	} else if (passed->name) {
		snprintf(state, sizeof(state), "FDSTOREREMOVE=1\nFDNAME=%s", passed->name);
		(void)notify_send_fd(state, -1);
	}
}
