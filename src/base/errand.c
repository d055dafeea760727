/* errand.c - see errand.h. Control thread, before there are others. Units: ms, and s of CPU time.
 *
 * Whoever waits does so by the clock, which a machine that is busy makes short, so that the limit
 * there is generous; a child that goes round in a circle is ended sooner, by the time that it has
 * computed for.
 */
#include "src/base/errand.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "src/base/clock.h"

#define FIRST_ROOM 65536 /* bytes */

/* What has come. */
struct letter {
	char *bytes;
	size_t len, room, most;
};

static int begin(const struct errand *errand, int *fd, pid_t *child, struct err *how);
static _Noreturn void serve(const struct errand *errand, int fd);
static int receive(int fd, const struct errand *errand, struct letter *letter);
static int receive_more(int fd, struct letter *letter);
static int tell_end(int rc, int status, const struct errand *errand, struct err *how);

int errand_run(const struct errand *errand, struct errand_answer *out, struct err *how)
{
	struct letter letter = {.most = errand->answer_max};
	int fd = -1, rc, status = 0;
	pid_t child = -1;

	*out = (struct errand_answer){0};
	rc = begin(errand, &fd, &child, how);
	if (rc < 0) {
		return rc;
	}
	rc = receive(fd, errand, &letter);
	if (rc < 0) {
		(void)kill(child, SIGKILL);
	}
	close(fd);
	while (waitpid(child, &status, 0) < 0 && errno == EINTR) {
		/* again */
	}
	*out = (struct errand_answer){.bytes = letter.bytes, .len = letter.len, .begun = true};
	return rc < 0 || status != 0 ? tell_end(rc, status, errand, how) : 0;
}

void errand_answer_free(struct errand_answer *answer)
{
	free(answer->bytes);
	*answer = (struct errand_answer){0};
}

bool errand_tell(int fd, const void *from, size_t len)
{
	for (size_t done = 0; done < len;) {
		ssize_t put = write(fd, (const char *)from + done, len - done);

		if (put < 0 && errno != EINTR) {
			return false;
		}
		done += put > 0 ? (size_t)put : 0;
	}
	return true;
}

static int begin(const struct errand *errand, int *fd, pid_t *child, struct err *how)
{
	int fds[2], rc = 0;

	if (pipe2(fds, O_CLOEXEC) < 0) {
		rc = -errno;
		err_set(how, "no pipe: %s", strerror(-rc));
		return rc;
	}
	*child = fork();
	if (*child == 0) {
		close(fds[0]);
		serve(errand, fds[1]);
	}
	rc = *child < 0 ? -errno : 0;
	close(fds[1]);
	if (rc < 0) {
		close(fds[0]);
		err_set(how,
			"no process for it: %s; expected room for one more task; raise TasksMax= "
			"of the unit, the container's --pids-limit, or `ulimit -u'",
			strerror(-rc));
	}
	*fd = fds[0];
	return rc;
}

/* The child. A crash is told by the parent, so that no file of it is left. */
static _Noreturn void serve(const struct errand *errand, int fd)
{
	const struct rlimit none = {0};
	const struct rlimit cpu = {.rlim_cur = errand->cpu_s, .rlim_max = errand->cpu_s};

	(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
	(void)setrlimit(RLIMIT_CORE, &none);
	if (errand->cpu_s > 0) {
		(void)setrlimit(RLIMIT_CPU, &cpu);
	}
	_exit(errand->run(errand->context, fd) ? EXIT_SUCCESS : EXIT_FAILURE);
}

/* Until its end. 0, -ETIMEDOUT, -EMSGSIZE, or another errno. */
static int receive(int fd, const struct errand *errand, struct letter *letter)
{
	const uint64_t until_ns = clock_now_ns() + errand->patience_ms * NS_PER_MS;
	int rc = 1;

	while (rc > 0) {
		uint64_t now_ns = clock_now_ns();
		struct pollfd poller = {.fd = fd, .events = POLLIN};
		int ready = now_ns < until_ns
				    ? poll(&poller, 1, (int)((until_ns - now_ns) / NS_PER_MS) + 1)
				    : 0;

		if (ready > 0) {
			rc = receive_more(fd, letter);
		} else if (ready == 0) {
			rc = -ETIMEDOUT;
		} else if (errno != EINTR) {
			rc = -errno;
		}
	}
	return rc;
}

/* 1; 0 at its end; or -errno. */
static int receive_more(int fd, struct letter *letter)
{
	ssize_t got;

	if (letter->len == letter->room) {
		size_t room = letter->room > 0 ? 2 * letter->room : FIRST_ROOM;
		bool fits = room <= 2 * letter->most || letter->room == 0;
		char *bytes = fits ? realloc(letter->bytes, room) : NULL;

		if (!bytes) {
			return fits ? -ENOMEM : -EMSGSIZE;
		}
		letter->bytes = bytes;
		letter->room = room;
	}
	got = read(fd, letter->bytes + letter->len, letter->room - letter->len);
	if (got < 0) {
		return errno == EINTR ? 1 : -errno;
	}
	letter->len += (size_t)got;
	return got > 0;
}

static int tell_end(int rc, int status, const struct errand *errand, struct err *how)
{
	if (rc == -ETIMEDOUT) {
		err_set(how, "it was not done after %u s", errand->patience_ms / 1000);
	} else if (rc < 0) {
		err_set(how, "its answer cannot be read: %s", strerror(-rc));
	} else if (WIFSIGNALED(status)) {
		err_set(how, "it died by signal %d, %s", WTERMSIG(status),
			strsignal(WTERMSIG(status)));
	} else {
		err_set(how, "it ended with status %d", WEXITSTATUS(status));
	}
	return rc < 0 && rc != -ETIMEDOUT ? rc : -EIO;
}
