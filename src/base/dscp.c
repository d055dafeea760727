/* dscp.c - reads a code point: a number, or one of the names that RFCs give.
 *
 * RFC 2474 has CS0 to CS7 and DF (formerly BE), RFC 2597 AF11 to AF43, RFC 3246 EF, RFC 5865 VA
 * (VOICE-ADMIT) and RFC 8622 LE. Pure, any thread.
 */
#include "src/base/dscp.h"

#include <errno.h>
#include <stddef.h>
#include <strings.h>

#include "src/base/num.h"

static int by_name(const char *text);

int dscp_parse(const char *text, uint8_t *out)
{
	uint64_t number;
	int dscp = num_parse(text, 0, DSCP_MAX, &number) == 0 ? (int)number : by_name(text);

	if (dscp < 0) {
		return dscp;
	}
	*out = (uint8_t)dscp;
	return 0;
}

static int by_name(const char *text)
{
	static const struct {
		const char *name;
		int dscp;
	} names[] = {{"BE", 0}, {"DF", 0}, {"LE", 1}, {"VA", 44}, {"EF", 46}};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		if (strcasecmp(text, names[i].name) == 0) {
			return names[i].dscp;
		}
	}
	if (strncasecmp(text, "CS", 2) == 0 && text[2] >= '0' && text[2] <= '7' && !text[3]) {
		return 8 * (text[2] - '0');
	}
	if (strncasecmp(text, "AF", 2) == 0 && text[2] >= '1' && text[2] <= '4' && text[3] >= '1' &&
	    text[3] <= '3' && !text[4]) {
		return 8 * (text[2] - '0') + 2 * (text[3] - '0');
	}
	return -EINVAL;
}
