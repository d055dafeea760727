/* host_rig.h - a made-up host for the parts of --check-host.
 *
 * rig_host reads options, plans seven shards (unless --shards or --cpus says otherwise) for a
 * made-up machine of two sockets of four cores, and makes an empty tree for /proc and /sys; every
 * interface that a rule names exists there, is up, has an address and all offloads. The test then
 * changes what it is about and lets one part look.
 */
#pragma once

#include <check.h>

#include "src/host/host.h"

struct host_rig {
	struct opt opt;
	struct setup setup;
	struct host_facts facts;
	struct host host;
	char root[64];
};

extern struct host_rig rig;

/* Arguments as on the command line. */
#define rig_host(...) rig_host_of((const char *const[]){__VA_ARGS__, NULL})
void rig_host_of(const char *const *args);

/* For checked fixtures: removes the tree and frees all. */
void rig_end(void);

/* Writes a file below the tree, its directories too. */
void rig_file(const char *path, const char *format, ...) __attribute__((format(printf, 2, 3)));

void rig_link(const char *path, const char *target);

/* An interface of the rules, to be changed. */
struct host_iface *rig_iface(const char *name);

/* Its node, in the plan's view and the check's; plans anew. */
void rig_place(const char *name, int node_os);

/* How the kernel routes to a source: by the interface, or not at all (NULL). */
void rig_route(const char *source, const char *ifname);

/* Lets a part look, after forgetting what was found before. */
void rig_look(void (*part)(struct host *host));

/* The finding with this id and subject (NULL: none); fails the test when there is none. */
const struct finding *rig_find(const char *id, const char *subject);

/* Its level must be `level'; and its cure `cure' (NULL: none). */
void rig_expect(const char *id, const char *subject, enum finding_level level, const char *cure);

/* Its value must contain `words'. */
void rig_expect_value(const char *id, const char *subject, const char *words);

bool rig_has(const char *id, const char *subject);

/* A suite of these tests, each on a host of its own; the program's exit status. */
int rig_run(const char *name, const TTest *const *tests, size_t count);
