/* watch_leg.c - tells of legs that are silent, heard again, or of another feed. See watch_leg.h.
 *
 * A silence that has begun and ended between two looks is counted (`silences') and not told.
 */
#include "src/run/watch_leg.h"

#include "shard/relay_merge.h"
#include "src/base/log.h"

#define TOLD_SILENT    8
#define TOLD_UNMATCHED 16

static void look_at_silence(unsigned char *told, const struct ingress_flow *flow);

void watch_leg(unsigned char *told, const struct ingress_flow *flow)
{
	char at[ENDPOINT_TEXT_MAX];

	if (!flow->merge) {
		*told &= (unsigned char)~(TOLD_SILENT | TOLD_UNMATCHED);
		return;
	}
	look_at_silence(told, flow);
	if (stat_get(&flow->stats->drops[FLOW_DROP_UNMATCHED]) == 0 || (*told & TOLD_UNMATCHED)) {
		return;
	}
	*told |= TOLD_UNMATCHED;
	log_warn("flow %s: what this leg brings is no copy of what the others bring, so it is not "
		 "relayed (unmatched); expected the same feed on all legs; look for a wrong group "
		 "or sender, for a seq= that reads another field, or give it a larger skew=",
		 endpoint_format(&flow->rule->in.at, at));
}

static void look_at_silence(unsigned char *told, const struct ingress_flow *flow)
{
	const struct merge *merge = flow->merge->merge;
	bool silent = stat_get(&merge->legs[flow->rule->leg].stats->silent) != 0;
	char at[ENDPOINT_TEXT_MAX];

	if (silent == ((*told & TOLD_SILENT) != 0)) {
		return;
	}
	*told ^= TOLD_SILENT;
	endpoint_format(&flow->rule->in.at, at);
	if (silent) {
		log_warn(
			"flow %s: this leg has been silent for longer than silent=%u while another "
			"one is heard, so its feed has a copy less; look at its sender, its "
			"network and its membership",
			at, merge->rule.silent_ms);
	} else {
		log_notice("flow %s: this leg is heard again", at);
	}
}
