/* SPDX-License-Identifier: GPL-2.0 */
/* Places in an open-addressed table of sockets of any size, searched from a cookie's home place
 * onwards (linear probing). */
#ifndef HALFOPEN_CORE_TABLE_PLACES_H
#define HALFOPEN_CORE_TABLE_PLACES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Cookies are small integers in runs; multiplying by 2^64 / phi spreads them. */
static inline size_t places__home(uint64_t cookie, size_t size)
{
	return (cookie * 0x9e3779b97f4a7c15ULL >> 32) * size >> 32;
}

static inline size_t places__next(size_t i, size_t size)
{
	return i + 1 < size ? i + 1 : 0;
}

/* The distance from one place to a later one, around the end. */
static inline size_t places__distance(size_t from, size_t to, size_t size)
{
	return to >= from ? to - from : to + size - from;
}

/* Is no more than an eighth of the places left free? */
static inline bool places__is_full(size_t used, size_t size)
{
	return used + 1 > size - size / 8;
}

#define PLACES_MIN 64

static inline size_t places__bigger(size_t size)
{
	return size ? size + size / 8 : PLACES_MIN;
}

/* A size that holds so many without growing. */
static inline size_t places__for(size_t count)
{
	return count + count / 7 + PLACES_MIN;
}

#endif
