/* SPDX-License-Identifier: GPL-2.0 */
/* A set of inodes of namespaces, looked up once an event: mostly the same one again. */
#ifndef HALFOPEN_SOURCE_KERNEL_INODES_H
#define HALFOPEN_SOURCE_KERNEL_INODES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct inodes {
	uint32_t *sorted;
	size_t count, size;
	uint32_t last;	/* the member that was looked up last; 0: none */
};

bool inodes__has(struct inodes *i, uint32_t inode);

/* True if it is new. */
bool inodes__add(struct inodes *i, uint32_t inode);
void inodes__remove(struct inodes *i, uint32_t inode);

/* Is each of `some` in `all`? */
bool inodes__are_within(const struct inodes *some, struct inodes *all);

void inodes__forget(struct inodes *i);
void inodes__free(struct inodes *i);

#endif
