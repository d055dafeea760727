/* completion.h - what a shell may put behind `numacastctl', made of the table of commands.
 *
 * One thread.
 */
#pragma once

#include <stdio.h>

/* The script for "bash" or "zsh". */
void completion_print(const char *shell, FILE *out);
