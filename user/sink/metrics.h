/* SPDX-License-Identifier: GPL-2.0 */
/* Gauges in the text format of Prometheus, with labels that do not grow with sockets or peers. */
#ifndef HALFOPEN_SINK_METRICS_H
#define HALFOPEN_SINK_METRICS_H

#include <stdbool.h>

#include "timeline/socket_now.h"
#include "value/words.h"

/* So many groups have a label of their own; the rest is `other`. */
#define METRICS_GROUPS 64

/* halfopen_sockets, _sockets_suspect, _sockets_never_notice and (where it is known)
 * _sockets_estimated_dead and _sockets_judged by group: PROGRAM:PORT (or PROGRAM:out), whatever
 * namespace and carrier; halfopen_estimated_dead, _low and _high of all together.
 * False when memory is short. */
bool metrics__sockets(struct words *w, const struct sockets_summary *s);

#endif
