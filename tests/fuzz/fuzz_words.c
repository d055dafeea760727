/* fuzz_words.c - any text where a file or another process has words for us.
 *
 * The first byte says which: m a list of members, b a line of a batch of
 * numacastctl, t an endpoint of numacast-probe, n the note of a process that
 * has ended. What must hold: no crash; members are in order, each once, and
 * found again; a line's words lie within it, one after the other; a target that
 * is refused adds nothing; and what a note says is whole or nothing.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "src/base/must.h"
#include "src/ctl/batch.h"
#include "src/probe/target.h"
#include "src/rules/members.h"
#include "src/run/finish_note.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void read_members(const char *text, size_t len)
{
	struct members members = {0};
	struct err err = {0};
	int rc = members_read(text, len, "list", &members, &err);

	must(rc == 0 || err.text[0] != '\0');
	must(members.count <= MEMBERS_LIST_MAX);
	for (uint32_t i = 0; i < members.count; i++) {
		must(memchr(members.names[i], '\0', MEMBER_NAME_MAX));
		must(members_find(&members, members.names[i]) == i);
		must(i == 0 || strcmp(members.names[i - 1], members.names[i]) < 0);
	}
	members_free(&members);
}

static void split_line(char *line, size_t len)
{
	static char *words[BATCH_WORDS_MAX];
	const char *end = line;
	struct err err = {0};
	int count = batch_split(line, words, &err);

	must(count >= 0 || err.text[0] != '\0');
	must(count < BATCH_WORDS_MAX);
	for (int i = 0; i < count; i++) {
		must(words[i] >= end);
		end = words[i] + strlen(words[i]) + 1;
		must(end <= line + len + 1);
	}
}

static void add_targets(const char *text)
{
	struct probe_targets targets = {0};
	struct err err = {0};
	int rc = probe_targets_add(&targets, text, 0, &err);

	must(rc == 0 || (targets.count == 0 && err.text[0] != '\0'));
	must(targets.count <= PROBE_TARGETS_MAX);
	probe_targets_free(&targets);
}

static void read_note(const char *text, size_t len)
{
	struct finish done = {0};
	struct refusals_news news = {0};
	int read_fd, write_fd;

	must(finish_note_open(&read_fd, &write_fd) == 0);
	(void)!write(write_fd, text, len);
	close(write_fd);
	if (finish_note_await(read_fd, &done, &news) == FINISH_NOTE_FINISHED) {
		must(news.kind < CONFINE_COUNT);
	} else {
		must(done.sent == 0);
		must(news.count == 0);
	}
	close(read_fd);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	size_t len = size > 0 ? size - 1 : 0;
	char *text = malloc(len + 1);

	must(text);
	memcpy(text, data + (size > 0), len);
	text[len] = '\0';
	switch (size > 0 ? data[0] : 0) {
	case 'm':
		read_members(text, len);
		break;
	case 'b':
		split_line(text, len);
		break;
	case 't':
		add_targets(text);
		break;
	case 'n':
		read_note(text, len);
		break;
	default:
		break;
	}
	free(text);
	return 0;
}
