/* SPDX-License-Identifier: GPL-2.0 */
/* What `halfopen reach` found, a line a connection; on a narrow terminal broken at blanks, with
 * what matters first: the answer, whose it is, and the silence. */
#ifndef HALFOPEN_SINK_TEXT_REACH_TEXT_H
#define HALFOPEN_SINK_TEXT_REACH_TEXT_H

#include "timeline/reach_result.h"
#include "value/words.h"

/* width: columns of the terminal; 0: any. */
void reach_text__write(struct words *w, const struct reach_result *r, int width);

#endif
