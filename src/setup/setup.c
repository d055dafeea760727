/* setup.c - from options to what shall run: steps 1 and 2 of a datagram, and each shard's orders.
 *
 * Preparing asks the machine for its topology and interfaces and is pure from there on: the same
 * options on the same machine make the same setup. Settling chooses what only a trial can tell:
 * engine and trains. Control thread.
 */
#include "src/setup/setup.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>

#include "numa/sqpoll.h"
#include "shard/gso.h"
#include "src/base/clock.h"
#include "src/rules/index.h"
#include "src/setup/machines.h"
#include "src/setup/uncopied.h"

/* What a setup goes on from. */
struct basis {
	const struct setup *setup;
	const struct plan *owners;
};

static int prepare(struct setup *setup, struct opt *opt, bool for_this_host,
		   const struct basis *running, struct err *err);
static int make_plan(struct setup *setup, const struct basis *running, struct err *err);
static int set_prior(struct plan_flow *flows, const struct conf *conf, const struct conf *running);
static int place_sqpoll(struct setup *setup, struct err *err);
static int choose_engine(struct setup *setup, struct err *err);
static void choose_trains(struct setup *setup);

int setup_prepare(struct setup *setup, struct opt *opt, bool for_this_host, struct err *err)
{
	int rc;

	*setup = (struct setup){.opt = opt, .engine = opt->engine, .train_max = 1};
	rc = topo_load(opt->topology, &setup->topo, err);
	if (rc == 0) {
		rc = prepare(setup, opt, for_this_host, NULL, err);
	}
	if (rc == 0) {
		rc = place_sqpoll(setup, err);
	}
	return rc;
}

int setup_prepare_next(struct setup *setup, struct opt *opt, const struct setup *running,
		       const struct plan *owners, struct err *err)
{
	const struct basis basis = {running, owners};

	*setup = (struct setup){
		.opt = opt,
		.prior = running->prior ? running->prior : running,
		.topo = running->topo,
		.engine = running->engine,
		.train_max = running->train_max,
		.lockable_bytes = running->lockable_bytes,
	};
	return prepare(setup, opt, true, &basis, err);
}

int setup_settle(struct setup *setup, struct err *err)
{
	int rc = choose_engine(setup, err);

	if (rc == 0) {
		choose_trains(setup);
	}
	return rc;
}

bool setup_fall_back(struct setup *setup, const struct err *why)
{
	enum ring_engine refused = setup->engine;
	struct err cause;

	if (setup->opt->engine != RING_ENGINE_AUTO) {
		return false;
	}
	for (unsigned e = refused + 1U; e < RING_ENGINE_COUNT; e++) {
		if (ring_choose((enum ring_engine)e, &setup->engine, &cause) == 0) {
			log_warn("engine: %s cannot be used, taking %s: %s",
				 ring_engines[refused].facility, ring_engine_name(setup->engine),
				 why->text);
			return true;
		}
	}
	setup->engine = refused;
	return false;
}

void setup_spec(const struct setup *setup, uint32_t index, struct shard_spec *out)
{
	const struct opt *opt = setup->opt;

	*out = (struct shard_spec){
		.table = &setup->layout.tables[index],
		.engine = ring_preferred(setup->engine),
		.ring =
			{
				.sq_entries = opt->sq_entries,
				.cq_entries = opt->cq_entries,
				.batch_submit = opt->batch_submit,
				.batch_complete = opt->batch_complete,
				.waits = opt->waits,
				.unrestricted = opt->sandbox == OPT_SANDBOX_OFF,
				.sqpoll = setup->sqpoll_os != NULL,
				.sqpoll_cpu = setup->sqpoll_os ? setup->sqpoll_os[index] : -1,
			},
		.pool = opt->pool,
		.train_max = setup->train_max,
		.gso = setup->train_max > 1,
		.rcvbuf_bytes = opt->rcvbuf_bytes,
		.sndbuf_bytes = opt->sndbuf_bytes,
		.echo_count = setup->layout.echo_counts[index],
		.drain_ns = opt->drain_ms * NS_PER_MS,
		.latency_sample = opt->latency_sample,
		.strict = opt->strict,
	};
	memcpy(out->hot, opt->hot, sizeof(out->hot));
	out->registered = uncopied_share(opt->register_buffers,
					 uncopied_gains_by_registering(out->table, opt->huge),
					 setup->lockable_bytes, setup->plan.shard_count, index);
	out->registered.page_bytes = uncopied_page_bytes(opt->huge);
}

void setup_free(struct setup *setup)
{
	free(setup->sqpoll_os);
	layout_free(&setup->layout);
	partition_free(&setup->partition);
	plan_free(&setup->plan);
	iface_free(&setup->ifaces);
	if (!setup->prior) {
		topo_free(&setup->topo);
	}
	*setup = (struct setup){0};
}

/* All that rules decide. */
static int prepare(struct setup *setup, struct opt *opt, bool for_this_host,
		   const struct basis *running, struct err *err)
{
	struct layout_options options = {
		.pool = opt->pool, .gro = opt->gro != OPT_OFF, .zerocopy = opt->zerocopy};
	int rc = 0;

	if (!opt->topology) {
		rc = iface_rename(&opt->conf, err);
	}
	for (uint32_t i = 0; i < opt->conf.flow_count; i++) {
		opt->conf.flows[i].standby = opt->standby;
	}
	setup->shards_max = layout_shards_max(&opt->conf);
	if (rc == 0) {
		rc = machines_divide(opt, &setup->partition, err);
	}
	if (rc == 0) {
		rc = conf_mark_shared(&opt->conf);
		if (rc < 0) {
			err_set(err, "rules: out of memory");
		}
	}
	if (rc == 0) {
		rc = iface_resolve(&opt->conf, &setup->topo, for_this_host && opt->strict,
				   &setup->ifaces, err);
	}
	if (rc == 0) {
		rc = make_plan(setup, running, err);
	}
	if (rc == 0) {
		rc = layout_build(&opt->conf, &setup->ifaces, &setup->plan, &options,
				  &setup->layout, err);
	}
	return rc;
}

static int make_plan(struct setup *setup, const struct basis *running, struct err *err)
{
	const struct opt *opt = setup->opt;
	struct plan_policy policy = {
		.shard_count = opt->shards,
		.shards_max = opt->cpus_os ? 0 : setup->shards_max,
		.cpus_os = opt->cpus_os,
		.cpus_count = opt->cpus_count,
		.smt = opt->smt,
		.reserve_cores = opt->reserve_cores,
		.oversubscribe = opt->oversubscribe,
		.balance = opt->balance,
		.prior = running ? running->owners : NULL,
	};
	struct plan_flow *flows = layout_plan_flows(&opt->conf, &setup->ifaces);
	int rc = flows ? 0 : -ENOMEM;

	if (rc == 0 && running) {
		rc = set_prior(flows, &opt->conf, &running->setup->opt->conf);
	}
	if (rc < 0) {
		err_set(err, "plan: out of memory");
		free(flows);
		return rc;
	}
	rc = plan_build(&setup->topo, flows, opt->conf.flow_count, &policy, &setup->plan, err);
	free(flows);
	return rc;
}

static int set_prior(struct plan_flow *flows, const struct conf *conf, const struct conf *running)
{
	struct conf_index index;
	int rc = conf_index_build(running, &index);

	for (uint32_t i = 0; rc == 0 && i < conf->flow_count; i++) {
		const struct conf_flow *same = conf_index_find(&index, &conf->flows[i].in);
		struct plan_flow *lead;

		flows[i].prior_flow = same ? (uint32_t)(same - running->flows) : PLAN_ANY;
		lead = &flows[i - conf->flows[i].leg];
		if (lead->prior_flow == PLAN_ANY) { /* the feed stays where any of its legs is */
			lead->prior_flow = flows[i].prior_flow;
		}
	}
	if (rc == 0) {
		conf_index_free(&index);
	}
	return rc;
}

/* A CPU for each thread that the kernel starts for SQPOLL, where an engine has such. */
static int place_sqpoll(struct setup *setup, struct err *err)
{
	if (!setup->opt->sqpoll || !ring_can(setup->opt->engine, RING_CAN_SQPOLL)) {
		return 0;
	}
	setup->sqpoll_os = calloc(setup->plan.shard_count + 1UL, sizeof(*setup->sqpoll_os));
	if (!setup->sqpoll_os) {
		err_set(err, "--sqpoll: out of memory");
		return -ENOMEM;
	}
	return sqpoll_place(&setup->topo, &setup->plan, setup->opt->oversubscribe, setup->sqpoll_os,
			    err);
}

/* `auto' takes the best that works and says why when that is not the preferred one. */
static int choose_engine(struct setup *setup, struct err *err)
{
	enum ring_engine wish = setup->opt->engine;
	struct err cause;
	int rc = ring_choose(wish, &setup->engine, &cause);

	if (rc < 0) {
		err_set(err, "--engine %s: %s", ring_engine_name(wish), cause.text);
		return rc;
	}
	if (setup->engine != ring_preferred(wish)) {
		log_warn("engine: %s cannot be used, taking %s: %s",
			 ring_engines[ring_preferred(wish)].facility,
			 ring_engine_name(setup->engine), cause.text);
	}
	return 0;
}

/* As many datagrams a train as asked for, if kernel and release allow. */
static void choose_trains(struct setup *setup)
{
	const struct opt *opt = setup->opt;
	uint32_t most = opt->gso == OPT_OFF ? 1 : gso_probe_segments();
	struct utsname host;

	setup->train_max = most < opt->train_max ? most : opt->train_max;
	if (setup->train_max == 1 || uname(&host) < 0 || !gso_is_known_bad(host.release)) {
		return;
	}
	if (opt->gso == OPT_AUTO) {
		setup->train_max = 1;
	}
	log_warn("trains: Linux %s is known to corrupt segmented UDP, %s; update to 7.1.5 or newer",
		 host.release,
		 opt->gso == OPT_AUTO ? "sending single datagrams"
				      : "sending trains as --gso on asks");
}
