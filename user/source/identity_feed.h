/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Names of devices behind peers, from the operator's own sources: JSON Lines
 *     {"peer": "203.0.113.7:46786", "local": 1883, "device": "scooter-17",
 *      "at": "2026-11-21T09:42:48.1Z"}
 * in a file that may grow, in a FIFO, or from programs that connect to a unix socket (unix:PATH).
 * `peer` may lack its port (any connection from this address), `local` (our port) may be absent
 * (any port), `at` as well (now).
 */
#ifndef HALFOPEN_SOURCE_IDENTITY_FEED_H
#define HALFOPEN_SOURCE_IDENTITY_FEED_H

#include <stdint.h>

#include "value/endpoint.h"

struct identity_feed;

struct identity {
	struct endpoint peer;	/* an IPv4 address in its mapped form; port 0: any */
	uint16_t local;		/* our port; 0: any */
	const char *device;	/* valid during the call */
	int64_t at_unix_ns;	/* 0: absent */
};

typedef void (*identity_fn)(void *context, const struct identity *identity);

/* Opens it. Returns 0 or -errno; failures are logged. */
int identity_feed__open(const char *spec, struct identity_feed **feed);

/* The same of a file alone, which has an end: for identity_feed__read_whole(). */
int identity_feed__open_file(const char *path, struct identity_feed **feed);

/*
 * Passes on what has arrived. An invalid line is reported on standard error, with what was
 * expected, and ends with -EBADMSG if `strict`; else the rest is read. Returns 0 or -errno.
 */
int identity_feed__read(struct identity_feed *feed, bool strict, identity_fn fn, void *context);

/* All that the file holds, as if `strict`; a last line without its end is taken if it is valid, else
 * skipped with a warning, as its writer may be in the middle of it. */
int identity_feed__read_whole(struct identity_feed *feed, identity_fn fn, void *context);

void identity_feed__close(struct identity_feed *feed);

#endif
