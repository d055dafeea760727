/* top_link.c - see top_link.h.
 *
 * Both requests are sent at once, and answered one after the other. A daemon that does not answer
 * in time, ends the connection or refuses is asked again over another, when the caller wishes.
 */
#include "src/ctl/top_link.h"

#include <errno.h>
#include <jansson.h>
#include <stdlib.h>

#include "src/base/clock.h"
#include "src/ctl/table.h"

#define CONNECT_NS_MAX NS_PER_S /* the keys wait for it */

static int send_request(struct top_link *link, json_t *request, struct err *err);
static int take_result(struct top_link *link, json_t **out, struct err *err);

int top_link_ask(struct top_link *link, const struct top_view *view, uint64_t now_ns,
		 struct err *err)
{
	uint64_t connect_ns = link->timeout_ns < CONNECT_NS_MAX ? link->timeout_ns : CONNECT_NS_MAX;
	int rc = link->open ? 0 : client_open(link->path, connect_ns, &link->client, err);

	if (rc < 0) {
		return rc;
	}
	link->open = true;
	rc = send_request(link, top_view_request(NULL), err);
	if (rc == 0 && view->subject) {
		rc = send_request(link, top_view_request(view), err);
	}
	if (rc < 0) {
		top_link_close(link);
		return rc;
	}
	link->asked = view;
	link->until_ns = now_ns + link->timeout_ns;
	return 0;
}

int top_link_take(struct top_link *link, uint64_t now_ns, json_t **stats, json_t **rows,
		  struct err *err)
{
	json_t *result = NULL;
	int rc = link->stats ? 0 : take_result(link, &link->stats, err);

	if (rc == 0 && link->asked->subject) {
		rc = take_result(link, &result, err);
	}
	if (rc == -EAGAIN && now_ns >= link->until_ns) {
		err_set(err, "no answer from the daemon in time; see its log, and --timeout");
		rc = -ETIMEDOUT;
	}
	if (rc == 0) {
		*stats = link->stats;
		*rows = result;
		link->stats = NULL;
		link->asked = NULL;
	} else if (rc != -EAGAIN) {
		top_link_close(link);
	}
	return rc;
}

int top_link_fd(const struct top_link *link)
{
	return link->asked ? link->client.fd : -1;
}

void top_link_close(struct top_link *link)
{
	if (link->open) {
		client_close(&link->client);
	}
	json_decref(link->stats);
	link->stats = NULL;
	link->asked = NULL;
	link->open = false;
}

static int send_request(struct top_link *link, json_t *request, struct err *err)
{
	int rc;

	if (!request) {
		err_set(err, "out of memory; free some");
		return -ENOMEM;
	}
	rc = client_send(&link->client, request, err);
	json_decref(request);
	return rc;
}

static int take_result(struct top_link *link, json_t **out, struct err *err)
{
	json_t *answer = NULL;
	int rc = client_take(&link->client, &answer, err);
	char *why;

	if (rc < 0) {
		return rc;
	}
	*out = json_incref(json_object_get(answer, "result"));
	if (!json_is_true(json_object_get(answer, "ok")) || !json_is_object(*out)) {
		why = table_cell(answer, "error.text");
		err_set(err, "the daemon refuses: %s", why ? why : "");
		free(why);
		json_decref(*out);
		*out = NULL;
		rc = -EPERM;
	}
	json_decref(answer);
	return rc;
}
