/* check_conf_refuse.c - what a rule may not say, and that each refusal says what to do instead.
 *
 * Every row is a rule and a piece of the refusal that names what was wrong. Besides that piece,
 * each refusal must begin with the place and have three parts: what was wrong; what was expected;
 * what to do.
 */
#include "src/rules/conf.h"

#include <check.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define IN   "239.1.1.1%eth0:5000"
#define TEN  "1234567890"
#define LONG TEN TEN TEN TEN TEN TEN TEN TEN TEN TEN TEN TEN "1234"
#define TO   " -> 239.2.2.2%eth1:6000"

struct row {
	const char *text;
	const char *piece;
};

static unsigned count_parts(const char *text)
{
	unsigned parts = 1;

	for (const char *at = text; (at = strstr(at, "; ")) != NULL; at++) {
		parts++;
	}
	return parts;
}

static void refused(const char *text, const char *piece)
{
	struct conf conf = {0};
	struct err err = {""};
	int rc = conf_add_rule(&conf, text, "a.conf:7", &err);

	ck_assert_msg(rc == -EINVAL, "taken: '%s'", text);
	ck_assert_msg(strncmp(err.text, "a.conf:7: ", 10) == 0, "no place: %s", err.text);
	ck_assert_msg(strstr(err.text, piece) != NULL, "'%s': not '%s' but: %s", text, piece,
		      err.text);
	ck_assert_msg(count_parts(err.text) >= 3, "fewer than three parts: %s", err.text);
	ck_assert_msg(strstr(err.text, "...") == NULL || strstr(err.text, "]...;"), "cut: %s",
		      err.text);
	conf_free(&conf);
}

static void all_refused(const struct row *rows)
{
	for (const struct row *row = rows; row->text; row++) {
		refused(row->text, row->piece);
	}
}

START_TEST(incomplete_rules)
{
	static const struct row rows[] = {
		{"", "no ingress"},
		{"   ", "no ingress"},
		{"->", "no ingress"},
		{TO, "no ingress"},
		{",", "no ingress"},
		{IN, "no '->'"},
		{IN " ->", "no egress"},
		{IN " -> , 239.2.2.2%eth1:6000", "no egress"},
		{IN TO ",", "no egress"},
		{IN TO ",,239.2.2.3%eth1:6000", "no egress"},
		{IN TO " -> 239.3.3.3%eth2:7000", "a second '->'"},
		{IN ", 239.1.1.2%eth0:5000" TO, "no '->'"},
		{IN " 239.2.2.2%eth1:6000", "not an option of an ingress"},
		{IN TO " 239.2.2.3%eth1:6000", "the comma"},
		{IN " + 239.1.1.2%eth0:5000" TO, "2 ingresses need seq= or failover="},
		{0},
	};

	all_refused(rows);
}
END_TEST

START_TEST(bad_addresses)
{
	static const struct row rows[] = {
		{"239.1.1%eth0:5000" TO, "'239.1.1' in"},
		{"239.1.1.256%eth0:5000" TO, "not an address"},
		{"239.1.1.01%eth0:5000" TO, "not an address"},
		{"239.1.1.1.1%eth0:5000" TO, "not an address"},
		{"group.example%eth0:5000" TO, "looked up for egresses only"},
		{"%eth0:5000" TO, "'' in"},
		{":5000" TO, "not an address"},
		{"[]:5000" TO, "not an address"},
		{"[239.1.1.1%eth0]:5000" TO, "IPv4 in brackets"},
		{"ff3e::1%eth0:5000" TO, "without brackets"},
		{"2001:db8::1:5000" TO, "without brackets"},
		{"[ff3e::1%eth0:5000" TO, "no ']:PORT'"},
		{"[ff3e::1%eth0]5000" TO, "no ']:PORT'"},
		{"[ff3e::1%eth0]" TO, "no ']:PORT'"},
		{"[ff3e::1]%eth0:5000" TO, "no ']:PORT'"},
		{"[ff3e:::1%eth0]:5000" TO, "not an address"},
		{"[::ffff:192.0.2.1]:5000" TO, "IPv4 written as IPv6"},
		{"0.0.0.0:5000" TO, "names no host"},
		{"any:5000" TO, "names no host"},
		{"any/24%eth0:5000" TO, "names no host"},
		{"0.0.0.1%eth0:5000" TO, "names no host"},
		{"any%:5000" TO, "nothing after '%'"},
		{"239.1.1.1:5000%eth0" TO, "no valid port"},
		{IN " -> any%eth1:6000", "names no host"},
		{IN " -> [any%eth1]:6000", "names no host"},
		{"[::]:5000" TO, "names no host"},
		{IN " -> 0.0.0.0:6000", "names no host"},
		{IN " -> 0.1.2.3:6000", "names no host"},
		{IN " -> 255.255.255.255:6000", "a broadcast and has no interface"},
		{IN " -> broadcast:6000", "a broadcast and has no interface"},
		{IN " -> [broadcast%eth1]:6000", "not an address"},
		{IN " -> 10.2.0.256:6000", "whose last label begins with a letter"},
		{IN " -> host.example.1:6000", "whose last label begins with a letter"},
		{IN " -> host..example:6000", "is not an address"},
		{IN " -> -host.example:6000", "is not an address"},
		{IN " -> host-.example:6000", "is not an address"},
		{IN " -> host.example-:6000", "is not an address"},
		{IN " -> ho!st.example:6000", "is not an address"},
		{IN " -> host.example", "has no port"},
		{IN " -> host.example/30:6000", "has a prefix behind a host's name"},
		{IN " -> host.example:6000-6001", "2 in all, the ingress 1 with 1"},
		{IN " -> host.example:6000, Host.Example:6000", "is given twice"},
		{IN " -> host.example:6000, host.example:6000 src=192.0.2.1", "is given twice"},
		{IN " -> host.example:6000, host.example%eth1:6000", "is given twice"},
		{IN " -> [host.example]:6000 src=192.0.2.1", "of the other family"},
		{IN " -> [host.example]:6000 src=keep", "whose family is not the ingress's"},
		{IN " -> [host.example]:6000 mtu=1000", "which is IPv6"},
		{IN " -> host.example:6000 local=yes", "no multicast group"},
		{"host.example@192.0.2.1:5000" TO, "no valid source"},
		{IN " -> Broadcast%eth1:6000", "broadcast or any"},
		{"broadcast%eth0:5000 -> broadcast%eth0:5000", "equals the ingress"},
		{"239.1.1.0/24%eth0:5000 -> 255.255.255.0/24:6000", "broadcast"},
		{IN " -> [::%eth1]:6000", "names no host"},
		{"[fe80::1]:5000" TO, "link-local and has no interface"},
		{IN " -> [fe80::1]:6000", "link-local and has no interface"},
		{0},
	};

	all_refused(rows);
}
END_TEST

START_TEST(groups_that_are_never_forwarded)
{
	static const struct row rows[] = {
		{"224.0.0.1%eth0:5000" TO, "224.0.0.0/24"},
		{"224.0.0.251%eth0:5353" TO, "224.0.0.0/24"},
		{IN " -> 224.0.0.255%eth1:6000", "224.0.0.0/24"},
		{"224.0.0.0/23%eth0:5000 -> 239.0.0.0/23%eth1:5000", "224.0.0.0/24"},
		{"224.0.0.251%eth0:5353" TO, "write link-local=yes behind the ingress"},
		{"239.1.1.9%eth0:5353 link-local=no -> 224.0.0.251%eth1:5353", "link-local=yes"},
		{"[ff01::1%eth0]:5000 link-local=yes" TO, "interface-local"},
		{"[ff01::1%eth0]:5000" TO, "interface-local"},
		{"[ff02::fb%eth0]:5353" TO, "link-local scope"},
		{"[ff12::1%eth0]:5353" TO, "link-local scope"},
		{IN " -> [ff32::1%eth1]:6000", "link-local scope"},
		{"[ff00::1%eth0]:5000" TO, "reserved scope"},
		{"[ff0f::1%eth0]:5000" TO, "reserved scope"},
		{0},
	};

	all_refused(rows);
}
END_TEST

START_TEST(bad_interfaces)
{
	static const struct row rows[] = {
		{"239.1.1.1:5000" TO, "has no interface"},
		{IN " -> 239.2.2.2:6000", "has no interface"},
		{"[ff3e::1]:5000" TO, "[ff3e::1%eth0]:5000"},
		{"239.1.1.1%:5000" TO, "nothing after '%'"},
		{"[ff3e::1%]:5000" TO, "nothing after '%'"},
		{"239.1.1.1%" LONG "5678:5000" TO, "has 128 characters"},
		{"239.1.1.1%12345678901234/6:5000" TO, "cannot be an interface name"},
		{"239.1.1.1%eth0/28:5000" TO, "cannot be an interface name"},
		{"239.1.1.1%eth0:1:5000" TO, "cannot be an interface name"},
		{"239.1.1.1%..:5000" TO, "cannot be an interface name"},
		{"239.1.1.1%.:5000" TO, "cannot be an interface name"},
		{"239.1.1.1%et h0:5000" TO, "no port"},
		{"239.1.1.1%et\x01h0:5000" TO, "byte 0x01 at character 13"},
		{"239.1.1.1%\xc3\xa9th0:5000" TO, "byte 0xc3 at character 11"},
		{"239.1.1.1%et\x7fh0:5000" TO, "byte 0x7f"},
		{"\xef\xbb\xbf" IN TO, "a byte order mark at character 1 of"},
		{IN "\xc2\xa0->" TO, "a no-break blank at character 20"},
		{IN " \xe2\x86\x92 239.2.2.2%eth1:6000", "an arrow in one character"},
		{"\xe2\x80\x9c" IN TO "\xe2\x80\x9d", "a quote of a word processor"},
		{0},
	};

	all_refused(rows);
}
END_TEST

START_TEST(bad_sources)
{
	static const struct row rows[] = {
		{"@239.1.1.1%eth0:5000" TO, "no valid source"},
		{"192.0.2.1@192.0.2.2@239.1.1.1%eth0:5000" TO, "not an address"},
		{"host@239.1.1.1%eth0:5000" TO, "no valid source"},
		{"192.0.2.1:80@239.1.1.1%eth0:5000" TO, "no valid source"},
		{"192.0.2.0/24@239.1.1.1%eth0:5000" TO, "has a prefix before"},
		{"[192.0.2.1]@239.1.1.1%eth0:5000" TO, "no valid source"},
		{"2001:db8::5@[ff3e::1%eth0]:5000" TO, "no valid source"},
		{"[2001:db8::5@[ff3e::1%eth0]:5000" TO, "no valid source"},
		{"[2001:db8::5]@239.1.1.1%eth0:5000" TO, "different families"},
		{"192.0.2.1@[ff3e::1%eth0]:5000" TO, "different families"},
		{"239.1.1.2@239.1.1.1%eth0:5000" TO, "multicast address"},
		{"10.0.0.0/24@239.1.1.1%eth0:5000" TO, "has a prefix before the '@'"},
		{"10.0.0.0/24@broadcast%eth0:5000" TO, "has a prefix before the '@'"},
		{"10.0.0.0/33@192.0.2.1:5000" TO, "is not the length of a sender's prefix"},
		{"10.0.0.0/0@192.0.2.1:5000" TO, "is not the length of a sender's prefix"},
		{"10.0.0.1/24@192.0.2.1:5000" TO, "does not begin at its prefix"},
		{"[2001:db8::8000/112]@[2001:db8::1]:5000" TO, "does not begin at its prefix"},
		{"0.0.0.0@239.1.1.1%eth0:5000" TO, "names no host"},
		{"255.255.255.255@239.1.1.1%eth0:5000" TO, "broadcast"},
		{"[::]@[ff3e::1%eth0]:5000" TO, "names no host"},
		/* The source's `%' begins the interface as far as the reader can tell. */
		{"udp://@239.1.1.1:5000" TO, "is a URL"},
		{"udp://192.0.2.1@239.1.1.1%eth0:5000" TO, "is a URL"},
		{"192.0.2.1%eth0@239.1.1.1%eth0:5000" TO, "has 19 characters"},
		{IN " -> 192.0.2.1@239.2.2.2%eth1:6000", "only an ingress"},
		{0},
	};

	all_refused(rows);
}
END_TEST

START_TEST(bad_ports)
{
	static const struct row rows[] = {
		{"239.1.1.1%eth0" TO, "no port"},
		{"239.1.1.1%eth0:" TO, "no valid port"},
		{"239.1.1.1%eth0:0" TO, "no valid port"},
		{"239.1.1.1%eth0:65536" TO, "no valid port"},
		{"239.1.1.1%eth0:99999999999999999999" TO, "no valid port"},
		{"239.1.1.1%eth0:5000x" TO, "no valid port"},
		{"239.1.1.1%eth0:+5000" TO, "no valid port"},
		{"239.1.1.1%eth0:http" TO, "no valid port"},
		{"239.1.1.1%eth0:5000-" TO, "no valid port"},
		{"239.1.1.1%eth0:-5000" TO, "no valid port"},
		{"239.1.1.1%eth0:0-5000" TO, "no valid port"},
		{"239.1.1.1%eth0:1-65536" TO, "no valid port"},
		{"239.1.1.1%eth0:1-2-3" TO, "no valid port"},
		{"239.1.1.1%eth0:5010-5000" TO, "runs backwards"},
		{IN " -> 239.2.2.2%eth1:0", "no valid port"},
		{0},
	};

	all_refused(rows);
}
END_TEST

START_TEST(bad_ranges)
{
	static const struct row rows[] = {
		{"239.1.1.0/%eth0:5000" TO, "not a prefix length"},
		{"239.1.1.0/33%eth0:5000" TO, "not a prefix length"},
		{"239.1.1.0/x%eth0:5000" TO, "not a prefix length"},
		{"239.1.1.0/24/24%eth0:5000" TO, "not a prefix length"},
		{"[ff3e::/129%eth0]:5000" TO, "not a prefix length"},
		{"239.1.1.1/28%eth0:5000 -> 239.2.2.0/28%eth1:5000",
		 "does not begin at a multiple"},
		{"239.1.1.0/28%eth0:5000 -> 239.2.2.8/28%eth1:5000",
		 "does not begin at a multiple"},
		{"[ff3e::8/124%e]:1 -> [ff3e::10/124%f]:1", "does not begin at a multiple"},
		{"224.0.0.0/4%eth0:5000" TO, "too many addresses"},
		{"239.0.0.0/13%eth0:5000" TO, "too many addresses"},
		{"[ff3e::/64%eth0]:5000" TO, "too many addresses"},
		{"[ff3e::/0%eth0]:5000" TO, "too many addresses"},
		{"239.0.0.0/16%eth0:1-5 -> 239.0.0.0/16%eth1:1-5", "too many"},
		{"239.1.1.0/28%eth0:5000 -> 239.2.2.0/27%eth1:5000", "32 address(es)"},
		{"239.1.1.0/28%eth0:5000 -> 192.0.2.1:5000", "1 address(es)"},
		{IN " -> 239.2.2.0/28%eth1:6000", "16 address(es)"},
		{"239.1.1.1%eth0:1-10 -> 239.2.2.2%eth1:1-11", "11 port(s)"},
		{"239.1.1.1%eth0:1-10 -> 239.2.2.2%eth1:1", "1 port(s)"},
		{"239.1.1.0/28%eth0:1 -> 239.2.2.2%eth1:1-15", "15 in all, the ingress 16 with 1"},
		{"239.1.1.0/28%eth0:1-2 -> 239.2.2.2%eth1:1-16", "16 with 2, 32 in all; ranges"},
		{IN " -> 239.0.0.0/14%eth1:1-65535", "17179607040 in all"},
		{0},
	};

	all_refused(rows);
}
END_TEST

START_TEST(bad_ingress_options)
{
	static const struct row rows[] = {
		{IN " ttl=3" TO, "'ttl=3' is not an option of an ingress"},
		{IN " per=source" TO, "'per=source' is not an option"},
		{IN " name" TO, "not an option"},
		{IN " =5" TO, "not an option"},
		{IN " Name=x" TO, "not an option"},
		{IN " name=" TO, "1 to 63"},
		{IN " name=a\"b" TO, "letters, digits"},
		{IN " name=1234567890123456789012345678901234567890123456789012345678901234" TO,
		 "1 to 63"},
		{IN " name=a name=b" TO, "another name="},
		{IN " weight=0" TO, "1 to 1000000"},
		{IN " weight=1000001" TO, "1 to 1000000"},
		{IN " weight=-1" TO, "1 to 1000000"},
		{IN " weight=" TO, "1 to 1000000"},
		{IN " spread=0" TO, "1 to 64"},
		{IN " spread=65" TO, "1 to 64"},
		{IN " spread=2" TO, "spread=2 with 1 egress"},
		{IN " by=senders" TO, "outputs, source or cpu"},
		{IN " by=" TO, "outputs, source or cpu"},
		{IN " spread=2 by=outputs" TO, "spread=2 with 1 egress"},
		{"192.0.2.1@" IN " spread=2 by=source" TO, "by=source with one SOURCE@"},
		{"192.0.2.1@" IN " spread=2 by=cpu" TO, "by=cpu with one SOURCE@"},
		{IN " spread=2 by=source" TO " rate=1M", "rate= of egress"},
		{IN " spread=2 by=source shard=1" TO, "both shard= and spread="},
		{IN " shard=1024" TO, "0 to 1023"},
		{IN " shard=any" TO, "0 to 1023"},
		{IN " shard=1 spread=2" TO, "both shard= and spread="},
		{IN " class=huge" TO, "small, standard, jumbo or train"},
		{IN " gro=auto" TO, "on or off"},
		{IN " gro=1" TO, "on or off"},
		{0},
	};

	all_refused(rows);
}
END_TEST

START_TEST(bad_egress_options)
{
	static const struct row rows[] = {
		{IN TO " name=x", "'name=x' is not an option of an egress"},
		{IN TO " ttl=0", "1 to 255, keep or dec"},
		{IN TO " ttl=256", "1 to 255"},
		{IN TO " ttl=KEEP", "1 to 255"},
		{IN TO " ttl=1 ttl=1", "another ttl="},
		{IN TO " ttl=1 dscp=1 ttl=keep", "another ttl="},
		{IN TO " dscp=64", "0 to 63"},
		{IN TO " dscp=AF44", "0 to 63"},
		{IN TO " dscp=AF51", "0 to 63"},
		{IN TO " dscp=AF1", "0 to 63"},
		{IN TO " dscp=CS8", "0 to 63"},
		{IN TO " dscp=EFX", "0 to 63"},
		{IN TO " dscp=", "0 to 63"},
		{IN TO " src=", "a unicast address"},
		{IN TO " src=eth0", "a unicast address"},
		{IN TO " src=239.1.1.1", "a unicast address"},
		{IN TO " src=192.0.2.1:5000", "a unicast address"},
		{IN TO " src=[192.0.2.1]", "a unicast address"},
		{IN TO " src=0.0.0.0", "names no host"},
		{IN TO " src=255.255.255.255", "broadcast"},
		{IN TO " src=2001:db8::1", "of the other family"},
		{IN " -> [ff3e::1%eth1]:6000 src=192.0.2.1", "of the other family"},
		{IN " -> [ff3e::1%eth1]:6000 src=::ffff:192.0.2.1", "IPv4 written as IPv6"},
		{IN " -> [ff3e::1%eth1]:6000 src=keep", "src=keep"},
		{IN TO " sport=0", "1 to 65535"},
		{IN TO " sport=65536", "1 to 65535"},
		{IN TO " sport=keep", "without src=keep"},
		{IN TO " sport=keep src=192.0.2.1", "without src=keep"},
		{IN TO " sport=Keep src=keep", "a port, or keep"},
		{IN TO " rate=0", "1 to 1000G"},
		{IN TO " rate=1001G", "1 to 1000G"},
		{IN TO " rate=10Mb", "1 to 1000G"},
		{IN TO " rate=", "1 to 1000G"},
		{IN TO " priority=8", "0 to 7"},
		{IN TO " reply=on", "yes or no"},
		{IN TO " reply=yes src=keep", "go to the sender's own address"},
		{IN TO " local=on", "yes or no"},
		{IN " -> 192.0.2.1:6000 local=yes", "no multicast group"},
		{IN " -> broadcast%eth1:6000 local=yes", "no multicast group"},
		{IN TO " gso=yes", "on, off or auto"},
		{IN TO " df=yes", "on or off"},
		{IN TO " mtu=575", "576 to 65535 bytes with headers"},
		{IN " -> [ff3e::1%eth1]:6000 mtu=1279", "each link of IPv6 carries 1280"},
		{0},
	};

	all_refused(rows);
}
END_TEST

START_TEST(outputs_that_repeat_or_return)
{
	static const struct row rows[] = {
		{IN " -> " IN, "equals the ingress"},
		{IN TO ", " IN, "equals the ingress"},
		{"192.0.2.1:5000 -> 192.0.2.1:5000", "equals the ingress"},
		{"192.0.2.1:5000 -> 192.0.2.1%eth0:5000", "equals the ingress"},
		{"192.0.2.1%eth0:5000 -> 192.0.2.1:5000", "equals the ingress"},
		{"192.0.2.9@239.1.1.1%eth0:5000 -> " IN, "equals the ingress"},
		{"[ff3e:0::1%eth0]:5000 -> [ff3e::0:1%eth0]:5000", "equals the ingress"},
		{"239.1.1.0/28%eth0:5000 -> 239.1.1.0/28%eth0:5000", "equals the ingress"},
		{IN TO ",239.2.2.2%eth1:6000", "given twice"},
		{IN TO " ttl=1, 239.2.2.3%eth1:6000, 239.2.2.2%eth1:6000 ttl=2", "given twice"},
		{IN " -> 192.0.2.1:1, 192.0.2.1%eth1:1", "given twice"},
		{IN " -> [2001:db8::1]:1, [2001:db8:0::1]:1", "given twice"},
		{0},
	};
	struct conf conf = {0};
	struct err err = {""};

	all_refused(rows);
	/* The same address is another endpoint on another interface or port. */
	ck_assert_msg(conf_add_rule(&conf,
				    IN " -> 239.1.1.1%eth1:5000, 239.1.1.1%eth0:5001, "
				       "192.0.2.1%eth0:1, 192.0.2.1%eth1:1",
				    "here", &err) == 0,
		      "%s", err.text);
	conf_free(&conf);
}
END_TEST

START_TEST(overlong_text)
{
	char *text = malloc(CONF_RULE_TEXT_MAX + 2);

	ck_assert_ptr_nonnull(text);
	memset(text, ' ', CONF_RULE_TEXT_MAX + 1);
	memcpy(text, IN TO, strlen(IN TO));
	text[CONF_RULE_TEXT_MAX + 1] = '\0';
	refused(text, "65537 characters");
	text[CONF_RULE_TEXT_MAX] = '\0';
	memset(text, 'x', CONF_RULE_TEXT_MAX);
	refused(text, "too long");
	free(text);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("conf_refuse");
	TCase *tc = tcase_create("conf_refuse");
	SRunner *runner = srunner_create(suite);
	int failed;

	suite_add_tcase(suite, tc);
	tcase_add_test(tc, incomplete_rules);
	tcase_add_test(tc, bad_addresses);
	tcase_add_test(tc, groups_that_are_never_forwarded);
	tcase_add_test(tc, bad_interfaces);
	tcase_add_test(tc, bad_sources);
	tcase_add_test(tc, bad_ports);
	tcase_add_test(tc, bad_ranges);
	tcase_add_test(tc, bad_ingress_options);
	tcase_add_test(tc, bad_egress_options);
	tcase_add_test(tc, outputs_that_repeat_or_return);
	tcase_add_test(tc, overlong_text);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed != 0;
}
