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
	bool all;		/* tell sockets that have nothing to tell, too */
	bool events;		/* tell each event, fold nothing */
	uint32_t suspect_after;	/* asks unanswered */
	uint64_t every_ns;	/* timelines of open sockets at this interval; 0: never */
	const struct filter *filter;	/* of which sockets to tell; NULL: of all */
	const struct privacy *privacy;	/* of what is told of peers; NULL: none */
	struct keyed_hash hash;	/* a random key; what is told does not depend on it */
	/* Is told of each record that was taken; NULL: nobody. Those of sockets that the filter
	 * keeps out never are; of those that it cannot decide on yet, when it can. In this order
	 * they make a stream that tells the same. */
	void (*taken)(void *context, const struct record *r);
	void *taken_context;
};

#endif
