/* SPDX-License-Identifier: GPL-2.0 */
/* All sockets together, as they are now. */
#ifndef HALFOPEN_CORE_SUMMARY_H
#define HALFOPEN_CORE_SUMMARY_H

#include "exposure/ranking.h"
#include "timeline/timeline.h"

struct core;

/* So many programs a summary names. */
#define PROGRAMS_IN_SUMMARY 10

/* What is told, counted; `kind`, origin, progress and the programs are left out. */
struct summary summary__now(struct core *core);

/* The programs with most sockets that would never notice a dead peer; returns how many, at most
 * `size`. */
unsigned int summary__blind_programs(struct core *core, struct program_count *programs,
				     unsigned int size);

#endif
