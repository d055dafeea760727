/* members_watch.c - see members_watch.h.
 *
 * What is watched is the file and not its directory, which may be busy. When another file takes its
 * place the watch ends with it and is made anew. The list itself is compared, once a second at
 * least, so whatever was missed between two watches is found soon.
 */
#include "src/run/members_watch.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/inotify.h>
#include <unistd.h>

#include "src/base/clock.h"
#include "src/run/supervisor.h"
#include "src/setup/machines.h"

#define LOOK_NS  NS_PER_S
#define AGAIN_NS (5 * NS_PER_S) /* between two tries to go by a list, when something is short */
#define EVENTS   (IN_CLOSE_WRITE | IN_MOVE_SELF | IN_DELETE_SELF | IN_ATTRIB | IN_MODIFY)

static void hear(struct members_watch *watch, const char *path);

bool members_watch_open(struct members_watch *watch, const struct supervisor *sup)
{
	if (watch->fd != 0 || !machines_file(sup->setup->opt)) {
		return false;
	}
	watch->fd = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
	watch->seen = sup->setup->partition.members.hash;
	return watch->fd > 0;
}

void members_watch_tick(struct members_watch *watch, struct supervisor *sup)
{
	const struct opt *opt = sup->setup->opt;
	const char *path = machines_file(opt);
	uint64_t now_ns = clock_now_ns();
	struct members members = {0};
	struct err ignored;
	int rc;

	if (!path) {
		return;
	}
	hear(watch, path);
	if ((!watch->due && now_ns - watch->looked_ns < LOOK_NS) || reload_is_busy(&sup->reload) ||
	    sup->draining) {
		return;
	}
	watch->due = false;
	watch->looked_ns = now_ns;
	rc = machines_read(opt, &members, &ignored);
	if (rc < 0 && rc != -EINVAL) {
		members_free(&members); /* something is short: in the next second, perhaps */
		return;
	}
	if (rc < 0) {
		members.hash = 0; /* the reload will say why, once */
	}
	if (members.hash != sup->setup->partition.members.hash &&
	    (members.hash != watch->seen ||
	     (sup->reload.lacked && now_ns - watch->asked_ns >= AGAIN_NS))) {
		log_notice("--members %s: has changed", path);
		watch->asked_ns = now_ns;
		reload_again(&sup->reload, "--members");
	}
	watch->seen = members.hash;
	members_free(&members);
}

void members_watch_close(struct members_watch *watch)
{
	if (watch->fd > 0) {
		close(watch->fd);
	}
	*watch = (struct members_watch){0};
}

/* Whatever was heard, and a watch for what comes next: before the file is read. */
static void hear(struct members_watch *watch, const char *path)
{
	char events[4096] __attribute__((aligned(8)));

	while (watch->fd > 0 && read(watch->fd, events, sizeof(events)) > 0) {
		watch->due = true;
	}
	if (watch->fd > 0) {
		(void)inotify_add_watch(watch->fd, path, EVENTS);
	}
}
