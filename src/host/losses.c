/* losses.c - what the kernel has counted of datagrams that no socket got, and nobody hears of.
 *
 * Counters of the whole network namespace since it was made: wrong UDP checksums, and fragments
 * that never became a datagram. They say that it happens, not to whom; whether it still does the
 * next look tells. Pure but for files below root. Units: datagrams.
 */
#include "src/host/host.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define SNMP4 "/proc/net/snmp"
#define SNMP6 "/proc/net/snmp6"

static void check_checksums(struct host *host);
static void check_fragments(struct host *host);
static int64_t count_v4(struct host *host, const char *group, const char *name);
static int column_of(const char *line, const char *name);
static int64_t number_in(const char *line, int column);
static int64_t count_v6(struct host *host, const char *name);

void host_losses(struct host *host)
{
	check_checksums(host);
	check_fragments(host);
}

static void check_checksums(struct host *host)
{
	int64_t v4 = count_v4(host, "Udp:", "InCsumErrors");
	int64_t v6 = count_v6(host, "Udp6InCsumErrors");
	struct finding finding = {
		.level = v4 < 0 ? FINDING_UNKNOWN : FINDING_OK,
		.id = "udp_checksums",
		.value = v4 < 0 ? "not known: no " SNMP4
				: host_text(host,
					    "%" PRId64
					    " datagrams came with a wrong checksum, %" PRId64
					    " of them IPv6",
					    v4 + (v6 > 0 ? v6 : 0), v6 > 0 ? v6 : 0),
		.why = "the kernel drops them at the socket, where they are among kernel_drops; "
		       "packet sniffers still show them",
	};

	if (v4 > 0 || v6 > 0) {
		finding.level = FINDING_WARN;
		finding.advice =
			"see whether it grows: nstat -az UdpInCsumErrors "
			"Udp6InCsumErrors; then look for a sender, a replay or a rewriting "
			"middlebox that computes them wrongly, or try ethtool -K rx off "
			"on the ingress";
	}
	host_add(host, &finding);
}

static void check_fragments(struct host *host)
{
	int64_t v4 = count_v4(host, "Ip:", "ReasmFails");
	int64_t v6 = count_v6(host, "Ip6ReasmFails");
	int64_t room = host_number(host, -1, "/proc/sys/net/ipv4/ipfrag_high_thresh");
	struct finding finding = {
		.level = v4 < 0 ? FINDING_UNKNOWN : FINDING_OK,
		.id = "reassembly",
		.value =
			v4 < 0 ? "not known: no " SNMP4
			       : host_text(host,
					   "%" PRId64 " times a datagram in fragments was given up",
					   v4 + (v6 > 0 ? v6 : 0)),
		.why = "a datagram longer than the sender's MTU comes in fragments, and is lost "
		       "when one of them is late or missing, or no memory is left to wait for it",
	};

	if (v4 > 0 || v6 > 0) {
		finding.level = FINDING_WARN;
		finding.advice = host_text(
			host,
			"see whether it grows: nstat -az IpReasmFails Ip6ReasmFails; best is that "
			"senders send no more than the MTU; room to wait is "
			"net.ipv4.ipfrag_high_thresh (%" PRId64
			") and net.ipv6.ip6frag_high_thresh",
			room);
	}
	host_add(host, &finding);
}

/* From two lines that begin with `group', names above numbers; -1: not there. */
static int64_t count_v4(struct host *host, const char *group, const char *name)
{
	const char *text = host_file(host, SNMP4);
	const char *names = text ? strstr(text, group) : NULL;
	const char *numbers = names ? strstr(names + 1, group) : NULL;
	int column = numbers ? column_of(names, name) : -1;

	return column < 0 ? -1 : number_in(numbers, column);
}

static int column_of(const char *line, const char *name)
{
	size_t len = strlen(name);
	int column = 0;

	for (; *line && *line != '\n'; column++) {
		size_t word = strcspn(line, " \n");

		if (word == len && strncmp(line, name, len) == 0) {
			return column;
		}
		line += word;
		line += strspn(line, " ");
	}
	return -1;
}

static int64_t number_in(const char *line, int column)
{
	for (; column > 0 && *line && *line != '\n'; column--) {
		line += strcspn(line, " \n");
		line += strspn(line, " ");
	}
	return column == 0 ? strtoll(line, NULL, 10) : -1;
}

/* "Udp6InCsumErrors                	0" */
static int64_t count_v6(struct host *host, const char *name)
{
	const char *text = host_file(host, SNMP6);
	const char *line = text ? strstr(text, name) : NULL;

	return line ? strtoll(line + strlen(name), NULL, 10) : -1;
}
