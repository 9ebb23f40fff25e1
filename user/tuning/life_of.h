/* SPDX-License-Identifier: GPL-2.0 */
/* Timelines as histories: the input of advice, from the core or from a file, as a sink. */
#ifndef HALFOPEN_TUNING_LIFE_OF_H
#define HALFOPEN_TUNING_LIFE_OF_H

#include "timeline/sink.h"
#include "tuning/life.h"

/* Takes every timeline and meta; -ENOMEM where memory is short. */
struct sink lives__sink(struct lives *l);

#endif
