/* advice.h - what an operator can do about an errno that says that something has run out.
 *
 * Pure; any thread.
 */
#pragma once

/* For a descriptor that could not be had, as a part of a message that follows the errno's own text:
 * never NULL. */
const char *advice_for_file(int error);

/* For a thread that could not be had. */
const char *advice_for_thread(int error);
