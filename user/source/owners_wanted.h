/* SPDX-License-Identifier: GPL-2.0 */
/* New sockets whose owners are not known yet: the next pass over open files looks for them. */
#ifndef HALFOPEN_SOURCE_OWNERS_WANTED_H
#define HALFOPEN_SOURCE_OWNERS_WANTED_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct wanted;

struct owners_wanted {
	struct wanted *wanted;
	size_t count, size;
};

/* Beyond OWNERS_WANTED_MAX, and where memory is short, a socket stays without an owner. */
#define OWNERS_WANTED_MAX (1 << 18)

void owners_wanted__add(struct owners_wanted *o, uint64_t cookie);
bool owners_wanted__any(const struct owners_wanted *o);

/* Around a pass: what it did not find is looked for once more (a connection may wait to be
 * accepted), and then given up. */
void owners_wanted__begin(struct owners_wanted *o);
bool owners_wanted__take(struct owners_wanted *o, uint64_t cookie);
void owners_wanted__end(struct owners_wanted *o);

void owners_wanted__free(struct owners_wanted *o);

#endif
