/* host_rig.c - see host_rig.h. */
#include "tests/unit/host/host_rig.h"

#include <ftw.h>
#include <net/if.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "src/host/facts.h"

#define ARGS_MAX 32

struct host_rig rig;

/* Everything that is tried goes well. */
static void rig_fill_tries(void)
{
	rig.facts.tries = (struct host_tries){
		.done = true,
		.rcvbuf_bytes = UINT32_MAX,
		.sndbuf_bytes = UINT32_MAX,
		.files = 1 << 20,
		.rings = rig.setup.plan.shard_count,
	};
}

static void rig_fill_ifaces(void)
{
	for (uint32_t i = 0; i < rig.setup.ifaces.count; i++) {
		struct iface *iface = &rig.setup.ifaces.list[i];

		iface->ifindex = i + 11;
		iface->mtu = 1500;
		iface->node_os = TOPO_UNKNOWN;
		rig.facts.ifaces[i].flags = IFF_UP | IFF_RUNNING | IFF_MULTICAST;
		rig.facts.ifaces[i].has_ipv4 = true;
		rig.facts.ifaces[i].features = (struct ethtool_features){
			.known = true,
			.gro = true,
			.gso = true,
			.uso = true,
			.checksum_v4 = true,
			.checksum_v6 = true,
		};
	}
}

void rig_host_of(const char *const *args)
{
	const char *argv[ARGS_MAX] = {"numacastd", "--check-host", "--topology",
				      "package:2 numanode:1 core:4 pu:1"};
	int argc = 4;
	struct err err = {0};
	bool sized = false;

	for (; *args && argc < ARGS_MAX - 3; args++) {
		argv[argc++] = *args;
		sized |= strcmp(*args, "--shards") == 0 || strcmp(*args, "--cpus") == 0;
	}
	if (!sized) {
		argv[argc++] = "--shards"; /* a single rule would be content with one */
		argv[argc++] = "7";
	}
	ck_assert_ptr_null(*args);
	ck_assert_msg(options_parse(argc, (char **)argv, &rig.opt, &err) == 0, "%s", err.text);
	ck_assert_msg(setup_prepare(&rig.setup, &rig.opt, false, &err) == 0, "%s", err.text);
	ck_assert_int_eq(host_facts_count(&rig.setup, &rig.facts), 0);
	rig_fill_ifaces();
	rig_fill_tries();
	snprintf(rig.root, sizeof(rig.root), "/tmp/numacast-host.XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(rig.root));
	rig.host = (struct host){.setup = &rig.setup, .facts = &rig.facts, .root = rig.root};
}

static int rig_remove(const char *path, const struct stat *stat, int kind, struct FTW *ftw)
{
	(void)stat;
	(void)kind;
	(void)ftw;
	return remove(path);
}

void rig_end(void)
{
	if (rig.root[0] != '\0') {
		nftw(rig.root, rig_remove, 8, FTW_DEPTH | FTW_PHYS);
	}
	host_free(&rig.host);
	host_facts_free(&rig.facts);
	setup_free(&rig.setup);
	options_free(&rig.opt);
	rig = (struct host_rig){0};
}

/* The path below the tree, its directories made. */
static void rig_path(const char *path, char *out, size_t room)
{
	ck_assert_int_lt(snprintf(out, room, "%s%s", rig.root, path), (int)room);
	for (char *slash = strchr(out + strlen(rig.root) + 1, '/'); slash;
	     slash = strchr(slash + 1, '/')) {
		*slash = '\0';
		mkdir(out, 0755);
		*slash = '/';
	}
}

void rig_file(const char *path, const char *format, ...)
{
	char at[512];
	FILE *file;
	va_list args;

	rig_path(path, at, sizeof(at));
	file = fopen(at, "we");
	ck_assert_msg(file != NULL, "%s", at);
	va_start(args, format);
	ck_assert_int_ge(vfprintf(file, format, args), 0);
	va_end(args);
	ck_assert_int_eq(fclose(file), 0);
}

void rig_link(const char *path, const char *target)
{
	char at[512];

	rig_path(path, at, sizeof(at));
	ck_assert_int_eq(symlink(target, at), 0);
}

struct host_iface *rig_iface(const char *name)
{
	struct host_iface *iface = (struct host_iface *)host_facts_iface(&rig.facts, name);

	ck_assert_msg(iface != NULL, "no rule names %s", name);
	return iface;
}

void rig_place(const char *name, int node_os)
{
	struct iface *iface = (struct iface *)rig_iface(name)->at;
	struct plan_policy policy = {.shard_count = rig.opt.shards,
				     .reserve_cores = rig.opt.reserve_cores,
				     .balance = rig.opt.balance};
	struct plan_flow *flows;
	struct err err = {0};

	iface->node_os = node_os;
	snprintf(iface->via, sizeof(iface->via), "made up");
	plan_free(&rig.setup.plan);
	flows = layout_plan_flows(&rig.opt.conf, &rig.setup.ifaces);
	ck_assert_ptr_nonnull(flows);
	ck_assert_msg(plan_build(&rig.setup.topo, flows, rig.opt.conf.flow_count, &policy,
				 &rig.setup.plan, &err) == 0,
		      "%s", err.text);
	free(flows);
}

void rig_route(const char *source, const char *ifname)
{
	struct addr addr;

	ck_assert_int_eq(addr_parse_ip(source, &addr), 0);
	for (uint32_t i = 0; i < rig.facts.source_count; i++) {
		struct host_source *at = &rig.facts.sources[i];

		if (addr_ip_equal(&at->addr, &addr)) {
			at->route = (struct route){.error = -101};
			if (ifname) {
				at->route = (struct route){.unicast = true, .hop_count = 1};
				at->route.hops[0] = rig_iface(ifname)->at->ifindex;
			}
			return;
		}
	}
	ck_abort_msg("no rule has source %s", source);
}

void rig_look(void (*part)(struct host *host))
{
	struct host again = {.setup = &rig.setup, .facts = &rig.facts, .root = rig.root};

	host_free(&rig.host);
	rig.host = again;
	part(&rig.host);
	ck_assert(!rig.host.out_of_memory);
	for (uint32_t i = 0; i < rig.host.count; i++) {
		const struct finding *finding = &rig.host.findings[i];

		ck_assert_ptr_nonnull(finding->value);
		ck_assert_ptr_nonnull(finding->why);
		/* Who is told of trouble is told what to do. */
		ck_assert_msg(finding->level <= FINDING_UNKNOWN || finding->cure || finding->advice,
			      "%s has no cure", finding->id);
		ck_assert_msg(finding->level != FINDING_OK || !finding->cure,
			      "%s is ok, with a cure", finding->id);
		ck_assert_msg(finding->level != FINDING_OK || !strstr(finding->value, "not known"),
			      "%s is ok, and not known", finding->id);
	}
}

static const struct finding *rig_search(const char *id, const char *subject)
{
	for (uint32_t i = 0; i < rig.host.count; i++) {
		const struct finding *finding = &rig.host.findings[i];
		const char *of = finding->subject ? finding->subject : "";

		if (strcmp(finding->id, id) == 0 && strcmp(of, subject ? subject : "") == 0) {
			return finding;
		}
	}
	return NULL;
}

bool rig_has(const char *id, const char *subject)
{
	return rig_search(id, subject) != NULL;
}

const struct finding *rig_find(const char *id, const char *subject)
{
	const struct finding *finding = rig_search(id, subject);

	ck_assert_msg(finding != NULL, "no finding %s %s", id, subject ? subject : "");
	return finding;
}

void rig_expect(const char *id, const char *subject, enum finding_level level, const char *cure)
{
	const struct finding *finding = rig_find(id, subject);

	ck_assert_msg(finding->level == level, "%s %s: level %d, value %s", id,
		      subject ? subject : "", finding->level, finding->value);
	if (cure) {
		ck_assert_msg(finding->cure != NULL, "%s: no cure", id);
		ck_assert_str_eq(finding->cure, cure);
	} else {
		ck_assert_msg(finding->cure == NULL, "%s: cure %s", id,
			      finding->cure ? finding->cure : "");
	}
}

void rig_expect_value(const char *id, const char *subject, const char *words)
{
	const struct finding *finding = rig_find(id, subject);

	ck_assert_msg(strstr(finding->value, words) != NULL, "%s: '%s' not in '%s'", id, words,
		      finding->value);
}

int rig_run(const char *name, const TTest *const *tests, size_t count)
{
	Suite *suite = suite_create(name);
	TCase *tcase = tcase_create("findings");
	SRunner *runner = srunner_create(suite);
	int failed;

	tcase_add_checked_fixture(tcase, NULL, rig_end);
	for (size_t i = 0; i < count; i++) {
		tcase_add_test(tcase, tests[i]);
	}
	suite_add_tcase(suite, tcase);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
