/* SPDX-License-Identifier: GPL-2.0 */
/* One pass over the open sockets: each once, with its owner and its namespace. */
#ifndef HALFOPEN_PIPELINE_LOOK_H
#define HALFOPEN_PIPELINE_LOOK_H

#include "event.h"
#include "exposure/exposure.h"
#include "exposure/holdings.h"
#include "exposure/owner.h"
#include "filter/filter.h"
#include "kernel/listeners.h"
#include "pipeline/history.h"
#include "pipeline/look_devices.h"
#include "pipeline/look_network.h"
#include "pipeline/look_pairs.h"
#include "pipeline/look_readers.h"
#include "sys/netns.h"

struct look_socket {
	struct ho_row row;
	uint32_t owner;		/* index into owners; 0: not known */
	uint32_t netns;		/* index into namespaces, from 1; 0: not one that is known */
	bool reads;		/* its program does, though the window was closed: slowly */
	/* By its network: ... */
	bool address_gone;	/* its namespace no longer has its local address */
	uint32_t forgotten_by;	/* index, from 1, of the namespace whose connection tracking forgets
				 * it before its next probe; 0: none does */
	uint32_t forgotten_after_s;
	bool address_unknown, forgotten_unknown;	/* whether it is so is not known */
};

#define LOOK_NETNS_PLACES 1024
#define LOOK_TESTS 16

/* One test of FILTER, and how many connections pass it by itself. */
struct look_test {
	const struct filter *test;
	size_t passed;
};

struct look;

/* The iterators over open sockets, loaded. */
struct look_iterators {
	struct snapshot *snapshot;
	unsigned int hz;
};

struct look_config {
	const struct filter *filter;	/* NULL: all are wanted */
	struct exposure_rules rules;	/* but for hz */
	struct identities *devices;	/* the caller's, for as long as the look; NULL: none */
	struct history *history;	/* the caller's (history.h); NULL: none */
	/* Takes each wanted socket, which is not kept then; NULL: all are kept. False: memory is
	 * short. Listening ports are known meanwhile. */
	bool (*take)(void *context, struct look *l, const struct look_socket *s);
	bool timers;	/* `take` asks for deadlines, too */
	/* Called now and then meanwhile; may be NULL. A negative return ends the look with it. */
	int (*between)(void *context);
	void *context;
	bool with_listeners;	/* where all are kept: look__listening_port() */
	const struct look_iterators *iterators;	/* NULL: loaded for this look alone */
	bool with_ended;	/* also what a program holds of connections that have ended */
	bool with_readers;	/* watches for a second who has a closed window: does it read? */
	bool with_pairs;	/* what a proxy joins, known when the look is over (implies listeners) */
};

struct look {
	struct look_config config;
	struct look_socket *sockets;	/* that are wanted, where they are kept */
	size_t count, size;
	size_t looked_at;	/* connections, wanted or not */
	struct look_test tests[LOOK_TESTS];
	unsigned int test_count;
	struct owners owners;
	struct look_netns *namespaces;	/* our own first; network.closed: it could not be entered */
	unsigned int namespace_count;
	size_t namespace_size;
	bool tracks;		/* some may forget a connection before its next probe */
	unsigned int conntracks;	/* of them are asked for single connections, ... */
	unsigned int conntrack_asks;	/* ... so often, in all; ... */
	size_t address_unknown, forgotten_unknown;	/* of so many that are wanted */
	bool closed;		/* some namespaces are, or there may be more of them */
	unsigned int ways;	/* so many are asked for their routes */
	bool passed;		/* segments may pass some that may forget a connection */
	bool conntrack_unasked;		/* ... and of some it is not known: these are too many */
	bool complete;		/* all of them were, and no memory was short */
	struct exposure_rules rules;
	struct listeners listeners;
	struct look_pairs pairs;
	struct look_readers readers;	/* of sockets, or, where those are not kept, of doubtful ones */
	struct look_socket *doubtful;
	size_t doubtful_count;
	int64_t wall_ns;	/* CLOCK_REALTIME - CLOCK_MONOTONIC */

	struct holdings holdings;	/* while it is taken */
	uint32_t netns_places[LOOK_NETNS_PLACES];	/* by inode: the one found last, from 1 */
	uint32_t place_pid, place_owner;	/* of the last process: rows come one by one */
};

/* Loads the iterators, for several looks. Returns 0 or -errno, logged as by look__take(). */
int look_iterators__load(struct look_iterators *i);
void look_iterators__unload(struct look_iterators *i);

/* Loads the iterators over open sockets, makes one pass, and unloads them. Returns 0 or -errno;
 * what failed was logged (-EPERM: what is missing, too). */
int look__take(struct look *l, const struct look_config *config);
void look__free(struct look *l);

/* Its namespace; NULL: it is not one that is known. */
const struct look_netns *look__netns(const struct look *l, const struct look_socket *s);

/* The device behind its peer; NULL: not known. */
const char *look__device(const struct look *l, const struct look_socket *s);

/* Our port, if it listens; 0: the connection was made from here, from a port of its own. Where
 * listeners are known: look__knows_listeners(). */
uint16_t look__listening_port(struct look *l, const struct ho_event *e);

/* Is it known who listens in its namespace? */
bool look__knows_listeners(const struct look *l, const struct look_socket *s);

/* The socket as FILTER tests it; valid as long as the look. */
struct filter_subject look__subject(const struct look *l, const struct look_socket *s);

#endif
