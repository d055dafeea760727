/* memfile.h - a text in memory that is written as a file is, and grows (memfile.c).
 *
 * open_memstream makes such a file, too. But where glibc's has no memory to grow, it leaves out
 * what there was no room for and goes on, and neither ferror nor fclose tells. Any thread that owns
 * the file.
 */
#pragma once

#include <stddef.h>
#include <stdio.h>

/* A file that is empty. What was written is at `*text', and a zero byte behind it, `*len' bytes
 * without that, after each fflush; both stay where they are until it is closed. When something is
 * missing, ferror tells. NULL: out of memory. */
FILE *memfile_open(char **text, size_t *len);

/* Closes it. 0, and `*text' is to be freed; or -ENOMEM when something is missing: then it is NULL.
 */
int memfile_close(FILE *file, char **text);
