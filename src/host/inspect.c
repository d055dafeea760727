/* inspect.c - the order of an inspection. See inspect.h; no step of a datagram runs here.
 *
 * From the host as a whole to single interfaces and flows; each part adds its findings whatever
 * the ones before have found.
 */
#include "src/host/inspect.h"

#include <errno.h>
#include <string.h>

#include "src/base/log.h"
#include "src/host/host.h"
#include "src/host/facts.h"
#include "src/host/print.h"

static void (*const parts[])(struct check *check) = {
	check_kernel,     check_uring,    check_limits, check_buffers,  check_memory,
	check_cpu,        check_links,    check_nics,   check_offloads, check_rp_filter,
	check_membership, check_firewall, check_cloud,
};

static int check_host_inspect(struct check *check, FILE *out)
{
	for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
		parts[i](check);
	}
	if (check->out_of_memory) {
		return -ENOMEM;
	}
	return check->setup->opt->json ? check_print_json(check, out)
				       : check_print_text(check, out);
}

int check_host_run(const struct setup *setup, FILE *out)
{
	struct check_facts facts = {0};
	struct check check = {.setup = setup, .facts = &facts, .root = ""};
	bool failed = true;
	int rc;

	if (!setup->topo.this_machine) {
		log_error("--check-host looks at this host, --topology describes another; leave "
			  "one of them out");
		return 2;
	}
	rc = check_facts_gather(setup, &facts);
	if (rc == 0) {
		rc = check_host_inspect(&check, out);
		failed = check_count(&check, CHECK_FAIL) > 0;
	}
	if (rc < 0) {
		log_error("--check-host: cannot say what was found: %s", strerror(-rc));
		failed = true;
	}
	check_free(&check);
	check_facts_free(&facts);
	return failed ? 1 : 0;
}
