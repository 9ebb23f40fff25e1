// SPDX-License-Identifier: GPL-2.0
#include <stdlib.h>
#include <string.h>

#include "kernel/inodes.h"
#include "value/array.h"

/* Its place, or the place where it would be. */
static size_t find(const struct inodes *i, uint32_t inode)
{
	size_t low = 0, high = i->count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (i->sorted[middle] < inode)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

bool inodes__has(struct inodes *i, uint32_t inode)
{
	size_t at;

	if (inode == i->last)
		return true;
	at = find(i, inode);
	if (at == i->count || i->sorted[at] != inode)
		return false;
	i->last = inode;
	return true;
}

bool inodes__add(struct inodes *i, uint32_t inode)
{
	uint32_t *bigger;
	size_t at;

	if (inodes__has(i, inode))
		return false;
	bigger = array__with_room(i->sorted, i->count, &i->size, sizeof(*bigger));
	if (!bigger)
		return false;
	i->sorted = bigger;
	at = find(i, inode);
	memmove(&i->sorted[at + 1], &i->sorted[at], (i->count - at) * sizeof(*i->sorted));
	i->sorted[at] = inode;
	i->count++;
	return true;
}

void inodes__remove(struct inodes *i, uint32_t inode)
{
	size_t at = find(i, inode);

	if (at == i->count || i->sorted[at] != inode)
		return;
	i->count--;
	memmove(&i->sorted[at], &i->sorted[at + 1], (i->count - at) * sizeof(*i->sorted));
	i->last = 0;
}

bool inodes__are_within(const struct inodes *some, struct inodes *all)
{
	size_t n;

	for (n = 0; n < some->count; n++)
		if (!inodes__has(all, some->sorted[n]))
			return false;
	return true;
}

void inodes__forget(struct inodes *i)
{
	i->count = 0;
	i->last = 0;
}

void inodes__free(struct inodes *i)
{
	free(i->sorted);
	*i = (struct inodes){ 0 };
}
