/* SPDX-License-Identifier: GPL-2.0 */
/* Keepalive and zero-window probe timers: every probe, without a program on timer_start. */
#ifndef HALFOPEN_TIMER_BPF_H
#define HALFOPEN_TIMER_BPF_H

#include "cpu_note.bpf.h"
#include "emit.bpf.h"
#include "gate.bpf.h"

/* Learned from a socket of our own (pass.bpf.c), set before load. */
const volatile __u64 keepalive_function = 0;
const volatile __u32 keepalive_offset = 0;
const volatile __u64 write_function = 0;
const volatile __u32 write_offset = 0;

static __always_inline bool is_of_tcp(const struct timer_list *timer)
{
	__u64 function = (__u64)timer->function;

	return function == keepalive_function || (function == write_function && write_function);
}

static __always_inline bool is_keepalive(const struct timer_list *timer)
{
	return (__u64)timer->function == keepalive_function;
}

/* A timer's socket is known by its address only: the programs come in two forms, one for kernels
 * that can make it typed and one for those that cannot. */
static __always_inline const void *socket_of(const struct timer_list *timer)
{
	return (const void *)timer - (is_keepalive(timer) ? keepalive_offset : write_offset);
}

/* Counts the segments sent while none with data was received: acknowledging data leaves it
 * unchanged, or lowers it. */
static __always_inline __u32 unprompted_segments(const struct tcp_sock *tp, const bool typed)
{
	return READ(typed, tp, segs_out) - READ(typed, tp, data_segs_in);
}

static __always_inline int timer_entered(const struct timer_list *timer, const struct tcp_sock *tp,
					 const bool typed)
{
	struct cpu_note *note;

	/* It mostly fires to retransmit, or because it was not stopped. */
	if (!is_keepalive(timer) &&
	    READ(typed, tp, inet_conn.icsk_pending) != HO_PENDING_PROBE0)
		return 0;
	note = this_cpu_note();
	if (!note)
		return 0;
	note->timer.mono_ns = bpf_ktime_get_ns();
	note->timer.cookie = socket__cookie(tp, typed);
	note->timer.probes_out = READ(typed, tp, inet_conn.icsk_probes_out);
	note->timer.unprompted = unprompted_segments(tp, typed);
	note->timer.keepalive = is_keepalive(timer);
	note->timer.due = note->timer.keepalive && !socket__has_data_under_way(tp, typed) &&
			  socket__unheard_jiffies(tp, typed) >= socket__idle_jiffies(tp, typed);
	note->timer.dropped = false;
	note->timer.sk = (__u64)tp;
	return 0;
}

/*
 * The keepalive timer's action. A probe was sent if it raised icsk_probes_out by one (which it does
 * even for a probe that this host dropped). When the answer was faster than this program (another
 * CPU took it while this one left the timer) the count is 0 again; then the timer, re-armed for the
 * interval, shows it, with a segment that left. (A segment that arrives before the timer's work
 * re-arms it, too, for the idle time, which may be as long as the interval.) Local congestion
 * leaves the count alone and re-arms for TCP_RESOURCE_PROBE_INTERVAL = HZ/2. 0: nothing.
 */
static __always_inline __u8 keepalive_did(const struct timer_list *timer,
					  const struct timer_note *note, const struct tcp_sock *tp,
					  const bool typed)
{
	__u32 rearmed = (__u32)timer->expires - socket__jiffies();
	__u8 probes_out = READ(typed, tp, inet_conn.icsk_probes_out);

	if (probes_out == (__u8)(note->probes_out + 1))
		return note->dropped ? HO_PROBE_FAILED : HO_PROBE_SENT;
	if (!note->due)
		return 0;
	if (!probes_out && socket__interval_jiffies(tp, typed) - rearmed <= 1)
		return (__s32)(unprompted_segments(tp, typed) - note->unprompted) > 0
			       ? HO_PROBE_SENT : 0;
	return hz / 2 - rearmed <= 1 ? HO_PROBE_FAILED : 0;
}

/* The persist timer counts in the same place. */
static __always_inline __u8 persist_did(const struct timer_note *note, const struct tcp_sock *tp,
					const bool typed)
{
	__u8 probes_out = READ(typed, tp, inet_conn.icsk_probes_out);

	return probes_out == (__u8)(note->probes_out + 1) && !note->dropped ? HO_ZERO_WINDOW_PROBE
									     : 0;
}

static __always_inline int timer_left(const struct timer_list *timer, const struct timer_note *note,
				      const struct tcp_sock *tp, const bool typed)
{
	struct ho_event *e;
	bool counted;
	__u8 kind;

	/* The timer dropped its reference: the memory may be another socket's by now, which its
	 * cookie shows. An ending inside the timer was emitted by the state change. */
	if (socket__cookie(tp, typed) != note->cookie ||
	    !gate__is_connection(socket__state(tp, typed)))
		return 0;
	kind = note->keepalive ? keepalive_did(timer, note, tp, typed)
			       : persist_did(note, tp, typed);
	if (!kind)
		return 0;
	counted = READ(typed, tp, inet_conn.icsk_probes_out) != note->probes_out;
	e = event__reserve(kind, note->cookie, note->mono_ns, HO_EVENT_FULL);
	if (!e)
		return 0;
	socket__read_full(e, tp, typed);
	if (kind == HO_PROBE_FAILED)
		e->reason = counted ? HO_FAILED_DROPPED : HO_FAILED_CONGESTION;
	event__submit(e);
	return 0;
}

/* The note of the socket whose timer is being left, which ends it; NULL if there is none. */
static __always_inline struct timer_note *take_note(const struct timer_list *timer, __u64 *sk)
{
	struct cpu_note *note;

	if (!is_of_tcp(timer))
		return NULL;
	note = this_cpu_note();
	if (!note || !note->timer.sk)
		return NULL;
	*sk = note->timer.sk;
	note->timer.sk = 0;
	return &note->timer;
}

#endif
