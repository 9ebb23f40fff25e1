/* SPDX-License-Identifier: GPL-2.0 */
/* A sink as a third party would write it: compiled with the headers of user/timeline and user/value
 * alone. It prints a line for each connection that ended. */
#ifndef HALFOPEN_TESTS_FOREIGN_SINK_H
#define HALFOPEN_TESTS_FOREIGN_SINK_H

#include <stdio.h>

#include "sink.h"

struct foreign {
	FILE *out;
	unsigned int metas, timelines, events, losses, summaries, ticks;
};

struct sink foreign__sink(struct foreign *f);

#endif
