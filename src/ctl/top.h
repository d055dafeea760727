/* top.h - `top': looks at a running relay again and again, on a screen or as text.
 *
 * Without a terminal, or one that can do it, and in a build without ncursesw it prints plain
 * pictures one below the other, with --json lines of JSON. The daemon may go and come again
 * meanwhile. One thread.
 */
#pragma once

#include "src/ctl/options.h"

/* Until `q', --count or a signal. CTL_UNREACHABLE when there is no daemon at the start. */
enum ctl_status top_do(const struct ctl_opt *opt);
