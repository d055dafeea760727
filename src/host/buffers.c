/* buffers.c - will sockets get the buffers that are asked for?
 *
 * The kernel clamps SO_RCVBUF and SO_SNDBUF to rmem_max and wmem_max without a word, unless the
 * process has CAP_NET_ADMIN; all UDP sockets together are bounded by udp_mem; memberships and
 * control data come from optmem_max. Pure but for files below root. Units: bytes as the operator
 * counts them; udp_mem in pages.
 */
#include "src/host/host.h"

#include <inttypes.h>
#include <stdio.h>
#include <unistd.h>

#define BUFFER_GOOD  (4u << 20) /* holds a burst of trains: 60 of them */
#define OPTMEM_NEED  512 /* measured: 241 for an IPv6 source membership, 105 for control data */
#define BUFFER_TWICE 2   /* what the kernel charges for a byte asked for */

struct buffer_kind {
	const char *id;     /* also the sysctl's name below net.core */
	const char *normal; /* sysctl of the size without an option */
	const char *option;
	const char *loss;
};

static const struct buffer_kind receive_kind = {
	"rmem_max", "rmem_default", "--rcvbuf",
	"a burst that does not fit the receive buffer is lost before the relay sees it"};
static const struct buffer_kind send_kind = {
	"wmem_max", "wmem_default", "--sndbuf",
	"a train that does not fit the send buffer is dropped as egress_full"};

static const char udp_mem_why[] = "beyond it the kernel drops datagrams of every socket, however "
				  "empty their own buffers are";

static void check_buffer(struct host *host, const struct buffer_kind *kind, uint32_t want,
			 uint32_t got);
static void check_default_buffer(struct host *host, const struct buffer_kind *kind);
static void check_udp_mem(struct host *host);
static void check_optmem(struct host *host);

void host_buffers(struct host *host)
{
	const struct opt *opt = host->setup->opt;
	const struct host_tries *tries = &host->facts->tries;

	check_buffer(host, &receive_kind, opt->rcvbuf_bytes, tries->rcvbuf_bytes);
	check_buffer(host, &send_kind, opt->sndbuf_bytes, tries->sndbuf_bytes);
	check_udp_mem(host);
	check_optmem(host);
}

static void check_buffer(struct host *host, const struct buffer_kind *kind, uint32_t want,
			 uint32_t got)
{
	int64_t max = host_number(host, -1, "/proc/sys/net/core/%s", kind->id);
	struct finding finding = {.id = kind->id, .why = kind->loss};

	if (want == 0) {
		check_default_buffer(host, kind);
		return;
	}
	if (!host->facts->tries.done || got == 0) {
		finding.level = FINDING_UNKNOWN;
		finding.value = "not known: no socket could be tried";
	} else if (got < want) {
		finding.level = FINDING_WARN;
		finding.value = host_text(host, "a socket gets %u of the %u that %s asks for", got,
					  want, kind->option);
		if (max >= 0) {
			finding.cure = host_text(host, "sysctl -w net.core.%s=%u", kind->id, want);
		} else {
			finding.advice = host_text(host,
						   "raise net.core.%s on the host: it cannot be "
						   "seen from here",
						   kind->id);
		}
	} else {
		finding.value = host_text(host, "a socket gets the %u that %s asks for", want,
					  kind->option);
	}
	host_add(host, &finding);
}

static void check_default_buffer(struct host *host, const struct buffer_kind *kind)
{
	int64_t size = host_number(host, -1, "/proc/sys/net/core/%s", kind->normal);
	struct finding finding = {
		.level = size >= 0 && size < BUFFER_GOOD ? FINDING_WARN : FINDING_OK,
		.id = kind->id,
		.value = host_text(host, "no %s, so net.core.%s decides: %" PRId64, kind->option,
				   kind->normal, size),
		.why = kind->loss,
	};

	if (size < 0) {
		finding.level = FINDING_UNKNOWN;
		finding.value = host_text(host, "not known: no net.core.%s", kind->normal);
	}
	if (finding.level == FINDING_WARN) {
		finding.advice = host_text(host, "give %s %uM", kind->option, BUFFER_GOOD >> 20);
	}
	host_add(host, &finding);
}

/* Receive buffers of all flows, full at the same time, against what the kernel gives to UDP. */
static void check_udp_mem(struct host *host)
{
	const struct opt *opt = host->setup->opt;
	const char *line = host_line(host, "/proc/sys/net/ipv4/udp_mem");
	uint64_t page = (uint64_t)sysconf(_SC_PAGESIZE);
	uint64_t low, pressure, high, each, need;

	if (!line ||
	    sscanf(line, "%" SCNu64 " %" SCNu64 " %" SCNu64, &low, &pressure, &high) != 3) {
		host_add(host, &(struct finding){.level = FINDING_UNKNOWN,
						 .id = "udp_mem",
						 .value = "not known: no net.ipv4.udp_mem",
						 .why = udp_mem_why});
		return;
	}
	each = opt->rcvbuf_bytes
		       ? opt->rcvbuf_bytes
		       : (uint64_t)host_number(host, 0, "/proc/sys/net/core/rmem_default");
	need = (opt->conf.flow_count * each * BUFFER_TWICE + page - 1) / page;
	host_add(host,
		 &(struct finding){
			 .level = need > high ? FINDING_WARN : FINDING_OK,
			 .id = "udp_mem",
			 .value = host_text(host,
					    "net.ipv4.udp_mem = %" PRIu64 " %" PRIu64 " %" PRIu64
					    " pages, %u full receive buffers take %" PRIu64,
					    low, pressure, high, opt->conf.flow_count, need),
			 .why = udp_mem_why,
			 .cure = need > high ? host_text(host,
							 "sysctl -w net.ipv4.udp_mem='%" PRIu64
							 " %" PRIu64 " %" PRIu64 "'",
							 low, need, need)
					     : NULL,
		 });
}

static void check_optmem(struct host *host)
{
	int64_t most = host_number(host, -1, "/proc/sys/net/core/optmem_max");
	bool low = most >= 0 && most < OPTMEM_NEED;

	host_add(host,
		 &(struct finding){
			 .level = most < 0 ? FINDING_UNKNOWN
				  : low    ? FINDING_FAIL
					   : FINDING_OK,
			 .id = "optmem_max",
			 .value = most < 0
					  ? "not known: no net.core.optmem_max"
					  : host_text(host, "net.core.optmem_max = %" PRId64, most),
			 .why = "a socket's membership and the control data of its sends come from "
				"it; one flow a socket needs less than 512 bytes",
			 .cure = low ? "sysctl -w net.core.optmem_max=20480" : NULL,
		 });
}
