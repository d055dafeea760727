/* check_topo_flat.c - a topology as bytes is the same afterwards; other bytes are refused. */
#include "numa/topo_flat.h"

#include <check.h>
#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#define CPUS  3
#define NODES 2

static struct topo_cpu cpus[CPUS];
static struct topo_node nodes[NODES];
static struct topo_nic nics[1];
static uint64_t l3_bytes[1];
static uint32_t distances[NODES * NODES];
static struct topo topo, got;

static void setup(void)
{
	for (int i = 0; i < CPUS; i++) {
		cpus[i] = (struct topo_cpu){.cpu_os = 2 * i,
					    .core_idx = i,
					    .package_os = TOPO_UNKNOWN,
					    .home_os = 3,
					    .node_os = TOPO_UNKNOWN,
					    .smt_rank = TOPO_UNKNOWN,
					    .efficiency = TOPO_UNKNOWN,
					    .l3_idx = i == 0 ? 0 : TOPO_UNKNOWN,
					    .allowed = i == 1};
	}
	nodes[0] = (struct topo_node){.node_os = 1, .kind = "HBM", .special = true};
	nodes[1] = (struct topo_node){.node_os = 3, .memory_bytes = 1ULL << 40, .huge_2m_free = -1};
	nics[0] = (struct topo_nic){.name = "eth0", .node_os = 1, .via = "virtual"};
	l3_bytes[0] = 7;
	distances[1] = 21;
	topo = (struct topo){.cpus = cpus,
			     .nodes = nodes,
			     .nics = nics,
			     .cpu_count = CPUS,
			     .node_count = NODES,
			     .nic_count = 1,
			     .core_count = CPUS,
			     .l3_count = 1,
			     .l3_bytes = l3_bytes,
			     .distances = distances,
			     .source = "here"};
}

/* What comes of it on the other side, at memory of exactly its size. */
static int pass(void)
{
	size_t len = 0;
	void *bytes = topo_flat_write(&topo, &len);
	int rc;

	ck_assert_ptr_nonnull(bytes);
	got = (struct topo){0};
	rc = topo_flat_read(bytes, len, &got);
	free(bytes);
	ck_assert(rc == 0 || !got.cpus);
	return rc;
}

START_TEST(what_is_written_is_read)
{
	ck_assert_int_eq(pass(), 0);
	ck_assert_mem_eq(got.cpus, cpus, sizeof(cpus));
	ck_assert_mem_eq(got.nodes, nodes, sizeof(nodes));
	ck_assert_mem_eq(got.nics, nics, sizeof(nics));
	ck_assert_uint_eq(got.l3_bytes[0], 7);
	ck_assert_uint_eq(got.distances[1], 21);
	ck_assert_str_eq(got.source, "here");
	topo_free(&got);
}
END_TEST

START_TEST(what_there_is_none_of_is_none)
{
	cpus[0].l3_idx = TOPO_UNKNOWN;
	topo.distances = NULL;
	topo.l3_bytes = NULL;
	topo.l3_count = 0;
	topo.nic_count = 0;
	topo.nics = NULL;
	ck_assert_int_eq(pass(), 0);
	ck_assert_ptr_null(got.distances);
	ck_assert_ptr_null(got.l3_bytes);
	ck_assert_ptr_null(got.nics);
	topo_free(&got);
}
END_TEST

START_TEST(any_other_length_is_refused)
{
	size_t len = 0;
	char *bytes = topo_flat_write(&topo, &len), *longer;

	for (size_t cut = 0; cut < len; cut++) {
		char *part = malloc(cut + 1);

		memcpy(part, bytes, cut);
		ck_assert_int_eq(topo_flat_read(part, cut, &got), -EBADMSG);
		free(part);
	}
	longer = calloc(1, len + 1);
	memcpy(longer, bytes, len);
	ck_assert_int_eq(topo_flat_read(longer, len + 1, &got), -EBADMSG);
	free(longer);
	free(bytes);
}
END_TEST

START_TEST(counts_are_not_believed)
{
	uint32_t *counts[] = {&topo.cpu_count, &topo.node_count, &topo.nic_count, &topo.l3_count};
	size_t len = 0;

	for (size_t i = 0; i < sizeof(counts) / sizeof(counts[0]); i++) {
		static const uint32_t wrong[] = {UINT32_MAX, 1U << 31, 1U << 28, 1000};

		for (size_t w = 0; w < sizeof(wrong) / sizeof(wrong[0]); w++) {
			char *bytes = topo_flat_write(&topo, &len);
			size_t at = (size_t)((char *)counts[i] - (char *)&topo);

			memcpy(bytes + at, &wrong[w], sizeof(wrong[w]));
			ck_assert_int_eq(topo_flat_read(bytes, len, &got), -EBADMSG);
			free(bytes);
		}
	}
	topo.cpu_count = 0;
	ck_assert_int_eq(pass(), -EBADMSG);
}
END_TEST

START_TEST(numbers_that_point_nowhere_are_refused)
{
	int *numbers[] = {&cpus[1].core_idx, &cpus[1].l3_idx,   &cpus[1].home_os,
			  &cpus[1].node_os,  &nodes[1].node_os, &nics[0].node_os};

	for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
		int was = *numbers[i];

		*numbers[i] = CPUS + 1;
		ck_assert_msg(pass() == -EBADMSG, "%zu", i);
		*numbers[i] = -2;
		ck_assert_msg(pass() == -EBADMSG, "%zu", i);
		*numbers[i] = was;
	}
	cpus[1].core_idx = (int)topo.core_count; /* one behind the last */
	ck_assert_int_eq(pass(), -EBADMSG);
	cpus[1].core_idx = 0;
	cpus[1].l3_idx = (int)topo.l3_count;
	ck_assert_int_eq(pass(), -EBADMSG);
	cpus[1].l3_idx = TOPO_UNKNOWN;
	ck_assert_int_eq(pass(), 0);
	topo_free(&got);
	cpus[2].cpu_os = cpus[1].cpu_os; /* not ascending */
	ck_assert_int_eq(pass(), -EBADMSG);
}
END_TEST

START_TEST(texts_without_an_end_and_flags_that_are_none_are_refused)
{
	unsigned char two = 2;

	memset(nics[0].via, 'x', sizeof(nics[0].via));
	ck_assert_int_eq(pass(), -EBADMSG);
	nics[0].via[0] = '\0';
	memset(nics[0].name, 'x', sizeof(nics[0].name));
	ck_assert_int_eq(pass(), -EBADMSG);
	nics[0].name[0] = '\0';
	memset(nodes[1].kind, 'x', sizeof(nodes[1].kind));
	ck_assert_int_eq(pass(), -EBADMSG);
	nodes[1].kind[0] = '\0';
	ck_assert_int_eq(pass(), 0);
	topo_free(&got);
	memcpy(&cpus[2].isolated, &two, 1);
	ck_assert_int_eq(pass(), -EBADMSG);
	cpus[2].isolated = false;
	memset(topo.source, 'x', sizeof(topo.source));
	ck_assert_int_eq(pass(), -EBADMSG);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("topo_flat");
	SRunner *runner = srunner_create(suite);
	TCase *tc = tcase_create("bytes");
	int failed;

	tcase_add_checked_fixture(tc, setup, NULL);
	tcase_add_test(tc, what_is_written_is_read);
	tcase_add_test(tc, what_there_is_none_of_is_none);
	tcase_add_test(tc, any_other_length_is_refused);
	tcase_add_test(tc, counts_are_not_believed);
	tcase_add_test(tc, numbers_that_point_nowhere_are_refused);
	tcase_add_test(tc, texts_without_an_end_and_flags_that_are_none_are_refused);
	suite_add_tcase(suite, tc);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
