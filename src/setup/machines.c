/* machines.c - see machines.h. */
#include "src/setup/machines.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "src/base/regular.h"

#define FILE_BYTES_MAX 65536

static FILE *open_file(const char *path, bool again);

int machines_divide(struct opt *opt, struct partition *out, struct err *err)
{
	struct members members = {0};
	int rc;

	*out = (struct partition){0};
	if (!opt->member && !opt->members) {
		return 0;
	}
	if (!opt->member || !opt->members) {
		err_set(err, "--%s: expected --%s as well: who this machine is, and who there is",
			opt->member ? "member" : "members", opt->member ? "members" : "member");
		return -EINVAL;
	}
	rc = machines_read(opt, &members, err);
	if (rc == 0) {
		rc = partition_apply(&opt->conf, opt->member, &members, out, err);
	}
	members_free(&members);
	return rc;
}

int machines_read(const struct opt *opt, struct members *out, struct err *err)
{
	const char *path = machines_file(opt);
	FILE *file = path ? open_file(path, opt->mode == OPT_MODE_RELAY) : NULL;
	char *text;
	size_t len;
	int rc;

	if (!path) {
		return members_read(opt->members, strlen(opt->members), "--members", out, err);
	}
	if (!file) {
		rc = errno == EMFILE || errno == ENFILE || errno == ENOMEM ? -errno : -EINVAL;
		err_set(err, "--members %s: cannot open: %s; expected a file with a name a line",
			path, errno == ENOSTR ? "it is no regular file" : strerror(errno));
		return rc;
	}
	text = malloc(FILE_BYTES_MAX);
	errno = 0;
	len = text ? fread(text, 1, FILE_BYTES_MAX, file) : 0;
	rc = !text ? -ENOMEM : ferror(file) ? -errno : len == FILE_BYTES_MAX ? -EINVAL : 0;
	if (rc < 0) {
		err_set(err, "--members %s: cannot be read: %s", path,
			rc == -EINVAL ? "it has 64 KiB and more" : strerror(-rc));
	} else {
		rc = members_read(text, len, path, out, err);
	}
	fclose(file);
	free(text);
	return rc;
}

const char *machines_file(const struct opt *opt)
{
	return opt->members && strchr(opt->members, '/') ? opt->members : NULL;
}

/* What is read again while relaying, each second, is to keep nobody waiting. NULL with errno. */
static FILE *open_file(const char *path, bool again)
{
	FILE *file;
	int fd, error;

	if (!again) {
		return fopen(path, "re");
	}
	fd = regular_open(path);
	file = fd < 0 ? NULL : fdopen(fd, "r");
	if (!file) {
		error = fd < 0 ? -fd : errno;
		if (fd >= 0) {
			close(fd);
		}
		errno = error;
	}
	return file;
}
