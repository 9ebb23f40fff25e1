/* SPDX-License-Identifier: GPL-2.0 */
/* The time of day, in the local time zone. */
#ifndef HALFOPEN_SINK_TEXT_CLOCK_WORDS_H
#define HALFOPEN_SINK_TEXT_CLOCK_WORDS_H

#include <stdbool.h>

#include "value/words.h"

/* 14:03:22, or 14:03:22.125 (`fine`), of nanoseconds since 1970. */
void clock_words__add(struct words *w, int64_t unix_ns, bool fine);

/* 2026-11-26 14:03:22, the date where it is not that of `now`. */
void clock_words__add_dated(struct words *w, int64_t unix_ns, int64_t now_ns, bool fine);

#endif
