/* check_addr.c - addresses are read, written, compared and counted on as the header says. */
#include "src/base/addr.h"

#include <arpa/inet.h>
#include <check.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

static struct addr read_addr(const char *text, uint16_t port)
{
	struct addr addr;

	ck_assert_msg(addr_parse_ip(text, &addr) == 0, "%s was refused", text);
	addr.port = port;
	return addr;
}

START_TEST(parse_reads_both_families)
{
	const uint8_t v4[16] = {239, 1, 2, 3};
	const uint8_t v6[16] = {0xff, 0x3e, [15] = 1};
	struct addr addr = read_addr("239.1.2.3", 0);

	ck_assert_uint_eq(addr.family, AF_INET);
	ck_assert_mem_eq(addr.ip, v4, sizeof(v4));
	ck_assert_uint_eq(addr.port, 0);
	addr = read_addr("ff3e::1", 0);
	ck_assert_uint_eq(addr.family, AF_INET6);
	ck_assert_mem_eq(addr.ip, v6, sizeof(v6));
}
END_TEST

static const char *const not_addresses[] = {
	"",           "239.1.1",           "239.1.1.1.1", "239.1.1.256", "239.1.1.1:5000",
	" 239.1.1.1", "239.1.1.1 ",        "239.1.1.01",  "[ff3e::1]",   "ff3e::1%eth0",
	"ff3e",       "1:2:3:4:5:6:7",     "::1::2",      "eth0",        "0x7f000001",
	"g::1",       "1:2:3:4:5:6:7:8:9",
};

START_TEST(parse_refuses_and_leaves_the_output_alone)
{
	struct addr addr;
	struct addr before;

	memset(&addr, 0xa5, sizeof(addr));
	before = addr;
	ck_assert_int_eq(addr_parse_ip(not_addresses[_i], &addr), -EINVAL);
	ck_assert_mem_eq(&addr, &before, sizeof(addr));
}
END_TEST

struct text_case {
	const char *ip;
	const char *ifname;
	uint16_t port;
	const char *as_addr;
	const char *as_endpoint;
};

static const struct text_case text_cases[] = {
	{"239.1.1.1", "eth0", 5000, "239.1.1.1:5000", "239.1.1.1%eth0:5000"},
	{"239.1.1.1", "", 5000, "239.1.1.1:5000", "239.1.1.1:5000"},
	{"239.1.1.1", "eth0", 0, "239.1.1.1", "239.1.1.1%eth0"},
	{"ff3e::1", "eth0", 5000, "[ff3e::1]:5000", "[ff3e::1%eth0]:5000"},
	{"ff3e::1", "", 65535, "[ff3e::1]:65535", "[ff3e::1]:65535"},
	{"ff3e::1", "eth0", 0, "ff3e::1", "ff3e::1%eth0"},
	{"::", "", 1, "[::]:1", "[::]:1"},
	{"ffff:ffff:ffff:ffff:ffff:ffff:255.255.255.255", "fifteen-letters", 65535,
	 "[ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff]:65535",
	 "[ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff%fifteen-letters]:65535"},
};

START_TEST(format_writes_what_the_grammar_reads)
{
	const struct text_case *c = &text_cases[_i];
	struct endpoint ep = {.addr = read_addr(c->ip, c->port)};
	char buf[ENDPOINT_TEXT_MAX];

	memcpy(ep.ifname, c->ifname, strlen(c->ifname) + 1);
	ck_assert_str_eq(addr_format(&ep.addr, buf), c->as_addr);
	ck_assert_str_eq(endpoint_format(&ep, buf), c->as_endpoint);
}
END_TEST

START_TEST(format_of_no_address_says_none)
{
	struct endpoint ep = {0};
	char buf[ENDPOINT_TEXT_MAX];

	ck_assert_str_eq(addr_format(&ep.addr, buf), "none");
	ck_assert_str_eq(endpoint_format(&ep, buf), "none");
}
END_TEST

struct kind_case {
	const char *ip;
	bool multicast, any, link_local, local_control;
};

static const struct kind_case kind_cases[] = {
	{"223.255.255.255", false, false, false, false},
	{"224.0.0.0", true, false, false, true},
	{"224.0.0.255", true, false, false, true},
	{"224.0.1.0", true, false, false, false},
	{"225.0.0.1", true, false, false, false},
	{"239.255.255.255", true, false, false, false},
	{"240.0.0.0", false, false, false, false},
	{"255.255.255.255", false, false, false, false},
	{"0.0.0.0", false, true, false, false},
	{"0.0.0.1", false, false, false, false},
	{"169.254.0.1", false, false, true, false},
	{"169.253.255.255", false, false, false, false},
	{"::", false, true, false, false},
	{"::1", false, false, false, false},
	{"fe80::1", false, false, true, false},
	{"febf:ffff::1", false, false, true, false},
	{"fec0::1", false, false, false, false},
	{"ff01::1", true, false, true, false},
	{"ff02::1", true, false, true, false},
	{"ff12::1", true, false, true, false},
	{"ff32::1", true, false, true, false},
	{"ff05::2", true, false, false, false},
	{"ff0e::1", true, false, false, false},
	{"ff3e::1", true, false, false, false},
	{"2001:db8::1", false, false, false, false},
};

START_TEST(kinds_are_told_apart_at_their_borders)
{
	const struct kind_case *c = &kind_cases[_i];
	struct addr addr = read_addr(c->ip, 7);

	ck_assert_msg(addr_is_multicast(&addr) == c->multicast, "%s multicast", c->ip);
	ck_assert_msg(addr_is_any(&addr) == c->any, "%s any", c->ip);
	ck_assert_msg(addr_is_broadcast(&addr) == (strcmp(c->ip, "255.255.255.255") == 0),
		      "%s broadcast", c->ip);
	ck_assert_msg(addr_is_link_local(&addr) == c->link_local, "%s link-local", c->ip);
	ck_assert_msg(addr_is_local_control(&addr) == c->local_control, "%s local control", c->ip);
}
END_TEST

START_TEST(no_address_is_of_no_kind)
{
	struct addr none = {0};

	ck_assert(!addr_is_multicast(&none));
	ck_assert(!addr_is_any(&none));
	ck_assert(!addr_is_link_local(&none));
	ck_assert(!addr_is_local_control(&none));
	ck_assert(addr_equal(&none, &none));
}
END_TEST

START_TEST(equality_minds_family_address_and_port)
{
	struct addr a = read_addr("239.1.1.1", 5000);
	struct addr b = a;
	struct addr v4 = read_addr("32.1.13.184", 0);
	struct addr v6 = read_addr("2001:db8::", 0); /* begins with the same four bytes */

	ck_assert(addr_equal(&a, &b));
	b.port = 5001;
	ck_assert(!addr_equal(&a, &b));
	ck_assert(addr_ip_equal(&a, &b));
	b = read_addr("239.1.1.2", 5000);
	ck_assert(!addr_ip_equal(&a, &b));
	ck_assert_mem_eq(v4.ip, v6.ip, 16);
	ck_assert(!addr_ip_equal(&v4, &v6));
}
END_TEST

struct offset_case {
	const char *from;
	uint64_t offset;
	const char *to; /* NULL: -ERANGE */
};

static const struct offset_case offset_cases[] = {
	{"239.1.1.0", 0, "239.1.1.0"},
	{"239.1.1.255", 1, "239.1.2.0"},
	{"239.255.255.255", 1, "240.0.0.0"},
	{"0.0.0.0", UINT32_MAX, "255.255.255.255"},
	{"0.0.0.1", UINT32_MAX, NULL},
	{"255.255.255.255", 1, NULL},
	{"0.0.0.0", UINT64_MAX, NULL},
	{"0.0.0.0", 1ULL << 32, NULL},
	{"ff3e::", 0x10000, "ff3e::1:0"},
	{"ff3e::ffff:ffff:ffff:ffff", 1, "ff3e:0:0:1::"},
	{"ff3e::ffff:ffff:ffff:ffff", UINT64_MAX, "ff3e::1:ffff:ffff:ffff:fffe"},
	{"ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", 1, NULL},
	{"ffff:ffff:ffff:ffff::", UINT64_MAX, "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"},
	{"ffff:ffff:ffff:ffff::1", UINT64_MAX, NULL},
};

START_TEST(offset_carries_and_never_wraps)
{
	const struct offset_case *c = &offset_cases[_i];
	struct addr from = read_addr(c->from, 77);
	struct addr before = read_addr("1.2.3.4", 9);
	struct addr out = before;
	struct addr expected;

	if (c->to == NULL) {
		ck_assert_int_eq(addr_offset(&from, c->offset, &out), -ERANGE);
		ck_assert(addr_equal(&out, &before));
		return;
	}
	expected = read_addr(c->to, 77);
	ck_assert_int_eq(addr_offset(&from, c->offset, &out), 0);
	ck_assert(addr_equal(&out, &expected));
	ck_assert_int_eq(addr_offset(&from, c->offset, &from), 0); /* in place */
	ck_assert(addr_equal(&from, &expected));
}
END_TEST

START_TEST(sockaddr_goes_there_and_back)
{
	static const char *const texts[] = {"239.1.1.1", "10.0.0.1", "ff3e::1", "fe80::1", "::"};
	struct sockaddr_storage ss;

	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		struct addr addr = read_addr(texts[i], 0x1234);
		struct addr back;
		socklen_t len = addr_to_sockaddr(&addr, 3, &ss);

		ck_assert_uint_eq(len, addr.family == AF_INET ? sizeof(struct sockaddr_in)
							      : sizeof(struct sockaddr_in6));
		ck_assert_int_eq(addr_from_sockaddr((struct sockaddr *)&ss, &back), 0);
		ck_assert(addr_equal(&addr, &back));
	}
}
END_TEST

START_TEST(sockaddr_has_network_order_and_scope_only_where_it_belongs)
{
	struct sockaddr_storage ss;
	const struct sockaddr_in *in = (const struct sockaddr_in *)&ss;
	const struct sockaddr_in6 *in6 = (const struct sockaddr_in6 *)&ss;
	struct addr addr = read_addr("10.0.0.1", 5000);

	addr_to_sockaddr(&addr, 9, &ss);
	ck_assert_uint_eq(in->sin_port, htons(5000));
	ck_assert_uint_eq(in->sin_addr.s_addr, htonl(0x0a000001));
	addr = read_addr("fe80::1", 5000);
	addr_to_sockaddr(&addr, 9, &ss);
	ck_assert_uint_eq(in6->sin6_port, htons(5000));
	ck_assert_uint_eq(in6->sin6_scope_id, 9);
	addr = read_addr("ff02::1", 5000);
	addr_to_sockaddr(&addr, 9, &ss);
	ck_assert_uint_eq(in6->sin6_scope_id, 9);
	addr = read_addr("ff3e::1", 5000);
	addr_to_sockaddr(&addr, 9, &ss);
	ck_assert_uint_eq(in6->sin6_scope_id, 0);
}
END_TEST

START_TEST(sockaddr_of_another_family_is_refused)
{
	struct sockaddr sa = {.sa_family = AF_UNIX};
	struct addr addr = {.port = 5};
	struct addr none = {0};
	struct sockaddr_storage ss;

	ck_assert_int_eq(addr_from_sockaddr(&sa, &addr), -EAFNOSUPPORT);
	ck_assert_uint_eq(addr.port, 5);
	ck_assert_uint_eq(addr_to_sockaddr(&none, 1, &ss), 0);
}
END_TEST

#define COUNT(array) ((int)(sizeof(array) / sizeof((array)[0])))

START_TEST(names_of_hosts_are_told_from_addresses)
{
	static const char *const good[] = {"h", "host.example", "a-b.c_d.e1", "1.2.3.x", "xn--a.b"};
	static const char *const bad[] = {"",     ".",    "a.",   ".a",   "a..b", "10.2.0.256", "1",
					  "a.1b", "-a.b", "a-.b", "a.b-", "a b",  "a%b"};
	char longest[HOST_NAME_MAX_LEN + 2];

	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		ck_assert_msg(host_name_is_valid(good[i]), "%s", good[i]);
	}
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		ck_assert_msg(!host_name_is_valid(bad[i]), "%s", bad[i]);
	}
	for (size_t i = 0; i < sizeof(longest); i++) {
		longest[i] = i % 64 == 63 ? '.' : 'a';
	}
	longest[HOST_NAME_MAX_LEN] = '\0';
	ck_assert(host_name_is_valid(longest));
	longest[63] = 'a';
	ck_assert(!host_name_is_valid(longest));
}
END_TEST

START_TEST(a_name_is_kept_once_for_each_family)
{
	const struct host_name *name = host_name_keep("Host.Example", 0);
	struct endpoint at = {.addr = {.family = AF_INET, .port = 6000}, .name = name};
	char text[ENDPOINT_TEXT_MAX];

	ck_assert_str_eq(name->text, "host.example");
	ck_assert_ptr_eq(host_name_keep("host.example", 0), name);
	ck_assert_ptr_ne(host_name_keep("host.example", AF_INET6), name);
	ck_assert_ptr_ne(host_name_keep("host.exampl", 0), name);
	ck_assert(!endpoint_is_known(&at));
	ck_assert_str_eq(endpoint_format(&at, text), "host.example:6000");
	at.addr.ip[0] = 10;
	ck_assert(endpoint_is_known(&at));
	ck_assert_str_eq(endpoint_format(&at, text), "host.example:6000");
	at.name = host_name_keep("host.example", AF_INET6);
	strcpy(at.ifname, "eth0");
	ck_assert_str_eq(endpoint_format(&at, text), "[host.example%eth0]:6000");
}
END_TEST

static Suite *addr_suite(void)
{
	Suite *suite = suite_create("addr");
	TCase *tc = tcase_create("addr");

	tcase_add_test(tc, names_of_hosts_are_told_from_addresses);
	tcase_add_test(tc, a_name_is_kept_once_for_each_family);
	tcase_add_test(tc, parse_reads_both_families);
	tcase_add_loop_test(tc, parse_refuses_and_leaves_the_output_alone, 0, COUNT(not_addresses));
	tcase_add_loop_test(tc, format_writes_what_the_grammar_reads, 0, COUNT(text_cases));
	tcase_add_test(tc, format_of_no_address_says_none);
	tcase_add_loop_test(tc, kinds_are_told_apart_at_their_borders, 0, COUNT(kind_cases));
	tcase_add_test(tc, no_address_is_of_no_kind);
	tcase_add_test(tc, equality_minds_family_address_and_port);
	tcase_add_loop_test(tc, offset_carries_and_never_wraps, 0, COUNT(offset_cases));
	tcase_add_test(tc, sockaddr_goes_there_and_back);
	tcase_add_test(tc, sockaddr_has_network_order_and_scope_only_where_it_belongs);
	tcase_add_test(tc, sockaddr_of_another_family_is_refused);
	suite_add_tcase(suite, tc);
	return suite;
}

int main(void)
{
	SRunner *runner = srunner_create(addr_suite());
	int failed;

	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
