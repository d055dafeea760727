/* host.c - the list of findings, the texts they are made of, and the files they are read from.
 *
 * A text that cannot be had for want of memory becomes "" and the whole check is marked, so that
 * parts need not look at each. Control thread.
 */
#include "src/host/host.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define FILE_BYTES_MAX (1u << 20)
#define ROOM_FIRST     64

static const char *check_keep(struct host *host, char *text);
static bool check_grow(void **array, uint32_t count, uint32_t *room, size_t size);
static char *check_read_below(const struct host *host, const char *format, va_list args)
	__attribute__((format(printf, 2, 0)));
static char *check_read(const char *path);
static char *check_path(const struct host *host, const char *format, va_list args)
	__attribute__((format(printf, 2, 0)));

void host_free(struct host *host)
{
	for (uint32_t i = 0; i < host->text_count; i++) {
		free(host->texts[i]);
	}
	free(host->texts);
	free(host->findings);
	*host = (struct host){0};
}

void host_add(struct host *host, const struct finding *finding)
{
	void *array = host->findings;

	if (!check_grow(&array, host->count, &host->room, sizeof(*host->findings))) {
		host->out_of_memory = true;
		return;
	}
	host->findings = array;
	host->findings[host->count++] = *finding;
}

const char *host_text(struct host *host, const char *format, ...)
{
	char *text = NULL;
	va_list args;
	int len;

	va_start(args, format);
	len = vasprintf(&text, format, args);
	va_end(args);
	return check_keep(host, len < 0 ? NULL : text);
}

const char *host_conf_setting(struct host *host, const char *family, const char *ifname,
			      const char *key, int value)
{
	char dot = strchr(ifname, '.') ? '/' : '.';

	return host_text(host, "net%c%s%cconf%c%s%c%s=%d", dot, family, dot, dot, ifname, dot, key,
			 value);
}

const char *host_line(struct host *host, const char *format, ...)
{
	char *text;
	va_list args;

	va_start(args, format);
	text = check_read_below(host, format, args);
	va_end(args);
	if (!text) {
		return NULL;
	}
	text[strcspn(text, "\n")] = '\0';
	return check_keep(host, text);
}

const char *host_file(struct host *host, const char *format, ...)
{
	char *text;
	va_list args;

	va_start(args, format);
	text = check_read_below(host, format, args);
	va_end(args);
	return text ? check_keep(host, text) : NULL;
}

int64_t host_number(const struct host *host, int64_t otherwise, const char *format, ...)
{
	char *text, *end = NULL;
	long long number = otherwise;
	va_list args;

	va_start(args, format);
	text = check_read_below(host, format, args);
	va_end(args);
	if (text) {
		errno = 0;
		number = strtoll(text, &end, 10);
		number = end == text || errno != 0 ? otherwise : number;
	}
	free(text);
	return number;
}

bool host_exists(const struct host *host, const char *format, ...)
{
	char *path;
	bool exists;
	va_list args;

	va_start(args, format);
	path = check_path(host, format, args);
	va_end(args);
	exists = path && access(path, F_OK) == 0;
	free(path);
	return exists;
}

bool host_has_sysctls(const struct host *host)
{
	return host_exists(host, "/proc/sys/kernel");
}

/* Takes over `text', which may be NULL. */
static const char *check_keep(struct host *host, char *text)
{
	void *array = host->texts;

	if (!text ||
	    !check_grow(&array, host->text_count, &host->text_room, sizeof(*host->texts))) {
		free(text);
		host->out_of_memory = true;
		return "";
	}
	host->texts = array;
	host->texts[host->text_count++] = text;
	return text;
}

/* Makes room for one more in an array of `size' each. */
static bool check_grow(void **array, uint32_t count, uint32_t *room, size_t size)
{
	uint32_t more = *room ? *room * 2 : ROOM_FIRST;
	void *bigger;

	if (count < *room) {
		return true;
	}
	bigger = reallocarray(*array, more, size);
	if (!bigger) {
		return false;
	}
	*array = bigger;
	*room = more;
	return true;
}

static char *check_read_below(const struct host *host, const char *format, va_list args)
{
	char *path = check_path(host, format, args);
	char *text = path ? check_read(path) : NULL;

	free(path);
	return text;
}

/* The file and a zero byte, to be freed; NULL when it cannot be read or is larger than allowed. */
static char *check_read(const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	size_t len = 0, room = 0;
	char *text = NULL;
	ssize_t got = fd < 0 ? -1 : 1;

	while (got > 0) {
		if (len + 1 >= room) {
			char *bigger =
				room < FILE_BYTES_MAX ? realloc(text, room + 4096 + room) : NULL;

			if (!bigger) {
				got = -1;
				break;
			}
			text = bigger;
			room += 4096 + room;
		}
		got = read(fd, text + len, room - len - 1);
		len += got > 0 ? (size_t)got : 0;
	}
	if (fd >= 0) {
		close(fd);
	}
	if (got < 0) {
		free(text);
		return NULL;
	}
	text[len] = '\0';
	return text;
}

/* The path below root, to be freed; NULL without memory. */
static char *check_path(const struct host *host, const char *format, va_list args)
{
	char *below = NULL, *path = NULL;

	if (vasprintf(&below, format, args) < 0) {
		return NULL;
	}
	if (asprintf(&path, "%s%s", host->root, below) < 0) {
		path = NULL;
	}
	free(below);
	return path;
}
