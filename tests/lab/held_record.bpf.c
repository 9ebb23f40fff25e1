// SPDX-License-Identifier: GPL-2.0
/* Reserves a record in the ring of a running watch and submits it much later, as a program does
 * whose (virtual) CPU is taken away between the two. Loaded by test_order.py. */
#include "vmlinux.h"
#include <bpf/bpf_helpers.h>

#include "event.h"

char LICENSE[] SEC("license") = "GPL";

/* Contents of the record besides NETNS; it is held for HELD_MS. */
#ifndef COOKIE
#define COOKIE 0xbad00000000	/* no socket's: those are counted from 1 */
#endif
#ifndef KIND
#define KIND HO_STATE
#endif
#ifndef STATE
#define STATE TCP_ESTABLISHED
#endif
#ifndef AHEAD_NS
#define AHEAD_NS 0	/* of the clock */
#endif
/* More rounds than any test waits for: each reads the clock. */
#define ROUNDS (1 << 23)

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 4096);	/* replaced by the watch's own */
} events SEC(".maps");

static int read_clock(__u32 round, __u64 *until_ns)
{
	return bpf_ktime_get_ns() >= *until_ns;
}

static int read_clock_often(__u32 round, __u64 *until_ns)
{
	bpf_loop(ROUNDS, read_clock, until_ns, 0);
	return bpf_ktime_get_ns() >= *until_ns;
}

SEC("tc")
int hold(struct __sk_buff *skb)
{
	__u64 until_ns = bpf_ktime_get_ns() + HELD_MS * 1000000ULL;
	struct ho_event *e = bpf_ringbuf_reserve(&events, HO_EVENT_SMALL, 0);

	if (!e)
		return 1;
	__builtin_memset(e, 0, HO_EVENT_SMALL);
	e->kind = KIND;
	e->cookie = COOKIE;
	e->mono_ns = bpf_ktime_get_ns() + AHEAD_NS;
	e->family = 2;
	e->state = STATE;
	e->old_state = TCP_SYN_RECV;
	e->netns = NETNS;
	e->local_port = 7000;
	e->peer_port = 40000;
	bpf_loop(ROUNDS, read_clock_often, &until_ns, 0);
	bpf_ringbuf_submit(e, 0);
	return 0;
}
