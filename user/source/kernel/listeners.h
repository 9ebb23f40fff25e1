/* SPDX-License-Identifier: GPL-2.0 */
/* Listening ports, by network namespace: connections from other ports were made from here. */
#ifndef HALFOPEN_SOURCE_KERNEL_LISTENERS_H
#define HALFOPEN_SOURCE_KERNEL_LISTENERS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct listeners {
	uint64_t *sorted;	/* inode and port */
	size_t count, size;
	bool is_sorted;
	bool incomplete;	/* some could not be read */
};

/* Those of the namespace that this thread is in, which has this inode. */
void listeners__read(struct listeners *l, uint32_t netns);

bool listeners__has(struct listeners *l, uint32_t netns, uint16_t port);

void listeners__free(struct listeners *l);

#endif
