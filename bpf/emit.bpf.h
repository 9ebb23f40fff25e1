/* SPDX-License-Identifier: GPL-2.0 */
/* Events into the ring buffer, counts of those that found no room, limits for repeated ones. */
#ifndef HALFOPEN_EMIT_BPF_H
#define HALFOPEN_EMIT_BPF_H

#include "compat.bpf.h"
#include "event.h"
#include "socket.bpf.h"

/* Wake the reader once this much lies in the ring; below it, the reader's own tick suffices. */
const volatile __u64 ring_wake_bytes = 1 << 20;

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 1 << 20);	/* resized from the live socket count before load */
} events SEC(".maps");

/* Counts of events that could not be emitted. */
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct ho_losses);
} losses SEC(".maps");

/* The sockets whose events were lost: written only when a reservation fails. */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 16384);
	__type(key, __u64);
	__type(value, __u32);
} lost_of SEC(".maps");

/* When a segment that moves no clock of its socket was last emitted: looked up for such segments
 * only. */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 16384);
	__type(key, __u64);
	__type(value, __u32);
} repeated SEC(".maps");

static __noinline int count_loss(__u64 cookie)
{
	__u32 zero = 0, one = 1;
	struct ho_losses *l = bpf_map_lookup_elem(&losses, &zero);
	__u32 *n;

	if (!l)
		return 0;
	if (!cookie) {
		l->no_cookie++;
		return 0;
	}
	l->ring_full++;
	n = bpf_map_lookup_elem(&lost_of, &cookie);
	if (n)
		__sync_fetch_and_add(n, 1);
	else
		bpf_map_update_elem(&lost_of, &cookie, &one, BPF_ANY);
	return 0;
}

/* Both sizes are constants at each call, as the verifier wants them. */
static __always_inline struct ho_event *event__reserve(__u8 kind, __u64 cookie, __u64 mono_ns,
						       const __u64 size)
{
	struct ho_event *e = NULL;

	if (cookie)
		e = bpf_ringbuf_reserve(&events, size, 0);
	if (!e) {
		count_loss(cookie);
		return NULL;
	}
	e->kind = kind;
	e->cookie = cookie;
	e->mono_ns = mono_ns;
	return e;
}

/* A full event about `sk`, now. Both pointers are of the same socket, and typed. */
static __always_inline struct ho_event *event__begin(__u8 kind, struct sock *sk,
						     const struct tcp_sock *tp)
{
	struct ho_event *e = event__reserve(kind, compat__cookie(sk), bpf_ktime_get_ns(),
					    HO_EVENT_FULL);

	if (e)
		socket__read_full(e, tp, true);
	return e;
}

static __always_inline void event__submit(struct ho_event *e)
{
	bool full = bpf_ringbuf_query(&events, BPF_RB_AVAIL_DATA) >= ring_wake_bytes;

	bpf_ringbuf_submit(e, full ? BPF_RB_FORCE_WAKEUP : BPF_RB_NO_WAKEUP);
}

/* Each kind of segment that moves no clock has a budget of its own, so that none hides another. One
 * bit of the cookie is inverted: cookies count up from 1 or down from 2^64
 * (include/linux/cookie.h), and none gets as far as these bits. */
#define REPEATED_SYN (1ULL << 62)
#define REPEATED_DROPPED (1ULL << 61)
#define REPEATED_OLD_ACK (1ULL << 60)
#define REPEATED_UNVERIFIED (1ULL << 59)
#define REPEATED_ERROR (1ULL << 58)

/* May another segment of this socket that moves no clock be emitted? */
static __noinline bool repeated__may_be_emitted(__u64 cookie, __u32 apart_jiffies)
{
	__u32 now = socket__jiffies(), *told = bpf_map_lookup_elem(&repeated, &cookie);

	if (told) {
		if (now - *told < apart_jiffies)
			return false;
		*told = now;
		return true;
	}
	bpf_map_update_elem(&repeated, &cookie, &now, BPF_ANY);
	return true;
}

#endif
