/* num.h - numbers as operators write them, read strictly.
 *
 * Rules and the options of all our programs share these. Nothing is guessed: no sign, no
 * blank, no leading junk, no trailing junk, no overflow, no clamping. Pure, any thread.
 */
#pragma once

#include <stdint.h>

/* All: 0 with `out' written; -EINVAL when `text' is not such a number at all; -ERANGE when it
 * is one outside [min, max]. */

/* Decimal digits: "5000". */
int num_parse(const char *text, uint64_t min, uint64_t max, uint64_t *out);

/* Bytes, with K, M or G for powers of 1024: "4M". */
int num_parse_size(const char *text, uint64_t min, uint64_t max, uint64_t *out);

/* How many, with k, M or G for powers of 1000: "50k". */
int num_parse_count(const char *text, uint64_t min, uint64_t max, uint64_t *out);

/* Bits a second, with k, M or G for powers of 1000 and the unit left out or written "bit", "bit/s"
 * or "/s": "10M", "10Mbit/s". */
int num_parse_rate(const char *text, uint64_t min, uint64_t max, uint64_t *out);

/* Seconds with up to nine decimals, as nanoseconds: "2", "0.5". */
int num_parse_seconds(const char *text, uint64_t min, uint64_t max, uint64_t *out);

/* Digits with at most one decimal point between or before them: "4", "0.5". */
int num_parse_ratio(const char *text, double min, double max, double *out);
