/* batch.c - see batch.h.
 *
 * The connection is opened with the first command, so a batch that is wrong in its first line needs
 * no daemon. A refusal is told behind FILE:LINE, and ends the batch unless --keep-going.
 */
#include "src/ctl/batch.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "src/ctl/client.h"
#include "src/ctl/order.h"

#define WHERE_BYTES 4200 /* a path and a number */

struct batch {
	const struct ctl_opt *opt;
	struct client client;
	bool open;
	unsigned line;
};

static enum ctl_status do_lines(struct batch *batch, FILE *file, const char *name);
static int read_line(FILE *file, char **line, size_t *room);
static enum ctl_status do_line(struct batch *batch, char *line, const char *where);
static enum ctl_status do_words(struct batch *batch, int count, char **words, const char *where);
static int check_command(const struct ctl_opt *opt, struct err *err);

enum ctl_status batch_do(const struct ctl_opt *opt)
{
	const char *path = opt->operands[0];
	bool is_stdin = strcmp(path, "-") == 0;
	FILE *file = is_stdin ? stdin : fopen(path, "re");
	struct batch batch = {.opt = opt};
	enum ctl_status status;

	if (!file) {
		fprintf(stderr, "numacastctl: batch: %s: cannot read: %s\n", path, strerror(errno));
		return CTL_USAGE;
	}
	status = do_lines(&batch, file, is_stdin ? "standard input" : path);
	if (batch.open) {
		client_close(&batch.client);
	}
	if (!is_stdin) {
		fclose(file);
	}
	return status;
}

int batch_split(char *line, char **words, struct err *err)
{
	int count = 0;
	char *to = line;

	for (char *at = line;;) {
		char quote = 0;

		at += strspn(at, " \t\r\n");
		if (!*at || *at == '#') {
			return count;
		}
		if (count == BATCH_WORDS_MAX - 1) {
			err_set(err,
				"the line has too many words; expected less than %d; divide it",
				BATCH_WORDS_MAX);
			return -EINVAL;
		}
		words[count++] = to;
		for (; *at && (quote || !strchr(" \t\r\n", *at)); at++) {
			if (quote ? *at == quote : *at == '\'' || *at == '"') {
				quote = quote ? 0 : *at;
			} else {
				*to++ = *at;
			}
		}
		if (quote) {
			err_set(err, "a %c is not closed; expected another; add it", quote);
			return -EINVAL;
		}
		at += *at != '\0';
		*to++ = '\0'; /* at or before the blank that was just passed */
	}
}

static enum ctl_status do_lines(struct batch *batch, FILE *file, const char *name)
{
	enum ctl_status status = CTL_OK;
	char where[WHERE_BYTES];
	char *line = NULL;
	size_t room = 0;

	while (status == CTL_OK || batch->opt->keep_going) {
		int rc = read_line(file, &line, &room);
		enum ctl_status now;

		if (rc == -ENODATA) {
			break;
		}
		snprintf(where, sizeof(where), "%s:%u", name, ++batch->line);
		if (rc < 0) {
			fprintf(stderr,
				"%s: cannot read: %s; this line and what follows is not done\n",
				where, strerror(-rc));
			status = CTL_FAILED;
			break;
		}
		now = do_line(batch, line, where);
		status = status == CTL_OK ? now : status;
		if (now == CTL_UNREACHABLE) {
			break; /* whatever comes would be the same */
		}
	}
	free(line);
	return status;
}

/* -ENODATA at the end. What ends otherwise need not be known to the stream, as want of memory. */
static int read_line(FILE *file, char **line, size_t *room)
{
	errno = 0;
	if (getline(line, room, file) >= 0) {
		return 0;
	}
	if (feof(file) && !ferror(file)) {
		return -ENODATA;
	}
	return errno != 0 ? -errno : -EIO;
}

static enum ctl_status do_line(struct batch *batch, char *line, const char *where)
{
	char *words[BATCH_WORDS_MAX + 1] = {(char *)"numacastctl"};
	struct err err;
	int count = batch_split(line, words + 1, &err);

	if (count < 0) {
		fprintf(stderr, "%s: %s\n", where, err.text);
		return CTL_USAGE;
	}
	return count == 0 ? CTL_OK : do_words(batch, count + 1, words, where);
}

static enum ctl_status do_words(struct batch *batch, int count, char **words, const char *where)
{
	enum ctl_status status = CTL_USAGE;
	struct ctl_opt opt;
	struct err err;
	int rc = ctl_options_parse(count, words, &opt, &err);

	if (rc < 0) {
		fprintf(stderr, "%s: %s\n", where, err.text);
		return rc == -ENOMEM ? CTL_FAILED : CTL_USAGE;
	}
	rc = check_command(&opt, &err);
	if (rc == 0 && !batch->open) {
		rc = client_open(batch->opt->control, batch->opt->timeout_ns, &batch->client, &err);
		batch->open = rc == 0;
		status = rc < 0 ? CTL_UNREACHABLE : status;
	}
	if (rc < 0) {
		fprintf(stderr, "%s: %s\n", where, err.text);
	} else {
		opt.json |= batch->opt->json;
		status = order_do(&batch->client, &opt, where);
	}
	ctl_options_free(&opt);
	return status;
}

static int check_command(const struct ctl_opt *opt, struct err *err)
{
	if (opt->mode != CTL_MODE_RUN || opt->command->id == CTL_NO_REQUEST || opt->control) {
		err_set(err, "the line is none of a batch's; expected a request such as show, "
			     "without --control, --help or --version; give those to batch itself");
		return -EINVAL;
	}
	return 0;
}
