/* supervisor.c - brings the shards up together, keeps watch, and takes them down together.
 *
 * Start: choose the engine, raise limits, start every worker at once; when all have opened their
 * shards, tell each flow which of our own senders it could hear, then let all go live. If any
 * step fails anywhere, or a signal asks to end before that, everybody leaves: nothing half-started
 * stays. Running: this thread
 * sleeps in poll() on signals and on workers that end by themselves. End: the first SIGTERM or
 * SIGINT drains, a second one quits. Control thread; datagrams never come here.
 */
#include "src/supervisor.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "numa/sqpoll.h"
#include "shard/gso.h"
#include "src/base/clock.h"
#include "src/check_limits.h"
#include "src/copying.h"
#include "src/host_limits.h"
#include "src/notify.h"
#include "src/placement.h"
#include "src/privs.h"
#include "src/report.h"
#include "src/signals.h"
#include "src/watch.h"

#define EXIT_RUN_FAILURE 1
#define WATCH_MS         1000

/* ---- preparing ---- */

static int supervisor_plan(struct supervisor *sup, struct err *err)
{
	const struct opt *opt = sup->opt;
	struct plan_policy policy = {
		.shard_count = opt->shards,
		.cpus_os = opt->cpus_os,
		.cpus_count = opt->cpus_count,
		.smt = opt->smt,
		.reserve_cores = opt->reserve_cores,
		.oversubscribe = opt->oversubscribe,
		.balance = opt->balance,
	};
	struct plan_flow *flows = layout_plan_flows(&opt->conf, &sup->ifaces);
	int rc;

	if (!flows) {
		err_set(err, "plan: out of memory");
		return -ENOMEM;
	}
	rc = plan_build(&sup->topo, flows, opt->conf.flow_count, &policy, &sup->plan, err);
	free(flows);
	return rc;
}

/* A CPU for each thread that the kernel starts for SQPOLL; the mmsg engine has none. */
static int supervisor_place_sqpoll(struct supervisor *sup, struct err *err)
{
	if (!sup->opt->sqpoll || sup->opt->engine == RING_ENGINE_MMSG) {
		return 0;
	}
	sup->sqpoll_os = calloc(sup->plan.shard_count + 1UL, sizeof(*sup->sqpoll_os));
	if (!sup->sqpoll_os) {
		err_set(err, "--sqpoll: out of memory");
		return -ENOMEM;
	}
	return sqpoll_place(&sup->topo, &sup->plan, sup->opt->oversubscribe, sup->sqpoll_os, err);
}

int supervisor_prepare(struct supervisor *sup, const struct opt *opt, bool for_this_host,
		       struct err *err)
{
	struct layout_options options = {
		.pool = opt->pool, .gro = opt->gro != OPT_OFF, .zerocopy = opt->zerocopy};
	int rc;

	*sup = (struct supervisor){.opt = opt, .engine = opt->engine, .train_max = 1};
	rc = topo_load(opt->topology, &sup->topo, err);
	if (rc == 0) {
		rc = iface_resolve(&opt->conf, &sup->topo, for_this_host, &sup->ifaces, err);
	}
	if (rc == 0) {
		rc = supervisor_plan(sup, err);
	}
	if (rc == 0) {
		rc = supervisor_place_sqpoll(sup, err);
	}
	if (rc == 0) {
		rc = layout_build(&opt->conf, &sup->ifaces, &sup->plan, &options, &sup->layout,
				  err);
	}
	return rc;
}

void supervisor_spec(const struct supervisor *sup, uint32_t index, struct shard_spec *out)
{
	const struct opt *opt = sup->opt;

	*out = (struct shard_spec){
		.table = &sup->layout.tables[index],
		.engine = sup->engine == RING_ENGINE_AUTO ? RING_ENGINE_URING : sup->engine,
		.ring =
			{
				.sq_entries = opt->sq_entries,
				.cq_entries = opt->cq_entries,
				.batch_submit = opt->batch_submit,
				.batch_complete = opt->batch_complete,
				.batch_wait_us = opt->batch_wait_us,
				.spin_us = opt->spin_us,
				.sqpoll = sup->sqpoll_os != NULL,
				.sqpoll_cpu = sup->sqpoll_os ? sup->sqpoll_os[index] : -1,
			},
		.pool = opt->pool,
		.train_max = sup->train_max,
		.gso = sup->train_max > 1,
		.rcvbuf_bytes = opt->rcvbuf_bytes,
		.sndbuf_bytes = opt->sndbuf_bytes,
		.echo_count = sup->layout.echo_counts[index],
		.drain_ns = opt->drain_ms * NS_PER_MS,
	};
	memcpy(out->hot, opt->hot, sizeof(out->hot));
	out->registered = copying_share(opt->register_buffers,
					copying_gains_by_registering(out->table, opt->huge),
					sup->lockable_bytes, sup->plan.shard_count, index);
	out->registered.page_bytes = copying_page_bytes(opt->huge);
}

/* ---- starting ---- */

/* `auto' takes io_uring where it works and says why where it does not. */
static int supervisor_choose_engine(struct supervisor *sup, struct err *err)
{
	struct err cause = {0};
	int rc;

	if (sup->opt->engine == RING_ENGINE_MMSG) {
		return 0;
	}
	rc = ring_probe(RING_ENGINE_URING, &cause);
	if (rc == 0) {
		sup->engine = RING_ENGINE_URING;
		return 0;
	}
	if (sup->opt->engine == RING_ENGINE_URING) {
		err_set(err, "--engine uring: %s", cause.text);
		return rc;
	}
	log_warn("engine: io_uring cannot be used, taking mmsg: %s", cause.text);
	sup->engine = RING_ENGINE_MMSG;
	return 0;
}

/* As many datagrams a train as asked for, if kernel and release allow. */
static void supervisor_choose_trains(struct supervisor *sup)
{
	const struct opt *opt = sup->opt;
	uint32_t most = opt->gso == OPT_OFF ? 1 : gso_probe_segments();
	struct utsname host;

	sup->train_max = most < opt->train_max ? most : opt->train_max;
	if (sup->train_max == 1 || uname(&host) < 0 || !gso_is_known_bad(host.release)) {
		return;
	}
	if (opt->gso == OPT_AUTO) {
		sup->train_max = 1;
	}
	log_warn("trains: Linux %s is known to corrupt segmented UDP, %s; update to 7.1.5 or newer",
		 host.release,
		 opt->gso == OPT_AUTO ? "sending single datagrams"
				      : "sending trains as --gso on asks");
}

static void supervisor_fill_worker(struct supervisor *sup, uint32_t i)
{
	struct worker *w = &sup->workers[i];

	w->index = i;
	w->gate = &sup->gate;
	w->pin = sup->topo.this_machine;
	w->cpu_os = sup->plan.shards[i].cpu_os;
	w->node_os = w->pin ? sup->plan.shards[i].node_os : NODE_UNKNOWN;
	if (sup->opt->bench_node >= 0) {
		w->node_os = sup->opt->bench_node;
	}
	w->huge = sup->opt->huge;
	w->require_huge = sup->opt->require_huge;
	supervisor_spec(sup, i, &w->spec);
}

static int supervisor_start_workers(struct supervisor *sup, struct err *err)
{
	log_debug("starting %u shards", sup->plan.shard_count);
	sup->workers = calloc(sup->plan.shard_count, sizeof(*sup->workers));
	if (!sup->workers) {
		err_set(err, "shards: out of memory");
		return -ENOMEM;
	}
	for (uint32_t i = 0; i < sup->plan.shard_count; i++) {
		supervisor_fill_worker(sup, i);
		nodemem_expect(worker_arena_bytes(&sup->workers[i].spec), sup->workers[i].node_os);
	}
	for (uint32_t i = 0; i < sup->plan.shard_count; i++) {
		int rc = worker_start(&sup->workers[i], err);

		if (rc < 0) {
			return rc;
		}
		sup->worker_count++;
	}
	return 0;
}

/* The first failure among the workers, if any. */
static int supervisor_first_failure(const struct supervisor *sup, struct err *err)
{
	int rc = 0;

	for (uint32_t i = 0; i < sup->worker_count && rc == 0; i++) {
		rc = worker_failure(&sup->workers[i], err);
	}
	return rc;
}

static const struct addr *supervisor_sender(const struct supervisor *sup,
					    const struct layout_echo *echo)
{
	return &sup->workers[echo->from_shard].shard->egress_got[echo->from_output].local;
}

/* A sender without an address of its own (src=keep, say) is known by its port alone. That will do
 * when the kernel chose the port, but not with sport=: it may well be the port of the source that
 * is to be relayed. */
static bool supervisor_can_know_echo(const struct supervisor *sup, const struct layout_echo *echo)
{
	const struct rule_table *table = &sup->layout.tables[echo->from_shard];

	return !addr_is_any(supervisor_sender(sup, echo)) ||
	       table->outputs[echo->from_output].out.sport == 0;
}

/* Every socket is open, so every sender's own address is known now. */
static int supervisor_tell_echoes(struct supervisor *sup, struct err *err)
{
	const struct layout *layout = &sup->layout;
	struct addr *echoes = calloc(layout->echo_count + 1UL, sizeof(*echoes));
	uint32_t at = 0;

	if (!echoes) {
		err_set(err, "shards: out of memory");
		return -ENOMEM;
	}
	for (uint32_t s = 0; s < sup->worker_count; s++) {
		for (uint32_t f = 0; f < layout->tables[s].flow_count; f++) {
			uint32_t count = 0;

			while (at < layout->echo_count && layout->echoes[at].shard == s &&
			       layout->echoes[at].flow == f) {
				const struct layout_echo *e = &layout->echoes[at++];

				if (supervisor_can_know_echo(sup, e)) {
					echoes[count++] = *supervisor_sender(sup, e);
				}
			}
			shard_set_echoes(sup->workers[s].shard, f, echoes, count);
		}
	}
	free(echoes);
	return 0;
}

static void supervisor_asked_early(int signo, int *asked)
{
	if (signo == SIGHUP) {
		return; /* what it asks to read again is being read for the first time */
	}
	(*asked)++;
	if (*asked > 1) {
		_exit(0); /* nobody has joined anything yet */
	}
	log_notice("%s: ending before the start was complete", signals_name(signo));
	(void)notify_send("STOPPING=1\nSTATUS=ending before the start was complete");
}

/* Waits until every worker has opened its shard, which may take long when much memory is to be
 * populated. How often the signals asked to end meanwhile. */
static int supervisor_await_opened(struct supervisor *sup, int signals)
{
	struct pollfd fds[2] = {{.fd = signals, .events = POLLIN},
				{.fd = sup->gate.eventfd, .events = POLLIN}};
	int asked = 0, signo;
	uint64_t changes;

	while (!gate_passed(&sup->gate, &sup->gate.opened, sup->worker_count)) {
		(void)poll(fds, 2, -1);
		while ((signo = signals_next(signals)) != 0) {
			supervisor_asked_early(signo, &asked);
		}
		if (read(sup->gate.eventfd, &changes, sizeof(changes)) < 0) {
			continue; /* only a signal */
		}
	}
	return asked;
}

/* 0 when all are live, 1 when a signal asked to end before, or -errno. */
static int supervisor_go(struct supervisor *sup, int signals, struct err *err)
{
	int rc = supervisor_start_workers(sup, err);
	int asked = supervisor_await_opened(sup, signals);

	if (rc == 0) {
		rc = supervisor_first_failure(sup, err);
	}
	if (rc == 0 && asked > 0) {
		rc = 1;
	}
	if (rc == 0) {
		rc = supervisor_tell_echoes(sup, err);
	}
	gate_order(&sup->gate, rc == 0 ? GATE_GO : GATE_LEAVE);
	if (rc == 0) {
		gate_wait(&sup->gate, &sup->gate.live, sup->worker_count);
		rc = supervisor_first_failure(sup, err);
	}
	return rc;
}

/* ---- ending ---- */

static void supervisor_post(struct supervisor *sup, uint32_t mail)
{
	for (uint32_t i = 0; i < sup->worker_count; i++) {
		mailbox_post(&sup->workers[i].mailbox, mail);
	}
}

static void supervisor_join(struct supervisor *sup)
{
	for (uint32_t i = 0; i < sup->worker_count; i++) {
		pthread_join(sup->workers[i].thread, NULL);
	}
}

/* ---- running ---- */

/* Acts on one signal; `asked' counts the requests to end. */
static void supervisor_signal(struct supervisor *sup, int signo, int *asked)
{
	if (signo == SIGHUP) {
		log_warn("SIGHUP: the configuration is read at start only; nothing was changed; "
			 "restart to apply it");
		return;
	}
	(*asked)++;
	if (*asked == 1) {
		log_notice("%s: draining", signals_name(signo));
		(void)notify_send("STOPPING=1\nSTATUS=draining");
		supervisor_post(sup, MAIL_DRAIN);
	} else {
		log_notice("%s again: ending at once", signals_name(signo));
		supervisor_post(sup, MAIL_QUIT);
	}
}

/* Sleeps until all shards have ended: by request (0) or because one failed (its -errno). */
static int supervisor_watch(struct supervisor *sup, int signals, struct err *err)
{
	struct pollfd fds[2] = {{.fd = signals, .events = POLLIN},
				{.fd = sup->gate.eventfd, .events = POLLIN}};
	uint64_t placed_ns = clock_now_ns();
	struct watch watch;
	int asked = 0, signo, rc = watch_init(&watch, sup);
	uint64_t changes;

	if (rc < 0) {
		err_set(err, "watch: out of memory");
		supervisor_post(sup, MAIL_QUIT);
		return rc;
	}
	while (!gate_passed(&sup->gate, &sup->gate.ended, sup->worker_count)) {
		(void)poll(fds, 2, WATCH_MS);
		while ((signo = signals_next(signals)) != 0) {
			supervisor_signal(sup, signo, &asked);
		}
		if (read(sup->gate.eventfd, &changes, sizeof(changes)) > 0 &&
		    gate_passed(&sup->gate, &sup->gate.ended, 1) && asked == 0) {
			asked = 1; /* one shard alone is no relay: end them all */
			supervisor_post(sup, MAIL_DRAIN);
		}
		supervisor_post(sup, MAIL_LOOK);
		watch_tick(&watch);
		placement_tick(sup, &placed_ns);
	}
	watch_free(&watch);
	return supervisor_first_failure(sup, err);
}

static void supervisor_announce(const struct supervisor *sup)
{
	char status[256];

	watch_log_start(sup);
	snprintf(status, sizeof(status), "READY=1\nSTATUS=relaying %u flows on %u shards",
		 sup->opt->conf.flow_count, sup->worker_count);
	log_notice("relaying %u rules, %u flows, %u shards, engine %s: ready",
		   sup->opt->conf.rule_count, sup->opt->conf.flow_count, sup->worker_count,
		   ring_engine_name(sup->engine));
	(void)notify_send(status);
}

/* From here on `rc' and `err' tell how the whole run went. */
static int supervisor_relay(struct supervisor *sup, int signals, struct err *err)
{
	int rc = supervisor_go(sup, signals, err);

	if (rc == 0) {
		supervisor_announce(sup);
		rc = supervisor_watch(sup, signals, err);
	} else {
		supervisor_post(sup, MAIL_QUIT);
	}
	supervisor_join(sup);
	return rc < 0 ? rc : 0;
}

/* Whether every shard was opened, so that there are counters to report. */
static bool supervisor_was_live(const struct supervisor *sup)
{
	for (uint32_t i = 0; i < sup->worker_count; i++) {
		if (!sup->workers[i].shard) {
			return false;
		}
	}
	return sup->worker_count > 0;
}

int supervisor_run(struct supervisor *sup)
{
	struct err err = {0};
	int signals, rc;

	sup->started_ns = clock_now_ns();
	signals = signals_open();
	rc = signals < 0 ? signals : gate_init(&sup->gate);
	if (rc < 0) {
		log_error("cannot start: %s; see `ulimit -n'", strerror(-rc));
		return EXIT_RUN_FAILURE;
	}
	rc = host_limits_raise(sup, &err);
	if (rc == 0 && sup->opt->user) {
		rc = privs_become(sup->opt->user, &err);
	}
	if (rc == 0) {
		rc = report_check_exit(sup->opt->exit_report, &err); /* as whoever will write it */
	}
	if (rc == 0) {
		rc = supervisor_choose_engine(sup, &err);
	}
	if (rc == 0) {
		supervisor_choose_trains(sup);
		sup->lockable_bytes =
			copying_lockable_bytes(check_uring_bytes(sup->opt, sup->plan.shard_count));
		rc = supervisor_relay(sup, signals, &err);
	}
	if (rc < 0) {
		log_error("%s", err.text);
	}
	if (supervisor_was_live(sup) && report_write_exit(sup) < 0) {
		rc = rc < 0 ? rc : -EIO;
	}
	close(signals);
	gate_free(&sup->gate);
	return rc < 0 ? EXIT_RUN_FAILURE : 0;
}

void supervisor_free(struct supervisor *sup)
{
	for (uint32_t i = 0; i < sup->worker_count; i++) {
		worker_free(&sup->workers[i]);
	}
	free(sup->workers);
	free(sup->sqpoll_os);
	layout_free(&sup->layout);
	plan_free(&sup->plan);
	iface_free(&sup->ifaces);
	topo_free(&sup->topo);
	*sup = (struct supervisor){0};
}
