/* SPDX-License-Identifier: GPL-2.0 */
/* Keepalive options in force, and how soon they detect a dead peer. */
#ifndef HALFOPEN_TCP_KEEPALIVE_H
#define HALFOPEN_TCP_KEEPALIVE_H

#include <stdbool.h>
#include <stdint.h>

#include "event.h"

/* Durations in jiffies, as the kernel compares them. */
struct keepalive {
	uint32_t idle_jiffies;
	uint32_t interval_jiffies;
	uint32_t user_timeout_ms;
	uint8_t probes;
	bool enabled : 1;
	bool idle_from_socket : 1;
	bool interval_from_socket : 1;
	bool probes_from_socket : 1;
} __attribute__((packed, aligned(2)));	/* there may be a million */

/* The options as the kernel would use them now: the socket's own value, or the sysctl's. */
struct keepalive keepalive__of(const struct ho_event *e);

bool keepalive__equal(const struct keepalive *a, const struct keepalive *b);

/*
 * Worst case, in milliseconds, from the peer's last segment to the end of an idle socket;
 * UINT64_MAX where keepalive is off (never). Follows tcp_keepalive_timer(): the first probe
 * after max(idle, interval), then `probes` intervals, or with TCP_USER_TIMEOUT as many whole
 * intervals as reach it, at least one.
 */
uint64_t keepalive__detects_within_ms(const struct keepalive *k, uint32_t hz);

/* The same with the lateness of the timer wheel added to every timer. */
uint64_t keepalive__detects_within_max_ms(const struct keepalive *k, uint32_t hz);

/* It is on, and gives up when a single probe stays unanswered: no second one is sent, or the user
 * timeout is over before. */
bool keepalive__dies_of_one_loss(const struct keepalive *k, uint32_t hz);

#endif
