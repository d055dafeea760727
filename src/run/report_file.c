/* report_file.c - writes the exit report, and says at the start whether it will be able to.
 *
 * A regular file is written beside its final name and renamed, so that nobody reads half of one; a
 * device or a pipe is written to as it is, since renaming would put a file in its place. Both the
 * check and the writing decide so, by goes_in_place. Control thread.
 */
#include "src/run/report_file.h"

#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "src/run/report.h"
#include "src/run/supervisor.h"

static int try_to_write(const char *path);
static bool goes_in_place(const char *path);
static int open_in_place(const char *path);
static char *name_beside(const char *path);
static int write_stdout(const json_t *report);
static int write_in_place(const json_t *report, const char *path);
static int write_beside(const json_t *report, const char *path);

int report_file_check(const char *path, struct err *err)
{
	int rc = path && strcmp(path, "-") != 0 ? try_to_write(path) : 0;

	if (rc < 0) {
		err_set(err,
			"--exit-report %s: cannot write it: %s; expected a file in an existing "
			"directory where this user may write, or `-'",
			path, strerror(-rc));
	}
	return rc;
}

int report_file_write(const struct supervisor *sup)
{
	const char *path = sup->setup->opt->exit_report;
	json_t *report;
	int rc;

	if (!path) {
		return 0;
	}
	report = report_build(sup);
	if (strcmp(path, "-") == 0) {
		rc = write_stdout(report);
	} else if (goes_in_place(path)) {
		rc = write_in_place(report, path);
	} else {
		rc = write_beside(report, path);
	}
	if (rc < 0) {
		log_error("--exit-report %s: cannot write: %s", path, strerror(-rc));
	}
	json_decref(report);
	return rc;
}

static int try_to_write(const char *path)
{
	char *beside;
	int fd;

	if (goes_in_place(path)) {
		fd = open_in_place(path);
		if (fd >= 0) {
			close(fd);
		}
		return fd < 0 ? fd : 0;
	}
	beside = name_beside(path);
	fd = beside ? open(beside, O_WRONLY | O_CREAT | O_CLOEXEC, 0644) : -1;
	fd = fd < 0 ? -errno : fd;
	if (fd >= 0) {
		close(fd);
		(void)unlink(beside);
	}
	free(beside);
	return fd < 0 ? fd : 0;
}

static bool goes_in_place(const char *path)
{
	struct stat st;

	return stat(path, &st) == 0 && !S_ISREG(st.st_mode);
}

/* Not blocking, so that a pipe that nobody reads is an error and not a daemon that hangs. */
static int open_in_place(const char *path)
{
	int fd = open(path, O_WRONLY | O_NONBLOCK | O_CLOEXEC);

	return fd < 0 ? -errno : fd;
}

static char *name_beside(const char *path)
{
	size_t len = strlen(path) + sizeof(".new");
	char *beside = malloc(len);

	if (beside) {
		snprintf(beside, len, "%s.new", path);
	}
	return beside;
}

static int write_stdout(const json_t *report)
{
	bool written = json_dumpf(report, stdout, JSON_INDENT(2)) == 0 && putchar('\n') != EOF &&
		       fflush(stdout) != EOF;

	return written ? 0 : -EIO;
}

static int write_in_place(const json_t *report, const char *path)
{
	int fd = open_in_place(path);
	int rc = 0;

	if (fd < 0) {
		return fd;
	}
	errno = 0;
	if (fcntl(fd, F_SETFL, 0) < 0 || json_dumpfd(report, fd, JSON_INDENT(2)) < 0) {
		rc = errno ? -errno : -EIO;
	}
	close(fd);
	return rc;
}

static int write_beside(const json_t *report, const char *path)
{
	char *beside = name_beside(path);
	int rc = 0;

	if (!beside) {
		return -ENOMEM;
	}
	errno = 0;
	if (json_dump_file(report, beside, JSON_INDENT(2)) < 0 || rename(beside, path) < 0) {
		rc = errno ? -errno : -EIO;
		(void)unlink(beside);
	}
	free(beside);
	return rc;
}
