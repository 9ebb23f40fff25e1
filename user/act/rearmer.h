/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Makes idle sockets take new sysctls now, where that brings their next probe forward: the kernel
 * does not do so, an armed timer of two hours expires first (bpf/act.bpf.c says how). Counts their
 * endings.
 */
#ifndef HALFOPEN_ACT_REARMER_H
#define HALFOPEN_ACT_REARMER_H

#include <stdint.h>

#include "act.h"

/* A peer that was heard within this time counts as alive; one that was not may be dead for long. */
#define REARMER_HEARD_S 300

struct rearmer;

/* Opens it for the namespace with this inode, which this thread is in. Returns 0, -EPERM where a
 * capability lacks, -ENOTSUP where this kernel lets no iterator set options (before 5.15), or
 * -errno; logged. */
int rearmer__open(uint32_t netns, struct rearmer **rearmer);

/* One pass over all sockets: arms up to `allowance` sockets that are due, and follows those that
 * were armed. Returns 0 or -errno. */
int rearmer__pass(struct rearmer *r, uint64_t allowance);

/* Counts of the last pass, and counts of all so far, which the kernel side updates at any time. */
const volatile struct ho_rearm_counts *rearmer__counts(const struct rearmer *r);

void rearmer__close(struct rearmer *r);

#endif
