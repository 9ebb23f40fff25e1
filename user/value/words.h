/* SPDX-License-Identifier: GPL-2.0 */
/* Text for people that grows as it is written. */
#ifndef HALFOPEN_VALUE_WORDS_H
#define HALFOPEN_VALUE_WORDS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct words {
	char *text;
	size_t length, size;
	bool failed;	/* memory was short */
};

/* As printf(3); string arguments to `format`, which is ours, are made safe to print
 * (plain_text.h). */
void words__add(struct words *w, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Appends trusted text unchanged: our own, or made by these functions. */
void words__append(struct words *w, const char *text, size_t length);
/* " WORD" of a command, quoted for a shell (plain_text__quoted()), never cut. */
void words__add_argument(struct words *w, const char *word);

/* Breaks the lines from byte `from` on between words, where they are wider than a terminal of
 * `columns` (0: any). */
void words__wrap(struct words *w, size_t from, unsigned int columns);

void words__free(struct words *w);

/* "2h11m15s", "4m", "1.5s": as people write it, to the nearest tenth of a second, and from
 * a minute on to the nearest second. */
void words__add_duration(struct words *w, double s);

/* The same of a time that somebody set, which is not rounded: "1ms", "1.25s", "1m0.5s". */
void words__add_set_duration(struct words *w, double s);

/* "48,112". */
void words__add_count(struct words *w, uint64_t n);

/* "48,112 sockets", "1 socket". */
void words__add_counted(struct words *w, uint64_t n, const char *thing);

#endif
