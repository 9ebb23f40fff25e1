/* SPDX-License-Identifier: GPL-2.0 */
/* Present totals over all sockets. */
#ifndef HALFOPEN_CORE_SUMMARY_H
#define HALFOPEN_CORE_SUMMARY_H

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

#endif
