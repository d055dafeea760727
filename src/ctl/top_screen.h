/* top_screen.h - the terminal: pictures out, keys in.
 *
 *     top_screen.c         by ncursesw
 *     top_screen_none.c    in a build without it
 *
 * There is one screen at a time. A signal that ends the program leaves the terminal as it was. One
 * thread.
 */
#pragma once

#include "src/base/log.h"
#include "src/ctl/top_frame.h"

/* -errno with `err' = why there is none: no terminal, one that is not known, a build without. */
int top_screen_open(struct err *err);
void top_screen_close(void);

void top_screen_size(unsigned *columns, unsigned *lines);
void top_screen_draw(const struct top_frame *frame);

/* The next key (an enum top_key or a character), without waiting; TOP_KEY_NONE: no more now. */
unsigned top_screen_key(void);
