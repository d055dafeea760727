/* fuzz_control.c - any bytes from any clients at the control socket of a relay without shards.
 *
 * The input is cut at bytes 0xff: what stands before is sent, and the lowest bits of the byte
 * behind say by which of four clients, whether it then reads, goes, or lets a minute pass. What
 * must hold: no crash, no loop without end, and each line that is answered is an object with a
 * version and either a result or an error with a code and a text.
 */
#include <jansson.h>
#include <poll.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "src/base/clock.h"
#include "src/base/must.h"
#include "src/run/control.h"
#include "src/run/supervisor.h"

#define CLIENTS    4
#define SERVES_MAX 100000

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct bench {
	struct opt opt;
	struct setup setup;
	struct supervisor sup;
	struct control *control;
	int door;
	int clients[CLIENTS];
	uint64_t now_ns;
};

static void open_bench(struct bench *bench)
{
	struct sockaddr_un name = {.sun_family = AF_UNIX};
	static char program[] = "numacastd", *words[] = {program, NULL};
	struct door door = {.fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0)};
	struct err err;

	memset(bench, 0, sizeof(*bench));
	must(conf_add_rule(&bench->opt.conf, "239.1.1.1%eth0:5000 -> 239.2.2.1%eth1:6000", "--rule",
			   &err) == 0);
	bench->setup.opt = &bench->opt;
	bench->sup.setup = &bench->setup;
	reload_init(&bench->sup.reload, &bench->sup, 1, words);
	bench->sup.draining = true; /* so that a change is made, looked at, and not begun */
	must(bind(door.fd, (struct sockaddr *)&name, sizeof(sa_family_t)) == 0);
	must(listen(door.fd, CLIENTS) == 0);
	must(control_open(&bench->sup, &door, &bench->control, &err) == 0);
	bench->door = door.fd;
	bench->now_ns = 1;
	memset(bench->clients, -1, sizeof(bench->clients));
}

static void serve(struct bench *bench)
{
	struct pollfd fd = {.fd = control_fd(bench->control), .events = POLLIN};
	int serves = 0;

	do {
		control_serve(bench->control, bench->now_ns);
		must(serves++ < SERVES_MAX);
	} while (poll(&fd, 1, 0) > 0 || control_sleep_ms(bench->control, bench->now_ns, 1000) == 0);
}

static int client_of(struct bench *bench, int number)
{
	struct sockaddr_un name;
	socklen_t len = sizeof(name);

	if (bench->clients[number] < 0) {
		bench->clients[number] = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0);
		must(getsockname(bench->door, (struct sockaddr *)&name, &len) == 0);
		must(connect(bench->clients[number], (struct sockaddr *)&name, len) == 0);
		serve(bench);
	}
	return bench->clients[number];
}

static void judge(const char *line, size_t len)
{
	json_t *answer = json_loadb(line, len, 0, NULL);
	const json_t *error = json_object_get(answer, "error");

	must(json_is_integer(json_object_get(answer, "version")));
	if (json_is_true(json_object_get(answer, "ok"))) {
		must(json_is_object(json_object_get(answer, "result")));
	} else {
		must(json_is_string(json_object_get(error, "code")));
		must(json_string_length(json_object_get(error, "text")) > 0);
	}
	json_decref(answer);
}

/* Takes all that has come; whole lines are looked at. */
static void read_all(struct bench *bench, int number)
{
	static char text[1 << 20];
	size_t len = 0;
	ssize_t got;

	while ((got = recv(bench->clients[number], text + len, sizeof(text) - len, 0)) > 0) {
		char *end;

		len += (size_t)got;
		while ((end = memchr(text, '\n', len)) != NULL) {
			judge(text, (size_t)(end - text));
			len -= (size_t)(end - text) + 1;
			memmove(text, end + 1, len);
		}
		serve(bench);
	}
}

static void leave(struct bench *bench, int number)
{
	close(bench->clients[number]);
	bench->clients[number] = -1;
	serve(bench);
}

static void act(struct bench *bench, const uint8_t *text, size_t len, uint8_t how)
{
	int number = how % CLIENTS;
	int fd = client_of(bench, number);

	for (size_t sent = 0; sent < len;) {
		ssize_t put = send(fd, text + sent, len - sent, MSG_NOSIGNAL);

		if (put <= 0) {
			break; /* it was dropped, or does not read */
		}
		sent += (size_t)put;
		serve(bench);
	}
	if (how & 4) {
		read_all(bench, number);
	}
	if (how & 8) {
		leave(bench, number);
	}
	if (how & 16) {
		bench->now_ns += 60 * NS_PER_S;
		serve(bench);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct bench bench;

	log_init(LOG_LEVEL_ERROR, false);
	open_bench(&bench);
	while (size > 0) {
		const uint8_t *end = memchr(data, 0xff, size);
		size_t len = end ? (size_t)(end - data) : size;
		size_t used = end ? len + 1 + (len + 1 < size) : size;

		act(&bench, data, len, end && len + 1 < size ? end[1] : 4);
		data += used;
		size -= used;
	}
	for (int i = 0; i < CLIENTS; i++) {
		if (bench.clients[i] >= 0) {
			leave(&bench, i);
		}
	}
	control_close(bench.control);
	conf_free(&bench.opt.conf);
	return 0;
}
