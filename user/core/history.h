/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What one socket did, as far as facts go: its silences, answers and counts. The parts that make it
 * of facts share this; connection.h is their door.
 */
#ifndef HALFOPEN_CORE_HISTORY_H
#define HALFOPEN_CORE_HISTORY_H

#include <stdbool.h>
#include <stdint.h>

#include "endpoint.h"
#include "gaps.h"
#include "incidents.h"
#include "keepalive.h"
#include "silence.h"

/* There may be a million whose probes were answered, and nothing more: see docs/DESIGN.md before
 * you add to it. */
struct connection {
	uint64_t cookie;
	uint64_t first_seen_ns;
	uint64_t last_heard_ns;
	struct incidents *incidents;	/* NULL: none. incidents__of() reads them */
	uint32_t netns;
	uint32_t owner;
	uint32_t srtt_us, mdev_us;
	uint32_t slowest_answer_us;
	uint32_t probes_sent, probes_answered;
	uint32_t retransmits_total;	/* the kernel's */
	struct gaps gaps;	/* that it survived */
	struct endpoint local, peer;
	struct keepalive keepalive;
	struct silence silence;
	struct answered_run run;
	uint16_t silences;	/* how many began: numbers the journal's episodes */
	uint8_t state : 4;
	bool is_ipv6 : 1;
	bool addressed : 1;	/* family, ends and namespace hold */
	bool identified : 1;	/* and so does the rest: an event told of it */
	bool partial : 1;
	bool eventful : 1;	/* it has a history for what it did, not because all are kept */
	bool told : 1;		/* it did something that is told without --all */
	bool mptcp : 1;
	bool options_settled : 1;	/* programs set them right after accept() or connect() */
	bool handed_on : 1;	/* it has another owner than when the filter let it in */
	bool heard_is_lower_bound : 1;	/* in a state where the peer's empty probes are invisible */
	bool data_timestamps : 1;	/* the peer's last data had timestamps */
	uint8_t data_ttl;	/* ... and this time to live; 0: not known */
	uint8_t data_segs;	/* how many had come then, the low bits: later data may have others */
};

_Static_assert(sizeof(struct connection) <= 200, "what malloc() makes 208 bytes of");

/* How the facts are turned into history; constant over a run. */
struct connection_rules {
	uint32_t hz;
	uint32_t suspect_after;	/* asks */
	bool fold;		/* runs of answered probes become one entry */
	bool probes_unseen;	/* this kernel shows no probe (DESIGN.md, Kernels) */
};

/* 0: open. */
static inline uint64_t connection__ended_ns(const struct connection *c)
{
	return c->incidents ? c->incidents->ended_ns : 0;
}

/* AF_INET or AF_INET6. */
uint8_t connection__family(const struct connection *c);

#endif
