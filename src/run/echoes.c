/* echoes.c - see echoes.h.
 *
 * A sender without an address of its own (src=keep, say) is known by its port alone. That will do
 * when the kernel chose the port, but not with sport=: it may well be the port of the source that
 * is to be relayed. One without a socket yet sends nothing, and has no address.
 */
#include "src/run/echoes.h"

#include <errno.h>
#include <stdlib.h>

#include "src/run/supervisor.h"

static uint32_t list(const struct supervisor *sup, uint32_t *at, struct addr *out);
static const struct addr *sender_of(const struct supervisor *sup, const struct layout_echo *echo);

int echoes_tell(const struct supervisor *sup, struct err *err)
{
	const struct layout *layout = &sup->setup->layout;
	struct addr *echoes = calloc(layout->echo_count + 1UL, sizeof(*echoes));
	uint32_t at = 0;

	if (!echoes) {
		err_set(err, "shards: out of memory");
		return -ENOMEM;
	}
	for (uint32_t s = 0; s < sup->worker_count; s++) {
		for (uint32_t f = 0; f < layout->tables[s].flow_count; f++) {
			uint32_t count = 0;

			if (at < layout->echo_count && layout->echoes[at].shard == s &&
			    layout->echoes[at].flow == f) {
				count = list(sup, &at, echoes);
			}
			shard_set_echoes(sup->workers[s].shard, f, echoes, count);
		}
	}
	free(echoes);
	return 0;
}

bool echoes_can_know(const struct rule_output *out, const struct addr *sender)
{
	if (sender->family == 0) {
		return false;
	}
	return !addr_is_any(sender) || (out->sport == 0 && !out->sport_keep);
}

/* Those of one flow, from `at' on; moves that behind them and returns how many can be known. */
static uint32_t list(const struct supervisor *sup, uint32_t *at, struct addr *out)
{
	const struct layout *layout = &sup->setup->layout;
	const struct layout_echo *first = &layout->echoes[*at];
	uint32_t count = 0;

	for (; *at < layout->echo_count; (*at)++) {
		const struct layout_echo *echo = &layout->echoes[*at];
		const struct addr *sender = sender_of(sup, echo);

		if (echo->shard != first->shard || echo->flow != first->flow) {
			break;
		}
		if (echoes_can_know(
			    &layout->tables[echo->from_shard].outputs[echo->from_output].out,
			    sender)) {
			out[count++] = *sender;
		}
	}
	return count;
}

static const struct addr *sender_of(const struct supervisor *sup, const struct layout_echo *echo)
{
	return &shard_output(sup->workers[echo->from_shard].shard, echo->from_output)->got.local;
}
