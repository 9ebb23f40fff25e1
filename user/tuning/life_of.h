/* SPDX-License-Identifier: GPL-2.0 */
/* Timelines as lives: what advice rests on, from the core or from a file, as the sink is fed. */
#ifndef HALFOPEN_TUNING_LIFE_OF_H
#define HALFOPEN_TUNING_LIFE_OF_H

#include "timeline/sink.h"
#include "tuning/life.h"

/* Takes every timeline, and what runs say of themselves; -ENOMEM where memory is short. */
struct sink lives__sink(struct lives *l);

#endif
