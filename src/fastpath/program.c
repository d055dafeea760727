/* program.c - loads the program by libbpf, and reads and writes its maps. See program.h.
 *
 * The object file is a part of this program, as bytes in a source that the build makes of
 * fast.bpf.c, so nothing is looked for at run time. What libbpf and the kernel's verifier have to
 * say is kept and becomes the cause in the error. Control thread.
 */
#include "src/fastpath/program.h"

#include <assert.h>
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "src/base/clock.h"
#include "src/base/must.h"
#include "src/fastpath/abi.h"

#define COUNT_WORDS_MAX (sizeof(struct fast_output_counts) / sizeof(uint64_t))

/* The kernel copies what it is asked with, and may lack memory for that once; a flow that cannot be
 * taken out of force would be relayed by a way that is another flow's next. */
#define TRIES 3

static_assert(sizeof(struct fast_image_cell) <= sizeof(struct fast_output_counts),
	      "room for the one is room for the other");

static const char *const map_names[] = {
	[PROGRAM_KEYS] = "keys",
	[PROGRAM_WAYS] = "ways",
	[PROGRAM_IMAGES] = "images",
	[PROGRAM_OUTPUTS] = "outputs",
	[PROGRAM_IMAGE_COUNTS] = "image_counts",
	[PROGRAM_OUTPUT_COUNTS] = "output_counts",
	[PROGRAM_CONTROL] = "control",
};

static_assert(sizeof(map_names) / sizeof(map_names[0]) == PROGRAM_MAPS, "a name for each");

extern const unsigned char fast_object[];
extern const size_t fast_object_bytes;

static struct err said; /* the last complaint of libbpf or the kernel; control thread only */

static int load(const struct program_sizes *sizes, struct program *p);
static int size_maps(const struct program_sizes *sizes, struct program *p);
static int find_maps(struct program *p);
static int make_outer(struct program *p);
static int listen_to(enum libbpf_print_level level, const char *format, va_list args);
static void explain(int rc, struct err *err);

bool program_is_built(void)
{
	return true;
}

int program_load(const struct program_sizes *sizes, struct program *out, struct err *err)
{
	struct program p = {.fd = -1, .outer = -1};
	int rc;

	(void)libbpf_set_print(listen_to); /* for good: nobody else is to write to our log */
	said.text[0] = '\0';
	rc = load(sizes, &p);
	if (rc < 0) {
		explain(rc, err);
		program_unload(&p);
		return rc;
	}
	*out = p;
	return 0;
}

void program_unload(struct program *program)
{
	if (program->object) {
		bpf_object__close(program->object);
		free(program->counts);
		if (program->outer > 0) {
			close(program->outer);
		}
	}
	*program = (struct program){0};
}

int program_put(const struct program *program, enum program_map map, const void *key,
		const void *value)
{
	int rc = -EAGAIN;

	for (int i = 0; i < TRIES && rc < 0; i++) {
		rc = bpf_map_update_elem(program->maps[map], key, value, BPF_ANY) < 0 ? -errno : 0;
	}
	return rc;
}

int program_remove(const struct program *program, const void *key)
{
	int rc = -EAGAIN;

	for (int i = 0; i < TRIES && rc < 0 && rc != -ENOENT; i++) {
		rc = bpf_map_delete_elem(program->maps[PROGRAM_KEYS], key) < 0 ? -errno : 0;
	}
	return rc;
}

int program_get(const struct program *program, enum program_map map, uint32_t number, void *out)
{
	int rc = -EAGAIN;

	for (int i = 0; i < TRIES && rc < 0 && rc != -ENOENT; i++) {
		rc = bpf_map_lookup_elem(program->maps[map], &number, out) < 0 ? -errno : 0;
	}
	return rc;
}

int program_sum(const struct program *program, enum program_map map, uint32_t number, uint64_t *out,
		uint32_t words)
{
	const uint64_t *counts = program->counts;
	int rc = program_get(program, map, number, program->counts);

	must(words <= COUNT_WORDS_MAX);
	memset(out, 0, words * sizeof(*out));
	if (rc < 0) {
		return rc;
	}
	for (uint32_t cpu = 0; cpu < program->cpus; cpu++) {
		for (uint32_t i = 0; i < words; i++) {
			out[i] += counts[cpu * words + i];
		}
	}
	return 0;
}

int program_clear(const struct program *program, enum program_map map, uint32_t number)
{
	memset(program->counts, 0, program->cpus * COUNT_WORDS_MAX * sizeof(uint64_t));
	return program_put(program, map, &number, program->counts);
}

/* A change of a map of maps returns after a grace period of the kernel's, by promise, so that who
 * made it knows that all programs that could be running use the new value. Before 5.19 it may be
 * refused once the capabilities are gone: no run of a program takes as long as what comes then. */
void program_wait(const struct program *program)
{
	const struct timespec long_enough = {.tv_nsec = 100 * (long)NS_PER_MS};
	uint32_t zero = 0;

	if (bpf_map_update_elem(program->outer, &zero, &program->maps[PROGRAM_CONTROL], BPF_ANY) <
	    0) {
		(void)nanosleep(&long_enough, NULL);
	}
}

static int load(const struct program_sizes *sizes, struct program *p)
{
	struct bpf_object_open_opts options = {.sz = sizeof(options), .object_name = "numacast"};
	struct bpf_program *program;
	int rc;

	p->object = bpf_object__open_mem(fast_object, fast_object_bytes, &options);
	if (!p->object) {
		return -errno;
	}
	program = bpf_object__find_program_by_name(p->object, "fast_ingress");
	must(program);
	rc = size_maps(sizes, p);
	if (rc == 0) {
		rc = bpf_object__load(p->object);
	}
	if (rc < 0) {
		return rc;
	}
	p->fd = bpf_program__fd(program);
	p->cpus = (uint32_t)libbpf_num_possible_cpus();
	p->counts = calloc(p->cpus, COUNT_WORDS_MAX * sizeof(uint64_t));
	return p->counts ? find_maps(p) : -ENOMEM;
}

static int size_maps(const struct program_sizes *sizes, struct program *p)
{
	const uint32_t entries[] = {
		[PROGRAM_KEYS] = sizes->ways,
		[PROGRAM_WAYS] = sizes->ways,
		[PROGRAM_IMAGES] = sizes->images,
		[PROGRAM_OUTPUTS] = sizes->outputs,
		[PROGRAM_IMAGE_COUNTS] = sizes->images,
		[PROGRAM_OUTPUT_COUNTS] = sizes->outputs,
		[PROGRAM_CONTROL] = 1,
	};
	int rc = 0;

	for (int m = 0; m < PROGRAM_MAPS && rc == 0; m++) {
		struct bpf_map *map = bpf_object__find_map_by_name(p->object, map_names[m]);

		must(map);
		rc = bpf_map__set_max_entries(map, entries[m]);
	}
	return rc;
}

static int find_maps(struct program *p)
{
	for (int m = 0; m < PROGRAM_MAPS; m++) {
		p->maps[m] = bpf_object__find_map_fd_by_name(p->object, map_names[m]);
		must(p->maps[m] >= 0);
	}
	return make_outer(p);
}

static int make_outer(struct program *p)
{
	struct bpf_map_create_opts options = {.sz = sizeof(options),
					      .inner_map_fd = (uint32_t)p->maps[PROGRAM_CONTROL]};

	p->outer = bpf_map_create(BPF_MAP_TYPE_ARRAY_OF_MAPS, "numacast_outer", sizeof(uint32_t),
				  sizeof(uint32_t), 1, &options);
	return p->outer < 0 ? -errno : 0;
}

/* What comes last is the cause most of the time; the first line of it. */
static int listen_to(enum libbpf_print_level level, const char *format, va_list args)
{
	char line[sizeof(said.text)];

	if (level != LIBBPF_DEBUG && said.text[0] == '\0') {
		vsnprintf(line, sizeof(line), format, args);
		line[strcspn(line, "\n")] = '\0';
		err_set(&said, "%s", line);
	}
	return 0;
}

static void explain(int rc, struct err *err)
{
	if (rc == -EPERM || rc == -EACCES) {
		err_set(err,
			"the kernel refuses bpf(): %s; expected CAP_BPF and CAP_NET_ADMIN, and for "
			"older kernels CAP_PERFMON, at the start (root has them; for the service "
			"install the drop-in of etc/systemd/), and no filter of system calls "
			"against it",
			strerror(-rc));
		return;
	}
	err_set(err, "the program cannot be loaded: %s%s%s%s", strerror(-rc),
		said.text[0] ? " (" : "", said.text, said.text[0] ? ")" : "");
}
