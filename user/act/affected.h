/* SPDX-License-Identifier: GPL-2.0 */
/* Sockets that a change of a namespace's sysctls affects. */
#ifndef HALFOPEN_ACT_AFFECTED_H
#define HALFOPEN_ACT_AFFECTED_H

#include <stddef.h>
#include <stdint.h>

#include "exposure/ranking.h"

struct affected {
	/* Programs with sockets that have keepalive on and take an option from the sysctls; most
	 * first. */
	struct program_count *programs;
	size_t program_count;
	size_t following, without,
		own; /* sockets: that follow, without keepalive, all options own */
};

/* Looks through the processes of this host. Returns 0, -EPERM where a capability lacks, or -errno.
 */
int affected__find(uint32_t netns, struct affected *a);
void affected__free(struct affected *a);

#endif
