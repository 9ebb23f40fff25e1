/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The output of halfopen as values: of a run (meta), of a connection (timeline, event, change), of
 * lost events, and of all sockets together (summary). The core makes them, the JSON reader makes
 * the same ones again, and sinks (sink.h) take them.
 *
 * A member with a key in docs/schema has that key's name, unit and meaning. Strings and arrays are
 * valid during the call that gives them; a string is never NULL, "" stands for a key that is
 * absent. A time in `_at` is in nanoseconds since 1970 UTC, 0: absent. A duration in `_s` is in
 * seconds, in `_ms` in milliseconds. `mono_ns` is CLOCK_MONOTONIC. Addresses of peers are already
 * shortened or replaced by pseudonyms, as configured.
 */
#ifndef HALFOPEN_TIMELINE_TIMELINE_H
#define HALFOPEN_TIMELINE_TIMELINE_H

#include <stdbool.h>
#include <stdint.h>

/* ---- vocabularies: their words are in names.h ---- */

enum outcome {
	OUTCOME_OPEN, OUTCOME_SUSPECT,
	OUTCOME_KEEPALIVE_TIMEOUT, OUTCOME_USER_TIMEOUT, OUTCOME_RETRANSMIT_TIMEOUT,
	OUTCOME_ZERO_WINDOW_TIMEOUT, OUTCOME_UNREACHABLE, OUTCOME_RESET_BY_PEER,
	OUTCOME_CLOSED_BY_PEER, OUTCOME_CLOSED_LOCALLY, OUTCOME_ABORTED_LOCALLY,
	OUTCOME_KILLED, OUTCOME_UNKNOWN,
	OUTCOME_COUNT
};

enum found_by {
	FOUND_BY_NOTHING, FOUND_BY_KEEPALIVE, FOUND_BY_USER_TIMEOUT, FOUND_BY_RETRANSMIT,
	FOUND_BY_ZERO_WINDOW, FOUND_BY_RESET, FOUND_BY_UNREACHABLE, FOUND_BY_LOCAL_CLOSE,
	FOUND_BY_SUPERSEDED, FOUND_BY_PROBE,
	FOUND_BY_COUNT
};

/* Details that an outcome's name leaves open. */
enum ending_detail {
	DETAIL_NONE,
	DETAIL_UNASKED,		/* no ask left this host: check its address, route or filter */
	DETAIL_MOVED,		/* closed in TCP_REPAIR: nothing was sent, it continues elsewhere */
	DETAIL_LINGER_0,	/* a close() with linger 0 */
	DETAIL_COUNT
};

enum event_kind {
	EVENT_SEEN,
	EVENT_ESTABLISHED,
	EVENT_PROBE_SENT,	/* n */
	EVENT_PROBE_FAILED,	/* why */
	EVENT_ANSWERED,		/* n, rtt_us where it is known */
	EVENT_ANSWERED_RUN,	/* n of them, first_at, last_at, rtt_us */
	EVENT_PEER_PROBE,	/* n is garbage_bytes */
	EVENT_RETRANSMIT,	/* n */
	EVENT_OPTION_CHANGE,
	EVENT_RESET_SENT,	/* reason */
	EVENT_RESET_RECEIVED,
	EVENT_ERROR,		/* error */
	EVENT_STATE,		/* from, to */
	EVENT_LOST,		/* n is count */
	EVENT_ZERO_WINDOW_PROBE,	/* n */
	EVENT_SUPERSEDED,	/* by_cookie, confidence */
	EVENT_HEARTBEAT,	/* n is bytes, gap_s */
	EVENT_SEND_FAILED,	/* why */
	EVENT_ANSWER_DROPPED,
	EVENT_COUNT
};

/* Why a segment of ours did not leave this host. */
enum send_failure { FAILURE_DROPPED, FAILURE_LOCAL_CONGESTION, FAILURE_COUNT };

enum episode_kind {
	EPISODE_OF_KEEPALIVE, EPISODE_OF_RETRANSMIT, EPISODE_OF_ZERO_WINDOW, EPISODE_OF_FIN,
	EPISODE_OF_SEVERAL,
	EPISODE_KIND_COUNT
};

enum episode_end {
	EPISODE_OPEN, EPISODE_RECOVERED, EPISODE_DIED, EPISODE_CLOSED,
	EPISODE_END_COUNT
};

/* The origin of a keepalive option. */
enum option_source {
	OPTION_FROM_SYSCTL, OPTION_FROM_SOCKET, OPTION_FROM_POLICY,
	OPTION_SOURCE_COUNT
};

/* The reply to the last heartbeat with a known reply. */
enum heartbeat_reply { REPLY_UNKNOWN, REPLY_NONE, REPLY_ACKNOWLEDGED };

/* These numbers are part of recordings: append, never renumber. */
enum loss_reason {
	LOSS_RING_FULL = 1,
	LOSS_RECURSION = 2,
	LOSS_UNSEEN = 3,	/* the kernel ran no program: found only by counts and passes */
	LOSS_SENSELESS = 4,	/* a record that contradicts itself, or is impossible: skipped */
	LOSS_REASON_MAX
};

/* Changes reported at once, though no socket ended. */
enum change_kind {
	CHANGE_SUSPECT,		/* silent_s, asks */
	CHANGE_RECOVERED,	/* silent_s */
	CHANGE_HEARTBEAT,	/* heartbeat: its period is known now */
	CHANGE_SUPERSEDED,	/* by_cookie, confidence: the peer may have reconnected */
};

enum summary_kind {
	SUMMARY_FIRST,	/* everything that was open is known */
	SUMMARY_INTERIM,	/* sink.summary_every_ns have passed */
	SUMMARY_LAST,	/* the watch is over */
};

/* ---- parts ---- */

/* The run of the line. */
struct timeline_origin {
	const char *gateway, *boot_id, *run_id;
};

/* Progress of the stream when the value was emitted; all 0 where it was read from JSON. */
struct timeline_progress {
	int64_t now_at;
	uint64_t now_ns;	/* the same by CLOCK_MONOTONIC */
	uint64_t complete_ns;	/* everything that happened before this was emitted */
};

/* An unknown one has inode 0. */
struct timeline_netns {
	uint32_t inode;
	uint64_t cookie;	/* 0: absent */
	const char *name, *host_name;
};

#define TIMELINE_ADDRESS_SIZE 64

struct timeline_end {
	char address[TIMELINE_ADDRESS_SIZE];	/* text; 203.0.113.0/24 or ~5d41402a, too */
	uint16_t port;
};

struct timeline_owner {
	bool known;		/* else the rest is empty */
	uint32_t pid;
	const char *comm, *cgroup, *container_id;
};

struct timeline_socket {
	uint64_t cookie;
	uint64_t connection;	/* number of the socket's connection, from 1 */
	struct timeline_netns netns;
	bool is_ipv6;		/* of the traffic, whatever the socket's family is */
	struct timeline_end local, peer;
	struct timeline_owner owner;
	const char *device;
	bool mptcp;
};

struct timeline_rtt {
	uint32_t count;		/* 0: absent; read from JSON, at least 1 */
	uint32_t min_us, avg_us, max_us;
};

struct timeline_keepalive {
	bool known;		/* else the key is null */
	bool enabled;
	double idle_s, interval_s;
	uint32_t probes;
	double user_timeout_ms;
	double rto_max_ms;	/* 0: not known */
	enum option_source idle_from, interval_from, probes_from;
	double detects_within_s, detects_within_max_s;	/* INFINITY: never */
};

struct timeline_successor {
	uint64_t cookie;	/* 0: there is none */
	struct timeline_end peer;
	int64_t at;
	double confidence;
};

struct timeline_half_open {
	bool is;		/* the peer was gone: the rest is set */
	enum found_by found_by;
	struct timeline_successor superseded_by;
	int64_t last_heard_at;
	int64_t first_unanswered_at, last_unanswered_at;
	int64_t declared_at;
	struct {
		bool lower_bounds_known;
		double min, likely_min, max;
	} latency_ms;
};

struct timeline_counts {
	uint32_t probes_sent, probes_answered, probes_failed, sends_failed, answers_dropped;
	uint32_t peer_probes, retransmits, zero_window_probes, heartbeats, events_lost;
};

/* Another sender that answers in the peer's place. */
struct timeline_other_sender {
	uint32_t answers;	/* 0: there is none */
	uint8_t ttl, data_ttl;
	bool timestamps, data_timestamps;
};

struct timeline_heartbeat {
	uint32_t bytes;		/* 0: there is none */
	double period_s;	/* 0: null */
	enum heartbeat_reply replied;
};

struct timeline_traffic {
	bool known;
	bool segments_known;	/* how many came and went: a foreign timeline may leave them out */
	double over_s;
	uint64_t received_bytes, received_segments, acked_bytes, sent_segments;
};

struct timeline_gap {
	double from_s, to_s;
	uint32_t count;
	bool ended_by_us;
};

struct timeline_episode {
	enum episode_kind kind;
	int64_t first_unanswered_at;
	uint32_t asks;
	enum episode_end end;
	int64_t ended_at;
};

/* ---- output ---- */

/* An event of a connection. Of the members behind `mono_ns` those that its kind names are set. */
struct event {
	enum event_kind kind;
	int64_t at;		/* 0 of EVENT_ANSWERED_RUN, which has first_at and last_at ... */
	uint64_t mono_ns;	/* ... and 0, too */
	uint32_t n;
	enum send_failure why;
	struct timeline_rtt rtt;
	int64_t first_at, last_at;
	double gap_s;
	uint64_t by_cookie;
	double confidence;
	const char *reason;
	int error;		/* an errno */
	uint8_t from, to;	/* TCP states, by the kernel's numbers */
};

struct timeline {
	struct timeline_origin origin;
	struct timeline_progress progress;
	uint32_t revision;
	bool final;
	struct timeline_socket socket;
	struct timeline_keepalive keepalive;
	bool partial;
	int64_t first_seen_at;
	int64_t last_heard_at;
	bool last_heard_is_lower_bound;
	int64_t last_acknowledged_at;
	bool half_closed;		/* ... where half_closed_at is 0: before the watch (null) */
	int64_t half_closed_at;
	int64_t ended_at;		/* if it has ended, ... */
	int64_t verified_at;		/* ... and if it is open */
	enum outcome outcome;
	const char *outcome_detail;
	struct timeline_half_open half_open;
	struct timeline_counts counts;
	struct timeline_other_sender other_sender;
	struct timeline_rtt rtt;
	struct timeline_heartbeat heartbeat;
	struct timeline_traffic traffic;
	const struct timeline_gap *gaps_survived;	/* in order of length, our own last */
	unsigned int gap_count;
	bool gap_lost;			/* then the next two are set */
	double gap_lost_after_s, gap_lost_within_s;
	const struct timeline_episode *episodes;
	unsigned int episode_count;
	uint32_t episodes_omitted;
	const struct event *events;
	unsigned int event_count;
	uint32_t events_omitted;

	/* Members without a key in JSON: empty where they were read from there. */
	uint64_t ended_ns;		/* by CLOCK_MONOTONIC */
	enum ending_detail detail;
	bool in_close_wait;		/* the peer had closed, the program had not */
	double deaf_s;			/* time since the last acknowledgement, though the peer was
					 * heard until the end; 0: none */
};

/* An event of a connection, emitted as it happens. */
struct socket_event {
	struct timeline_origin origin;
	struct timeline_progress progress;
	const struct timeline_socket *socket;
	struct event event;
};

struct change {
	struct timeline_origin origin;
	struct timeline_progress progress;
	const struct timeline_socket *socket;
	enum change_kind kind;
	int64_t at;
	uint64_t mono_ns;
	double silent_s;	/* since the peer was last heard, or until it was heard again */
	uint32_t asks;		/* unanswered */
	struct timeline_heartbeat heartbeat;
	uint64_t by_cookie;
	double confidence;
};

struct loss {
	struct timeline_origin origin;
	struct timeline_progress progress;
	enum loss_reason reason;
	uint64_t count;
	int64_t from_at, to_at;
	uint64_t to_ns;		/* by CLOCK_MONOTONIC */
};

/* The wall clock was stepped. */
struct clock_step {
	struct timeline_origin origin;
	struct timeline_progress progress;
	int64_t at;
	uint64_t mono_ns;
	int64_t step_ns;
};

struct meta_namespace {
	struct timeline_netns netns;
	int32_t idle_s, interval_s;	/* values of the sysctls, which may be below 0 */
	uint32_t probes;
};

struct meta {
	struct timeline_origin origin;
	const char *version, *kernel;
	uint32_t hz;
	bool all;		/* sockets without events are reported, too */
	const char *attached;	/* programs: words between blanks */
	const struct meta_namespace *namespaces;	/* oldest first */
	unsigned int namespace_count;
	uint64_t waiting_for_data;	/* handshakes (TCP_DEFER_ACCEPT) */
	int64_t started_at;
};

struct summary_program {
	const char *comm;
	uint64_t sockets;
};

/* Open sockets of one program and port in one namespace. */
struct summary_group {
	const char *program;	/* "": not known */
	uint16_t port;		/* ours; 0: connections that were made from here */
	struct timeline_netns netns;
	uint64_t sockets, never_notice, suspect;
};

/* Of the sockets that are reported. */
struct summary {
	struct timeline_origin origin;
	struct timeline_progress progress;
	enum summary_kind kind;
	double watched_s;
	uint64_t namespaces;	/* with sockets */
	uint64_t open, open_without_keepalive, suspect;
	uint64_t waiting_for_data;
	uint64_t endings, half_open;
	uint64_t half_open_by[FOUND_BY_COUNT];
	double longest_latency_s;	/* the longest upper bound */
	uint64_t events, events_lost;
	uint64_t names_forgotten;	/* names of peers */
	/* SUMMARY_FIRST: the programs with most sockets that would never detect a dead peer. */
	const struct summary_program *without_keepalive;
	unsigned int without_keepalive_count;
	/* But for SUMMARY_INTERIM: the groups with most sockets, and the number of others. */
	const struct summary_group *groups;
	unsigned int group_count;
	uint64_t groups_omitted;
};

#endif
