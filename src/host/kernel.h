/* kernel.h - what is known of kernels by their version.
 *
 * `release' is uname's: "6.1.0-56-cloud-amd64". Pure.
 */
#pragma once

#include <stdbool.h>

/* A distribution's kernel that has been reported to corrupt trains (more in shard/gso.h). */
bool host_kernel_is_suspect(const char *release);

bool host_kernel_older(const char *release, unsigned major, unsigned minor);
