/* top_screen_none.c - the terminal in a build without ncursesw: there is none; see top_screen.h. */
#include <errno.h>

#include "src/base/must.h"
#include "src/ctl/top_screen.h"
#include "src/ctl/top_state.h"

int top_screen_open(struct err *err)
{
	err_set(err, "this numacastctl was built without ncursesw");
	return -ENOSYS;
}

void top_screen_close(void)
{
}

void top_screen_size(unsigned *columns, unsigned *lines)
{
	must(columns && lines); /* never called: nothing was opened */
}

void top_screen_draw(const struct top_frame *frame)
{
}

unsigned top_screen_key(void)
{
	return TOP_KEY_NONE;
}
