/* SPDX-License-Identifier: GPL-2.0 */
/* What was watched before (--history FILE): how likely the peer of an open socket is there. */
#ifndef HALFOPEN_PIPELINE_HISTORY_H
#define HALFOPEN_PIPELINE_HISTORY_H

#include "pipeline/look.h"
#include "sys/host.h"
#include "tuning/presence.h"

struct history {
	struct presence presence;
	struct host host;	/* this boot's sockets may be in it */
};

/* Reads FILE, as file_feed__read() does, into the history; the networks are the caller's, for as long
 * as it is used. Returns 0, 1 where the file is cut off or damaged and was read up to there, or
 * -errno; reported. Of several, the last call is to be followed by history__begin(). */
int history__read(struct history *h, const char *name);

/* All files are read. -EBADMSG where they have no connection, -ENOMEM; reported. */
int history__begin(struct history *h, const struct named_network *networks, unsigned int count);
void history__free(struct history *h);

/* More asks since the socket was looked at, which were not answered within that time. */
struct history_asks {
	uint32_t asks;
	double within_s;
};

/* The chance that the peer is there, 0 to 1; NAN: nothing is known, and `*why` not, a clause. `asks`
 * NULL: none. `h` NULL: there is no history. */
double history__chance(struct history *h, const struct look *l, const struct look_socket *s,
		       const struct history_asks *asks, const char **why);

#endif
