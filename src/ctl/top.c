/* top.c - what happens when: asks each interval, takes answers and keys as they come, draws.
 *
 * It waits in one place, for a key, an answer, or the time of the next question. A question that is
 * due while an answer is awaited waits for that. See top_view.h for the parts.
 */
#include "src/ctl/top.h"

#include <errno.h>
#include <jansson.h>
#include <locale.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "src/base/clock.h"
#include "src/ctl/top_layout.h"
#include "src/ctl/top_link.h"
#include "src/ctl/top_plain.h"
#include "src/ctl/top_screen.h"
#include "src/ctl/top_state.h"

struct top {
	const struct ctl_opt *opt;
	struct top_state state;
	struct top_link link;
	bool screen;
	bool over;
	uint64_t ask_ns; /* when to ask next */
	uint64_t shown;  /* answers; without a screen, of those with rates */
	int rc;          /* of the output */
};

static void turn(struct top *top);
static void ask(struct top *top, uint64_t now_ns);
static void await(const struct top *top, uint64_t now_ns, bool *out_keys_end);
static void take_keys(struct top *top);
static void take_answer(struct top *top);
static void show_answer(struct top *top);
static void lose(struct top *top, const char *why);
static void draw(struct top *top);

enum ctl_status top_do(const struct ctl_opt *opt)
{
	struct top top = {.opt = opt,
			  .link = {.path = opt->control, .timeout_ns = opt->timeout_ns}};
	struct err err;

	(void)setlocale(LC_ALL, "");
	top_state_init(&top.state, opt->view, (double)opt->interval_ns / NS_PER_S);
	if (top_link_ask(&top.link, &top_views[opt->view], clock_now_ns(), &err) < 0) {
		fprintf(stderr, "numacastctl: %s\n", err.text);
		return CTL_UNREACHABLE;
	}
	top.ask_ns = clock_now_ns() + opt->interval_ns;
	if (opt->json) {
		top.screen = false;
	} else {
		top.screen = top_screen_open(&err) == 0;
		if (!top.screen) {
			fprintf(stderr, "numacastctl: top: plain text follows: %s\n", err.text);
		}
	}
	top.state.plain = !top.screen;
	while (!top.over) {
		turn(&top);
	}
	if (top.screen) {
		top_screen_close();
	}
	top_link_close(&top.link);
	top_state_free(&top.state);
	if (top.rc < 0) {
		fprintf(stderr, "numacastctl: cannot print the answer: %s\n", strerror(-top.rc));
	}
	return top.rc < 0 ? CTL_FAILED : CTL_OK;
}

static void turn(struct top *top)
{
	uint64_t now_ns = clock_now_ns();
	bool keys_end = false;

	if (!top->link.asked && now_ns >= top->ask_ns) {
		ask(top, now_ns);
	}
	await(top, now_ns, &keys_end);
	if (top->screen) {
		take_keys(top);
		top->over |= keys_end;
	}
	if (top->link.asked) {
		take_answer(top);
	}
}

static void ask(struct top *top, uint64_t now_ns)
{
	struct err err;

	top->ask_ns = now_ns + (uint64_t)(top->state.interval_s * NS_PER_S);
	if (top_link_ask(&top->link, &top_views[top->state.view], now_ns, &err) < 0) {
		lose(top, err.text);
	}
}

/* Until there is something to do. `*out_keys_end': the terminal has gone. */
static void await(const struct top *top, uint64_t now_ns, bool *out_keys_end)
{
	uint64_t until_ns = top->link.asked ? top->link.until_ns : top->ask_ns;
	uint64_t left_ms = until_ns > now_ns ? (until_ns - now_ns) / NS_PER_MS + 1 : 0;
	struct pollfd files[2] = {
		{.fd = top_link_fd(&top->link), .events = POLLIN},
		{.fd = top->screen ? STDIN_FILENO : -1, .events = POLLIN},
	};

	(void)poll(files, 2, left_ms < 60000 ? (int)left_ms : 60000);
	*out_keys_end = (files[1].revents & (POLLHUP | POLLERR | POLLNVAL)) != 0;
}

static void take_keys(struct top *top)
{
	bool pressed = false;
	unsigned key;

	while (!top->over && (key = top_screen_key()) != TOP_KEY_NONE) {
		double interval_s = top->state.interval_s;
		enum top_effect effect = top_state_press(&top->state, key);

		top->over |= effect == TOP_QUIT;
		if (effect == TOP_ASK || interval_s != top->state.interval_s) {
			top->ask_ns = 0;
		}
		pressed = true;
	}
	if (pressed && !top->over) {
		draw(top);
	}
}

static void take_answer(struct top *top)
{
	const struct top_view *asked = top->link.asked;
	json_t *stats = NULL, *rows = NULL;
	struct err err;
	int rc = top_link_take(&top->link, clock_now_ns(), &stats, &rows, &err);

	if (rc == -EAGAIN) {
		return;
	}
	if (rc < 0) {
		lose(top, err.text);
		return;
	}
	if (asked != &top_views[top->state.view]) {
		json_decref(stats); /* another view is wanted by now */
		json_decref(rows);
		return;
	}
	rc = top_state_take(&top->state, stats, rows);
	if (rc < 0) {
		lose(top, strerror(-rc));
		top_link_close(&top->link);
		return;
	}
	show_answer(top);
}

static void show_answer(struct top *top)
{
	if (top->screen || top->state.stats_before) {
		draw(top);
		top->shown++;
		top->over |= top->opt->count > 0 && top->shown >= top->opt->count;
	}
}

static void lose(struct top *top, const char *why)
{
	char message[TOP_MESSAGE_BYTES];
	bool known = top->state.message[0] != '\0';

	snprintf(message, sizeof(message), "trying again: %s", why);
	top_state_lose(&top->state, message);
	if (top->screen) {
		draw(top);
	} else if (!known) {
		fprintf(stderr, "numacastctl: top: %s\n", message);
	}
}

static void draw(struct top *top)
{
	struct top_frame frame;
	unsigned columns, lines;

	if (!top->screen) {
		top->rc = top_plain_print(&top->state, top->opt->json, stdout);
		top->over |= top->rc < 0;
		return;
	}
	top_screen_size(&columns, &lines);
	if (top_frame_init(&frame, columns, lines) == 0) {
		top_layout_draw(&top->state, &frame);
		top_screen_draw(&frame);
		top_frame_free(&frame);
	}
}
