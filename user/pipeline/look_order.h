/* SPDX-License-Identifier: GPL-2.0 */
/* The order in which the sockets of a look are shown. */
#ifndef HALFOPEN_PIPELINE_LOOK_ORDER_H
#define HALFOPEN_PIPELINE_LOOK_ORDER_H

#include "exposure/places.h"
#include "pipeline/look.h"

enum look_key {
	LOOK_BY_SUSPICION,	/* suspects first, of them those that a program holds, then
				 * by longest silence */
	LOOK_BY_SILENCE, LOOK_BY_UNANSWERED, LOOK_BY_DEATH, LOOK_BY_NEXT, LOOK_BY_DETECTION,
	LOOK_BY_PEER, LOOK_BY_LOCAL, LOOK_BY_OWNER, LOOK_BY_STATE,
	LOOK_BY_DEAD,		/* likeliest first, who is not known last */
};

/* silent, unanswered, dies, next, notices, peer, local, owner, state, dead; false for another name. */
bool look_key__named(const char *name, enum look_key *key);

/* Longest silence, most asks, soonest deadline, slowest detection (never: first); names and numbers
 * upwards. Equals by their peers. */
struct place look_place__of(const struct look *l, const struct look_socket *s, enum look_key key);

/* As the order of places wants them (places.h): NULL unless this key is of owners. */
const struct owners *look_key__owners(const struct look *l, enum look_key key);

#endif
