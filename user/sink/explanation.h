/* SPDX-License-Identifier: GPL-2.0 */
/* What each side of a connection would notice, and when, for people. */
#ifndef HALFOPEN_SINK_EXPLANATION_H
#define HALFOPEN_SINK_EXPLANATION_H

#include "stacks.h"
#include "words.h"

/* The first party is the server. */
void explanation__text(struct words *w, const struct party *all, unsigned int count);

#endif
