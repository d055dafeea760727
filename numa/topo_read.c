/* topo_read.c - copies what hwloc knows of a machine into plain arrays (steps 1 and 2).
 *
 * The whole machine is read, CPUs that we may not use included, so that pictures show it whole;
 * `allowed' says what may be used: the cgroup's set and, on this machine, the affinity mask. What
 * only the mask leaves out, as isolcpus= and CPUAffinity= do, is `nameable': the kernel lets a
 * thread move there by itself, so the operator may ask for it.
 *
 * How a CPU's memory node is chosen. hwloc may report none, one or several nodes around a CPU, so
 * each node whose CPU set contains the CPU is a candidate if it has memory and is allowed. Plain
 * memory goes before special memory (HBM, CXL, NVM, GPU: a relay's buffers want low latency and
 * must not eat a resource others bought), then the node with fewer CPUs (the closer one), then
 * the lower number, which is the kernel's own default where DRAM and HBM are equally close, since
 * firmware numbers the nodes with CPUs first. Without a candidate the nearest usable node by the
 * firmware's distance table is taken, again plain memory first; without a table the only usable
 * node if there is exactly one; otherwise the node is unknown.
 *
 * hwloc is asked for devices only with a foreign XML file: on this machine sysfs knows more
 * (numa/nic.c). An interface in an XML file is placed by the node that holds all CPUs of the
 * object it hangs below; one that hangs below several nodes is unknown.
 */
#include "numa/topo_read.h"

#include <errno.h>
#include <hwloc.h>
#include <hwloc/cpukinds.h>
#include <hwloc/distances.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "numa/topo_open.h"

struct loader {
	hwloc_topology_t hw;
	hwloc_bitmap_t cpus;  /* allowed */
	hwloc_bitmap_t named; /* by the cgroup */
	hwloc_bitmap_t nodes; /* allowed */
	hwloc_obj_type_t llc; /* type of the last-level cache */
	int llc_depth;        /* negative: no cache known */
	struct topo topo;
};

static int find_allowed(struct loader *ld);
static int copy_nodes(struct loader *ld);
static void copy_node(struct loader *ld, hwloc_obj_t obj, struct topo_node *node);
static void classify_memory(hwloc_obj_t obj, struct topo_node *node);
static int copy_distances(struct loader *ld);
static void copy_distance_matrix(struct topo *topo, const struct hwloc_distances_s *matrix);
static int copy_caches(struct loader *ld);
static int copy_cpus(struct loader *ld);
static void copy_cpu(struct loader *ld, hwloc_obj_t pu, struct topo_cpu *cpu, int *threads);
static int cpu_efficiency(const struct loader *ld, hwloc_obj_t pu);
static int copy_xml_nics(struct loader *ld);
static bool name_is_plain(const char *name);
static void copy_xml_nic(struct loader *ld, hwloc_obj_t obj, struct topo_nic *nic);
static int holder_node(const struct loader *ld, hwloc_obj_t holder);
static bool spans_nodes(const struct loader *ld, hwloc_obj_t holder);
static const struct topo_node *local_node(const struct loader *ld, hwloc_const_cpuset_t cpus,
					  bool usable);
static int compare_nic(const void *a, const void *b);

int topo_read(const char *spec, struct topo *out, struct err *err)
{
	struct loader ld = {
		.topo.pool = {{TOPO_UNKNOWN, TOPO_UNKNOWN}, {TOPO_UNKNOWN, TOPO_UNKNOWN}}};
	int rc;

	rc = topo_open(spec, &ld.hw, &ld.topo, err);
	if (rc == 0) {
		rc = find_allowed(&ld);
		rc = rc ? rc : copy_nodes(&ld);
		rc = rc ? rc : copy_distances(&ld);
		rc = rc ? rc : copy_caches(&ld);
		rc = rc ? rc : copy_cpus(&ld);
		if (rc == 0 && !ld.topo.this_machine) {
			rc = copy_xml_nics(&ld);
		}
		if (rc == -ENODATA) {
			err_set(err, "%s: it has no CPU; expected at least one", ld.topo.source);
			rc = -EINVAL;
		} else if (rc != 0) {
			err_set(err, "cannot read the topology: %s", strerror(-rc));
		}
	}
	hwloc_bitmap_free(ld.cpus);
	hwloc_bitmap_free(ld.named);
	hwloc_bitmap_free(ld.nodes);
	if (ld.hw) {
		hwloc_topology_destroy(ld.hw);
	}
	if (rc != 0) {
		topo_free(&ld.topo);
		return rc;
	}
	*out = ld.topo;
	return 0;
}

static int find_allowed(struct loader *ld)
{
	hwloc_bitmap_t bound;

	ld->cpus = hwloc_bitmap_dup(hwloc_topology_get_allowed_cpuset(ld->hw));
	ld->named = hwloc_bitmap_dup(ld->cpus);
	ld->nodes = hwloc_bitmap_dup(hwloc_topology_get_allowed_nodeset(ld->hw));
	if (!ld->cpus || !ld->named || !ld->nodes) {
		return -ENOMEM;
	}
	if (!ld->topo.this_machine) {
		return 0;
	}
	bound = hwloc_bitmap_alloc();
	if (!bound) {
		return -ENOMEM;
	}
	errno = 0;
	if (hwloc_get_cpubind(ld->hw, bound, HWLOC_CPUBIND_THREAD) != 0) {
		hwloc_bitmap_free(bound);
		return errno != 0 ? -errno : -EIO; /* else it would run where it may not */
	}
	hwloc_bitmap_and(ld->cpus, ld->cpus, bound);
	hwloc_bitmap_free(bound);
	return 0;
}

static int copy_nodes(struct loader *ld)
{
	int count = hwloc_get_nbobjs_by_type(ld->hw, HWLOC_OBJ_NUMANODE);
	hwloc_const_bitmap_t all = hwloc_topology_get_topology_nodeset(ld->hw);
	struct topo *topo = &ld->topo;
	unsigned id;

	topo->nodes = calloc(count > 0 ? (size_t)count : 1, sizeof(topo->nodes[0]));
	if (!topo->nodes) {
		return -ENOMEM;
	}
	hwloc_bitmap_foreach_begin(id, all)
	{
		hwloc_obj_t obj = hwloc_get_numanode_obj_by_os_index(ld->hw, id);

		if (obj && topo->node_count < (uint32_t)count) {
			copy_node(ld, obj, &topo->nodes[topo->node_count++]);
		}
	}
	hwloc_bitmap_foreach_end();
	if (topo->this_machine && topo->node_count == 1 && topo->nodes[0].memory_bytes == 0) {
		/* Nobody says; but that it has some is certain. */
		topo->nodes[0].memory_bytes =
			(uint64_t)sysconf(_SC_PHYS_PAGES) * (uint64_t)sysconf(_SC_PAGESIZE);
	}
	return 0;
}

static void copy_node(struct loader *ld, hwloc_obj_t obj, struct topo_node *node)
{
	hwloc_obj_t package = hwloc_get_ancestor_obj_by_type(ld->hw, HWLOC_OBJ_PACKAGE, obj);

	node->node_os = (int)obj->os_index;
	node->package_os = package ? (int)package->os_index : TOPO_UNKNOWN;
	node->memory_bytes = obj->attr->numanode.local_memory;
	node->allowed = hwloc_bitmap_isset(ld->nodes, obj->os_index);
	node->huge_2m_total = TOPO_UNKNOWN;
	node->huge_2m_free = TOPO_UNKNOWN;
	node->huge_1g_total = TOPO_UNKNOWN;
	node->huge_1g_free = TOPO_UNKNOWN;
	classify_memory(obj, node);
}

/* hwloc and the kernel have several words for memory that is not plain DRAM. */
static void classify_memory(hwloc_obj_t obj, struct topo_node *node)
{
	const char *dax = hwloc_obj_get_info_by_name(obj, "DAXDevice");
	const char *kind = obj->subtype ? obj->subtype : (dax ? "DAX" : "");

	snprintf(node->kind, sizeof(node->kind), "%s", kind);
	node->special = kind[0] != '\0' && strcmp(kind, "DRAM") != 0;
}

static int copy_distances(struct loader *ld)
{
	struct hwloc_distances_s *matrix = NULL;
	struct topo *topo = &ld->topo;
	unsigned count = 1;

	if (hwloc_distances_get_by_type(ld->hw, HWLOC_OBJ_NUMANODE, &count, &matrix,
					HWLOC_DISTANCES_KIND_MEANS_LATENCY, 0) != 0 ||
	    count == 0) {
		return 0;
	}
	topo->distances =
		calloc((size_t)topo->node_count * topo->node_count, sizeof(topo->distances[0]));
	if (topo->distances) {
		copy_distance_matrix(topo, matrix);
	}
	hwloc_distances_release(ld->hw, matrix);
	return topo->distances ? 0 : -ENOMEM;
}

static void copy_distance_matrix(struct topo *topo, const struct hwloc_distances_s *matrix)
{
	for (unsigned i = 0; i < matrix->nbobjs; i++) {
		for (unsigned j = 0; j < matrix->nbobjs; j++) {
			const struct topo_node *from =
				topo_find_node(topo, (int)matrix->objs[i]->os_index);
			const struct topo_node *to =
				topo_find_node(topo, (int)matrix->objs[j]->os_index);

			if (from && to) {
				size_t at = (size_t)(from - topo->nodes) * topo->node_count +
					    (size_t)(to - topo->nodes);

				topo->distances[at] =
					(uint32_t)matrix->values[(size_t)i * matrix->nbobjs + j];
			}
		}
	}
}

static int copy_caches(struct loader *ld)
{
	struct topo *topo = &ld->topo;
	int count;

	ld->llc = HWLOC_OBJ_L3CACHE;
	if (hwloc_get_nbobjs_by_type(ld->hw, ld->llc) <= 0) {
		ld->llc = HWLOC_OBJ_L2CACHE;
	}
	count = hwloc_get_nbobjs_by_type(ld->hw, ld->llc);
	if (count <= 0) {
		return 0;
	}
	topo->l3_bytes = calloc((size_t)count, sizeof(topo->l3_bytes[0]));
	if (!topo->l3_bytes) {
		return -ENOMEM;
	}
	topo->l3_count = (uint32_t)count;
	for (int i = 0; i < count; i++) {
		hwloc_obj_t obj = hwloc_get_obj_by_type(ld->hw, ld->llc, (unsigned)i);

		topo->l3_bytes[i] = obj ? obj->attr->cache.size : 0;
	}
	return 0;
}

static int copy_cpus(struct loader *ld)
{
	hwloc_const_bitmap_t all = hwloc_topology_get_topology_cpuset(ld->hw);
	int pus = hwloc_get_nbobjs_by_type(ld->hw, HWLOC_OBJ_PU);
	int cores = hwloc_get_nbobjs_by_type(ld->hw, HWLOC_OBJ_CORE);
	int packages = hwloc_get_nbobjs_by_type(ld->hw, HWLOC_OBJ_PACKAGE);
	int complete = hwloc_bitmap_weight(hwloc_topology_get_complete_cpuset(ld->hw));
	struct topo *topo = &ld->topo;
	int *threads;
	unsigned id;

	if (pus <= 0) {
		return -ENODATA;
	}
	topo->core_count = cores > 0 ? (uint32_t)cores : 0;
	topo->package_count = packages > 0 ? (uint32_t)packages : 0;
	topo->offline_count = complete > pus ? (uint32_t)(complete - pus) : 0;
	topo->cpus = calloc((size_t)pus, sizeof(topo->cpus[0]));
	threads = calloc((size_t)pus + topo->core_count, sizeof(*threads));
	if (!topo->cpus || !threads) {
		free(threads);
		return -ENOMEM;
	}
	hwloc_bitmap_foreach_begin(id, all)
	{
		hwloc_obj_t pu = hwloc_get_pu_obj_by_os_index(ld->hw, id);

		if (pu && topo->cpu_count < (uint32_t)pus) {
			copy_cpu(ld, pu, &topo->cpus[topo->cpu_count++], threads);
		}
	}
	hwloc_bitmap_foreach_end();
	free(threads);
	return 0;
}

/* `threads' counts the allowed hardware threads of each core seen so far. */
static void copy_cpu(struct loader *ld, hwloc_obj_t pu, struct topo_cpu *cpu, int *threads)
{
	hwloc_obj_t package = hwloc_get_ancestor_obj_by_type(ld->hw, HWLOC_OBJ_PACKAGE, pu);
	hwloc_obj_t core = hwloc_get_ancestor_obj_by_type(ld->hw, HWLOC_OBJ_CORE, pu);
	hwloc_obj_t llc = hwloc_get_ancestor_obj_by_type(ld->hw, ld->llc, pu);
	const struct topo_node *home = local_node(ld, pu->cpuset, false);
	const struct topo_node *memory = local_node(ld, pu->cpuset, true);

	cpu->cpu_os = (int)pu->os_index;
	cpu->core_idx = core ? (int)core->logical_index : (int)ld->topo.core_count++;
	cpu->package_os = package ? (int)package->os_index : TOPO_UNKNOWN;
	cpu->home_os = home ? home->node_os : TOPO_UNKNOWN;
	cpu->node_os = memory ? memory->node_os : topo_nearest_memory(&ld->topo, cpu->home_os);
	cpu->efficiency = cpu_efficiency(ld, pu);
	cpu->l3_idx = llc && ld->topo.l3_count > 0 ? (int)llc->logical_index : TOPO_UNKNOWN;
	cpu->allowed = hwloc_bitmap_isset(ld->cpus, pu->os_index);
	cpu->nameable = hwloc_bitmap_isset(ld->named, pu->os_index);
	cpu->smt_rank = cpu->allowed ? threads[cpu->core_idx]++ : TOPO_UNKNOWN;
	if (home && cpu->allowed) {
		ld->topo.nodes[home - ld->topo.nodes].cpu_count++;
	}
}

static int cpu_efficiency(const struct loader *ld, hwloc_obj_t pu)
{
	int efficiency = TOPO_UNKNOWN;
	int kind;

	if (hwloc_cpukinds_get_nr(ld->hw, 0) < 2) {
		return TOPO_UNKNOWN;
	}
	kind = hwloc_cpukinds_get_by_cpuset(ld->hw, pu->cpuset, 0);
	if (kind < 0 || hwloc_cpukinds_get_info(ld->hw, (unsigned)kind, NULL, &efficiency, NULL,
						NULL, 0) != 0) {
		return TOPO_UNKNOWN;
	}
	return efficiency;
}

static int copy_xml_nics(struct loader *ld)
{
	int count = hwloc_get_nbobjs_by_type(ld->hw, HWLOC_OBJ_OS_DEVICE);
	struct topo *topo = &ld->topo;
	hwloc_obj_t obj = NULL;

	if (count <= 0) {
		return 0;
	}
	topo->nics = calloc((size_t)count, sizeof(topo->nics[0]));
	if (!topo->nics) {
		return -ENOMEM;
	}
	while ((obj = hwloc_get_next_osdev(ld->hw, obj)) != NULL) {
		if (obj->attr->osdev.type == HWLOC_OBJ_OSDEV_NETWORK && obj->name &&
		    name_is_plain(obj->name)) {
			copy_xml_nic(ld, obj, &topo->nics[topo->nic_count++]);
		}
	}
	qsort(topo->nics, topo->nic_count, sizeof(topo->nics[0]), compare_nic);
	return 0;
}

/* An XML file may hold anything; we print names as they are, so only printable ones are taken. */
static bool name_is_plain(const char *name)
{
	size_t len = strlen(name);

	for (size_t i = 0; i < len; i++) {
		if (name[i] <= ' ' || name[i] > '~') {
			return false;
		}
	}
	return len > 0 && len < IF_NAMESIZE;
}

static void copy_xml_nic(struct loader *ld, hwloc_obj_t obj, struct topo_nic *nic)
{
	hwloc_obj_t holder = hwloc_get_non_io_ancestor_obj(ld->hw, obj);
	hwloc_obj_t pci = hwloc_get_ancestor_obj_by_type(ld->hw, HWLOC_OBJ_PCI_DEVICE, obj);

	snprintf(nic->name, sizeof(nic->name), "%s", obj->name);
	nic->node_os = holder_node(ld, holder);
	if (pci) {
		snprintf(nic->via, sizeof(nic->via), "pci %04x:%02x:%02x.%x",
			 pci->attr->pcidev.domain, pci->attr->pcidev.bus, pci->attr->pcidev.dev,
			 pci->attr->pcidev.func);
	} else {
		snprintf(nic->via, sizeof(nic->via), "topology file");
	}
}

/* The node that a device below `holder' is on, or TOPO_UNKNOWN. */
static int holder_node(const struct loader *ld, hwloc_obj_t holder)
{
	const struct topo_node *node;

	if (!holder || hwloc_bitmap_iszero(holder->cpuset) || spans_nodes(ld, holder)) {
		return TOPO_UNKNOWN;
	}
	node = local_node(ld, holder->cpuset, false);
	return node && (!node->special || ld->topo.node_count == 1) ? node->node_os : TOPO_UNKNOWN;
}

/* Whether `holder' reaches over several nodes with plain memory, each with a part of its CPUs. */
static bool spans_nodes(const struct loader *ld, hwloc_obj_t holder)
{
	for (uint32_t i = 0; i < ld->topo.node_count; i++) {
		const struct topo_node *node = &ld->topo.nodes[i];
		hwloc_obj_t obj =
			hwloc_get_numanode_obj_by_os_index(ld->hw, (unsigned)node->node_os);

		if (!node->special && hwloc_bitmap_isset(holder->nodeset, obj->os_index) &&
		    !hwloc_bitmap_iszero(obj->cpuset) &&
		    !hwloc_bitmap_isincluded(holder->cpuset, obj->cpuset)) {
			return true;
		}
	}
	return false;
}

/* The node that holds all of `cpus', the closest first; with `usable' only nodes that memory may
 * be taken from. NULL: none does. */
static const struct topo_node *local_node(const struct loader *ld, hwloc_const_cpuset_t cpus,
					  bool usable)
{
	const struct topo_node *best = NULL;
	int best_weight = 0;

	for (uint32_t i = 0; i < ld->topo.node_count; i++) {
		const struct topo_node *node = &ld->topo.nodes[i];
		hwloc_obj_t obj =
			hwloc_get_numanode_obj_by_os_index(ld->hw, (unsigned)node->node_os);
		int weight = hwloc_bitmap_weight(obj->cpuset);

		if ((usable && (!node->allowed || node->memory_bytes == 0)) ||
		    !hwloc_bitmap_isincluded(cpus, obj->cpuset)) {
			continue;
		}
		if (!best || (best->special && !node->special) ||
		    (best->special == node->special && weight < best_weight)) {
			best = node;
			best_weight = weight;
		}
	}
	return best;
}

static int compare_nic(const void *a, const void *b)
{
	return strcmp(((const struct topo_nic *)a)->name, ((const struct topo_nic *)b)->name);
}
