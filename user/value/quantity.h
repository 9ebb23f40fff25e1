/* SPDX-License-Identifier: GPL-2.0 */
/* Durations and sizes as people write them. */
#ifndef HALFOPEN_VALUE_QUANTITY_H
#define HALFOPEN_VALUE_QUANTITY_H

#include <stdbool.h>
#include <stdint.h>

/* Longer ones are taken for mistakes; any clock can be added to this one without overflow. */
#define QUANTITY_DURATION_MAX "36500d"

/* "90s", "1h30m", "2d", "250ms"; a unit is required. Nanoseconds, at most QUANTITY_DURATION_MAX. */
bool quantity__duration(const char *text, uint64_t *ns);

/* "65536", "64KiB", "1GB". Bytes, at most 2^60. */
bool quantity__size(const char *text, uint64_t *bytes);

/* A plain number within [min, max], nothing else around it. */
bool quantity__number(const char *text, uint64_t min, uint64_t max, uint64_t *number);

#endif
