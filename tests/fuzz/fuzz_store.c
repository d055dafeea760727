/* fuzz_store.c - any bytes in the place of the names of passed sockets.
 *
 * What must hold: no crash, no read beyond the end, words that cover the text and nothing else, and
 * each that is taken for ours is the one name of its id.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "src/base/must.h"
#include "src/run/store_name.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = malloc(size + 1), name[STORE_NAME_ROOM];
	const char *at = text, *end = text;
	struct store_word word;

	must(text);
	memcpy(text, data, size);
	text[size] = '\0';
	while (store_next_word(&at, &word)) {
		must(word.text == end);
		must(memchr(word.text, ':', word.len) == NULL);
		end = word.text + word.len;
		end += *end == ':';
		if (word.ours) {
			must(word.len == STORE_NAME_LEN);
			must(memcmp(store_name(word.id, name), word.text, word.len) == 0);
		}
	}
	must(*end == '\0');
	free(text);
	return 0;
}
