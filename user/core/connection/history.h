/* SPDX-License-Identifier: GPL-2.0 */
/*
 * State of one connection: its silences, answers and counts. The files that fill it from events
 * share this header; connection.h is their interface.
 */
#ifndef HALFOPEN_CORE_CONNECTION_HISTORY_H
#define HALFOPEN_CORE_CONNECTION_HISTORY_H

#include <stdbool.h>
#include <stdint.h>

#include "connection/gaps.h"
#include "connection/journal.h"
#include "tcp/keepalive.h"
#include "value/endpoint.h"

/* Asks since the last answer. From the second ask on, when the first stayed unanswered until the
 * next was due, it is an episode. The peer may be heard meanwhile without answering: struct
 * deafness. */
struct silence {
	uint64_t first_ask_ns;
	uint64_t last_ask_ns;
	uint32_t last_ask_jiffies;
	uint16_t asks;		/* saturates */
	uint8_t probes_out;	/* the kernel's count at the last probe */
	uint8_t count_before;	/* ... when data was last heard, which may not have reset it */
	uint8_t kinds : 4;
	bool adopted : 1;	/* it had begun when the socket was first seen */
	uint8_t held; /* enum event_kind of a first probe, which is not in the journal while it may
		       * be answered; 0: none */
} __attribute__((packed, aligned(2)));

/* Probes answered one after the other, not yet in the journal. */
struct answered_run {
	uint64_t first_ns, last_ns;	/* first sent, last answered */
	struct rtt rtt;			/* count 0: none */
	uint16_t episode;		/* as in struct entry */
} __attribute__((packed, aligned(2)));

struct incidents;

/* There may be a million with answered probes only: see docs/DESIGN.md before adding to it. */
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
	uint32_t retransmits_total;	/* the kernel's total */
	struct gaps gaps;	/* survived idle gaps */
	struct endpoint local, peer;
	struct keepalive keepalive;
	struct silence silence;
	struct answered_run run;
	uint16_t silences;	/* number of silences so far: numbers the journal's episodes */
	uint8_t state : 4;
	bool is_ipv6 : 1;
	bool addressed : 1;	/* family, ends and namespace are set */
	bool identified : 1;	/* and so is the rest, by an event */
	bool partial : 1;
	bool eventful : 1;	/* it has a history for its events, not because all are kept */
	bool told : 1;		/* an event is reported without --all */
	bool failed : 1;	/* memory was short: its history has a hole */
	bool mptcp : 1;
	bool options_settled : 1;	/* programs set them right after accept() or connect() */
	bool handed_on : 1;	/* its owner differs from the one that the filter accepted */
	bool heard_is_lower_bound : 1;	/* in a state where the peer's empty probes are invisible */
	bool data_timestamps : 1;	/* the peer's last data had timestamps */
	uint8_t data_ttl;	/* ... and this time to live; 0: not known */
	uint8_t data_segs;	/* their number then (low bits): later data may differ */
};

_Static_assert(sizeof(struct connection) <= 200, "what malloc() makes 208 bytes of");

/* Rules for turning events into history; constant over a run. */
struct connection_rules {
	uint32_t hz;
	uint32_t suspect_after;	/* asks */
	bool fold;		/* runs of answered probes become one entry */
	bool probes_unseen;	/* this kernel shows no probe (DESIGN.md, Kernels) */
};

#endif
