/* print.h - findings for people and for scripts.
 *
 * As text, each on one line, in this form (the parts after `WHY' only where there are any):
 *
 *     LEVEL ID SUBJECT: VALUE; WHY; cure: COMMAND; ADVICE
 *
 * and a last line with the sums. As JSON one object: members are added, never renamed. Pure.
 */
#pragma once

#include <stdio.h>

#include "src/host/host.h"

/* 0, -ENOMEM, or -EIO when `out' has failed; without memory there is no JSON rather than a part. */
int host_print_text(const struct host *host, FILE *out);
int host_print_json(const struct host *host, FILE *out);

/* How many findings are of this level. */
uint32_t host_count(const struct host *host, enum finding_level level);
