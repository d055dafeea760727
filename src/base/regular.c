/* regular.c - see regular.h. */
#include "src/base/regular.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

/* What it is can be known only of what was opened. */
int regular_open(const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	struct stat st;
	int rc = 0;

	if (fd < 0) {
		return errno == ENXIO ? -ENOSTR
				      : -errno; /* a socket, or a device that is not there */
	}
	if (fstat(fd, &st) < 0) {
		rc = -errno;
	} else if (!S_ISREG(st.st_mode)) {
		rc = S_ISDIR(st.st_mode) ? -EISDIR : -ENOSTR;
	}
	if (rc < 0) {
		close(fd);
		return rc;
	}
	return fd;
}
