/* file.c - reads a configuration file: one long option a line, without its dashes.
 *
 *     # a comment, also behind a value when a blank stands before the `#'
 *     shards 8
 *     smt
 *     rule 239.1.1.1%eth0:5000 -> 239.2.2.2%eth1:6000
 *
 * A file is read whole before its first line is looked at, so that one being replaced meanwhile
 * gives the old or the new text. An option may stand once in a file, unless it is one that repeats;
 * a later file wins over an earlier. Every refusal begins with file:line. One thread.
 */
#include "src/cli/file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "src/base/regular.h"

#define BLANKS          " \t\r\v\f"
#define BYTE_ORDER_MARK "\xef\xbb\xbf" /* some editors begin UTF-8 with it */
#define NO_BREAK_SPACE  "\xc2\xa0"     /* looks like a blank, and comes by copying */
#define PATH_SHOWN      100            /* of a long path, its end: messages have a bound */
#define WHERE_BYTES     200

/* A file being applied. */
struct file {
	struct cli_fill *fill;
	char path[PATH_SHOWN + 1]; /* for messages */
	unsigned line_number;
	unsigned first_line[CLI_ROWS_MAX]; /* where each option stood; 0: not yet */
	char line[CLI_LINE_BYTES_MAX + 1];
	struct err *err;
};

static int read_whole(const char *path, bool again, char **text, size_t *len);
static int refuse_file(const char *flag, const char *path, int error, struct err *err);
static void shorten(const char *path, char *out);
static int read_fd(int fd, char **text, size_t *len);
static int read_line(struct file *file, const char *text, size_t len);
static void make_blanks(char *line);
static int refuse_line(const struct file *file, const char *what);
static int apply_line(struct file *file, char *line);
static const struct cli_row *find_row(struct file *file, const char *name, size_t len);
static void refuse_option(struct file *file, const struct cli_row *row, const char *name,
			  size_t len);
static int apply_option(struct file *file, const struct cli_row *row, const char *value);

int cli_file_read(struct cli_fill *fill, const char *flag, const char *path, struct err *err)
{
	char *text = NULL;
	size_t len = 0;
	int rc = read_whole(path, fill->again, &text, &len);

	if (rc != 0) {
		return refuse_file(flag, path, -rc, err);
	}
	rc = cli_file_apply(fill, text, len, path, err);
	free(text);
	return rc;
}

int cli_file_apply(struct cli_fill *fill, const char *text, size_t len, const char *path,
		   struct err *err)
{
	struct file *file = calloc(1, sizeof(*file));
	size_t at = len >= strlen(BYTE_ORDER_MARK) &&
				    memcmp(text, BYTE_ORDER_MARK, strlen(BYTE_ORDER_MARK)) == 0
			    ? strlen(BYTE_ORDER_MARK)
			    : 0;
	int rc = 0;

	if (!file) {
		err_set(err, "%s: out of memory; free some and try again", path);
		return -ENOMEM;
	}
	file->fill = fill;
	shorten(path, file->path);
	file->err = err;
	while (at < len && rc == 0) {
		const char *newline = memchr(text + at, '\n', len - at);
		size_t line_len = newline ? (size_t)(newline - (text + at)) : len - at;

		file->line_number++;
		rc = read_line(file, text + at, line_len);
		at += line_len + 1;
	}
	free(file);
	return rc;
}

static int read_whole(const char *path, bool again, char **text, size_t *len)
{
	int fd = again ? regular_open(path) : open(path, O_RDONLY | O_CLOEXEC);
	int rc;

	if (fd < 0) {
		return again ? fd : -errno;
	}
	rc = read_fd(fd, text, len);
	close(fd);
	return rc;
}

/* Reads until the end rather than the size: a pipe has none. */
static int read_fd(int fd, char **text, size_t *len)
{
	size_t room = 65536;
	size_t used = 0;
	char *buf = malloc(room);

	while (buf) {
		ssize_t got = read(fd, buf + used, room - used);

		if (got == 0) {
			*text = buf;
			*len = used;
			return 0;
		}
		if (got < 0 && errno == EINTR) {
			continue;
		}
		if (got < 0 || used + (size_t)got > CLI_FILE_BYTES_MAX) {
			int rc = got < 0 ? -errno : -EFBIG;

			free(buf);
			return rc;
		}
		used += (size_t)got;
		if (used == room) {
			char *more = realloc(buf, room * 2);

			if (!more) {
				free(buf);
			}
			buf = more;
			room *= 2;
		}
	}
	return -ENOMEM;
}

static int refuse_file(const char *flag, const char *path, int error, struct err *err)
{
	char shown[PATH_SHOWN + 1];

	shorten(path, shown);
	if (error == ENOSTR) {
		err_set(err,
			"%s %s: cannot be read again: it is a pipe, a device or a socket, which "
			"could keep the relay waiting; expected a regular file; put one there, or "
			"restart",
			flag, shown);
		return -EINVAL;
	}
	err_set(err,
		"%s %s: cannot be read: %s; expected a file that this user may read; check the "
		"path and its permissions",
		flag, shown, strerror(error));
	return error == ENOMEM ? -ENOMEM : -EINVAL;
}

/* A path that is too long for a message is shown by its end, after "...". */
static void shorten(const char *path, char *out)
{
	size_t len = strlen(path);

	if (len <= PATH_SHOWN) {
		snprintf(out, PATH_SHOWN + 1, "%s", path);
	} else {
		snprintf(out, PATH_SHOWN + 1, "...%s", path + len - (PATH_SHOWN - 3));
	}
}

/* Cuts comment and blanks off a line of `len' bytes and applies what is left. */
static int read_line(struct file *file, const char *text, size_t len)
{
	char *line = file->line;
	size_t end = 0;

	if (len > CLI_LINE_BYTES_MAX) {
		err_set(file->err,
			"%s:%u: the line has %zu bytes; at most %d are read; split a long rule "
			"into several",
			file->path, file->line_number, len, CLI_LINE_BYTES_MAX);
		return -EINVAL;
	}
	if (memchr(text, '\0', len)) {
		return refuse_line(file,
				   "the line contains a NUL byte; a configuration is plain text; "
				   "check that this is the right file");
	}
	memcpy(line, text, len);
	line[len] = '\0';
	make_blanks(line);
	for (size_t i = 0; i < len; i++) {
		if (line[i] == '#' && (i == 0 || strchr(BLANKS, line[i - 1]))) {
			line[i] = '\0';
			break;
		}
		if (!strchr(BLANKS, line[i])) {
			end = i + 1;
		}
	}
	line[end] = '\0';
	return apply_line(file, line + strspn(line, BLANKS));
}

/* What only looks like a blank becomes two. */
static void make_blanks(char *line)
{
	for (char *at = strstr(line, NO_BREAK_SPACE); at; at = strstr(at, NO_BREAK_SPACE)) {
		memset(at, ' ', strlen(NO_BREAK_SPACE));
	}
}

static int refuse_line(const struct file *file, const char *what)
{
	err_set(file->err, "%s:%u: %s", file->path, file->line_number, what);
	return -EINVAL;
}

static int apply_line(struct file *file, char *line)
{
	size_t name_len = strcspn(line, BLANKS);
	const char *value = line + name_len;
	const struct cli_row *row;

	if (!*line) {
		return 0;
	}
	row = find_row(file, line, name_len);
	if (!row) {
		return -EINVAL;
	}
	value += strspn(value, BLANKS);
	if (*value == '"' || *value == '\'') {
		return refuse_line(
			file, "the value is in quotes; values stand as they are, up to the end of "
			      "the line; remove the quotes");
	}
	if (!*value && !cli_row_arg_optional(row)) {
		err_set(file->err,
			"%s:%u: %s has no value; expected '%s %s'; write the value behind it",
			file->path, file->line_number, row->name, row->name, row->arg);
		return -EINVAL;
	}
	return apply_option(file, row, *value ? value : NULL);
}

static const struct cli_row *find_row(struct file *file, const char *name, size_t len)
{
	const struct cli_table *table = file->fill->table;
	const struct cli_row *row = cli_row_find(table, name, len);

	if (row && !(row->flags & CLI_NOT_IN_FILE)) {
		return row;
	}
	refuse_option(file, row, name, len);
	return NULL;
}

/* `row': what the option is, that does not belong here; NULL: it is none. */
static void refuse_option(struct file *file, const struct cli_row *row, const char *name,
			  size_t len)
{
	const struct cli_table *table = file->fill->table;
	const struct cli_row *nearest = cli_row_nearest(table, name, len);
	const char *equals = memchr(name, '=', len);
	int shown = len > 40 ? 40 : (int)len;

	if (row) {
		err_set(file->err,
			"%s:%u: %s does not belong into a file; it asks for something to be done "
			"now; give --%s on the command line",
			file->path, file->line_number, row->name, row->name);
	} else if (len > 1 && name[0] == '-') {
		err_set(file->err,
			"%s:%u: '%.*s' begins with a dash; in a file options stand without their "
			"dashes; remove them",
			file->path, file->line_number, shown, name);
	} else if (equals) {
		err_set(file->err,
			"%s:%u: '%.*s' has a '='; in a file a blank separates option and value; "
			"write one instead",
			file->path, file->line_number, shown, name);
	} else {
		err_set(file->err,
			"%s:%u: unknown option '%.*s'; expected a long option of %s without its "
			"dashes; %s%s%s",
			file->path, file->line_number, shown, name, table->program,
			nearest ? "did you mean " : "see ",
			nearest ? nearest->name : table->program, nearest ? "" : " --help");
	}
}

static int apply_option(struct file *file, const struct cli_row *row, const char *value)
{
	size_t position = cli_row_position(file->fill->table, row);
	char where[WHERE_BYTES];

	snprintf(where, sizeof(where), "%s:%u", file->path, file->line_number);
	if (!(row->flags & CLI_REPEATS) && file->first_line[position] != 0) {
		err_set(file->err,
			"%s: %s stands in line %u already; an option is given once a file; remove "
			"one of the two lines",
			where, row->name, file->first_line[position]);
		return -EINVAL;
	}
	file->first_line[position] = file->line_number;
	return cli_fill_set(file->fill, row, value, where, file->err);
}
