/* json_reserve.h - memory for JSON where the system has none (json_reserve.c).
 *
 * Whoever asks by the control socket is answered also then, and a request or an answer of which a
 * part could not be kept is not taken for another one: jansson 2.14 leaves out a character of what
 * it reads, and goes on, or ends the process. What --check-host says is whole or refused likewise.
 * One thread: in numacastd that of control, beside which nobody builds JSON.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#define JSON_RESERVE_BYTES 65536U

/* From now on jansson gets from the reserve what malloc refuses; from before it builds anything. */
void json_reserve_init(void);

/* A request, an answer or a report begins: the next two are false from here on. */
void json_reserve_begin(void);

/* Whether there was need of it; whether even that was not enough, so that something is missing in
 * what was built, which must not be told as if it were whole. */
bool json_reserve_was_used(void);
bool json_reserve_was_short(void);

/* Of the reserve or of malloc; a jansson allocation, and how it is given back. NULL: both are at
 * their end. */
void *json_reserve_take(size_t bytes);
void json_reserve_give(void *memory);

/* The same without asking malloc first. */
void *json_reserve_cut(size_t bytes);
