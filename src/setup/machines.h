/* machines.h - from --member and --members to what of the rules is this machine's.
 *
 * The list is read where it stands, on the command line or in a file, each time that a setup is
 * made; everything after that is pure (src/rules/partition.h). Control thread.
 */
#pragma once

#include "src/rules/partition.h"
#include "src/setup/options.h"

/* Leaves out of the rules in `opt' what other machines have. Without the options nothing is, and
 * `out' is all zero. 0, -EINVAL with `err' (no file, no list, not in it, one option without the
 * other), -ENOMEM. */
int machines_divide(struct opt *opt, struct partition *out, struct err *err);

/* The list alone. */
int machines_read(const struct opt *opt, struct members *out, struct err *err);

/* The file that --members names, or NULL. */
const char *machines_file(const struct opt *opt);
