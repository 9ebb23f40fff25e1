/* SPDX-License-Identifier: GPL-2.0 */
/* Which service a connection belongs to: a program and its port, or the port that it connected
 * to. */
#ifndef HALFOPEN_SINK_TEXT_SERVICE_H
#define HALFOPEN_SINK_TEXT_SERVICE_H

#include "text/stories.h"
#include "timeline/timeline.h"

/* Ports of ours that served a connection, by what was seen so far; no list of listening sockets is
 * at hand. */
struct service_ports {
	uint64_t served[65536 / 64];
	uint64_t met[65536 / 64];	/* those above the lowest ephemeral one: once */
};

/* Some of our sockets have this port together: it is served. */
void service_ports__note(struct service_ports *p, uint16_t port);

/* The socket's part of a story's key. */
struct story_key service__key(struct service_ports *p, const struct timeline_socket *s);

/* "redis :6379", "nginx@pod-7 to :443", from the key and its socket; the names take at most
 * `columns`. */
void service__add(struct words *w, const struct story_key *key, const struct timeline_socket *s,
		  unsigned int columns);

#endif
