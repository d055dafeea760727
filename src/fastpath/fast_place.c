/* fast_place.c - keys of flows, and hooks on interfaces for as long as a flow needs one. See
 * fast_place.h.
 */
#include "src/fastpath/fast_place.h"

#include <endian.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "src/fastpath/fast_image.h"

static int attach(struct fast *fast, unsigned ifindex, struct err *err);

/* The program hears the flow: it is attached there, and finds its way by the flow's key. */
int fast_place_take(struct fast *fast, struct fast_record *record, unsigned ifindex,
		    struct err *err)
{
	struct fast_key key = {.ifindex = ifindex,
			       .port = htobe16(record->in.at.addr.port),
			       .family = (uint8_t)record->in.at.addr.family};
	int rc;

	if (record->way != FAST_NONE && record->ifindex == ifindex) {
		return 0;
	}
	memcpy(key.group, record->in.at.addr.ip, sizeof(key.group));
	memcpy(key.source, record->in.source.ip, sizeof(key.source));
	fast_place_leave(fast, record);
	record->way = fast_take_number(&fast->ways);
	if (record->way == FAST_NONE) {
		err_set(err, "there are more flows or outputs than at the start");
		return -ENOSPC;
	}
	rc = program_put(&fast->program, PROGRAM_WAYS, &record->way, &(struct fast_way){0});
	if (rc == 0) {
		rc = program_put(&fast->program, PROGRAM_KEYS, &key, &record->way);
	}
	if (rc < 0) {
		err_set(err, "%s", strerror(-rc));
	} else {
		rc = attach(fast, ifindex, err);
	}
	if (rc < 0) {
		(void)program_remove(&fast->program, &key);
		fast_give_number(&fast->ways, record->way);
		record->way = FAST_NONE;
		return rc;
	}
	record->ifindex = ifindex;
	record->key = key;
	return 0;
}

/* Its number may be another flow's at once: nobody is on that way when it is not in force, but who
 * has just found it, so that is waited for. */
void fast_place_leave(struct fast *fast, struct fast_record *record)
{
	if (record->way == FAST_NONE) {
		return;
	}
	fast_drop(fast, &record->in);
	(void)program_remove(&fast->program, &record->key);
	fast->unsettled = true;
	fast_settle(fast);
	fast_give_number(&fast->ways, record->way);
	record->way = FAST_NONE;
	for (uint32_t i = 0; i < fast->place_count; i++) {
		struct fast_place *place = &fast->places[i];

		if (place->hook.ifindex == record->ifindex && --place->users == 0) {
			hook_detach(&fast->hooks, &place->hook);
			*place = fast->places[--fast->place_count];
			break;
		}
	}
}

static int attach(struct fast *fast, unsigned ifindex, struct err *err)
{
	struct fast_place *places;
	int rc;

	for (uint32_t i = 0; i < fast->place_count; i++) {
		if (fast->places[i].hook.ifindex == ifindex) {
			fast->places[i].users++;
			return 0;
		}
	}
	places = realloc(fast->places, (fast->place_count + 1) * sizeof(*places));
	if (!places) {
		err_set(err, "out of memory");
		return -ENOMEM;
	}
	fast->places = places;
	places[fast->place_count] = (struct fast_place){.users = 1};
	rc = hook_attach(&fast->hooks, fast->program.fd, ifindex, &places[fast->place_count].hook,
			 err);
	fast->place_count += rc == 0;
	return rc;
}
