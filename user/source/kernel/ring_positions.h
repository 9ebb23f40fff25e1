/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Positions up to which a BPF ring buffer was written and read. Its reader stops at a record that
 * is reserved and not submitted yet, which libbpf (before 1.3) does not report.
 */
#ifndef HALFOPEN_SOURCE_KERNEL_RING_POSITIONS_H
#define HALFOPEN_SOURCE_KERNEL_RING_POSITIONS_H

#include <stdbool.h>

struct ring_positions {
	void *pages;	/* NULL: not mapped */
	const unsigned long *consumer, *producer;
};

/* Maps them read-only. Returns 0 or -errno. */
int ring_positions__map(struct ring_positions *p, int map_fd);
void ring_positions__unmap(struct ring_positions *p);

/* Behind the last record that is reserved by now. */
unsigned long ring_positions__reserved(const struct ring_positions *p);

/* Was everything before this position read? */
bool ring_positions__is_read(const struct ring_positions *p, unsigned long reserved);

#endif
