/* fuzz_probe.c - whatever the network sends to numacast-probe recv.
 *
 * The input is a run of datagrams: a byte for the socket, two for the length, then the bytes. An
 * odd first byte of the socket field asks for the checksum to be mended, so that the fuzzer gets
 * past it. What must hold: no crash, and every datagram is in exactly one counter.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "src/base/must.h"
#include "src/probe/tally.h"

#define SOCKETS 4

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Reads the fields of a header as they stand and writes it again, which makes it sound. */
static void mend(unsigned char *datagram, size_t len)
{
	struct probe_wire wire = {0};

	if (len < PROBE_WIRE_HEADER_BYTES) {
		return;
	}
	wire.kind = datagram[5] & 1;
	wire.clock = 1 + (datagram[6] & 1);
	memcpy(&wire.session, datagram + 8, sizeof(wire.session));
	memcpy(&wire.flow, datagram + 12, sizeof(wire.flow));
	memcpy(&wire.seq, datagram + 16, sizeof(wire.seq));
	memcpy(&wire.time_ns, datagram + 24, sizeof(wire.time_ns));
	memcpy(&wire.boot, datagram + 32, sizeof(wire.boot));
	memcpy(&wire.size_bytes, datagram + 36, sizeof(wire.size_bytes));
	wire.seq >>= 24 + wire.seq % 40; /* near ones more often than absurd ones */
	probe_wire_pack(&wire, datagram);
}

static void judge(struct probe_tally *tally, uint64_t datagrams)
{
	struct probe_expect unsaid = {PROBE_UNKNOWN, PROBE_UNKNOWN, PROBE_UNKNOWN, false};
	struct probe_result result;
	uint64_t in_flows = 0;

	must(tally->received_count + tally->foreign_count + tally->damaged_count +
		     tally->marker_count ==
	     datagrams);
	for (uint32_t i = 0; i < tally->flow_count; i++) {
		const struct probe_seq *seq = &tally->flows[i].seq;
		struct probe_range gap = {0};
		uint64_t missing = 0;
		uint64_t from = 0;

		in_flows += seq->unique_count + seq->duplicate_count;
		while (probe_seq_gap(seq, from, seq->next, &gap)) {
			missing += gap.last - gap.first + 1;
			from = gap.last + 1;
		}
		must(missing + seq->unique_count == seq->next);
	}
	must(in_flows + tally->short_count + tally->untracked_count == tally->received_count);
	probe_tally_sum(tally, &unsaid, &result);
	must(result.ok == (!result.nothing &&
			   result.lost + result.duplicated + result.reordered + result.corrupt +
					   result.cut + result.surplus + tally->untracked_count ==
				   0));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static bool ready;
	const struct addr source = {0};
	const struct probe_now now = {1000, 2000};
	struct probe_tally tally;
	uint64_t datagrams = 0;

	if (!ready) {
		probe_wire_init();
		ready = true;
	}
	if (probe_tally_init(&tally, SOCKETS, 1) != 0) {
		return 0;
	}
	while (size >= 3) {
		size_t len = (size_t)data[1] << 8 | data[2];
		unsigned char *datagram;

		len = len < size - 3 ? len : size - 3;
		datagram = malloc(len + (len == 0));
		must(datagram != NULL);
		memcpy(datagram, data + 3, len);
		if ((data[0] & 1) != 0) {
			mend(datagram, len);
		}
		probe_tally_add(&tally, data[0] / 2 % SOCKETS, datagram, len, &source, &now);
		free(datagram);
		datagrams++;
		data += 3 + len;
		size -= 3 + len;
	}
	judge(&tally, datagrams);
	probe_tally_free(&tally);
	return 0;
}
