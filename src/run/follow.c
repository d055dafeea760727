/* follow.c - see follow.h.
 *
 * What an interface is by now is asked of the kernel, for each name that rules use and not for each
 * rule; only when one is another are the places looked at. The setup's table of interfaces keeps
 * what was found.
 */
#include "src/run/follow.h"

#include <errno.h>
#include <stdlib.h>

#include "src/run/supervisor.h"

/* What has changed among the interfaces, as bits. */
#define CHANGED_INDEX 1
#define CHANGED_MTU   2
#define UNKNOWN       4 /* one could not be asked for, and is taken for what it was */

static unsigned look_at_interfaces(struct setup *setup);
static uint32_t list(struct follow *f, unsigned changed, struct changer_step *steps);
static uint32_t list_flow(struct follow *f, const struct worker *w, uint32_t index,
			  struct changer_step *step);
static uint32_t list_output(struct follow *f, const struct worker *w, uint32_t index,
			    unsigned changed, struct changer_step *step);
static void done(void *context, int rc, bool begun, const struct err *err);

void follow_links(struct follow *f)
{
	f->due = f->all = true;
}

void follow_tick(struct follow *f)
{
	struct changer_client client = {.done = done, .context = f};
	uint32_t places = 1;
	unsigned changed;

	if (!f->due || !changer_is_idle(&f->sup->changer)) {
		return;
	}
	changed = look_at_interfaces(f->sup->setup);
	f->due = (changed & UNKNOWN) != 0;
	if ((changed & ~UNKNOWN) == 0 && !f->all) {
		return;
	}
	f->all = false;
	for (uint32_t s = 0; s < f->sup->worker_count; s++) {
		places += f->sup->workers[s].shard->relay.place_count +
			  f->sup->workers[s].shard->egress.place_count;
	}
	f->steps = calloc(places, sizeof(*f->steps));
	f->step_count = f->steps ? list(f, changed, f->steps) : 0;
	if (f->steps && f->step_count > 0 &&
	    changer_begin(&f->sup->changer, f->steps, f->step_count, &client) == 0) {
		return;
	}
	if (!f->steps || f->step_count > 0) {
		follow_links(f); /* out of memory: again in a moment, with all places */
	}
	free(f->steps);
	f->steps = NULL;
}

static unsigned look_at_interfaces(struct setup *setup)
{
	unsigned changed = 0;

	for (uint32_t i = 0; i < setup->ifaces.count; i++) {
		struct iface *iface = &setup->ifaces.list[i];
		unsigned ifindex = 0;
		int rc = iface_index(conf_ifname(&setup->opt->conf, iface->name), &ifindex);
		uint32_t mtu = iface_mtu(iface->name);

		if (rc < 0 && rc != -ENODEV) {
			changed |= UNKNOWN;
			continue;
		}
		changed |= ifindex != iface->ifindex ? CHANGED_INDEX : 0;
		changed |= ifindex != 0 && mtu != 0 && mtu != iface->mtu ? CHANGED_MTU : 0;
		iface->ifindex = ifindex;
		iface->mtu = mtu != 0 ? mtu : iface->mtu;
	}
	return changed;
}

static uint32_t list(struct follow *f, unsigned changed, struct changer_step *steps)
{
	uint32_t count = 0;

	for (uint32_t s = 0; s < f->sup->worker_count; s++) {
		const struct worker *w = &f->sup->workers[s];

		for (uint32_t i = 0; i < w->shard->relay.place_count; i++) {
			count += list_flow(f, w, i, &steps[count]);
		}
		for (uint32_t i = 0; i < w->shard->egress.place_count; i++) {
			count += list_output(f, w, i, changed, &steps[count]);
		}
	}
	return count;
}

static uint32_t list_flow(struct follow *f, const struct worker *w, uint32_t index,
			  struct changer_step *step)
{
	const struct flow_place *place = shard_flow(w->shard, index);
	const struct iface *iface;

	if (!place->flow.rule || place->flow.fd < 0) {
		return 0;
	}
	iface = iface_find(&f->sup->setup->ifaces, place->rule.in.at.ifname);
	if (!iface || iface->ifindex == place->rule.ifindex) {
		return 0;
	}
	*step = (struct changer_step){.op = SHARD_CLOSE_FLOW,
				      .shard = w->index,
				      .flow = &place->rule,
				      .why = &f->why,
				      .fd = -1};
	return 1;
}

/* One that names no interface may go by any. */
static uint32_t list_output(struct follow *f, const struct worker *w, uint32_t index,
			    unsigned changed, struct changer_step *step)
{
	const struct output_place *place = shard_output(w->shard, index);
	const struct iface *iface;
	bool dark;

	if (!place->output.rule || place->output.fd < 0) {
		return 0;
	}
	iface = iface_find(&f->sup->setup->ifaces, place->rule.out.to.ifname);
	dark = iface && links_amiss(&f->sup->links, iface->ifindex);
	*step = (struct changer_step){
		.op = SHARD_TRY_PATH,
		.shard = w->index,
		.flow = &shard_flow(w->shard, place_index(place->output.flow))->rule,
		.output = &place->rule,
		.mtu = iface ? iface->mtu : 0,
		.dark = dark,
		.why = &f->why,
		.fd = -1};
	if (iface && iface->ifindex != place->rule.ifindex) {
		step->op = SHARD_CLOSE_OUTPUT;
		return 1;
	}
	if (!iface) {
		return (changed & CHANGED_MTU) != 0;
	}
	return iface->mtu != place->rule.mtu || dark != place->output.dark;
}

/* What was closed is pending now. */
static void done(void *context, int rc, bool begun, const struct err *err)
{
	struct follow *f = context;

	free(f->steps);
	f->steps = NULL;
	links_changed(&f->sup->links);
}
