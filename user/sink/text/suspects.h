/* SPDX-License-Identifier: GPL-2.0 */
/* Sockets that are suspect at the end: those that were silent longest, and how many more. */
#ifndef HALFOPEN_SINK_TEXT_SUSPECTS_H
#define HALFOPEN_SINK_TEXT_SUSPECTS_H

#include <stdbool.h>
#include <stdint.h>

#include "value/words.h"

/* So many are told. */
#define SUSPECTS_TOLD 10

struct suspect {
	int64_t at;
	double silent_s;
	struct words line;
};

struct suspects {
	struct suspect *all;	/* the longest silent first, once sorted */
	size_t count, size;
	uint64_t more;
};

/* Takes the line. Unless `each`, only those that are told are kept. */
void suspects__add(struct suspects *s, int64_t at, double silent_s, struct words *line,
		   bool each);

/* Puts the longest silent first, and drops those that are not told. */
void suspects__sort(struct suspects *s, bool each);

void suspects__free(struct suspects *s);

#endif
