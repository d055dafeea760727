/* check_kernel.h - what is known of kernels by their version.
 *
 * `release' is uname's: "6.1.0-56-cloud-amd64". Pure.
 */
#pragma once

#include <stdbool.h>

/* Linux 7.0 to 7.1.4: trains arrive corrupted on some devices. */
bool check_kernel_mangles_trains(const char *release);

/* A distribution's kernel of which the same has been reported. */
bool check_kernel_is_suspect(const char *release);

bool check_kernel_older(const char *release, unsigned major, unsigned minor);
