/* SPDX-License-Identifier: GPL-2.0 */
/* Notes that programs on one CPU leave for each other: the hooks of one call chain run in turn. */
#ifndef HALFOPEN_CPU_NOTE_BPF_H
#define HALFOPEN_CPU_NOTE_BPF_H

#include "compat.bpf.h"

/* The socket whose timer runs on this CPU, as it was when the timer fired. */
struct timer_note {
	__u64 sk;		/* 0: none */
	__u64 cookie;
	__u64 mono_ns;
	__u32 probes_out;
	__u32 unprompted;	/* unprompted_segments() */
	bool keepalive;		/* that timer, or the one that asks for a window */
	bool due;		/* idle for long enough, nothing under way: a probe must follow */
	bool dropped;		/* this host dropped a segment of the socket meanwhile */
};

struct cpu_note {
	struct timer_note timer;
	__u64 dropped_of;	/* the last socket whose dropped segment was emitted */
	__u64 changed;		/* the last socket whose state changed; 0: its twin program ran,
				 * too */
	__u64 outer;		/* the note of the call that this one interrupted; 0: none */
	__u64 emitted_ending;	/* the last orphan whose end was emitted: it is destroyed in the
				 * same call, and the second witness has nothing to add; a socket
				 * that a program holds may be connected again before that */
	int changed_to, outer_to;
};

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct cpu_note);
} cpu_notes SEC(".maps");

static __always_inline struct cpu_note *this_cpu_note(void)
{
	__u32 zero = 0;

	return bpf_map_lookup_elem(&cpu_notes, &zero);
}

static __always_inline bool in_keepalive_timer(const struct cpu_note *note, const struct sock *sk)
{
	return note->timer.sk == (__u64)sk && note->timer.keepalive;
}

#endif
