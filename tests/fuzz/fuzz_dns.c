/* fuzz_dns.c - any bytes as what a server of DNS answers about a host's name.
 *
 * The first byte says which addresses are wanted. Then come answers, each
 * behind a byte of flags and two for its length: with the first flag it gets
 * the question's number and the question itself, without which c-ares passes it
 * over. The server is a socket of this program. What must hold: no crash, each
 * question is answered once, and what is handed on is the address of a host, of
 * the family that was asked for.
 */
#include <ares.h>
#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "src/base/host_name.h"
#include "src/base/must.h"
#include "src/setup/lookup.h"

#define PACKET_MOST  1232
#define HEAD_BYTES   12
#define ROUNDS_MAX   200
#define WITH_ANSWER  1 /* flags */
#define WITH_NOTHING 2

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* In the place of c-ares' own, for this program. */
int __real_ares_init_options(ares_channel *out, struct ares_options *options, int mask);
int __wrap_ares_init_options(ares_channel *out, struct ares_options *options, int mask);

static int server = -1;
static uint16_t port;
static const uint8_t *input;
static size_t input_bytes;

/* Our server alone is asked, in a few milliseconds, and no file. */
int __wrap_ares_init_options(ares_channel *out, struct ares_options *options, int mask)
{
	static char lookups[] = "b";
	static struct in_addr servers[1];

	servers[0].s_addr = htonl(INADDR_LOOPBACK);
	options->timeout = 2;
	options->tries = 1;
	options->servers = servers;
	options->nservers = 1;
	options->udp_port = options->tcp_port = port;
	options->lookups = lookups;
	options->ndomains = 0;
	return __real_ares_init_options(
		out, options,
		mask | ARES_OPT_TIMEOUTMS | ARES_OPT_TRIES | ARES_OPT_SERVERS | ARES_OPT_UDP_PORT |
			ARES_OPT_TCP_PORT | ARES_OPT_LOOKUPS | ARES_OPT_DOMAINS);
}

static void open_server(void)
{
	struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t len = sizeof(at);

	server = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	must(server >= 0);
	must(bind(server, (struct sockaddr *)&at, sizeof(at)) == 0);
	must(getsockname(server, (struct sockaddr *)&at, &len) == 0);
	port = ntohs(at.sin_port);
}

/* The length of the question, behind the head of a packet that c-ares wrote. */
static size_t question_bytes(const uint8_t *packet, size_t len)
{
	size_t at = HEAD_BYTES;

	while (at < len && packet[at] != 0) {
		at += packet[at] + 1u;
	}
	must(at + 5 <= len);
	return at + 5 - HEAD_BYTES;
}

/* The next answer to `asked' from the input; 0 bytes: none. */
static size_t make_answer(const uint8_t *asked, size_t asked_len, uint8_t *out)
{
	size_t len, question, used = 0;
	uint8_t flags;

	if (input_bytes < 3) {
		return 0;
	}
	flags = input[0];
	len = input[1] | (size_t)input[2] << 8;
	len = len < input_bytes - 3 ? len : input_bytes - 3;
	input += 3;
	input_bytes -= 3;
	question = question_bytes(asked, asked_len);
	if (flags & WITH_ANSWER && len >= HEAD_BYTES &&
	    len + question <= PACKET_MOST) { /* its number, and a head of the input's */
		memcpy(out, asked, 2);
		memcpy(out + 2, input + 2, HEAD_BYTES - 2);
		memcpy(out + HEAD_BYTES, asked + HEAD_BYTES, question);
		memcpy(out + HEAD_BYTES + question, input + HEAD_BYTES, len - HEAD_BYTES);
		used = len + question;
	} else if (!(flags & WITH_NOTHING)) {
		used = len < PACKET_MOST ? len : PACKET_MOST;
		memcpy(out, input, used);
	}
	input += len;
	input_bytes -= len;
	return used;
}

static void serve(void)
{
	uint8_t asked[PACKET_MOST], answer[PACKET_MOST];
	struct sockaddr_in from;
	socklen_t from_len = sizeof(from);
	ssize_t len;

	while ((len = recvfrom(server, asked, sizeof(asked), 0, (struct sockaddr *)&from,
			       &from_len)) > 0) {
		size_t bytes = make_answer(asked, (size_t)len, answer);

		if (bytes > 0) {
			(void)sendto(server, answer, bytes, 0, (struct sockaddr *)&from, from_len);
		}
		from_len = sizeof(from);
	}
}

struct wait {
	const struct host_name *name;
	unsigned answers;
};

static void judge(void *context, const struct lookup_answer *answer)
{
	struct wait *wait = context;

	must(wait->answers++ == 0);
	must(answer->count <= LOOKUP_ADDRS_MAX);
	must(answer->rc < 0 || answer->count > 0);
	must(answer->rc == 0 || answer->why);
	for (uint32_t i = 0; answer->rc == 0 && i < answer->count; i++) {
		const struct addr *addr = &answer->addrs[i];

		must(addr->family == AF_INET || addr->family == AF_INET6);
		must(wait->name->family == 0 || addr->family == wait->name->family);
		must(addr->port == 0);
		must(!addr_is_multicast(addr));
		must(!addr_is_broadcast(addr));
		must(!addr_is_any(addr));
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const uint16_t families[] = {0, AF_INET, AF_INET6};
	struct lookup *lookup = NULL;
	struct wait wait = {0};
	struct err err;

	if (size == 0) {
		return 0;
	}
	if (server < 0) {
		open_server();
	}
	wait.name = host_name_keep("host.example", families[data[0] % 3]);
	must(wait.name);
	input = data + 1;
	input_bytes = size - 1;
	must(lookup_open(&lookup, &err) == 0);
	lookup_begin(lookup, wait.name, judge, &wait);
	for (int i = 0; i < ROUNDS_MAX && wait.answers == 0; i++) {
		struct pollfd fd = {.fd = lookup_fd(lookup), .events = POLLIN};

		serve();
		(void)poll(&fd, 1, lookup_wait_ms(lookup, 5));
		lookup_tick(lookup);
	}
	must(wait.answers == 1);
	lookup_close(lookup);
	serve(); /* what is left of its questions */
	return 0;
}
