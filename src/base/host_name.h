/* host_name.h - names of hosts, which are looked up while the program runs.
 *
 * Each name is kept once and for as long as the program lives, so that whoever copies an endpoint
 * copies a pointer, may do so on any thread, and two are the same when their pointers are. There
 * are as many as configurations have had, up to HOST_NAMES_MAX. Kept by the control thread only.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#define HOST_NAME_MAX_LEN 253 /* of a name in DNS, without a last dot */
#define HOST_NAMES_MAX    65536

struct host_name {
	struct host_name *next;
	uint16_t family; /* of the addresses wanted: AF_INET, AF_INET6, or 0: either */
	char text[];     /* in lower case */
};

/* Whether `text' can be a host's name: letters, digits, `-' and `_' in labels with dots between
 * them, the last of which begins with a letter. */
bool host_name_is_valid(const char *text);

/* The one that is called `text', which is valid, in letters of either case, with addresses of
 * `family' wanted. NULL: there are too many, or, with ENOMEM in errno, there is no memory. */
const struct host_name *host_name_keep(const char *text, uint16_t family);
