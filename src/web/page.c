/* page.c - answers with the page; see page.h. HTTP thread. */
#include "src/web/page.h"

#include "src/web/routes.h"

void page_make(const struct route_ask *ask, struct route_answer *out)
{
	(void)ask;
	text_put_bytes(&out->text, (const char *)page_bytes, page_len);
}
