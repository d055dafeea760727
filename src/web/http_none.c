/* http_none.c - in the place of http.c where libmicrohttpd was not there to build with.
 *
 * The options have refused --metrics before anybody comes here.
 */
#include "src/web/http.h"

#include <errno.h>

int http_open(int fd, unsigned detail, const struct hosts *hosts, struct web *web,
	      struct http **out)
{
	(void)fd;
	(void)detail;
	(void)hosts;
	(void)web;
	(void)out;
	return -EOPNOTSUPP;
}

void http_close(struct http *http)
{
	(void)http;
}
