/* nft_match.h - does one expression of a rule fit a packet? Internal to src/host/nft_rules.c.
 *
 * Values of JSON stay opaque here. Pure.
 */
#pragma once

#include "src/host/nft_rules.h"

struct json_t;

enum nft_fit {
	NFT_FIT_NO,
	NFT_FIT_MAYBE,
	NFT_FIT_YES,
};

/* Where named sets and maps are looked up, and how much more may be looked at. */
struct nft_scope {
	const struct json_t *all; /* the array of all objects of the ruleset */
	const char *family;
	const char *table;
	uint64_t *steps_left; /* rules and values; with 0 each fit is NFT_FIT_MAYBE */
	bool in_set;          /* among the elements of a named one, which names no other */
};

/* Takes a step; false: none is left. */
bool nft_step(const struct nft_scope *scope);

/* A "match" statement: {"op": ..., "left": ..., "right": ...}. */
enum nft_fit nft_match(const struct nft_scope *scope, const struct nft_packet *packet,
		       const struct json_t *match);

/* Whether the packet's `left' is one of the values `right' stands for. */
enum nft_fit nft_match_value(const struct nft_scope *scope, const struct nft_packet *packet,
			     const struct json_t *left, const struct json_t *right);

/* The elements of the set or map that is called so ("@name"), or NULL. */
const struct json_t *nft_match_named(const struct nft_scope *scope, const char *kind,
				     const char *name);
