/* members_watch.h - hears when the file of --members is changed, and has it read again.
 *
 * The file is watched (inotify(7)), and what becomes of it: written to, replaced by another one,
 * removed. A change is a reload like that of SIGHUP. One that leaves the list as it is is none. A
 * list that cannot be used is logged, and what runs goes on. Control thread.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct supervisor;

/* Begins as all-zero. */
struct members_watch {
	int fd; /* inotify's; 0: not open */
	uint64_t looked_ns;
	uint64_t asked_ns; /* for a reload, the last time */
	uint64_t seen;     /* of the list that was tried last; see members.h */
	bool due;
};

/* If there is a file by now, and it is not watched yet: begins. Whether there is a descriptor to be
 * polled from now on, `fd'. */
bool members_watch_open(struct members_watch *watch, const struct supervisor *sup);

/* Looks whether the list is another one than that in force, when something was heard, and else once
 * a second; then asks for a reload, unless one is under way, and again some seconds later when that
 * failed for want of something. */
void members_watch_tick(struct members_watch *watch, struct supervisor *sup);
void members_watch_close(struct members_watch *watch);
