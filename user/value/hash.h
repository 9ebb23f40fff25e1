/* SPDX-License-Identifier: GPL-2.0 */
/* Spreads keys over a table. No defence against chosen keys: what is counted here is bounded, and a
 * collision costs a comparison. Keys that peers choose are for keyed_hash.h. */
#ifndef HALFOPEN_VALUE_HASH_H
#define HALFOPEN_VALUE_HASH_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

/* The finalizer of MurmurHash3 (Appleby, public domain). */
static inline uint64_t hash__number(uint64_t hash, uint64_t number)
{
	hash = (hash ^ number) + 0x9e3779b97f4a7c15ULL;
	hash = (hash ^ hash >> 33) * 0xff51afd7ed558ccdULL;
	hash = (hash ^ hash >> 33) * 0xc4ceb9fe1a85ec53ULL;
	return hash ^ hash >> 33;
}

/* `size` is a multiple of eight. */
static inline uint64_t hash__bytes(uint64_t hash, const void *bytes, size_t size)
{
	uint64_t word;
	size_t i;

	for (i = 0; i < size; i += sizeof(word)) {
		memcpy(&word, (const char *)bytes + i, sizeof(word));
		hash = hash__number(hash, word);
	}
	return hash;
}

#endif
