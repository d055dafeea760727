/* lookup_none.c - lookups in a build without c-ares: there are none; see lookup.h. */
#include <errno.h>
#include <stddef.h>

#include "src/base/must.h"
#include "src/setup/lookup.h"

bool lookup_is_there(void)
{
	return false;
}

int lookup_open(struct lookup **out, struct err *err)
{
	err_set(err, "this numacastd was built without c-ares");
	return -ENOSYS;
}

void lookup_begin(struct lookup *lookup, const struct host_name *name, lookup_done *done,
		  void *context)
{
	must(!"nothing was opened");
}

int lookup_fd(const struct lookup *lookup)
{
	return -1;
}

void lookup_tick(struct lookup *lookup)
{
}

int lookup_wait_ms(const struct lookup *lookup, int most_ms)
{
	return most_ms;
}

void lookup_close(struct lookup *lookup)
{
	must(lookup == NULL);
}
