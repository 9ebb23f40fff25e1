/* SPDX-License-Identifier: GPL-2.0 */
/*
 * An application's own heartbeat: a few bytes that the peer sends unasked after a time without data
 * either way, and the reply of our program. Sizes and times only.
 */
#ifndef HALFOPEN_CORE_CONNECTION_HEARTBEAT_H
#define HALFOPEN_CORE_CONNECTION_HEARTBEAT_H

#include <stdbool.h>
#include <stdint.h>

#include "event.h"
#include "timeline/timeline.h"

/* The Astra modules' PING is one byte, MQTT's PINGREQ two, within TLS some thirty; longer data is a
 * report. */
#define HEARTBEAT_BYTES_MAX 64

struct heartbeat {
	uint64_t bytes_acked;	/* of ours, when the last one came */
	uint32_t bytes;		/* its size; 0: there was none */
	uint32_t run;		/* number of that size in a row */
	uint32_t least_ms, most_ms;	/* pauses before those of the run */
	uint64_t sum_ms;
	uint8_t reply;		/* enum heartbeat_reply: to the last one with a known reply */
	bool pending;		/* the last one's is not known yet */
};

/* Is the segment of `e` a heartbeat? */
bool heartbeat__is(const struct ho_event *e);

/* Takes one that came after `pause_ns` without data. */
void heartbeat__take(struct heartbeat *h, const struct ho_event *e, uint64_t pause_ns);

/* Takes any later event of the socket: was data of ours acknowledged since? */
void heartbeat__notice_reply(struct heartbeat *h, const struct ho_event *e);

/* The usual pause before a heartbeat, in milliseconds; 0 if there was only one, or no
 * regularity. */
uint64_t heartbeat__period_ms(const struct heartbeat *h);

#endif
