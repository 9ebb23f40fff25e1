/* SPDX-License-Identifier: GPL-2.0 */
/* Text for people that grows as it is written. */
#ifndef HALFOPEN_SINK_WORDS_H
#define HALFOPEN_SINK_WORDS_H

#include <stdbool.h>
#include <stddef.h>

struct words {
	char *text;
	size_t length, size;
	bool failed;	/* memory was short */
};

void words__add(struct words *w, const char *format, ...) __attribute__((format(printf, 2, 3)));
void words__free(struct words *w);

/* "2h11m15s", "4m", "1.5s": as people write it, exact to a tenth of a second. */
void words__add_duration(struct words *w, double s);

#endif
