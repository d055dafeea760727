/* fuzz_nft.c - any text as the packet filter's ruleset that --check-host reads.
 *
 * What must hold: no crash, nothing that takes long, and of each packet that is asked about an
 * answer whose list is as long as it says, with the verdict of the worst of them.
 */
#include <netinet/in.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "src/base/must.h"
#include "src/host/nft_rules.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void judge(struct nft_rules *rules, const struct nft_packet *packet)
{
	struct nft_answers answers;
	enum nft_verdict worst = NFT_PASS;

	nft_rules_judge(rules, packet, &answers);
	must(answers.count <= NFT_ANSWERS_MAX);
	for (uint32_t i = 0; i < answers.count; i++) {
		const struct nft_answer *answer = &answers.list[i];

		must(answer->verdict > NFT_PASS && answer->verdict <= NFT_DROP);
		must(memchr(answer->chain, '\0', sizeof(answer->chain)) != NULL);
		worst = answer->verdict > worst ? answer->verdict : worst;
	}
	must(answers.verdict >= worst);
	must(answers.verdict <= NFT_DROP);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct nft_packet in = {.ifname = "eth0", .protocol = IPPROTO_UDP},
			  query = {.ifname = "eth0", .type = "mld-listener-query"};
	char *text = malloc(size + 1);
	struct nft_rules *rules = NULL;

	must(text);
	memcpy(text, data, size);
	text[size] = '\0';
	must(addr_parse_ip("239.1.1.1", &in.to) == 0);
	in.to.port = 5000;
	query.protocol = IPPROTO_ICMPV6;
	query.out = true;
	must(addr_parse_ip("ff02::1", &query.to) == 0);
	if (nft_rules_parse(text, &rules) == 0) {
		(void)nft_rules_chains(rules);
		judge(rules, &in);
		judge(rules, &query);
		nft_rules_free(rules);
	}
	free(text);
	return 0;
}
