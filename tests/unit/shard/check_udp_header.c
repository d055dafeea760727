/* check_udp_header.c - the header's fields, and a checksum that a plain sum agrees with. */
#include "shard/udp_header.h"

#include <arpa/inet.h>
#include <check.h>
#include <stdlib.h>
#include <string.h>

static unsigned char payload[65507];

static void fill_payload(unsigned seed)
{
	for (size_t i = 0; i < sizeof(payload); i++) {
		seed = seed * 1103515245u + 12345u;
		payload[i] = (unsigned char)(seed >> 16);
	}
}

static struct addr addr_of(const char *ip, uint16_t port)
{
	struct addr addr;

	ck_assert_int_eq(addr_parse_ip(ip, &addr), 0);
	addr.port = port;
	return addr;
}

static void add(uint32_t *sum, const void *bytes, size_t len)
{
	const unsigned char *at = bytes;

	for (size_t i = 0; i < len; i++) {
		*sum += i % 2 == 0 ? (uint32_t)at[i] << 8 : at[i];
		*sum = (*sum & 0xffff) + (*sum >> 16);
	}
}

/* RFC 768 to the letter: 16 bits at a time, in network order. All ones when the checksum fits. */
static uint32_t plain_sum(const struct addr *from, const struct addr *to,
			  const struct udp_header *header, const struct iovec *data)
{
	uint32_t sum = 17 + ntohs(header->bytes);

	add(&sum, from->ip, 4);
	add(&sum, to->ip, 4);
	add(&sum, header, sizeof(*header));
	add(&sum, data->iov_base, data->iov_len);
	return sum;
}

START_TEST(checksum_fits_payloads_of_every_length)
{
	const struct addr from = addr_of("10.77.1.1", 34534);
	const struct addr to = addr_of("239.255.255.250", 1900);
	const size_t lens[] = {0, 1, 2, 3, 7, 8, 9, 15, 16, 17, 1471, 1472, 9000, 65506, 65507};

	for (size_t i = 0; i < sizeof(lens) / sizeof(lens[0]); i++) {
		struct iovec data = {payload, lens[i]};
		struct udp_header header;

		fill_payload((unsigned)i);
		udp_header_write(&from, &to, &data, &header);
		ck_assert_uint_eq(ntohs(header.from_port), 34534);
		ck_assert_uint_eq(ntohs(header.to_port), 1900);
		ck_assert_uint_eq(ntohs(header.bytes), lens[i] + 8);
		ck_assert_uint_ne(header.checksum, 0);
		ck_assert_msg(plain_sum(&from, &to, &header, &data) == 0xffff, "%zu bytes",
			      lens[i]);
	}
}
END_TEST

/* Of which the sum is all ones, and its complement 0: that would say that there is none. */
START_TEST(checksum_is_never_0)
{
	const struct addr from = addr_of("0.0.0.0", 0);
	const struct addr to = addr_of("0.0.0.0", 0);
	unsigned char rest[2] = {0xff, 0xff - 17 - 10 - 10};
	struct iovec data = {rest, 2};
	struct udp_header header;

	udp_header_write(&from, &to, &data, &header);
	ck_assert_uint_eq(header.checksum, 0xffff);
}
END_TEST

START_TEST(over_ipv6_the_kernel_adds_the_checksum)
{
	const struct addr from = addr_of("fd77:1::1", 1);
	const struct addr to = addr_of("ff05::c", 2);
	const struct addr none = {0};
	struct iovec data = {payload, 10};
	struct udp_header header;

	udp_header_write(&from, &to, &data, &header);
	ck_assert_uint_eq(ntohs(header.bytes), 18);
	ck_assert_uint_eq(header.checksum, 0);
	udp_header_write(&none, &to, &data, &header);
	ck_assert_uint_eq(header.checksum, 0);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("udp_header");
	SRunner *runner = srunner_create(suite);
	TCase *tc = tcase_create("udp_header");
	int failed;

	suite_add_tcase(suite, tc);
	tcase_add_test(tc, checksum_fits_payloads_of_every_length);
	tcase_add_test(tc, checksum_is_never_0);
	tcase_add_test(tc, over_ipv6_the_kernel_adds_the_checksum);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
