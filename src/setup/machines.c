/* machines.c - see machines.h. */
#include "src/setup/machines.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FILE_BYTES_MAX 65536

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
	FILE *file = path ? fopen(path, "re") : NULL;
	char *text;
	size_t len;
	int rc;

	if (!path) {
		return members_read(opt->members, strlen(opt->members), "--members", out, err);
	}
	if (!file) {
		err_set(err, "--members %s: cannot open: %s; expected a file with a name a line",
			path, strerror(errno));
		return -EINVAL;
	}
	text = malloc(FILE_BYTES_MAX);
	len = text ? fread(text, 1, FILE_BYTES_MAX, file) : 0;
	rc = !text ? -ENOMEM : ferror(file) || len == FILE_BYTES_MAX ? -EINVAL : 0;
	if (rc < 0) {
		err_set(err, "--members %s: cannot be read, or has 64 KiB and more", path);
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
