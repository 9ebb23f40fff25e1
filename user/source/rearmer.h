/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Makes sockets that are idle already take new sysctls now: the kernel does not, an armed timer of
 * two hours runs out first (bpf/rearm.bpf.c says how).
 */
#ifndef HALFOPEN_SOURCE_REARMER_H
#define HALFOPEN_SOURCE_REARMER_H

#include <stdint.h>

struct rearmer;

struct rearmed {
	uint64_t sockets;	/* that took the new values */
	uint64_t asking;	/* that were asking already, and were left alone */
	uint64_t refused;
};

/* For the namespace that this thread is in. Returns 0, -EPERM where a capability lacks, -ENOTSUP
 * where this kernel has no setsockopt for iterators (before 5.15), or -errno; logged. */
int rearmer__open(struct rearmer **rearmer);

/* The `slice`-th of `slices` parts of all sockets. Returns 0 or -errno. */
int rearmer__pass(struct rearmer *r, unsigned int slice, unsigned int slices);

struct rearmed rearmer__done(const struct rearmer *r);

void rearmer__close(struct rearmer *r);

/* Connections that the kernel gave up in this namespace so far (TCPAbortOnTimeout), by keepalive or
 * retransmission; 0 if it does not say. */
uint64_t rearmer__deaths(void);

#endif
