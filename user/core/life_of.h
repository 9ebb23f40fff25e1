/* SPDX-License-Identifier: GPL-2.0 */
/* Timelines as lives: what advice rests on, from the core or from a file, as the sink is fed. */
#ifndef HALFOPEN_CORE_LIFE_OF_H
#define HALFOPEN_CORE_LIFE_OF_H

#include "life.h"
#include "sink.h"

/* Takes every timeline, and what runs say of themselves; -ENOMEM where memory is short. */
struct sink lives__sink(struct lives *l);

#endif
