/* must.h - the assertion that stays on in release builds.
 *
 * must(x) guards what only a bug of ours can break. It is not for what the network sends (count
 * it) nor for what the operator writes (say what was expected). One condition a call, so that the
 * message names exactly what was wrong.
 */
#pragma once

/* Prints file, line and the condition to stderr and aborts. Any thread. */
_Noreturn void must_fail(const char *file, int line, const char *condition);

#define must(x) (__builtin_expect(!!(x), 1) ? (void)0 : must_fail(__FILE__, __LINE__, #x))
