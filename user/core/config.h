/* SPDX-License-Identifier: GPL-2.0 */
/* Configuration of the core. */
#ifndef HALFOPEN_CORE_CONFIG_H
#define HALFOPEN_CORE_CONFIG_H

#include <stdbool.h>
#include <stdint.h>

#include "filter/filter.h"
#include "stream/record.h"
#include "timeline/privacy.h"
#include "value/keyed_hash.h"

struct core_config {
	bool all;		/* emit sockets without events, too */
	bool events;		/* emit each event, fold nothing */
	uint32_t suspect_after;	/* asks unanswered */
	uint64_t every_ns;	/* timelines of open sockets at this interval; 0: never */
	const struct filter *filter;	/* which sockets to emit; NULL: all */
	const struct privacy *privacy;	/* of peers in the output; NULL: none */
	struct keyed_hash hash;	/* a random key; the output does not depend on it */
	/* Called for each record that was taken; may be NULL. Never for those of sockets that the
	 * filter rejects; for those that it cannot decide on yet, once it can. In this order they
	 * are a stream that gives the same output. */
	void (*taken)(void *context, const struct record *r);
	void *taken_context;
};

#endif
