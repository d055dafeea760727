/* control.c - see control.h.
 *
 * One epoll stands for the door and all clients. A client is in one of three phases, each with its
 * time: idle, sending a request, taking an answer. Who may do what is found out once, when a client
 * comes (door.h): root and the daemon's own user change, all others look. These have fewer places,
 * so that they cannot keep out who must act.
 */
#include "src/run/control.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "src/base/clock.h"
#include "src/base/protocol.h"
#include "src/run/answer.h"
#include "src/run/commands.h"

#define CLIENTS_MAX     16
#define LOOKERS_MAX     12 /* of these */
#define ACCEPTS_MAX     16 /* each time */
#define INPUT_BYTES_MIN 4096u
#define IDLE_NS         (300 * NS_PER_S)
#define REQUEST_NS      (10 * NS_PER_S)
#define ANSWER_NS       (30 * NS_PER_S)
#define DEAF_NS         NS_PER_S /* when no file can be had for another client */
#define AGAIN_MS        5        /* until a request that could not be taken is looked at again */
#define DOOR_EVENT      CLIENTS_MAX

enum phase {
	PHASE_IDLE,
	PHASE_REQUEST,
	PHASE_ANSWER,
	PHASE_NEW, /* whatever it is now, its time begins anew */
};

struct client {
	int fd; /* -1: a free place */
	struct command_peer peer;
	char *in;                        /* what was received and not answered */
	size_t in_len, in_room, in_seen; /* bytes; `in_seen' of them hold no end of a line */
	char *out;
	size_t out_len, out_sent;
	bool waiting;        /* for an answer that comes later */
	bool put_off;        /* its request could not be taken yet */
	struct answer *rows; /* which is being made, a piece at a time; NULL: not so */
	bool ended;          /* it will send no more */
	bool unwanted;       /* to be dropped once its answer is written */
	enum phase phase;
	uint64_t until_ns; /* the phase must be over by then */
	uint32_t events;   /* asked of epoll */
};

struct control {
	struct supervisor *sup;
	struct door door;
	int epoll;
	uint64_t deaf_until_ns; /* 0: hears */
	uint64_t numbered;      /* clients that ever were */
	uint32_t turn;          /* whose answer is gone on with next */
	struct client clients[CLIENTS_MAX];
};

static const uint64_t phase_ns[] = {IDLE_NS, REQUEST_NS, ANSWER_NS};

static int watch_file(const struct control *control, int op, int fd, uint32_t index,
		      uint32_t events);
static void bring_late(struct control *control);
static void go_on(struct control *control);
static void accept_clients(struct control *control, uint64_t now_ns);
static void go_deaf(struct control *control, uint64_t until_ns);
static void welcome(struct control *control, int fd);
static struct client *find_place(struct control *control, const struct command_peer *peer);
static void turn_away(int fd);
static void read_more(struct client *client);
static bool make_room(struct client *client);
static void answer_one(struct control *control, struct client *client);
static size_t longest(const struct client *client);
static void refuse(struct client *client, enum protocol_refusal code, const char *text);
static void write_more(struct client *client);
static void settle(struct control *control, struct client *client, uint64_t now_ns);
static bool has_line(const struct client *client);
static void drop(struct client *client);

int control_open(struct supervisor *sup, const struct door *door, struct control **out,
		 struct err *err)
{
	struct control *control = NULL;
	struct door own = *door;
	int rc;

	if (door->fd < 0) {
		*out = NULL;
		return 0;
	}
	control = calloc(1, sizeof(*control));
	rc = control ? 0 : -ENOMEM;
	if (rc == 0) {
		*control = (struct control){.sup = sup, .door = own};
		for (uint32_t i = 0; i < CLIENTS_MAX; i++) {
			control->clients[i].fd = -1;
		}
		control->epoll = epoll_create1(EPOLL_CLOEXEC);
		rc = control->epoll < 0 ? -errno : 0;
	}
	if (rc == 0) {
		rc = watch_file(control, EPOLL_CTL_ADD, own.fd, DOOR_EVENT, EPOLLIN);
	}
	if (rc < 0) {
		err_set(err, "--control: cannot watch the socket: %s; see `ulimit -n'",
			strerror(-rc));
		door_close(&own);
		if (control && control->epoll >= 0) {
			close(control->epoll);
		}
		free(control);
		return rc;
	}
	*out = control;
	return 0;
}

int control_fd(const struct control *control)
{
	return control ? control->epoll : -1;
}

int control_sleep_ms(const struct control *control, uint64_t now_ns, int most_ms)
{
	uint64_t until_ns = now_ns + (uint64_t)most_ms * NS_PER_MS;

	if (!control) {
		return most_ms;
	}
	if (commands_has_late(control->sup)) {
		return 0;
	}
	if (control->deaf_until_ns > 0 && control->deaf_until_ns < until_ns) {
		until_ns = control->deaf_until_ns;
	}
	for (uint32_t i = 0; i < CLIENTS_MAX; i++) {
		const struct client *client = &control->clients[i];

		if (client->put_off) {
			most_ms = most_ms < AGAIN_MS ? most_ms : AGAIN_MS;
			until_ns = now_ns + (uint64_t)most_ms * NS_PER_MS;
			continue;
		}
		if (client->rows || (client->fd >= 0 && !client->out && !client->waiting &&
				     (has_line(client) || client->ended))) {
			return 0;
		}
		if (client->fd >= 0 && client->until_ns < until_ns) {
			until_ns = client->until_ns;
		}
	}
	return until_ns > now_ns ? (int)((until_ns - now_ns) / NS_PER_MS) + 1 : 0;
}

void control_serve(struct control *control, uint64_t now_ns)
{
	struct epoll_event events[CLIENTS_MAX + 1];
	int count;

	if (!control) {
		return;
	}
	if (control->deaf_until_ns > 0 && now_ns >= control->deaf_until_ns) {
		go_deaf(control, 0);
	}
	bring_late(control);
	go_on(control);
	count = epoll_wait(control->epoll, events, CLIENTS_MAX + 1, 0);
	for (int i = 0; i < count; i++) {
		struct client *client;

		if (events[i].data.u32 == DOOR_EVENT) {
			accept_clients(control, now_ns);
			continue;
		}
		client = &control->clients[events[i].data.u32];
		if (client->waiting) {
			drop(client); /* it has gone: nothing else was asked of epoll */
		} else if (client->out) {
			write_more(client);
		} else {
			read_more(client);
		}
	}
	for (uint32_t i = 0; i < CLIENTS_MAX; i++) {
		if (control->clients[i].fd >= 0) {
			answer_one(control, &control->clients[i]);
			settle(control, &control->clients[i], now_ns);
		}
	}
}

void control_close(struct control *control)
{
	if (!control) {
		return;
	}
	for (uint32_t i = 0; i < CLIENTS_MAX; i++) {
		drop(&control->clients[i]);
	}
	close(control->epoll);
	door_close(&control->door);
	free(control);
}

static int watch_file(const struct control *control, int op, int fd, uint32_t index,
		      uint32_t events)
{
	struct epoll_event event = {.events = events, .data.u32 = index};

	return epoll_ctl(control->epoll, op, fd, &event) < 0 ? -errno : 0;
}

/* To whom it is for, if that one is still there. */
static void bring_late(struct control *control)
{
	uint64_t number = 0;
	size_t len = 0;
	char *line = commands_late(control->sup, &number, &len);

	for (uint32_t i = 0; i < CLIENTS_MAX && number > 0; i++) {
		struct client *client = &control->clients[i];

		if (client->fd >= 0 && client->peer.number == number) {
			client->waiting = false;
			client->out = line;
			client->out_len = len;
			if (!line) {
				drop(client); /* out of memory */
			}
			return;
		}
	}
	free(line);
}

/* With a piece of one answer, so that nobody waits for more than one. */
static void go_on(struct control *control)
{
	struct client *client = control->clients;

	for (uint32_t i = 0; i < CLIENTS_MAX && !(i > 0 && client->rows); i++) {
		client = &control->clients[control->turn++ % CLIENTS_MAX];
	}
	if (client->rows) {
		client->out = commands_go_on(control->sup, client->rows, &client->out_len);
		client->waiting = !client->out;
	}
	if (client->rows && client->out) {
		answer_free(client->rows);
		client->rows = NULL;
	}
}

static void accept_clients(struct control *control, uint64_t now_ns)
{
	for (int i = 0; i < ACCEPTS_MAX; i++) {
		int fd = accept4(control->door.fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);

		if (fd < 0) {
			if (errno == EMFILE || errno == ENFILE || errno == ENOMEM ||
			    errno == ENOBUFS) {
				go_deaf(control, now_ns + DEAF_NS);
			}
			return;
		}
		welcome(control, fd);
	}
}

/* Who waits at the door while no file can be had keeps it readable, and this thread awake. 0: hears
 * again. */
static void go_deaf(struct control *control, uint64_t until_ns)
{
	control->deaf_until_ns = until_ns;
	(void)watch_file(control, EPOLL_CTL_MOD, control->door.fd, DOOR_EVENT,
			 until_ns > 0 ? 0 : EPOLLIN);
}

static void welcome(struct control *control, int fd)
{
	struct command_peer peer;
	struct client *client = door_get_peer(fd, &peer) ? find_place(control, &peer) : NULL;
	uint32_t index = client ? (uint32_t)(client - control->clients) : 0;

	if (!client) {
		turn_away(fd);
	} else if (watch_file(control, EPOLL_CTL_ADD, fd, index, EPOLLIN) < 0) {
		close(fd);
	} else {
		peer.number = ++control->numbered;
		*client = (struct client){
			.fd = fd, .peer = peer, .phase = PHASE_NEW, .events = EPOLLIN};
	}
}

static struct client *find_place(struct control *control, const struct command_peer *peer)
{
	struct client *place = NULL;
	uint32_t lookers = 0;

	for (uint32_t i = 0; i < CLIENTS_MAX; i++) {
		struct client *client = &control->clients[i];

		if (client->fd < 0) {
			place = client;
		} else {
			lookers += !client->peer.may_change;
		}
	}
	return peer->may_change || lookers < LOOKERS_MAX ? place : NULL;
}

/* Says why, if it is heard at once. */
static void turn_away(int fd)
{
	size_t len;
	char *line = commands_refusal(PROTOCOL_REFUSED_BUSY,
				      "too many clients are connected; expected a few at a time; "
				      "try again, and end those that are forgotten",
				      &len);

	if (line) {
		(void)send(fd, line, len, MSG_DONTWAIT | MSG_NOSIGNAL);
	}
	free(line);
	close(fd);
}

static void read_more(struct client *client)
{
	ssize_t got;

	if (!make_room(client)) {
		drop(client);
		return;
	}
	got = recv(client->fd, client->in + client->in_len, client->in_room - client->in_len,
		   MSG_DONTWAIT);
	if (got > 0) {
		client->in_len += (size_t)got;
	} else if (got == 0) {
		client->ended = true;
	} else if (errno != EAGAIN && errno != EINTR) {
		drop(client);
	}
}

/* For one byte more at least: all that is full holds a line, or one that is too long, and is not
 * read into. */
static bool make_room(struct client *client)
{
	size_t room = client->in_room > 0 ? client->in_room * 2 : INPUT_BYTES_MIN;
	char *in;

	if (client->in_len < client->in_room) {
		return true;
	}
	in = realloc(client->in, room);
	if (!in) {
		return false;
	}
	client->in = in;
	client->in_room = room;
	return true;
}

/* Answers the first line, if there is a whole one and the answer before it is written. */
static void answer_one(struct control *control, struct client *client)
{
	const char *end;
	size_t len;

	if (client->out || client->waiting || client->unwanted || client->in_len == 0) {
		return;
	}
	end = memchr(client->in + client->in_seen, '\n', client->in_len - client->in_seen);
	len = end ? (size_t)(end - client->in) : client->in_len;
	if (len > longest(client)) {
		client->unwanted = true;
		refuse(client, PROTOCOL_REFUSED_TOO_LONG,
		       "the line is too long; expected a request of at most 64 KiB, or 4 MiB for "
		       "replace; send less");
		return;
	}
	if (!end) {
		client->in_seen = len;
		return;
	}
	client->out = commands_answer(control->sup, &client->peer, client->in, len, &client->rows,
				      &client->out_len);
	client->put_off = !client->out && client->out_len == COMMANDS_AGAIN;
	if (client->put_off) {
		client->out_len = 0;
		return;
	}
	memmove(client->in, end + 1, client->in_len - len - 1);
	client->in_len -= len + 1;
	client->in_seen = 0;
	client->phase = PHASE_NEW;
	if (client->out) {
		write_more(client);
	} else if (client->out_len == COMMANDS_LATER) {
		client->waiting = true;
		client->out_len = 0;
	} else {
		drop(client); /* out of memory */
	}
}

static size_t longest(const struct client *client)
{
	return client->peer.may_change ? PROTOCOL_REPLACE_MAX : PROTOCOL_REQUEST_MAX;
}

static void refuse(struct client *client, enum protocol_refusal code, const char *text)
{
	client->out = commands_refusal(code, text, &client->out_len);
	if (client->out) {
		write_more(client);
	} else {
		drop(client);
	}
}

static void write_more(struct client *client)
{
	ssize_t put = send(client->fd, client->out + client->out_sent,
			   client->out_len - client->out_sent, MSG_DONTWAIT | MSG_NOSIGNAL);

	if (put < 0) {
		if (errno != EAGAIN && errno != EINTR) {
			drop(client);
		}
		return;
	}
	client->out_sent += (size_t)put;
	if (client->out_sent == client->out_len) {
		free(client->out);
		client->out = NULL;
		client->out_len = client->out_sent = 0;
		client->phase = PHASE_NEW;
	}
}

/* What the client waits for now, and until when. */
static void settle(struct control *control, struct client *client, uint64_t now_ns)
{
	uint32_t index = (uint32_t)(client - control->clients);
	uint32_t events = client->out ? EPOLLOUT : has_line(client) || client->ended ? 0 : EPOLLIN;
	enum phase phase = client->out          ? PHASE_ANSWER
			   : client->in_len > 0 ? PHASE_REQUEST
						: PHASE_IDLE;

	if (client->waiting || client->put_off) {
		events = 0;
		client->until_ns = UINT64_MAX; /* a change takes the time that it takes */
		phase = client->phase = PHASE_NEW;
	}
	if (client->fd < 0) {
		return;
	}
	if (client->phase != phase) {
		client->phase = phase;
		client->until_ns = now_ns + phase_ns[phase];
	}
	if (now_ns >= client->until_ns ||
	    (!client->out && !client->waiting &&
	     (client->unwanted || (client->ended && !has_line(client))))) {
		drop(client);
	} else if (client->events != events) {
		client->events = events;
		(void)watch_file(control, EPOLL_CTL_MOD, client->fd, index, events);
	}
}

static bool has_line(const struct client *client)
{
	return client->in_len > client->in_seen;
}

static void drop(struct client *client)
{
	if (client->fd >= 0) {
		close(client->fd);
	}
	free(client->in);
	free(client->out);
	answer_free(client->rows);
	*client = (struct client){.fd = -1};
}
