/* send_errno.h - what the errno of a failed send says (step 11). Pure, any thread. */
#pragma once

#include <stdbool.h>

#include "shard/counters.h"

/* Which drop counter a failed send belongs to. */
enum output_drop send_errno_drop(int err);

/* Whether the path may not take trains (no checksum offload, an MTU that shrank, ...). */
bool send_errno_refuses_train(int err);

/* Whether it is among what Linux makes of ICMP and ICMPv6 errors. */
bool send_errno_may_be_icmp(int err);
