/* SPDX-License-Identifier: GPL-2.0 */
/* One socket of a look: what is known of it, as values. */
#ifndef HALFOPEN_PIPELINE_LOOK_VALUE_H
#define HALFOPEN_PIPELINE_LOOK_VALUE_H

#include "exposure/deadline.h"
#include "pipeline/look.h"
#include "timeline/socket_now.h"

/* The socket as a value, but for its origin and, before the look is over, its pair; strings are valid
 * as long as the look. */
struct socket_now look__value(const struct look *l, const struct look_socket *s);

/* The other side of what a proxy passes on, of the socket of this cookie; for a look that is over, and
 * was to find pairs. Cookie 0: there is none. */
struct timeline_pair look__pair(const struct look *l, uint64_t cookie);

/* When it is asked next, and dies. */
struct deadline look__deadline(const struct look *l, const struct look_socket *s);

/* Within what time it notices a dead peer, in seconds: while idle, or, where only its FIN asks, when
 * the kernel gives that up (below 0: no timer shows when). INFINITY: never, as the counts have
 * it (exposure.h). */
double look__notices_within_s(const struct look *l, const struct look_socket *s);

/* The socket as a history takes it. */
struct history_socket look__as_of_history(const struct look *l, const struct look_socket *s);

/* How likely its peer is dead, by its path's timer and by the history. NAN: nothing is known, and
 * `*why` not, a clause. */
struct history_dead look__dead(const struct look *l, const struct look_socket *s, const char **why);

/* What is ours to mend: bits, 1 << enum socket_fault. */
unsigned int look__faults(const struct exposure *x);

/* Its exposure. */
struct exposure look__exposure(const struct look *l, const struct look_socket *s);

#endif
