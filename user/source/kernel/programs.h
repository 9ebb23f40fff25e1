/* SPDX-License-Identifier: GPL-2.0 */
/* The kernel side as user space sees it: the programs that this kernel accepts, and attaching
 * them. */
#ifndef HALFOPEN_SOURCE_KERNEL_PROGRAMS_H
#define HALFOPEN_SOURCE_KERNEL_PROGRAMS_H

#include <stdbool.h>
#include <stddef.h>

#include "event.h"
#include "kernel/support.h"
#include "watch.skel.h"

struct kernel_btf;

struct programs_config {
	struct kernel_btf *btf;		/* this kernel's */
	struct ho_learned learned;	/* this kernel's offsets of its keepalive timer */
	unsigned int hz;
	size_t ring_bytes;		/* a power of two */
	unsigned int idle_gap_ms;	/* idle gaps are emitted from this length on */
	bool all_states;		/* emit every state change */
};

/* Size of the ring for a host with this many TCP sockets. */
size_t programs__ring_bytes(size_t sockets);

/* The jobs of the programs on tracepoints, to be tried with a programs_config. */
extern const struct support_object programs_trial;
#define PROGRAMS_PARTS 12

/*
 * Loads the programs that this kernel accepts; what stays unknown was logged. Returns 0 or -errno,
 * logged; then there is nothing to destroy.
 */
int programs__load(const struct programs_config *config, struct watch_bpf **bpf);

/* Attaches the programs on timers, or all others. Returns 0 or -errno, logged. */
int programs__attach(struct watch_bpf *bpf, bool timers);

/* Are probes seen when they are sent? Once those on timers were attached. */
bool programs__see_probes(const struct watch_bpf *bpf);

/* Names of the loaded programs, each followed by a space. */
void programs__list(const struct watch_bpf *bpf, char *names, size_t size);

#endif
