/* changer_cut.c - see changer_cut.h.
 *
 * The kernel begins to stamp a little after it was asked to, and a datagram that was stamped may be
 * on its way to the sockets yet: for both there is a pause. The moment is chosen when nobody
 * receives: whatever was relayed until then came before it, however long the shards took. It is one
 * of the clock of the day, by which the kernel stamps; how long a pause is goes by the other clock,
 * since that one may be set back for years.
 */
#include "src/run/changer_cut.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "src/base/clock.h"
#include "src/run/changer_find.h"
#include "src/run/changer_sock.h"
#include "src/run/supervisor.h"

#define STAMPS_NS  (100 * NS_PER_MS) /* until all is stamped that comes */
#define ARRIVED_NS (30 * NS_PER_MS)  /* until all is there that was stamped before it */
#define UNSTAMP_NS (2 * NS_PER_S)

static bool begins(const struct changer *c, const struct changer_step *step, enum shard_op op);
static int open_all(struct changer *c, struct changer_step *first);
static struct changer_step *find_end(const struct changer *c, struct changer_step *first);
static bool pause_until(struct changer *c, uint64_t until_ns);
static void stamp(struct changer *c, const struct changer_step *step);
static void refuse_all(struct changer *c, struct changer_step *first);
static struct flow_place *place_of(struct changer *c, const struct changer_step *step);

int changer_cut_prepare(struct changer *c)
{
	int rc;

	if (c->stamping) {
		return 0;
	}
	c->stamp_fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	c->stamping = c->stamp_fd >= 0;
	c->stamp_ns = clock_now_ns();
	rc = c->stamping ? sock_set_stamp(c->stamp_fd, true) : -errno;
	if (rc < 0) {
		err_set(&c->err, "the kernel cannot be had stamp what it receives: %s",
			strerror(-rc));
	}
	return rc;
}

int changer_cut_begin(struct changer *c, const struct changer_step *step)
{
	if (begins(c, step, SHARD_HOLD_FLOW)) {
		int rc;

		if (pause_until(c, c->stamp_ns + STAMPS_NS)) {
			return 1;
		}
		rc = open_all(c, c->steps + c->at - 1);
		if (rc < 0 && !c->acted) {
			return rc;
		}
		if (rc < 0) {
			log_warn("%s; these groups are not received until it can be had",
				 c->err.text);
			c->err.text[0] = '\0';
		}
	}
	if (step->op == SHARD_HOLD_FLOW) {
		stamp(c, step);
	}
	if (!begins(c, step, SHARD_REMOVE_FLOW)) {
		return 0;
	}
	if (c->cut_ns == 0) { /* all are held by now */
		c->cut_ns = clock_wall_ns();
		c->arrived_ns = clock_now_ns() + ARRIVED_NS;
	}
	if (pause_until(c, c->arrived_ns)) {
		return 1;
	}
	refuse_all(c, c->steps + c->at - 1);
	return 0;
}

void changer_cut_ask(struct changer *c, const struct changer_step *step)
{
	c->message.cut_ns = c->cut_ns;
	c->message.empties = step->op == SHARD_REMOVE_FLOW;
}

void changer_cut_note(struct changer *c, const struct changer_step *step)
{
	if (step->op == SHARD_ADD_FLOW && c->message.result == 0) {
		relay_place(&c->sup->workers[step->shard].shard->relay,
			    place_index(c->message.flow))
			->unstamp_ns = clock_now_ns() + UNSTAMP_NS;
	}
}

void changer_cut_end(struct changer *c)
{
	if (c->stamping) {
		close(c->stamp_fd);
	}
	c->stamping = false;
	c->pause_ns = 0;
}

void changer_cut_tick(struct supervisor *sup)
{
	uint64_t now_ns = clock_now_ns();

	gate_keep(&sup->gate);
	for (uint32_t s = 0; s < sup->worker_count; s++) {
		struct worker *w = &sup->workers[s];

		if (w->closing || changer_has(&sup->changer, s)) {
			continue; /* a second later */
		}
		for (uint32_t i = 0; i < w->shard->relay.place_count; i++) {
			struct flow_place *place = relay_place(&w->shard->relay, i);

			if (place->unstamp_ns == 0 || now_ns < place->unstamp_ns) {
				continue;
			}
			place->unstamp_ns = 0;
			if (place->flow.rule && place->flow.fd >= 0) {
				(void)sock_set_stamp(place->flow.fd,
						     shard_stamps(&w->spec, &place->rule.in));
			}
		}
	}
	gate_let(&sup->gate);
}

/* Whether it is the first of its kind among those that are cut together. */
static bool begins(const struct changer *c, const struct changer_step *step, enum shard_op op)
{
	return step->op == op && (step == c->steps || (step - 1)->op != op || !(step - 1)->cut);
}

/* Those that come, beside those that are there: all of them, or the first failure. */
static int open_all(struct changer *c, struct changer_step *first)
{
	struct changer_step *end = find_end(c, first);
	struct err err;
	int rc = 0;

	for (struct changer_step *step = first; step < end; step++) {
		int opened = step->op == SHARD_ADD_FLOW ? changer_open(c, step, &err) : 0;

		if (opened < 0 && rc == 0) {
			rc = opened;
			c->err = err;
		}
	}
	c->cut_ns = 0;
	return rc;
}

/* Of the steps that are taken together: the next ones begin with cuts, too. */
static struct changer_step *find_end(const struct changer *c, struct changer_step *first)
{
	struct changer_step *step = first, *end = c->steps + c->count;

	while (step < end && step->op == SHARD_HOLD_FLOW) {
		step++;
	}
	while (step < end && step->op != SHARD_HOLD_FLOW && step->op != SHARD_SET_ECHOES) {
		step++;
	}
	return step;
}

/* Whether it is to wait. */
static bool pause_until(struct changer *c, uint64_t until_ns)
{
	c->pause_ns = clock_now_ns() < until_ns ? until_ns : 0;
	return c->pause_ns > 0;
}

static void stamp(struct changer *c, const struct changer_step *step)
{
	struct flow_place *place = place_of(c, step);

	if (place) {
		place->unstamp_ns = 0;
		(void)sock_set_stamp(place->flow.fd, true);
	}
}

/* Those that go take nothing any more. What they refuse has another socket, so what they have lost
 * is told before. */
static void refuse_all(struct changer *c, struct changer_step *first)
{
	const struct changer_step *end = c->steps + c->count;

	for (int refuse = 0; refuse < 2; refuse++) {
		if (refuse) {
			spread_settle();
		}
		for (struct changer_step *step = first;
		     step < end && step->op == SHARD_REMOVE_FLOW && step->cut; step++) {
			const struct flow_place *place = place_of(c, step);

			if (place && refuse) {
				sock_refuse_all(place->flow.fd);
			} else if (place) {
				step->drops_seen = sock_kernel_drops(place->flow.fd);
			}
		}
	}
}

/* NULL: it has no socket. */
static struct flow_place *place_of(struct changer *c, const struct changer_step *step)
{
	const struct flow_place *place = changer_find_flow(c, step->shard, &step->flow->in);

	return place && place->flow.fd >= 0
		       ? relay_place(&c->sup->workers[step->shard].shard->relay,
				     place_index(place->flow.token))
		       : NULL;
}
