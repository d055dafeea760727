/* tries.c - opens, sets and raises what the start will, and undoes it.
 *
 * Each trial stands for itself: what one of them cannot do does not keep the others from being
 * made. The rings are those of the shards, all open at the same time, since a limit may hold one of
 * them and not all. Control thread.
 */
#include "src/host/tries.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "shard/sock.h"
#include "src/setup/needs.h"

#define PRIORITY_ADMIN 7    /* SO_PRIORITY above 6 is not for everybody */
#define PORTS_MAX      4096 /* endpoints that are tried */

/* A shard that gets no further than its ring. */
struct trial {
	struct shard_spec spec;
	struct arena arena;
	struct shard *shard; /* in the arena */
};

static void try_socket(const struct setup *setup, struct host_tries *tries);
static int try_option(int fd, int level, int name, int value);
static uint32_t try_buffer(int fd, bool egress, uint32_t want);
static int try_low_port(const struct conf *conf);
static void try_ports(const struct setup *setup, struct host_tries *tries);
static void note_busy(struct host_tries *tries, int fd, const struct err *err);
static uint64_t try_files(uint64_t need);
static void try_rings(const struct setup *setup, struct host_facts *facts);
static void raise_locked(void);
static int try_ring(const struct setup *setup, uint32_t i, struct trial *trial,
		    struct host_facts *facts);

void host_try(const struct setup *setup, struct host_facts *facts)
{
	struct host_tries *tries = &facts->tries;

	tries->done = true;
	try_socket(setup, tries);
	tries->low_port = try_low_port(&setup->opt->conf);
	try_ports(setup, tries);
	(void)marks_look(&setup->opt->conf, &setup->ifaces, &tries->marks);
	tries->files = try_files(needs_files(setup));
	try_rings(setup, facts);
}

static void try_socket(const struct setup *setup, struct host_tries *tries)
{
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	if (fd < 0) {
		tries->done = false;
		return;
	}
	tries->keep = try_option(fd, IPPROTO_IP, IP_TRANSPARENT, 1);
	tries->priority = try_option(fd, SOL_SOCKET, SO_PRIORITY, PRIORITY_ADMIN);
	tries->rcvbuf_bytes = try_buffer(fd, false, setup->opt->rcvbuf_bytes);
	tries->sndbuf_bytes = try_buffer(fd, true, setup->opt->sndbuf_bytes);
	close(fd);
}

static int try_option(int fd, int level, int name, int value)
{
	return setsockopt(fd, level, name, &value, sizeof(value)) < 0 ? -errno : 0;
}

/* By force first, as the shards do; what is read back is twice what was asked for. */
static uint32_t try_buffer(int fd, bool egress, uint32_t want)
{
	int name = egress ? SO_SNDBUF : SO_RCVBUF, got = 0;
	socklen_t len = sizeof(got);

	if (try_option(fd, SOL_SOCKET, egress ? SO_SNDBUFFORCE : SO_RCVBUFFORCE, (int)want) < 0) {
		(void)try_option(fd, SOL_SOCKET, name, (int)want);
	}
	return getsockopt(fd, SOL_SOCKET, name, &got, &len) < 0 ? 0 : (uint32_t)got / 2;
}

/* The lowest port that a rule binds, 0 when no rule does. */
static int try_low_port(const struct conf *conf)
{
	struct sockaddr_in at = {.sin_family = AF_INET};
	unsigned lowest = UINT16_MAX;
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	int rc;

	for (uint32_t i = 0; i < conf->flow_count; i++) {
		unsigned port = conf->flows[i].in.at.addr.port;

		lowest = port < lowest ? port : lowest;
	}
	for (uint32_t i = 0; i < conf->output_count; i++) {
		unsigned port = conf->outputs[i].sport;

		lowest = port != 0 && port < lowest ? port : lowest;
	}
	at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	at.sin_port = htons((uint16_t)lowest);
	rc = fd < 0 || bind(fd, (struct sockaddr *)&at, sizeof(at)) < 0 ? -errno : 0;
	if (fd >= 0) {
		close(fd);
	}
	return rc == -EACCES || rc == -EPERM ? rc : 0; /* a busy one was allowed */
}

static void try_ports(const struct setup *setup, struct host_tries *tries)
{
	const struct conf *conf = &setup->opt->conf;
	struct sock_want want = {0};
	struct sock_got got;
	struct err err;

	for (uint32_t i = 0; i < conf->flow_count && i < PORTS_MAX; i++) {
		const struct rule_ingress *in = &conf->flows[i].in;
		const struct iface *iface = iface_find(&setup->ifaces, in->at.ifname);

		note_busy(tries,
			  sock_open_ingress(in, iface ? iface->ifindex : 0, &want, &got, &err),
			  &err);
	}
	for (uint32_t i = 0; i < conf->output_count && i < PORTS_MAX; i++) {
		const struct rule_output *out = &conf->outputs[i];
		const struct iface *iface = iface_find(&setup->ifaces, out->to.ifname);

		if (out->sport != 0 && endpoint_is_known(&out->to)) {
			note_busy(tries,
				  sock_open_egress(out, iface ? iface->ifindex : 0, &want, &got,
						   &err),
				  &err);
		}
	}
}

/* What else keeps a socket from being opened, other findings name. */
static void note_busy(struct host_tries *tries, int fd, const struct err *err)
{
	if (fd >= 0) {
		close(fd);
	} else if (fd == -EADDRINUSE && tries->busy_count++ == 0) {
		tries->busy = *err;
	}
}

/* How many files may be open when the start has asked for `need'. */
static uint64_t try_files(uint64_t need)
{
	struct rlimit now, wanted, hard;

	if (getrlimit(RLIMIT_NOFILE, &now) < 0) {
		return 0;
	}
	if (now.rlim_max >= need) {
		return now.rlim_max;
	}
	wanted = (struct rlimit){need, need};
	hard = now;
	if (setrlimit(RLIMIT_NOFILE, &wanted) == 0) {
		(void)setrlimit(RLIMIT_NOFILE, &now);
		hard.rlim_max = need;
	}
	return hard.rlim_max;
}

/* Only where the engine that is preferred is built on it. */
static void try_rings(const struct setup *setup, struct host_facts *facts)
{
	enum ring_engine engine = ring_preferred(setup->opt->engine);
	uint32_t count = setup->plan.shard_count;
	struct trial *trials;

	if (setup->opt->waits.busy_poll_us > 0) {
		facts->busy_poll_rc = ring_probe_busy_poll(engine);
	}
	if (!ring_can(engine, RING_USES_IO_URING)) {
		return;
	}
	trials = calloc(count + 1UL, sizeof(*trials));
	if (!trials) {
		facts->uring_rc = -ENOMEM;
		return;
	}
	raise_locked();
	facts->uring_rc = ring_probe(engine, &facts->uring_error);
	for (uint32_t i = 0; i < count && facts->uring_rc == 0; i++) {
		facts->uring_rc = try_ring(setup, i, &trials[i], facts);
		facts->tries.rings += facts->uring_rc == 0;
	}
	for (uint32_t i = 0; i < count; i++) {
		if (trials[i].shard) {
			shard_close(trials[i].shard);
		}
		arena_unmap(&trials[i].arena);
	}
	free(trials);
}

/* As the start does it. It stays so: nothing else here needs the lower limit. */
static void raise_locked(void)
{
	const struct rlimit all = {RLIM_INFINITY, RLIM_INFINITY};
	struct rlimit now;

	if (setrlimit(RLIMIT_MEMLOCK, &all) < 0 && getrlimit(RLIMIT_MEMLOCK, &now) == 0) {
		now.rlim_cur = now.rlim_max;
		(void)setrlimit(RLIMIT_MEMLOCK, &now);
	}
}

/* The ring of shard `i' as that orders it, in memory that is hardly touched. */
static int try_ring(const struct setup *setup, uint32_t i, struct trial *trial,
		    struct host_facts *facts)
{
	static struct mailbox mailbox; /* nobody writes: no socket is opened */
	int rc;

	setup_spec(setup, i, &trial->spec);
	rc = arena_map(&trial->arena, shard_arena_bytes(&trial->spec), ARENA_HUGE_OFF);
	if (rc < 0) {
		err_set(&facts->uring_error, "io_uring: cannot map memory for a trial ring: %s",
			strerror(-rc));
		return rc;
	}
	rc = shard_open(&trial->spec, &trial->arena, &mailbox, &trial->shard, &facts->uring_error);
	if (rc == 0) {
		facts->uring_features = trial->shard->features;
	}
	return rc;
}
