/* report_file.c - writes the exit report, and says at the start whether it will be able to.
 *
 * A regular file is written beside its final name, under a name of its own, and renamed, so that
 * nobody reads half of one; a device or a pipe is written to as it is, since renaming would put a
 * file in its place. Both the check and the writing go by open_for. Nothing is followed or removed
 * but what was made here. Control thread.
 */
#include "src/run/report_file.h"

#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "src/base/out.h"
#include "src/run/report.h"
#include "src/run/supervisor.h"

/* A file that is being made: what is written goes to `fd', and takes its place at the end. */
struct making {
	int fd;
	char *name; /* ours, and nobody else's; NULL: written in place */
};

/* A report on its way to a stream. */
struct dumping {
	FILE *to;
	int error; /* of the first write that failed */
};

static const char *expected_for(int error);
static int try_to_write(const char *path);
static int open_for(const char *path, struct making *out);
static bool goes_in_place(const char *path);
static int open_in_place(const char *path);
static int open_beside(const char *path, struct making *out);
static int write_file(const json_t *report, const char *path);
static int dump(const json_t *report, FILE *to);
static int put(const char *text, size_t len, void *context);
static void give_up(struct making *making);

int report_file_check(const char *path, struct err *err)
{
	int rc = path && strcmp(path, "-") != 0 ? try_to_write(path) : 0;

	if (rc < 0) {
		err_set(err, "--exit-report %s: cannot write it: %s; %s, or `-'", path,
			strerror(-rc), expected_for(-rc));
	}
	return rc;
}

bool report_file_may_wait(const char *path)
{
	return path && (strcmp(path, "-") == 0 || goes_in_place(path));
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
	if (!report) {
		rc = -ENOMEM;
	} else if (strcmp(path, "-") == 0) {
		rc = dump(report, stdout);
	} else {
		rc = write_file(report, path);
	}
	if (rc < 0) {
		log_error("--exit-report %s: cannot write: %s", path, strerror(-rc));
	}
	json_decref(report);
	return rc;
}

static const char *expected_for(int error)
{
	switch (error) {
	case ENOSPC:
	case EDQUOT:
		return "expected a file where there is room";
	case EROFS:
		return "expected a file on a file system that can be written to; in the unit "
		       "RuntimeDirectory= and ReadWritePaths= name such directories";
	case ENXIO:
		return "expected a pipe that somebody reads, or a file";
	default:
		return "expected a file in an existing directory where this user may write";
	}
}

static int try_to_write(const char *path)
{
	struct making making;
	int rc = open_for(path, &making);

	if (rc == 0) {
		give_up(&making);
	}
	return rc;
}

static int open_for(const char *path, struct making *out)
{
	if (!goes_in_place(path)) {
		return open_beside(path, out);
	}
	*out = (struct making){.fd = open_in_place(path)};
	return out->fd < 0 ? out->fd : 0;
}

static bool goes_in_place(const char *path)
{
	struct stat st;

	return stat(path, &st) == 0 && !S_ISREG(st.st_mode);
}

/* Not blocking, so that a pipe that nobody reads is an error and not a daemon that hangs; from then
 * on its reader may be slow. */
static int open_in_place(const char *path)
{
	int fd = open(path, O_WRONLY | O_NONBLOCK | O_CLOEXEC);
	int rc;

	if (fd < 0) {
		return -errno;
	}
	if (fcntl(fd, F_SETFL, 0) < 0) {
		rc = -errno;
		close(fd);
		return rc;
	}
	return fd;
}

/* A new file in the same directory, under a name that nobody had: it follows no link and takes the
 * place of nothing. Its mode is that of any file that the process would make. */
static int open_beside(const char *path, struct making *out)
{
	static const char name[] = ".numacast-XXXXXX";
	const char *slash = strrchr(path, '/');
	size_t dir_len = slash ? (size_t)(slash - path) + 1 : 0;
	mode_t mask = umask(0);
	int rc = 0;

	(void)umask(mask);
	*out = (struct making){.name = malloc(dir_len + sizeof(name))};
	if (!out->name) {
		return -ENOMEM;
	}
	memcpy(out->name, path, dir_len);
	memcpy(out->name + dir_len, name, sizeof(name));
	out->fd = mkostemp(out->name, O_CLOEXEC);
	if (out->fd < 0) {
		rc = -errno;
		free(out->name);
		out->name = NULL;
		return rc;
	}
	if (fchmod(out->fd, 0666 & ~mask) < 0) {
		rc = -errno;
		give_up(out);
	}
	return rc;
}

static int write_file(const json_t *report, const char *path)
{
	struct making making;
	FILE *file;
	int rc = open_for(path, &making);

	if (rc < 0) {
		return rc;
	}
	file = fdopen(making.fd, "w");
	if (!file) {
		rc = -errno;
		give_up(&making);
		return rc;
	}
	rc = dump(report, file);
	if (fclose(file) != 0 && rc == 0) {
		rc = -errno;
	}
	making.fd = -1;
	if (rc == 0 && making.name && rename(making.name, path) < 0) {
		rc = -errno;
	}
	if (rc == 0) {
		free(making.name);
	} else {
		give_up(&making);
	}
	return rc;
}

static int dump(const json_t *report, FILE *to)
{
	struct dumping dumping = {.to = to};
	int rc;

	errno = 0;
	rc = json_dump_callback(report, put, &dumping, JSON_INDENT(2));
	if (dumping.error != 0) {
		return -dumping.error;
	}
	if (rc != 0 || putc('\n', to) == EOF) {
		return errno ? -errno : -EIO;
	}
	return out_finish(to);
}

/* Jansson goes on where the name of a member could not be written. */
static int put(const char *text, size_t len, void *context)
{
	struct dumping *dumping = context;

	if (dumping->error == 0 && fwrite(text, 1, len, dumping->to) != len) {
		dumping->error = errno ? errno : EIO;
	}
	return dumping->error == 0 ? 0 : -1;
}

static void give_up(struct making *making)
{
	if (making->fd >= 0) {
		close(making->fd);
	}
	if (making->name) {
		(void)unlink(making->name);
	}
	free(making->name);
	making->name = NULL;
}
