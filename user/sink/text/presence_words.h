/* SPDX-License-Identifier: GPL-2.0 */
/* Why nobody knows how likely a peer is there, in words. */
#ifndef HALFOPEN_SINK_TEXT_PRESENCE_WORDS_H
#define HALFOPEN_SINK_TEXT_PRESENCE_WORDS_H

#include "tuning/presence.h"

/* A clause; "" where it is known. */
const char *presence_unknown__words(enum presence_unknown unknown);

#endif
