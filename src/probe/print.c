/* print.c - see print.h. jansson 2.14 leaves out a name of a member where it finds no memory for it
 * while it makes a text as long as it becomes, so the text is measured first.
 */
#include "src/probe/print.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>

#include "src/base/log.h"

bool probe_print_json(const struct json_t *root, size_t flags)
{
	size_t len = root ? json_dumpb(root, NULL, 0, flags) : 0;
	char *text = len > 0 ? malloc(len) : NULL;
	bool is_whole = text && json_dumpb(root, text, len, flags) == len;

	if (is_whole) {
		fwrite(text, 1, len, stdout);
		putchar('\n');
	} else {
		log_error("numacast-probe: out of memory: there is no result");
	}
	free(text);
	return is_whole;
}
