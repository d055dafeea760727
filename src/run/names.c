/* names.c - see names.h.
 *
 * An item lives as long as its question may be answered, also when its name has left the rules.
 * Addresses that come while a change is under way wait, and are applied together. What is refused,
 * because with that address the rules would make a circle, must not keep others from theirs, so
 * then each is tried by itself. An address that could not be had for want of something, as of
 * memory, is tried again after a while, as a lookup is. Where new names cannot be taken in, those
 * that are known stay as they were.
 */
#include "src/run/names.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "src/base/clock.h"
#include "src/base/must.h"
#include "src/run/supervisor.h"

#define TTL_MIN_S   1
#define TTL_MAX_S   300
#define TTL_NONE_S  10 /* what has none, as in the hosts file */
#define PAUSE_MAX_S 60 /* between two lookups that fail */
#define ASKED_MAX   32 /* at a time */

static int open_once(struct names *n, struct err *err);
static void take_in(struct names *n, struct names_item **items, uint32_t count);
static int collect(struct names *n, struct names_item ***out, uint32_t *count, struct err *err);
static bool add(struct names *n, struct names_item **items, uint32_t *count,
		const struct host_name *name);
static struct names_item *find(const struct names *n, const struct host_name *name);
static int compare(const void *left, const void *right);
static void forget_gone(struct names *n);
static void ask_what_is_due(struct names *n);
static void answered(void *context, const struct lookup_answer *answer);
static void take_failure(struct names_item *item, const char *why);
static uint64_t pause_ns(uint32_t failures);
static void take_address(struct names_item *item, const struct lookup_answer *answer);
static void forgive(struct names_item *item);
static void apply(struct names *n);
static bool is_new(const struct names_item *item);
static void applied(void *context, int rc, const struct err *text);
static void settle(struct names_item *item);
static void refuse(struct names *n, int rc, const struct err *text);
static void note_refusal(struct names_item *item, int rc, const struct err *text);

int names_look(struct names *n, struct err *err)
{
	struct names_item **items = NULL;
	uint32_t count = 0;
	int rc;

	if (n->known == n->sup->setup) {
		return 0;
	}
	rc = collect(n, &items, &count, err);
	if (rc == 0 && count > 0) {
		rc = open_once(n, err);
	}
	if (rc < 0) {
		for (uint32_t i = n->count; i < count; i++) {
			free(items[i]);
		}
		free(items);
		n->known = NULL; /* another setup may come to lie where that one was */
		return rc;
	}
	take_in(n, items, count);
	return 0;
}

void names_tick(struct names *n, uint64_t now_ns)
{
	n->now_ns = now_ns;
	if (!n->lookup) {
		return;
	}
	lookup_tick(n->lookup);
	forget_gone(n);
	ask_what_is_due(n);
	if (!reload_is_busy(&n->sup->reload)) {
		apply(n);
	}
}

int names_fd(const struct names *n)
{
	return n->lookup ? lookup_fd(n->lookup) : -1;
}

int names_sleep_ms(const struct names *n, int most_ms)
{
	uint64_t until_ns = n->now_ns + (uint64_t)most_ms * NS_PER_MS;

	if (!n->lookup) {
		return most_ms;
	}
	for (uint32_t i = 0; i < n->count; i++) {
		const struct names_item *item = n->items[i];

		if (!item->asked && !item->gone && item->next_ns < until_ns) {
			until_ns = item->next_ns;
		}
	}
	most_ms = until_ns > n->now_ns ? (int)((until_ns - n->now_ns) / NS_PER_MS) + 1 : 1;
	return lookup_wait_ms(n->lookup, most_ms);
}

int names_fill(const struct names *n, struct conf *conf, struct err *err)
{
	bool filled = false;

	for (uint32_t i = 0; i < conf->output_count && n->count > 0; i++) {
		struct endpoint *to = &conf->outputs[i].to;
		const struct names_item *item = to->name ? find(n, to->name) : NULL;
		uint16_t port = to->addr.port;

		if (item && (item->trying || item->in_force.family != 0)) {
			to->addr = item->trying ? item->found : item->in_force;
			to->addr.port = port;
			filled = true;
		}
	}
	return filled ? conf_rename(conf, NULL, 0, err) : 0;
}

const char *names_amiss(const struct names *n, const struct host_name *name)
{
	const struct names_item *item = find(n, name);

	if (item && item->why.text[0] != '\0') {
		return item->why.text;
	}
	return item && item->in_force.family != 0 ? NULL : "its name is being looked up";
}

void names_close(struct names *n)
{
	lookup_close(n->lookup);
	for (uint32_t i = 0; i < n->count; i++) {
		free(n->items[i]);
	}
	free(n->items);
	*n = (struct names){0};
}

static int open_once(struct names *n, struct err *err)
{
	struct err cause;
	int rc = n->lookup ? 0 : lookup_open(&n->lookup, &cause);

	if (rc < 0) {
		err_set(err,
			"names of hosts cannot be looked up, and what goes there is pending: %s",
			cause.text);
	}
	return rc;
}

/* Nothing can go wrong any more. */
static void take_in(struct names *n, struct names_item **items, uint32_t count)
{
	for (uint32_t i = 0; i < count; i++) {
		items[i]->gone = !items[i]->listed;
	}
	qsort(items, count, sizeof(struct names_item *), compare);
	free(n->items);
	n->items = items;
	n->count = count;
	n->known = n->sup->setup;
}

/* First those that are known, then what the rules have beside them. With -ENOMEM and `err' there
 * are `*count' of them all the same, or none and no list. */
static int collect(struct names *n, struct names_item ***out, uint32_t *count, struct err *err)
{
	const struct conf *conf = &n->sup->setup->opt->conf;
	struct names_item **items =
		calloc(conf->output_count + n->count + 1UL, sizeof(struct names_item *));
	bool whole = items != NULL;

	for (uint32_t i = 0; i < n->count && whole; i++) {
		n->items[i]->listed = false;
		items[(*count)++] = n->items[i];
	}
	for (uint32_t i = 0; i < conf->output_count && whole; i++) {
		const struct host_name *name = conf->outputs[i].to.name;

		/* Those of a range stand together. */
		if (name && (i == 0 || conf->outputs[i - 1].to.name != name)) {
			whole = add(n, items, count, name);
		}
	}
	*out = items;
	if (!whole) {
		err_set(err, "names of hosts: out of memory; what the last change brought is not "
			     "looked up");
	}
	return whole ? 0 : -ENOMEM;
}

static bool add(struct names *n, struct names_item **items, uint32_t *count,
		const struct host_name *name)
{
	struct names_item *item = find(n, name);

	for (uint32_t i = n->count; i < *count && !item; i++) {
		item = items[i]->name == name ? items[i] : NULL;
	}
	if (!item) {
		item = calloc(1, sizeof(*item));
		if (!item) {
			return false;
		}
		item->name = name;
		item->names = n;
		items[(*count)++] = item;
	}
	item->listed = true;
	return true;
}

static struct names_item *find(const struct names *n, const struct host_name *name)
{
	struct names_item key = {.name = name}, *at = &key, **found;

	found = n->count == 0
			? NULL
			: bsearch(&at, n->items, n->count, sizeof(struct names_item *), compare);
	return found ? *found : NULL;
}

static int compare(const void *left, const void *right)
{
	const struct names_item *const *a = left, *const *b = right;

	return ((*a)->name > (*b)->name) - ((*a)->name < (*b)->name);
}

static void forget_gone(struct names *n)
{
	uint32_t kept = 0;

	for (uint32_t i = 0; i < n->count; i++) {
		if (n->items[i]->gone && !n->items[i]->asked && !n->items[i]->trying) {
			free(n->items[i]);
		} else {
			n->items[kept++] = n->items[i];
		}
	}
	n->count = kept;
}

static void ask_what_is_due(struct names *n)
{
	uint32_t asked = 0;

	for (uint32_t i = 0; i < n->count; i++) {
		asked += n->items[i]->asked;
	}
	for (uint32_t i = 0; i < n->count && asked < ASKED_MAX; i++) {
		struct names_item *item = n->items[i];

		if (!item->asked && !item->gone && n->now_ns >= item->next_ns) {
			item->asked = true;
			asked++;
			lookup_begin(n->lookup, item->name, answered, item);
		}
	}
}

static void answered(void *context, const struct lookup_answer *answer)
{
	struct names_item *item = context;

	item->asked = false;
	if (answer->rc < 0) {
		take_failure(item, answer->why);
	} else {
		take_address(item, answer);
	}
}

static void take_failure(struct names_item *item, const char *why)
{
	char addr[ADDR_TEXT_MAX];
	bool had = item->in_force.family != 0;

	item->next_ns = item->names->now_ns + pause_ns(item->failures);
	err_set(&item->why, "its name cannot be looked up: %s%s%s", why,
		had ? "; the last address stays: " : "",
		had ? addr_format(&item->in_force, addr) : "");
	if (item->failures++ == 0) {
		log_warn("%s: %s; it is looked up again by itself", item->name->text,
			 item->why.text);
	}
}

/* Longer with each in a row. */
static uint64_t pause_ns(uint32_t failures)
{
	uint64_t pause_s = 1u << (failures < 6 ? failures : 6);

	return (pause_s < PAUSE_MAX_S ? pause_s : PAUSE_MAX_S) * NS_PER_S;
}

static void take_address(struct names_item *item, const struct lookup_answer *answer)
{
	uint32_t ttl_s = answer->ttl_s > 0 ? answer->ttl_s : TTL_NONE_S;

	ttl_s = ttl_s < TTL_MIN_S ? TTL_MIN_S : ttl_s;
	ttl_s = ttl_s > TTL_MAX_S ? TTL_MAX_S : ttl_s;
	item->next_ns = item->names->now_ns + ttl_s * NS_PER_S;
	item->found = answer->addrs[0];
	for (uint32_t i = 0; i < answer->count; i++) {
		if (addr_equal(&answer->addrs[i], &item->in_force)) {
			item->found = item->in_force;
		}
	}
	if (item->failures > 0) {
		log_notice("%s: can be looked up again", item->name->text);
	}
	item->failures = 0;
	if (!addr_equal(&item->found, &item->refused)) {
		forgive(item);
	}
}

static void forgive(struct names_item *item)
{
	item->refused = (struct addr){0};
	item->refusals = 0;
	item->why.text[0] = '\0';
}

/* Changes nothing while there is nothing new. */
static void apply(struct names *n)
{
	struct reload_client client = {.done = applied, .context = n};
	uint32_t trying = 0;
	struct err err;
	int rc;

	for (uint32_t i = 0; i < n->count; i++) {
		struct names_item *item = n->items[i];

		item->trying = is_new(item) && (trying == 0 || !n->singly);
		trying += item->trying;
	}
	if (trying == 0) {
		n->singly = false;
		return;
	}
	rc = reload_move(&n->sup->reload, &n->sup->setup->plan, &client, &err);
	if (rc < 0) {
		refuse(n, rc, &err);
	}
}

static bool is_new(const struct names_item *item)
{
	return !item->gone && item->found.family != 0 &&
	       !addr_equal(&item->found, &item->in_force) &&
	       (!addr_equal(&item->found, &item->refused) || item->names->now_ns >= item->again_ns);
}

static void applied(void *context, int rc, const struct err *text)
{
	struct names *n = context;

	if (rc < 0 && !n->sup->reload.partly) {
		refuse(n, rc, text);
		return;
	}
	for (uint32_t i = 0; i < n->count; i++) {
		if (n->items[i]->trying) {
			settle(n->items[i]);
		}
	}
	if (rc < 0) {
		log_warn("names of hosts: %s", text->text);
	}
}

static void settle(struct names_item *item)
{
	char now[ADDR_TEXT_MAX], before[ADDR_TEXT_MAX] = "";
	struct err what;

	if (item->in_force.family != 0) {
		addr_format(&item->in_force, before);
	}
	item->in_force = item->found;
	item->trying = false;
	if (addr_equal(&item->refused, &item->found)) {
		forgive(item);
	}
	err_set(&what, "%s: %s%s%s", item->name->text, addr_format(&item->in_force, now),
		before[0] != '\0' ? ", before " : "", before);
	log_notice("%s", what.text);
	history_note(&item->names->sup->history, "DNS", what.text, "done");
}

/* Several are tried one by one. */
static void refuse(struct names *n, int rc, const struct err *text)
{
	struct names_item *item = NULL;
	uint32_t tried = 0;

	for (uint32_t i = 0; i < n->count; i++) {
		if (n->items[i]->trying) {
			item = n->items[i];
			item->trying = false;
			tried++;
		}
	}
	n->singly = true;
	if (tried == 1) {
		note_refusal(item, rc, text);
	}
}

/* Of rules that do not do with it nothing will come but by another address; what was short may be
 * there again. */
static void note_refusal(struct names_item *item, int rc, const struct err *text)
{
	bool known = addr_equal(&item->refused, &item->found);
	char addr[ADDR_TEXT_MAX];

	item->refused = item->found;
	item->again_ns =
		rc == -EINVAL ? UINT64_MAX : item->names->now_ns + pause_ns(item->refusals++);
	err_set(&item->why, "%s is not used%s: %s", addr_format(&item->found, addr),
		rc == -EINVAL ? "" : " yet", text->text);
	if (!known) {
		log_warn("%s: %s%s", item->name->text, item->why.text,
			 rc == -EINVAL ? "" : "; it is tried again by itself");
	}
}
