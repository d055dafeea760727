/* inspect.c - the order of an inspection. See inspect.h.
 *
 * From the host as a whole to single interfaces and flows; each part adds its findings whatever
 * the ones before have found.
 */
#include "src/host/inspect.h"

#include <errno.h>
#include <string.h>

#include "src/base/json_reserve.h"
#include "src/base/log.h"
#include "src/host/host.h"
#include "src/host/facts.h"
#include "src/host/print.h"

static void (*const parts[])(struct host *host) = {
	host_kernel,    host_uring,  host_fastpath,   host_limits,   host_group, host_buffers,
	host_memory,    host_cpu,    host_links,      host_paths,    host_nics,  host_offloads,
	host_rp_filter, host_losses, host_membership, host_firewall, host_cloud, host_names,
};

static int check_host_inspect(struct host *host, FILE *out);

int host_inspect(const struct setup *setup, FILE *out)
{
	struct host_facts facts = {0};
	struct host host = {.setup = setup, .facts = &facts, .root = ""};
	bool failed = true;
	int rc;

	if (!setup->topo.this_machine) {
		log_error("--check-host looks at this host, --topology describes another; leave "
			  "one of them out");
		return 2;
	}
	json_reserve_init();
	json_reserve_begin();
	rc = host_facts_gather(setup, &facts);
	if (rc == 0) {
		rc = check_host_inspect(&host, out);
		failed = host_count(&host, FINDING_FAIL) > 0;
	}
	if (rc < 0) {
		log_error("--check-host: cannot say what was found: %s", strerror(-rc));
		failed = true;
	}
	host_free(&host);
	host_facts_free(&facts);
	return failed ? 1 : 0;
}

static int check_host_inspect(struct host *host, FILE *out)
{
	for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
		parts[i](host);
	}
	if (host->out_of_memory || json_reserve_was_short()) {
		return -ENOMEM;
	}
	return host->setup->opt->json ? host_print_json(host, out) : host_print_text(host, out);
}
