/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Sockets with the same options, and how their peers speak: in which of their silences would
 * keepalive ask? A gap that our probe ended was part of a longer silence; data of the peer ends
 * one, and so does data of our program, which it acknowledges.
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

/* Adds a socket with keepalive; `weight`: the number of sockets that it stands for. False when
 * memory is short. */
bool alike__add(struct alike *a, const struct life *life, double weight);
void alike__free(struct alike *a);

#endif
