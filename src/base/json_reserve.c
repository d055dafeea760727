/* json_reserve.c - see json_reserve.h.
 *
 * The reserve is cut from front to back, and whole again once all pieces are given back: what is
 * built of it is one request, one answer, or a line of the history.
 */
#include "src/base/json_reserve.h"

#include <jansson.h>
#include <stdalign.h>
#include <stdint.h>
#include <stdlib.h>

static alignas(max_align_t) char reserve[JSON_RESERVE_BYTES];
static size_t cut;          /* bytes that were handed out since all were given back */
static uint32_t pieces;     /* of them that were not given back */
static bool used, short_of; /* since json_reserve_begin */

void json_reserve_init(void)
{
	json_set_alloc_funcs(json_reserve_take, json_reserve_give);
}

void json_reserve_begin(void)
{
	used = short_of = false;
}

bool json_reserve_was_used(void)
{
	return used;
}

bool json_reserve_was_short(void)
{
	return short_of;
}

void *json_reserve_take(size_t bytes)
{
	void *memory = malloc(bytes);

	if (!memory) {
		memory = json_reserve_cut(bytes);
	}
	return memory;
}

void json_reserve_give(void *memory)
{
	if ((char *)memory < reserve || (char *)memory >= reserve + sizeof(reserve)) {
		free(memory);
		return;
	}
	pieces--;
	cut = pieces == 0 ? 0 : cut;
}

void *json_reserve_cut(size_t bytes)
{
	void *memory;

	used = true;
	bytes = (bytes + alignof(max_align_t) - 1) / alignof(max_align_t) * alignof(max_align_t);
	if (bytes > sizeof(reserve) - cut) {
		short_of = true;
		return NULL;
	}
	memory = reserve + cut;
	cut += bytes;
	pieces++;
	return memory;
}
