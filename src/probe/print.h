/* print.h - a result as JSON on standard output, whole or not at all. Main thread. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

struct json_t;

/* With jansson's flags. False, and a line of the log: there is no memory for it. */
bool probe_print_json(const struct json_t *root, size_t flags);
