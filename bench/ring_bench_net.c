/* ring_bench_net.c - sockets, feeder and clocks of ring_bench; see ring_bench.c.
 *
 * The feeder is a thread on another processor where there is one. It sends on an absolute schedule,
 * sleeping between bursts of what is due, and stamps each datagram with the time.
 */
#include "bench/ring_bench.h"

#include <arpa/inet.h>
#include <dirent.h>
#include <errno.h>
#include <netinet/in.h>
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "bench/bench.h"
#include "src/base/must.h"

#define LATENCIES_MAX 65536
#define IN_SIZE       (4 << 20)
#define PATH_BYTES    512
#define FEED_NAP_NS   5000

struct feeder {
	pthread_t thread;
	int fd;
	double rate;
	double seconds;
	uint64_t fed;
	int done; /* written by the feeder, read by the echo; release, acquire */
};

static double latencies[LATENCIES_MAX];
static unsigned latency_count;

static void keep_apart(pthread_attr_t *attr);
static void *feed(void *arg);
static int open_socket(struct sockaddr_in *bound, int size);
static void feed_one(int fd);
static uint64_t task_ns(const char *task, const char *want);

struct feeder *feeder_start(int fd, double rate, double seconds)
{
	struct feeder *f = calloc(1, sizeof(*f));
	pthread_attr_t attr;
	int ret;

	must(f != NULL);
	*f = (struct feeder){.fd = fd, .rate = rate, .seconds = seconds};
	must(pthread_attr_init(&attr) == 0);
	keep_apart(&attr);
	ret = pthread_create(&f->thread, &attr, feed, f);
	if (ret != 0) {
		ring_bench_die("cannot start a thread", ret);
	}
	pthread_attr_destroy(&attr);
	return f;
}

bool feeder_done(const struct feeder *f)
{
	return __atomic_load_n(&f->done, __ATOMIC_ACQUIRE) != 0;
}

uint64_t feeder_stop(struct feeder *f)
{
	uint64_t fed;

	must(pthread_join(f->thread, NULL) == 0);
	fed = f->fed;
	free(f);
	return fed;
}

void echo_net_open(struct echo_net *net)
{
	struct sockaddr_in in, sink, any;

	net->in = open_socket(&in, IN_SIZE);
	net->sink = open_socket(&sink, ECHO_SINK_SIZE);
	net->feed = open_socket(&any, ECHO_SINK_SIZE);
	net->out = open_socket(&any, ECHO_SINK_SIZE);
	must(connect(net->feed, (struct sockaddr *)&in, sizeof(in)) == 0);
	must(connect(net->out, (struct sockaddr *)&sink, sizeof(sink)) == 0);
}

void echo_net_close(struct echo_net *net)
{
	close(net->feed);
	close(net->in);
	close(net->out);
	close(net->sink);
}

void echo_feed(const struct echo_net *net, unsigned count)
{
	for (unsigned i = 0; i < count; i++) {
		feed_one(net->feed);
	}
}

void latency_reset(void)
{
	latency_count = 0;
}

void latency_note(const unsigned char *payload)
{
	uint64_t sent_ns;

	memcpy(&sent_ns, payload, sizeof(sent_ns));
	if (latency_count < LATENCIES_MAX) {
		latencies[latency_count++] = (double)(clock_now_ns() - sent_ns) / 1000;
	}
}

double latency_p50_us(void)
{
	return latency_count > 0 ? bench_median(latencies, latency_count) : 0;
}

uint64_t bench_cpu_ns(void)
{
	struct timespec ts;

	must(clock_gettime(CLOCK_THREAD_CPUTIME_ID, &ts) == 0);
	return (uint64_t)ts.tv_sec * NS_PER_S + (uint64_t)ts.tv_nsec;
}

uint64_t bench_sqpoll_ns(void)
{
	DIR *dir = opendir("/proc/self/task");
	struct dirent *entry;
	uint64_t sum = 0;

	while (dir && (entry = readdir(dir)) != NULL) {
		if (entry->d_name[0] != '.') {
			sum += task_ns(entry->d_name, "iou-sqp");
		}
	}
	if (dir) {
		closedir(dir);
	}
	return sum;
}

uint64_t bench_switches(void)
{
	struct rusage usage;

	must(getrusage(RUSAGE_THREAD, &usage) == 0);
	return (uint64_t)usage.ru_nvcsw + (uint64_t)usage.ru_nivcsw;
}

void ring_bench_die(const char *what, int error)
{
	fprintf(stderr, "ring_bench: %s: %s\n", what, strerror(error));
	exit(EXIT_FAILURE);
}

/* On any processor but the one that this thread is pinned to. */
static void keep_apart(pthread_attr_t *attr)
{
	long count = sysconf(_SC_NPROCESSORS_ONLN);
	cpu_set_t set;

	CPU_ZERO(&set);
	for (long cpu = 0; cpu < count; cpu++) {
		if (cpu != sched_getcpu() || count == 1) {
			CPU_SET((size_t)cpu, &set);
		}
	}
	(void)pthread_attr_setaffinity_np(attr, sizeof(set), &set);
}

static void *feed(void *arg)
{
	struct feeder *f = arg;
	const struct timespec nap = {.tv_nsec = FEED_NAP_NS};
	uint64_t start_ns = clock_now_ns();
	uint64_t total = (uint64_t)(f->rate * f->seconds);

	while (f->fed < total) {
		uint64_t due = (uint64_t)((double)(clock_now_ns() - start_ns) * f->rate / NS_PER_S);

		for (due = due < total ? due : total; f->fed < due; f->fed++) {
			feed_one(f->fd);
		}
		nanosleep(&nap, NULL);
	}
	__atomic_store_n(&f->done, 1, __ATOMIC_RELEASE);
	return NULL;
}

static int open_socket(struct sockaddr_in *bound, int size)
{
	socklen_t len = sizeof(*bound);
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	*bound = (struct sockaddr_in){.sin_family = AF_INET,
				      .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	if (fd < 0 || bind(fd, (struct sockaddr *)bound, len) < 0 ||
	    getsockname(fd, (struct sockaddr *)bound, &len) < 0) {
		ring_bench_die("cannot open a socket on 127.0.0.1", errno);
	}
	must(setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof(size)) == 0);
	return fd;
}

static void feed_one(int fd)
{
	unsigned char payload[ECHO_BYTES] = {0};
	uint64_t now_ns = clock_now_ns();

	memcpy(payload, &now_ns, sizeof(now_ns));
	if (send(fd, payload, sizeof(payload), 0) != (ssize_t)sizeof(payload)) {
		ring_bench_die("cannot feed", errno);
	}
}

/* The first number in a file of a task, or the number 0; `want' is what its name begins with. */
static uint64_t task_ns(const char *task, const char *want)
{
	char path[PATH_BYTES];
	char name[32] = "";
	unsigned long long ns = 0;
	FILE *file;

	snprintf(path, sizeof(path), "/proc/self/task/%s/comm", task);
	file = fopen(path, "re");
	if (file) {
		if (!fgets(name, sizeof(name), file)) {
			name[0] = '\0';
		}
		fclose(file);
	}
	if (strncmp(name, want, strlen(want)) != 0) {
		return 0;
	}
	snprintf(path, sizeof(path), "/proc/self/task/%s/schedstat", task);
	file = fopen(path, "re");
	if (file) {
		if (fscanf(file, "%llu", &ns) != 1) {
			ns = 0;
		}
		fclose(file);
	}
	return ns;
}
