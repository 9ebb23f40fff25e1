/* SPDX-License-Identifier: GPL-2.0 */
/* The first sockets of a look in one of its orders, of however many; nothing is kept of the others.
 */
#ifndef HALFOPEN_PIPELINE_LOOK_FIRST_H
#define HALFOPEN_PIPELINE_LOOK_FIRST_H

#include "pipeline/look_order.h"

struct look_first {
	enum look_key key;
	struct first_places places;	/* `most` of it is the caller's */
	struct look_socket *sockets;	/* by slot */
};

/* One socket more. False when memory is short. */
bool look_first__add(struct look_first *f, const struct look *l, const struct look_socket *s);

/* No more come: the places are in order. */
void look_first__sort(struct look_first *f);

/* The one at this place, from 0. */
const struct look_socket *look_first__at(const struct look_first *f, size_t place);

void look_first__free(struct look_first *f);

#endif
