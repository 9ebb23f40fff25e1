// SPDX-License-Identifier: GPL-2.0
#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "value/quantity.h"

struct unit {
	const char *name;
	uint64_t factor;
};

/* Unsigned decimal digits at `*text`, which moves behind them. */
static bool digits(const char **text, uint64_t *number)
{
	char *end;

	if (!isdigit((unsigned char)**text))
		return false;
	errno = 0;
	*number = strtoull(*text, &end, 10);
	*text = end;
	return errno == 0;
}

/* The longest unit whose name stands at `*text`. */
static const struct unit *unit_at(const char **text, const struct unit *units)
{
	const struct unit *u, *found = NULL;

	for (u = units; u->name; u++)
		if (!strncmp(*text, u->name, strlen(u->name)) &&
		    (!found || strlen(u->name) > strlen(found->name)))
			found = u;
	if (found)
		*text += strlen(found->name);
	return found;
}

#define DAY_NS 86400000000000ULL
#define DURATION_MAX_NS (36500 * DAY_NS)
#define SIZE_MAX_BYTES (1ULL << 60)

bool quantity__duration(const char *text, uint64_t *ns)
{
	static const struct unit units[] = {
		{ "ms", 1000000 }, { "s", 1000000000 }, { "m", 60000000000 },
		{ "h", 3600000000000 }, { "d", DAY_NS }, { NULL, 0 },
	};
	uint64_t sum = 0, number, part;

	if (!*text)
		return false;
	while (*text) {
		const struct unit *u;

		if (!digits(&text, &number) || !(u = unit_at(&text, units)) ||
		    __builtin_mul_overflow(number, u->factor, &part) ||
		    __builtin_add_overflow(sum, part, &sum) || sum > DURATION_MAX_NS)
			return false;
	}
	*ns = sum;
	return true;
}

bool quantity__size(const char *text, uint64_t *bytes)
{
	static const struct unit units[] = {
		{ "B", 1 }, { "kB", 1000 }, { "KB", 1000 }, { "MB", 1000000 }, { "GB", 1000000000 },
		{ "KiB", 1 << 10 }, { "MiB", 1 << 20 }, { "GiB", 1 << 30 }, { NULL, 0 },
	};
	const struct unit *u = &units[0];	/* B, where none is given */
	uint64_t number;

	if (!digits(&text, &number) || (*text && !(u = unit_at(&text, units))) || *text)
		return false;
	return !__builtin_mul_overflow(number, u->factor, bytes) && *bytes <= SIZE_MAX_BYTES;
}

bool quantity__number(const char *text, uint64_t min, uint64_t max, uint64_t *number)
{
	return digits(&text, number) && !*text && *number >= min && *number <= max;
}
