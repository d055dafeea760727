/* egress_past.c - what an output takes along when it moves to another place or shard.
 *
 * Its socket is the same, so what was learned of its path still holds: whether trains arrive there,
 * when they are tried again, whether sending without copying is worth it. Its rate is one rate
 * wherever it is sent, so the bucket moves as full as it was; and a link that is down, or has gone,
 * is so for whoever sends. Shard thread: of the shard that is left, then of the one that goes on.
 * See egress.h.
 */
#include "shard/egress.h"

void egress_tell_past(const struct output_place *place, struct output_past *out)
{
	const struct egress_output *o = &place->output;

	*out = (struct output_past){
		.relayed_before = o->relayed_before,
		.tokens_bits = o->tokens_bits,
		.tokens_at_ns = o->tokens_at_ns,
		.gso_again_ns = o->gso_again_ns,
		.gso_wait_ns = o->gso_wait_ns,
		.zerocopy = o->zerocopy,
		.gso = o->gso,
		.cut_off = o->cut_off,
		.dark = o->dark,
	};
	if (!asker_get(&place->asker, &out->asker)) {
		out->asker = (struct addr){0};
	}
}

/* Its path is as well known as it was. */
void egress_go_on(struct output_place *place, const struct output_past *past,
		  const struct output_stats *stats)
{
	struct egress_output *o = &place->output;

	place->stats = *stats;
	o->relayed_before = past->relayed_before;
	o->tokens_bits = past->tokens_bits;
	o->tokens_at_ns = past->tokens_at_ns;
	asker_note(&place->asker, &past->asker);
	o->cut_off = past->cut_off && o->state == OUTPUT_PENDING;
	o->dark = past->dark && o->state == OUTPUT_OPEN;
	if (o->gso != GSO_OFF) {
		o->gso = past->gso;
		o->gso_again_ns = past->gso_again_ns;
		o->gso_wait_ns = past->gso_wait_ns;
	}
	if (o->zerocopy.min_bytes > 0) {
		o->zerocopy = past->zerocopy;
	}
}
