/* hosts.c - see hosts.h.
 *
 * Ports are not looked at: a page that is to pass for ours has ours anyway, and who comes by a
 * tunnel (ssh -L) has another. Names are compared as DNS does, without regard to case and a dot at
 * the end. Addresses are those that browsers write: they bring what else somebody may have typed,
 * as 127.1, into that form.
 */
#include "src/web/hosts.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define LOCAL "localhost"

static bool is_loopback(const struct addr *at);
static size_t name_len(const char *asked);
static bool is_address(const char *asked, size_t len);
static bool is_local(const char *name, size_t len);
static bool is_listed(const char *names, const char *name, size_t len);
static bool is_same(const char *a, size_t a_len, const char *b, size_t b_len);
static size_t without_dot(const char *name, size_t len);

int hosts_init(struct hosts *hosts, const struct addr *at, const char *names)
{
	bool any = names ? strcmp(names, "any") == 0 : !is_loopback(at);

	*hosts = (struct hosts){.any = any, .names = strdup(names ? names : "")};
	return hosts->names ? 0 : -ENOMEM;
}

void hosts_free(struct hosts *hosts)
{
	free(hosts->names);
	*hosts = (struct hosts){0};
}

bool hosts_allow(const struct hosts *hosts, const char *asked)
{
	size_t len;

	if (hosts->any || !asked) {
		return true;
	}
	len = name_len(asked);
	if (asked[len] != '\0' && asked[len] != ':') {
		return false;
	}
	return is_address(asked, len) || is_local(asked, len) ||
	       is_listed(hosts->names, asked, len);
}

static bool is_loopback(const struct addr *at)
{
	static const uint8_t v6[16] = {[15] = 1};

	return at->family == AF_INET6 ? memcmp(at->ip, v6, sizeof(v6)) == 0 : at->ip[0] == 127;
}

/* Without the port; with the brackets of an IPv6 address. */
static size_t name_len(const char *asked)
{
	const char *end = asked[0] == '[' ? strchr(asked, ']') : NULL;

	return end ? (size_t)(end - asked) + 1 : strcspn(asked, ":");
}

static bool is_address(const char *asked, size_t len)
{
	bool v6 = len > 2 && asked[0] == '[';
	char text[INET6_ADDRSTRLEN];
	struct in6_addr ip;

	asked += v6 ? 1 : 0;
	len -= v6 ? 2 : 0;
	if (len >= sizeof(text)) {
		return false;
	}
	memcpy(text, asked, len);
	text[len] = '\0';
	return inet_pton(v6 ? AF_INET6 : AF_INET, text, &ip) == 1;
}

/* Whatever stands before the dot of `.localhost' is of this host, too (RFC 6761). */
static bool is_local(const char *name, size_t len)
{
	size_t local = strlen(LOCAL);

	len = without_dot(name, len);
	return len >= local && strncasecmp(name + len - local, LOCAL, local) == 0 &&
	       (len == local || name[len - local - 1] == '.');
}

static bool is_listed(const char *names, const char *name, size_t len)
{
	while (*names) {
		size_t listed = strcspn(names, ",");

		if (is_same(names, listed, name, len)) {
			return true;
		}
		names += listed + (names[listed] == ',');
	}
	return false;
}

static bool is_same(const char *a, size_t a_len, const char *b, size_t b_len)
{
	a_len = without_dot(a, a_len);
	b_len = without_dot(b, b_len);
	return a_len == b_len && a_len > 0 && strncasecmp(a, b, a_len) == 0;
}

static size_t without_dot(const char *name, size_t len)
{
	return len > 0 && name[len - 1] == '.' ? len - 1 : len;
}
