/* page.h - the page at `/', which is in the program.
 *
 * make-page.sh makes a C file of page.html, page.css and page.js, which has these; page.c answers
 * with them. Immutable.
 */
#pragma once

#include <stddef.h>

extern const unsigned char page_bytes[];
extern const size_t page_len;

/* Content-Security-Policy: this script, this style, and talking to whom it came from. */
extern const char page_policy[];
