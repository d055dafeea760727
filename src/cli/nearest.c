/* nearest.c - the edit distance of two short names, and whether it is small.
 *
 * A third of the letters may be wrong, and two at least. Pure, any thread.
 */
#include "src/cli/nearest.h"

#include <string.h>

#define NAME_LEN_MAX 32

static size_t edit_distance(const char *a, size_t a_len, const char *b, size_t b_len);

struct cli_nearest cli_nearest_to(const char *name, size_t len)
{
	return (struct cli_nearest){.name = name, .len = len, .least = len / 3 < 2 ? 2 : len / 3};
}

bool cli_nearest_offer(struct cli_nearest *meant, const char *candidate)
{
	size_t len = strlen(candidate);
	size_t distance;

	if (meant->len == 0 || meant->len > NAME_LEN_MAX || len > NAME_LEN_MAX) {
		return false;
	}
	distance = edit_distance(meant->name, meant->len, candidate, len);
	if (distance > meant->least) {
		return false;
	}
	meant->least =
		distance - (distance > 0); /* the next must be closer, but for the name itself */
	return true;
}

/* Insertions, deletions and exchanges that make `a' into `b'. */
static size_t edit_distance(const char *a, size_t a_len, const char *b, size_t b_len)
{
	size_t row[NAME_LEN_MAX + 1];

	for (size_t j = 0; j <= b_len; j++) {
		row[j] = j;
	}
	for (size_t i = 1; i <= a_len; i++) {
		size_t diagonal = row[0];

		row[0] = i;
		for (size_t j = 1; j <= b_len; j++) {
			size_t exchanged = diagonal + (a[i - 1] != b[j - 1]);
			size_t shifted = (row[j] < row[j - 1] ? row[j] : row[j - 1]) + 1;

			diagonal = row[j];
			row[j] = exchanged < shifted ? exchanged : shifted;
		}
	}
	return row[b_len];
}
