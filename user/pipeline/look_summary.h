/* SPDX-License-Identifier: GPL-2.0 */
/* A look's sockets, counted by program, port, namespace and carrier. */
#ifndef HALFOPEN_PIPELINE_LOOK_SUMMARY_H
#define HALFOPEN_PIPELINE_LOOK_SUMMARY_H

#include "exposure/groups.h"
#include "pipeline/look.h"
#include "pipeline/look_probed.h"
#include "timeline/socket_now.h"
#include "value/named_network.h"

struct look_summary {
	const struct named_network *carriers;	/* the caller's; their names outlive it */
	unsigned int carrier_count;
	struct look_probed probed;	/* .probed NULL: none */
	/* Groups of connections from here that no program holds, each of another namespace without a
	 * name, are one for each carrier. */
	bool folds;
	struct exposure_counts total;
	struct exposure_groups groups, folded;
	struct sockets_group *values;
};

/* One socket more: a look_config's `take`, whose context is the summary. */
bool look_summary__add(void *context, struct look *l, const struct look_socket *s);

/* Counts how likely its peer is dead, or why that is not known. */
void look_summary__add_chance(const struct look *l, const struct look_socket *s,
			      const struct exposure *x, struct exposure_counts *counts);

/* Counts of a look, as they are shown; valid as long as the look. */
struct sockets_counts look_summary__counts(const struct look *l, const struct exposure_counts *c);

/* The value, but for its origin; it is valid as long as look and summary. False when memory is
 * short. */
bool look_summary__value(struct look_summary *m, const struct look *l,
			 struct sockets_summary *value);

void look_summary__free(struct look_summary *m);

#endif
