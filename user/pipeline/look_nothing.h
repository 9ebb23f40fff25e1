/* SPDX-License-Identifier: GPL-2.0 */
/* Why FILTER kept all sockets out. */
#ifndef HALFOPEN_PIPELINE_LOOK_NOTHING_H
#define HALFOPEN_PIPELINE_LOOK_NOTHING_H

#include "pipeline/look.h"

/* Of a look that found nothing, on standard error: which tests no connection passes now, and what there
 * is instead. Nothing where there is no FILTER, or something was found. */
void look_nothing__explain(const struct look *l);

#endif
