/* weigh.c - see weigh.h. */
#include "src/fastpath/weigh.h"

#include "src/base/clock.h"

static bool costs_less_by_shard(const struct weigh_sample *sample, uint32_t copies_min);
static bool makes_trains(const struct weigh_sample *sample);

bool weigh_add(struct weigh *weigh, const struct weigh_sample *sample)
{
	bool dear = weigh->left ? !costs_less_by_shard(sample, WEIGH_COPIES_MIN / 2) ||
					  !makes_trains(sample)
				: costs_less_by_shard(sample, WEIGH_COPIES_MIN);
	uint64_t bound_s = weigh->left ? WEIGH_RETURN_S : WEIGH_LEAVE_S;

	weigh->stays_ns -= sample->ns < weigh->stays_ns ? sample->ns : weigh->stays_ns;
	weigh->dear_ns = dear ? weigh->dear_ns + sample->ns : 0;
	if (weigh->dear_ns < bound_s * NS_PER_S || weigh->stays_ns > 0) {
		return false;
	}
	if (weigh->left && costs_less_by_shard(sample, WEIGH_COPIES_MIN / 2)) {
		weigh->stays_ns = WEIGH_NO_TRAINS_S * NS_PER_S;
	}
	weigh->left = !weigh->left;
	weigh->dear_ns = 0;
	return true;
}

/* Whether it could, as far as can be seen from what comes. */
static bool costs_less_by_shard(const struct weigh_sample *sample, uint32_t copies_min)
{
	return sample->outputs >= WEIGH_OUTPUTS_MIN &&
	       sample->received * NS_PER_S / copies_min * sample->outputs >= sample->ns &&
	       sample->pieces * 10 >= sample->received * 9 &&
	       sample->unlike * WEIGH_UNLIKE_SHARE <= sample->pieces;
}

static bool makes_trains(const struct weigh_sample *sample)
{
	return sample->sends * WEIGH_TRAIN_MIN <= sample->sent;
}
