/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The kernel's stamps in an event as instants. They are the low 32 bits of jiffies, so that at
 * HZ=1000 one of 51 days ago looks 1.3 days old; tcp_mstamp, which has 64 bits and moves with every
 * segment sent or received, resolves that.
 */
#ifndef HALFOPEN_TCP_STAMPS_H
#define HALFOPEN_TCP_STAMPS_H

#include <stdbool.h>
#include <stdint.h>

#include "event.h"

/* A stamp is exact to one jiffy: its earliest and latest instant, in nanoseconds of
 * CLOCK_MONOTONIC, if it is younger than the clock's wrap. */
uint64_t stamps__earliest(const struct ho_event *e, uint32_t stamp, uint32_t hz);
uint64_t stamps__latest(const struct ho_event *e, uint32_t stamp, uint32_t hz);

/* The earliest instant of a received segment, however long ago. */
uint64_t stamps__received_ns(const struct ho_event *e, uint32_t stamp, uint32_t hz);

/* The stamp of the peer's last segment as the kernel keeps it: data or an acceptable ACK. */
uint32_t stamps__heard(const struct ho_event *e, uint32_t hz);

/* ... and its earliest instant. */
uint64_t stamps__heard_ns(const struct ho_event *e, uint32_t hz);

/* When the peer's last segment arrived, at the earliest: heard as above, or answered though it is out
 * of the window, as are the keepalive probes of the peer's own, which leave no other trace
 * (last_oow_ack_time; twice a second at most: tcp_invalid_ratelimit). */
uint64_t stamps__arrived_ns(const struct ho_event *e, uint32_t hz);

/* Did the write queue become busy (chrono_start) after the peer was last heard? */
bool stamps__wrote_since_heard(const struct ho_event *e, uint32_t hz);

/* Is `ns` the instant `known` again, seen through one or more wraps of the clock? Both are exact to
 * some jiffies and `exact_ns`. */
bool stamps__is_echo(uint64_t ns, uint64_t known_ns, uint64_t exact_ns, uint32_t hz);

#endif
