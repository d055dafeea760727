/* ready.c - see ready.h. */
#include "src/run/ready.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "src/base/advice.h"
#include "src/base/confine.h"
#include "src/base/json_reserve.h"
#include "src/base/sink.h"
#include "src/run/control.h"
#include "src/run/notify.h"
#include "src/run/precedence.h"
#include "src/run/privs.h"
#include "src/run/report_file.h"
#include "src/run/rlimits.h"
#include "src/run/sandbox.h"
#include "src/run/supervisor.h"
#include "src/run/watch.h"
#include "src/setup/needs.h"
#include "src/setup/privileges.h"
#include "src/web/metrics.h"
#include "src/web/web.h"

static_assert((int)OPT_DETAIL_RULE == METRICS_BY_RULE && (int)OPT_DETAIL_FLOW == METRICS_BY_FLOW &&
		      (int)OPT_DETAIL_OUTPUT == METRICS_BY_OUTPUT,
	      "the option's words are the metrics'");

static void give_up_start(struct supervisor *sup);
static int open_doors(struct supervisor *sup, struct err *err);
static int make_filters(const struct supervisor *sup, struct err *err);
static void start_sink(void);
static void confine(enum confine_kind kind);
static void mark_ingresses(struct supervisor *sup);

int ready_get(struct supervisor *sup, struct err *err)
{
	struct setup *setup = sup->setup;
	const struct opt *opt = setup->opt;
	int rc = rlimits_raise(setup, err);

	rlimits_leave_room();
	if (rc == 0) {
		rc = door_choose(opt, &sup->door, err);
	}
	if (rc == 0) {
		rc = lane_open(sup, err);
	}
	if (rc == 0) {
		rc = open_doors(sup, err);
	}
	if (rc == 0) {
		rc = report_file_check(opt->exit_report, err); /* as whoever will write it */
	}
	if (rc == 0) {
		rc = health_file_open(&sup->health_file, opt->health_file, err);
	}
	if (rc == 0) {
		rc = setup_settle(setup, err);
	}
	if (rc == 0) {
		setup->lockable_bytes = rlimits_lockable_bytes(needs_ring_bytes(setup));
		mark_ingresses(sup);
		finisher_start(&sup->finisher, sup);
	}
	return rc;
}

void ready_announce(struct supervisor *sup)
{
	char status[256], pending[32] = "", kept[PRIVILEGES_TEXT_MAX];

	give_up_start(sup);
	watch_log_start(sup);
	if (sup->privs.have) {
		log_info("privileges: kept, since the configuration asks for them: %s",
			 privileges_format(sup->privs.have, kept));
	}
	if (sup->setup->plan.shards_idle > 0) {
		log_info("shards: %u more would have no flow to own; --shards N starts them",
			 sup->setup->plan.shards_idle);
	}
	if (sup->links.pending.count > 0) {
		snprintf(pending, sizeof(pending), ", %u pending", sup->links.pending.count);
	}
	snprintf(status, sizeof(status), "READY=1\nSTATUS=relaying %u flows on %u shards%s",
		 sup->setup->opt->conf.flow_count, sup->worker_count, pending);
	log_notice("relaying %u rules, %u flows, %u shards, engine %s%s: ready",
		   sup->setup->opt->conf.rule_count, sup->setup->opt->conf.flow_count,
		   sup->worker_count, ring_engine_name(sup->setup->engine), pending);
	(void)notify_send(status);
}

/* What only the shards' rings have asked for. */
static void give_up_start(struct supervisor *sup)
{
	struct privileges asked;
	struct err err;

	privileges_asked(sup->setup->opt, sup->privs.had, &asked);
	if ((sup->privs.have & ~asked.running) &&
	    privs_keep(&sup->privs, asked.running, &err) < 0) {
		log_warn("%s", err.text);
	}
}

/* As the user, with what the start needs; and then without what nothing needs after it. */
static int open_doors(struct supervisor *sup, struct err *err)
{
	const struct setup *setup = sup->setup;
	const struct opt *opt = setup->opt;
	struct privileges asked;
	int rc;

	privs_read(&sup->privs);
	privileges_asked(opt, sup->privs.had, &asked);
	rc = opt->user ? privs_become(&sup->privs, opt->user, asked.start, err) : 0;
	if (rc == 0) {
		rc = rlimits_check_group(setup, "", err);
	}
	precedence_settle(sup);
	confine_set(confine);
	rc = rc == 0 ? make_filters(sup, err) : rc;
	start_sink();
	json_reserve_init();
	if (rc == 0) {
		rc = door_open(opt, &sup->door, err);
	}
	if (rc == 0) {
		rc = control_open(sup, &sup->door, &sup->control, err);
	}
	if (rc == 0) {
		rc = web_open(&opt->metrics, opt->metrics_detail, opt->metrics_host, &sup->web,
			      err);
	}
	return rc == 0 ? privs_keep(&sup->privs, asked.rings, err) : rc;
}

/* Where they cannot be had all is relayed without them. For want of memory, as of any other part,
 * there is no start: the next one finds some. */
static int make_filters(const struct supervisor *sup, struct err *err)
{
	int rc = sup->setup->opt->sandbox == OPT_SANDBOX_ON ? sandbox_build(lane_is_open(sup), err)
							    : 0;

	if (rc == -ENOMEM || rc == -EAGAIN || rc == -EMFILE || rc == -ENFILE || rc == -EIO) {
		return rc;
	}
	if (rc < 0) {
		log_warn("%s", err->text);
	}
	return 0;
}

/* As the user that we stay: a thread keeps what it began with. */
static void start_sink(void)
{
	int rc = sink_start();

	if (rc < 0) {
		log_warn("log: cannot start its thread: %s; %s; until the next start whoever reads "
			 "the log slowly holds up what is asked of the relay, though no datagram",
			 strerror(-rc), advice_for_thread(-rc));
	}
}

static void confine(enum confine_kind kind)
{
	if (kind != CONFINE_CONTROL) {
		privs_give_up_all();
	}
	sandbox_enter(kind);
}

/* A second relay of an ingress may be meant, as when one takes over from the other. */
static void mark_ingresses(struct supervisor *sup)
{
	struct marks *marks = &sup->marks;

	if (marks_set(&sup->setup->opt->conf, &sup->setup->ifaces, rlimits_spare_files(sup->setup),
		      marks) < 0 ||
	    marks->taken == 0) {
		return;
	}
	log_warn("%s%s: another numacastd of this network relays this ingress too, so that each "
		 "datagram leaves twice; end one of them; `ss -xlap | grep numacast/' names its "
		 "process",
		 marks->first, marks->taken > 1 ? " and others" : "");
}
