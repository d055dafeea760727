/* num.h - numbers as operators write them, read strictly.
 *
 * The rule parser, the option parser and the probe share these. Nothing is guessed: no sign, no
 * blank, no leading junk, no trailing junk, no overflow, no clamping. Pure, any thread.
 */
#pragma once

#include <stdint.h>

/* All four: 0 with `out' written; -EINVAL when `text' is not such a number at all; -ERANGE when it
 * is one outside [min, max]. */

/* Decimal digits: "5000". */
int num_parse(const char *text, uint64_t min, uint64_t max, uint64_t *out);

/* Bytes, with K, M or G for powers of 1024: "4M". */
int num_parse_size(const char *text, uint64_t min, uint64_t max, uint64_t *out);

/* Bits a second, with k, M or G for powers of 1000 and the unit left out or written "bit", "bit/s"
 * or "/s": "10M", "10Mbit/s". */
int num_parse_rate(const char *text, uint64_t min, uint64_t max, uint64_t *out);

/* Digits with at most one decimal point between or before them: "4", "0.5". */
int num_parse_ratio(const char *text, double min, double max, double *out);
