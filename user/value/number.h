/* SPDX-License-Identifier: GPL-2.0 */
/* Whole decimal numbers: digits, and nothing else. */
#ifndef HALFOPEN_VALUE_NUMBER_H
#define HALFOPEN_VALUE_NUMBER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* `length` characters of `text`, up to `max`. */
bool number__read(const char *text, size_t length, uint32_t max, uint32_t *number);

/* Writes the digits at `at`, 20 at most and no end; returns where they end. Without printf(3), as
 * there may be a million. */
char *number__put(char *at, uint64_t n);

#endif
