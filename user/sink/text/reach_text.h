/* SPDX-License-Identifier: GPL-2.0 */
/* What `halfopen reach` found, a line a connection. */
#ifndef HALFOPEN_SINK_TEXT_REACH_TEXT_H
#define HALFOPEN_SINK_TEXT_REACH_TEXT_H

#include "timeline/reach_result.h"
#include "value/words.h"

void reach_text__write(struct words *w, const struct reach_result *r);

#endif
