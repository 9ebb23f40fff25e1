/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Makes sockets that are idle already take new sysctls now, where that brings their next probe
 * forward: the kernel does not, an armed timer of two hours runs out first (bpf/act.bpf.c says
 * how). Sees what becomes of them.
 */
#ifndef HALFOPEN_ACT_REARMER_H
#define HALFOPEN_ACT_REARMER_H

#include <stdint.h>

#include "act.h"

/* Who was heard within this time is alive; who was not may be dead for long. */
#define REARMER_HEARD_S 300

struct rearmer;

/* For the namespace with this inode, which this thread is in. Returns 0, -EPERM where a capability
 * lacks, -ENOTSUP where this kernel lets no iterator set options (before 5.15), or -errno; logged. */
int rearmer__open(uint32_t netns, struct rearmer **rearmer);

/* One pass over all sockets: arms as many of those that are due as are allowed, and looks after those
 * that were armed. Returns 0 or -errno. */
int rearmer__pass(struct rearmer *r, uint64_t allowance);

/* The counts of the last pass, and those of all so far, which go on by themselves. */
const volatile struct ho_rearm_counts *rearmer__counts(const struct rearmer *r);

void rearmer__close(struct rearmer *r);

#endif
