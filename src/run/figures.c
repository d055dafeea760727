/* figures.c - see figures.h. */
#include "src/run/figures.h"

#include "shard/shard.h"
#include "src/fastpath/counts.h"
#include "src/run/spread.h"
#include "src/run/supervisor.h"

void figures_flow(const struct supervisor *sup, const struct ingress_flow *flow,
		  struct flow_stats *out)
{
	struct fast_image_counts ignored;

	figures_flow_parts(sup, flow, out, &ignored);
}

uint64_t figures_output(const struct supervisor *sup, const struct ingress_flow *flow,
			const struct output_place *place, struct output_stats *out)
{
	struct fast_output_counts ignored;

	return figures_output_parts(sup, flow, place, out, &ignored);
}

void figures_flow_parts(const struct supervisor *sup, const struct ingress_flow *flow,
			struct flow_stats *out, struct fast_image_counts *fast)
{
	*fast = (struct fast_image_counts){0};
	figures_copy(out, flow->stats, sizeof(*out));
	/* The kernel counts what a filter refuses as drops, too; see spread.h. */
	if (share_is_filtered(&flow->rule->share, &flow->rule->in.at.addr)) {
		struct spread_account account;

		spread_account(sup, flow, &account);
		stat_set(&out->kernel_drops, account.kernel_drops);
		stat_set(&out->not_mine, account.not_mine);
	}
	if (lane_is_open(sup)) {
		lane_read(sup, &flow->rule->in, fast);
		counts_join_flow(out, fast);
	}
}

uint64_t figures_output_parts(const struct supervisor *sup, const struct ingress_flow *flow,
			      const struct output_place *place, struct output_stats *out,
			      struct fast_output_counts *fast)
{
	uint64_t before = 0;

	*fast = (struct fast_output_counts){0};
	figures_copy(out, place->output.stats, sizeof(*out));
	if (lane_is_open(sup)) {
		lane_read_output(sup, &flow->rule->in, &place->output.rule->out.to, fast, &before);
		counts_join_output(out, fast);
	}
	return place->output.relayed_before + before;
}

void figures_copy(void *to, const void *from, size_t bytes)
{
	const stat_t *source = from;
	stat_t *target = to;

	for (size_t i = 0; i < bytes / sizeof(*source); i++) {
		stat_set(&target[i], stat_get(&source[i]));
	}
}
