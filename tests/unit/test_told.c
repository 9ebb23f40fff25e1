// SPDX-License-Identifier: GPL-2.0
/* Output of the core besides timelines: the run, events, changes, losses, steps of the clock,
 * totals. */
#include <errno.h>

#include "connection/outcome.h"
#include "core/emit.h"
#include "core/summary.h"
#include "core_seen.h"

/* ---- the run ---- */

static void test_the_run_is_told_first_and_once(void **state)
{
	struct core *core = described((struct core_config){ .all = true }, HZ);
	struct record waiting = { .type = RECORD_WAITING, .waiting = { .count = 3, .port = 80 } };

	(void)state;
	feed(core, (struct record){ .type = RECORD_META,	/* anew, as a recording's next file does */
				    .meta = { 100, "2", "other", "b2", "r2", "5.10" } });
	feed(core, (struct record){ .type = RECORD_CLOCK, .clock = { 1000 } });
	tick(core, 500);
	feed(core, waiting);
	feed(core, waiting);
	assert_int_equal(seen.metas + seen.ticks + seen.steps, 0);
	start(core);
	assert_int_equal(seen.metas, 1);
	assert_true(seen.meta.all);
	assert_int_equal(seen.meta.waiting_for_data, 6);
	assert_int_equal(seen.meta.started_at, 1 * S + 1000);
	assert_int_equal(seen.meta.hz, HZ);
	assert_int_equal(seen.summaries, 1);
	assert_int_equal(seen.summary.kind, SUMMARY_FIRST);
	start(core);
	feed(core, waiting);	/* of a stream that describes itself anew the first counts */
	assert_int_equal(seen.metas, 1);
	assert_int_equal(core__tell_meta(core), 0);
	assert_int_equal(seen.metas, 2);
	assert_int_equal(seen.meta.waiting_for_data, 6);
	assert_int_equal(core__tell_last_summary(core), 0);
	assert_int_equal(seen.summaries, 2);
	assert_int_equal(seen.summary.kind, SUMMARY_LAST);
	assert_int_equal(seen.summary.waiting_for_data, 6);
	assert_true(seen.summary.watched_s == 0);
	core__free(core);
	core = started((struct core_config){ 0 });
	assert_false(seen.meta.all);
	core__free(core);
}

static void enter(struct core *core, uint32_t inode, uint64_t cookie, const char *name)
{
	feed(core, (struct record){ .type = RECORD_SYSCTL, .mono_ns = 1 * S,
				    .sysctl = { inode, 600, 30, 4, name, cookie, cookie, "host" } });
}

/* In the order of their making, whatever order they were met in. */
static void test_namespaces_of_the_run(void **state)
{
	struct core *core = described((struct core_config){ 0 }, HZ);
	struct ho_event e = fact_of(1, HO_STATE, 500);

	(void)state;
	enter(core, 13, 7, "third");
	enter(core, 12, 0, "no cookie");
	enter(core, 11, 5, "second");
	enter(core, 10, 0, "");
	e.netns = 99;	/* it was met, and not entered */
	tell(core, e);
	start(core);
	assert_int_equal(seen.meta.namespace_count, 4);
	assert_int_equal(seen.namespaces[0].netns.inode, 10);
	assert_int_equal(seen.namespaces[1].netns.inode, 12);
	assert_int_equal(seen.namespaces[2].netns.inode, 11);
	assert_int_equal(seen.namespaces[3].netns.inode, 13);
	assert_int_equal(seen.namespaces[3].netns.cookie, 7);
	assert_string_equal(seen.names[0], "");
	assert_string_equal(seen.names[3], "third");
	assert_string_equal(seen.host_names[3], "host");
	assert_int_equal(seen.namespaces[3].idle_s, 600);
	assert_int_equal(seen.namespaces[3].interval_s, 30);
	assert_int_equal(seen.namespaces[3].probes, 4);
	core__free(core);
}

static void test_steps_of_the_clock(void **state)
{
	struct core *core = started((struct core_config){ 0 });

	(void)state;
	feed(core, (struct record){ .type = RECORD_CLOCK, .mono_ns = 2 * S, .clock = { 5000 } });
	seen.steps = 0;
	feed(core, (struct record){ .type = RECORD_CLOCK, .mono_ns = 3 * S, .clock = { 5000 } });
	assert_int_equal(seen.steps, 0);
	feed(core, (struct record){ .type = RECORD_CLOCK, .mono_ns = 4 * S, .clock = { 2000 } });
	assert_int_equal(seen.steps, 1);
	assert_int_equal(seen.step.mono_ns, 4 * S);
	assert_true(seen.step.step_ns == -3000);
	core__free(core);
}

static void test_time_is_told_and_never_goes_back(void **state)
{
	struct core *core = started((struct core_config){ 0 });

	(void)state;
	tick(core, 7000);
	assert_int_equal(seen.ticks, 1);
	assert_int_equal(seen.tick_ns, 7 * S);
	tick(core, 6000);
	assert_int_equal(seen.tick_ns, 7 * S);
	feed(core, (struct record){ .type = RECORD_STOP, .mono_ns = 8 * S });
	assert_int_equal(seen.ticks, 3);
	assert_int_equal(seen.tick_ns, 8 * S);
	tick(core, 9000);	/* it has ended */
	assert_int_equal(seen.ticks, 3);
	core__free(core);
}

static void test_names_of_reset_reasons(void **state)
{
	struct core *core = started((struct core_config){ .events = true });
	struct record r = { .type = RECORD_RESET_REASON, .reset_reason = { 2, "no_socket" } };
	struct ho_event e = fact_of(1, HO_RESET_SENT, 3000);

	(void)state;
	feed(core, r);
	r.reset_reason.name = "another";	/* the first one counts */
	feed(core, r);
	r.reset_reason.number = 1 << 20;
	feed(core, r);
	e.reason = 2;
	tell(core, e);
	assert_int_equal(seen.event_list[0].kind, EVENT_RESET_SENT);
	assert_string_equal(seen.reason, "no_socket");
	e.reason = 3;
	tell(core, e);
	assert_string_equal(seen.reason, "");
	core__free(core);
}

/* ---- summaries ---- */

static void own(struct core *core, uint64_t cookie, uint32_t pid, const char *comm)
{
	struct record r = { .type = RECORD_OWNER, .mono_ns = 3 * S,
			    .owner = { cookie, pid, comm, "/", "" } };

	feed(core, r);
}

/* The first names programs that would never notice a dead peer; the others count alone. */
static void test_summaries_at_their_interval(void **state)
{
	struct core *core;
	struct ho_event e = fact_of(1, HO_SEEN, 500);

	(void)state;
	seen.summary_every_ns = 10 * S;
	core = described((struct core_config){ 0 }, HZ);
	e.flags = 0;
	tell(core, e);
	own(core, 1, 10, "mosquitto");
	assert_int_equal(seen.summaries, 0);
	start(core);
	assert_int_equal(seen.summaries, 1);
	assert_int_equal(seen.summary.without_keepalive_count, 1);
	assert_string_equal(seen.programs[0], "mosquitto");
	assert_int_equal(seen.without_keepalive[0].sockets, 1);
	tick(core, 10999);
	assert_int_equal(seen.summaries, 1);
	tick(core, 11000);
	assert_int_equal(seen.summaries, 2);
	assert_int_equal(seen.summary.kind, SUMMARY_INTERIM);
	assert_int_equal(seen.summary.without_keepalive_count, 0);
	assert_int_equal(seen.summary.open, 1);
	assert_true(seen.summary.watched_s == 10);
	assert_int_equal(seen.summary.progress.now_ns, 11 * S);
	tick(core, 20999);
	assert_int_equal(seen.summaries, 2);
	tick(core, 30000);
	tick(core, 39000);
	assert_int_equal(seen.summaries, 3);	/* ten seconds after the last, whenever that was */
	core__free(core);
	core = started((struct core_config){ 0 });
	tick(core, 90000);
	assert_int_equal(seen.summaries, 1);
	core__free(core);
}

/* ---- losses ---- */

static void test_losses_are_told_and_added_up(void **state)
{
	struct core *core = started((struct core_config){ 0 });
	struct record r = { .type = RECORD_LOSS, .mono_ns = 9 * S,
			    .loss = { .count = 3, .from_ns = 8 * S, .reason = LOSS_RING_FULL } };

	(void)state;
	feed(core, r);
	assert_int_equal(seen.losses, 1);
	assert_int_equal(seen.loss.count, 3);
	assert_int_equal(seen.loss.reason, LOSS_RING_FULL);
	assert_int_equal(seen.loss.from_at, 8 * S);
	assert_int_equal(seen.loss.to_ns, 9 * S);
	r.loss.count = 4;
	r.loss.reason = LOSS_RECURSION;
	feed(core, r);
	assert_int_equal(seen.losses, 2);
	assert_int_equal(seen.loss.reason, LOSS_RECURSION);
	assert_int_equal(core__summary(core).events_lost, 7);
	core__free(core);
}

static void test_what_makes_no_sense_is_told_at_the_next_tick(void **state)
{
	struct core *core = started((struct core_config){ 0 });

	(void)state;
	tick(core, 5000);
	feed(core, record__senseless(6 * S));
	feed(core, record__senseless(6 * S));
	assert_int_equal(seen.losses, 0);
	tick(core, 7000);
	assert_int_equal(seen.losses, 1);
	assert_int_equal(seen.loss.reason, LOSS_SENSELESS);
	assert_int_equal(seen.loss.count, 2);
	assert_int_equal(seen.loss.from_at, 5 * S);
	assert_int_equal(seen.loss.to_ns, 7 * S);
	tick(core, 8000);
	assert_int_equal(seen.losses, 1);
	core__free(core);
}

/* ---- events of open sockets ---- */

static void test_suspect_and_recovered(void **state)
{
	struct core *core = started((struct core_config){ 0 });

	(void)state;
	establish(core, 1);
	probe(core, 1, 12000, 1);
	probe(core, 1, 13000, 2);
	assert_int_equal(seen.changes, 0);
	probe(core, 1, 14000, 3);
	assert_int_equal(seen.changes, 1);
	assert_int_equal(seen.change.kind, CHANGE_SUSPECT);
	assert_int_equal(seen.change.mono_ns, 14 * S);
	assert_near(seen.change.silent_s, 12 * S);
	assert_int_equal(seen.change.asks, 2);
	assert_int_equal(core__summary(core).suspect, 1);
	probe(core, 1, 15000, 4);
	assert_int_equal(seen.changes, 1);
	answer(core, 1, 15040, 4);
	assert_int_equal(seen.changes, 2);
	assert_int_equal(seen.change.kind, CHANGE_RECOVERED);
	assert_near(seen.change.silent_s, 13040 * MS);
	assert_int_equal(core__summary(core).suspect, 0);
	assert_int_equal(seen.events, 0);	/* not requested */
	core__free(core);
}

/* Before the start nothing is told, though it is known; nor of one that has ended. */
static void test_changes_of_before(void **state)
{
	struct core *core = described((struct core_config){ .events = true }, HZ);

	(void)state;
	establish(core, 1);
	probe(core, 1, 12000, 1);
	probe(core, 1, 13000, 2);
	probe(core, 1, 14000, 3);
	assert_int_equal(seen.changes + seen.events, 0);
	feed(core, (struct record){ .type = RECORD_START, .mono_ns = 15 * S,
				    .start = { "tcp_probe timer_expire_exit" } });
	assert_int_equal(core__summary(core).suspect, 1);
	assert_int_equal(seen.changes, 0);
	probe(core, 1, 15000, 4);
	assert_int_equal(seen.changes, 0);	/* it was suspect before */
	assert_int_equal(seen.events, 1);
	close_with(core, 1, 16000, ETIMEDOUT, 4);
	assert_int_equal(seen.changes, 0);	/* that it recovered would be no news */
	core__free(core);
}

/* A peer that came back on another connection, perhaps: told as of now, with the event of then. */
static void test_a_suspicion_is_told_when_it_is_thought(void **state)
{
	struct core *core = started((struct core_config){ 0 });
	struct successor by = { .cookie = 44, .at_ns = 9 * S, .confidence = 0.625 };
	struct connection *c;
	struct told told;

	(void)state;
	establish(core, 1);
	probe(core, 1, 12000, 1);
	c = table__history(&core->table, table__find(&core->table, 1));
	feed(core, (struct record){ .type = RECORD_CLOCK, .mono_ns = 12 * S, .clock = { 1000 * S } });
	tick(core, 13000);
	incidents__suspect_successor(c, &by, &told);
	emit__events(core, c, &told);
	assert_int_equal(seen.events, 0);	/* nobody asked for each */
	assert_int_equal(seen.changes, 1);
	assert_int_equal(seen.change.kind, CHANGE_SUPERSEDED);
	assert_int_equal(seen.change.by_cookie, 44);
	assert_true(seen.change.confidence == 0.625);
	assert_int_equal(seen.change.mono_ns, 13 * S);
	assert_int_equal(seen.change.at, 1013 * S);
	told.count = 0;
	emit__events(core, c, &told);
	incidents__note_loss(c, 14 * S, 1, &told);	/* another kind is no change */
	emit__events(core, c, &told);
	assert_int_equal(seen.changes, 1);
	core__free(core);
}

static void beat(struct core *core, uint64_t ms)
{
	struct ho_event e = fact_of(1, HO_HEARD, ms);

	e.flags |= HO_F_SEGMENT | HO_F_DATA_IDLE;
	e.tcp_flags = HO_TCP_ACK;
	e.payload = 2;
	e.lrcvtime_jiffies = e.rcv_tstamp_jiffies = (ms - 5000) / 4;
	tell(core, e);
}

static void test_a_heartbeat_is_news_once(void **state)
{
	struct core *core = started((struct core_config){ 0 });

	(void)state;
	establish(core, 1);
	beat(core, 7000);
	assert_int_equal(seen.changes, 0);
	beat(core, 12000);
	assert_int_equal(seen.changes, 1);
	assert_int_equal(seen.change.kind, CHANGE_HEARTBEAT);
	beat(core, 17000);
	assert_int_equal(seen.changes, 1);
	feed(core, (struct record){ .type = RECORD_STOP, .mono_ns = 18 * S });
	assert_int_equal(seen.timelines, 1);
	assert_int_equal(seen.timeline.outcome, OUTCOME_OPEN);
	core__free(core);
}

static void test_each_event_where_they_are_asked_for(void **state)
{
	struct core *core = started((struct core_config){ .events = true });

	(void)state;
	establish(core, 1);
	probe(core, 1, 12000, 1);
	answer(core, 1, 12040, 1);
	close_with(core, 1, 13000, 0, 0);
	assert_int_equal(seen.events, 4);
	assert_int_equal(seen.event_list[0].kind, EVENT_ESTABLISHED);
	assert_int_equal(seen.event_list[1].kind, EVENT_PROBE_SENT);
	assert_int_equal(seen.event_list[1].mono_ns, 12 * S);
	assert_int_equal(seen.event_list[2].kind, EVENT_ANSWERED);
	assert_int_equal(seen.event_list[3].kind, EVENT_STATE);
	assert_int_equal(seen.event_list[3].to, TCP_CLOSE);
	core__free(core);
}

/* Until nothing can follow an ending, it is not told, and later than it nothing is complete. */
static void test_an_ending_waits_for_its_last_events(void **state)
{
	struct core *core = started((struct core_config){ 0 });

	(void)state;
	establish(core, 1);
	establish(core, 2);
	tick(core, 14000);
	assert_int_equal(seen.complete_ns, 14 * S);
	close_with(core, 1, 15000, ECONNABORTED, 0);
	close_with(core, 2, 15100, ECONNABORTED, 0);
	tick(core, 15249);
	assert_int_equal(seen.timelines, 0);
	assert_int_equal(seen.complete_ns, 15 * S);
	tick(core, 15250);
	assert_int_equal(seen.timelines, 1);
	assert_int_equal(seen.timeline.socket.cookie, 1);
	assert_int_equal(seen.complete_ns, 15100 * MS);
	tick(core, 15350);
	assert_int_equal(seen.timelines, 2);
	assert_int_equal(seen.complete_ns, 15350 * MS);
	assert_int_equal(seen.timeline.progress.now_ns, 15350 * MS);
	core__free(core);
}

/* An open one was seen when it was last heard of, or found: to half a second. */
static void test_when_an_open_one_was_verified(void **state)
{
	struct core *core = started((struct core_config){ 0 });
	uint64_t cookie = 1;

	(void)state;
	establish(core, 1);
	probe(core, 1, 12000, 1);
	probe(core, 1, 13000, 2);
	feed(core, (struct record){ .type = RECORD_PRESENT, .mono_ns = 60 * S,
				    .present = { 1, &cookie } });
	feed(core, (struct record){ .type = RECORD_STOP, .mono_ns = 61 * S });
	assert_int_equal(seen.timelines, 1);
	assert_false(seen.timeline.final);
	assert_in_range(seen.timeline.verified_at, 59400 * MS, 60 * S);
	assert_int_equal(seen.timeline.ended_at, 0);
	core__free(core);
}

static void test_a_sink_that_failed_is_given_nothing_more(void **state)
{
	struct core *core = started((struct core_config){ .all = true });
	struct record r = { .type = RECORD_TICK, .mono_ns = 20 * S };
	const char *why;

	(void)state;
	establish(core, 1);
	establish(core, 2);
	close_with(core, 1, 15000, 0, 0);
	close_with(core, 2, 15000, 0, 0);
	seen.err = -ENOSPC;
	assert_int_equal(core__feed(core, &r, &why), -ENOSPC);
	assert_int_equal(seen.timelines, 1);
	assert_int_equal(seen.ticks, 0);
	assert_int_equal(core__tell_meta(core), -ENOSPC);
	assert_int_equal(core__tell_last_summary(core), -ENOSPC);
	assert_int_equal(seen.metas, 1);
	core__free(core);
}

/* ---- totals ---- */

static void test_totals_of_what_ended(void **state)
{
	struct core *core = started((struct core_config){ 0 });
	struct summary t;

	(void)state;
	establish(core, 1);
	establish(core, 2);
	establish(core, 3);
	assert_int_equal(core__summary(core).open, 3);
	assert_int_equal(core__summary(core).events, 3);
	assert_int_equal(core__summary(core).endings, 0);
	probe(core, 1, 12000, 1);
	probe(core, 1, 13000, 2);
	probe(core, 1, 14000, 3);
	close_with(core, 1, 15000, ETIMEDOUT, 3);
	close_with(core, 2, 16000, ECONNABORTED, 0);
	assert_int_equal(seen.timelines, 0);	/* its last events may follow */
	tick(core, 60000);
	assert_int_equal(seen.timelines, 2);
	t = core__summary(core);
	assert_int_equal(t.open, 1);
	assert_int_equal(t.events, 8);
	assert_int_equal(t.endings, 2);
	assert_int_equal(t.half_open, 1);
	assert_int_equal(t.half_open_by[FOUND_BY_KEEPALIVE], 1);
	assert_int_equal(t.half_open_by[FOUND_BY_NOTHING], 0);
	assert_near(t.longest_latency_s, 13 * S);
	assert_int_equal(t.namespaces, 1);
	assert_int_equal(t.events_lost, 0);
	assert_int_equal(t.suspect, 0);
	core__free(core);
}

static void test_totals_of_the_longest(void **state)
{
	static const uint64_t ends_ms[] = { 15000, 35000, 25000 };
	struct core *core = started((struct core_config){ 0 });
	unsigned int i;

	(void)state;
	for (i = 0; i < 3; i++)
		establish(core, i + 1);
	for (i = 0; i < 3; i++) {
		probe(core, i + 1, 12000, 1);
		probe(core, i + 1, 13000, 2);
	}
	for (i = 0; i < 3; i++)
		close_with(core, i + 1, ends_ms[i], ETIMEDOUT, 2);
	feed(core, (struct record){ .type = RECORD_STOP, .mono_ns = 36 * S });
	assert_near(core__summary(core).longest_latency_s, 33 * S);
	assert_int_equal(core__summary(core).half_open, 3);
	assert_int_equal(core__summary(core).open, 0);
	core__free(core);
}

static void test_programs_that_would_never_notice(void **state)
{
	struct core *core = started((struct core_config){ 0 });
	struct program_count programs[2];
	struct ho_event e;
	uint64_t cookie;

	(void)state;
	for (cookie = 1; cookie <= 6; cookie++) {
		e = fact_of(cookie, HO_STATE, 2000);
		e.old_state = TCP_SYN_RECV;
		e.netns = 4 + cookie / 4;
		if (cookie != 6)
			e.flags = 0;	/* keepalive is off */
		tell(core, e);
	}
	own(core, 1, 10, "mosquitto");
	own(core, 2, 11, "mosquitto");
	own(core, 3, 12, "nginx");
	own(core, 4, 13, "redis");
	own(core, 6, 14, "curl");	/* 5 is nobody's that is known */
	assert_int_equal(core__summary(core).open, 6);
	assert_int_equal(core__summary(core).open_without_keepalive, 5);
	assert_int_equal(core__summary(core).namespaces, 2);
	assert_int_equal(summary__without_keepalive(core, programs, 2), 2);
	assert_string_equal(programs[0].comm, "mosquitto");
	assert_int_equal(programs[0].sockets, 2);
	assert_string_equal(programs[1].comm, "nginx");
	assert_int_equal(programs[1].sockets, 1);
	close_with(core, 1, 4000, 0, 0);
	close_with(core, 2, 4000, 0, 0);
	assert_int_equal(summary__without_keepalive(core, programs, 2), 2);
	assert_string_equal(programs[0].comm, "nginx");
	core__free(core);
}

/* ---- passes ---- */

static void find_silent(struct core *core, uint64_t at_s, uint64_t cookie, uint32_t silent_s)
{
	struct record r = { .type = RECORD_SILENT, .mono_ns = at_s * S,
			    .present = { 1, &cookie, &silent_s } };

	feed(core, r);
}

/* The kernel's clock of it, to a second. */
static void test_a_pass_tells_when_it_was_heard(void **state)
{
	struct core *core = started((struct core_config){ .all = true });

	(void)state;
	establish(core, 1);
	find_silent(core, 100, 1, 30);
	feed(core, (struct record){ .type = RECORD_STOP, .mono_ns = 101 * S });
	assert_int_equal(seen.timelines, 1);
	assert_int_equal(seen.timeline.last_heard_at, 69 * S);
	core__free(core);
}

/* Where jiffies wrap after seven weeks, that it was silent for long is remembered before they
 * do. */
static void test_a_long_silence_is_remembered_before_the_clock_wraps(void **state)
{
	struct core_config config = { 0 };
	struct core *core = described(config, 1000);
	struct ho_event e = fact_of(1, HO_SEEN, 200000 * 1000ULL);

	(void)state;
	start(core);
	e.lrcvtime_jiffies = e.rcv_tstamp_jiffies = e.jiffies = 200000000;
	tell(core, e);
	assert_null(table__history(&core->table, table__find(&core->table, 1)));
	find_silent(core, 200000 + 65534, 1, 65534);
	assert_null(table__history(&core->table, table__find(&core->table, 1)));
	find_silent(core, 200000 + 65535, 1, 65535);
	assert_non_null(table__history(&core->table, table__find(&core->table, 1)));
	assert_int_equal(table__history(&core->table, table__find(&core->table, 1))->last_heard_ns,
			 200000 * S);
	core__free(core);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_the_run_is_told_first_and_once),
		cmocka_unit_test(test_namespaces_of_the_run),
		cmocka_unit_test(test_steps_of_the_clock),
		cmocka_unit_test(test_time_is_told_and_never_goes_back),
		cmocka_unit_test(test_names_of_reset_reasons),
		cmocka_unit_test(test_summaries_at_their_interval),
		cmocka_unit_test(test_losses_are_told_and_added_up),
		cmocka_unit_test(test_what_makes_no_sense_is_told_at_the_next_tick),
		cmocka_unit_test(test_suspect_and_recovered),
		cmocka_unit_test(test_changes_of_before),
		cmocka_unit_test(test_a_suspicion_is_told_when_it_is_thought),
		cmocka_unit_test(test_a_heartbeat_is_news_once),
		cmocka_unit_test(test_each_event_where_they_are_asked_for),
		cmocka_unit_test(test_an_ending_waits_for_its_last_events),
		cmocka_unit_test(test_when_an_open_one_was_verified),
		cmocka_unit_test(test_a_sink_that_failed_is_given_nothing_more),
		cmocka_unit_test(test_totals_of_what_ended),
		cmocka_unit_test(test_totals_of_the_longest),
		cmocka_unit_test(test_programs_that_would_never_notice),
		cmocka_unit_test(test_a_pass_tells_when_it_was_heard),
		cmocka_unit_test(test_a_long_silence_is_remembered_before_the_clock_wraps),
	};

	return cmocka_run_group_tests_name("told", tests, NULL, NULL);
}
