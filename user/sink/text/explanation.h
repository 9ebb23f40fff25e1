/* SPDX-License-Identifier: GPL-2.0 */
/* The output of explain: what each side of a connection notices, and when. */
#ifndef HALFOPEN_SINK_TEXT_EXPLANATION_H
#define HALFOPEN_SINK_TEXT_EXPLANATION_H

#include "tuning/parties.h"
#include "value/words.h"

/* The first party is the server. */
void explanation__text(struct words *w, const struct party *all, unsigned int count);

#endif
