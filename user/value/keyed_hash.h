/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A hash of what peers choose (addresses, ports, names): SipHash-2-4 (Aumasson and Bernstein, 2012)
 * under a key that is another in each run, so that nobody can look for two things of one hash. All
 * that chance leaves is one in 2^64, so nothing that is told depends on the key, and a replay under
 * another one tells the same.
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
