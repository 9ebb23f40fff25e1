// SPDX-License-Identifier: GPL-2.0
/* The state machine, scenario by scenario: facts in, one timeline out. */
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "core/core.h"
#include "core/state.h"
#include "tcp/tcp_states.h"
#include "timeline/names.h"
#include "unit.h"

#define HZ 250
#define COOKIE 4213

/* One fact, at a time in ms. The peer was last heard by the kernel at `heard_ms`. */
struct step {
	uint64_t ms;
	uint8_t kind;
	uint64_t heard_ms;
	struct {
		uint8_t state, old_state, probes_out, retransmits, tcp_flags, pending, chrono_type;
		uint16_t flags, error;
		uint32_t packets_out, unsent, payload, user_timeout_ms, idle_s, total_retrans;
		int32_t seq_offset;
		uint32_t reason;
		uint64_t chrono_start_ms, last_tx_ms;
	} f;
};

struct expected {
	enum outcome outcome;
	enum found_by found_by;
	bool none;	/* no output */
	uint32_t sent, answered, failed, peer_probes, retransmits, window_probes;
	uint32_t lost;		/* events */
	bool unasked;
	uint32_t episodes, asks;	/* asks of the last episode */
	enum episode_end end;
	int64_t min_ms, likely_min_ms, max_ms;	/* -1: null */
};

struct scenario {
	const char *name;
	struct step steps[16];
	struct expected expected;
	bool all, open;
	uint64_t stop_ms;
	bool probes_unseen;	/* on a kernel that shows none */
};

/* The last output; its strings and arrays are gone, except for copies. */
struct got {
	unsigned int timelines;
	struct timeline last;
	struct timeline_episode episode;
	char name[65];	/* of its namespace */
	bool ending_lost;
	struct event events[128];
};

static int on_timeline(void *context, const struct timeline *t)
{
	struct got *got = context;

	got->timelines++;
	got->last = *t;
	snprintf(got->name, sizeof(got->name), "%s", t->socket.netns.name);
	got->ending_lost = strstr(t->outcome_detail, "ending was lost");
	if (t->episode_count)
		got->episode = t->episodes[t->episode_count - 1];
	assert_true(t->event_count <= 128);
	memcpy(got->events, t->events, t->event_count * sizeof(struct event));
	return 0;
}

static uint32_t jiffies(uint64_t ms)
{
	/* Not far from the wrap, as after boot. */
	return (uint32_t)(-3000 + (int64_t)(ms * HZ / 1000));
}

static struct record fact(const struct step *s)
{
	struct record r = { .type = RECORD_EVENT, .mono_ns = s->ms * MS };
	struct ho_event *e = &r.event;

	*e = (struct ho_event){
		.mono_ns = s->ms * MS, .cookie = COOKIE, .kind = s->kind, .family = 2,
		.state = s->f.state ? s->f.state : TCP_ESTABLISHED, .old_state = s->f.old_state,
		.flags = HO_F_KEEPALIVE | s->f.flags, .error = s->f.error,
		.jiffies = jiffies(s->ms),
		.rcv_tstamp_jiffies = jiffies(s->heard_ms),
		.lrcvtime_jiffies = jiffies(s->heard_ms),
		.srtt_us = 40000, .mdev_us = 10000,
		.last_tx_ns = (s->f.last_tx_ms ? s->f.last_tx_ms : s->ms) * MS,
		.sock_idle_jiffies = (s->f.idle_s ? s->f.idle_s : 10) * HZ,
		.sock_interval_jiffies = HZ, .sock_probes = 3, .net_idle_jiffies = 7200 * HZ,
		.net_interval_jiffies = 75 * HZ, .net_probes = 9, .rto_jiffies = HZ / 5,
		.probes_out = s->f.probes_out, .retransmits = s->f.retransmits,
		.packets_out = s->f.packets_out, .unsent = s->f.unsent, .pending = s->f.pending,
		.tcp_flags = s->f.tcp_flags, .seq_offset = s->f.seq_offset,
		.payload = s->f.payload, .reason = s->f.reason,
		.user_timeout_ms = s->f.user_timeout_ms,
		.chrono_type = s->f.chrono_type, .total_retrans = s->f.total_retrans,
		.chrono_start_jiffies = jiffies(s->f.chrono_start_ms),
	};
	return r;
}

static void feed(struct core *core, const struct record *r)
{
	const char *why;

	assert_int_equal(core__feed(core, r, &why), 0);
}

static void feed_steps(struct core *core, const struct step *steps, unsigned int count)
{
	unsigned int i;

	for (i = 0; i < count; i++) {
		struct record r = fact(&steps[i]);

		feed(core, &r);
	}
}

/* A complete pass, begun at `begun_s`, that entered the sockets' namespace and found none. */
static void feed_pass(struct core *core, uint64_t begun_s, bool complete)
{
	struct record entered = { .type = RECORD_SYSCTL, .mono_ns = begun_s * S + 1,
				  .sysctl = { 0, 7200, 75, 9, "" } };
	struct record pass = { .type = RECORD_SNAPSHOT, .mono_ns = (begun_s + 1) * S,
			       .snapshot = { .begun_ns = begun_s * S, .complete = complete } };

	feed(core, &entered);
	feed(core, &pass);
}

static struct core *core_started_with(const char *programs, const struct core_config *config,
				      struct got *got)
{
	struct sink sink = { .size = sizeof(sink), .context = got, .timeline = on_timeline };
	struct core *core = core__new(config, &sink);
	struct record meta = { .type = RECORD_META, .meta = { HZ, "1", "gw", "b", "r", "6.18" } };
	struct record start = { .type = RECORD_START, .start = { programs } };

	assert_non_null(core);
	feed(core, &meta);
	feed(core, &start);
	return core;
}

static struct core *started_core(const struct core_config *config, struct got *got)
{
	return core_started_with("tcp_probe timer_expire_exit", config, got);
}

#define EST { 0, HO_STATE, 0, { .state = TCP_ESTABLISHED, .old_state = TCP_SYN_RECV } }
#define DIALLED(ms) { ms, HO_STATE, 0, { .state = TCP_ESTABLISHED, .old_state = TCP_SYN_SENT } }
#define DESTROYED(ms) { ms, HO_GONE, 0, { .state = TCP_CLOSE } }
#define PROBE(ms, heard, po) { ms, HO_PROBE_SENT, heard, { .probes_out = po } }
#define WINDOW_PROBE(ms, heard, po) { ms, HO_ZERO_WINDOW_PROBE, heard, \
	{ .probes_out = po, .unsent = 9, .flags = HO_F_ZERO_WINDOW } }
#define DROPPED(ms, heard, po) { ms, HO_PROBE_FAILED, heard, \
	{ .probes_out = po, .reason = HO_FAILED_DROPPED } }
#define DEAD(ms, died, heard, ...) { ms, HO_SEEN, heard, \
	{ .state = TCP_CLOSE, .last_tx_ms = died, __VA_ARGS__ } }
#define HEARD(ms, heard, po) { ms, HO_HEARD, heard, \
	{ .probes_out = po, .flags = HO_F_SEGMENT, .tcp_flags = 0x10 } }
#define CLOSE(ms, heard, from, ...) { ms, HO_STATE, heard, \
	{ .state = TCP_CLOSE, .old_state = from, __VA_ARGS__ } }

static const struct scenario scenarios[] = {
	{ "three probes unanswered: keepalive timeout",
	  { EST, PROBE(10000, 0, 1), HEARD(10040, 0, 1), PROBE(20040, 10040, 1),
	    PROBE(21040, 10040, 2), PROBE(22040, 10040, 3),
	    CLOSE(23040, 10040, TCP_ESTABLISHED, .error = ETIMEDOUT, .probes_out = 3,
		  .flags = HO_F_IN_KEEPALIVE) },
	  { .outcome = OUTCOME_KEEPALIVE_TIMEOUT, .found_by = FOUND_BY_KEEPALIVE, .sent = 4,
	    .answered = 1, .episodes = 1, .asks = 3, .end = EPISODE_DIED,
	    .min_ms = 950, .likely_min_ms = 2950, .max_ms = 13000 } },
	{ "the same with TCP_USER_TIMEOUT",
	  { EST, PROBE(10000, 0, 1),
	    CLOSE(11000, 0, TCP_ESTABLISHED, .error = ETIMEDOUT, .probes_out = 1,
		  .user_timeout_ms = 500, .flags = HO_F_IN_KEEPALIVE) },
	  { .outcome = OUTCOME_USER_TIMEOUT, .found_by = FOUND_BY_USER_TIMEOUT, .sent = 1,
	    .episodes = 1, .asks = 1, .end = EPISODE_DIED,
	    .min_ms = 950, .likely_min_ms = 950, .max_ms = 11000 } },
	{ "kernels before tcp_done_with_error() report the error first",
	  { EST, PROBE(10000, 0, 1), PROBE(11000, 0, 2), PROBE(12000, 0, 3),
	    { 13000, HO_RESET_SENT, 0, { .probes_out = 3 } },
	    { 13000, HO_ERROR, 0, { .error = ETIMEDOUT, .flags = HO_F_IN_KEEPALIVE } },
	    CLOSE(13000, 0, TCP_ESTABLISHED, .error = ETIMEDOUT, .probes_out = 3,
		  .flags = HO_F_IN_KEEPALIVE) },
	  { .outcome = OUTCOME_KEEPALIVE_TIMEOUT, .found_by = FOUND_BY_KEEPALIVE, .sent = 3,
	    .episodes = 1, .asks = 3, .end = EPISODE_DIED,
	    .min_ms = 950, .likely_min_ms = 2950, .max_ms = 13000 } },
	{ "a reset that answers a probe: the peer forgot",
	  { EST, PROBE(10000, 0, 1),
	    { 10040, HO_HEARD, 0, { .probes_out = 1, .tcp_flags = 0x04 } },
	    { 10040, HO_RESET_RECEIVED, 0, { .probes_out = 1 } },
	    CLOSE(10040, 0, TCP_ESTABLISHED, .error = ECONNRESET, .probes_out = 1) },
	  { .outcome = OUTCOME_RESET_BY_PEER, .found_by = FOUND_BY_RESET, .sent = 1,
	    .episodes = 1, .asks = 1, .end = EPISODE_DIED,
	    .min_ms = 0, .likely_min_ms = 0, .max_ms = 10040 } },
	{ "a reset of the peer's own, while a probe is out: it was there",
	  { EST, PROBE(10000, 0, 1),
	    { 10020, HO_HEARD, 0, { .probes_out = 1, .tcp_flags = 0x14 } },
	    { 10020, HO_RESET_RECEIVED, 0, { .probes_out = 1 } },
	    CLOSE(10020, 0, TCP_ESTABLISHED, .error = ECONNRESET, .probes_out = 1) },
	  { .outcome = OUTCOME_RESET_BY_PEER, .sent = 1, .episodes = 1, .asks = 1,
	    .end = EPISODE_DIED } },
	{ "a reset in CLOSE_WAIT, where the segment is not seen, with a probe out",
	  { EST, { 10000, HO_PROBE_SENT, 0, { .state = TCP_CLOSE_WAIT, .probes_out = 1 } },
	    { 10040, HO_RESET_RECEIVED, 0, { .state = TCP_CLOSE_WAIT, .probes_out = 1 } },
	    CLOSE(10040, 0, TCP_CLOSE_WAIT, .error = EPIPE, .probes_out = 1) },
	  { .outcome = OUTCOME_RESET_BY_PEER, .found_by = FOUND_BY_RESET, .sent = 1,
	    .episodes = 1, .asks = 1, .end = EPISODE_DIED,
	    .min_ms = 0, .likely_min_ms = 0, .max_ms = 10040 } },
	{ "a reset without an ask",
	  { EST, { 5000, HO_RESET_RECEIVED, 4000, { .state = TCP_ESTABLISHED } },
	    CLOSE(5000, 4000, TCP_ESTABLISHED, .error = ECONNRESET) },
	  { .outcome = OUTCOME_RESET_BY_PEER } },
	{ "a reset that answers data after a silence: the ask was the write",
	  { EST, { 60040, HO_HEARD, 0, { .packets_out = 1, .tcp_flags = 0x04, .chrono_type = 1,
					  .chrono_start_ms = 60000 } },
	    { 60040, HO_RESET_RECEIVED, 0, { .packets_out = 1 } },
	    CLOSE(60040, 0, TCP_ESTABLISHED, .error = ECONNRESET) },
	  { .outcome = OUTCOME_RESET_BY_PEER, .found_by = FOUND_BY_RESET, .episodes = 1,
	    .asks = 1, .end = EPISODE_DIED, .min_ms = 0, .likely_min_ms = 0, .max_ms = 60040 } },
	{ "an answer after three asks: recovered, and not half-open",
	  { EST, PROBE(10000, 0, 1), PROBE(11000, 0, 2), PROBE(12000, 0, 3), HEARD(12040, 0, 3),
	    CLOSE(20000, 19000, TCP_FIN_WAIT2) },
	  { .outcome = OUTCOME_CLOSED_LOCALLY, .sent = 3, .answered = 1, .episodes = 1, .asks = 3,
	    .end = EPISODE_RECOVERED } },
	{ "an answer that only the kernel's clocks tell (FIN_WAIT2, or an event lost)",
	  { EST, PROBE(10000, 0, 1), PROBE(20000, 10040, 1), PROBE(21000, 10040, 2),
	    HEARD(21040, 10040, 2), CLOSE(30000, 29000, TCP_LAST_ACK) },
	  { .outcome = OUTCOME_CLOSED_BY_PEER, .sent = 3, .answered = 2, .episodes = 1, .asks = 2,
	    .end = EPISODE_RECOVERED } },
	{ "the peer's own probe ends no silence of ours: what we send does not arrive",
	  { EST, PROBE(10000, 0, 1), PROBE(11000, 0, 2),
	    { 11500, HO_HEARD, 0, { .probes_out = 2, .tcp_flags = 0x10, .seq_offset = -1 } },
	    PROBE(12000, 0, 3),
	    CLOSE(13000, 0, TCP_ESTABLISHED, .error = ETIMEDOUT, .probes_out = 3,
		  .flags = HO_F_IN_KEEPALIVE) },
	  { .outcome = OUTCOME_KEEPALIVE_TIMEOUT, .found_by = FOUND_BY_KEEPALIVE, .sent = 3,
	    .peer_probes = 1, .episodes = 1, .asks = 3, .end = EPISODE_DIED,
	    .min_ms = 0, .likely_min_ms = 0, .max_ms = 1500 } },
	{ "a garbage byte in the peer's probe",
	  { EST, { 11500, HO_HEARD, 0, { .tcp_flags = 0x10, .seq_offset = -1, .payload = 1 } },
	    CLOSE(13000, 12000, TCP_LAST_ACK) },
	  { .outcome = OUTCOME_CLOSED_BY_PEER, .peer_probes = 1 } },
	{ "orderly ends have nothing to tell",
	  { EST, CLOSE(5000, 4990, TCP_FIN_WAIT2) }, { .none = true } },
	{ "... unless all is told: closed by us",
	  { EST, CLOSE(5000, 4990, TCP_FIN_WAIT2) },
	  { .outcome = OUTCOME_CLOSED_LOCALLY }, .all = true },
	{ "... closed by the peer",
	  { EST, CLOSE(5000, 4990, TCP_LAST_ACK) },
	  { .outcome = OUTCOME_CLOSED_BY_PEER }, .all = true },
	{ "answered probes alone have nothing to tell",
	  { EST, PROBE(10000, 0, 1), HEARD(10040, 0, 1), PROBE(20000, 10040, 1),
	    HEARD(20040, 10040, 1), CLOSE(25000, 24000, TCP_FIN_WAIT2) }, { .none = true } },
	{ "... and fold under --all",
	  { EST, PROBE(10000, 0, 1), HEARD(10040, 0, 1), PROBE(20000, 10040, 1),
	    HEARD(20040, 10040, 1), CLOSE(25000, 24000, TCP_FIN_WAIT2) },
	  { .outcome = OUTCOME_CLOSED_LOCALLY, .sent = 2, .answered = 2 }, .all = true },
	{ "closed while suspect, and the FIN was never acknowledged",
	  { EST, PROBE(10000, 0, 1), PROBE(11000, 0, 2), PROBE(12000, 0, 3),
	    { 12500, HO_STATE, 0, { .state = TCP_FIN_WAIT1, .old_state = TCP_ESTABLISHED,
				    .probes_out = 3 } },
	    { 12700, HO_RETRANSMIT, 0, { .state = TCP_FIN_WAIT1, .flags = HO_F_FIN_QUEUED,
					 .packets_out = 1, .total_retrans = 1 } },
	    CLOSE(20000, 0, TCP_FIN_WAIT1, .error = ETIMEDOUT, .flags = HO_F_ORPHAN,
		  .total_retrans = 1) },
	  { .outcome = OUTCOME_CLOSED_LOCALLY, .found_by = FOUND_BY_LOCAL_CLOSE, .sent = 3,
	    .retransmits = 1, .episodes = 1, .asks = 5, .end = EPISODE_CLOSED,
	    .min_ms = 0, .likely_min_ms = 2450, .max_ms = 12500 } },
	{ "closed while suspect, and aborted at once",
	  { EST, PROBE(10000, 0, 1), PROBE(11000, 0, 2), PROBE(12000, 0, 3),
	    CLOSE(12500, 0, TCP_ESTABLISHED, .probes_out = 3) },
	  { .outcome = OUTCOME_ABORTED_LOCALLY, .found_by = FOUND_BY_LOCAL_CLOSE, .sent = 3,
	    .episodes = 1, .asks = 3, .end = EPISODE_CLOSED,
	    .min_ms = 450, .likely_min_ms = 2450, .max_ms = 12500 } },
	{ "closed while suspect, but the FIN was acknowledged: it was there",
	  { EST, PROBE(10000, 0, 1), PROBE(11000, 0, 2), PROBE(12000, 0, 3),
	    { 12500, HO_STATE, 0, { .state = TCP_FIN_WAIT1, .old_state = TCP_ESTABLISHED,
				    .probes_out = 3 } },
	    CLOSE(13000, 12900, TCP_FIN_WAIT2) },
	  { .outcome = OUTCOME_CLOSED_LOCALLY, .sent = 3, .answered = 1, .episodes = 1,
	    .asks = 4, .end = EPISODE_RECOVERED } },
	{ "closed while healthy, and the FIN was never acknowledged",
	  { EST, { 60200, HO_RETRANSMIT, 30000, { .state = TCP_FIN_WAIT1, .packets_out = 1,
		   .flags = HO_F_FIN_QUEUED | HO_F_ORPHAN, .chrono_type = 1,
		   .chrono_start_ms = 60000, .total_retrans = 1 } },
	    CLOSE(70000, 30000, TCP_FIN_WAIT1, .error = ETIMEDOUT, .flags = HO_F_ORPHAN,
		  .retransmits = 5, .total_retrans = 5) },
	  { .outcome = OUTCOME_CLOSED_LOCALLY, .found_by = FOUND_BY_LOCAL_CLOSE, .retransmits = 5,
	    .episodes = 1, .asks = 2, .end = EPISODE_CLOSED,
	    .min_ms = 0, .likely_min_ms = 0, .max_ms = 30008 } },
	{ "retransmissions unanswered",
	  { EST, { 60200, HO_RETRANSMIT, 59000, { .packets_out = 1, .chrono_type = 1,
		   .chrono_start_ms = 60000, .total_retrans = 1 } },
	    { 60600, HO_RETRANSMIT, 59000, { .packets_out = 1, .retransmits = 1,
					     .total_retrans = 2 } },
	    CLOSE(66000, 59000, TCP_ESTABLISHED, .error = ETIMEDOUT, .retransmits = 2,
		  .total_retrans = 2) },
	  { .outcome = OUTCOME_RETRANSMIT_TIMEOUT, .found_by = FOUND_BY_RETRANSMIT,
	    .retransmits = 2, .episodes = 1, .asks = 3, .end = EPISODE_DIED,
	    .min_ms = 5350, .likely_min_ms = 5946, .max_ms = 7004 } },
	{ "... with TCP_USER_TIMEOUT",
	  { EST, { 60200, HO_RETRANSMIT, 59000, { .packets_out = 1, .user_timeout_ms = 900 } },
	    CLOSE(62000, 59000, TCP_ESTABLISHED, .error = ETIMEDOUT, .retransmits = 1,
		  .user_timeout_ms = 900) },
	  { .outcome = OUTCOME_USER_TIMEOUT, .found_by = FOUND_BY_USER_TIMEOUT, .episodes = 1,
	    .asks = 2, .end = EPISODE_DIED,
	    .min_ms = 1750, .likely_min_ms = 1950, .max_ms = 3004 } },
	{ "... told to be unreachable",
	  { EST, { 60200, HO_RETRANSMIT, 59000, { .packets_out = 1 } },
	    CLOSE(62000, 59000, TCP_ESTABLISHED, .error = EHOSTUNREACH, .retransmits = 1) },
	  { .outcome = OUTCOME_UNREACHABLE, .found_by = FOUND_BY_UNREACHABLE, .episodes = 1,
	    .asks = 2, .end = EPISODE_DIED,
	    .min_ms = 1750, .likely_min_ms = 1950, .max_ms = 3004 } },
	{ "data written into a silence: keepalive and retransmission are one episode",
	  { EST, PROBE(10000, 0, 1),
	    { 10500, HO_RETRANSMIT, 0, { .packets_out = 1, .chrono_type = 1,
					 .chrono_start_ms = 10300, .probes_out = 1 } },
	    CLOSE(16000, 0, TCP_ESTABLISHED, .error = ETIMEDOUT, .retransmits = 4) },
	  { .outcome = OUTCOME_RETRANSMIT_TIMEOUT, .found_by = FOUND_BY_RETRANSMIT, .sent = 1,
	    .episodes = 1, .asks = 3, .end = EPISODE_DIED,
	    .min_ms = 5450, .likely_min_ms = 5950, .max_ms = 16000 } },
	{ "the retransmission timer gave up on segments that a local filter dropped",
	  { EST, CLOSE(16000, 0, TCP_ESTABLISHED, .error = ETIMEDOUT, .retransmits = 4) },
	  { .outcome = OUTCOME_RETRANSMIT_TIMEOUT, .found_by = FOUND_BY_RETRANSMIT,
	    .min_ms = -1, .likely_min_ms = -1, .max_ms = 16000 } },
	{ "the persist timer gave up on data that this host let not out",
	  { EST, CLOSE(16000, 0, TCP_ESTABLISHED, .error = ETIMEDOUT, .probes_out = 4,
		       .unsent = 100) },
	  { .outcome = OUTCOME_RETRANSMIT_TIMEOUT, .unasked = true } },
	{ "the persist timer gave up",
	  { EST, CLOSE(16000, 0, TCP_ESTABLISHED, .error = ETIMEDOUT, .probes_out = 4,
		       .unsent = 100, .flags = HO_F_ZERO_WINDOW) },
	  { .outcome = OUTCOME_ZERO_WINDOW_TIMEOUT, .found_by = FOUND_BY_ZERO_WINDOW,
	    .window_probes = 4, .episodes = 1, .asks = 4, .end = EPISODE_DIED,
	    .min_ms = 0, .likely_min_ms = 0, .max_ms = 16000 } },
	{ "... with TCP_USER_TIMEOUT",
	  { EST, CLOSE(16000, 0, TCP_ESTABLISHED, .error = ETIMEDOUT, .probes_out = 4,
		       .unsent = 100, .user_timeout_ms = 900, .flags = HO_F_ZERO_WINDOW) },
	  { .outcome = OUTCOME_USER_TIMEOUT, .found_by = FOUND_BY_USER_TIMEOUT,
	    .window_probes = 4, .episodes = 1, .asks = 4, .end = EPISODE_DIED,
	    .min_ms = 0, .likely_min_ms = 0, .max_ms = 16000 } },
	{ "... though the peer answers: it is there, and leaves its window closed",
	  { EST, CLOSE(16000, 15900, TCP_ESTABLISHED, .error = ETIMEDOUT, .unsent = 100,
		       .user_timeout_ms = 900, .flags = HO_F_ZERO_WINDOW) },
	  { .outcome = OUTCOME_USER_TIMEOUT } },
	{ "ETIMEDOUT without evidence stays unknown",
	  { EST, CLOSE(16000, 0, TCP_ESTABLISHED, .error = ETIMEDOUT) },
	  { .outcome = OUTCOME_UNKNOWN } },
	{ "EHOSTUNREACH without data under way stays unknown",
	  { EST, CLOSE(16000, 0, TCP_ESTABLISHED, .error = EHOSTUNREACH) },
	  { .outcome = OUTCOME_UNKNOWN } },
	{ "ss -K",
	  { EST, CLOSE(16000, 0, TCP_ESTABLISHED, .error = ECONNABORTED) },
	  { .outcome = OUTCOME_ABORTED_LOCALLY } },
	{ "closed with unread data",
	  { EST, CLOSE(16000, 0, TCP_ESTABLISHED), { 16000, HO_RESET_SENT, 0,
		{ .state = TCP_CLOSE } } },
	  { .outcome = OUTCOME_ABORTED_LOCALLY } },
	{ "zero-window probes unanswered",
	  { EST, WINDOW_PROBE(1000, 500, 1), HEARD(1040, 500, 1), WINDOW_PROBE(2000, 1040, 1),
	    WINDOW_PROBE(4000, 1040, 2), WINDOW_PROBE(8000, 1040, 3),
	    CLOSE(16000, 1040, TCP_ESTABLISHED, .error = ETIMEDOUT, .probes_out = 3, .unsent = 9,
		  .flags = HO_F_ZERO_WINDOW) },
	  { .outcome = OUTCOME_ZERO_WINDOW_TIMEOUT, .found_by = FOUND_BY_ZERO_WINDOW,
	    .window_probes = 4, .episodes = 1, .asks = 3, .end = EPISODE_DIED,
	    .min_ms = 7950, .likely_min_ms = 13950, .max_ms = 14960 } },
	{ "... answered, they have nothing to tell",
	  { EST, WINDOW_PROBE(1000, 500, 1), HEARD(1040, 500, 1), WINDOW_PROBE(2000, 1040, 1),
	    HEARD(2040, 1040, 1), CLOSE(5000, 4000, TCP_FIN_WAIT2) }, { .none = true } },
	{ "a window that shrank over data in flight",
	  { EST, { 1000, HO_RETRANSMIT, 500, { .flags = HO_F_ZERO_WINDOW, .packets_out = 1,
					       .total_retrans = 1, .chrono_type = 1,
					       .chrono_start_ms = 800 } },
	    { 3000, HO_RETRANSMIT, 500, { .flags = HO_F_ZERO_WINDOW, .packets_out = 1,
					  .total_retrans = 2 } },
	    CLOSE(7000, 500, TCP_ESTABLISHED, .error = ETIMEDOUT, .flags = HO_F_ZERO_WINDOW,
		  .total_retrans = 2) },
	  { .outcome = OUTCOME_ZERO_WINDOW_TIMEOUT, .found_by = FOUND_BY_ZERO_WINDOW,
	    .retransmits = 2, .episodes = 1, .asks = 3, .end = EPISODE_DIED,
	    .min_ms = 3950, .likely_min_ms = 6146, .max_ms = 6500 } },
	{ "probes that this host dropped ask nobody: who was gone is not known",
	  { EST, DROPPED(10000, 0, 1), DROPPED(11000, 0, 2), DROPPED(12000, 0, 3),
	    CLOSE(13000, 0, TCP_ESTABLISHED, .error = ETIMEDOUT, .probes_out = 3,
		  .flags = HO_F_IN_KEEPALIVE) },
	  { .outcome = OUTCOME_KEEPALIVE_TIMEOUT, .failed = 3, .unasked = true } },
	{ "... nor does one of which no event came, if all that were seen were dropped: the first",
	  { EST, PROBE(10000, 0, 1), HEARD(10040, 0, 1), DROPPED(21500, 10040, 2),
	    DROPPED(22500, 10040, 3),
	    CLOSE(23500, 10040, TCP_ESTABLISHED, .error = ETIMEDOUT, .probes_out = 3,
		  .flags = HO_F_IN_KEEPALIVE) },
	  { .outcome = OUTCOME_KEEPALIVE_TIMEOUT, .sent = 1, .answered = 1, .failed = 2, .lost = 1,
	    .unasked = true } },
	{ "... one in between",
	  { EST, DROPPED(10000, 0, 1), DROPPED(12000, 0, 3),
	    CLOSE(13000, 0, TCP_ESTABLISHED, .error = ETIMEDOUT, .probes_out = 3,
		  .flags = HO_F_IN_KEEPALIVE) },
	  { .outcome = OUTCOME_KEEPALIVE_TIMEOUT, .failed = 2, .lost = 1, .unasked = true } },
	{ "... the last",
	  { EST, DROPPED(10000, 0, 1), DROPPED(11000, 0, 2),
	    CLOSE(13000, 0, TCP_ESTABLISHED, .error = ETIMEDOUT, .probes_out = 3,
		  .flags = HO_F_IN_KEEPALIVE) },
	  { .outcome = OUTCOME_KEEPALIVE_TIMEOUT, .failed = 2, .lost = 1, .unasked = true } },
	{ "... the first, with TCP_USER_TIMEOUT",
	  { EST, PROBE(10000, 0, 1), HEARD(10040, 0, 1), DROPPED(21500, 10040, 2),
	    CLOSE(22500, 10040, TCP_ESTABLISHED, .error = ETIMEDOUT, .probes_out = 2,
		  .user_timeout_ms = 1500, .flags = HO_F_IN_KEEPALIVE) },
	  { .outcome = OUTCOME_USER_TIMEOUT, .sent = 1, .answered = 1, .failed = 1, .lost = 1,
	    .unasked = true } },
	{ "... but one that was sent asked, whatever befell the others",
	  { EST, DROPPED(10000, 0, 1), PROBE(11000, 0, 2), DROPPED(13000, 0, 4),
	    CLOSE(14000, 0, TCP_ESTABLISHED, .error = ETIMEDOUT, .probes_out = 4,
		  .flags = HO_F_IN_KEEPALIVE) },
	  { .outcome = OUTCOME_KEEPALIVE_TIMEOUT, .found_by = FOUND_BY_KEEPALIVE, .failed = 2,
	    .sent = 2, .lost = 1, .episodes = 1, .asks = 2, .end = EPISODE_DIED,
	    .min_ms = 2950, .likely_min_ms = 2950, .max_ms = 14000 } },
	{ "... and those after them do",
	  { EST, DROPPED(10000, 0, 1), PROBE(11000, 0, 2), PROBE(12000, 0, 3),
	    CLOSE(13000, 0, TCP_ESTABLISHED, .error = ETIMEDOUT, .probes_out = 3,
		  .flags = HO_F_IN_KEEPALIVE) },
	  { .outcome = OUTCOME_KEEPALIVE_TIMEOUT, .found_by = FOUND_BY_KEEPALIVE, .failed = 1,
	    .sent = 2, .episodes = 1, .asks = 2, .end = EPISODE_DIED,
	    .min_ms = 950, .likely_min_ms = 1950, .max_ms = 13000 } },
	{ "a probe that never left the host",
	  { EST, { 10000, HO_PROBE_FAILED, 0, {} }, CLOSE(16000, 0, TCP_FIN_WAIT2) },
	  { .outcome = OUTCOME_CLOSED_LOCALLY, .failed = 1 } },
	{ "only the second witness saw the end of a suspect",
	  { EST, PROBE(10000, 0, 1), PROBE(11000, 0, 2),
	    { 16000, HO_GONE, 0, { .state = TCP_CLOSE } } },
	  { .outcome = OUTCOME_UNKNOWN, .sent = 2, .episodes = 1, .asks = 2,
	    .end = EPISODE_CLOSED } },
	{ "only the second witness saw the end, whose error its program had fetched: by keepalive",
	  { EST, PROBE(10000, 0, 1), PROBE(11000, 0, 2), PROBE(12000, 0, 3),
	    { 16000, HO_GONE, 0, { .state = TCP_CLOSE, .probes_out = 3, .last_tx_ms = 13000,
				   .flags = HO_F_ALL_ACKED | HO_F_ORPHAN } } },
	  { .outcome = OUTCOME_KEEPALIVE_TIMEOUT, .found_by = FOUND_BY_KEEPALIVE, .sent = 3,
	    .episodes = 1, .asks = 3, .end = EPISODE_DIED,
	    .min_ms = 950, .likely_min_ms = 2950, .max_ms = 13000 } },
	{ "... and by an abort of ours before its time, or with data under way: not known",
	  { EST, PROBE(10000, 0, 1), PROBE(11000, 0, 2), PROBE(12000, 0, 3),
	    { 16000, HO_GONE, 0, { .state = TCP_CLOSE, .probes_out = 3, .last_tx_ms = 12500,
				   .flags = HO_F_ALL_ACKED | HO_F_ORPHAN } } },
	  { .outcome = OUTCOME_UNKNOWN, .sent = 3, .episodes = 1, .asks = 3,
	    .end = EPISODE_CLOSED } },
	{ "... and by its user timeout",
	  { EST, PROBE(10000, 0, 1), PROBE(11000, 0, 2),
	    { 16000, HO_GONE, 0, { .state = TCP_CLOSE, .probes_out = 2, .last_tx_ms = 12000,
				   .user_timeout_ms = 12000,
				   .flags = HO_F_ALL_ACKED | HO_F_ORPHAN } } },
	  { .outcome = OUTCOME_USER_TIMEOUT, .found_by = FOUND_BY_USER_TIMEOUT, .sent = 2,
	    .episodes = 1, .asks = 2, .end = EPISODE_DIED,
	    .min_ms = 950, .likely_min_ms = 1950, .max_ms = 12000 } },
	{ "options changed in mid-life",
	  { EST, PROBE(10000, 0, 1), HEARD(10040, 0, 1),
	    { 20000, HO_PROBE_SENT, 10040, { .probes_out = 1, .idle_s = 20 } },
	    CLOSE(21000, 20040, TCP_FIN_WAIT2, .idle_s = 20) },
	  { .outcome = OUTCOME_CLOSED_LOCALLY, .sent = 2, .answered = 2 } },
	{ "options set right after accept() are no change",
	  { EST, { 20000, HO_PROBE_SENT, 10040, { .probes_out = 1, .idle_s = 20 } },
	    CLOSE(21000, 20040, TCP_FIN_WAIT2, .idle_s = 20) }, { .none = true } },
	{ "first seen in the middle of an episode",
	  { { 12500, HO_SEEN, 0, { .probes_out = 2 } }, PROBE(13000, 0, 3),
	    CLOSE(14000, 0, TCP_ESTABLISHED, .error = ETIMEDOUT, .probes_out = 3,
		  .flags = HO_F_IN_KEEPALIVE) },
	  { .outcome = OUTCOME_KEEPALIVE_TIMEOUT, .found_by = FOUND_BY_KEEPALIVE, .sent = 1,
	    .episodes = 1, .asks = 3, .end = EPISODE_DIED,
	    .min_ms = 950, .likely_min_ms = 2450, .max_ms = 14000 } },
	{ "a probe whose event was lost, told by the kernel's count",
	  { EST, PROBE(10000, 0, 1), PROBE(12000, 0, 3),
	    CLOSE(13000, 0, TCP_ESTABLISHED, .error = ETIMEDOUT, .probes_out = 3,
		  .flags = HO_F_IN_KEEPALIVE) },
	  { .outcome = OUTCOME_KEEPALIVE_TIMEOUT, .found_by = FOUND_BY_KEEPALIVE, .sent = 3,
	    .episodes = 1, .asks = 3, .end = EPISODE_DIED,
	    .min_ms = 950, .likely_min_ms = 2950, .max_ms = 13000 } },
	{ "a last probe whose event was lost: it can have been sent an interval before the end",
	  { EST, PROBE(10000, 0, 1), PROBE(11000, 0, 2),
	    CLOSE(13000, 0, TCP_ESTABLISHED, .error = ETIMEDOUT, .probes_out = 3,
		  .flags = HO_F_IN_KEEPALIVE) },
	  { .outcome = OUTCOME_KEEPALIVE_TIMEOUT, .found_by = FOUND_BY_KEEPALIVE, .sent = 3,
	    .episodes = 1, .asks = 3, .end = EPISODE_DIED,
	    .min_ms = 950, .likely_min_ms = 2950, .max_ms = 13000 } },
	{ "all probes lost, and only the end told",
	  { EST, CLOSE(13000, 0, TCP_ESTABLISHED, .error = ETIMEDOUT, .probes_out = 3,
		       .flags = HO_F_IN_KEEPALIVE) },
	  { .outcome = OUTCOME_KEEPALIVE_TIMEOUT, .found_by = FOUND_BY_KEEPALIVE, .sent = 1,
	    .episodes = 1, .asks = 1, .end = EPISODE_DIED,
	    .min_ms = 950, .likely_min_ms = 950, .max_ms = 13000 } },
	{ "a first probe whose event was lost: its interval has passed, too",
	  { EST, PROBE(10000, 0, 1), HEARD(10040, 0, 1), PROBE(22080, 10040, 2),
	    CLOSE(23080, 10040, TCP_ESTABLISHED, .error = ETIMEDOUT, .probes_out = 2,
		  .flags = HO_F_IN_KEEPALIVE) },
	  { .outcome = OUTCOME_KEEPALIVE_TIMEOUT, .found_by = FOUND_BY_KEEPALIVE, .sent = 3,
	    .answered = 1, .episodes = 1, .asks = 2, .end = EPISODE_DIED,
	    .min_ms = 950, .likely_min_ms = 1950, .max_ms = 13040 } },
	{ "a count that was stale when the silence began tells of no lost probes",
	  { EST, PROBE(10000, 0, 3), PROBE(11000, 0, 4),
	    CLOSE(12000, 0, TCP_ESTABLISHED, .error = ETIMEDOUT, .probes_out = 4,
		  .flags = HO_F_IN_KEEPALIVE) },
	  { .outcome = OUTCOME_KEEPALIVE_TIMEOUT, .found_by = FOUND_BY_KEEPALIVE, .sent = 2,
	    .episodes = 1, .asks = 2, .end = EPISODE_DIED,
	    .min_ms = 950, .likely_min_ms = 1950, .max_ms = 12000 } },
	{ "first seen with a count that is stale: the peer was heard since",
	  { { 12500, HO_SEEN, 12500, { .probes_out = 2 } }, CLOSE(14000, 13000, TCP_FIN_WAIT2) },
	  { .none = true } },
	{ "first seen while retransmitting",
	  { { 12500, HO_SEEN, 0, { .retransmits = 2, .packets_out = 1 } },
	    CLOSE(14000, 0, TCP_ESTABLISHED, .error = ETIMEDOUT, .retransmits = 3) },
	  { .outcome = OUTCOME_RETRANSMIT_TIMEOUT, .found_by = FOUND_BY_RETRANSMIT,
	    .episodes = 1, .asks = 3, .end = EPISODE_DIED,
	    .min_ms = 1450, .likely_min_ms = 1450, .max_ms = 14000 } },
	{ "first seen behind a closed window",
	  { { 12500, HO_SEEN, 0, { .probes_out = 2, .unsent = 10, .pending = 3 } },
	    CLOSE(14000, 0, TCP_ESTABLISHED, .error = ETIMEDOUT, .probes_out = 3,
		  .unsent = 10) },
	  { .outcome = OUTCOME_ZERO_WINDOW_TIMEOUT, .found_by = FOUND_BY_ZERO_WINDOW,
	    .episodes = 1, .asks = 2, .end = EPISODE_DIED,
	    .min_ms = 1450, .likely_min_ms = 1450, .max_ms = 14000 } },
	{ "a kernel that shows no probe: answers and the reset at the end tell of them",
	  { EST, { 10040, HO_HEARD, 0, { .probes_out = 1, .flags = HO_F_SEGMENT, .tcp_flags = 0x10,
					  .last_tx_ms = 10000 } },
	    { 23040, HO_RESET_SENT, 10040, { .probes_out = 3 } },
	    CLOSE(23040, 10040, TCP_ESTABLISHED, .error = ETIMEDOUT, .probes_out = 3) },
	  { .outcome = OUTCOME_KEEPALIVE_TIMEOUT, .found_by = FOUND_BY_KEEPALIVE, .sent = 4,
	    .answered = 1, .episodes = 1, .asks = 3, .end = EPISODE_DIED,
	    .min_ms = 950, .likely_min_ms = 2950, .max_ms = 13000 }, .probes_unseen = true },
	{ "... where the count was stale, only one probe can have been sent",
	  { EST, { 21040, HO_RESET_SENT, 10040, { .probes_out = 3 } },
	    CLOSE(21040, 10040, TCP_ESTABLISHED, .error = ETIMEDOUT, .probes_out = 3) },
	  { .outcome = OUTCOME_KEEPALIVE_TIMEOUT, .found_by = FOUND_BY_KEEPALIVE, .sent = 1,
	    .episodes = 1, .asks = 1, .end = EPISODE_DIED,
	    .min_ms = 950, .likely_min_ms = 950, .max_ms = 11000 }, .probes_unseen = true },
	{ "... several unanswered, then an answer: an episode that recovered",
	  { EST, { 12040, HO_HEARD, 0, { .probes_out = 3, .flags = HO_F_SEGMENT, .tcp_flags = 0x10,
					  .last_tx_ms = 12000 } },
	    CLOSE(20000, 19000, TCP_FIN_WAIT2) },
	  { .outcome = OUTCOME_CLOSED_LOCALLY, .sent = 3, .answered = 1, .episodes = 1, .asks = 3,
	    .end = EPISODE_RECOVERED }, .probes_unseen = true },
	{ "nobody saw its end, and it stands dead behind its file: keepalive, as of its last timer",
	  { EST, PROBE(10000, 0, 1), HEARD(10040, 0, 1), PROBE(20040, 10040, 1),
	    PROBE(21040, 10040, 2), PROBE(22040, 10040, 3),
	    DEAD(31000, 23040, 10040, .error = ETIMEDOUT, .probes_out = 3,
		 .flags = HO_F_ALL_ACKED) },
	  { .outcome = OUTCOME_KEEPALIVE_TIMEOUT, .found_by = FOUND_BY_KEEPALIVE, .sent = 4,
	    .answered = 1, .episodes = 1, .asks = 3, .end = EPISODE_DIED,
	    .min_ms = 950, .likely_min_ms = 2950, .max_ms = 13000 } },
	{ "... the same with TCP_USER_TIMEOUT",
	  { EST, { 10000, HO_PROBE_SENT, 0, { .probes_out = 1, .user_timeout_ms = 500 } },
	    DEAD(31000, 11000, 0, .error = ETIMEDOUT, .probes_out = 1, .user_timeout_ms = 500,
		 .flags = HO_F_ALL_ACKED) },
	  { .outcome = OUTCOME_USER_TIMEOUT, .found_by = FOUND_BY_USER_TIMEOUT, .sent = 1,
	    .episodes = 1, .asks = 1, .end = EPISODE_DIED,
	    .min_ms = 950, .likely_min_ms = 950, .max_ms = 11000 } },
	{ "... a reset, of which nobody had asked",
	  { EST, DEAD(31000, 11000, 0, .error = ECONNRESET, .flags = HO_F_ALL_ACKED) },
	  { .outcome = OUTCOME_RESET_BY_PEER } },
	{ "... a reset, and nothing had befallen it before but answered probes",
	  { EST, PROBE(10000, 0, 1), HEARD(10040, 0, 1), PROBE(20040, 10040, 1),
	    HEARD(20080, 10040, 1),
	    DEAD(31000, 30000, 20080, .error = ECONNRESET, .flags = HO_F_ALL_ACKED) },
	  { .outcome = OUTCOME_RESET_BY_PEER, .sent = 2, .answered = 2 } },
	{ "... data in vain, after which tcp_done() shut both directions",
	  { EST, { 10000, HO_RETRANSMIT, 0, { .retransmits = 1, .packets_out = 1 } },
	    { 10500, HO_RETRANSMIT, 0, { .retransmits = 2, .packets_out = 1 } },
	    DEAD(31000, 12000, 0, .error = ETIMEDOUT, .retransmits = 3,
		 .flags = HO_F_FIN_QUEUED) },
	  { .outcome = OUTCOME_RETRANSMIT_TIMEOUT, .found_by = FOUND_BY_RETRANSMIT, .episodes = 1,
	    .asks = 3, .end = EPISODE_DIED, .min_ms = 1450, .likely_min_ms = 2150,
	    .max_ms = 12000 } },
	{ "... the peer had said goodbye before probes stayed unanswered: nobody is gone",
	  { EST, DEAD(31000, 13000, 0, .error = ETIMEDOUT, .probes_out = 3,
		      .flags = HO_F_ALL_ACKED | HO_F_FIN_TAKEN) },
	  { .outcome = OUTCOME_KEEPALIVE_TIMEOUT, .sent = 1, .lost = 1, .episodes = 1, .asks = 1,
	    .end = EPISODE_DIED } },
	{ "... the same, and its program has fetched the error: nobody knows how it ended",
	  { EST, PROBE(10000, 0, 1), PROBE(11000, 0, 2),
	    DEAD(31000, 12000, 0, .probes_out = 2, .flags = HO_F_ALL_ACKED | HO_F_FIN_TAKEN) },
	  { .outcome = OUTCOME_UNKNOWN, .sent = 2, .episodes = 1, .asks = 2,
	    .end = EPISODE_CLOSED } },
	{ "... ss -K",
	  { EST, DEAD(31000, 0, 0, .error = ECONNABORTED, .flags = HO_F_ALL_ACKED) },
	  { .outcome = OUTCOME_ABORTED_LOCALLY } },
	{ "... closed by both, and its program holds it still",
	  { EST, DEAD(31000, 11000, 0, .flags = HO_F_ALL_ACKED | HO_F_FIN_TAKEN) },
	  { .outcome = OUTCOME_CLOSED_BY_PEER }, .all = true },
	{ "... its program has fetched the error: nobody knows how it ended",
	  { EST, PROBE(10000, 0, 1), PROBE(11000, 0, 2),
	    DEAD(31000, 12000, 0, .probes_out = 2, .flags = HO_F_ALL_ACKED) },
	  { .outcome = OUTCOME_UNKNOWN, .sent = 2, .episodes = 1, .asks = 2,
	    .end = EPISODE_CLOSED } },
	{ "... and who is found dead after its end was told is told once",
	  { EST, PROBE(10000, 0, 1), PROBE(11000, 0, 2), PROBE(12000, 0, 3),
	    CLOSE(13000, 0, TCP_ESTABLISHED, .error = ETIMEDOUT, .probes_out = 3,
		  .flags = HO_F_IN_KEEPALIVE),
	    DEAD(13100, 13000, 0, .error = ETIMEDOUT, .probes_out = 3,
		 .flags = HO_F_ALL_ACKED) },
	  { .outcome = OUTCOME_KEEPALIVE_TIMEOUT, .found_by = FOUND_BY_KEEPALIVE, .sent = 3,
	    .episodes = 1, .asks = 3, .end = EPISODE_DIED,
	    .min_ms = 950, .likely_min_ms = 2950, .max_ms = 13000 } },
	{ "a change of state that both its programs tell counts once",
	  { EST, EST, { 5000, HO_STATE, 0, { .state = TCP_CLOSE_WAIT,
					     .old_state = TCP_ESTABLISHED } },
	    { 5000, HO_STATE, 0, { .state = TCP_CLOSE_WAIT, .old_state = TCP_ESTABLISHED } },
	    CLOSE(6000, 5000, TCP_LAST_ACK), CLOSE(6000, 5000, TCP_LAST_ACK) },
	  { .outcome = OUTCOME_CLOSED_BY_PEER }, .all = true },
	{ "open, and two asks unanswered: suspect",
	  { EST, PROBE(10000, 0, 1), PROBE(11000, 0, 2), PROBE(12000, 0, 3) },
	  { .outcome = OUTCOME_SUSPECT, .sent = 3 }, .open = true, .stop_ms = 12500 },
	{ "open, and one ask unanswered: told, not suspect",
	  { EST, PROBE(10000, 0, 1), PROBE(11000, 0, 2) },
	  { .outcome = OUTCOME_OPEN, .sent = 2 }, .open = true, .stop_ms = 11500 },
	{ "open, and one ask out: nothing to tell",
	  { EST, PROBE(10000, 0, 1) }, { .none = true }, .open = true, .stop_ms = 10500 },
};

static void check_bound(int64_t expected_ms, bool known, double ms)
{
	if (expected_ms < 0)
		assert_false(known);
	else
		assert_in_range(floor(ms), expected_ms, expected_ms + (ms > floor(ms)));
}

static void test_scenario(void **state)
{
	const struct scenario *s = *state;
	const struct expected *x = &s->expected;
	struct core_config config = { .all = s->all, .suspect_after = 2 };
	struct got got = { 0 };
	struct core *core = s->probes_unseen ? core_started_with("tcp_probe", &config, &got)
					     : started_core(&config, &got);
	struct summary summary;
	struct record r;
	unsigned int i, events = 0;

	for (i = 0; i < 16 && s->steps[i].kind; i++) {
		r = fact(&s->steps[i]);
		feed(core, &r);
		events += s->steps[i].kind != HO_SEEN || !i;	/* rows of a pass are no events */
	}
	r = (struct record){ .type = RECORD_STOP, .mono_ns = s->stop_ms * MS };
	feed(core, &r);

	assert_int_equal(got.timelines, x->none ? 0 : 1);
	if (!x->none) {
		const struct timeline_counts *c = &got.last.counts;

		assert_int_equal(got.last.final, !s->open);
		assert_string_equal(outcome__name(got.last.outcome), outcome__name(x->outcome));
		assert_string_equal(found_by__name(got.last.half_open.found_by),
				    found_by__name(x->found_by));
		assert_int_equal(c->probes_sent, x->sent);
		assert_int_equal(c->probes_answered, x->answered);
		assert_int_equal(c->probes_failed, x->failed);
		assert_int_equal(got.last.detail == DETAIL_UNASKED, x->unasked);
		if (x->lost)
			assert_int_equal(c->events_lost, x->lost);
		assert_int_equal(c->peer_probes, x->peer_probes);
		assert_int_equal(c->zero_window_probes, x->window_probes);
		assert_int_equal(c->retransmits, x->retransmits);
		/* one that is open has a present one, beside those that are over */
		assert_int_equal(got.last.episode_count -
					 (s->open && got.episode.end == EPISODE_OPEN),
				 x->episodes);
		if (x->episodes) {
			assert_int_equal(got.episode.asks, x->asks);
			assert_int_equal(got.episode.end, x->end);
		}
		assert_int_equal(got.last.half_open.is, x->found_by != FOUND_BY_NOTHING);
	}
	if (!x->none && x->found_by) {
		const struct timeline_half_open *h = &got.last.half_open;
		bool known = h->latency_ms.lower_bounds_known;

		check_bound(x->min_ms, known, h->latency_ms.min);
		check_bound(x->likely_min_ms, known, h->latency_ms.likely_min);
		/* Times from the kernel's clocks alone are exact to a jiffy. */
		assert_in_range(floor(h->latency_ms.max), x->max_ms, x->max_ms + 4);
	}
	summary = core__summary(core);
	assert_int_equal(summary.events, events);
	assert_int_equal(summary.endings, !s->open);
	assert_int_equal(summary.open, s->open);
	assert_int_equal(summary.half_open, x->found_by != FOUND_BY_NOTHING);
	if (x->found_by != FOUND_BY_NOTHING)
		assert_int_equal(summary.half_open_by[x->found_by], 1);
	core__free(core);
}

/* ---- beyond one socket's history ---- */

static void test_every_tells_open_sockets_with_rising_revisions(void **state)
{
	struct core_config config = { .suspect_after = 2, .every_ns = 5 * S };
	struct got got = { 0 };
	struct core *core = started_core(&config, &got);
	static const struct step steps[] = { EST, PROBE(1000, 0, 1), PROBE(2000, 0, 2) };
	struct record r;
	unsigned int i;

	(void)state;
	feed_steps(core, steps, 3);
	for (i = 1; i <= 12; i++) {
		r = (struct record){ .type = RECORD_TICK, .mono_ns = i * S };
		feed(core, &r);
	}
	assert_int_equal(got.timelines, 2);
	assert_int_equal(got.last.revision, 2);
	assert_false(got.last.final);
	core__free(core);
}

/* A round is emitted in slices, one a tick: each socket once, except those that end meanwhile. */
static void test_every_lets_the_stream_go_on(void **state)
{
	struct core_config config = { .suspect_after = 2, .every_ns = 5 * S, .all = true };
	struct got got = { 0 };
	struct core *core = started_core(&config, &got);
	struct step step = EST;
	struct record r;
	unsigned int i, ticks = 0;

	(void)state;
	for (i = 0; i < 10000; i++) {
		r = fact(&step);
		r.event.cookie = 1000 + i;
		r.event.peer_port = 1 + i;
		feed(core, &r);
	}
	do {
		feed(core, &(struct record){ .type = RECORD_TICK,
					     .mono_ns = 6 * S + ticks * 1000 });
		if (!ticks++)
			assert_true(got.timelines > 0 && got.timelines < 5000);
	} while (core__has_more_to_tell(core));
	assert_int_equal(got.timelines, 10000);
	assert_int_equal(ticks, 3);
	feed(core, &(struct record){ .type = RECORD_TICK, .mono_ns = 10 * S });
	assert_false(core__has_more_to_tell(core));
	assert_int_equal(got.timelines, 10000);
	feed(core, &(struct record){ .type = RECORD_TICK, .mono_ns = 11 * S + 1 });
	assert_true(core__has_more_to_tell(core));
	core__free(core);
}

static void test_a_long_episode_keeps_both_ends(void **state)
{
	struct core_config config = { .suspect_after = 2 };
	struct got got = { 0 };
	struct core *core = started_core(&config, &got);
	struct step probe = { 1000, HO_PROBE_SENT, 0, { .probes_out = 1 } };
	struct record r;
	unsigned int i;

	(void)state;
	for (i = 1; i <= 100; i++, probe.ms += 1000) {
		r = fact(&probe);
		feed(core, &r);
	}
	feed(core, &(struct record){ .type = RECORD_STOP });
	assert_int_equal(got.last.counts.probes_sent, 100);
	assert_int_equal(got.last.event_count, 16);
	assert_int_equal(got.last.events_omitted, 84);
	assert_int_equal(got.events[0].n, 1);
	assert_int_equal(got.events[7].n, 8);
	assert_int_equal(got.events[8].n, 93);
	assert_int_equal(got.events[15].n, 100);
	core__free(core);
}

static void test_many_episodes_stay_bounded(void **state)
{
	struct core_config config = { .suspect_after = 2 };
	struct got got = { 0 };
	struct core *core = started_core(&config, &got);
	uint64_t ms = 1000;
	unsigned int i, j;

	(void)state;
	for (i = 0; i < 100; i++) {
		for (j = 1; j <= 3; j++, ms += 1000) {
			struct step probe = PROBE(ms, 0, j);
			struct record r = fact(&probe);

			feed(core, &r);
		}
		struct step heard = HEARD(ms, 0, 3);
		struct record r = fact(&heard);

		feed(core, &r);
		ms += 10000;
	}
	feed(core, &(struct record){ .type = RECORD_STOP });
	assert_int_equal(got.last.episode_count, EPISODES_KEPT);
	assert_int_equal(got.last.episodes_omitted, 100 - EPISODES_KEPT);
	assert_in_range(got.last.event_count, 64, 96);
	assert_int_equal(got.last.event_count + got.last.events_omitted, 400);
	core__free(core);
}

static void test_events_are_told_one_by_one(void **state)
{
	/* Without folding the first probe is emitted when it is sent, not when it stays
	 * unanswered. */
	struct core_config config = { .suspect_after = 2, .events = true };
	struct got got = { 0 };
	struct core *core = started_core(&config, &got);
	static const struct step steps[] = { EST, PROBE(10000, 0, 1), HEARD(10040, 0, 1) };
	struct record r;

	(void)state;
	feed_steps(core, steps, 3);
	struct step close = { 20000, HO_STATE, 0,
			      { .state = TCP_CLOSE, .old_state = TCP_ESTABLISHED } };
	r = fact(&close);
	feed(core, &r);
	feed(core, &(struct record){ .type = RECORD_STOP });
	assert_int_equal(got.last.event_count, 4);
	assert_int_equal(got.events[1].kind, EVENT_PROBE_SENT);
	assert_int_equal(got.events[2].kind, EVENT_ANSWERED);
	assert_int_equal(got.events[2].rtt.min_us, 40000);
	core__free(core);
}

static void test_a_complete_pass_tells_who_is_gone_after_a_loss(void **state)
{
	struct core_config config = { .suspect_after = 2 };
	struct got got = { 0 };
	struct core *core = started_core(&config, &got);
	static const struct step steps[] = { EST, PROBE(10000, 0, 1), PROBE(11000, 0, 2) };
	struct record known = { .type = RECORD_SYSCTL, .sysctl = { 0, 7200, 75, 9, "" } };
	struct record loss = { .type = RECORD_LOSS, .mono_ns = 20 * S,
			       .loss = { .count = 3, .from_ns = 19 * S,
					 .reason = LOSS_RING_FULL } };
	struct record whose = loss, tick = { .type = RECORD_TICK, .mono_ns = 40 * S };

	(void)state;
	feed(core, &known);
	feed_steps(core, steps, 3);
	whose.loss.cookie = COOKIE;
	whose.loss.count = 1;
	feed(core, &loss);
	feed(core, &whose);
	feed_pass(core, 27, false);	/* not every namespace was read: proves nothing */
	feed_pass(core, 28, false);
	feed_pass(core, 29, true);	/* nor does a single pass */
	feed(core, &tick);
	assert_int_equal(got.timelines, 0);
	feed_pass(core, 39, true);
	tick.mono_ns = 50 * S;
	feed(core, &tick);
	assert_int_equal(got.timelines, 1);
	assert_int_equal(got.last.outcome, OUTCOME_UNKNOWN);
	assert_true(got.ending_lost);
	assert_int_equal(got.last.counts.events_lost, 1);
	assert_int_equal(core__summary(core).events_lost, 3);
	assert_int_equal(core__summary(core).open, 0);
	core__free(core);
}

/* Passes over a host of many namespaces may lie far apart: a socket found by each is alive, also
 * one whose cookie is as high as the kernel's can be. */
static void test_a_slow_pass_ends_nobody(void **state)
{
	static const uint64_t apart_min[] = { 10, 18, 20, 30, 36, 37, 40, 60, 1440, 2 * 1440 };
	static const struct step steps[] = { EST, PROBE(10000, 0, 1), PROBE(11000, 0, 2) };
	struct record known = { .type = RECORD_SYSCTL, .sysctl = { 0, 7200, 75, 9, "" } };
	uint64_t cookies[] = { COOKIE, UINT64_MAX - 1, 99 };
	static const uint32_t silent_s[2];
	struct core_config config = { .suspect_after = 2 };
	struct got got = { 0 };
	unsigned int i, pass, cookie;

	(void)state;
	for (i = 0; i < sizeof(apart_min) / sizeof(apart_min[0]); i++) {
		struct record present = { .type = RECORD_SILENT,
					  .present = { 2, cookies, silent_s } };
		struct core *core = started_core(&config, &got);
		uint64_t at_s = 60;

		feed(core, &known);
		for (cookie = 0; cookie < 3; cookie++)
			for (pass = 0; pass < 3; pass++) {
				struct record r = fact(&steps[pass]);

				r.event.cookie = cookies[cookie];
				feed(core, &r);
			}
		for (pass = 0; pass < 5; pass++, at_s += apart_min[i] * 60) {
			present.mono_ns = (at_s + 1) * S;
			feed(core, &present);
			feed_pass(core, at_s, true);
			/* the third is found by neither */
			assert_int_equal(core__summary(core).open, pass < 1 ? 3 : 2);
		}
		core__free(core);
	}
}

/* The pass with which a stream ends is decisive: a socket that it does not find is not open. */
static void test_the_last_pass_needs_no_second(void **state)
{
	struct core_config config = { .suspect_after = 2 };
	struct got got = { 0 };
	struct core *core = started_core(&config, &got);
	static const struct step steps[] = { EST, PROBE(10000, 0, 1), PROBE(11000, 0, 2) };
	struct record known = { .type = RECORD_SYSCTL, .sysctl = { 0, 7200, 75, 9, "" } };
	struct record pass = { .type = RECORD_SNAPSHOT, .mono_ns = 31 * S,
			       .snapshot = { .begun_ns = 30 * S, .complete = true, .last = true } };

	(void)state;
	feed(core, &known);
	feed_steps(core, steps, 3);
	feed_pass(core, 12, true);
	feed(core, &pass);	/* it could not look into the namespace */
	assert_int_equal(core__summary(core).open, 1);
	known.mono_ns = pass.snapshot.begun_ns = 40 * S;
	pass.mono_ns = 41 * S;
	feed(core, &known);
	feed(core, &pass);
	feed(core, &(struct record){ .type = RECORD_STOP, .mono_ns = 41 * S });
	assert_int_equal(got.timelines, 1);
	assert_true(got.last.final);
	assert_int_equal(got.last.outcome, OUTCOME_UNKNOWN);
	assert_true(got.ending_lost);
	core__free(core);
}

/* ... but its namespace has to be one that can be looked into: orphans may outlive its name. */
static void test_the_last_pass_cannot_look_everywhere(void **state)
{
	struct core_config config = { .suspect_after = 2, .all = true };
	struct got got = { 0 };
	struct core *core = started_core(&config, &got);
	static const struct step est = EST;
	struct record known = { .type = RECORD_SYSCTL, .sysctl = { 0, 7200, 75, 9, "" } };
	struct record gone = { .type = RECORD_NETNS_GONE, .mono_ns = 20 * S };
	struct record pass = { .type = RECORD_SNAPSHOT, .mono_ns = 31 * S,
			       .snapshot = { .begun_ns = 30 * S, .complete = true, .last = true } };
	struct record r = fact(&est);

	(void)state;
	known.sysctl.netns = gone.netns_gone.netns = r.event.netns = 7;
	feed(core, &known);
	feed(core, &r);
	r.mono_ns = r.event.mono_ns = 13 * S;
	r.event.kind = HO_SEEN;
	known.mono_ns = 12 * S + 1;
	feed(core, &known);
	feed(core, &r);
	feed(core, &(struct record){ .type = RECORD_SNAPSHOT, .mono_ns = 14 * S,
				     .snapshot = { .begun_ns = 12 * S, .complete = true } });
	feed(core, &gone);
	feed(core, &pass);
	feed(core, &(struct record){ .type = RECORD_STOP, .mono_ns = 31 * S });
	assert_int_equal(got.timelines, 1);
	assert_int_equal(got.last.outcome, OUTCOME_OPEN);
	core__free(core);
}

/* A million of them are found again by one pass: those without an event stay small. */
static void test_a_pass_that_finds_all_as_it_was_costs_no_memory(void **state)
{
	struct core_config config = { .suspect_after = 2 };
	struct got got = { 0 };
	struct core *core = started_core(&config, &got);
	static const struct step steps[] = { EST, PROBE(10000, 0, 1),
					     { 10040, HO_HEARD, 0, { .probes_out = 1,
								     .flags = HO_F_SEGMENT,
								     .tcp_flags = HO_TCP_ACK } },
					     { 15000, HO_SEEN, 14000, { .flags = 0 } },
					     { 16000, HO_SEEN, 14000, { .idle_s = 20 } } };
	unsigned int i;

	(void)state;
	for (i = 0; i < 5; i++) {
		struct record r = fact(&steps[i]);
		const struct connection *c;

		feed(core, &r);
		c = table__history(&core->table, table__find(&core->table, COOKIE));
		assert_int_equal(c && c->incidents, i == 4);	/* other options by then */
	}
	core__free(core);
}

static int on_loss(void *context, const struct loss *l)
{
	*(struct loss *)context = *l;
	return 0;
}

/* No loss was counted; an ending or a probe without an event is detected all the same, and
 * reported. */
static void test_what_no_program_was_run_for_is_told(void **state)
{
	struct core_config config = { .suspect_after = 2 };
	struct loss loss = { 0 };
	struct sink sink = { .size = sizeof(sink), .context = &loss, .loss = on_loss };
	struct core *core = core__new(&config, &sink);
	uint64_t cookie = COOKIE;
	struct record meta = { .type = RECORD_META, .meta = { HZ, "1", "gw", "b", "r", "6.18" } };
	struct record start = { .type = RECORD_START, .start = { "tcp_probe timer_expire_exit" } };
	struct record present = { .type = RECORD_PRESENT, .mono_ns = 60 * S,
				  .present = { 1, &cookie } };
	struct record known = { .type = RECORD_SYSCTL, .sysctl = { 0, 7200, 75, 9, "" } };
	struct record pass = { .type = RECORD_SNAPSHOT,
			       .snapshot = { .begun_ns = 90 * S, .complete = true } };
	struct record tick = { .type = RECORD_TICK, .mono_ns = 61 * S };
	static const struct step steps[] = { EST, PROBE(10000, 0, 1), PROBE(12000, 0, 3) };

	(void)state;
	feed(core, &meta);
	feed(core, &start);
	feed(core, &known);
	feed_steps(core, steps, 3);
	feed(core, &present);
	feed_pass(core, 59, true);
	feed(core, &tick);
	assert_int_equal(loss.reason, LOSS_UNSEEN);
	assert_int_equal(loss.count, 1);	/* the second probe */
	assert_int_equal(core__summary(core).open, 1);
	loss = (struct loss){ 0 };
	/* A pass that could not look into its namespace proves nothing; two that did, do. */
	feed(core, &pass);
	assert_int_equal(core__summary(core).open, 1);
	feed_pass(core, 119, true);
	assert_int_equal(core__summary(core).open, 1);
	feed_pass(core, 179, true);
	tick.mono_ns = 181 * S;
	feed(core, &tick);
	assert_int_equal(loss.reason, LOSS_UNSEEN);
	assert_int_equal(loss.count, 1);
	assert_int_equal(core__summary(core).open, 0);
	assert_int_equal(core__summary(core).events_lost, 2);
	core__free(core);
}

/* An invalid record costs only itself; their number is reported with the next tick, as soon as
 * there is output. */
static void test_what_makes_no_sense_is_a_loss(void **state)
{
	struct record meta = { .type = RECORD_META, .meta = { HZ, "1", "gw", "b", "r", "6.18" } };
	struct record start = { .type = RECORD_START, .mono_ns = S, .start = { "tcp_probe" } };
	struct record senseless = record__senseless(S), tick = { .type = RECORD_TICK };
	struct core_config config = { .suspect_after = 2 };
	struct loss loss = { 0 };
	struct sink sink = { .size = sizeof(sink), .context = &loss, .loss = on_loss };
	struct core *core = core__new(&config, &sink);

	(void)state;
	feed(core, &meta);
	feed(core, &senseless);
	feed(core, &start);
	senseless = record__senseless(2 * S);
	feed(core, &senseless);
	assert_int_equal(loss.count, 0);
	tick.mono_ns = 3 * S;
	feed(core, &tick);
	assert_int_equal(loss.reason, LOSS_SENSELESS);
	assert_int_equal(loss.count, 2);
	assert_int_equal((uint64_t)loss.from_at, S);
	assert_int_equal(loss.to_ns, 3 * S);
	loss = (struct loss){ 0 };
	feed(core, &tick);
	assert_int_equal(loss.count, 0);
	assert_int_equal(core__summary(core).events_lost, 2);
	core__free(core);
}

static void test_an_owner_is_kept_with_its_socket(void **state)
{
	struct core_config config = { .suspect_after = 2, .all = true };
	struct got got = { 0 };
	struct core *core = started_core(&config, &got);
	struct record owner = { .type = RECORD_OWNER,
				.owner = { COOKIE, 812, "mosquitto", "/system.slice", "" } };
	struct step est = EST;
	struct record r = fact(&est);

	(void)state;
	feed(core, &owner);		/* of an unknown socket: ignored */
	feed(core, &r);
	feed(core, &owner);
	feed(core, &owner);
	feed(core, &(struct record){ .type = RECORD_STOP });
	assert_true(got.last.socket.owner.known);
	core__free(core);
}

static void feed_owner_of(struct core *core, uint64_t cookie, const char *comm)
{
	feed(core, &(struct record){ .type = RECORD_OWNER,
				     .owner = { cookie, 812, comm, "", "" } });
}

/* Sockets that the filter rejects are not counted, also where it can decide later only; unless it
 * accepts them. */
static void test_events_count_once_the_filter_wants_them(void **state)
{
	static const struct step steps[] = { EST, PROBE(10000, 0, 1), PROBE(11000, 0, 2) };
	struct filter_error error;
	struct filter *filter = filter__parse("comm = nginx and sport != :9", NULL, &error);
	struct core_config config = { .suspect_after = 2, .filter = filter };
	struct got got = { 0 };
	struct core *core = started_core(&config, &got);
	const char *why;
	uint64_t cookie;
	unsigned int i;

	(void)state;
	for (i = 0; i < 3; i++)
		for (cookie = 1; cookie <= 2000; cookie++) {
			struct record r = fact(&steps[i]);

			r.event.cookie = cookie;
			r.event.local_port = cookie == 2000 ? 9 : 80;	/* one is never accepted */
			core__feed(core, &r, &why);
			assert_true(cookie < 2000 || core__summary(core).events == 0);
		}
	feed_owner_of(core, 1, "nginx");
	feed_owner_of(core, 2, "redis");
	assert_int_equal(core__summary(core).events, 3);
	for (cookie = 3; cookie <= 1000; cookie++)
		feed_owner_of(core, cookie, cookie % 2 ? "nginx" : "redis");
	assert_int_equal(core__summary(core).events, 3 * 500);
	for (cookie = 1; cookie <= 3; cookie++) {	/* accepted, rejected, undecided */
		struct step step = { 12000, HO_STATE, 0, { .state = TCP_CLOSE, .error = 110,
							   .old_state = TCP_ESTABLISHED } };
		struct record r = fact(&step);

		r.event.cookie = cookie == 3 ? 1500 : cookie;
		core__feed(core, &r, &why);
	}
	feed(core, &(struct record){ .type = RECORD_TICK, .mono_ns = 20 * S });
	assert_int_equal(core__summary(core).events, 3 * 500 + 1);
	core__free(core);
	filter__free(filter);
}

static void test_what_comes_after_the_end_is_nobodys(void **state)
{
	struct core_config config = { .suspect_after = 2 };
	struct got got = { 0 };
	struct core *core = started_core(&config, &got);
	static const struct step steps[] = {
		{ 1000, HO_GONE, 0, { .state = TCP_CLOSE } },
		{ 1000, HO_RESET_SENT, 0, { .state = TCP_CLOSE } },
		{ 1000, HO_ERROR, 0, { .state = TCP_CLOSE } },
	};

	(void)state;
	feed_steps(core, steps, 3);
	assert_int_equal(core__summary(core).open, 0);
	core__free(core);
}

/* connect() with AF_UNSPEC leaves a socket its cookie: each of its connections has a number, until
 * the socket is destroyed. */
static void test_a_socket_that_is_connected_again(void **state)
{
	static const struct {
		struct step steps[8];
		unsigned int timelines, last;
	} lives[] = {
		/* while the last events of the first are awaited, and later */
		{ { EST, CLOSE(1000, 0, TCP_ESTABLISHED), DIALLED(1001),
		    CLOSE(1002, 0, TCP_ESTABLISHED), DIALLED(5000) },
		  3, 3 },
		/* a pass finds it open: the opening was lost */
		{ { EST, CLOSE(1000, 0, TCP_ESTABLISHED), { 1100, HO_SEEN, 0, { .flags = 0 } } },
		  2, 2 },
		/* destroyed: another socket cannot have its cookie, but numbers are forgotten */
		{ { EST, CLOSE(1000, 0, TCP_ESTABLISHED), DESTROYED(1001), DIALLED(5000) },
		  2, 1 },
		{ { EST, CLOSE(1000, 0, TCP_ESTABLISHED), DESTROYED(5000), DIALLED(5001) },
		  2, 1 },
		{ { EST, CLOSE(1000, 0, TCP_LAST_ACK, .flags = HO_F_ORPHAN), DIALLED(5001) },
		  2, 1 },
		/* an event of the first that comes late opens nothing */
		{ { EST, CLOSE(1000, 0, TCP_ESTABLISHED), { 999, HO_SEEN, 0, { .flags = 0 } } },
		  1, 1 },
	};
	struct core_config config = { .suspect_after = 2, .all = true };
	unsigned int i, step;

	(void)state;
	for (i = 0; i < sizeof(lives) / sizeof(lives[0]); i++) {
		struct got got = { 0 };
		struct core *core = started_core(&config, &got);

		for (step = 0; step < 8 && lives[i].steps[step].kind; step++) {
			feed_steps(core, &lives[i].steps[step], 1);
			if (step + 1 < 8 && lives[i].steps[step + 1].ms >= 5000)
				feed(core, &(struct record){ .type = RECORD_TICK,
							     .mono_ns = 4 * S });
		}
		feed(core, &(struct record){ .type = RECORD_STOP, .mono_ns = 9 * S });
		assert_int_equal(got.timelines, lives[i].timelines);
		assert_int_equal(got.last.socket.connection, lives[i].last);
		assert_int_equal(got.last.revision, 1);
		core__free(core);
	}
}

/* The ending of the first connection was lost: the next one is not reported with its peer. */
static void test_a_connection_whose_former_one_never_ended(void **state)
{
	static const struct step est = EST, probe = PROBE(10000, 0, 1), next[] = {
		DIALLED(20000),
		{ 20000, HO_SEEN, 0, { .flags = 0 } },
	};
	struct core_config config = { .suspect_after = 2, .all = true };
	unsigned int i;

	(void)state;
	for (i = 0; i < 2; i++) {
		struct record r = fact(&est), first = fact(&probe), other = fact(&next[i]);
		struct got got = { 0 };
		struct core *core = started_core(&config, &got);

		r.event.peer_port = first.event.peer_port = 1000;
		other.event.peer_port = 2000;
		feed(core, &r);
		feed(core, &first);
		feed(core, &other);
		assert_int_equal(got.timelines, 1);
		assert_true(got.last.final);
		assert_int_equal(got.last.outcome, OUTCOME_UNKNOWN);
		assert_int_equal(got.last.socket.peer.port, 1000);
		feed(core, &(struct record){ .type = RECORD_STOP, .mono_ns = 30 * S });
		assert_int_equal(got.timelines, 2);
		assert_int_equal(got.last.socket.connection, 2);
		assert_int_equal(got.last.socket.peer.port, 2000);
		assert_int_equal(core__summary(core).events_lost, 1);
		core__free(core);
	}
}

static void feed_namespace(struct core *core, uint64_t s, uint32_t net_cookie, const char *name)
{
	feed(core, &(struct record){ .type = RECORD_SYSCTL, .mono_ns = s * S,
				     .sysctl = { 7, 7200, 75, 9, name, net_cookie } });
}

/* A socket of inode 7 whose first event is its ending. */
static void feed_ending(struct core *core, uint64_t s, uint64_t cookie, uint32_t net_cookie)
{
	struct step end = CLOSE(0, 0, TCP_FIN_WAIT1, .error = ETIMEDOUT);
	struct record r = fact(&end);

	r.mono_ns = r.event.mono_ns = s * S;
	r.event.cookie = cookie;
	r.event.netns = 7;
	r.event.net_cookie = net_cookie;
	feed(core, &r);
	feed(core, &(struct record){ .type = RECORD_TICK, .mono_ns = (s + 1) * S });
}

static void test_an_inode_that_was_given_on(void **state)
{
	struct core_config config = { .suspect_after = 2, .all = true };
	struct got got = { 0 };
	struct core *core = started_core(&config, &got);
	struct step est = EST;
	struct record r = fact(&est);

	(void)state;
	feed_namespace(core, 1, 100, "pod-1");
	feed_ending(core, 1, 10, 0); /* it may have been there for long */
	assert_string_equal(got.name, "pod-1");
	feed_pass(core, 1, true);
	feed_ending(core, 2, 11, 100);
	assert_string_equal(got.name, "pod-1");
	feed(core, &(struct record){
			   .type = RECORD_NETNS_GONE, .mono_ns = 4 * S, .netns_gone = { 7, 100 } });
	feed_namespace(core, 5, 101, "pod-2");
	feed_ending(core, 6, 12, 100);	/* an orphan of the first one's */
	assert_string_equal(got.name, "pod-1");
	feed_ending(core, 8, 13, 101);
	assert_string_equal(got.name, "pod-2");
	feed_ending(core, 10, 14, 99);	/* of one before both: no name */
	assert_string_equal(got.name, "");
	feed_ending(core, 12, 15, 0); /* of a namespace from before the watch */
	assert_string_equal(got.name, "");
	/* The third has it, and the end of the second was not reported. */
	feed_ending(core, 14, 16, 102);
	assert_string_equal(got.name, "");
	feed_namespace(core, 16, 102, "pod-3");
	feed_ending(core, 17, 17, 102);
	assert_string_equal(got.name, "pod-3");
	feed_ending(core, 19, 18, 101);
	assert_string_equal(got.name, "pod-2");
	/* Opened in the fourth, whose inode was the third's when that was last entered. */
	r.mono_ns = r.event.mono_ns = 21 * S;
	r.event.netns = 7;
	feed(core, &r);
	feed_namespace(core, 22, 103, "pod-4");
	feed(core, &(struct record){ .type = RECORD_STOP, .mono_ns = 23 * S });
	assert_string_equal(got.name, "pod-4");
	assert_int_equal(got.timelines, 10);
	core__free(core);
}

/* A pass over everything, which entered the namespace of inode 7 if `net_cookie` is not 0. */
static void feed_pass_of_netns(struct core *core, uint64_t s, uint32_t net_cookie, const char *name)
{
	if (net_cookie)
		feed_namespace(core, s, net_cookie, name);
	feed(core, &(struct record){ .type = RECORD_SNAPSHOT, .mono_ns = s * S + 2,
				     .snapshot = { .begun_ns = s * S, .complete = true } });
}

static void feed_opening(struct core *core, uint64_t s, uint64_t cookie, uint32_t netns,
			 uint32_t net_cookie)
{
	struct step est = EST;
	struct record r = fact(&est);

	r.mono_ns = r.event.mono_ns = s * S;
	r.event.cookie = cookie;
	r.event.netns = netns;
	r.event.net_cookie = net_cookie;
	feed(core, &r);
}

/* Its ending was lost, and it has no further event: two passes detect it. */
static void test_made_before_its_namespace_was_entered(void **state)
{
	struct core_config config = { .suspect_after = 2 };
	struct got got = { 0 };
	struct core *core = started_core(&config, &got);

	(void)state;
	feed_pass_of_netns(core, 2, 0, NULL);
	feed_opening(core, 10, 10, 7, 0);
	feed_opening(core, 10, 11, 7, 100);
	feed_pass_of_netns(core, 20, 100, "pod-1");
	assert_int_equal(core__summary(core).namespaces, 1);
	assert_int_equal(core__summary(core).open, 2);
	feed_pass_of_netns(core, 30, 100, "pod-1");
	feed_pass_of_netns(core, 40, 100, "pod-1");
	assert_int_equal(core__summary(core).open, 0);
	core__free(core);
}

/* A namespace without a name may get one: no socket is rejected before its namespace was
 * entered. */
static void test_wanted_by_a_name_that_is_not_known_yet(void **state)
{
	struct filter_error error;
	struct filter *filter = filter__parse("netns = pod-1", NULL, &error);
	struct core_config config = { .suspect_after = 2, .all = true, .filter = filter };
	struct got got = { 0 };
	struct core *core = started_core(&config, &got);

	(void)state;
	feed_pass_of_netns(core, 2, 99, "pod-0");
	feed_opening(core, 10, 10, 7, 100);	/* the inode may be the former's, not the cookie */
	feed_opening(core, 10, 11, 8, 101);
	feed_namespace(core, 11, 100, "pod-1");
	feed_ending(core, 12, 10, 100);
	assert_int_equal(got.timelines, 1);
	assert_string_equal(got.name, "pod-1");
	core__free(core);
	filter__free(filter);
}

/* A slot has twelve bits for its namespace. */
static void test_one_of_many_namespaces(void **state)
{
	struct core_config config = { .suspect_after = 2 };
	struct got got = { 0 };
	struct core *core = started_core(&config, &got);
	unsigned int pass, i;

	(void)state;
	for (pass = 1; pass <= 4; pass++) {
		for (i = 0; i < 5000; i++)
			feed(core, &(struct record){ .type = RECORD_SYSCTL,
						     .mono_ns = pass * 10 * S,
						     .sysctl = { 1000 + i, 7200, 75, 9, "",
								 i + 1 } });
		feed(core, &(struct record){ .type = RECORD_SNAPSHOT, .mono_ns = pass * 10 * S + 2,
					     .snapshot = { .begun_ns = pass * 10 * S - 1,
							   .complete = true } });
		if (pass > 1)
			continue;
		feed_opening(core, 11, 10, 1000 + 4097, 0);	/* small events have no cookie */
		feed_opening(core, 11, 11, 1000 + 4999, 5000);
		feed_opening(core, 11, 12, 1000 + 6000, 0);	/* never entered: unknown */
	}
	assert_int_equal(core__summary(core).open, 1);
	core__free(core);
}

/* Its sockets may be held by a process in another namespace: only another namespace with its inode
 * shows that it has ended, and they with it. */
static void test_a_name_that_is_gone_ends_nothing(void **state)
{
	struct core_config config = { .suspect_after = 2, .all = true };
	struct got got = { 0 };
	struct core *core = started_core(&config, &got);
	unsigned int s;

	(void)state;
	feed_pass_of_netns(core, 2, 100, "pod-1");
	feed_opening(core, 3, 10, 7, 100);
	feed(core, &(struct record){
			   .type = RECORD_NETNS_GONE, .mono_ns = 4 * S, .netns_gone = { 7, 100 } });
	feed_opening(core, 5, 11, 7, 100);
	for (s = 10; s < 60; s += 10)
		feed_pass_of_netns(core, s, 0, NULL);
	assert_int_equal(core__summary(core).open, 2);
	feed_ending(core, 60, 11, 100);	/* it began when the name was gone */
	assert_string_equal(got.name, "");
	assert_int_equal(got.timelines, 1);
	feed_namespace(core, 62, 101, "pod-1");
	feed_opening(core, 63, 12, 7, 0);
	feed_pass_of_netns(core, 70, 101, "pod-1");
	feed(core, &(struct record){ .type = RECORD_TICK, .mono_ns = 75 * S });
	assert_int_equal(got.timelines, 2);
	assert_int_equal(got.last.outcome, OUTCOME_UNKNOWN);
	assert_string_equal(got.name, "pod-1");
	assert_int_equal(core__summary(core).open, 1);
	core__free(core);
}

/* It is named anew, or a process is found that lives there. */
static void test_a_namespace_that_outlives_its_name(void **state)
{
	struct core_config config = { .suspect_after = 2, .all = true };
	struct got got = { 0 };
	struct core *core = started_core(&config, &got);

	(void)state;
	feed_pass_of_netns(core, 2, 100, "pod-1");
	feed_opening(core, 3, 10, 7, 100);
	feed(core, &(struct record){
			   .type = RECORD_NETNS_GONE, .mono_ns = 4 * S, .netns_gone = { 7, 100 } });
	feed_opening(core, 5, 11, 7, 0);
	feed_pass_of_netns(core, 10, 100, "");
	feed_opening(core, 11, 12, 7, 0);
	feed_ending(core, 12, 10, 0);
	assert_string_equal(got.name, "pod-1");
	feed_ending(core, 14, 11, 0);
	assert_string_equal(got.name, "");
	feed_pass_of_netns(core, 16, 100, "again");
	feed_ending(core, 18, 12, 0);
	assert_string_equal(got.name, "again");
	core__free(core);
}

static void test_a_stream_must_say_what_it_is_first(void **state)
{
	struct core_config config = { .suspect_after = 2 };
	struct sink sink = { .size = sizeof(sink) };
	struct core *core = core__new(&config, &sink);
	const char *why = NULL;

	(void)state;
	assert_int_equal(core__feed(core, &(struct record){ .type = RECORD_TICK }, &why), -EBADMSG);
	assert_non_null(why);
	core__free(core);
}

/* ---- holders ---- */

struct holders_told {
	char lines[256];
};

/* What is to be recorded of holders, and of what passes saw. */
static void note_taken(void *context, const struct record *r)
{
	struct holders_told *t = context;
	size_t used = strlen(t->lines);
	uint32_t i;

	if (r->type == RECORD_EVENT)
		snprintf(t->lines + used, sizeof(t->lines) - used, "seen %u; ",
			 (unsigned int)r->event.cookie);
	if (r->type != RECORD_HOLDER)
		return;
	assert_int_equal(r->holder.pass, 0);
	assert_null(r->holder.events);
	for (i = 0; i < r->holder.count; i++)
		snprintf(t->lines + strlen(t->lines), sizeof(t->lines) - strlen(t->lines), "%s%u",
			 i ? "," : "", (unsigned int)r->holder.cookies[i]);
	used = strlen(t->lines);
	snprintf(t->lines + used, sizeof(t->lines) - used, " of %s/%u; ", r->holder.by.comm,
		 r->holder.by.pid);
}

static void expect_taken(struct holders_told *t, const char *expected)
{
	assert_string_equal(t->lines, expected);
	*t->lines = '\0';
}

/* A process of a pass, and sockets 1 to `count` that it holds, as they were at `seen_ms`, if that is
 * not 0. */
static void feed_holder(struct core *core, uint64_t ms, uint32_t pass, uint32_t pid, uint32_t count,
			uint64_t seen_ms)
{
	struct ho_event events[3];
	uint64_t cookies[3] = { 1, 2, 3 };
	struct record r = { .type = RECORD_HOLDER, .mono_ns = ms * MS };
	const char *why;
	uint32_t i;

	for (i = 0; i < count; i++)
		events[i] = (struct ho_event){ .kind = HO_SEEN, .cookie = i + 1, .state = 1,
					       .family = 2, .netns = 7, .mono_ns = seen_ms * MS };
	r.holder.pass = pass;
	r.holder.by = (struct record_process){ pid, "nginx", "/", "" };
	r.holder.count = count;
	r.holder.cookies = cookies;
	r.holder.events = seen_ms ? events : NULL;
	assert_int_equal(core__feed(core, &r, &why), 0);
}

static void feed_state(struct core *core, uint64_t ms, uint64_t cookie, uint8_t from, uint8_t to)
{
	struct record r = { .type = RECORD_EVENT, .mono_ns = ms * MS };
	const char *why;

	r.event = (struct ho_event){ .kind = HO_STATE, .cookie = cookie, .state = to,
				     .old_state = from, .family = 2, .netns = 7,
				     .mono_ns = ms * MS };
	if (to == TCP_CLOSE)
		r.event.flags = HO_F_ORPHAN;
	assert_int_equal(core__feed(core, &r, &why), 0);
}

static struct core *core_of_holders(struct holders_told *t)
{
	struct core_config config = { .suspect_after = 2, .taken = note_taken, .taken_context = t };
	struct core *core = core__new(&config, &(struct sink){ .size = sizeof(struct sink) });
	struct record r = { .type = RECORD_META };
	const char *why;

	*t->lines = '\0';
	r.meta.hz = HZ;
	assert_int_equal(core__feed(core, &r, &why), 0);
	feed_state(core, 900, 1, TCP_SYN_RECV, TCP_ESTABLISHED);
	feed_state(core, 900, 2, TCP_SYN_RECV, TCP_ESTABLISHED);
	r = (struct record){ .type = RECORD_START, .mono_ns = 1 * S, .start = { "timer_expire_exit" } };
	assert_int_equal(core__feed(core, &r, &why), 0);
	expect_taken(t, "seen 1; seen 2; ");
	return core;
}

static void test_only_a_new_holder_is_recorded(void **state)
{
	struct holders_told t;
	struct core *core = core_of_holders(&t);

	(void)state;
	feed_holder(core, 2000, 1, 100, 3, 0);		/* nothing is known of 3 */
	expect_taken(&t, "1,2 of nginx/100; ");
	feed_holder(core, 2001, 1, 101, 2, 0);		/* the second that this pass meets */
	expect_taken(&t, "");
	feed_holder(core, 4000, 2, 100, 2, 0);		/* known */
	feed_holder(core, 4001, 2, 101, 2, 0);
	expect_taken(&t, "");
	feed_holder(core, 6000, 3, 101, 1, 0);		/* handed on */
	expect_taken(&t, "1 of nginx/101; ");
	feed_holder(core, 6001, 3, 100, 1, 0);
	expect_taken(&t, "");
	core__free(core);
}

/* A pass shows each socket as it is by now: taken with its new owner, and of a socket of which nothing is
 * known, whose opening was lost. */
static void test_what_a_pass_saw_comes_with_its_new_owner(void **state)
{
	struct holders_told t;
	struct core *core = core_of_holders(&t);

	(void)state;
	feed_holder(core, 2000, 1, 100, 3, 1999);
	expect_taken(&t, "seen 1; 1 of nginx/100; seen 2; 2 of nginx/100; seen 3; 3 of nginx/100; ");
	feed_holder(core, 4000, 2, 100, 3, 3999);
	expect_taken(&t, "");
	feed_holder(core, 6000, 3, 101, 1, 5999);
	expect_taken(&t, "seen 1; 1 of nginx/101; ");
	assert_int_equal(core__summary(core).open, 3);
	core__free(core);
}

/* Events from between the look at a socket and the word of its process are younger than that look. */
static void test_what_a_pass_saw_may_be_outdated(void **state)
{
	struct holders_told t;
	struct core *core = core_of_holders(&t);

	(void)state;
	feed_state(core, 1999, 2, TCP_LAST_ACK, TCP_CLOSE);
	feed_state(core, 1999, 3, TCP_SYN_RECV, TCP_ESTABLISHED);
	expect_taken(&t, "seen 2; seen 3; ");
	feed_holder(core, 2000, 1, 100, 3, 1998);	/* 2 stays ended, 3 is looked at later */
	expect_taken(&t, "seen 1; 1 of nginx/100; ");
	assert_int_equal(core__summary(core).open, 2);
	feed_holder(core, 4000, 2, 100, 1, 3999);
	expect_taken(&t, "");
	core__free(core);
}

/* A stream that describes itself anew tells what is known already. */
static void test_a_description_names_all_holders(void **state)
{
	struct holders_told t;
	struct core *core = core_of_holders(&t);
	struct record r = { .type = RECORD_META, .mono_ns = 3 * S };
	const char *why;

	(void)state;
	feed_holder(core, 2000, 1, 100, 2, 0);
	expect_taken(&t, "1,2 of nginx/100; ");
	r.meta.hz = HZ;
	assert_int_equal(core__feed(core, &r, &why), 0);
	feed_holder(core, 3000, 2, 100, 2, 0);
	expect_taken(&t, "1,2 of nginx/100; ");
	r = (struct record){ .type = RECORD_START, .mono_ns = 3 * S, .start = { "" } };
	assert_int_equal(core__feed(core, &r, &why), 0);
	feed_holder(core, 4000, 3, 100, 2, 0);
	expect_taken(&t, "");
	core__free(core);
}

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

int main(void)
{
	static const struct CMUnitTest others[] = {
		cmocka_unit_test(test_every_tells_open_sockets_with_rising_revisions),
		cmocka_unit_test(test_every_lets_the_stream_go_on),
		cmocka_unit_test(test_events_count_once_the_filter_wants_them),
		cmocka_unit_test(test_a_slow_pass_ends_nobody),
		cmocka_unit_test(test_the_last_pass_needs_no_second),
		cmocka_unit_test(test_the_last_pass_cannot_look_everywhere),
		cmocka_unit_test(test_a_pass_that_finds_all_as_it_was_costs_no_memory),
		cmocka_unit_test(test_a_long_episode_keeps_both_ends),
		cmocka_unit_test(test_many_episodes_stay_bounded),
		cmocka_unit_test(test_events_are_told_one_by_one),
		cmocka_unit_test(test_a_complete_pass_tells_who_is_gone_after_a_loss),
		cmocka_unit_test(test_what_makes_no_sense_is_a_loss),
		cmocka_unit_test(test_a_socket_that_is_connected_again),
		cmocka_unit_test(test_a_connection_whose_former_one_never_ended),
		cmocka_unit_test(test_an_owner_is_kept_with_its_socket),
		cmocka_unit_test(test_what_no_program_was_run_for_is_told),
		cmocka_unit_test(test_what_comes_after_the_end_is_nobodys),
		cmocka_unit_test(test_a_stream_must_say_what_it_is_first),
		cmocka_unit_test(test_only_a_new_holder_is_recorded),
		cmocka_unit_test(test_what_a_pass_saw_comes_with_its_new_owner),
		cmocka_unit_test(test_what_a_pass_saw_may_be_outdated),
		cmocka_unit_test(test_a_description_names_all_holders),
		cmocka_unit_test(test_an_inode_that_was_given_on),
		cmocka_unit_test(test_made_before_its_namespace_was_entered),
		cmocka_unit_test(test_wanted_by_a_name_that_is_not_known_yet),
		cmocka_unit_test(test_one_of_many_namespaces),
		cmocka_unit_test(test_a_name_that_is_gone_ends_nothing),
		cmocka_unit_test(test_a_namespace_that_outlives_its_name),
	};
	struct CMUnitTest tests[COUNT(scenarios) + COUNT(others)];
	unsigned int i;

	for (i = 0; i < COUNT(scenarios); i++)
		tests[i] = (struct CMUnitTest){ .name = scenarios[i].name,
						.test_func = test_scenario,
						.initial_state = (void *)&scenarios[i] };
	memcpy(&tests[i], others, sizeof(others));
	return _cmocka_run_group_tests("core", tests, COUNT(tests), NULL, NULL);
}
