/* watch_leg.c - tells of legs that are silent, heard again, or of another feed. See watch_leg.h. */
#include "src/run/watch_leg.h"

#include "shard/relay_merge.h"
#include "src/base/log.h"
#include "src/run/watch.h"

#define TOLD_SILENT    8
#define TOLD_UNMATCHED 16

static void look_at_silence(struct watch_told *told, const struct ingress_flow *flow);

void watch_leg(struct watch_told *told, const struct ingress_flow *flow)
{
	char at[ENDPOINT_TEXT_MAX];

	if (!flow->merge) {
		told->news &= (unsigned char)~(TOLD_SILENT | TOLD_UNMATCHED);
		told->silences = 0;
		return;
	}
	look_at_silence(told, flow);
	if (stat_get(&flow->stats->drops[FLOW_DROP_UNMATCHED]) == 0 ||
	    (told->news & TOLD_UNMATCHED)) {
		return;
	}
	told->news |= TOLD_UNMATCHED;
	log_warn("flow %s: what this leg brings is no copy of what the others bring, so it is not "
		 "relayed (unmatched); expected the same feed on all legs; look for a wrong group "
		 "or sender, for a seq= that reads another field, or give it a larger skew=",
		 endpoint_format(&flow->rule->in.at, at));
}

/* Silences are counted from the first look on, so that a shorter one is told, too. */
static void look_at_silence(struct watch_told *told, const struct ingress_flow *flow)
{
	const struct merge *merge = flow->merge->merge;
	const struct leg_stats *stats = merge->legs[flow->rule->leg].stats;
	uint64_t silences = stat_get(&stats->silences);
	bool silent = stat_get(&stats->silent) != 0;
	bool was_told = (told->news & TOLD_SILENT) != 0;
	bool came = silent ? !was_told : !was_told && silences > told->silences;
	char at[ENDPOINT_TEXT_MAX];

	endpoint_format(&flow->rule->in.at, at);
	if (came) {
		log_warn(
			"flow %s: this leg has been silent for longer than silent=%u while another "
			"one is heard, so its feed has a copy less; look at its sender, its "
			"network and its membership",
			at, merge->rule.silent_ms);
	}
	if (!silent && (came || was_told)) {
		log_notice("flow %s: this leg is heard again", at);
	}
	told->silences = silences;
	told->news = (unsigned char)(silent ? told->news | TOLD_SILENT : told->news & ~TOLD_SILENT);
}
