/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What happened to one socket, in order and in bounded space: the first and the last events of
 * each episode stay whole, the middle is counted and left out.
 */
#ifndef HALFOPEN_CORE_JOURNAL_H
#define HALFOPEN_CORE_JOURNAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum entry_kind {
	ENTRY_SEEN,
	ENTRY_ESTABLISHED,
	ENTRY_PROBE_SENT,	/* n */
	ENTRY_PROBE_FAILED,	/* n is enum ho_failure */
	ENTRY_ANSWERED,		/* n, rtt_us if rtt_known */
	ENTRY_ANSWERED_RUN,	/* n of them, at .. last_ns, rtt_us is the sum */
	ENTRY_PEER_PROBE,	/* n is garbage_bytes */
	ENTRY_RETRANSMIT,	/* n */
	ENTRY_OPTION_CHANGE,
	ENTRY_RESET_SENT,	/* n is the reason */
	ENTRY_RESET_RECEIVED,
	ENTRY_ERROR,		/* n is the errno */
	ENTRY_STATE,		/* from, to */
	ENTRY_LOST,		/* n */
	ENTRY_ZERO_WINDOW_PROBE,	/* n */
	ENTRY_SUPERSEDED,	/* n is the confidence in thousandths, by_cookie */
	ENTRY_HEARTBEAT,	/* n is bytes, last_ns when data had passed before */
	ENTRY_SEND_FAILED,	/* n is enum ho_failure */
	ENTRY_ANSWER_DROPPED,
};

struct rtt {
	uint64_t sum_us;
	uint32_t count, min_us, max_us;
} __attribute__((packed, aligned(2)));

void rtt__add(struct rtt *r, uint32_t us);

/* Of both. */
struct rtt rtt__sum(struct rtt a, struct rtt b);

struct entry {
	uint64_t at_ns;
	union {
		uint64_t last_ns;	/* ENTRY_ANSWERED_RUN, ENTRY_HEARTBEAT only */
		uint64_t by_cookie;	/* ENTRY_SUPERSEDED only */
	};
	struct rtt rtt;		/* of an answer or a run of them; count 0: not known */
	uint32_t n;
	uint16_t episode;	/* the how many-th silence it belongs to */
	uint8_t kind;
	uint8_t from : 4, to : 4;	/* TCP states */
} __attribute__((packed, aligned(4)));

struct journal {
	struct entry *entries;
	uint16_t used, size;
	uint32_t omitted;
};

/* Appends; where memory is short the entry counts as omitted. */
void journal__add(struct journal *j, const struct entry *e);

void journal__free(struct journal *j);

#endif
