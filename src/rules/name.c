/* name.c - a host's name in the place of an egress's address.
 *
 * A rule is read without looking anything up, so it means the same on every machine; what its
 * names mean there and at the moment, src/run/names.h finds out and fills in. Until then the
 * address of such an egress is 0.0.0.0 or ::, which no rule can write as a destination. Pure but
 * for the names, which are kept; control thread.
 */
#include <errno.h>
#include <string.h>
#include <sys/socket.h>

#include "src/rules/parse.h"

static int keep(struct conf_cursor *cursor, const char *text, uint16_t family,
		struct endpoint *out);

int conf_read_name(struct conf_cursor *cursor, enum conf_side side, const char *text,
		   bool bracketed, struct endpoint *out)
{
	if (side == CONF_INGRESS) {
		return conf_refuse(
			cursor,
			"'%.48s' in '%s' is not an address; names of hosts are looked up "
			"for egresses only, since what is heard must not depend on them; "
			"write the address itself",
			text, cursor->shown);
	}
	return keep(cursor, text, bracketed ? AF_INET6 : 0, out);
}

int conf_settle_name(struct conf_cursor *cursor, const struct endpoint *in, struct rule_output *out)
{
	uint16_t family = out->src.family;

	if (!out->to.name) {
		return 0;
	}
	if (out->src_keep) {
		family = in->addr.family;
	} else if (family == 0 && out->mtu > 0 && out->mtu < RULE_MTU_MIN_V6) {
		family = AF_INET;
	}
	if (family == 0 || out->to.name->family != 0) {
		return 0; /* one that does not fit is refused as for any address */
	}
	return keep(cursor, out->to.name->text, family, &out->to);
}

static int keep(struct conf_cursor *cursor, const char *text, uint16_t family, struct endpoint *out)
{
	out->name = host_name_keep(text, family);
	if (!out->name && errno == ENOMEM) {
		(void)conf_refuse(cursor, "out of memory for the name '%.48s'", text);
		return -ENOMEM;
	}
	if (!out->name) {
		return conf_refuse(cursor,
				   "'%.48s' is one name too many; at most %d are kept; write "
				   "addresses in place of some",
				   text, HOST_NAMES_MAX);
	}
	out->addr.family = family == AF_INET6 ? AF_INET6 : AF_INET;
	memset(out->addr.ip, 0, sizeof(out->addr.ip));
	return 0;
}
