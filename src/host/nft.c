/* nft.c - one run of nft(8), its answer read through a pipe.
 *
 * The child gets no input, an empty environment but for PATH and LC_ALL, and a limited time.
 * Control thread. Units: bytes, milliseconds.
 */
#include "src/host/nft.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "src/base/clock.h"

#define NFT_MS_MAX    10000
#define NFT_BYTES_MAX (64u << 20)

static const char *find_program(void);
static int start_program(const char *path, int to, pid_t *pid);
static int read_answer(int fd, char **out);
static int await_end(int fd, uint64_t until_ns);

int nft_list(char **out)
{
	const char *path = find_program();
	int ends[2], status = 0, rc;
	char *text = NULL;
	pid_t pid = -1;

	if (!path) {
		return -ENOENT;
	}
	if (pipe2(ends, O_CLOEXEC) < 0) {
		return -errno;
	}
	rc = start_program(path, ends[1], &pid);
	close(ends[1]);
	if (rc == 0) {
		rc = read_answer(ends[0], &text);
		if (rc < 0) {
			kill(pid, SIGKILL);
		}
		if (waitpid(pid, &status, 0) < 0 || !WIFEXITED(status)) {
			rc = rc < 0 ? rc : -EIO;
		}
	}
	close(ends[0]);
	if (rc == 0 && WEXITSTATUS(status) != 0) {
		rc = -EPERM;
	}
	if (rc < 0) {
		free(text);
		return rc;
	}
	*out = text;
	return 0;
}

static const char *find_program(void)
{
	static const char *const places[] = {"/usr/sbin/nft", "/sbin/nft", "/usr/bin/nft",
					     "/usr/local/sbin/nft"};

	for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
		if (access(places[i], X_OK) == 0) {
			return places[i];
		}
	}
	return NULL;
}

/* Starts it with `to' as its standard output. */
static int start_program(const char *path, int to, pid_t *pid)
{
	static const char *const argv[] = {"nft", "-j", "list", "ruleset", NULL};
	static const char *const env[] = {"PATH=/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL=C", NULL};
	posix_spawn_file_actions_t actions;
	int rc = -posix_spawn_file_actions_init(&actions);

	if (rc < 0) {
		return rc;
	}
	if (posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0) != 0 ||
	    posix_spawn_file_actions_adddup2(&actions, to, 1) != 0 ||
	    posix_spawn_file_actions_addopen(&actions, 2, "/dev/null", O_WRONLY, 0) != 0) {
		rc = -ENOMEM;
	}
	if (rc == 0) {
		rc = -posix_spawn(pid, path, &actions, NULL, (char *const *)argv,
				  (char *const *)env);
	}
	posix_spawn_file_actions_destroy(&actions);
	return rc;
}

static int read_answer(int fd, char **out)
{
	uint64_t until_ns = clock_now_ns() + NFT_MS_MAX * NS_PER_MS;
	size_t len = 0, room = 0;
	char *text = NULL;
	int rc = 0;

	for (;;) {
		ssize_t got;

		if (len + 1 >= room) {
			size_t more = room ? room * 2 : 65536;
			char *bigger = more <= NFT_BYTES_MAX ? realloc(text, more) : NULL;

			if (!bigger) {
				rc = more <= NFT_BYTES_MAX ? -ENOMEM : -EFBIG;
				break;
			}
			text = bigger;
			room = more;
		}
		rc = await_end(fd, until_ns);
		if (rc < 0) {
			break;
		}
		got = read(fd, text + len, room - len - 1);
		if (got <= 0) {
			rc = got < 0 ? -errno : 0;
			break;
		}
		len += (size_t)got;
	}
	if (rc < 0) {
		free(text);
		return rc;
	}
	text[len] = '\0';
	*out = text;
	return 0;
}

/* Waits for more, or the end, until `until_ns'. */
static int await_end(int fd, uint64_t until_ns)
{
	uint64_t now_ns = clock_now_ns();
	struct pollfd pollfd = {.fd = fd, .events = POLLIN};

	if (now_ns >= until_ns) {
		return -ETIME;
	}
	return poll(&pollfd, 1, (int)((until_ns - now_ns) / NS_PER_MS) + 1) < 0 ? -errno : 0;
}
