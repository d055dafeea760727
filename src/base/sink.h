/* sink.h - where log lines go: standard error, and whoever reads it may be slow, stuck or gone.
 *
 * At first each line is written by whoever logs it, who waits for a reader that is slow. From
 * sink_start to the end a thread of its own writes them, from a queue of bounded size: then
 * sink_put never waits. A line that finds no room, or that could not be written, is lost; how many
 * were, and why, is said in their place as soon as lines are taken again. What is not lost keeps
 * its order. Nobody else's use of standard error is touched: its flags are shared with those who
 * have it open too. Any thread, until a shard is live; then the control thread.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#define SINK_LINE_MAX 4096 /* PIPE_BUF: what a pipe takes in one piece */

/* Whether the sink's own lines get a priority in front. Before threads start. */
void sink_init(bool prefixed);

/* One whole line, its newline included, of at most SINK_LINE_MAX bytes. */
void sink_put(const char *line, size_t len);

/* Starts the thread; call it when the process has the user and the signal mask that it will keep.
 * 0, or -errno: none can be had, and all goes on as before. Control thread. */
int sink_start(void);

/* Waits until all lines are written, for at most a second, and ends the thread. If it is stuck it
 * is left to the end of the process, and lines from here on are lost. Control thread. */
void sink_end(void);
