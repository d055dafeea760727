/* watch.c - start-up lines and late news. See watch.h.
 *
 * Everything read from a shard is either fixed before it goes live or a relaxed counter.
 */
#include "src/run/watch.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "src/base/clock.h"
#include "src/host/host.h"
#include "src/host/facts.h"
#include "src/setup/options.h"
#include "src/run/spread.h"
#include "src/run/supervisor.h"
#include "src/run/watch_leg.h"

/* What has been said of a flow. */
#define TOLD_TRUNCATED  1
#define TOLD_RECV_ERROR 2
#define TOLD_CIRCLING   4 /* taken back once it circles no more; the rest is watch_leg.c's */

/* What has been said of an output. */
#define TOLD_SINGLES 1
#define TOLD_COPIES  2

#define LOSING_NS NS_PER_S /* everything lost for so long is told */

static void tell_shard(const struct worker *w);
static const char *memory_verdict(const struct nodemem_result *mem);
static void tell_clamped(const struct supervisor *sup, bool egress);
static void tell_copying(const struct supervisor *sup);
static bool was_asked(uint32_t amount);
static void tell_registered(const struct worker *w);
static uint32_t count_slots(const struct regbuf_map *map);
static void tell_huge_registered(const struct worker *w);
static void tell_host(const struct supervisor *sup);
static void look_at_polling(struct watch_shard *told, const struct worker *w);
static void look_at_shard(struct watch_shard *told, const struct shard *shard);
static bool grow(struct watch_told **told, uint32_t *room, uint32_t wanted);
static unsigned char *news_of(struct watch_told *told, uint32_t token);
static void look_at_output(unsigned char *told, const struct egress_output *output);
static void look_at_copies(unsigned char *told, const struct egress_output *output);
static void look_at_losses(struct watch_output *before, const struct egress_output *output);
static const char *why_lost(const struct egress_output *output);
static uint64_t count_lost(const struct output_stats *stats);
static void look_at_flow(struct watch_told *told, const struct flow_place *place);
static void look_at_circle(unsigned char *told, const struct flow_place *place);
static void look_at_receive(unsigned char *told, const struct ingress_flow *flow);

int watch_init(struct watch *watch, const struct supervisor *sup)
{
	*watch = (struct watch){.sup = sup,
				.shards = calloc(sup->worker_count, sizeof(*watch->shards))};
	if (!watch->shards) {
		watch_free(watch);
		return -ENOMEM;
	}
	return 0;
}

void watch_free(struct watch *watch)
{
	for (uint32_t s = 0; watch->shards && s < watch->sup->worker_count; s++) {
		free(watch->shards[s].outputs);
		free(watch->shards[s].flows);
	}
	free(watch->shards);
	*watch = (struct watch){0};
}

void watch_log_start(const struct supervisor *sup)
{
	for (uint32_t i = 0; i < sup->worker_count; i++) {
		tell_shard(&sup->workers[i]);
	}
	tell_clamped(sup, false);
	tell_clamped(sup, true);
	tell_copying(sup);
	tell_host(sup);
}

void watch_tick(struct watch *watch)
{
	/* It looks at the places of all shards, and one that has a message may be writing. */
	if (changer_is_idle(&watch->sup->changer)) {
		spread_tick(watch->sup);
	}
	for (uint32_t s = 0; s < watch->sup->worker_count; s++) {
		look_at_polling(&watch->shards[s], &watch->sup->workers[s]);
		if (!changer_has(&watch->sup->changer, s)) {
			look_at_shard(&watch->shards[s], watch->sup->workers[s].shard);
		}
	}
}

static void tell_shard(const struct worker *w)
{
	char node[16] = "any";

	if (w->node_os >= 0) {
		snprintf(node, sizeof(node), "%d", w->node_os);
	}
	log_info("shard %u: cpu %d, node %s, %zu bytes in %s pages, %s, %u flows, %u outputs, %s "
		 "(%s)",
		 w->index, w->cpu_os, node, w->arena.len_bytes, arena_huge_name(w->mem.got),
		 memory_verdict(&w->mem), w->spec.table->flow_count, w->spec.table->output_count,
		 ring_engine_name(w->spec.engine), w->shard->features.text);
	if (w->spec.ring.sqpoll && !strstr(w->shard->features.text, "sqpoll")) {
		log_warn("shard %u: --sqpoll: this kernel refuses it, the shard submits by itself",
			 w->index);
	}
	if (strstr(w->shard->features.text, "no_restrictions")) {
		log_warn("shard %u: sandbox: this kernel cannot limit the requests of its ring; "
			 "expected Linux 5.10",
			 w->index);
	}
	if (w->mem.note.text[0] != '\0') {
		log_warn("shard %u: %s", w->index, w->mem.note.text);
	}
}

static const char *memory_verdict(const struct nodemem_result *mem)
{
	if (mem->unverifiable) {
		return "unverified";
	}
	return mem->verified ? "verified" : "MISPLACED";
}

/* Buffers that the kernel clamped: one line for all, with the smallest. */
static void tell_clamped(const struct supervisor *sup, bool egress)
{
	uint32_t clamped = 0, smallest = UINT32_MAX;
	uint32_t wanted = egress ? sup->setup->opt->sndbuf_bytes : sup->setup->opt->rcvbuf_bytes;

	for (uint32_t s = 0; s < sup->worker_count; s++) {
		const struct shard *shard = sup->workers[s].shard;
		uint32_t count = egress ? shard->egress.place_count : shard->relay.place_count;

		for (uint32_t i = 0; i < count; i++) {
			const struct sock_got *got =
				egress ? &shard_output(shard, i)->got : &shard_flow(shard, i)->got;

			clamped += got->clamped;
			if (got->clamped && got->buffer_bytes < smallest) {
				smallest = got->buffer_bytes;
			}
		}
	}
	if (clamped > 0) {
		log_warn("%s buffers: %u sockets got %u bytes of the %u wanted; run "
			 "`sysctl -w net.core.%s=%u', or give the daemon CAP_NET_ADMIN, or lower "
			 "--%s",
			 egress ? "send" : "receive", clamped, smallest, wanted,
			 egress ? "wmem_max" : "rmem_max", wanted, egress ? "sndbuf" : "rcvbuf");
	}
}

static void tell_copying(const struct supervisor *sup)
{
	bool zerocopy = was_asked(sup->setup->opt->zerocopy);
	bool registered = was_asked(sup->setup->opt->register_buffers);

	if (!ring_can(sup->setup->engine, RING_CAN_ZEROCOPY) && (zerocopy || registered)) {
		log_warn("--%s: the %s engine copies whatever it sends",
			 zerocopy ? "zerocopy" : "register-buffers",
			 ring_engine_name(sup->setup->engine));
		return;
	}
	for (uint32_t i = 0; i < sup->worker_count; i++) {
		const struct worker *w = &sup->workers[i];

		if (zerocopy && strstr(w->shard->features.text, "no_zerocopy")) {
			log_warn("shard %u: --zerocopy: this kernel cannot send so and say whether "
				 "it copied; expected Linux 6.2 or newer; everything is copied",
				 w->index);
		}
		if (registered) {
			tell_registered(w);
			tell_huge_registered(w);
		}
	}
}

/* Whether the operator said so, by number or plainly on. */
static bool was_asked(uint32_t amount)
{
	return amount != OPT_AMOUNT_OFF && amount != OPT_AMOUNT_AUTO;
}

/* What was asked for by number or plainly on, and is not so. `auto' takes what there is. */
static void tell_registered(const struct worker *w)
{
	const struct ring_stats *stats = &w->shard->stats->ring;
	struct shard_spec unlimited = w->spec;
	struct regbuf_map wanted, planned;

	unlimited.registered.bytes = REGBUF_ALL;
	shard_registers(&unlimited, &wanted);
	shard_registers(&w->spec, &planned);
	if (strstr(w->shard->features.text, "no_registered_buffers") && planned.area_count > 0 &&
	    stat_get(&stats->buffers_refused) == 0) {
		log_warn("shard %u: --register-buffers: this kernel cannot send from registered "
			 "buffers; expected Linux 6.15 or newer; sends do without",
			 w->index);
	} else if (planned.area_count > 0 && stat_get(&stats->buffers_refused) > 0) {
		log_warn("shard %u: --register-buffers: the kernel refused %" PRIu64
			 " of %u areas, most likely for RLIMIT_MEMLOCK, which counts for all "
			 "processes of the user; expected LimitMEMLOCK=infinity in the unit or "
			 "`ulimit -l unlimited'; their buffers are sent from as any others",
			 w->index, stat_get(&stats->buffers_refused), planned.area_count);
	} else if (count_slots(&planned) < count_slots(&wanted)) {
		log_warn("shard %u: --register-buffers: RLIMIT_MEMLOCK has room for %u of %u "
			 "buffers, half of it being shared by all shards; expected "
			 "LimitMEMLOCK=infinity in the unit or `ulimit -l unlimited'",
			 w->index, count_slots(&planned), count_slots(&wanted));
	}
}

static uint32_t count_slots(const struct regbuf_map *map)
{
	uint32_t slots = 0;

	for (int cls = 0; cls < POOL_CLASS_COUNT; cls++) {
		slots += map->slots[cls];
	}
	return slots;
}

static void tell_huge_registered(const struct worker *w)
{
	if (stat_get(&w->shard->stats->ring.buffers_bytes) > 0 && w->mem.got != ARENA_HUGE_OFF) {
		log_warn(
			"shard %u: --register-buffers: the kernel charges a send from a registered "
			"huge page to the send buffer as if it held the page whole, so a device "
			"that is slow to take it causes drops (egress_full); expected --huge off, "
			"or --register-buffers auto",
			w->index);
	}
}

/* Interrupts on another node than those are that do an interface's work, and ingress interfaces
 * that hear nothing, with what to do. */
static void tell_host(const struct supervisor *sup)
{
	struct host_facts facts = {0};
	struct host host = {.setup = sup->setup, .facts = &facts, .root = ""};

	if (host_facts_count(sup->setup, &facts) < 0) {
		return;
	}
	facts.fast_tried = lane_is_open(sup); /* and the kernel has taken it */
	host_ports(&host);
	host_interrupts(&host);
	for (uint32_t i = 0; i < host.count && !host.out_of_memory; i++) {
		const struct finding *finding = &host.findings[i];
		const char *todo = finding->cure ? finding->cure : finding->advice;

		if (finding->level != FINDING_OK) {
			log_warn("%s: %s; %s%s%s", finding->subject, finding->value, finding->why,
				 todo ? ": " : "", todo ? todo : "");
		}
	}
	host_free(&host);
	host_facts_free(&facts);
}

/* Places come while it runs; where there is no memory for what is said of them, nothing is. */
/* At the start, and when a reload asks for what was not asked for before. */
static void look_at_polling(struct watch_shard *told, const struct worker *w)
{
	int error = (int)stat_get(&w->shard->stats->ring.busy_poll_errno);

	if (error != 0 && error != told->busy_poll_errno) {
		log_warn("shard %u: --busy-poll: this kernel does not offer it: %s; expected "
			 "Linux 6.9 or newer with CONFIG_NET_RX_BUSY_POLL; it sleeps without",
			 w->index, strerror(error));
	}
	told->busy_poll_errno = error;
}

static void look_at_shard(struct watch_shard *told, const struct shard *shard)
{
	if (!grow(&told->outputs, &told->output_room, shard->egress.place_count) ||
	    !grow(&told->flows, &told->flow_room, shard->relay.place_count)) {
		return;
	}
	for (uint32_t i = 0; i < shard->egress.place_count; i++) {
		const struct egress_output *output = &shard_output(shard, i)->output;

		if (output->rule) {
			look_at_output(news_of(&told->outputs[i], output->token), output);
			look_at_losses(&told->outputs[i].before, output);
		}
	}
	for (uint32_t i = 0; i < shard->relay.place_count; i++) {
		const struct flow_place *place = shard_flow(shard, i);

		if (place->flow.rule) {
			(void)news_of(&told->flows[i], place->flow.token);
			look_at_flow(&told->flows[i], place);
		}
	}
}

static bool grow(struct watch_told **told, uint32_t *room, uint32_t wanted)
{
	struct watch_told *grown;

	if (wanted <= *room) {
		return true;
	}
	grown = realloc(*told, wanted * sizeof(*grown));
	if (!grown) {
		return false;
	}
	memset(grown + *room, 0, (wanted - *room) * sizeof(*grown));
	*told = grown;
	*room = wanted;
	return true;
}

static unsigned char *news_of(struct watch_told *told, uint32_t token)
{
	if (told->token != token) {
		*told = (struct watch_told){.token = token};
	}
	return &told->news;
}

static void look_at_output(unsigned char *told, const struct egress_output *output)
{
	uint64_t why = stat_get(&output->stats->gso_off);
	char to[ENDPOINT_TEXT_MAX];

	look_at_copies(told, output);
	if (why == 0 || (*told & TOLD_SINGLES)) {
		return;
	}
	*told |= TOLD_SINGLES;
	log_warn("output %s: the path refused a train (%s), sending one datagram at a time until "
		 "trains are tried again; gso=off on the output says so from the start",
		 endpoint_format(&output->rule->out.to, to), strerror((int)why));
}

static void look_at_copies(unsigned char *told, const struct egress_output *output)
{
	const struct output_stats *stats = output->stats;
	uint64_t why = stat_get(&stats->zc_off);
	char to[ENDPOINT_TEXT_MAX];

	if (why == ZEROCOPY_OFF_NOT || (*told & TOLD_COPIES)) {
		return;
	}
	*told |= TOLD_COPIES;
	endpoint_format(&output->rule->out.to, to);
	if (why == ZEROCOPY_OFF_COPIED) {
		log_notice("output %s: the kernel copied %d zero-copy sends in a row, as it does "
			   "for receivers on this host and devices that cannot gather; sending "
			   "copies from now on; --zerocopy off says so from the start",
			   to, ZEROCOPY_COPIED_MAX);
	} else {
		log_warn("output %s: the kernel refused %d zero-copy sends in a row (%s); sending "
			 "copies from now on; --zerocopy off says so from the start",
			 to, ZEROCOPY_REFUSED_MAX, strerror((int)stat_get(&stats->zc_errno)));
	}
}

/* Whether it has sent nothing for a second, although there was something to send. */
static void look_at_losses(struct watch_output *before, const struct egress_output *output)
{
	const struct output_stats *stats = output->stats;
	uint64_t sent = stat_get(&stats->sent), lost = count_lost(stats);
	char to[ENDPOINT_TEXT_MAX];

	if (sent != before->sent) {
		if (before->told) {
			log_notice("output %s: sends again",
				   endpoint_format(&output->rule->out.to, to));
		}
		*before = (struct watch_output){.sent = sent};
	} else if (lost > before->lost && before->losing_ns == 0) {
		before->losing_ns = clock_now_ns();
	} else if (lost > before->lost && !before->told &&
		   clock_now_ns() - before->losing_ns >= LOSING_NS) {
		before->told = true;
		log_warn("output %s: everything that it is to send is lost: %s",
			 endpoint_format(&output->rule->out.to, to), why_lost(output));
	}
	before->lost = lost;
}

/* Where nothing was sent, no errno tells. */
static const char *why_lost(const struct egress_output *output)
{
	if (output->state == OUTPUT_PENDING) {
		return output->cut_off ? "its interface has gone" : "it has no socket yet";
	}
	return output->dark ? "the link of its interface is down"
			    : strerror((int)stat_get(&output->stats->send_errno));
}

static uint64_t count_lost(const struct output_stats *stats)
{
	uint64_t lost = 0;

	for (int drop = 0; drop < OUTPUT_DROP_COUNT; drop++) {
		if (drop != OUTPUT_DROP_RATE_LIMITED && drop != OUTPUT_DROP_TTL_EXPIRED &&
		    !output_drop_is_standby((unsigned)drop)) {
			lost += stat_get(&stats->drops[drop]);
		}
	}
	return lost;
}

static void look_at_flow(struct watch_told *told, const struct flow_place *place)
{
	const struct ingress_flow *flow = &place->flow;
	uint64_t longest = stat_get(&flow->stats->longest_bytes);
	char at[ENDPOINT_TEXT_MAX];

	look_at_receive(&told->news, flow);
	watch_leg(told, flow);
	look_at_circle(&told->news, place);
	if (longest == 0 || (told->news & TOLD_TRUNCATED)) {
		return;
	}
	told->news |= TOLD_TRUNCATED;
	log_warn("flow %s: a datagram of %" PRIu64 " bytes did not fit its buffer and was dropped "
		 "(truncated); the flow uses larger buffers from now on; class= on the rule sets "
		 "them from the start",
		 endpoint_format(&flow->rule->in.at, at), longest);
}

static void look_at_circle(unsigned char *told, const struct flow_place *place)
{
	bool circling = stat_get(&place->stats.circling) != 0;
	char at[ENDPOINT_TEXT_MAX], from[ENDPOINT_TEXT_MAX];
	struct endpoint sender = {0};

	if (circling == ((*told & TOLD_CIRCLING) != 0)) {
		return;
	}
	*told ^= TOLD_CIRCLING;
	endpoint_format(&place->rule.in.at, at);
	if (!circling) {
		log_notice("flow %s: nothing comes back any more", at);
		return;
	}
	(void)asker_get(&place->circled_from, &sender.addr);
	log_warn(
		"flow %s: what is relayed comes back, last from %s; it is kept out (circled) while "
		"that lasts; expected no other relay or bridge to carry the outputs' network back "
		"into this one; find it there, or change its rules",
		at, endpoint_format(&sender, from));
}

static void look_at_receive(unsigned char *told, const struct ingress_flow *flow)
{
	uint64_t why = stat_get(&flow->stats->recv_errno);
	char at[ENDPOINT_TEXT_MAX];

	if (why == 0 || (*told & TOLD_RECV_ERROR)) {
		return;
	}
	*told |= TOLD_RECV_ERROR;
	log_warn("flow %s: cannot receive, trying again every 10 ms: %s",
		 endpoint_format(&flow->rule->in.at, at), strerror((int)why));
}
