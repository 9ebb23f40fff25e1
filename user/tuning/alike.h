/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Sockets with the same options, and how their peers speak: in which silences of theirs would
 * keepalive ask? A gap that our probe ended was part of a longer silence; the peer's own words end
 * one, and so do our program's, which it acknowledges.
 */
#ifndef HALFOPEN_TUNING_ALIKE_H
#define HALFOPEN_TUNING_ALIKE_H

#include "tuning/life.h"
#include "tuning/prediction.h"

/* Which options of a kind of sockets come from sysctl. */
struct follows { bool idle, interval, probes; };

struct alike {
	struct sockets_alike *all;
	struct follows *follows;
	size_t count;
};

/* A socket with keepalive; `weight`: of how many at once it is one. False when memory is short. */
bool alike__add(struct alike *a, const struct life *life, double weight);
void alike__free(struct alike *a);

#endif
