/* lookup.c - see lookup.h.
 *
 * c-ares asks, repeats and reads answers. It has several sockets, which it names one by one; they
 * stand in an epoll set of ours, so that whoever polls has one descriptor. Of an answer only what
 * can be a host's address is handed on. A server that says nothing has failed after three seconds.
 * What resolv.conf says may be missing though there was no error: where c-ares could not read it,
 * for want of a descriptor perhaps, it takes this host for the server. So it is read again whenever
 * no server has answered.
 */
#include "src/setup/lookup.h"

#include <ares.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/stat.h>
#include <unistd.h>

#define TIMEOUT_MS  1000 /* of the first try; c-ares doubles it */
#define TRIES       2
#define EVENTS_MAX  16
#define RESOLV_CONF "/etc/resolv.conf"

struct lookup {
	ares_channel channel;
	int epoll_fd;
	uint32_t asked;      /* and not answered */
	struct stat read_at; /* of resolv.conf, when it was read */
	bool doubtful;       /* whether it was */
	bool closing;
};

/* What has been asked. */
struct question {
	struct lookup *lookup;
	uint16_t family; /* of the addresses wanted; 0: either */
	lookup_done *done;
	void *context;
};

static int open_channel(struct lookup *l);
static void watch_socket(void *data, ares_socket_t fd, int readable, int writable);
static void read_again(struct lookup *l);
static void take_answer(void *data, int status, int timeouts, struct ares_addrinfo *info);
static void take_addresses(const struct ares_addrinfo *info, uint16_t family,
			   struct lookup_answer *answer);
static bool is_of_host(const struct addr *addr);
static int errno_of(int status);

bool lookup_is_there(void)
{
	return true;
}

int lookup_open(struct lookup **out, struct err *err)
{
	struct lookup *l = calloc(1, sizeof(*l));
	int rc = l ? ares_library_init(ARES_LIB_INIT_ALL) : ARES_ENOMEM;

	if (rc != ARES_SUCCESS) {
		err_set(err, "names: %s", l ? ares_strerror(rc) : "out of memory");
		free(l);
		return -ENOMEM;
	}
	l->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	if (l->epoll_fd < 0) {
		rc = -errno;
		err_set(err, "names: epoll: %s", strerror(-rc));
	} else {
		rc = open_channel(l);
		if (rc < 0) {
			err_set(err, "names: c-ares cannot begin: %s", strerror(-rc));
		}
	}
	if (rc < 0) {
		lookup_close(l);
		return rc;
	}
	*out = l;
	return 0;
}

void lookup_begin(struct lookup *l, const struct host_name *name, lookup_done *done, void *context)
{
	struct ares_addrinfo_hints hints = {.ai_family = name->family ? name->family : AF_UNSPEC,
					    .ai_socktype = SOCK_DGRAM};
	struct question *question = malloc(sizeof(*question));
	struct lookup_answer none = {.rc = -ENOMEM, .why = "out of memory"};

	if (!question) {
		done(context, &none);
		return;
	}
	if (l->asked == 0) {
		read_again(l);
	}
	*question = (struct question){
		.lookup = l, .family = name->family, .done = done, .context = context};
	l->asked++;
	ares_getaddrinfo(l->channel, name->text, NULL, &hints, take_answer, question);
}

int lookup_fd(const struct lookup *l)
{
	return l->epoll_fd;
}

void lookup_tick(struct lookup *l)
{
	struct epoll_event events[EVENTS_MAX];
	int count = epoll_wait(l->epoll_fd, events, EVENTS_MAX, 0);

	for (int i = 0; i < count; i++) {
		bool in = events[i].events & (EPOLLIN | EPOLLERR | EPOLLHUP);
		bool out = events[i].events & EPOLLOUT;

		ares_process_fd(l->channel, in ? events[i].data.fd : ARES_SOCKET_BAD,
				out ? events[i].data.fd : ARES_SOCKET_BAD);
	}
	ares_process_fd(l->channel, ARES_SOCKET_BAD, ARES_SOCKET_BAD); /* what has taken too long */
}

int lookup_wait_ms(const struct lookup *l, int most_ms)
{
	struct timeval most = {.tv_sec = most_ms / 1000, .tv_usec = most_ms % 1000 * 1000};
	struct timeval wait, *until = ares_timeout(l->channel, &most, &wait);

	return l->asked == 0 ? most_ms : (int)(until->tv_sec * 1000 + until->tv_usec / 1000 + 1);
}

void lookup_close(struct lookup *l)
{
	if (!l) {
		return;
	}
	l->closing = true;
	if (l->channel) {
		ares_destroy(l->channel);
	}
	if (l->epoll_fd >= 0) {
		close(l->epoll_fd);
	}
	free(l);
	ares_library_cleanup();
}

static int open_channel(struct lookup *l)
{
	struct ares_options options = {.timeout = TIMEOUT_MS,
				       .tries = TRIES,
				       .sock_state_cb = watch_socket,
				       .sock_state_cb_data = l};
	ares_channel channel;
	struct stat now = {0};
	int status;

	(void)stat(RESOLV_CONF, &now);
	status = ares_init_options(&channel, &options,
				   ARES_OPT_TIMEOUTMS | ARES_OPT_TRIES | ARES_OPT_SOCK_STATE_CB);
	if (status != ARES_SUCCESS) {
		return errno_of(status);
	}
	l->channel = channel;
	l->read_at = now;
	l->doubtful = false;
	return 0;
}

/* A socket that is closed has left the set by itself. */
static void watch_socket(void *data, ares_socket_t fd, int readable, int writable)
{
	struct lookup *l = data;
	struct epoll_event event = {.data.fd = fd};

	event.events = (readable ? EPOLLIN : 0u) | (writable ? EPOLLOUT : 0u);
	if (event.events == 0) {
		(void)epoll_ctl(l->epoll_fd, EPOLL_CTL_DEL, fd, NULL);
	} else if (epoll_ctl(l->epoll_fd, EPOLL_CTL_MOD, fd, &event) < 0) {
		(void)epoll_ctl(l->epoll_fd, EPOLL_CTL_ADD, fd, &event);
	}
}

/* Other servers may be named by now. While nothing is asked, another channel takes the place of
 * this one; when it cannot be had, this one goes on. */
static void read_again(struct lookup *l)
{
	ares_channel before = l->channel;
	struct stat now = {0};

	(void)stat(RESOLV_CONF, &now);
	if (!l->doubtful && now.st_ino == l->read_at.st_ino && now.st_size == l->read_at.st_size &&
	    now.st_mtim.tv_sec == l->read_at.st_mtim.tv_sec &&
	    now.st_mtim.tv_nsec == l->read_at.st_mtim.tv_nsec) {
		return;
	}
	if (open_channel(l) == 0) {
		ares_destroy(before);
	}
}

static void take_answer(void *data, int status, int timeouts, struct ares_addrinfo *info)
{
	struct question *question = data;
	struct lookup *l = question->lookup;
	struct lookup_answer answer = {.rc = errno_of(status), .why = ares_strerror(status)};

	if (info) {
		take_addresses(info, question->family, &answer);
		ares_freeaddrinfo(info);
	}
	if (answer.rc == 0 && answer.count == 0) {
		answer.rc = -EADDRNOTAVAIL;
		answer.why =
			answer.refused > 0 ? "Its addresses are no host's" : "It has no address";
	}
	l->asked--;
	l->doubtful |= answer.rc == -ENOMEM || answer.rc == -ETIMEDOUT || answer.rc == -EIO;
	if (!l->closing) {
		question->done(question->context, &answer);
	}
	free(question);
}

/* c-ares also hands on what a server has added that was not asked for. */
static void take_addresses(const struct ares_addrinfo *info, uint16_t family,
			   struct lookup_answer *answer)
{
	for (const struct ares_addrinfo_node *node = info->nodes; node; node = node->ai_next) {
		uint32_t ttl_s = node->ai_ttl > 0 ? (uint32_t)node->ai_ttl : 0;
		struct addr addr;

		if (addr_from_sockaddr(node->ai_addr, &addr) < 0 || !is_of_host(&addr) ||
		    (family != 0 && addr.family != family)) {
			answer->refused++;
			continue;
		}
		addr.port = 0;
		if (answer->count == 0 || ttl_s < answer->ttl_s) {
			answer->ttl_s = ttl_s;
		}
		if (answer->count < LOOKUP_ADDRS_MAX) {
			answer->addrs[answer->count++] = addr;
		}
	}
}

/* What a rule may write for a host; a link-local one would need its interface. */
static bool is_of_host(const struct addr *addr)
{
	static const uint8_t mapped[12] = {[10] = 0xff, [11] = 0xff};
	bool v6 = addr->family == AF_INET6;

	return !addr_is_multicast(addr) && !addr_is_broadcast(addr) && !addr_is_any(addr) &&
	       (v6 ? !addr_is_link_local(addr) && memcmp(addr->ip, mapped, sizeof(mapped)) != 0
		   : addr->ip[0] != 0);
}

static int errno_of(int status)
{
	switch (status) {
	case ARES_SUCCESS:
		return 0;
	case ARES_ENOMEM:
		return -ENOMEM;
	case ARES_ETIMEOUT:
		return -ETIMEDOUT;
	case ARES_ENOTFOUND:
	case ARES_ENODATA:
		return -ENOENT;
	default:
		return -EIO;
	}
}
