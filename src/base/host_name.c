/* host_name.c - see host_name.h.
 *
 * What is kept stands in lists by the hash of its text. It is never given back: shards that relay
 * to a name outlive the configuration that it stood in. Control thread.
 */
#include "src/base/host_name.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define LISTS     1024
#define LABEL_MAX 63

static struct host_name *lists[LISTS];
static uint32_t kept;

static uint32_t hash(const char *text, uint16_t family);

bool host_name_is_valid(const char *text)
{
	size_t len = strlen(text), label = 0;
	const char *last = text;

	if (len == 0 || len > HOST_NAME_MAX_LEN) {
		return false;
	}
	for (size_t i = 0; i < len; i++) {
		unsigned char byte = (unsigned char)text[i];

		if (byte == '.') {
			if (label == 0 || text[i - 1] == '-') {
				return false;
			}
			label = 0;
			last = text + i + 1;
			continue;
		}
		if (!isalnum(byte) && byte != '_' && (byte != '-' || label == 0)) {
			return false;
		}
		if (++label > LABEL_MAX) {
			return false;
		}
	}
	return isalpha((unsigned char)*last) && text[len - 1] != '-';
}

const struct host_name *host_name_keep(const char *text, uint16_t family)
{
	size_t size = strlen(text) + 1;
	struct host_name **list, *name;
	char lower[HOST_NAME_MAX_LEN + 1] = {0};

	for (size_t i = 0; i < size; i++) {
		lower[i] = (char)tolower((unsigned char)text[i]);
	}
	list = &lists[hash(lower, family)];
	for (name = *list; name; name = name->next) {
		if (name->family == family && strcmp(name->text, lower) == 0) {
			return name;
		}
	}
	name = kept < HOST_NAMES_MAX ? malloc(sizeof(*name) + size) : NULL;
	if (!name) {
		errno = kept < HOST_NAMES_MAX ? ENOMEM : ENOSPC;
		return NULL;
	}
	name->next = *list;
	name->family = family;
	memcpy(name->text, lower, size);
	*list = name;
	kept++;
	return name;
}

static uint32_t hash(const char *text, uint16_t family)
{
	uint32_t sum = 2166136261u ^ family;

	for (; *text; text++) {
		sum = (sum ^ (unsigned char)*text) * 16777619u;
	}
	return sum % LISTS;
}
