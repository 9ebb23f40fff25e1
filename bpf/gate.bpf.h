/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Which events are emitted, cheapest test first. A socket whose peer was heard a moment ago fails
 * the first test: one or two plain loads, no map, no helper that is a call.
 */
#ifndef HALFOPEN_GATE_BPF_H
#define HALFOPEN_GATE_BPF_H

#include "socket.bpf.h"

/* Set by user space between open and load (programs.c has the values and their reasons); durations
 * in this kernel's jiffies. */

/* A segment that follows another one sooner than this is never looked at. */
const volatile __u32 gate_quiet_jiffies = 0;
/* An idle gap of this length is emitted when it ends; so are data that end an equally long time
 * without data either way: they may be a heartbeat. */
const volatile __u32 gate_idle_jiffies = 0;
/* Rate limit of segments that move no clock of the kernel (the peer's own probes, repeated bytes):
 * one is emitted in this time. */
const volatile __u32 gate_repeated_jiffies = 0;
/* A retransmission outside loss recovery (a tail loss probe) is emitted after this silence. */
const volatile __u32 gate_unheard_jiffies = 0;
/* Emit every state change, not only openings, endings and closes of silent sockets. */
const volatile bool gate_all_states = false;

/* First test of the receive path, each load one instruction. */
static __always_inline bool gate__quiet_before(const struct tcp_sock *tp)
{
	__u32 now = socket__jiffies();

	return now - tp->rcv_tstamp >= gate_quiet_jiffies &&
	       now - tp->inet_conn.icsk_ack.lrcvtime >= gate_quiet_jiffies;
}

/* Second test: the silence was broken while the kernel waited for an answer, or it was long. */
static __always_inline bool gate__ends_a_silence(const struct tcp_sock *tp)
{
	return tp->inet_conn.icsk_probes_out || tp->inet_conn.icsk_retransmits ||
	       socket__unheard_jiffies(tp, true) >= gate_idle_jiffies;
}

/* Does the kernel wait for an answer? */
static __always_inline bool gate__awaits_an_answer(const struct tcp_sock *tp)
{
	return tp->inet_conn.icsk_probes_out || tp->inet_conn.icsk_retransmits;
}

/* Heard a moment ago, but timers back off: it retransmits, or asks for the window, and an
 * acknowledgement would be an answer. Beside a healthy connection's traffic this is one more load.
 * (Keepalive, which does not back off, asks after a second without traffic at the earliest.) */
static __always_inline bool gate__backs_off(const struct tcp_sock *tp)
{
	return tp->inet_conn.icsk_backoff;
}

/* A SYN that the kernel will answer by a challenge ACK: it does so every half second at most
 * (tcp_oow_rate_limited()), and records when. */
static __always_inline bool gate__challenges(const struct tcp_sock *tp)
{
	return socket__jiffies() - tp->last_oow_ack_time >= gate_repeated_jiffies;
}

/* No data in either direction for a while, whatever was acknowledged or probed meanwhile. */
static __always_inline bool gate__data_idle(const struct tcp_sock *tp)
{
	__u32 now = socket__jiffies();

	return now - tp->inet_conn.icsk_ack.lrcvtime >= gate_idle_jiffies &&
	       now - tp->lsndtime >= gate_idle_jiffies;
}

/* Retransmissions that an RTO caused: an ACK that triggers one has just been heard. Tail loss
 * probes and fast retransmits of a busy lossy socket are not emitted. From the second RTO in a row
 * on nothing was acknowledged in between, whatever else was heard: the direction to the peer may be
 * dead while the peer sends. */
static __always_inline bool gate__retransmit(const struct tcp_sock *tp)
{
	__u32 unheard = socket__unheard_jiffies(tp, true);

	if (unheard >= gate_unheard_jiffies)
		return true;
	if (unheard < gate_quiet_jiffies && tp->inet_conn.icsk_retransmits < 2)
		return false;
	return READ_BITFIELD(true, &tp->inet_conn, icsk_ca_state) ==
	       bpf_core_enum_value(enum tcp_ca_state, TCP_CA_Loss);
}

/* Has an answer been outstanding for so long that a close should be emitted? */
static __always_inline bool gate__owed_an_answer(const struct tcp_sock *tp)
{
	if (tp->inet_conn.icsk_probes_out || tp->inet_conn.icsk_retransmits)
		return true;
	return tp->packets_out && socket__unheard_jiffies(tp, true) >= gate_unheard_jiffies;
}

/* States in which a connection exists (a SYN or a listener is none). */
static __always_inline bool gate__is_connection(int state)
{
	return state == TCP_ESTABLISHED || state == TCP_FIN_WAIT1 || state == TCP_FIN_WAIT2 ||
	       state == TCP_CLOSE_WAIT || state == TCP_LAST_ACK || state == TCP_CLOSING;
}

/* The end of a connection that was accepted (TCP Fast Open) and never opened: its SYN-ACK was not
 * acknowledged, or was reset (which drops the request first). */
static __always_inline bool gate__is_unopened_end(const struct tcp_sock *tp, int old_state,
						  int new_state)
{
	const struct sock *sk = (const void *)tp;

	return old_state == TCP_SYN_RECV && new_state == TCP_CLOSE &&
	       (tp->fastopen_rsk || sk->sk_socket);
}

#endif
