/* nft_rules.c - walks a packet through the base chains of a ruleset.
 *
 * A chain's outcome is a set: with rules that may or may not fit, a packet may be accepted, dropped
 * and returned to the caller, all at once. A base chain adds its policy for what comes back. A
 * packet passes when no base chain can drop it, and is dropped when one does nothing else. A chain
 * is walked anew for each jump to it, so rules that jump from each of sixteen chains to several
 * others make more ways than anybody can walk: steps are counted. Pure.
 */
#include "src/host/nft_rules.h"

#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "src/host/nft_match.h"

#define JUMPS_MAX        16      /* the kernel's own limit */
#define STEPS_PACKET_MAX 100000  /* rules and values looked at for one packet */
#define STEPS_MAX        5000000 /* for all of them: about a second */

/* What may become of a packet. */
#define MAY_PASS   1u
#define MAY_DROP   2u
#define MAY_RETURN 4u /* leave this chain for its caller */
#define MAY_GO_ON  8u /* with the next rule */

/* A rule, and the chain it stands in. */
struct place {
	const char *family, *table, *chain;
	size_t at; /* in the ruleset */
	const json_t *rule;
};

struct nft_rules {
	json_t *root;
	const json_t *all;    /* root's array of objects */
	struct place *places; /* by chain, and there as listed */
	size_t place_count;
	uint64_t steps_left;
};

/* One packet on its way through one base chain. */
struct walk {
	const struct nft_rules *rules;
	struct nft_scope scope;
	const struct nft_packet *packet;
	int64_t handle; /* of the first rule that may drop it; 0: none */
	int jumps;
};

static int find_places(struct nft_rules *rules);
static int compare_places(const void *a, const void *b);
static int compare_chains(const struct place *a, const struct place *b);
static enum nft_fit is_for_device(const json_t *chain, const char *ifname);
static bool is_on_way(const json_t *chain, const bool *out);
static bool may_decide(const json_t *chain, const struct addr *to);
static void judge_chain(const struct nft_rules *rules, const json_t *chain,
			const struct nft_packet *packet, uint64_t *steps_left,
			struct nft_answer *out);
static unsigned walk_chain(struct walk *walk, const char *chain);
static size_t first_of(const struct nft_rules *rules, const struct place *chain);
static unsigned walk_statements(struct walk *walk, const json_t *statements);
static unsigned walk_vmap(struct walk *walk, const json_t *vmap);
static bool is_condition(const json_t *statement, bool last);
static unsigned walk_verdict(struct walk *walk, const json_t *statement);
static unsigned walk_target(struct walk *walk, const json_t *to);
static unsigned walk_xt(const json_t *xt);
static const char *text_of(const json_t *object, const char *key);
static bool is_among(const char *name, const char *const *names, size_t count);

int nft_rules_parse(const char *text, struct nft_rules **out)
{
	struct nft_rules *rules = calloc(1, sizeof(*rules));
	int rc;

	if (!rules) {
		return -ENOMEM;
	}
	rules->steps_left = STEPS_MAX;
	rules->root = json_loads(text, 0, NULL);
	rules->all = json_object_get(rules->root, "nftables");
	rc = json_is_array(rules->all) ? find_places(rules) : -EINVAL;
	if (rc < 0) {
		nft_rules_free(rules);
		return rc;
	}
	*out = rules;
	return 0;
}

uint32_t nft_rules_chains(const struct nft_rules *rules)
{
	uint32_t count = 0;

	for (size_t i = 0; i < json_array_size(rules->all); i++) {
		const json_t *chain = json_object_get(json_array_get(rules->all, i), "chain");

		count += chain && is_on_way(chain, NULL) && may_decide(chain, NULL);
	}
	return count;
}

void nft_rules_judge(struct nft_rules *rules, const struct nft_packet *packet,
		     struct nft_answers *out)
{
	uint64_t most = rules->steps_left < STEPS_PACKET_MAX ? rules->steps_left : STEPS_PACKET_MAX;
	uint64_t steps_left = most;

	*out = (struct nft_answers){.verdict = NFT_PASS};
	for (size_t i = 0; i < json_array_size(rules->all); i++) {
		const json_t *chain = json_object_get(json_array_get(rules->all, i), "chain");
		enum nft_fit fit = is_for_device(chain, packet->ifname);
		struct nft_answer answer = {0};

		if (!chain || !is_on_way(chain, &packet->out) || !may_decide(chain, &packet->to) ||
		    fit == NFT_FIT_NO) {
			continue;
		}
		judge_chain(rules, chain, packet, &steps_left, &answer);
		if (fit == NFT_FIT_MAYBE && answer.verdict == NFT_DROP) {
			answer.verdict = NFT_MAYBE;
		}
		out->verdict = answer.verdict > out->verdict ? answer.verdict : out->verdict;
		if (answer.verdict != NFT_PASS && out->count < NFT_ANSWERS_MAX) {
			out->list[out->count++] = answer;
		}
	}
	rules->steps_left -= most - steps_left;
}

void nft_rules_free(struct nft_rules *rules)
{
	if (rules) {
		json_decref(rules->root);
		free(rules->places);
		free(rules);
	}
}

/* 0 or -ENOMEM. */
static int find_places(struct nft_rules *rules)
{
	rules->places = calloc(json_array_size(rules->all) + 1, sizeof(*rules->places));
	if (!rules->places) {
		return -ENOMEM;
	}
	for (size_t i = 0; i < json_array_size(rules->all); i++) {
		const json_t *rule = json_object_get(json_array_get(rules->all, i), "rule");

		if (rule) {
			rules->places[rules->place_count++] =
				(struct place){.family = text_of(rule, "family"),
					       .table = text_of(rule, "table"),
					       .chain = text_of(rule, "chain"),
					       .at = i,
					       .rule = rule};
		}
	}
	qsort(rules->places, rules->place_count, sizeof(*rules->places), compare_places);
	return 0;
}

static int compare_places(const void *a, const void *b)
{
	const struct place *left = a, *right = b;
	int order = compare_chains(left, right);

	return order ? order : (left->at > right->at) - (left->at < right->at);
}

static int compare_chains(const struct place *a, const struct place *b)
{
	int order = strcmp(a->chain, b->chain);

	order = order ? order : strcmp(a->table, b->table);
	return order ? order : strcmp(a->family, b->family);
}

/* Whether a base chain is for packets of this interface. Those at the hooks of a device are for
 * their devices only, which older nft does not name. */
static enum nft_fit is_for_device(const json_t *chain, const char *ifname)
{
	const json_t *dev = json_object_get(chain, "dev");
	const char *hook = text_of(chain, "hook");

	if (strcmp(hook, "ingress") != 0 && strcmp(hook, "egress") != 0) {
		return NFT_FIT_YES;
	}
	if (json_is_string(dev)) {
		return strcmp(json_string_value(dev), ifname) == 0 ? NFT_FIT_YES : NFT_FIT_NO;
	}
	for (size_t i = 0; i < json_array_size(dev); i++) {
		const char *name = json_string_value(json_array_get(dev, i));

		if (name && strcmp(name, ifname) == 0) {
			return NFT_FIT_YES;
		}
	}
	return dev ? NFT_FIT_NO : NFT_FIT_MAYBE;
}

/* Whether packets in this direction pass a base chain's hook; NULL: in either. */
static bool is_on_way(const json_t *chain, const bool *out)
{
	static const char *const ways[2][3] = {{"ingress", "prerouting", "input"},
					       {"output", "postrouting", "egress"}};
	const char *hook = text_of(chain, "hook");

	for (int way = 0; way < 2; way++) {
		for (int i = 0; i < 3; i++) {
			if (strcmp(hook, ways[way][i]) == 0) {
				return !out || *out == (way == 1);
			}
		}
	}
	return false;
}

/* A family's base chains see some packets only; NAT does not decide. */
static bool may_decide(const json_t *chain, const struct addr *to)
{
	const char *family = text_of(chain, "family");

	if (strcmp(text_of(chain, "type"), "nat") == 0) {
		return false;
	}
	if (strcmp(family, "ip") == 0) {
		return !to || to->family == AF_INET;
	}
	if (strcmp(family, "ip6") == 0) {
		return !to || to->family == AF_INET6;
	}
	return strcmp(family, "inet") == 0 || strcmp(family, "netdev") == 0;
}

static void judge_chain(const struct nft_rules *rules, const json_t *chain,
			const struct nft_packet *packet, uint64_t *steps_left,
			struct nft_answer *out)
{
	struct walk walk = {
		.rules = rules,
		.scope = {.all = rules->all,
			  .family = text_of(chain, "family"),
			  .table = text_of(chain, "table"),
			  .steps_left = steps_left},
		.packet = packet,
	};
	unsigned may = walk_chain(&walk, text_of(chain, "name"));

	if (may & MAY_RETURN) {
		may |= strcmp(text_of(chain, "policy"), "drop") == 0 ? MAY_DROP : MAY_PASS;
		may &= ~MAY_RETURN;
	}
	out->verdict = *steps_left == 0    ? NFT_UNKNOWN
		       : !(may & MAY_DROP) ? NFT_PASS
		       : may == MAY_DROP   ? NFT_DROP
					   : NFT_MAYBE;
	out->handle = walk.handle;
	snprintf(out->chain, sizeof(out->chain), "%s %s %s", walk.scope.family, walk.scope.table,
		 text_of(chain, "name"));
}

static unsigned walk_chain(struct walk *walk, const char *chain)
{
	const struct place wanted = {
		.family = walk->scope.family, .table = walk->scope.table, .chain = chain};
	const struct nft_rules *rules = walk->rules;
	unsigned may = 0;

	for (size_t i = first_of(rules, &wanted);
	     i < rules->place_count && compare_chains(&rules->places[i], &wanted) == 0; i++) {
		const json_t *rule = rules->places[i].rule;
		unsigned now;

		if (!nft_step(&walk->scope)) {
			return MAY_PASS | MAY_DROP | MAY_RETURN;
		}
		now = walk_statements(walk, json_object_get(rule, "expr"));
		if ((now & MAY_DROP) && walk->handle == 0) {
			walk->handle = json_integer_value(json_object_get(rule, "handle"));
		}
		may |= now & ~MAY_GO_ON;
		if (!(now & MAY_GO_ON)) {
			return may;
		}
	}
	return may | MAY_RETURN;
}

/* The place of the chain's first rule, or where it would stand. */
static size_t first_of(const struct nft_rules *rules, const struct place *chain)
{
	size_t low = 0, high = rules->place_count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (compare_chains(&rules->places[middle], chain) < 0) {
			low = middle + 1;
		} else {
			high = middle;
		}
	}
	return low;
}

/* Statement by statement, until one does not fit or decides. */
static unsigned walk_statements(struct walk *walk, const json_t *statements)
{
	enum nft_fit fit = NFT_FIT_YES;
	size_t count = json_array_size(statements);

	for (size_t i = 0; i < count && fit != NFT_FIT_NO; i++) {
		const json_t *statement = json_array_get(statements, i);
		const json_t *match = json_object_get(statement, "match");
		const json_t *vmap = json_object_get(statement, "vmap");
		enum nft_fit now = NFT_FIT_YES;
		unsigned may = MAY_GO_ON;

		if (match) {
			now = nft_match(&walk->scope, walk->packet, match);
		} else if (vmap) {
			may = walk_vmap(walk, vmap);
		} else if (is_condition(statement, i + 1 == count)) {
			now = NFT_FIT_MAYBE;
		} else {
			may = walk_verdict(walk, statement);
		}
		fit = now < fit ? now : fit;
		if (may != MAY_GO_ON) {
			return fit == NFT_FIT_MAYBE ? may | MAY_GO_ON : may;
		}
	}
	return MAY_GO_ON;
}

/* A verdict chosen by a key: at most one element fits. */
static unsigned walk_vmap(struct walk *walk, const json_t *vmap)
{
	const json_t *key = json_object_get(vmap, "key"), *data = json_object_get(vmap, "data");
	const char *name = json_string_value(data);
	const json_t *list = name && name[0] == '@' ? nft_match_named(&walk->scope, "map", name + 1)
						    : json_object_get(data, "set");
	unsigned may = MAY_GO_ON;

	for (size_t i = 0; i < json_array_size(list); i++) {
		const json_t *pair = json_array_get(list, i);
		enum nft_fit fit =
			nft_match_value(&walk->scope, walk->packet, key, json_array_get(pair, 0));

		if (fit == NFT_FIT_YES) {
			return walk_verdict(walk, json_array_get(pair, 1));
		}
		if (fit == NFT_FIT_MAYBE) {
			may |= walk_verdict(walk, json_array_get(pair, 1));
		}
	}
	return may;
}

/* Fits only as often as a rate, a quota or a count allows; or a match of iptables (older nft does
 * not tell it from a target, which stands last). */
static bool is_condition(const json_t *statement, bool last)
{
	static const char *const names[] = {"limit", "quota", "ct count"};
	const json_t *xt = json_object_get(statement, "xt");

	if (xt) {
		return json_is_object(xt) ? strcmp(text_of(xt, "type"), "match") == 0 : !last;
	}

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		if (json_object_get(statement, names[i])) {
			return true;
		}
	}
	return false;
}

/* What a verdict does; MAY_GO_ON for statements that are none. */
static unsigned walk_verdict(struct walk *walk, const json_t *statement)
{
	static const char *const unsure[] = {"queue", "fwd", "tproxy"};
	unsigned may;

	if (json_object_get(statement, "accept")) {
		return MAY_PASS;
	}
	if (json_object_get(statement, "drop") || json_object_get(statement, "reject")) {
		return MAY_DROP;
	}
	if (json_object_get(statement, "return")) {
		return MAY_RETURN;
	}
	if (json_object_get(statement, "jump")) {
		may = walk_target(walk, json_object_get(statement, "jump"));
		return may & MAY_RETURN ? (may & ~MAY_RETURN) | MAY_GO_ON : may;
	}
	if (json_object_get(statement, "goto")) {
		return walk_target(walk, json_object_get(statement, "goto"));
	}
	if (json_object_get(statement, "xt")) {
		return walk_xt(json_object_get(statement, "xt"));
	}
	for (size_t i = 0; i < sizeof(unsure) / sizeof(unsure[0]); i++) {
		if (json_object_get(statement, unsure[i])) {
			return MAY_PASS | MAY_DROP | MAY_GO_ON;
		}
	}
	return MAY_GO_ON;
}

static unsigned walk_target(struct walk *walk, const json_t *to)
{
	unsigned may;

	if (walk->jumps >= JUMPS_MAX) {
		return MAY_PASS | MAY_DROP | MAY_RETURN;
	}
	walk->jumps++;
	may = walk_chain(walk, text_of(to, "target"));
	walk->jumps--;
	return may;
}

/* A target of iptables, of which nft tells the name only; older ones not even that. */
static unsigned walk_xt(const json_t *xt)
{
	static const char *const drops[] = {"DROP", "REJECT"};
	static const char *const harmless[] = {"CHECKSUM", "CLASSIFY", "CONNMARK", "CT",  "DSCP",
					       "LOG",      "MARK",     "NFLOG",    "SET", "TCPMSS",
					       "TOS",      "TRACE",    "TTL"};
	const char *name = text_of(xt, "name");

	if (is_among(name, drops, sizeof(drops) / sizeof(drops[0]))) {
		return MAY_DROP;
	}
	return is_among(name, harmless, sizeof(harmless) / sizeof(harmless[0]))
		       ? MAY_GO_ON
		       : MAY_PASS | MAY_DROP | MAY_GO_ON;
}

static const char *text_of(const json_t *object, const char *key)
{
	const char *text = json_string_value(json_object_get(object, key));

	return text ? text : "";
}

/* Whether `name' is among `count' names. */
static bool is_among(const char *name, const char *const *names, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		if (strcmp(name, names[i]) == 0) {
			return true;
		}
	}
	return false;
}
