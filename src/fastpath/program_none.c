/* program_none.c - in place of program.c where libbpf or clang was missing: nothing can be loaded.
 */
#include "src/fastpath/program.h"

#include <errno.h>

#include "src/base/must.h"

bool program_is_built(void)
{
	return false;
}

int program_load(const struct program_sizes *sizes, struct program *out, struct err *err)
{
	(void)sizes;
	(void)out;
	err_set(err, "this numacast was built without libbpf or clang; expected one that configure "
		     "found both for; install libbpf-dev and clang, and build again");
	return -ENOTSUP;
}

void program_unload(struct program *program)
{
	*program = (struct program){0};
}

int program_put(const struct program *program, enum program_map map, const void *key,
		const void *value)
{
	(void)program;
	(void)map;
	(void)key;
	(void)value;
	return -ENOTSUP;
}

int program_remove(const struct program *program, const void *key)
{
	(void)program;
	(void)key;
	return -ENOTSUP;
}

int program_get(const struct program *program, enum program_map map, uint32_t number, void *out)
{
	(void)program;
	(void)map;
	(void)number;
	(void)out;
	return -ENOTSUP;
}

int program_sum(const struct program *program, enum program_map map, uint32_t number, uint64_t *out,
		uint32_t words)
{
	(void)program;
	(void)map;
	(void)number;
	(void)out;
	(void)words;
	return -ENOTSUP;
}

int program_clear(const struct program *program, enum program_map map, uint32_t number)
{
	(void)program;
	(void)map;
	(void)number;
	return -ENOTSUP;
}

void program_wait(const struct program *program)
{
	(void)program;
}
