/* SPDX-License-Identifier: GPL-2.0 */
/* Advice as lines of JSON: halfopen.advice/1 and halfopen.compare/1. */
#ifndef HALFOPEN_SINK_ADVICE_JSON_H
#define HALFOPEN_SINK_ADVICE_JSON_H

#include "timeline/line.h"
#include "tuning/advice.h"
#include "tuning/comparison.h"

void advice_json__write(struct json *j, struct line_origin *origin, const struct lives *l,
			const struct advice *a);
void comparison_json__write(struct json *j, struct line_origin *origin, const struct comparison *c);

#endif
