/* supervisor.c - brings the shards up together, keeps watch, and takes them down together.
 *
 * Start: make the process ready (ready.c) and start every worker at once; when all have opened
 * their shards, tell each flow which of our own senders it could hear, let all join, and when all
 * have let all go live. If any step fails anywhere, or a signal asks to end before that, everybody
 * leaves, and what has arrived is counted and not relayed. Running: this thread sleeps in poll() on
 * signals, on interfaces, on the control socket and on workers that end by themselves, and looks at
 * the shards once a second, until all have ended (ending.h). From the start on nothing waits for
 * whoever reads the log. Control thread; datagrams never come here.
 */
#include "src/run/supervisor.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "src/base/advice.h"
#include "src/base/clock.h"
#include "src/base/confine.h"
#include "src/base/sink.h"
#include "src/run/changer_cut.h"
#include "src/run/control.h"
#include "src/run/echoes.h"
#include "src/run/ending.h"
#include "src/run/precedence.h"
#include "src/run/ready.h"
#include "src/run/notify.h"
#include "src/run/recheck.h"
#include "src/run/refusals.h"
#include "src/run/report_file.h"
#include "src/run/signals.h"
#include "src/run/watch.h"
#include "src/run/watchdog.h"
#include "src/web/web.h"

#define EXIT_RUN_FAILURE 1
#define WATCH_MS         1000

static int relay_until_end(struct supervisor *sup, int signals, struct err *err);
static bool start_over(struct supervisor *sup, const struct err *err);
static void free_workers(struct supervisor *sup);
static int go_live(struct supervisor *sup, int signals, struct err *err);
static int start_workers(struct supervisor *sup, struct err *err);
static void fill_worker(struct supervisor *sup, uint32_t i);
static int await_stage(struct supervisor *sup, const uint32_t *stage, int signals, int *asked,
		       struct err *err);
static void asked_early(int signo, int *asked);
static int keep_watch(struct supervisor *sup, int signals, struct err *err);
static int sleep_ms_of(struct supervisor *sup);
static void look_around(struct supervisor *sup, struct watch *watch, struct watchdog *dog,
			uint64_t *looked_ns);
static int first_failure(const struct supervisor *sup, struct err *err);
static void join_all(struct supervisor *sup);
static bool was_live(const struct supervisor *sup);
static void free_all(struct supervisor *sup);

int supervisor_run(struct setup *setup, int argc, char **argv)
{
	struct supervisor sup = {.setup = setup, .started_ns = clock_now_ns(), .door = {.fd = -1}};
	struct err err = {0};
	int signals = signals_open();
	int rc = signals < 0 ? signals : gate_init(&sup.gate);

	if (rc < 0) {
		log_error("cannot start: %s; %s", strerror(-rc), advice_for_file(-rc));
		return EXIT_RUN_FAILURE;
	}
	changer_init(&sup.changer, &sup);
	reload_init(&sup.reload, &sup, argc, argv);
	sup.rebalance.sup = &sup;
	rc = store_open(&sup.store, setup->opt, &err);
	if (rc == 0) {
		rc = ready_get(&sup, &err);
	}
	if (rc == 0) {
		rc = relay_until_end(&sup, signals, &err);
	}
	if (rc < 0) {
		log_error("%s", err.text);
	}
	if (report_file_may_wait(sup.setup->opt->exit_report)) {
		signals_release(signals); /* nothing else is left to be ended in order */
	}
	if (was_live(&sup) && report_file_write(&sup) < 0) {
		rc = rc < 0 ? rc : -EIO;
	}
	control_close(sup.control);
	web_close(sup.web);
	refusals_tell(); /* what the end brought */
	if (sup.stuck) {
		sink_end();
		_exit(EXIT_RUN_FAILURE); /* nothing of theirs can be given back */
	}
	close(signals);
	free_all(&sup);
	return rc < 0 ? EXIT_RUN_FAILURE : 0;
}

/* From here on `rc' and `err' tell how the whole run went. */
static int relay_until_end(struct supervisor *sup, int signals, struct err *err)
{
	int rc;

	links_open(&sup->links);
	rc = go_live(sup, signals, err);
	while (rc < 0 && start_over(sup, err)) {
		rc = go_live(sup, signals, err);
	}
	if (rc == 0) {
		rc = links_start(&sup->links, sup, err);
	}
	if (rc == 0) {
		precedence_give_way();
		ready_announce(sup);
		store_settle(&sup->store, sup);
		confine_self(CONFINE_CONTROL); /* no thread is made any more */
		rc = keep_watch(sup, signals, err);
	} else {
		ending_post(sup, MAIL_QUIT);
	}
	lane_stop(sup);
	if (!sup->stuck) {
		join_all(sup);
		changer_end(&sup->changer);
		spread_note(sup);
	}
	return rc < 0 ? rc : 0;
}

/* A trial ring may be had where all the real ones are not, for want of memory that may be locked.
 * Nothing was joined yet; everything is given back before the next engine takes it. */
static bool start_over(struct supervisor *sup, const struct err *err)
{
	bool refused = false;

	for (uint32_t i = 0; i < sup->worker_count; i++) {
		refused |= sup->workers[i].engine_refused;
	}
	if (!refused || !setup_fall_back(sup->setup, err)) {
		return false;
	}
	join_all(sup);
	free_workers(sup);
	gate_free(&sup->gate);
	return gate_init(&sup->gate) == 0;
}

static void free_workers(struct supervisor *sup)
{
	replies_close(&sup->replies);
	for (uint32_t i = 0; i < sup->worker_count; i++) {
		worker_free(&sup->workers[i]);
	}
	free(sup->workers);
	sup->workers = NULL;
	sup->worker_count = 0;
}

/* 0 when all are live, 1 when a signal asked to end before, or -errno. */
static int go_live(struct supervisor *sup, int signals, struct err *err)
{
	int rc = start_workers(sup, err);
	int asked = 0, opened = await_stage(sup, &sup->gate.opened, signals, &asked, err);

	rc = rc == 0 ? opened : rc;
	if (rc == 0) {
		rc = echoes_tell(sup, err);
	}
	if (rc == 0) {
		rc = replies_open(&sup->replies, sup, err);
	}
	if (rc == 0) {
		rc = lane_start(sup, err);
	}
	gate_order(&sup->gate, rc == 0 ? GATE_JOIN : GATE_LEAVE);
	if (rc == 0) {
		rc = await_stage(sup, &sup->gate.joined, signals, &asked, err);
		rc = rc == 0 ? spread_start(sup, err) : rc;
		gate_order(&sup->gate, rc == 0 ? GATE_GO : GATE_LEAVE);
	}
	if (rc == 0) {
		gate_wait(&sup->gate, &sup->gate.live, sup->worker_count);
		rc = first_failure(sup, err);
	}
	return rc;
}

static int start_workers(struct supervisor *sup, struct err *err)
{
	int rc;

	log_debug("starting %u shards", sup->setup->plan.shard_count);
	sup->workers = calloc(sup->setup->plan.shard_count, sizeof(*sup->workers));
	if (!sup->workers) {
		err_set(err, "shards: out of memory");
		return -ENOMEM;
	}
	for (uint32_t i = 0; i < sup->setup->plan.shard_count; i++) {
		fill_worker(sup, i);
		nodemem_expect(shard_arena_bytes(&sup->workers[i].spec), sup->workers[i].node_os);
	}
	rc = store_adopt(&sup->store, sup, err);
	for (uint32_t i = 0; i < sup->setup->plan.shard_count && rc == 0; i++) {
		sup->workers[i].spec.kept = store_kept(&sup->store, i);
		rc = worker_start(&sup->workers[i], err);
		sup->worker_count += rc == 0;
	}
	return rc;
}

static void fill_worker(struct supervisor *sup, uint32_t i)
{
	struct worker *w = &sup->workers[i];

	w->index = i;
	w->gate = &sup->gate;
	w->pin = sup->setup->topo.this_machine;
	w->cpu_os = sup->setup->plan.shards[i].cpu_os;
	w->node_os = w->pin ? sup->setup->plan.shards[i].node_os : NODE_UNKNOWN;
	if (sup->setup->opt->bench_node >= 0) {
		w->node_os = sup->setup->opt->bench_node;
	}
	w->huge = sup->setup->opt->huge;
	w->require_huge = sup->setup->opt->require_huge;
	setup_spec(sup->setup, i, &w->spec);
}

/* Waits until every worker has passed `stage': opening takes long when much memory is to be
 * populated, joining when somebody else keeps the kernel's network lock. 0 when all could, 1 when a
 * signal asked to end, or -errno. */
static int await_stage(struct supervisor *sup, const uint32_t *stage, int signals, int *asked,
		       struct err *err)
{
	struct pollfd fds[2] = {{.fd = signals, .events = POLLIN},
				{.fd = sup->gate.eventfd, .events = POLLIN}};
	uint64_t changes;
	int signo, rc;

	while (!gate_passed(&sup->gate, stage, sup->worker_count)) {
		(void)poll(fds, 2, -1);
		while ((signo = signals_next(signals)) != 0) {
			asked_early(signo, asked);
		}
		if (read(sup->gate.eventfd, &changes, sizeof(changes)) < 0) {
			continue; /* only a signal */
		}
	}
	rc = first_failure(sup, err);
	return rc == 0 && *asked > 0 ? 1 : rc;
}

static void asked_early(int signo, int *asked)
{
	if (signo == SIGHUP) {
		return; /* what it asks to read again is being read for the first time */
	}
	(*asked)++;
	if (*asked > 1) {
		sink_end();
		_exit(0); /* nobody has relayed anything yet */
	}
	log_notice("%s: ending before the start was complete", signals_name(signo));
	(void)notify_send("STOPPING=1\nSTATUS=ending before the start was complete");
}

/* Sleeps until all shards have ended: by request (0) or because one failed (its -errno). */
static int keep_watch(struct supervisor *sup, int signals, struct err *err)
{
	struct pollfd fds[7] = {{.fd = signals, .events = POLLIN},
				{.fd = sup->gate.eventfd, .events = POLLIN},
				{.fd = control_fd(sup->control), .events = POLLIN},
				{.events = POLLIN},
				{.fd = web_fd(sup->web), .events = POLLIN},
				{.fd = links_fd(&sup->links), .events = POLLIN},
				{.fd = replies_fd(&sup->replies), .events = POLLIN}};
	uint64_t placed_ns = clock_now_ns(), looked_ns = 0;
	struct watch watch;
	struct watchdog dog;
	int rc = watch_init(&watch, sup);

	rc = watchdog_init(&dog, sup) < 0 ? -ENOMEM : rc;
	if (rc < 0) {
		err_set(err, "watch: out of memory");
		watch_free(&watch);
		watchdog_free(&dog);
		ending_post(sup, MAIL_QUIT);
		return rc;
	}
	while (!gate_passed(&sup->gate, &sup->gate.ended, sup->worker_count) && !sup->stuck) {
		/* Whoever asks looks at places, and so waits until all stands in one. */
		fds[2].fd = changer_is_amid(&sup->changer) ? -1 : control_fd(sup->control);
		fds[3].fd = changer_fd(&sup->changer);
		fds[6].fd = replies_fd(&sup->replies);
		fds[4].fd = changer_is_idle(&sup->changer) ? web_fd(sup->web) : -1;
		(void)poll(fds, sup->ending.asked == 0 ? 7 : 5, sleep_ms_of(sup));
		changer_take(&sup->changer);
		if (!changer_is_amid(&sup->changer)) {
			control_serve(sup->control, clock_now_ns());
		}
		if (changer_is_idle(&sup->changer)) {
			survey_tick(&sup->survey, sup, sup->web);
		}
		changer_tick(&sup->changer);
		ending_look(sup, signals);
		sup->stuck = sup->end_by_ns > 0 && clock_now_ns() >= sup->end_by_ns;
		if (sup->ending.asked == 0) {
			links_tick(&sup->links);
		}
		if (sup->ending.asked == 0 && changer_is_idle(&sup->changer)) {
			replies_tick(&sup->replies, sup); /* a change may close its sockets */
			rebalance_tick(&sup->rebalance, clock_now_ns());
			store_tick(&sup->store, sup, clock_now_ns());
		}
		look_around(sup, &watch, &dog, &looked_ns);
		recheck_tick(sup, &placed_ns);
	}
	watch_free(&watch);
	watchdog_free(&dog);
	rc = first_failure(sup, err);
	if (rc == 0 && sup->stuck) {
		err_set(err,
			"shards: some do not end although they were told to: their threads are "
			"stuck in the kernel, whose log may say why; ending without them");
		rc = -ETIMEDOUT;
	}
	return rc;
}

/* Until somebody of all of them has something to do. */
static int sleep_ms_of(struct supervisor *sup)
{
	uint64_t now_ns = clock_now_ns();
	int sleep_ms = links_sleep_ms(&sup->links, WATCH_MS);

	if (!changer_is_amid(&sup->changer)) { /* else nobody is answered */
		sleep_ms = control_sleep_ms(sup->control, now_ns, sleep_ms);
	}
	sleep_ms = store_wait_ms(&sup->store, sleep_ms);
	sleep_ms = rebalance_sleep_ms(&sup->rebalance, now_ns, sleep_ms);
	sleep_ms = duty_sleep_ms(&sup->changer.duty, now_ns, sleep_ms);
	sleep_ms = changer_sleep_ms(&sup->changer, sleep_ms);
	return survey_is_busy(&sup->survey) && changer_is_idle(&sup->changer) ? 0 : sleep_ms;
}

/* Once a second, however often interfaces and clients wake this thread. */
static void look_around(struct supervisor *sup, struct watch *watch, struct watchdog *dog,
			uint64_t *looked_ns)
{
	uint64_t now_ns = clock_now_ns();

	if (now_ns - *looked_ns >= WATCH_MS * NS_PER_MS) {
		*looked_ns = now_ns;
		ending_post(sup, MAIL_LOOK);
		notify_tick();
		watchdog_tick(dog, now_ns);
		watch_tick(watch);
		refusals_tell();
		changer_cut_tick(sup);
	}
	if (!changer_is_amid(&sup->changer)) {
		health_file_tick(&sup->health_file, sup, dog->all_turn);
	}
}

/* The first failure among the workers, if any. */
static int first_failure(const struct supervisor *sup, struct err *err)
{
	int rc = 0;

	for (uint32_t i = 0; i < sup->worker_count && rc == 0; i++) {
		rc = worker_failure(&sup->workers[i], err);
	}
	return rc;
}

static void join_all(struct supervisor *sup)
{
	for (uint32_t i = 0; i < sup->worker_count; i++) {
		pthread_join(sup->workers[i].thread, NULL);
	}
}

/* Whether every shard was opened, so that there are counters to report. */
static bool was_live(const struct supervisor *sup)
{
	for (uint32_t i = 0; i < sup->worker_count; i++) {
		if (!sup->workers[i].shard) {
			return false;
		}
	}
	return sup->worker_count > 0;
}

/* All but the filters of the sandbox: the log's thread goes on, and may only be beginning. */
static void free_all(struct supervisor *sup)
{
	finisher_end(&sup->finisher);
	health_file_close(&sup->health_file);
	survey_free(&sup->survey);
	rebalance_end(&sup->rebalance);
	scene_free(&sup->scene);
	commands_forget(sup);
	conf_free(&sup->disabled);
	reload_free(&sup->reload);
	store_close(&sup->store);
	changer_free(&sup->changer);
	echoes_forget(sup);
	spread_free(sup);
	marks_release(&sup->marks);
	free_workers(sup);
	links_close(&sup->links);
	lane_close(&sup->lane);
	gate_free(&sup->gate);
}
