/* health_file.c - see health_file.h. */
#include "src/run/health_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "src/base/clock.h"
#include "src/run/reasons.h"
#include "src/run/supervisor.h"

#define LOOK_NS NS_PER_S

static int say(struct health_file *file, int ill);
static int write_anew(const char *path, int ill);
static void count(void *context, const char *text);

int health_file_open(struct health_file *file, const char *path, struct err *err)
{
	int rc = 0;

	*file = (struct health_file){.path = path, .written = -1};
	if (path) {
		rc = say(file, 1);
	}
	if (rc < 0) {
		err_set(err,
			"--health-file %s: cannot write: %s; expected a file in a directory that "
			"this user may write to; name another one",
			path, strerror(-rc));
	}
	return rc;
}

void health_file_tick(struct health_file *file, const struct supervisor *sup, bool turning)
{
	uint64_t now_ns = clock_now_ns();
	uint32_t reasons = 0;
	int rc;

	if (!file->path ||
	    (file->heard == sup->links.heard && now_ns - file->looked_ns < LOOK_NS)) {
		return;
	}
	file->looked_ns = now_ns;
	file->heard = sup->links.heard;
	(void)reasons_tell(sup, count, &reasons);
	rc = say(file, reasons > 0 || !turning || sup->draining);
	if (rc < 0 && !file->told) {
		log_error("--health-file %s: cannot write: %s; expected it as at the start; what "
			  "it says is not true",
			  file->path, strerror(-rc));
	}
	file->told = rc < 0;
}

void health_file_close(struct health_file *file)
{
	if (file->path) {
		(void)say(file, 1);
	}
	file->path = NULL;
}

static int say(struct health_file *file, int ill)
{
	int rc = file->written != ill ? write_anew(file->path, ill) : 0;

	file->written = rc == 0 ? ill : -1;
	return rc;
}

/* Another file that takes its place whole, since who reads it may do so at any time. */
static int write_anew(const char *path, int ill)
{
	char beside[4096];
	int len = snprintf(beside, sizeof(beside), "%s.new", path), fd, rc = 0;
	ssize_t n;

	if (len < 0 || (size_t)len >= sizeof(beside)) {
		return -ENAMETOOLONG;
	}
	/* A process that was killed may have left it; and somebody who may write there a pipe that
	 * nobody reads, or another name of a file of ours. */
	if (unlink(beside) < 0 && errno != ENOENT) {
		return -errno;
	}
	fd = open(beside, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
	if (fd < 0) {
		return -errno;
	}
	n = write(fd, ill ? "1\n" : "0\n", 2);
	if (n != 2) {
		rc = n < 0 ? -errno : -ENOSPC; /* half of it is what there was room for */
	}
	if (close(fd) < 0 || rc < 0 || rename(beside, path) < 0) {
		rc = rc < 0 ? rc : -errno;
		(void)unlink(beside);
	}
	return rc;
}

static void count(void *context, const char *text)
{
	uint32_t *reasons = context;

	(*reasons)++;
}
