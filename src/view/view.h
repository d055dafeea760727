/* view.h - from a setup to a printed plan (--plan).
 *
 * Control thread; nothing has been started and nothing of the host is touched.
 */
#pragma once

#include <stdio.h>

#include "src/setup/setup.h"

/* Prints the plan of `setup', on which setup_prepare has returned 0, in the way that its options
 * ask for. 0, -ENOMEM, or -EIO when `out' has failed. */
int plan_view_print(const struct setup *setup, FILE *out);
