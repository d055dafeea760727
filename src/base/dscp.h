/* dscp.h - code points of differentiated services, as operators write them.
 *
 * The rules and the probe share this, so that both take the same names. Pure, any thread.
 */
#pragma once

#include <stdint.h>

#define DSCP_MAX 63

/* What dscp_parse takes, for refusals. */
#define DSCP_TAKES "0 to 63, or a name such as EF, AF41, CS5, LE, BE"

/* "46", "EF", "af41", "CS5": 0 with `out' written, or -EINVAL. Names are taken in any case. */
int dscp_parse(const char *text, uint8_t *out);
