/* lane_rig.h - a lane whose program is arrays of the test: the maps of src/fastpath/abi.h, which
 * nobody runs, with counts that the test writes.
 *
 * Linked with LANE_WRAPS of automake.mk: what loads, hooks and asks the kernel comes here, and all
 * above that is the daemon's own. The supervisor is that of supervisor_rig.h, whose flow and
 * outputs have sockets.
 */
#pragma once

#include "src/run/lane.h"
#include "src/run/lane_look.h"
#include "tests/unit/run/supervisor_rig.h"

#define LANE_RIG_IMAGES  256
#define LANE_RIG_OUTPUTS 2048

/* Of the program. */
struct lane_rig {
	struct sup_rig at;
	int loads; /* 0, or what it fails with */
	struct program_sizes sizes;
	struct fast_way ways[LANE_RIG_IMAGES];
	struct fast_image_counts images[LANE_RIG_IMAGES];
	struct fast_output_counts outputs[LANE_RIG_OUTPUTS];
	uint64_t until_ns; /* it runs */
	uint32_t waits;    /* until nobody uses what was taken out of the maps */
	uint32_t mtu_in;   /* of the ingress interface */
	uint32_t mtu_out;  /* of the egress interface; 0: it is not there */
	uint32_t reads;    /* of interfaces */
	int writes;        /* of images: 0, or what they fail with */
	int rx, tx;        /* the flow's socket, and who writes to it */
};

extern struct lane_rig rig;

/* --fastpath auto, a flow and two outputs that the program can carry; nothing is loaded. */
void lane_rig_open(void);
void lane_rig_close(void);

/* Loads the program, and looks for the first time: the flow is carried. */
void lane_rig_carry(void);

/* Its verdict; what the program has of it; what it counts of it now, and of output `o'. */
struct lane_verdict *lane_rig_verdict(void);
const struct fast_record *lane_rig_record(void);
struct fast_image_counts *lane_rig_counts(void);
struct fast_output_counts *lane_rig_output_counts(uint32_t o);
