/* SPDX-License-Identifier: GPL-2.0 */
/* Which programs hold how many sockets, whatever their processes. */
#ifndef HALFOPEN_CORE_EXPOSURE_RANKING_H
#define HALFOPEN_CORE_EXPOSURE_RANKING_H

#include <stddef.h>

struct program_count {
	char comm[16];	/* "": not known */
	size_t sockets;
};

/* Adds up those of one name and puts those with most sockets first, equals by their names; returns
 * how many there are now. */
size_t ranking__of_programs(struct program_count *all, size_t count);

#endif
