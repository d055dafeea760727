/* topo_load.c - reads a topology, in a child that may die of it (steps 1 and 2).
 *
 * hwloc does not look at what malloc returns, and some XML files that no lstopo has written end it
 * by an assertion or a signal, or keep it busy. So a child reads the machine and sends what it has
 * found through a pipe (numa/topo_flat.h): however it ends, the operator is told in a sentence, and
 * nothing is left. hwloc also takes orders from environment variables: another machine's file,
 * plugins, what to call allowed. Where shards run is for options alone to say, so the variables are
 * taken out first. The child has the rights, the limits and the CPUs of the thread that began it,
 * and dies with it. What sysfs tells beside is read here, by code of our own. Control thread,
 * before there are others. Units: ms.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "numa/topo.h"
#include "numa/topo_flat.h"
#include "numa/topo_here.h"
#include "numa/topo_read.h"
#include "src/base/clock.h"

#define ORDER_PREFIX   "HWLOC_"
#define ORDER_NAME_MAX 64 /* longer than any name that hwloc knows */

#define PATIENCE_MS 60000 /* a machine with 1024 CPUs takes hwloc about one second */

/* What stands before a topology's bytes in the pipe. */
struct verdict {
	int rc;
	struct err err;
};

/* What has come. */
struct letter {
	char *bytes;
	size_t len, room;
};

static void drop_orders(void);
static _Noreturn void read_and_tell(const char *spec, int fd);
static bool write_all(int fd, const void *from, size_t len);
static int receive(int fd, struct letter *letter);
static int receive_more(int fd, struct letter *letter);
static int judge(const struct letter *letter, const char *spec, struct topo *out, struct err *err);
static int tell_end(int rc, int status, const char *spec, struct err *err);

int topo_load(const char *spec, struct topo *out, struct err *err)
{
	struct letter letter = {0};
	int fds[2], rc, status = 0;
	pid_t child;

	drop_orders();
	if (pipe2(fds, O_CLOEXEC) < 0) {
		rc = -errno;
		err_set(err, "cannot read the topology: no pipe: %s", strerror(-rc));
		return rc;
	}
	child = fork();
	if (child == 0) {
		close(fds[0]);
		read_and_tell(spec, fds[1]);
	}
	rc = child < 0 ? -errno : 0;
	close(fds[1]);
	if (rc < 0) {
		err_set(err,
			"cannot read the topology: no process for it: %s; expected room for one "
			"more task; raise TasksMax= of the unit, the container's --pids-limit, or "
			"`ulimit -u'",
			strerror(-rc));
		close(fds[0]);
		return rc;
	}
	rc = receive(fds[0], &letter);
	if (rc < 0) {
		(void)kill(child, SIGKILL);
	}
	close(fds[0]);
	while (waitpid(child, &status, 0) < 0 && errno == EINTR) {
		/* again */
	}
	if (rc < 0 || status != 0) {
		rc = tell_end(rc, status, spec, err);
	} else {
		rc = judge(&letter, spec, out, err);
	}
	free(letter.bytes);
	return rc;
}

/* From the front again after each, since taking one out moves the others. Before threads start. */
static void drop_orders(void)
{
	for (char **at = environ; at && *at;) {
		char name[ORDER_NAME_MAX];
		size_t len = strcspn(*at, "=");

		if (strncmp(*at, ORDER_PREFIX, strlen(ORDER_PREFIX)) != 0 || len >= sizeof(name)) {
			at++;
			continue;
		}
		snprintf(name, sizeof(name), "%.*s", (int)len, *at);
		log_warn("environment: %s is ignored; --topology names another machine, for plans "
			 "only",
			 name);
		if (unsetenv(name) < 0) {
			return;
		}
		at = environ;
	}
}

/* The child. A crash is told by the parent, so that no file of it is left. */
static _Noreturn void read_and_tell(const char *spec, int fd)
{
	const struct rlimit none = {0};
	struct verdict verdict = {0};
	struct topo topo;
	size_t len = 0;
	void *bytes = NULL;

	(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
	(void)setrlimit(RLIMIT_CORE, &none);
	verdict.rc = topo_read(spec, &topo, &verdict.err);
	if (verdict.rc == 0) {
		bytes = topo_flat_write(&topo, &len);
		if (!bytes) {
			verdict.rc = -ENOMEM;
			err_set(&verdict.err, "cannot read the topology: %s", strerror(ENOMEM));
		}
	}
	_exit(write_all(fd, &verdict, sizeof(verdict)) && write_all(fd, bytes, len) ? EXIT_SUCCESS
										    : EXIT_FAILURE);
}

static bool write_all(int fd, const void *from, size_t len)
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

/* Until its end. 0, -ETIMEDOUT, -EMSGSIZE, or another errno. */
static int receive(int fd, struct letter *letter)
{
	const uint64_t until_ns = clock_now_ns() + PATIENCE_MS * NS_PER_MS;
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
		size_t room = letter->room > 0 ? 2 * letter->room : 65536;
		char *bytes = room <= 2 * TOPO_FLAT_MAX ? realloc(letter->bytes, room) : NULL;

		if (!bytes) {
			return room <= 2 * TOPO_FLAT_MAX ? -ENOMEM : -EMSGSIZE;
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

static int judge(const struct letter *letter, const char *spec, struct topo *out, struct err *err)
{
	const size_t head = sizeof(struct verdict);
	struct verdict verdict = {.rc = -EBADMSG};
	struct topo topo = {0};
	int rc;

	if (letter->len >= head) {
		memcpy(&verdict, letter->bytes, head);
	}
	if (verdict.rc < 0 && verdict.rc != -EBADMSG) {
		err_set(err, "%.*s", (int)sizeof(err->text) - 1, verdict.err.text);
		return verdict.rc;
	}
	rc = verdict.rc < 0 ? -EBADMSG
			    : topo_flat_read(letter->bytes + head, letter->len - head, &topo);
	if (rc == 0 && topo.this_machine) {
		rc = topo_here_fill(&topo);
	}
	if (rc == -EBADMSG) {
		return tell_end(rc, 0, spec, err);
	}
	if (rc < 0) {
		err_set(err, "cannot read the topology: %s", strerror(-rc));
		topo_free(&topo);
		return rc;
	}
	*out = topo;
	return 0;
}

/* Why there is none, where it was not for the child to say. */
static int tell_end(int rc, int status, const char *spec, struct err *err)
{
	const char *what = spec ? "--topology " : "this machine";
	const char *which = spec ? spec : "";
	char how[128];

	if (rc == -ETIMEDOUT) {
		snprintf(how, sizeof(how), "it was not done after %d s", PATIENCE_MS / 1000);
	} else if (rc == -EBADMSG) {
		snprintf(how, sizeof(how), "what it said makes no sense");
	} else if (rc < 0) {
		snprintf(how, sizeof(how), "its answer cannot be read: %s", strerror(-rc));
	} else if (WIFSIGNALED(status)) {
		snprintf(how, sizeof(how), "it died by signal %d, %s", WTERMSIG(status),
			 strsignal(WTERMSIG(status)));
	} else {
		snprintf(how, sizeof(how), "it ended with status %d", WEXITSTATUS(status));
	}
	err_set(err,
		"%s%s: hwloc could not read it: %s; expected %s; `lstopo' reads it in the same way",
		what, which, how,
		spec ? "a description that it can read, as `lstopo --of xml' of hwloc 2 writes"
		     : "enough memory, and /sys as the kernel has it");
	return -EIO;
}
