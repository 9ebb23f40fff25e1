/* SPDX-License-Identifier: GPL-2.0 */
/* Advice in words, at most twelve lines a group; and wording that both sinks share. */
#ifndef HALFOPEN_SINK_TEXT_ADVICE_TEXT_H
#define HALFOPEN_SINK_TEXT_ADVICE_TEXT_H

#include "tuning/advice.h"
#include "value/words.h"

/* "gw-03, namespace pod-7", "203.0.113.0/24 on port 1883", ... */
void advice_text__scope(struct words *w, const struct lives *l, const struct scope *s);

void advice_text__write(struct words *w, const struct lives *l, const struct advice *a);

/* One line of `enforce` policy for a group. */
void advice_text__policy(struct words *w, const struct lives *l, const struct advice *a);

#endif
