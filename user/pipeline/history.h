/* SPDX-License-Identifier: GPL-2.0 */
/* What was watched before (--history FILE): how likely the peer of an open socket is there. */
#ifndef HALFOPEN_PIPELINE_HISTORY_H
#define HALFOPEN_PIPELINE_HISTORY_H

#include "event.h"
#include "sys/host.h"
#include "tuning/presence.h"

struct history {
	struct presence presence;
	struct host host;	/* this boot's sockets may be in it */
};

/* Reads these files, each as file_feed__read() does; the networks are the caller's, for as long
 * as it is used. Without any file it does nothing. Returns 0 (also where one is cut off or
 * damaged: all before that was read) or -errno; reported: -EBADMSG for another kind of file, or
 * no connection in any. */
int history__read_all(struct history *h, const char *const *names, unsigned int name_count,
		      const struct named_network *networks, unsigned int network_count);
void history__free(struct history *h);

/* A socket as it was looked at. */
struct history_socket {
	const struct ho_event *event;
	const char *device;	/* NULL: not known */
	unsigned int hz;
};

/* More asks since the socket was looked at, which were not answered within that time. */
struct history_asks {
	uint32_t asks;
	double within_s;
};

/* The chance that the peer is there, 0 to 1; NAN: nothing is known, and `*why` not, a clause.
 * `asks` NULL: none. `h` NULL: there is no history. */
double history__chance(struct history *h, const struct history_socket *s,
		       const struct history_asks *asks, const char **why);

/* The chance that it is dead, and its bounds (struct survival_chance); NAN: as above. */
struct history_dead {
	double likely, low, high;
};

struct history_dead history__dead(struct history *h, const struct history_socket *s,
				  const char **why);

/* When its path has forgotten it, in nanoseconds of silence (presence__path_s()); 0: not known. */
uint64_t history__path_ns(struct history *h, const struct history_socket *s);

#endif
