/* SPDX-License-Identifier: GPL-2.0 */
/* Present totals over all sockets. */
#ifndef HALFOPEN_CORE_SUMMARY_H
#define HALFOPEN_CORE_SUMMARY_H

#include "exposure/groups.h"
#include "exposure/ranking.h"
#include "timeline/timeline.h"

struct core;

/* Number of programs that a summary names. */
#define PROGRAMS_IN_SUMMARY 10

/* Totals of what is emitted; `kind`, origin, progress and the programs are left out. */
struct summary summary__now(struct core *core);

/* The programs with most sockets that would never notice a dead peer; returns how many, at most
 * `size`. */
unsigned int summary__without_keepalive(struct core *core, struct program_count *programs,
				       unsigned int size);

/*
 * Open sockets by program, port and namespace, most sockets first; false when memory is short. No
 * list of listening ports is at hand: a port of ours is one that several sockets have in one
 * namespace, or below the peer's; 0 stands for others. A key's `netns` is an index into the core's
 * namespaces. The caller frees it.
 */
bool summary__groups(struct core *core, struct exposure_groups *groups);

#endif
