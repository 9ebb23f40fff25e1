/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Facts of one socket, for tests of its history: accepted at 1 s, when its peer was heard last, with
 * keepalive 10/1/3 of its own (sysctls 7200/75/9), an RTT of 40 ms and 4 * rttvar of 10 ms.
 */
#ifndef HALFOPEN_TESTS_FACTS_H
#define HALFOPEN_TESTS_FACTS_H

#include <sys/socket.h>

#include "connection/connection.h"
#include "tcp/tcp_states.h"
#include "unit.h"

#define HZ 250
/* What the kernel's clocks tell is known to one. */
#define JIFFY_NS (S / HZ)

static inline struct ho_event fact(uint8_t kind, uint64_t ms)
{
	return (struct ho_event){
		.mono_ns = ms * MS, .cookie = 9, .kind = kind, .family = AF_INET, .netns = 5,
		.state = TCP_ESTABLISHED, .flags = HO_F_KEEPALIVE, .jiffies = ms / 4,
		.rcv_tstamp_jiffies = HZ, .lrcvtime_jiffies = HZ, .srtt_us = 40000, .mdev_us = 10000,
		.last_tx_ns = ms * MS, .sock_idle_jiffies = 10 * HZ, .sock_interval_jiffies = HZ,
		.sock_probes = 3, .net_idle_jiffies = 7200 * HZ, .net_interval_jiffies = 75 * HZ,
		.net_probes = 9, .rto_jiffies = HZ / 5, .local = { 192, 0, 2, 1 }, .local_port = 1883,
		.peer = { 198, 51, 100, 7 }, .peer_port = 40000,
	};
}

static inline struct ho_event fact_opened(void)
{
	struct ho_event e = fact(HO_STATE, 1000);

	e.old_state = TCP_SYN_RECV;
	return e;
}

static inline struct ho_event fact_probe(uint64_t ms, uint8_t probes_out)
{
	struct ho_event e = fact(HO_PROBE_SENT, ms);

	e.probes_out = probes_out;
	return e;
}

/* ... without an error, from `from`. */
static inline struct ho_event fact_closed(uint64_t ms, uint8_t from)
{
	struct ho_event e = fact(HO_STATE, ms);

	e.state = TCP_CLOSE;
	e.old_state = from;
	return e;
}

/* A retransmission, the `timeouts`-th, of what was first sent 200 ms ago. */
static inline struct ho_event fact_retransmission(uint64_t ms, uint8_t timeouts)
{
	struct ho_event e = fact(HO_RETRANSMIT, ms);

	e.packets_out = 1;
	e.retransmits = timeouts;
	e.flags |= HO_F_UNDELIVERED;
	e.delivered_ns = (ms - 200) * MS;
	return e;
}

/* A segment of the peer's that the kernel accepts: in order, and without an acknowledgement of
 * anything new. */
static inline struct ho_event fact_segment(uint64_t ms, uint32_t payload)
{
	struct ho_event e = fact(HO_HEARD, ms);

	e.flags |= HO_F_SEGMENT;
	e.tcp_flags = HO_TCP_ACK;
	e.segment = HO_SEGMENT_TAKEN;
	e.payload = payload;
	return e;
}

#endif
