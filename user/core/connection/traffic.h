/* SPDX-License-Identifier: GPL-2.0 */
/* Bytes and segments of data while a socket was watched: the kernel's own counts (as in TCP_INFO),
 * from the first event that had them to the last. */
#ifndef HALFOPEN_CORE_CONNECTION_TRAFFIC_H
#define HALFOPEN_CORE_CONNECTION_TRAFFIC_H

#include <stdint.h>

#include "event.h"

struct traffic_counts {
	uint64_t at_ns;
	uint64_t received_bytes, acked_bytes;
	uint32_t received_segments, sent_segments;	/* with data */
};

struct traffic {
	struct traffic_counts first, last;	/* at_ns 0: none yet */
};

void traffic__take(struct traffic *t, const struct ho_event *e);

/* From the first to the last; at_ns is the time between. All 0: not known. */
struct traffic_counts traffic__carried(const struct traffic *t);

#endif
