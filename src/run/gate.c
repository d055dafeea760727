/* gate.c - see gate.h. The mutex is the last lock before traffic and the first after it. */
#include "src/run/gate.h"

#include <errno.h>
#include <sys/eventfd.h>
#include <unistd.h>

int gate_init(struct gate *gate)
{
	*gate = (struct gate){.order = GATE_CLOSED};
	pthread_mutex_init(&gate->lock, NULL);
	pthread_cond_init(&gate->changed, NULL);
	gate->eventfd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	return gate->eventfd < 0 ? -errno : 0;
}

void gate_free(struct gate *gate)
{
	if (gate->eventfd >= 0) {
		close(gate->eventfd);
	}
	pthread_cond_destroy(&gate->changed);
	pthread_mutex_destroy(&gate->lock);
}

void gate_arrive(struct gate *gate, uint32_t *stage)
{
	uint64_t one = 1;

	pthread_mutex_lock(&gate->lock);
	(*stage)++;
	pthread_cond_broadcast(&gate->changed);
	pthread_mutex_unlock(&gate->lock);
	if (write(gate->eventfd, &one, sizeof(one)) < 0) {
		return; /* full: the control thread is awake already */
	}
}

enum gate_order gate_await_order(struct gate *gate, enum gate_order order)
{
	pthread_mutex_lock(&gate->lock);
	while (gate->order == order) {
		pthread_cond_wait(&gate->changed, &gate->lock);
	}
	order = gate->order;
	pthread_mutex_unlock(&gate->lock);
	return order;
}

void gate_order(struct gate *gate, enum gate_order order)
{
	pthread_mutex_lock(&gate->lock);
	gate->order = order;
	pthread_cond_broadcast(&gate->changed);
	pthread_mutex_unlock(&gate->lock);
}

void gate_wait(struct gate *gate, const uint32_t *stage, uint32_t count)
{
	pthread_mutex_lock(&gate->lock);
	while (*stage < count) {
		pthread_cond_wait(&gate->changed, &gate->lock);
	}
	pthread_mutex_unlock(&gate->lock);
}

bool gate_passed(struct gate *gate, const uint32_t *stage, uint32_t count)
{
	bool passed;

	pthread_mutex_lock(&gate->lock);
	passed = *stage >= count;
	pthread_mutex_unlock(&gate->lock);
	return passed;
}

void gate_keep(struct gate *gate)
{
	pthread_mutex_lock(&gate->lock);
}

void gate_let(struct gate *gate)
{
	pthread_mutex_unlock(&gate->lock);
}
