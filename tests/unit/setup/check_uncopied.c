/* check_uncopied.c - who sends without copying, and how much memory each shard may register. */
#include "src/setup/uncopied.h"

#include <check.h>
#include <stdlib.h>

#include "src/setup/options.h"

/* A network card that does everything. */
static const struct iface card = {
	.name = "eth1",
	.physical = true,
	.features = {.known = true,
		     .uso = true,
		     .scatter = true,
		     .checksum_v4 = true,
		     .checksum_v6 = true},
};

START_TEST(bytes_that_were_named_hold_for_every_output)
{
	const struct iface virtual = {.name = "veth0"};

	ck_assert_uint_eq(uncopied_min_bytes(1, &card, false), 1);
	ck_assert_uint_eq(uncopied_min_bytes(9000, &virtual, true), 9000);
	ck_assert_uint_eq(uncopied_min_bytes(9000, NULL, false), 9000);
	ck_assert_uint_eq(uncopied_min_bytes(OPT_AMOUNT_OFF, &card, false), 0);
}
END_TEST

START_TEST(auto_wants_a_device_that_gathers_cuts_and_sums)
{
	struct iface lacks[6];

	ck_assert_uint_eq(uncopied_min_bytes(OPT_AMOUNT_AUTO, &card, false), ZEROCOPY_AUTO_BYTES);
	ck_assert_uint_eq(uncopied_min_bytes(OPT_AMOUNT_AUTO, &card, true), ZEROCOPY_AUTO_BYTES);
	ck_assert_uint_eq(uncopied_min_bytes(OPT_AMOUNT_AUTO, NULL, false), 0);
	for (int i = 0; i < 6; i++) {
		lacks[i] = card;
	}
	lacks[0].physical = false;
	lacks[1].features.known = false;
	lacks[2].features.uso = false;
	lacks[3].features.scatter = false;
	for (int i = 0; i < 4; i++) {
		ck_assert_uint_eq(uncopied_min_bytes(OPT_AMOUNT_AUTO, &lacks[i], false), 0);
		ck_assert_uint_eq(uncopied_min_bytes(OPT_AMOUNT_AUTO, &lacks[i], true), 0);
	}
	lacks[4].features.checksum_v4 = false;
	lacks[5].features.checksum_v6 = false;
	ck_assert_uint_eq(uncopied_min_bytes(OPT_AMOUNT_AUTO, &lacks[4], false), 0);
	ck_assert_uint_gt(uncopied_min_bytes(OPT_AMOUNT_AUTO, &lacks[4], true), 0);
	ck_assert_uint_gt(uncopied_min_bytes(OPT_AMOUNT_AUTO, &lacks[5], false), 0);
	ck_assert_uint_eq(uncopied_min_bytes(OPT_AMOUNT_AUTO, &lacks[5], true), 0);
}
END_TEST

static bool is_nothing(struct regbuf_limit limit)
{
	return limit.slots == 0 && limit.bytes == 0;
}

START_TEST(nothing_is_registered_that_is_not_made_use_of)
{
	ck_assert(is_nothing(uncopied_share(OPT_AMOUNT_OFF, true, REGBUF_ALL, 1, 0)));
	ck_assert(is_nothing(uncopied_share(OPT_AMOUNT_AUTO, false, REGBUF_ALL, 1, 0)));
	ck_assert(!is_nothing(uncopied_share(OPT_AMOUNT_AUTO, true, REGBUF_ALL, 1, 0)));
	ck_assert(!is_nothing(uncopied_share(OPT_AMOUNT_ON, false, REGBUF_ALL, 1, 0)));
	ck_assert(!is_nothing(uncopied_share(10, false, REGBUF_ALL, 1, 0)));
}
END_TEST

START_TEST(auto_registers_ordinary_pages_of_shards_that_make_use_of_it)
{
	struct rule_table_output outputs[2] = {{.mtu = 1500}, {.zerocopy_bytes = 1}};
	struct rule_table table = {.outputs = outputs, .output_count = 1};

	ck_assert(!uncopied_gains_by_registering(&table, NODEMEM_HUGE_OFF));
	table.output_count = 2;
	ck_assert(uncopied_gains_by_registering(&table, NODEMEM_HUGE_OFF));
	ck_assert(!uncopied_gains_by_registering(&table, NODEMEM_HUGE_AUTO));
	ck_assert(!uncopied_gains_by_registering(&table, NODEMEM_HUGE_THP));
}
END_TEST

START_TEST(shares_shrink_with_the_number_of_shards_and_add_up)
{
	uint64_t before = 1000;

	for (uint32_t shards = 1; shards <= 64; shards *= 2) {
		uint64_t slots = 0, bytes = 0;

		for (uint32_t i = 0; i < shards; i++) {
			struct regbuf_limit share = uncopied_share(1000, true, 8 << 20, shards, i);

			slots += share.slots;
			bytes += share.bytes;
			ck_assert_uint_le(share.slots, (1000 + shards - 1) / shards);
		}
		ck_assert_uint_eq(slots, 1000);
		ck_assert_uint_eq(bytes, 8 << 20);
		ck_assert_uint_le(uncopied_share(1000, true, REGBUF_ALL, shards, 0).slots, before);
		before = uncopied_share(1000, true, REGBUF_ALL, shards, 0).slots;
	}
	ck_assert_uint_eq(uncopied_share(OPT_AMOUNT_ON, true, REGBUF_ALL, 64, 63).slots,
			  REGBUF_ALL);
	ck_assert_uint_eq(uncopied_share(OPT_AMOUNT_AUTO, true, 6400, 64, 63).bytes, 100);
}
END_TEST

static Suite *uncopied_suite(void)
{
	Suite *suite = suite_create("uncopied");
	TCase *tcase = tcase_create("uncopied");

	tcase_add_test(tcase, bytes_that_were_named_hold_for_every_output);
	tcase_add_test(tcase, auto_wants_a_device_that_gathers_cuts_and_sums);
	tcase_add_test(tcase, nothing_is_registered_that_is_not_made_use_of);
	tcase_add_test(tcase, auto_registers_ordinary_pages_of_shards_that_make_use_of_it);
	tcase_add_test(tcase, shares_shrink_with_the_number_of_shards_and_add_up);
	suite_add_tcase(suite, tcase);
	return suite;
}

int main(void)
{
	SRunner *runner = srunner_create(uncopied_suite());
	int failed;

	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? 0 : 1;
}
