/* SPDX-License-Identifier: GPL-2.0 */
/* Arrays that grow by one item at a time. */
#ifndef HALFOPEN_VALUE_ARRAY_H
#define HALFOPEN_VALUE_ARRAY_H

#include <stddef.h>

/*
 * Room behind `count` items, of `each` bytes, for one more. Returns the array, moved and twice as
 * large where it was full (`*size` items); it is the caller's to free. NULL: memory is short, and
 * the array and its size are as before.
 */
void *array__with_room(void *all, size_t count, size_t *size, size_t each);

#endif
