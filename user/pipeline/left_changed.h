/* SPDX-License-Identifier: GPL-2.0 */
/* What an ask could not put back. */
#ifndef HALFOPEN_PIPELINE_LEFT_CHANGED_H
#define HALFOPEN_PIPELINE_LEFT_CHANGED_H

#include "timeline/timeline.h"

/* Says on standard error, also under -q, that this option of the socket stays cleared. */
void left_changed__say(const struct timeline_socket *s, const char *option);

#endif
