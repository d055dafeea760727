/* nodemem_text.c - the words for how a shard got its memory, or did not (step 2).
 *
 * Every text names the node, what was wanted and what was there, and ends in what cures it:
 * for a pool that is too small the very line to write into sysfs. One shortage is enough to tell:
 * that of the kind of page asked for, not those of the kinds tried after it. Sizes in MiB. The
 * shard thread at its start.
 */
#include "numa/nodemem_text.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "numa/procmaps.h"

#define NODE_NAME_ROOM 32
#define MIB            (1024.0 * 1024.0)
#define FRAGMENTED     ", memory is fragmented: echo 1 > /proc/sys/vm/compact_memory"
#define ALLOW_MBIND    "; let the seccomp profile allow it (Docker: --cap-add SYS_NICE)"

static void explain_pool(const struct nodemem_wish *wish, const struct nodemem_attempt *attempt,
			 struct err *out);
static void explain_thp(const struct nodemem_attempt *attempt, struct err *out);
static void explain_bind(const struct nodemem_wish *wish, const struct nodemem_attempt *attempt,
			 struct err *out);
static void explain_misplaced(const struct nodemem_wish *wish, struct nodemem_result *result);
static const char *node_name(int node_os, char *buf);
static const char *kind_name(enum arena_huge kind);

void nodemem_text_attempt(const struct nodemem_wish *wish, const struct nodemem_attempt *attempt,
			  struct err *out)
{
	char node[NODE_NAME_ROOM];

	node_name(wish->node_os, node);
	if (attempt->step == NODEMEM_STEP_BIND) {
		explain_bind(wish, attempt, out);
	} else if (attempt->step == NODEMEM_STEP_ROOM) {
		err_set(out, "%s can supply %.1f MiB of memory, %.1f MiB are needed", node,
			(double)attempt->room_bytes / MIB, (double)wish->len_bytes / MIB);
	} else if (nodemem_is_pooled(attempt->kind)) {
		explain_pool(wish, attempt, out);
	} else if (attempt->kind == ARENA_HUGE_THP) {
		explain_thp(attempt, out);
	} else {
		err_set(out, "%s: cannot %s %.1f MiB of memory: %s", node,
			attempt->step == NODEMEM_STEP_MAP ? "map" : "populate",
			(double)wish->len_bytes / MIB, strerror(-attempt->ret));
	}
}

void nodemem_text_result(const struct nodemem_wish *wish, const struct nodemem_attempt *asked,
			 const struct nodemem_attempt *last, int verify_ret,
			 struct nodemem_result *result)
{
	struct err *note = &result->note;
	struct err why;

	if (result->got > wish->asked) {
		nodemem_text_attempt(wish, asked, &why);
		nodemem_text_append(note, "%s instead of %s: %s", kind_name(result->got),
				    kind_name(wish->asked), why.text);
	}
	if (result->got == ARENA_HUGE_THP && last->thp_bytes < wish->len_bytes) {
		nodemem_text_append(
			note, "only %.0f of %.0f MiB became transparent huge pages" FRAGMENTED,
			(double)last->thp_bytes / MIB, (double)wish->len_bytes / MIB);
	}
	if (last->bind_ret < 0) {
		nodemem_text_append(note, "memory is not bound to node %d: mbind: %s" ALLOW_MBIND,
				    wish->node_os, strerror(-last->bind_ret));
	}
	if (verify_ret < 0) {
		nodemem_text_append(note,
				    "page placement is unverified: move_pages: %s, and "
				    "/proc/self/numa_maps cannot be read",
				    strerror(-verify_ret));
	} else if (result->pages_misplaced > 0) {
		explain_misplaced(wish, result);
	}
}

void nodemem_text_append(struct err *note, const char *format, ...)
{
	struct err more;
	va_list args;

	va_start(args, format);
	vsnprintf(more.text, sizeof(more.text), format, args);
	va_end(args);
	err_set(note, "%s%s%s", note->text, note->text[0] != '\0' ? "; " : "", more.text);
}

static void explain_pool(const struct nodemem_wish *wish, const struct nodemem_attempt *attempt,
			 struct err *out)
{
	size_t page_bytes = arena_huge_bytes(attempt->kind);
	unsigned long long pages = attempt->pages;
	unsigned long long available = attempt->pool.available;
	char line[HUGEPAGES_LINE_MAX];
	char node[NODE_NAME_ROOM];

	node_name(wish->node_os, node);
	if (attempt->pool_goal > 0) {
		err_set(out, "%s has %llu available %s, %llu are needed: %s", node, available,
			kind_name(attempt->kind), pages,
			hugepages_line(wish->node_os, page_bytes, attempt->pool_goal, line));
	} else if (attempt->pool_known) {
		err_set(out,
			"%s has %llu available %s, but %llu cannot be had: %s; see hugetlb.*.max "
			"of the control group and ulimit -v",
			node, available, kind_name(attempt->kind), pages, strerror(-attempt->ret));
	} else if (attempt->step == NODEMEM_STEP_MAP && attempt->ret == -EINVAL) {
		err_set(out, "this machine has no %s", kind_name(attempt->kind));
	} else if (attempt->step == NODEMEM_STEP_POPULATE &&
		   (attempt->ret == -EINVAL || attempt->ret == -EPERM || attempt->ret == -ENOSYS)) {
		err_set(out,
			"%s are used only where MADV_POPULATE_WRITE works (Linux 5.14, not "
			"forbidden by seccomp): %s",
			kind_name(attempt->kind), strerror(-attempt->ret));
	} else {
		err_set(out, "%s: cannot %s %s: %s", node,
			attempt->step == NODEMEM_STEP_MAP ? "map" : "populate",
			kind_name(attempt->kind), strerror(-attempt->ret));
	}
}

static void explain_thp(const struct nodemem_attempt *attempt, struct err *out)
{
	if (attempt->step == NODEMEM_STEP_MAP && attempt->ret == -EINVAL) {
		err_set(out, "this kernel has no transparent huge pages");
	} else if (attempt->step != NODEMEM_STEP_THP) {
		err_set(out, "cannot get transparent huge pages: %s", strerror(-attempt->ret));
	} else if (hugepages_thp_never()) {
		err_set(out, "transparent huge pages are switched off: echo madvise > "
			     "/sys/kernel/mm/transparent_hugepage/enabled");
	} else {
		err_set(out, "only %.0f MiB became transparent huge pages" FRAGMENTED,
			(double)attempt->thp_bytes / MIB);
	}
}

static void explain_bind(const struct nodemem_wish *wish, const struct nodemem_attempt *attempt,
			 struct err *out)
{
	char allowed[256];

	procmaps_allowed_nodes(allowed, sizeof(allowed));
	err_set(out,
		"node %d: cannot bind memory: %s; the node is absent, has no memory, or is not "
		"among those this process may use (%s, see cpuset.mems of the control group)",
		wish->node_os, strerror(-attempt->ret), allowed);
}

static void explain_misplaced(const struct nodemem_wish *wish, struct nodemem_result *result)
{
	unsigned long long wrong = result->pages_misplaced;
	unsigned long long pages = result->pages;

	if (wish->node_os == NODE_UNKNOWN) {
		nodemem_text_append(&result->note, "%llu of %llu pages are absent", wrong, pages);
	} else if (!result->bound) {
		nodemem_text_append(&result->note, "%llu of %llu pages are not on node %d", wrong,
				    pages, wish->node_os);
	} else {
		nodemem_text_append(&result->note,
				    "%llu of %llu pages are not on node %d: let cpuset.mems of the "
				    "control group hold that node, then restart",
				    wrong, pages, wish->node_os);
	}
}

static const char *node_name(int node_os, char *buf)
{
	if (node_os == NODE_UNKNOWN) {
		snprintf(buf, NODE_NAME_ROOM, "this machine");
	} else {
		snprintf(buf, NODE_NAME_ROOM, "node %d", node_os);
	}
	return buf;
}

static const char *kind_name(enum arena_huge kind)
{
	switch (kind) {
	case ARENA_HUGE_1G:
		return "huge pages of 1 GiB";
	case ARENA_HUGE_2M:
		return "huge pages of 2 MiB";
	case ARENA_HUGE_THP:
		return "transparent huge pages";
	case ARENA_HUGE_OFF:
		break;
	}
	return "pages of 4 KiB";
}
