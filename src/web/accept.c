/* accept.c - reads an Accept header (RFC 9110, 12.5.1) as far as two texts need it.
 *
 * OpenMetrics is told to who asks for it no less than for plain text; whoever names neither, or
 * nothing, gets plain text, which everything reads.
 */
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "src/web/metrics.h"

#define OPEN_TYPE "application/openmetrics-text"
#define TEXT_TYPE "text/plain"

static double weight_of(const char *accept, const char *type);
static double weight_in(const char *range, size_t len);

unsigned metrics_choose(const char *accept)
{
	double open = weight_of(accept, OPEN_TYPE);

	return open > 0 && open >= weight_of(accept, TEXT_TYPE) ? METRICS_OPEN : METRICS_TEXT;
}

/* The highest among the ranges that name `type' itself; 0: none does. */
static double weight_of(const char *accept, const char *type)
{
	double best = 0;

	while (*accept) {
		size_t len = strcspn(accept, ",");
		const char *range = accept + strspn(accept, " \t");
		size_t name = strcspn(range, ",; \t");

		if (name == strlen(type) && strncasecmp(range, type, name) == 0) {
			double weight = weight_in(accept, len);

			best = weight > best ? weight : best;
		}
		accept += len + (accept[len] == ',');
	}
	return best;
}

/* Its `q', 1 unless said. */
static double weight_in(const char *range, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		size_t blanks = strspn(range + i + 1, " \t");

		if (range[i] == ';' && strncasecmp(range + i + 1 + blanks, "q=", 2) == 0) {
			double weight = strtod(range + i + 1 + blanks + 2, NULL);

			return weight >= 0 && weight <= 1 ? weight : 0;
		}
	}
	return 1;
}
