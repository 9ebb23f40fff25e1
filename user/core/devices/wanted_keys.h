/* SPDX-License-Identifier: GPL-2.0 */
/* Keys (arrivals__key()) that are looked for in one walk over the table: sorted, behind a bitmap
 * that lets nearly all others pass at once. */
#ifndef HALFOPEN_CORE_DEVICES_WANTED_KEYS_H
#define HALFOPEN_CORE_DEVICES_WANTED_KEYS_H

#include <stdbool.h>
#include <stdint.h>

struct wanted_key {
	uint64_t key;
	uint32_t index; /* the caller's; of equal keys the lowest comes first */
};

struct wanted_keys {
	struct wanted_key *all;
	uint32_t count;
	uint64_t bits[1024];
};

/* Room for `most` keys. False when memory is short. */
bool wanted_keys__init(struct wanted_keys *w, uint32_t most);

void wanted_keys__add(struct wanted_keys *w, uint64_t key, uint32_t index);

/* After the last was added, before the first is looked for. */
void wanted_keys__sort(struct wanted_keys *w);

/* The place in `all` of the first with this key; `count` if there is none. */
uint32_t wanted_keys__find(const struct wanted_keys *w, uint64_t key);

/* The place after the last of the key that begins at `first`. */
uint32_t wanted_keys__end(const struct wanted_keys *w, uint32_t first);

void wanted_keys__free(struct wanted_keys *w);

#endif
