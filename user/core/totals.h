/* SPDX-License-Identifier: GPL-2.0 */
/* What is counted of all sockets; core__summary() gives it. */
#ifndef HALFOPEN_CORE_TOTALS_H
#define HALFOPEN_CORE_TOTALS_H

#include "core.h"
#include "ranking.h"

/* So many programs a summary names. */
#define PROGRAMS_IN_SUMMARY 10

/* The programs with most sockets that would never notice a dead peer; returns how many, at most
 * `size`. */
unsigned int totals__blind_programs(struct core *core, struct program_count *programs,
				    unsigned int size);

#endif
