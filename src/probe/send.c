/* send.c - sends numbered datagrams on an absolute schedule, singly or in trains.
 *
 * It makes what the relay receives. The schedule has no drift: the deadline of a burst is the start
 * plus the time that everything before it takes at the rate asked for, so an oversleep is caught up
 * by the next burst; only a lag above --max-lag makes the schedule slip, and that is reported. All
 * datagrams of a burst carry the time just before it is laid out. One thread. Units: datagrams,
 * bytes of payload, nanoseconds.
 */
#include "src/probe/run.h"

#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/random.h>
#include <unistd.h>

#include "src/base/clock.h"
#include "src/probe/burst.h"
#include "src/probe/frames.h"
#include "src/probe/print.h"
#include "src/probe/stats.h"

#define AUTO_BURST_NS       (50 * NS_PER_US)
#define AUTO_BURST_MAX      64
#define SLEEP_SLICE_NS      (200 * NS_PER_MS) /* bounds how late a signal is seen */
#define END_ROUNDS          5
#define END_PAUSE_NS        (20 * NS_PER_MS)
#define END_CHUNK           32u
#define DEFAULT_DURATION_NS (10 * NS_PER_S)

static int sender_open(struct sender *sender, struct err *err);
static uint32_t choose_burst(const struct probe_opt *opt);
static int open_sockets(struct sender *sender, struct err *err);
static int aim(struct sender *sender, struct err *err);
static void tell_short_trains(const struct sender *sender);
static void sender_free(struct sender *sender);
static int sender_loop(struct sender *sender);
static uint64_t deadline(const struct sender *sender);
static void show_progress(const struct sender *sender, uint64_t now_ns);
static void send_markers(struct sender *sender);
static uint64_t sleep_until(uint64_t until_ns);
static bool print_result(const struct sender *sender, int status);
static bool print_json(const struct sender *sender, int status);
static double seconds_of(const struct sender *sender);
static const char *cause_of(int status);

int probe_send(const struct probe_opt *opt)
{
	struct sender *sender = calloc(1, sizeof(*sender));
	struct err err;
	bool told;
	int rc;

	if (sender == NULL) {
		log_error("numacast-probe: out of memory");
		return 1;
	}
	sender->opt = opt;
	rc = sender_open(sender, &err);
	if (rc != 0) {
		log_error("numacast-probe: %s", err.text);
		sender_free(sender);
		return 1;
	}
	rc = sender_loop(sender);
	if (rc == 0 && opt->end_marker) {
		send_markers(sender);
	}
	if (rc == 0 && probe_stop && (opt->count != 0 || opt->count_per_flow != 0)) {
		rc = sender->left > 0 ? -EINTR : 0;
	}
	told = print_result(sender, rc);
	sender_free(sender);
	return rc == 0 && told ? 0 : 1;
}

static int sender_open(struct sender *sender, struct err *err)
{
	const struct probe_opt *opt = sender->opt;
	unsigned ifindex;
	int rc = probe_sock_ifindex(&opt->targets.list[0].at, &ifindex, err);

	if (rc != 0) {
		return rc;
	}
	sender->dest_count = opt->targets.count;
	sender->flow_count = (uint32_t)(sender->dest_count * opt->flows);
	sender->fds = malloc(opt->flows * sizeof(sender->fds[0]));
	sender->dests = calloc(sender->dest_count, sizeof(sender->dests[0]));
	sender->flows = calloc(sender->flow_count, sizeof(sender->flows[0]));
	if (sender->fds == NULL || sender->dests == NULL || sender->flows == NULL) {
		err_set(err, "out of memory");
		return -ENOMEM;
	}
	for (uint32_t i = 0; i < sender->dest_count; i++) {
		sender->dests[i].len = addr_to_sockaddr(&opt->targets.list[i].at.addr, ifindex,
							&sender->dests[i].sa);
	}
	for (uint32_t i = 0; i < sender->flow_count; i++) {
		sender->flows[i].left =
			opt->count_per_flow != 0 ? opt->count_per_flow : PROBE_SEQ_MAX;
	}
	sender->left = opt->count != 0 ? opt->count : sender->flows[0].left * sender->flow_count;
	sender->burst = choose_burst(opt);
	sender->random = opt->seed;
	sender->boot = probe_run_boot();
	if (getrandom(&sender->session, sizeof(sender->session), 0) != sizeof(sender->session)) {
		err_set(err, "cannot draw a session number: %s", strerror(errno));
		return -EIO;
	}
	rc = open_sockets(sender, err);
	if (rc == 0) {
		rc = aim(sender, err);
	}
	if (rc == 0 && opt->frames) {
		rc = frames_open(sender, err);
	}
	if (rc == 0) {
		tell_short_trains(sender);
	}
	return rc;
}

static uint32_t choose_burst(const struct probe_opt *opt)
{
	uint64_t per_s = opt->rate.per_s;
	uint64_t burst = opt->burst;

	if (opt->rate.unit == PROBE_RATE_BITS) {
		per_s /= 8 * ((opt->size.min + opt->size.max) / 2 + 1);
	}
	if (burst == 0) {
		burst = opt->rate.unit == PROBE_RATE_UNLIMITED ? AUTO_BURST_MAX
							       : per_s / (NS_PER_S / AUTO_BURST_NS);
		burst = burst > AUTO_BURST_MAX ? AUTO_BURST_MAX : burst;
	}
	return (uint32_t)(burst > opt->train ? burst : opt->train);
}

static int open_sockets(struct sender *sender, struct err *err)
{
	const struct probe_opt *opt = sender->opt;
	int rc = probe_sock_limit((uint32_t)opt->flows, err);

	for (uint64_t i = 0; rc == 0 && i < opt->flows; i++) {
		uint16_t port = opt->source_port == 0 ? 0 : (uint16_t)(opt->source_port + i);

		rc = probe_sock_open_send(opt, port, &sender->fds[i], err);
		sender->open_count += rc == 0;
	}
	return rc;
}

/* A single destination is connected: the kernel then looks the route up once. */
static int aim(struct sender *sender, struct err *err)
{
	const struct dest *dest = &sender->dests[0];
	char text[ENDPOINT_TEXT_MAX];
	int rc = probe_sock_payload(sender->fds[0], &dest->sa, dest->len, &sender->payload_max);

	for (uint64_t i = 0; rc == 0 && sender->dest_count == 1 && i < sender->opt->flows; i++) {
		if (connect(sender->fds[i], (const struct sockaddr *)&dest->sa, dest->len) != 0) {
			rc = -errno;
		}
	}
	if (rc != 0) {
		err_set(err,
			"%s: cannot send there: %s; check the address, the interface and its "
			"routes",
			endpoint_format(&sender->opt->targets.list[0].at, text), strerror(-rc));
	}
	return rc;
}

/* Says where --gso cannot be had as asked. */
static void tell_short_trains(const struct sender *sender)
{
	const struct probe_opt *opt = sender->opt;
	uint64_t fits = PROBE_BURST_TRAIN_BYTES / (opt->size.max > 0 ? opt->size.max : 1);

	if (opt->train == 1) {
		return;
	}
	if (opt->size.max > sender->payload_max) {
		log_notice("numacast-probe: --gso %llu: datagrams of more than %u bytes do not fit "
			   "into a packet here and are sent singly",
			   (unsigned long long)opt->train, sender->payload_max);
	} else if (opt->train > fits) {
		log_notice("numacast-probe: --gso %llu: of datagrams of %llu bytes a train holds "
			   "%llu at most",
			   (unsigned long long)opt->train, (unsigned long long)opt->size.max,
			   (unsigned long long)fits);
	}
}

static void sender_free(struct sender *sender)
{
	for (uint64_t i = 0; i < sender->open_count; i++) {
		close(sender->fds[i]);
	}
	frames_close(sender);
	free(sender->fds);
	free(sender->dests);
	free(sender->flows);
	free(sender);
}

static int sender_loop(struct sender *sender)
{
	const struct probe_opt *opt = sender->opt;
	bool endless = opt->count == 0 && opt->count_per_flow == 0;
	uint64_t duration_ns = opt->duration_ns != 0 ? opt->duration_ns
			       : endless             ? DEFAULT_DURATION_NS
						     : UINT64_MAX;
	int rc = 0;

	prctl(PR_SET_TIMERSLACK, 1UL, 0UL, 0UL, 0UL);
	sender->start_ns = sender->stop_ns = clock_now_ns();
	while (rc == 0 && sender->left > 0 && !probe_stop) {
		uint64_t due_ns = deadline(sender);
		uint64_t now_ns;

		if (due_ns - sender->start_ns >= duration_ns) {
			sleep_until(sender->start_ns + duration_ns);
			break;
		}
		now_ns = sleep_until(due_ns);
		if (probe_stop || now_ns - sender->start_ns >= duration_ns) {
			break;
		}
		if (opt->rate.unit != PROBE_RATE_UNLIMITED && now_ns > due_ns + opt->max_lag_ns) {
			sender->slipped_ns += now_ns - due_ns;
		}
		probe_burst_fill(sender, opt->clock == PROBE_WIRE_REALTIME ? probe_run_realtime_ns()
									   : clock_now_ns());
		rc = probe_burst_send(sender);
		if (probe_run_progress_due(opt, now_ns)) {
			show_progress(sender, now_ns);
		}
	}
	sender->stop_ns = clock_now_ns();
	probe_run_progress_wipe();
	return rc;
}

/* When the datagrams that are still to come may leave, so that the rate is kept from the start. */
static uint64_t deadline(const struct sender *sender)
{
	const struct probe_rate *rate = &sender->opt->rate;
	uint64_t units = rate->unit == PROBE_RATE_BITS ? sender->bytes * 8 : sender->sent;

	if (rate->unit == PROBE_RATE_UNLIMITED) {
		return sender->start_ns;
	}
	return sender->start_ns + sender->slipped_ns +
	       (uint64_t)((unsigned __int128)units * NS_PER_S / rate->per_s);
}

static void show_progress(const struct sender *sender, uint64_t now_ns)
{
	char line[128];
	double seconds = (double)(now_ns - sender->start_ns) / (double)NS_PER_S;

	snprintf(line, sizeof(line), "%.0f s: %llu sent, %.0f/s", seconds,
		 (unsigned long long)sender->sent,
		 seconds > 0 ? (double)sender->sent / seconds : 0.0);
	probe_run_progress(line);
}

/* Several rounds, apart in time, since a marker can be lost like any datagram; each round in small
 * chunks, so that the markers of many flows do not overrun a receiver. */
static void send_markers(struct sender *sender)
{
	for (int round = 0; round < END_ROUNDS; round++) {
		for (uint32_t i = 0; i < sender->flow_count; i++) {
			int rc = probe_burst_mark(sender, i);

			if (rc != 0) {
				log_warn("numacast-probe: --end-marker: cannot send: %s",
					 strerror(-rc));
				return;
			}
			if (i % END_CHUNK == END_CHUNK - 1) {
				sleep_until(clock_now_ns() + NS_PER_MS);
			}
		}
		sleep_until(clock_now_ns() + END_PAUSE_NS);
	}
}

/* Sleeps until `until_ns', in slices, so that a signal that arrives just before a sleep is seen. */
static uint64_t sleep_until(uint64_t until_ns)
{
	uint64_t now_ns = clock_now_ns();

	while (now_ns < until_ns && !probe_stop) {
		uint64_t to_ns =
			until_ns - now_ns > SLEEP_SLICE_NS ? now_ns + SLEEP_SLICE_NS : until_ns;
		struct timespec to = {(time_t)(to_ns / NS_PER_S), (long)(to_ns % NS_PER_S)};

		clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &to, NULL);
		now_ns = clock_now_ns();
	}
	return now_ns;
}

static bool print_result(const struct sender *sender, int status)
{
	double seconds = seconds_of(sender);

	if (status != 0) {
		log_error("numacast-probe: stopped after %llu datagrams: %s",
			  (unsigned long long)sender->sent, cause_of(status));
	}
	if (sender->opt->json) {
		return print_json(sender, status);
	}
	printf("sent        %llu datagrams, %llu bytes, in %.3f s: %.0f/s, %.3f Mbit/s\n",
	       (unsigned long long)sender->sent, (unsigned long long)sender->bytes, seconds,
	       seconds > 0 ? (double)sender->sent / seconds : 0.0,
	       seconds > 0 ? (double)sender->bytes * 8 / seconds / 1e6 : 0.0);
	printf("flows       %u\n", sender->flow_count);
	if (sender->shorts > 0) {
		printf("short       %llu of them without a number\n",
		       (unsigned long long)sender->shorts);
	}
	if (sender->retries > 0 || sender->async_errors > 0) {
		printf("sent again  %llu for want of room, %llu after an ICMP error\n",
		       (unsigned long long)sender->retries,
		       (unsigned long long)sender->async_errors);
	}
	if (sender->slipped_ns > 0) {
		printf("slipped     the schedule by %.3f s\n",
		       (double)sender->slipped_ns / (double)NS_PER_S);
	}
	return true;
}

/* Whole or not at all: false. */
static bool print_json(const struct sender *sender, int status)
{
	double seconds = seconds_of(sender);
	bool told;
	json_t *root = json_pack(
		"{s:s, s:I, s:I, s:I, s:I, s:I, s:f, s:f, s:f, s:I, s:b, s:I, s:I, s:f, s:s}",
		"command", "send", "sent", (json_int_t)sender->sent, "bytes",
		(json_int_t)sender->bytes, "short", (json_int_t)sender->shorts, "flows",
		(json_int_t)sender->flow_count, "session", (json_int_t)sender->session, "seconds",
		seconds, "datagrams_per_s", seconds > 0 ? (double)sender->sent / seconds : 0.0,
		"bits_per_s", seconds > 0 ? (double)sender->bytes * 8 / seconds : 0.0, "trains",
		(json_int_t)sender->trains, "gso_refused", sender->gso_refused, "retries",
		(json_int_t)sender->retries, "async_errors", (json_int_t)sender->async_errors,
		"slipped_seconds", (double)sender->slipped_ns / (double)NS_PER_S, "error",
		status == 0 ? "" : cause_of(status));

	told = probe_print_json(root, JSON_INDENT(2));
	json_decref(root);
	return told;
}

static double seconds_of(const struct sender *sender)
{
	return (double)(sender->stop_ns - sender->start_ns) / (double)NS_PER_S;
}

static const char *cause_of(int status)
{
	return status == -EINTR ? "ended by a signal" : strerror(-status);
}
