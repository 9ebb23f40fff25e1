/* SPDX-License-Identifier: GPL-2.0 */
/* Why FILTER kept all sockets out. */
#ifndef HALFOPEN_PIPELINE_LOOK_NOTHING_H
#define HALFOPEN_PIPELINE_LOOK_NOTHING_H

#include "pipeline/look.h"
#include "value/words.h"

/* After a look that found nothing, adds a line for each test that no connection passes now, with
 * what there is instead. Nothing without FILTER, or if something was found. */
void look_nothing__add(struct words *w, const struct look *l);

/* The same on standard error. */
void look_nothing__explain(const struct look *l);

/* After a look that found nothing: is there nothing that FILTER could match, as there is no such
 * namespace or running process, or no device is known here? (A connection of another address, port
 * or state may come at any time.) False without FILTER, or if something was found. */
bool look_nothing__is_impossible(const struct look *l);

#endif
