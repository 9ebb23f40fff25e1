/* SPDX-License-Identifier: GPL-2.0 */
/* The commands of an advice, to be pasted on the namespace's host: each addresses that namespace or
 * changes nothing, and is whole and quoted for a shell. */
#ifndef HALFOPEN_SINK_TEXT_ADVICE_COMMANDS_H
#define HALFOPEN_SINK_TEXT_ADVICE_COMMANDS_H

#include "tuning/advice.h"
#include "value/words.h"

#define ADVICE_COMMANDS_MAX 2

struct advice_commands {
	/* The first is `halfopen apply`, if the namespace can be addressed; the other one is for
	 * the maker of the namespace. */
	struct words all[ADVICE_COMMANDS_MAX];
	unsigned int count;
	struct words undo;	/* of the first */
	const char *missing;	/* why there is no first one; NULL: there is, or nothing to do */
};

void advice_commands__make(const struct lives *l, const struct advice *a,
			   struct advice_commands *c);

/* Was memory short? */
bool advice_commands__failed(const struct advice_commands *c);

void advice_commands__free(struct advice_commands *c);

#endif
