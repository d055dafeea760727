/* share.c - the share of a source or a CPU, as a function and as programs (step 3). See share.h.
 *
 * The programs read the network header (SKF_NET_OFF), which is in the same place for both kinds of
 * socket and, of a datagram that came in fragments, the first fragment's. Their words are the
 * kernel's, of 32 bits, as the function's are. Pure.
 */
#include "shard/share.h"

#include <string.h>
#include <sys/socket.h>

#include "src/base/must.h"

#define SCATTER    2654435761U /* 2^32 divided by the golden ratio */
#define SCATTERED  16          /* bits below those that are scattered best */
#define V4_SOURCE  12          /* where the source stands in an IPv4 header */
#define V6_SOURCE  8           /* the same of IPv6 */
#define TAKE_WHOLE UINT32_MAX

static uint32_t word(const uint8_t *at);
static void load_share(const struct share *share, int family, struct share_program *out);
static void load_source(int family, struct share_program *out);
static void load_cpu_share(const struct share *share, struct share_program *out);
static void emit(struct share_program *program, struct sock_filter code);

bool share_is_same(const struct share *a, const struct share *b)
{
	if (!share_is_part(a) || !share_is_part(b)) {
		return share_is_part(a) == share_is_part(b);
	}
	return a->by == b->by && a->index == b->index && a->count == b->count &&
	       (a->by != SHARE_BY_CPU ||
		memcmp(a->cpus_os, b->cpus_os, a->count * sizeof(*a->cpus_os)) == 0);
}

const char *share_by_name(enum share_by by)
{
	switch (by) {
	case SHARE_BY_OUTPUTS:
		return "outputs";
	case SHARE_BY_SOURCE:
		return "source";
	case SHARE_BY_CPU:
		return "cpu";
	}
	return "unknown";
}

uint32_t share_of_source(const struct addr *source, uint32_t count)
{
	uint32_t x = word(source->ip);

	must(count > 0);
	if (source->family == AF_INET6) {
		x ^= word(source->ip + 4) ^ word(source->ip + 8) ^ word(source->ip + 12);
	}
	return (x * SCATTER >> SCATTERED) % count;
}

uint32_t share_of_cpu(const int *cpus_os, uint32_t count, int cpu_os)
{
	must(count > 0);
	for (uint32_t i = 0; i < count; i++) {
		if (cpus_os[i] == cpu_os) {
			return i;
		}
	}
	return (uint32_t)cpu_os % count;
}

void share_filter(const struct share *share, int family, struct share_program *out)
{
	load_share(share, family, out);
	emit(out, (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, share->index, 0, 1));
	emit(out, (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, TAKE_WHOLE));
	emit(out, (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, 0));
}

void share_chooser(const struct share *share, int family, struct share_program *out)
{
	load_share(share, family, out);
	emit(out, (struct sock_filter)BPF_STMT(BPF_RET | BPF_A, 0));
}

static uint32_t word(const uint8_t *at)
{
	return (uint32_t)at[0] << 24 | (uint32_t)at[1] << 16 | (uint32_t)at[2] << 8 | at[3];
}

/* The number of the share into A. */
static void load_share(const struct share *share, int family, struct share_program *out)
{
	must(share->count > 1);
	must(share->count <= SHARES_MAX);
	must(share->index < share->count);
	out->len = 0;
	if (share->by == SHARE_BY_CPU) {
		load_cpu_share(share, out);
		return;
	}
	must(share->by == SHARE_BY_SOURCE);
	load_source(family, out);
	emit(out, (struct sock_filter)BPF_STMT(BPF_ALU | BPF_MUL | BPF_K, SCATTER));
	emit(out, (struct sock_filter)BPF_STMT(BPF_ALU | BPF_RSH | BPF_K, SCATTERED));
	emit(out, (struct sock_filter)BPF_STMT(BPF_ALU | BPF_MOD | BPF_K, share->count));
}

/* The source as one word. */
static void load_source(int family, struct share_program *out)
{
	uint32_t net = (uint32_t)SKF_NET_OFF;

	if (family == AF_INET) {
		emit(out, (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS, net + V4_SOURCE));
		return;
	}
	for (uint32_t i = 0; i < 4; i++) {
		if (i > 0) {
			emit(out, (struct sock_filter)BPF_STMT(BPF_MISC | BPF_TAX, 0));
		}
		emit(out, (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS,
						       net + V6_SOURCE + 4 * i));
		if (i > 0) {
			emit(out, (struct sock_filter)BPF_STMT(BPF_ALU | BPF_XOR | BPF_X, 0));
		}
	}
}

/* A table of the owners' CPUs, and the remainder for all others. */
static void load_cpu_share(const struct share *share, struct share_program *out)
{
	uint32_t end = 1 + 3U * share->count; /* where the remainder is taken */

	emit(out, (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS,
					       (uint32_t)(SKF_AD_OFF + SKF_AD_CPU)));
	for (uint32_t i = 0; i < share->count; i++) {
		uint32_t cpu = (uint32_t)share->cpus_os[i];

		emit(out, (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, cpu, 0, 2));
		emit(out, (struct sock_filter)BPF_STMT(BPF_LD | BPF_IMM, i));
		emit(out, (struct sock_filter)BPF_STMT(BPF_JMP | BPF_JA, end - out->len));
	}
	must(out->len == end);
	emit(out, (struct sock_filter)BPF_STMT(BPF_ALU | BPF_MOD | BPF_K, share->count));
}

static void emit(struct share_program *program, struct sock_filter code)
{
	must(program->len < SHARE_PROGRAM_MAX);
	program->code[program->len++] = code;
}
