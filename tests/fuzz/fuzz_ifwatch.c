/* fuzz_ifwatch.c - any bytes in the place of what the kernel writes of interfaces.
 *
 * The first byte says how long the first piece is, in words; the rest is the second, after another
 * listing was begun. What must hold: no crash, links in order, each with a name of its length, and
 * nothing told of a link without a number.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "src/base/must.h"
#include "src/run/ifwatch.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void hear(void *context, const struct ifwatch_event *event)
{
	must(context != NULL);
	must(event->name != NULL);
	must(strlen(event->name) < IF_NAMESIZE);
	must(event->ifindex != 0 || event->news == IFWATCH_ADDRESS ||
	     event->news == IFWATCH_ADDRESS_GONE);
}

static void judge(const struct ifwatch_table *table)
{
	for (uint32_t i = 0; i < table->count; i++) {
		const struct ifwatch_link *link = &table->links[i];

		must(link->name[0] != '\0');
		must(memchr(link->name, '\0', sizeof(link->name)) != NULL);
		must(i == 0 || table->links[i - 1].ifindex < link->ifindex);
		must(!(table->listing == 0 && link->listed != 0));
	}
}

/* In memory of its own, so that a read beyond the end is noticed. */
static void feed(struct ifwatch_table *table, const uint8_t *data, size_t size)
{
	struct ifwatch_listener listener = {.tell = hear, .context = table};
	void *copy = malloc(size + 1);

	must(copy);
	memcpy(copy, data, size);
	(void)ifwatch_take(table, copy, size, &listener);
	judge(table);
	free(copy);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct ifwatch_table table = {0};
	size_t first;

	if (size == 0) {
		return 0;
	}
	first = data[0] * sizeof(uint32_t);
	first = first < size - 1 ? first : size - 1;
	ifwatch_begin_listing(&table);
	feed(&table, data + 1, first);
	ifwatch_begin_listing(&table);
	feed(&table, data + 1 + first, size - 1 - first);
	ifwatch_table_free(&table);
	return 0;
}
