/* fault.c - runs a program and makes one chosen system call or allocation of it fail.
 *
 *     fault COMMAND LIBRARY PROGRAM [ARGUMENT...]
 *
 * Every system call of the program, of its threads and of its children comes here first, by a
 * seccomp filter that asks its listener, and is let go or answered with an
 * error; nothing is changed in the program. Allocations are counted by a library that is preloaded
 * (fault_alloc.c) and shares a page with this program. Nothing is counted before the library is
 * loaded, so that the loader's own calls are not: it tells so by a call of its own. Addresses are
 * not random, so that an allocation is made at the same place each time.
 *
 * Commands come as the argument, for the start of the program, and as lines of standard input,
 * whose end kills the program:
 *
 *     record             say what is called
 *     fail CALL N ERRNO  the Nth call of that name from now on fails; `alloc' is an allocation
 *     kill CALL COMMAND  with the next call of that name the program is killed, whose memory and
 *                        descriptors another process may share; then COMMAND holds
 *     off                neither; says what was allocated, `live' with how many allocations were
 *                        not freed yet, then `off'
 *
 * What happens is said on standard output, a line each: `pid PID' first, `call NAME N
 * WORD,WORD... WHAT', `failed NAME N WORD,WORD... WHAT', where words are ADDRESS@OFFSET in hex,
 * what may be return addresses and where they stand on the stack, the first of them the call's own
 * place; `alloc N FRAME...', where frames are return addresses, `map' with a line of /proc/PID/maps
 * to understand them, `armed' as the answer to record, fail and kill, `left PID' for a child that
 * has outlived the program, and is killed, and last `end STATUS', 128 and more for a signal. WHAT
 * tells the calls of one name apart for people: the path, or the file behind a descriptor.
 *
 * Descriptors that the variable FAULT_PASS lists, apart by commas and all of 100 and more, are the
 * program's from 3 on, as a service manager passes them; LISTEN_PID is set then.
 *
 * Calls whose failure tells nothing are not asked about (fault_call.c). One thread, which waits in
 * poll.
 */
#include "tests/fake/fault.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/personality.h>
#include <sys/pidfd.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/fake/fault_call.h"

#define NAMES_MAX       512  /* calls of different names in one program */
#define END_PATIENCE_MS 5000 /* for children that end behind the program */
#define ENDING_MS       200  /* for one that is about to */
#define PASSED_FIRST    3

struct count {
	char name[FAULT_NAME_MAX];
	unsigned long n;
};

struct fault {
	struct fault_page *page; /* shared with the program */
	int page_fd;
	int listener;
	int pidfd;
	pid_t child;
	bool marked; /* the program's own code has begun */
	bool recording;
	char kill[FAULT_NAME_MAX]; /* of the call with which the program is killed, or "" */
	char next[128];            /* the command that holds then */
	char name[FAULT_NAME_MAX]; /* of the call that is to fail, or "" */
	unsigned long nth;         /* from 1 */
	int error;                 /* errno */
	uint32_t count_fill;
	struct count counts[NAMES_MAX];
	size_t line_fill; /* bytes */
	char line[256];
};

static bool page_make(struct fault *fault);
static bool program_start(struct fault *fault, const char *library, char **argv);
static void child_run(struct fault *fault, _Atomic int *listener, const char *library, char **argv);
static void pass_descriptors(void);
static int fetch_listener(struct fault *fault, _Atomic int *listener);
static bool obey(struct fault *fault, const char *text);
static bool obey_kill(struct fault *fault, const char *text);
static void off(struct fault *fault);
static void say_site(unsigned long nth, const struct fault_site *site);
static void serve(struct fault *fault);
static bool read_commands(struct fault *fault);
static bool take_call(struct fault *fault);
static int judge(struct fault *fault, const struct seccomp_notif *req);
static void say_maps(pid_t pid);
static void say_call(const char *word, const char *name, unsigned long n,
		     const struct seccomp_notif *req);
static unsigned long count_call(struct fault *fault, const char *name);
static void say_end(struct fault *fault);
static void kill_children(void);
static bool has_ended(pid_t pid);

int main(int argc, char **argv)
{
	static struct fault fault = {.listener = -1};

	setvbuf(stdout, NULL, _IOLBF, 0);
	if (argc < 4 || !page_make(&fault) || !obey(&fault, argv[1])) {
		fprintf(stderr, "usage: fault COMMAND LIBRARY PROGRAM [ARGUMENT...]\n");
		return 2;
	}
	prctl(PR_SET_CHILD_SUBREAPER, 1);
	if (!program_start(&fault, argv[2], argv + 3)) {
		perror("fault: cannot filter the program's calls");
		return 2;
	}
	printf("pid %d\n", fault.child);
	serve(&fault);
	say_end(&fault);
	return 0;
}

static bool page_make(struct fault *fault)
{
	fault->page_fd = memfd_create("fault", MFD_CLOEXEC);
	if (fault->page_fd < 0 || ftruncate(fault->page_fd, sizeof(*fault->page)) < 0) {
		return false;
	}
	fault->page = mmap(NULL, sizeof(*fault->page), PROT_READ | PROT_WRITE, MAP_SHARED,
			   fault->page_fd, 0);
	return fault->page != MAP_FAILED;
}

/* Afterwards the program waits in its execve for our answer. */
static bool program_start(struct fault *fault, const char *library, char **argv)
{
	_Atomic int *listener = mmap(NULL, sizeof(*listener), PROT_READ | PROT_WRITE,
				     MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	char path[64];

	if (listener == MAP_FAILED) {
		return false;
	}
	snprintf(path, sizeof(path), "/proc/%d/fd/%d", getpid(), fault->page_fd);
	setenv(FAULT_PAGE_ENV, path, 1);
	fault->child = fork();
	if (fault->child == 0) {
		child_run(fault, listener, library, argv);
	}
	fault->pidfd = fault->child < 0 ? -1 : pidfd_open(fault->child, 0);
	fault->listener = fault->pidfd < 0 ? -1 : fetch_listener(fault, listener);
	return fault->listener >= 0;
}

/* What it does behind the filter is asked about, so its number goes through memory. */
static void child_run(struct fault *fault, _Atomic int *listener, const char *library, char **argv)
{
	int fd;

	(void)fault;
	personality(ADDR_NO_RANDOMIZE);
	pass_descriptors();
	setenv("LD_PRELOAD", library, 1);
	fd = fault_filter_install();
	atomic_store(listener, fd < 0 ? -1 : fd);
	if (fd >= 0) {
		execvp(argv[0], argv);
	}
	_exit(127);
}

static void pass_descriptors(void)
{
	const char *list = getenv("FAULT_PASS");
	char *end, pid[16];
	int to = PASSED_FIRST;

	for (const char *p = list; p && *p; p = *end == ',' ? end + 1 : end) {
		int fd = (int)strtol(p, &end, 10);

		if (end == p || dup2(fd, to++) < 0) {
			_exit(127);
		}
		close(fd);
	}
	if (list) {
		snprintf(pid, sizeof(pid), "%d", getpid());
		setenv("LISTEN_PID", pid, 1);
		unsetenv("FAULT_PASS");
	}
}

static int fetch_listener(struct fault *fault, _Atomic int *listener)
{
	int fd;

	while ((fd = atomic_load(listener)) == 0 && waitpid(fault->child, NULL, WNOHANG) == 0) {
		usleep(100);
	}
	return fd > 0 ? pidfd_getfd(fault->pidfd, fd, 0) : -1;
}

/* One command; false when it cannot be understood. */
static bool obey(struct fault *fault, const char *text)
{
	struct fault_page *page = fault->page;

	if (!page) {
		return false;
	}
	if (strcmp(text, "off") == 0) {
		off(fault);
		return true;
	}
	fault->kill[0] = 0;
	if (strncmp(text, "kill ", 5) == 0) {
		return obey_kill(fault, text + 5);
	}
	fault->name[0] = 0;
	fault->recording = strcmp(text, "record") == 0;
	if (!fault->recording &&
	    sscanf(text, "fail %63s %lu %d", fault->name, &fault->nth, &fault->error) != 3) {
		return false;
	}
	fault->count_fill = 0;
	page->recording = fault->recording;
	page->failed = 0;
	page->count = 0;
	page->fail_at = strcmp(fault->name, "alloc") == 0 ? fault->nth : 0;
	printf("armed\n");
	return true;
}

static bool obey_kill(struct fault *fault, const char *text)
{
	if (sscanf(text, "%63s %127[^\n]", fault->kill, fault->next) != 2) {
		return false;
	}
	printf("armed\n");
	return true;
}

static void off(struct fault *fault)
{
	unsigned long count = fault->page ? fault->page->count : 0;

	if (!fault->page) {
		return;
	}
	fault->page->fail_at = 0;
	if (fault->page->failed) {
		printf("failed alloc %lu\n", fault->nth);
		say_site(fault->nth, &fault->page->site);
	}
	for (unsigned long i = 0; fault->recording && i < count && i < FAULT_SITES_MAX; i++) {
		say_site(i + 1, &fault->page->sites[i]);
	}
	memset(fault->page->sites, 0,
	       count < FAULT_SITES_MAX ? count * sizeof(struct fault_site)
				       : sizeof(fault->page->sites));
	fault->page->recording = 0;
	fault->page->failed = 0;
	fault->recording = false;
	fault->name[0] = 0;
	printf("live %ld\n", (long)fault->page->live);
	printf("off\n");
}

static void say_site(unsigned long nth, const struct fault_site *site)
{
	printf("alloc %lu", nth);
	for (int i = 0; i < FAULT_FRAMES_MAX && site->frames[i] != 0; i++) {
		printf(" %lx", (unsigned long)site->frames[i]);
	}
	printf("\n");
}

/* Until the program has ended, and all that uses its filter. */
static void serve(struct fault *fault)
{
	struct pollfd fds[3] = {{.fd = fault->listener, .events = POLLIN},
				{.fd = STDIN_FILENO, .events = POLLIN},
				{.fd = fault->pidfd, .events = POLLIN}};
	int wait_ms = -1;

	while (poll(fds, 3, wait_ms) > 0) {
		if (fds[0].revents & POLLIN) {
			(void)take_call(fault);
		} else if (fds[0].revents != 0) {
			return; /* nobody uses the filter any more */
		}
		if (fds[1].revents != 0 && !read_commands(fault)) {
			kill(fault->child, SIGKILL);
			fds[1].fd = -1;
		}
		if (fds[2].revents != 0) {
			fds[2].fd = -1;
			wait_ms = END_PATIENCE_MS;
		}
	}
}

/* False at the end of the input. */
static bool read_commands(struct fault *fault)
{
	ssize_t len = read(STDIN_FILENO, fault->line + fault->line_fill,
			   sizeof(fault->line) - 1 - fault->line_fill);
	char *end;

	if (len <= 0) {
		return false;
	}
	fault->line_fill += (size_t)len;
	fault->line[fault->line_fill] = 0;
	while ((end = strchr(fault->line, '\n')) != NULL) {
		*end = 0;
		if (!obey(fault, fault->line)) {
			printf("cannot understand %s\n", fault->line);
		}
		fault->line_fill -= (size_t)(end + 1 - fault->line);
		memmove(fault->line, end + 1, fault->line_fill + 1);
	}
	return true;
}

/* One call that waits for an answer. The one who made it may have been killed meanwhile. */
static bool take_call(struct fault *fault)
{
	struct seccomp_notif req = {0};
	struct seccomp_notif_resp resp = {0};

	if (ioctl(fault->listener, SECCOMP_IOCTL_NOTIF_RECV, &req) < 0) {
		return false;
	}
	resp.id = req.id;
	resp.error = -judge(fault, &req);
	resp.flags = resp.error == 0 ? SECCOMP_USER_NOTIF_FLAG_CONTINUE : 0;
	return ioctl(fault->listener, SECCOMP_IOCTL_NOTIF_SEND, &resp) == 0;
}

/* The errno that the call is to fail with, or 0. */
static int judge(struct fault *fault, const struct seccomp_notif *req)
{
	char name[FAULT_NAME_MAX];
	unsigned long n;
	bool fails;

	if (req->data.nr == SYS_prctl && (int)req->data.args[0] == FAULT_MARK) {
		fault->marked = true;
		say_maps(fault->child);
		return 0;
	}
	if (!fault->marked || (!fault->recording && fault->name[0] == 0 && fault->kill[0] == 0)) {
		return 0;
	}
	fault_call_name(req, name);
	if (strcmp(name, fault->kill) == 0) {
		kill(fault->child, SIGKILL);
		(void)obey(fault, fault->next);
		return EINTR; /* nobody is there to see it */
	}
	if (fault->kill[0] != 0) {
		return 0;
	}
	n = count_call(fault, name);
	fails = n == fault->nth && strcmp(name, fault->name) == 0;
	if (fails || fault->recording) {
		say_call(fails ? "failed" : "call", name, n, req);
	}
	return fails ? fault->error : 0;
}

static void say_maps(pid_t pid)
{
	char path[64], line[512];
	FILE *maps;

	snprintf(path, sizeof(path), "/proc/%d/maps", pid);
	maps = fopen(path, "re");
	while (maps && fgets(line, sizeof(line), maps)) {
		if (strstr(line, " r-xp ")) {
			printf("map %s", line);
		}
	}
	if (maps) {
		fclose(maps);
	}
}

static void say_call(const char *word, const char *name, unsigned long n,
		     const struct seccomp_notif *req)
{
	static struct fault_word words[FAULT_WORDS_MAX];
	int count = fault_call_frames(req, words, FAULT_WORDS_MAX);
	char what[FAULT_WHAT_MAX];

	fault_call_what(req, what);
	printf("%s %s %lu", word, name, n);
	for (int i = 0; i < count; i++) {
		printf("%c%lx@%lx", i == 0 ? ' ' : ',', words[i].at, words[i].offset);
	}
	printf(" %s\n", what);
}

/* How many of that name there were with this one. */
static unsigned long count_call(struct fault *fault, const char *name)
{
	uint32_t i = 0;

	while (i < fault->count_fill && strcmp(fault->counts[i].name, name) != 0) {
		i++;
	}
	if (i == NAMES_MAX) {
		return 0;
	}
	if (i == fault->count_fill) {
		fault->count_fill++;
		strcpy(fault->counts[i].name, name);
		fault->counts[i].n = 0;
	}
	return ++fault->counts[i].n;
}

static void say_end(struct fault *fault)
{
	int status = 0;

	waitpid(fault->child, &status, 0);
	kill_children();
	if (fault->page && (fault->recording || fault->page->failed)) {
		off(fault);
	}
	printf("end %d\n", WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status));
}

/* What has outlived the program became ours. */
static void kill_children(void)
{
	char path[64];
	int pid;
	FILE *children;

	snprintf(path, sizeof(path), "/proc/self/task/%d/children", getpid());
	children = fopen(path, "re");
	while (children && fscanf(children, "%d", &pid) == 1) {
		if (!has_ended(pid)) {
			printf("left %d\n", pid);
			kill(pid, SIGKILL);
			waitpid(pid, NULL, 0);
		}
	}
	if (children) {
		fclose(children);
	}
}

/* A filter is not used any more a moment before its process has ended. */
static bool has_ended(pid_t pid)
{
	for (int i = 0; i < ENDING_MS; i++) {
		if (waitpid(pid, NULL, WNOHANG) != 0) {
			return true;
		}
		usleep(1000);
	}
	return false;
}
