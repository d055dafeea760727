/* changer_shares.c - opens the sockets of a divided flow together. See changer_shares.h.
 *
 * The steps of a list that bring shares are sorted once, by flow and share. What arrives from the
 * last join on waits in the sockets until their shards have them.
 */
#include "src/run/changer_shares.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "src/base/must.h"
#include "src/run/changer_sock.h"
#include "src/run/supervisor.h"

/* What makes the socket of a share ready, one step for all of them after the other. */
typedef int share_step(struct changer_step *step, const struct rule_ingress *in, struct err *err);

static share_step bind_share, join_share, open_share;
static int list_shares(struct changer *c);
static int compare_shares(const void *left, const void *right);
static struct changer_step **find_first(const struct changer *c, const struct changer_step *step);
static int open_all(struct changer *c, struct changer_step **shares, uint32_t count,
		    struct err *err);
static void close_all(struct changer_step **shares, uint32_t count, int rc, const struct err *err);

int changer_open_shares(struct changer *c, struct changer_step *step, struct err *err)
{
	struct changer_step **shares;
	uint32_t count = step->flow->share.count;
	int rc = step->tried ? 0 : list_shares(c);

	if (rc < 0) {
		err_set(err, "shares: out of memory");
		return rc;
	}
	if (step->tried) {
		return 0;
	}
	shares = find_first(c, step);
	for (uint32_t i = 0; i < count; i++) {
		bool there = shares + i < c->shares + c->share_count &&
			     rule_compare_flows(&shares[i]->flow->in, &step->flow->in) == 0;

		if (!there || shares[i]->flow->share.index != i) {
			err_set(err,
				"its other shares are not without a socket, as they should be");
			step->tried = true;
			return -EAGAIN;
		}
	}
	rc = open_all(c, shares, count, err);
	for (uint32_t i = 0; i < count; i++) {
		shares[i]->tried = true;
	}
	if (rc < 0) {
		close_all(shares, count, rc, err);
	}
	return rc < 0 ? rc : 0;
}

void changer_forget_shares(struct changer *c)
{
	free(c->shares);
	c->shares = NULL;
	c->share_count = 0;
}

static int list_shares(struct changer *c)
{
	uint32_t count = 0;

	if (c->shares) {
		return 0;
	}
	c->shares = calloc(c->count + 1UL, sizeof(struct changer_step *));
	if (!c->shares) {
		return -ENOMEM;
	}
	for (uint32_t i = 0; i < c->count; i++) {
		struct changer_step *step = &c->steps[i];

		if ((step->op == SHARD_ADD_FLOW || step->op == SHARD_OPEN_FLOW) &&
		    share_is_part(&step->flow->share)) {
			c->shares[count++] = step;
		}
	}
	qsort(c->shares, count, sizeof(struct changer_step *), compare_shares);
	c->share_count = count;
	return 0;
}

static int compare_shares(const void *left, const void *right)
{
	const struct changer_step *const *a = left, *const *b = right;
	int diff = rule_compare_flows(&(*a)->flow->in, &(*b)->flow->in);

	return diff != 0 ? diff : (*a)->flow->share.index - (*b)->flow->share.index;
}

/* The step of the first share of the flow that `step' has a share of, or where it would stand. */
static struct changer_step **find_first(const struct changer *c, const struct changer_step *step)
{
	uint32_t low = 0, high = c->share_count;

	while (low < high) {
		uint32_t mid = low + (high - low) / 2;

		if (rule_compare_flows(&c->shares[mid]->flow->in, &step->flow->in) < 0) {
			low = mid + 1;
		} else {
			high = mid;
		}
	}
	return c->shares + low;
}

/* 1: their interface is not there. */
static int open_all(struct changer *c, struct changer_step **shares, uint32_t count,
		    struct err *err)
{
	static share_step *const steps[] = {bind_share, join_share, open_share};
	struct rule_ingress in = {0};
	int rc = 0;

	for (uint32_t i = 0; i < count && rc == 0; i++) {
		struct sock_want want;

		changer_go_near(c, shares[i]->shard);
		rc = changer_prepare_flow(c, shares[i], &in, &want, err);
		if (rc == 0) {
			shares[i]->fd = sock_open_ingress(&in, shares[i]->ifindex, &want,
							  &shares[i]->got, err);
			rc = shares[i]->fd < 0 ? shares[i]->fd : 0;
		}
	}
	for (unsigned s = 0; s < sizeof(steps) / sizeof(steps[0]); s++) {
		for (uint32_t i = 0; i < count && rc == 0; i++) {
			rc = steps[s](shares[i], &in, err);
		}
	}
	if (rc == 0 && shares[0]->cut) {
		spread_settle();
	}
	/* What comes before a cut has another socket, and what all refused of it was not lost. */
	for (uint32_t i = 0; i < count && rc == 0 && shares[0]->cut; i++) {
		shares[i]->drops_seen = sock_kernel_drops(shares[i]->fd);
	}
	return rc;
}

static int bind_share(struct changer_step *step, const struct rule_ingress *in, struct err *err)
{
	return sock_share_bind(step->fd, in, step->ifindex, &step->flow->share, &step->got, err);
}

static int join_share(struct changer_step *step, const struct rule_ingress *in, struct err *err)
{
	return sock_join(step->fd, in, step->ifindex, err);
}

/* What a unicast socket refused before is not lost: the flow begins here. */
static int open_share(struct changer_step *step, const struct rule_ingress *in, struct err *err)
{
	if (!share_is_filtered(&step->flow->share, &in->at.addr)) {
		step->drops_seen = sock_kernel_drops(step->fd);
	}
	return sock_share_open(step->fd, in, &step->flow->share, err);
}

/* The last that was bound is closed first, so that none takes another's place meanwhile. */
static void close_all(struct changer_step **shares, uint32_t count, int rc, const struct err *err)
{
	for (uint32_t i = count; i-- > 0;) {
		struct changer_step *step = shares[i];

		if (step->fd >= 0) {
			close(step->fd);
		}
		step->fd = -1;
		if (step->why) {
			struct err why = *err; /* it may be the step's own */

			*step->why = why;
			step->result = rc;
			step->skip = true;
		}
	}
}
