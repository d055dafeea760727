/* batch.h - commands from a file or standard input, one a line, over one connection.
 *
 * A line is a command with its options and words, as behind `numacastctl'. Words are separated by
 * blanks; one in single or double quotes holds blanks, and there is no other escape. `#' at the
 * beginning of a word begins a comment. One thread.
 */
#pragma once

#include "src/ctl/options.h"

#define BATCH_WORDS_MAX 1024 /* of a line */

/* Does all that `opt', a batch, says. The status of the first command that failed, or CTL_OK. */
enum ctl_status batch_do(const struct ctl_opt *opt);

/* Cuts `line' into words, in place; `words' has room for BATCH_WORDS_MAX. How many; or -EINVAL with
 * `err': a quote is not closed, or there are too many. */
int batch_split(char *line, char **words, struct err *err);
