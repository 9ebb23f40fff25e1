/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A hash of values that peers choose (addresses, ports, names): SipHash-2-4 (Aumasson and
 * Bernstein, 2012) under a key that differs in each run, so that nobody can search for collisions.
 * By chance one pair in 2^64 collides, so no output depends on the key, and a replay under another
 * one gives the same.
 */
#ifndef HALFOPEN_VALUE_KEYED_HASH_H
#define HALFOPEN_VALUE_KEYED_HASH_H

#include <sodium.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct keyed_hash {
	uint8_t key[crypto_shorthash_KEYBYTES];
};

static inline uint64_t keyed_hash__of(const struct keyed_hash *h, const void *bytes, size_t size)
{
	uint8_t hash[crypto_shorthash_BYTES];
	uint64_t number;

	crypto_shorthash(hash, bytes, size, h->key);
	memcpy(&number, hash, sizeof(number));
	return number;
}

#endif
