/* SPDX-License-Identifier: GPL-2.0 */
/* Times as RFC 3339 writes them: 2026-11-21T09:42:48.5Z, 2026-11-21T10:42:48+01:00. */
#ifndef HALFOPEN_VALUE_RFC3339_H
#define HALFOPEN_VALUE_RFC3339_H

#include <stdbool.h>
#include <stdint.h>

/* Since 1970; nanoseconds of both fit into 63 bits. */
struct rfc3339_time {
	int64_t s;
	uint32_t ns;
};

/* False unless `text` is such a time, of a day that there is, from 1970 to 2261. */
bool rfc3339__parse(const char *text, struct rfc3339_time *time);

#endif
