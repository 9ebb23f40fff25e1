/* SPDX-License-Identifier: GPL-2.0 */
/*
 * One socket's history from its last timeline, as far as advice uses it; and all of them, from any
 * number of gateways and files.
 */
#ifndef HALFOPEN_TUNING_LIFE_H
#define HALFOPEN_TUNING_LIFE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "tcp/retransmission.h"
#include "timeline/timeline.h"
#include "value/endpoint.h"

/* Limit of runs of gaps in a timeline (core/connection/gaps.h). */
#define LIFE_GAPS_MAX 8

struct life_gap {
	float from_s, to_s;
	uint32_t count : 31;
	uint32_t ended_by_us : 1;
};

#define LATE_ANSWERS_KEPT 8

/* A silence of a live peer: bounds of its length. `period_s`: how often it was asked before. */
struct late_answer {
	float low_s, high_s, period_s;
};

/* A namespace of a gateway's boot, whatever its name. An inode is reused as soon as it is free:
 * without a cookie it identifies a namespace within a run only. */
struct life_place {
	uint32_t gateway, boot;	/* texts__of() */
	uint32_t run;		/* the same; 0 where a cookie is known */
	uint32_t inode;
	uint64_t cookie;	/* 0: not known */
};

/* Data of the peer, without its heartbeats. */
struct reports {
	double over_s;		/* 0: not known */
	bool segments_known;	/* else none of the counts of segments was told */
	double bytes, segments;
	double asks;		/* segments of data from our program */
};

struct life {
	uint64_t cookie;
	uint32_t connection;	/* of the socket, where it had several: 2 ...; else 0 */
	struct life_place place;
	uint32_t boot, netns_name, host_name, program, device;	/* texts__of(); 0: not known */
	uint32_t run;				/* the watch that reported it */
	uint32_t revision;
	uint8_t family;
	bool has_peer;		/* else the peer is known as */
	uint32_t disguised_peer;	/* this pseudonym or network: texts__of() */
	bool in_container, in_pod;
	bool final;
	struct endpoint local, peer;

	bool options_known, keepalive, idle_from_socket, interval_from_socket, probes_from_socket;
	double idle_s, interval_s, user_timeout_s, rto_max_s;
	uint32_t probes;

	double seen_s, ended_s;		/* since 1970; ended: or its last timeline */
	uint8_t outcome, found_by;	/* enum outcome, enum found_by; as the core has them */
	double latency_max_s;
	struct unacknowledged unacknowledged;	/* of a retransmission that ended it */
	/* The silence that ended it began before the watch: its first asks are not known, so it is
	 * no evidence of timers or paths. */
	bool begun_unseen;
	double slowest_answer_s;
	uint32_t probes_sent, peer_probes, heartbeats;
	double heartbeat_s;		/* period; 0: none */
	struct reports reports;

	struct life_gap gaps[LIFE_GAPS_MAX];
	unsigned int gap_count;
	bool lost;
	double lost_after_s, lost_within_s;
	double heard_s;			/* the peer, last; since 1970 */
	double back_after_s;	/* after this silence it was back on another; 0: not */
	double reset_after_s;	/* after this silence an unasked RST came; 0: none */
	double probed_for_s;	/* before its loss only probes passed; 0: unknown */
	struct late_answer late_answers[LATE_ANSWERS_KEPT];	/* asks that were answered in the end */
	unsigned int late_answer_count;
	uint32_t probes_lost;			/* shown by a later one of the same episode */
};

/* An order of connections that are otherwise equal. */
int life__order(const struct life *a, const struct life *b);

/* Words that many histories share, each kept once. */
struct texts {
	char **all;		/* from 1 */
	uint32_t count, size;
	uint32_t *places;	/* hash table of numbers */
	uint32_t place_count;
};

/* Its number, from 1; 0 for "" and where memory is short. */
uint32_t texts__of(struct texts *t, const char *text);

/* "" for 0. */
const char *texts__at(const struct texts *t, uint32_t number);

bool life_place__is(const struct life_place *a, const struct life_place *b);

/* An order that does not depend on that of the input. */
int life_place__order(const struct texts *t, const struct life_place *a,
		      const struct life_place *b);

/* A namespace as a watch reported it. */
struct life_namespace {
	struct life_place place;
	uint32_t run, name;	/* texts__of() */
	double idle_s, interval_s;
	uint32_t probes;
};

struct life_run {
	uint32_t run_id, gateway;	/* texts__of() */
	double started_s, ended_s;	/* its last timeline */
	uint64_t events_lost;
	uint32_t hz;
	bool all;		/* sockets without events were reported, too */
	bool cookies_known;	/* its kernel tells cookies of namespaces */
};

/* Gaps longer than their connection lived, or more than it had time for: left out, or cut. */
struct impossible_gaps {
	size_t connections;
	uint64_t cookie;	/* of the first; */
	uint32_t gateway;	/* texts__of() */
	double gap_s, lived_s;
};

struct lives {
	struct impossible_gaps impossible;
	struct life **all;
	size_t count, size;
	size_t *places;		/* hash table over (boot, cookie, connection), of indices + 1 */
	size_t place_count;
	struct texts texts;
	struct life_namespace *namespaces;
	unsigned int namespace_count;
	struct life_run *runs;
	unsigned int run_count;
};

/* Found dead, and not by a reset: a device that resets what asks has lost the connection, and lives. */
static inline bool life__is_dead(const struct life *life)
{
	return life->found_by != FOUND_BY_NOTHING && life->found_by != FOUND_BY_RESET &&
	       life->found_by != FOUND_BY_PROBE;
}

/* Takes a copy; of two of one connection the later revision is kept. False when memory is short. */
bool lives__add(struct lives *l, const struct life *life);

/* That connection; NULL: it is not among them. */
const struct life *lives__find(const struct lives *l, uint32_t boot, uint64_t cookie,
			       uint32_t connection);

bool lives__add_namespace(struct lives *l, const struct life_namespace *ns);

/* The run of this id, made if it is new; NULL when memory is short. Valid until the next call. */
struct life_run *lives__run(struct lives *l, uint32_t run_id);

/* All are there: puts them in an order independent of the input's; an open socket was open as long
 * as its watch had any output. */
void lives__sort(struct lives *l);

/* How many connections stand in both, each seen and told of to the same instant. */
size_t lives__same(const struct lives *a, struct lives *b);

void lives__free(struct lives *l);

#endif
