/* plan_machine.h - machines, flows and expectations for the planner's unit tests.
 *
 * Machines are built straight into struct topo, so no hwloc is involved. Everything is static and
 * set up afresh before each test; included once by each test program.
 */
#pragma once

#include "numa/plan.h"

#include <check.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define CPUS_MAX  64
#define FLOWS_MAX 64

static struct topo_cpu cpus[CPUS_MAX];
static struct topo_node nodes[8];
static struct topo topo;
static struct plan_flow flows[FLOWS_MAX];
static uint32_t flow_count;
static struct plan_policy policy;
static struct plan plan;
static struct err err;

static void setup(void)
{
	memset(&topo, 0, sizeof(topo));
	memset(cpus, 0, sizeof(cpus));
	memset(nodes, 0, sizeof(nodes));
	memset(&plan, 0, sizeof(plan));
	topo.cpus = cpus;
	topo.nodes = nodes;
	policy = (struct plan_policy){.reserve_cores = 0, .balance = 4};
	flow_count = 0;
	err.text[0] = '\0';
}

static void teardown(void)
{
	plan_free(&plan);
}

/* Adds a node with `cores' cores of `threads' threads; siblings are numbered side by side. */
static void add_node(uint32_t cores, uint32_t threads)
{
	int node_os = (int)topo.node_count;

	nodes[topo.node_count++] =
		(struct topo_node){.node_os = node_os, .memory_bytes = 1 << 30, .allowed = true};
	for (uint32_t i = 0; i < cores * threads; i++) {
		cpus[topo.cpu_count] =
			(struct topo_cpu){.cpu_os = (int)topo.cpu_count,
					  .core_idx = (int)(topo.core_count + i / threads),
					  .package_os = node_os,
					  .home_os = node_os,
					  .node_os = node_os,
					  .smt_rank = (int)(i % threads),
					  .efficiency = TOPO_UNKNOWN,
					  .l3_idx = TOPO_UNKNOWN,
					  .allowed = true};
		topo.cpu_count++;
	}
	topo.core_count += cores;
}

__attribute__((unused)) static struct plan_flow *add_flow(int node_os)
{
	ck_assert_uint_lt(flow_count, FLOWS_MAX);
	flows[flow_count] = (struct plan_flow){.node_os = node_os,
					       .weight = 1,
					       .spread = 1,
					       .named_shard = PLAN_ANY,
					       .prior_flow = PLAN_ANY};
	return &flows[flow_count++];
}

static int build(void)
{
	plan_free(&plan);
	return plan_build(&topo, flows, flow_count, &policy, &plan, &err);
}

static void build_ok(void)
{
	ck_assert_msg(build() == 0, "%s", err.text);
}

__attribute__((unused)) static void build_refused(const char *part)
{
	ck_assert_int_eq(build(), -EINVAL);
	ck_assert_msg(strstr(err.text, part) != NULL, "'%s' not in '%s'", part, err.text);
}
