/* scene.c - samples what is counted, and hands the difference of two samples to the painter.
 *
 * See scene.h. A shard's load is how much of its CPU its thread used; one that spins, or has the
 * kernel submit for it, tells nothing by that. An interface's is how much of its link's speed is
 * used, where it has one. Interfaces are found again by name, since a reload may bring others.
 * Control thread. Units: datagrams, nanoseconds, bits.
 */
#include "src/run/scene.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "src/base/clock.h"
#include "src/base/memfile.h"
#include "src/run/supervisor.h"
#include "src/run/tally.h"
#include "src/view/view.h"

#define APART_NS    NS_PER_S /* samples at least */
#define FRAME_BYTES 66       /* of a datagram: preamble, Ethernet, IPv4, UDP, gap between frames */
#define BITS        8
#define MBIT        1e6

static int take_sample(const struct supervisor *sup, const struct tally *tally,
		       struct scene_sample *out);
static void fill_sums(struct scene_sums *sums, const struct tally_row *row);
static void keep_sample(struct scene *scene, struct scene_sample *sample);
static char *paint(const struct supervisor *sup, const struct scene_sample *from,
		   const struct scene_sample *to, double width, size_t *out_len);
static double shard_load(const struct supervisor *sup, const struct scene_sums *from,
			 const struct scene_sums *to, double window_s);
static const struct scene_sums *find_iface(const struct scene_sample *sample, const char *name);
static double iface_load(const struct scene_sums *from, const struct scene_sums *to,
			 double window_s);
static double link_speed(const char *name);
static void fill_item(struct view_live_item *item, const struct scene_sums *from,
		      const struct scene_sums *to, double window_s);
static double per_s(uint64_t from, uint64_t to, double window_s);
static void free_sample(struct scene_sample *sample);

char *scene_text(struct scene *scene, const struct supervisor *sup, const struct tally *tally,
		 double width, size_t *out_len)
{
	struct scene_sample now = {0};
	char *text = NULL;

	if (take_sample(sup, tally, &now) == 0) {
		keep_sample(scene, &now);
		text = paint(sup, &scene->older, now.at_ns ? &now : &scene->newer, width, out_len);
	}
	free_sample(&now);
	return text;
}

void scene_free(struct scene *scene)
{
	free_sample(&scene->older);
	free_sample(&scene->newer);
}

static int take_sample(const struct supervisor *sup, const struct tally *tally,
		       struct scene_sample *out)
{
	struct scene_sample sample = {.at_ns = clock_now_ns(),
				      .shard_count = sup->worker_count,
				      .iface_count = sup->setup->ifaces.count + 1};

	sample.shards = calloc(sample.shard_count + 1UL, sizeof(*sample.shards));
	sample.ifaces = calloc(sample.iface_count, sizeof(*sample.ifaces));
	if (!sample.shards || !sample.ifaces) {
		free_sample(&sample);
		return -ENOMEM;
	}
	for (uint32_t i = 0; i < sample.shard_count; i++) {
		fill_sums(&sample.shards[i], &tally->shards[i]);
		(void)worker_cpu_ns(&sup->workers[i], &sample.shards[i].cpu_ns);
	}
	for (uint32_t i = 0; i < sample.iface_count; i++) {
		fill_sums(&sample.ifaces[i], &tally->ifaces[i]);
		if (i < sup->setup->ifaces.count) {
			memcpy(sample.ifaces[i].name, sup->setup->ifaces.list[i].name, IF_NAMESIZE);
		}
	}
	if (tally->ifaces[tally->iface_count].flows + tally->ifaces[tally->iface_count].outputs ==
	    0) {
		sample.iface_count--; /* every flow and output names one */
	}
	*out = sample;
	return 0;
}

static void fill_sums(struct scene_sums *sums, const struct tally_row *row)
{
	const struct flow_stats *flows = &row->sums.flows;
	const struct output_stats *outputs = &row->sums.outputs;

	sums->in = stat_get(&flows->received);
	sums->out = stat_get(&outputs->sent);
	sums->lost = tally_lost(row);
	sums->in_bits = (stat_get(&flows->received_bytes) + sums->in * FRAME_BYTES) * BITS;
	sums->out_bits = (stat_get(&outputs->sent_bytes) + sums->out * FRAME_BYTES) * BITS;
}

/* `sample' is the scene's and all zero, or stays the caller's, when the last one is too new. */
static void keep_sample(struct scene *scene, struct scene_sample *sample)
{
	if (scene->newer.at_ns == 0 || sample->at_ns - scene->newer.at_ns >= APART_NS) {
		free_sample(&scene->older);
		scene->older = scene->newer;
		scene->newer = *sample;
		*sample = (struct scene_sample){0};
	}
}

/* `from' may be all zero: then from the start. */
static char *paint(const struct supervisor *sup, const struct scene_sample *from,
		   const struct scene_sample *to, double width, size_t *out_len)
{
	static const struct scene_sums nothing;
	uint64_t from_ns = from->at_ns ? from->at_ns : sup->started_ns;
	struct view_live_item *shards = calloc(to->shard_count + 1UL, sizeof(*shards));
	struct view_live_item *nics = calloc(to->iface_count + 1UL, sizeof(*nics));
	struct view_live live = {.shards = shards,
				 .nics = nics,
				 .nic_count = to->iface_count,
				 .window_s = (double)(to->at_ns - from_ns) / NS_PER_S,
				 .width = width};
	char *text = NULL;
	FILE *out = shards && nics ? memfile_open(&text, out_len) : NULL;
	int rc = out ? 0 : -ENOMEM;

	for (uint32_t i = 0; rc == 0 && i < to->shard_count; i++) {
		const struct scene_sums *before = from->at_ns ? &from->shards[i] : &nothing;

		fill_item(&shards[i], before, &to->shards[i], live.window_s);
		shards[i].load = shard_load(sup, before, &to->shards[i], live.window_s);
	}
	for (uint32_t i = 0; rc == 0 && i < to->iface_count; i++) {
		const struct scene_sums *before =
			from->at_ns ? find_iface(from, to->ifaces[i].name) : &nothing;

		before = before ? before : &to->ifaces[i]; /* it came later: nobody knows yet */
		nics[i].name = to->ifaces[i].name;
		fill_item(&nics[i], before, &to->ifaces[i], live.window_s);
		nics[i].load = iface_load(before, &to->ifaces[i], live.window_s);
	}
	rc = rc < 0 ? rc : view_print_live(sup->setup, &live, out);
	rc = out && memfile_close(out, &text) < 0 ? -ENOMEM : rc;
	free(shards);
	free(nics);
	if (rc < 0) {
		free(text);
		return NULL;
	}
	return text;
}

static double shard_load(const struct supervisor *sup, const struct scene_sums *from,
			 const struct scene_sums *to, double window_s)
{
	const struct opt *opt = sup->setup->opt;

	if (opt->waits.spin_us > 0 || opt->sqpoll || to->cpu_ns == 0) {
		return -1;
	}
	return per_s(from->cpu_ns, to->cpu_ns, window_s) / NS_PER_S;
}

static const struct scene_sums *find_iface(const struct scene_sample *sample, const char *name)
{
	for (uint32_t i = 0; i < sample->iface_count; i++) {
		if (strcmp(sample->ifaces[i].name, name) == 0) {
			return &sample->ifaces[i];
		}
	}
	return NULL;
}

/* Of the busier direction. */
static double iface_load(const struct scene_sums *from, const struct scene_sums *to,
			 double window_s)
{
	double in = per_s(from->in_bits, to->in_bits, window_s);
	double out = per_s(from->out_bits, to->out_bits, window_s);
	double speed = link_speed(to->name);

	return speed > 0 ? (in > out ? in : out) / speed : -1;
}

/* Bits a second; 0: it has none, or that is not known. */
static double link_speed(const char *name)
{
	char path[64 + IF_NAMESIZE];
	double mbit = 0;
	FILE *file;

	snprintf(path, sizeof(path), "/sys/class/net/%s/speed", name);
	file = name[0] ? fopen(path, "re") : NULL;
	if (!file) {
		return 0;
	}
	if (fscanf(file, "%lf", &mbit) != 1 || mbit < 0) {
		mbit = 0;
	}
	fclose(file);
	return mbit * MBIT;
}

static void fill_item(struct view_live_item *item, const struct scene_sums *from,
		      const struct scene_sums *to, double window_s)
{
	item->in_per_s = per_s(from->in, to->in, window_s);
	item->out_per_s = per_s(from->out, to->out, window_s);
	item->lost_per_s = per_s(from->lost, to->lost, window_s);
}

/* A sum is less than before where flows have gone. */
static double per_s(uint64_t from, uint64_t to, double window_s)
{
	return to > from && window_s > 0 ? (double)(to - from) / window_s : 0;
}

static void free_sample(struct scene_sample *sample)
{
	free(sample->shards);
	free(sample->ifaces);
	*sample = (struct scene_sample){0};
}
