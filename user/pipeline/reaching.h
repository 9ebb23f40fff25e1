/* SPDX-License-Identifier: GPL-2.0 */
/* Can these peers hear a command now? Finds their connections, and asks those that were not heard a
 * moment ago. */
#ifndef HALFOPEN_PIPELINE_REACHING_H
#define HALFOPEN_PIPELINE_REACHING_H

#include "pipeline/history.h"
#include "pipeline/look.h"
#include "timeline/reach_result.h"

/* Whom: a peer, or the device of that name. */
struct reach_target {
	const char *text;		/* as it was given */
	bool is_device;
	struct endpoint peer;		/* endpoint__read_with_link(); port 0: any */
	char link[ENDPOINT_LINK_SIZE];	/* of a link-local peer: index or name; "": any */
};

struct reaching_config {
	const struct reach_target *targets;
	unsigned int target_count;
	const struct filter *filter;	/* connections that pass it alone; NULL: all */
	struct identities *devices;	/* NULL: no names are known */
	struct history *history;	/* NULL: there is none */
	uint64_t fresh_ns;		/* heard within that: it is not asked */
	uint64_t within_ns;		/* for the answer */
	unsigned int asks;		/* of one socket, at most, within that time */
	int end;			/* readable: waits no more */
};

/* One connection of a target, or the target without any. */
struct reach_row {
	unsigned int target;
	struct look_socket socket;
	struct reach_result result;	/* but for its origin; strings live as long as all of it */
};

struct reaching {
	struct look look;
	struct reach_row *rows;		/* by target; of one, whoever was heard last first */
	size_t count, size;
};

/* Returns 0, or -errno, logged: -EPERM where a capability is missing. To be freed in any case. */
int reaching__run(struct reaching *r, const struct reaching_config *config);
void reaching__free(struct reaching *r);

/* Of a target with several connections: reachable by one of them, else unknown if one is, else
 * silent; of several targets: reachable if all are, else silent if one is, else unknown. */
enum reach_answer reaching__answer(const struct reaching *r);

#endif
