/* run.h - what both commands of numacast-probe share while they run: the stop signal, the
 * clocks, the terminal, and the sockets.
 *
 * The commands themselves are in send.c and recv.c, the sockets in sock.c. The main thread is the
 * only one; the signal handler only sets the flag.
 */
#pragma once

#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>

#include "src/probe/options.h"

/* The commands: run to their end, print the result; the exit status. */
int probe_send(const struct probe_opt *opt);
int probe_recv(const struct probe_opt *opt);

extern volatile sig_atomic_t probe_stop; /* set by SIGINT and SIGTERM */

/* Installs the handler. A second signal ends the process at once. */
void probe_run_catch_signals(void);

/* A number that differs from boot to boot of any host; 0 when /proc does not tell. */
uint32_t probe_run_boot(void);

uint64_t probe_run_realtime_ns(void);

/* Rewrites the progress line on stderr, at most once a second and only on a terminal; the last
 * call, with `done', wipes it. */
bool probe_run_progress_due(const struct probe_opt *opt, uint64_t now_ns);
void probe_run_progress(const char *line);
void probe_run_progress_wipe(void);

/* A socket that sends from `source_port' (0: any) by the interface and with the options asked for.
 */
int probe_sock_open_send(const struct probe_opt *opt, uint16_t source_port, int *out,
			 struct err *err);

/* A socket bound to the target alone, on its interface alone, and joined. */
int probe_sock_open_recv(const struct probe_opt *opt, const struct probe_target *target, int *out,
			 struct err *err);

/* Room for `count' descriptors, raising the soft limit; else `err' says what to raise. */
int probe_sock_limit(uint32_t count, struct err *err);

/* The MTU on the way to `to', less IP and UDP headers: what fits into one packet. */
int probe_sock_payload(int fd, const struct sockaddr_storage *to, socklen_t len, uint32_t *out);

/* Datagrams the kernel dropped for want of room in this socket; 0 when it does not tell. */
uint32_t probe_sock_drops(int fd);

/* The index of the target's interface; 0 when it names none. */
int probe_sock_ifindex(const struct endpoint *at, unsigned *out, struct err *err);
