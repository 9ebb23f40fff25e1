/* SPDX-License-Identifier: GPL-2.0 */
/*
 * State of the core, shared by its parts alone:
 *
 *   core.c        the door: each record to the part that it concerns, time, the run
 *   admission.c   sockets that the filter lets in
 *   sockets.c     one socket's events, from its opening to its end
 *   namespaces.c  network namespaces of sockets
 *   passes.c      sockets that passes find, and sockets missing from them
 *   holders.c     which processes hold which sockets
 *   reconnects.c  devices that are back on another connection
 *   wanted.c      the filter's decision on a socket
 *   emit.c        output to the sink, as values (timeline_of.c)
 *   totals.c      totals over all sockets
 */
#ifndef HALFOPEN_CORE_STATE_H
#define HALFOPEN_CORE_STATE_H

#include "connection/connection.h"
#include "core/config.h"
#include "core/losses.h"
#include "core/namespace.h"
#include "core/periodic.h"
#include "core/recent_events.h"
#include "core/timeline_of.h"
#include "core/totals.h"
#include "core/wallclock.h"
#include "core/withheld.h"
#include "devices/identities.h"
#include "devices/supersession.h"
#include "table/table.h"
#include "table/tally.h"
#include "timeline/sink.h"

#define NETNS_INDEX_MAX 4095	/* of struct slot */

/* The stream's description of itself. */
struct run {
	uint32_t hz;
	char *version, *gateway, *boot_id, *run_id, *kernel, *peers, *attached;
	uint64_t started_ns;
	uint64_t waiting;	/* handshakes that wait for data (TCP_DEFER_ACCEPT) */
};

struct core {
	struct core_config config;
	struct sink sink;
	int error;		/* the first: of the sink, or -ENOMEM */
	uint64_t next_summary_ns;
	struct timeline_arrays arrays;	/* of the timeline being emitted */
	struct connection_rules rules;

	struct table table;
	struct owners owners;
	struct withheld withheld;
	struct recent_events recent;
	struct ho_event shown;	/* under a filter the last event with the present state of a socket:
				 * its owner follows */
	bool may_be_decided;	/* for withheld sockets: names came since they were last checked */
	struct tally connections;	/* that ended, of sockets that programs still hold */
	struct identities identities;
	struct supersession supersession;
	struct wallclock clock;
	struct run run;
	struct namespace_sysctl *namespaces;
	unsigned int namespace_count;
	char *reset_reasons[RESET_REASONS_MAX];

	struct connection *first_ended, *last_ended;
	uint64_t syns_heard;	/* on open connections, so far */
	struct connection *redialed;	/* reset by a peer whose SYN had come before: waiting for
					 * its next connection */
	uint64_t redialed_from_ns;	/* none of those ended before */
	uint64_t *closings;	/* cookies of connections whose FIN was retransmitted: to be judged */
	uint32_t closing_count, closings_size;
	uint64_t now_ns, next_arrivals_ns;
	struct periodic periodic;
	uint64_t last_pass_ns;		/* when the last complete pass began */
	struct losses losses;
	uint32_t descriptions;	/* of the stream, so far */
	bool describing;	/* the stream is: who is known is told again */
	uint32_t holders_pass;	/* the present pass over processes */
	bool started;
	struct totals totals;
};

#endif
