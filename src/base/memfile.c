/* memfile.c - see memfile.h. */
#include "src/base/memfile.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>

#define ROOM_MIN 512

struct memfile {
	char **text;
	size_t *len;
	size_t room; /* bytes at `*text' */
	bool lost;   /* something is missing */
};

static ssize_t add(void *cookie, const char *bytes, size_t count);
static bool make_room(struct memfile *memfile, size_t bytes);
static int end(void *cookie);

FILE *memfile_open(char **text, size_t *len)
{
	static const cookie_io_functions_t does = {.write = add, .close = end};
	struct memfile *memfile = malloc(sizeof(*memfile));
	FILE *file = NULL;

	*text = malloc(ROOM_MIN);
	*len = 0;
	if (memfile && *text) {
		**text = '\0';
		*memfile = (struct memfile){.text = text, .len = len, .room = ROOM_MIN};
		file = fopencookie(memfile, "w", does);
	}
	if (!file) {
		free(memfile);
		free(*text);
		*text = NULL;
	}
	return file;
}

int memfile_close(FILE *file, char **text)
{
	bool whole = fflush(file) == 0 && !ferror(file);

	whole = fclose(file) == 0 && whole;
	if (!whole) {
		free(*text);
		*text = NULL;
	}
	return whole ? 0 : -ENOMEM;
}

/* Nothing comes behind what is missing. None are taken: 0, as for every stream of this kind. */
static ssize_t add(void *cookie, const char *bytes, size_t count)
{
	struct memfile *memfile = cookie;

	memfile->lost = memfile->lost || !make_room(memfile, *memfile->len + count + 1);
	if (memfile->lost) {
		errno = ENOMEM;
		return 0;
	}
	memcpy(*memfile->text + *memfile->len, bytes, count);
	*memfile->len += count;
	(*memfile->text)[*memfile->len] = '\0';
	return (ssize_t)count;
}

static bool make_room(struct memfile *memfile, size_t bytes)
{
	size_t room = memfile->room;
	char *text;

	while (room < bytes) {
		room *= 2;
	}
	text = room > memfile->room ? realloc(*memfile->text, room) : *memfile->text;
	if (!text) {
		return false;
	}
	*memfile->text = text;
	memfile->room = room;
	return true;
}

static int end(void *cookie)
{
	free(cookie);
	return 0;
}
