/* sysctl.c - writes a sysctl.d file from options and plan. See sysctl.h. */
#include "src/view/sysctl.h"

#include <inttypes.h>
#include <string.h>

#include "src/base/out.h"

static void print_buffer(const struct setup *setup, const char *name, const char *option,
			 uint32_t want, FILE *out);
static uint64_t current_value(const struct setup *setup, const char *path);
static void print_balancing(const struct setup *setup, FILE *out);
static void print_filters(const struct setup *setup, FILE *out);
static bool is_ingress_v4(const struct conf *conf, const char *ifname);

int view_sysctl(const struct setup *setup, FILE *out)
{
	fputs("# Kernel settings for numacastd(8), as numacastd --plan=sysctl prints them. A file\n"
	      "# of this name below /etc/sysctl.d is read at boot; sysctl --system reads it "
	      "now.\n\n",
	      out);
	print_buffer(setup, "rmem_max", "--rcvbuf", setup->opt->rcvbuf_bytes, out);
	print_buffer(setup, "wmem_max", "--sndbuf", setup->opt->sndbuf_bytes, out);
	print_balancing(setup, out);
	print_filters(setup, out);
	return out_finish(out);
}

static void print_buffer(const struct setup *setup, const char *name, const char *option,
			 uint32_t want, FILE *out)
{
	char path[64];
	uint64_t now;

	snprintf(path, sizeof(path), "/proc/sys/net/core/%s", name);
	now = current_value(setup, path);
	if (want == 0) {
		fprintf(out, "# net.core.%s: no %s\n", name, option);
		return;
	}
	fprintf(out, "# %s %" PRIu32 "; the daemon needs it only without CAP_NET_ADMIN\n", option,
		want);
	fprintf(out, "net.core.%s = %" PRIu64 "\n", name, now > want ? now : want);
}

/* What the host has now, or 0. */
static uint64_t current_value(const struct setup *setup, const char *path)
{
	FILE *file = setup->topo.this_machine ? fopen(path, "re") : NULL;
	uint64_t value = 0;

	if (!file) {
		return 0;
	}
	if (fscanf(file, "%" SCNu64, &value) != 1) {
		value = 0;
	}
	fclose(file);
	return value;
}

static void print_balancing(const struct setup *setup, FILE *out)
{
	if (setup->topo.node_count < 2) {
		fputs("# kernel.numa_balancing: one node only\n", out);
		return;
	}
	fprintf(out,
		"# %" PRIu32 " nodes; memory is placed where it is used and needs no moving\n"
		"-kernel.numa_balancing = 0\n",
		setup->topo.node_count);
}

static void print_filters(const struct setup *setup, FILE *out)
{
	for (uint32_t i = 0; i < setup->ifaces.count; i++) {
		const char *name = setup->ifaces.list[i].name;
		char dot = strchr(name, '.') ? '/' : '.';

		if (is_ingress_v4(&setup->opt->conf, name)) {
			fprintf(out,
				"\n# For sources that are not routed back by %s (--check-host "
				"tells): loose check\n"
				"#net%cipv4%cconf%c%s%crp_filter = 2\n",
				name, dot, dot, dot, name, dot);
		}
	}
}

/* IPv4 comes in by it? */
static bool is_ingress_v4(const struct conf *conf, const char *ifname)
{
	for (uint32_t i = 0; i < conf->flow_count; i++) {
		if (conf->flows[i].in.at.addr.family == AF_INET &&
		    strcmp(conf->flows[i].in.at.ifname, ifname) == 0) {
			return true;
		}
	}
	return false;
}
