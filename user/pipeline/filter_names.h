/* SPDX-License-Identifier: GPL-2.0 */
/* Names in FILTER that can be known only by entering network namespaces. */
#ifndef HALFOPEN_PIPELINE_FILTER_NAMES_H
#define HALFOPEN_PIPELINE_FILTER_NAMES_H

#include <stdbool.h>

#include "filter/filter.h"

/* May we look for them? Else that was logged. NULL: no FILTER. */
bool filter_names__may_be_looked_for(const struct filter *filter);

#endif
