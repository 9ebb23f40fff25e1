/* SPDX-License-Identifier: GPL-2.0 */
/* Text for people that grows as it is written. */
#ifndef HALFOPEN_VALUE_WORDS_H
#define HALFOPEN_VALUE_WORDS_H

#include <stdbool.h>
#include <stddef.h>

struct words {
	char *text;
	size_t length, size;
	bool failed;	/* memory was short */
};

/* As printf(3); strings that go into `format`, which is ours, come out plain (plain_text.h). */
void words__add(struct words *w, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* As it is: bytes of our own, or words that were made here. */
void words__append(struct words *w, const char *text, size_t length);
/* " WORD", as a shell reads it (plain_text__quoted()), never cut: of a command. */
void words__add_argument(struct words *w, const char *word);

void words__free(struct words *w);

/* "2h11m15s", "4m", "1.5s": as people write it, exact to a tenth of a second. */
void words__add_duration(struct words *w, double s);

#endif
