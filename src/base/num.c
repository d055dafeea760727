/* num.c - numbers as operators write them, read strictly (num.h).
 *
 * Everything goes through digits(), which stops at the first byte that is no digit and notices
 * overflow, in 128 bits so that a sum or a product cannot wrap before it is compared; each form
 * then says what may follow. strtoull is not used: it takes blanks, signs and hexadecimal, and its
 * overflow is easily missed. Units: as in num.h. Any thread.
 */
#include "src/base/num.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static const char *digits(const char *text, unsigned __int128 *out);
static int scaled(unsigned __int128 value, uint64_t factor, uint64_t min, uint64_t max,
		  uint64_t *out);
static uint64_t suffix_factor(char suffix, uint64_t kilo);
static const char *fraction(const char *text, unsigned __int128 *value);

int num_parse(const char *text, uint64_t min, uint64_t max, uint64_t *out)
{
	unsigned __int128 value;
	const char *rest = digits(text, &value);

	if (!rest || *rest) {
		return -EINVAL;
	}
	return scaled(value, 1, min, max, out);
}

int num_parse_size(const char *text, uint64_t min, uint64_t max, uint64_t *out)
{
	unsigned __int128 value;
	const char *rest = digits(text, &value);
	uint64_t factor = rest ? suffix_factor(*rest, 1024) : 1;

	if (!rest || rest[factor > 1]) {
		return -EINVAL;
	}
	return scaled(value, factor, min, max, out);
}

int num_parse_count(const char *text, uint64_t min, uint64_t max, uint64_t *out)
{
	unsigned __int128 value;
	const char *rest = digits(text, &value);
	uint64_t factor = rest ? suffix_factor(*rest, 1000) : 1;

	if (!rest || rest[factor > 1]) {
		return -EINVAL;
	}
	return scaled(value, factor, min, max, out);
}

int num_parse_rate(const char *text, uint64_t min, uint64_t max, uint64_t *out)
{
	unsigned __int128 value;
	const char *rest = digits(text, &value);
	uint64_t factor = rest ? suffix_factor(*rest, 1000) : 1;

	if (!rest) {
		return -EINVAL;
	}
	rest += factor > 1;
	if (*rest && strcmp(rest, "bit") != 0 && strcmp(rest, "bit/s") != 0 &&
	    strcmp(rest, "/s") != 0) {
		return -EINVAL;
	}
	return scaled(value, factor, min, max, out);
}

int num_parse_seconds(const char *text, uint64_t min, uint64_t max, uint64_t *out)
{
	unsigned __int128 value;
	const char *rest = digits(text, &value);

	rest = rest ? fraction(rest, &value) : NULL;
	if (!rest || *rest) {
		return -EINVAL;
	}
	return scaled(value, 1, min, max, out);
}

int num_parse_ratio(const char *text, double min, double max, double *out)
{
	size_t whole = strspn(text, "0123456789");
	size_t part = text[whole] == '.' ? strspn(text + whole + 1, "0123456789") : 0;
	size_t len = whole + (text[whole] == '.') + part;
	double value;

	/* The length bound keeps the sum finite and strtod exact enough; the program never leaves
	 * the C locale, so the point is a point. */
	if (text[len] || whole + part == 0 || (text[whole] == '.' && part == 0) || len > 32) {
		return -EINVAL;
	}
	value = strtod(text, NULL);
	if (value < min || value > max) {
		return -ERANGE;
	}
	*out = value;
	return 0;
}

/* The first byte after the digits, or NULL when there are none. A number that does not fit into 64
 * bits is read as the first that does not, which lies outside every range. */
static const char *digits(const char *text, unsigned __int128 *out)
{
	const unsigned __int128 beyond = (unsigned __int128)UINT64_MAX + 1;
	unsigned __int128 value = 0;
	const char *at = text;

	for (; *at >= '0' && *at <= '9'; at++) {
		value = value * 10 + (unsigned)(*at - '0');
		value = value < beyond ? value : beyond;
	}
	*out = value;
	return at > text ? at : NULL;
}

static int scaled(unsigned __int128 value, uint64_t factor, uint64_t min, uint64_t max,
		  uint64_t *out)
{
	value *= factor;
	if (value < min || value > max) {
		return -ERANGE;
	}
	*out = (uint64_t)value;
	return 0;
}

/* 1 for anything that is no suffix. */
static uint64_t suffix_factor(char suffix, uint64_t kilo)
{
	switch (suffix) {
	case 'k':
	case 'K':
		return kilo;
	case 'M':
		return kilo * kilo;
	case 'G':
		return kilo * kilo * kilo;
	default:
		return 1;
	}
}

/* Makes `value' nanoseconds with up to nine decimals at `text'; what follows them, or NULL when a
 * point has none or too many. */
static const char *fraction(const char *text, unsigned __int128 *value)
{
	unsigned left = 9;

	if (*text == '.') {
		const char *first = ++text;

		for (; *text >= '0' && *text <= '9' && left > 0; text++, left--) {
			*value = *value * 10 + (unsigned)(*text - '0');
		}
		if (text == first) {
			return NULL;
		}
	}
	for (; left > 0; left--) {
		*value *= 10;
	}
	return text;
}
