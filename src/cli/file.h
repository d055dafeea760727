/* file.h - configuration files: options without their dashes, one a line.
 *
 * One thread.
 */
#pragma once

#include "src/cli/fill.h"

#define CLI_FILE_BYTES_MAX (64u << 20) /* of one file */
#define CLI_LINE_BYTES_MAX 69632       /* of one line: a rule of the greatest length, and room */

/* Applies the file at `path', which `flag' named ("--config"). On failure part of it is applied: 0,
 * -EINVAL (also when it cannot be read) or -ENOMEM, with `err'. At a start it may be a pipe, as a
 * shell makes of <(...), whose writer is waited for; where `fill' says that it is read again only a
 * regular file is, and nothing is waited for. */
int cli_file_read(struct cli_fill *fill, const char *flag, const char *path, struct err *err);

/* Applies the `len' bytes of `text', which need not end in a zero byte, and calls them `path' in
 * messages. As above. */
int cli_file_apply(struct cli_fill *fill, const char *text, size_t len, const char *path,
		   struct err *err);
