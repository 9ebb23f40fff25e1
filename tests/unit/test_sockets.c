// SPDX-License-Identifier: GPL-2.0
/* Sockets from their opening to their end and beyond: connected again, dialled again by the peer,
 * found dead or not found any more by passes, and what follows the sysctls. */
#include <errno.h>

#include "core/namespaces.h"
#include "core_seen.h"

static struct core *core;

static int begin(void **state)
{
	(void)state;
	core = started((struct core_config){ .suspect_after = 2 });
	return 0;
}

static int end(void **state)
{
	(void)state;
	core__free(core);
	return 0;
}

static void anew(struct core_config config)
{
	core__free(core);
	core = started(config);
}

static const struct connection *history(uint64_t cookie)
{
	const struct slot *s = table__find(&core->table, cookie);

	return s ? table__history(&core->table, s) : NULL;
}

static void dial(uint64_t cookie, uint64_t mono_ns, uint16_t peer_port)
{
	struct ho_event e = fact_of(cookie, HO_STATE, mono_ns / MS);

	e.mono_ns = mono_ns;
	e.old_state = TCP_SYN_SENT;
	e.peer_port = peer_port;
	tell(core, e);
}

/* ---- connected again ---- */

static void test_a_moment_after_its_end(void **state)
{
	struct ho_event e = fact_of(1, HO_SEEN, 15010);

	(void)state;
	establish(core, 1);
	close_with(core, 1, 15000, ECONNABORTED, 0);
	tell(core, e);		/* a walk may read it a moment late */
	assert_int_equal(seen.timelines, 0);
	e.mono_ns++;
	tell(core, e);
	assert_int_equal(seen.timelines, 1);
	assert_true(seen.timeline.final);
	close_with(core, 1, 16000, ECONNABORTED, 0);
	dial(1, 16000 * MS, 40001);	/* not later than its end */
	assert_int_equal(seen.timelines, 1);
	dial(1, 16000 * MS + 1, 40001);
	assert_int_equal(seen.timelines, 2);
	assert_int_equal(seen.timeline.socket.connection, 2);
	assert_int_equal(core__summary(core).endings, 2);
	assert_int_equal(core__summary(core).open, 1);
}

/* It is told before its turn; those before and after it keep theirs. */
static void test_others_wait_meanwhile(void **state)
{
	uint64_t cookie, again;

	(void)state;
	for (again = 1; again <= 3; again++) {
		anew((struct core_config){ 0 });
		for (cookie = 1; cookie <= 4; cookie++)
			establish(core, cookie);
		for (cookie = 1; cookie <= 3; cookie++)
			close_with(core, cookie, 15000 + 10 * cookie, ECONNABORTED, 0);
		dial(again, 15040 * MS, 50000);
		assert_int_equal(seen.timelines, 1);
		assert_int_equal(seen.timeline.socket.cookie, again);
		close_with(core, 4, 15050, ECONNABORTED, 0);
		tick(core, 15200);
		assert_int_equal(seen.complete_ns, (again == 1 ? 15020 : 15010) * MS);
		tick(core, 16000);
		assert_int_equal(seen.timelines, 4);
		assert_int_equal(seen.timeline.socket.cookie, 4);
		assert_int_equal(core__summary(core).endings, 4);
	}
}

/* The end of the former was lost; of one that had nothing to tell it is counted alone. */
static void test_a_former_one_without_an_end(void **state)
{
	(void)state;
	establish(core, 1);
	dial(1, 2000 * MS, 50000);	/* the same moment: the same */
	assert_int_equal(core__summary(core).endings, 0);
	anew((struct core_config){ 0 });
	establish(core, 1);
	dial(1, 2000 * MS + 1000, 40001);	/* from the same port: the same */
	assert_int_equal(core__summary(core).endings, 0);
	dial(1, 2000 * MS + 1000, 50000);
	assert_int_equal(core__summary(core).endings, 1);
	assert_int_equal(core__summary(core).open, 1);
	assert_int_equal(seen.timelines, 0);
	tick(core, 3000);
	assert_int_equal(seen.loss.reason, LOSS_UNSEEN);
	assert_int_equal(seen.loss.count, 1);
	probe(core, 1, 13000, 1);
	close_with(core, 1, 14000, ECONNABORTED, 0);
	tick(core, 15000);
	assert_int_equal(seen.timeline.socket.connection, 2);
}

/* Of the former nothing is known but that something of it was lost. */
static void test_a_former_one_without_ends(void **state)
{
	(void)state;
	establish(core, 1);
	feed(core, (struct record){ .type = RECORD_LOSS, .mono_ns = 3 * S,
				    .loss = { 1, 2, 3 * S, LOSS_RING_FULL } });
	assert_non_null(history(1));
	dial(1, 5 * S, 50000);
	assert_int_equal(seen.timelines, 0);
	assert_int_equal(core__summary(core).endings, 1);
	assert_int_equal(core__summary(core).open, 1);
}

/* ---- dialled again by the peer, from its own port ---- */

/* A SYN on an open connection, which a challenge ACK answers, and the reset that answers that. */
static void reset_after_syn(uint64_t cookie, uint64_t ms)
{
	struct ho_event syn = fact_of(cookie, HO_HEARD, ms), reset = fact_of(cookie, HO_HEARD, ms + 40);

	syn.flags |= HO_F_SEGMENT;
	syn.tcp_flags = HO_TCP_SYN;
	syn.segment = HO_SEGMENT_REFUSED;
	tell(core, syn);
	reset.flags |= HO_F_SEGMENT;
	reset.tcp_flags = HO_TCP_RST;
	reset.segment = HO_SEGMENT_TAKEN;
	tell(core, reset);
	reset.kind = HO_RESET_RECEIVED;
	tell(core, reset);
	close_with(core, cookie, ms + 40, ECONNRESET, 0);
}

static void test_a_reset_waits_for_the_next_connection(void **state)
{
	(void)state;
	establish(core, 1);
	assert_int_equal(core->syns_heard, 0);
	reset_after_syn(1, 10000);
	assert_int_equal(core->syns_heard, 1);
	tick(core, 11000);
	assert_int_equal(seen.timelines, 0);
	assert_int_equal(seen.complete_ns, 10040 * MS);
	tick(core, 14289);
	assert_int_equal(seen.timelines, 0);
	tick(core, 14290);	/* four seconds, and a quarter for its last events */
	assert_int_equal(seen.timelines, 1);
	assert_int_equal(seen.timeline.half_open.found_by, FOUND_BY_RESET);
	assert_int_equal(seen.timeline.half_open.superseded_by.cookie, 0);
	assert_int_equal(seen.complete_ns, 14290 * MS);
}

static void dial_from_port_of(uint64_t former, uint64_t cookie, uint64_t ms)
{
	struct ho_event e = fact_of(former, HO_STATE, ms);

	e.cookie = cookie;
	e.old_state = TCP_SYN_RECV;
	tell(core, e);
}

static void test_the_next_connection_comes(void **state)
{
	uint64_t cookie;

	(void)state;
	for (cookie = 1; cookie <= 4; cookie++) {
		establish(core, cookie);
		reset_after_syn(cookie, 10000 + 100 * cookie);
	}
	tick(core, 11000);
	assert_int_equal(seen.timelines, 0);
	assert_int_equal(seen.complete_ns, 10140 * MS);
	dial_from_port_of(2, 12, 11100);
	tick(core, 11200);
	assert_int_equal(seen.timelines, 1);
	assert_int_equal(seen.timeline.socket.cookie, 2);
	assert_int_equal(seen.timeline.half_open.superseded_by.cookie, 12);
	assert_int_equal(seen.timeline.half_open.declared_at, 10240 * MS);
	assert_int_equal(seen.complete_ns, 10140 * MS);
	dial_from_port_of(1, 11, 11300);
	tick(core, 11400);
	assert_int_equal(seen.timeline.socket.cookie, 1);
	assert_int_equal(seen.complete_ns, 10340 * MS);		/* the earliest of those that wait */
	dial(3, 11500 * MS, 50000);	/* its own program dials: told at once */
	assert_int_equal(seen.timelines, 3);
	assert_int_equal(seen.timeline.socket.cookie, 3);
	tick(core, 11600);
	assert_int_equal(seen.complete_ns, 10440 * MS);
	feed(core, (struct record){ .type = RECORD_STOP, .mono_ns = 12 * S });
	assert_int_equal(seen.timeline.socket.cookie, 4);
	assert_int_equal(core__summary(core).half_open, 4);
}

/* ---- ends ---- */

/* In order, with nothing to tell: counted, and forgotten at once. */
static void test_orderly_ends(void **state)
{
	static const struct {
		uint8_t old_state;
		uint16_t error;
		uint8_t probes_out, retransmits;
		uint32_t packets_out;
		bool orderly;
	} ends[] = {
		{ .old_state = TCP_FIN_WAIT2, .orderly = true },
		{ .old_state = TCP_LAST_ACK, .orderly = true },
		{ .old_state = TCP_ESTABLISHED }, { .old_state = TCP_CLOSE_WAIT },
		{ .old_state = TCP_FIN_WAIT1, .error = ETIMEDOUT },
		{ .old_state = TCP_FIN_WAIT1, .probes_out = 1 },
		{ .old_state = TCP_FIN_WAIT1, .retransmits = 1 },
		{ .old_state = TCP_FIN_WAIT1, .packets_out = 1 },
	};
	unsigned int i;

	(void)state;
	for (i = 0; i < sizeof(ends) / sizeof(ends[0]); i++) {
		struct ho_event e = fact_of(1, HO_STATE, 15000);

		anew((struct core_config){ 0 });
		establish(core, 1);
		e.state = TCP_CLOSE;
		e.old_state = ends[i].old_state;
		e.error = ends[i].error;
		e.probes_out = ends[i].probes_out;
		e.retransmits = ends[i].retransmits;
		e.packets_out = ends[i].packets_out;
		tell(core, e);
		assert_int_equal(core->table.used, !ends[i].orderly);
		assert_int_equal(core__summary(core).endings, 1);
		assert_int_equal(core__summary(core).events, 2);
		assert_int_equal(core__summary(core).open, 0);
		tick(core, 16000);
		assert_int_equal(core->table.used, 0);
		assert_int_equal(seen.timelines, ends[i].old_state == TCP_ESTABLISHED ||
						 ends[i].old_state == TCP_CLOSE_WAIT || ends[i].error);
	}
}

static void test_who_would_never_notice(void **state)
{
	static const struct {
		uint16_t flags;
		bool notices;
	} cases[] = {
		{ 0, false }, { HO_F_KEEPALIVE, true }, { HO_F_FIN_QUEUED, true },
		{ HO_F_FIN_QUEUED | HO_F_ALL_ACKED, false },
		{ HO_F_FIN_QUEUED | HO_F_ALL_ACKED | HO_F_ORPHAN, true },
		{ HO_F_ORPHAN, false },
	};
	unsigned int i;

	(void)state;
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct ho_event e = fact_of(1, HO_SEEN, 15000);

		anew((struct core_config){ 0 });
		e.flags = cases[i].flags;
		e.state = cases[i].flags & HO_F_FIN_QUEUED ? TCP_FIN_WAIT1 : TCP_ESTABLISHED;
		tell(core, e);
		assert_int_equal(core__summary(core).open_without_keepalive, !cases[i].notices);
	}
}

/* ---- found dead ---- */

static void test_found_dead_without_an_error(void **state)
{
	struct ho_event e = fact_of(1, HO_SEEN, 31000);

	(void)state;
	establish(core, 1);
	probe(core, 1, 12000, 1);
	probe(core, 1, 13000, 2);
	e.state = TCP_CLOSE;	/* its program has fetched the error */
	e.flags |= HO_F_ALL_ACKED;
	e.probes_out = 2;
	tell(core, e);
	assert_int_equal(core__summary(core).events, 3);	/* what a pass finds is none */
	tick(core, 32000);
	assert_int_equal(seen.losses, 1);
	assert_int_equal(seen.loss.reason, LOSS_UNSEEN);
	assert_int_equal(seen.loss.count, 1);
	assert_int_equal(seen.timelines, 1);
	assert_int_equal(seen.timeline.outcome, OUTCOME_UNKNOWN);
	/* another that says how it ended has lost nothing */
	establish(core, 2);
	e = fact_of(2, HO_SEEN, 41000);
	e.state = TCP_CLOSE;
	e.error = ECONNRESET;
	tell(core, e);
	tick(core, 42000);
	assert_int_equal(seen.losses, 1);
	assert_int_equal(seen.timeline.outcome, OUTCOME_RESET_BY_PEER);
	/* destroyed, and nothing says how: a loss, too */
	establish(core, 3);
	probe(core, 3, 50000, 1);
	probe(core, 3, 51000, 2);
	e = fact_of(3, HO_GONE, 51500);
	e.state = TCP_CLOSE;
	e.probes_out = 2;
	e.flags |= HO_F_ALL_ACKED;
	tell(core, e);
	tick(core, 53000);
	assert_int_equal(seen.losses, 2);
	assert_int_equal(seen.loss.reason, LOSS_UNSEEN);
	assert_int_equal(seen.timeline.outcome, OUTCOME_UNKNOWN);
}

/* ---- owners ---- */

static void own(uint64_t cookie, const char *comm)
{
	feed(core, (struct record){ .type = RECORD_OWNER, .mono_ns = 3 * S,
				    .owner = { cookie, 7, comm, "/", "" } });
}

static void test_owners_that_are_handed_on_take_no_memory(void **state)
{
	char comm[16];
	unsigned int i;

	(void)state;
	establish(core, 1);
	probe(core, 1, 12000, 1);
	probe(core, 1, 13000, 2);
	for (i = 0; i < 50; i++) {
		snprintf(comm, sizeof(comm), "worker%u", i);
		own(1, comm);
	}
	assert_true(core->owners.used <= 2);
	assert_string_equal(owners__at(&core->owners, history(1)->owner)->comm, "worker49");
	assert_string_equal(owners__at(&core->owners, table__find(&core->table, 1)->owner)->comm,
			    "worker49");
	close_with(core, 1, 15000, ECONNABORTED, 0);
	tick(core, 16000);
	assert_int_equal(seen.timelines, 1);
	for (i = 1; i <= core->owners.used; i++)
		assert_int_equal(core->owners.entries[i].references, 0);
}

/* ---- sysctls ---- */

static void enter(uint64_t s, uint32_t inode, uint32_t cookie, uint32_t idle_s)
{
	feed(core, (struct record){ .type = RECORD_SYSCTL, .mono_ns = s * S,
				    .sysctl = { inode, idle_s, 75, 9, "", cookie, cookie, "" } });
}

static void open_in(uint64_t cookie, uint32_t netns, uint32_t net_cookie)
{
	struct ho_event e = fact_of(cookie, HO_STATE, 2000);

	e.old_state = TCP_SYN_RECV;
	e.netns = netns;
	e.net_cookie = net_cookie;
	e.sock_idle_jiffies = e.sock_interval_jiffies = e.sock_probes = 0;
	tell(core, e);
}

static void test_sockets_follow_the_sysctls_of_their_namespace(void **state)
{
	(void)state;
	anew((struct core_config){ .events = true });
	enter(1, 5, 50, 7200);
	enter(1, 6, 60, 7200);
	open_in(1, 5, 50);
	open_in(2, 6, 60);
	open_in(3, 5, 50);
	establish(core, 4);		/* has options of its own, in the first */
	seen.events = 0;
	enter(10, 5, 50, 7200);
	assert_int_equal(seen.events, 0);
	enter(20, 5, 50, 600);
	assert_int_equal(seen.events, 2);
	assert_int_equal(seen.event_list[0].kind, EVENT_OPTION_CHANGE);
	assert_int_equal(seen.event_list[1].mono_ns, 20 * S);
	assert_int_equal(history(1)->keepalive.idle_jiffies, 600 * HZ);
	assert_int_equal(history(2)->keepalive.idle_jiffies, 7200 * HZ);
	assert_int_equal(history(3)->keepalive.idle_jiffies, 600 * HZ);
	assert_int_equal(history(4)->keepalive.idle_jiffies, 10 * HZ);
	close_with(core, 1, 21000, ECONNABORTED, 0);
	seen.events = 0;
	enter(21, 5, 50, 300);		/* one has ended, and changes no more */
	assert_int_equal(seen.events, 1);
	enter(22, 6, 60, 900);
	assert_int_equal(history(2)->keepalive.idle_jiffies, 900 * HZ);
	assert_int_equal(history(3)->keepalive.idle_jiffies, 300 * HZ);
}

/* ---- passes ---- */

/* A complete pass, which entered the sockets' namespace. */
static void pass(uint64_t begun_s)
{
	feed(core, (struct record){ .type = RECORD_SYSCTL, .mono_ns = begun_s * S + 1,
				    .sysctl = { 5, 7200, 75, 9, "" } });
	feed(core, (struct record){ .type = RECORD_SNAPSHOT, .mono_ns = (begun_s + 1) * S,
				    .snapshot = { .begun_ns = begun_s * S, .complete = true } });
}

static void test_who_is_found_no_more_has_ended(void **state)
{
	uint64_t cookie;

	(void)state;
	pass(1);
	for (cookie = 1; cookie <= 100; cookie++)
		establish(core, cookie);
	probe(core, 7, 12000, 1);
	probe(core, 7, 13000, 2);
	pass(20);
	assert_int_equal(core__summary(core).open, 100);
	pass(30);
	assert_int_equal(core__summary(core).open, 0);
	assert_int_equal(core__summary(core).endings, 100);
	tick(core, 32000);
	assert_int_equal(seen.loss.reason, LOSS_UNSEEN);
	assert_int_equal(seen.loss.count, 100);
	assert_int_equal(seen.timelines, 1);
	assert_int_equal(seen.timeline.socket.cookie, 7);
	assert_int_equal(seen.timeline.ended_ns, 31 * S);
	assert_int_equal(core->table.used, 0);
	pass(40);
	assert_int_equal(core__summary(core).endings, 100);
}

/* Losses that the kernel counted explain it; those of two passes before do not. */
static void test_endings_that_counted_losses_explain(void **state)
{
	(void)state;
	pass(1);
	establish(core, 1);
	feed(core, (struct record){ .type = RECORD_LOSS, .mono_ns = 15 * S,
				    .loss = { .count = 3, .from_ns = 14 * S,
					      .reason = LOSS_RING_FULL } });
	assert_int_equal(seen.losses, 1);
	pass(20);
	pass(30);
	assert_int_equal(core__summary(core).endings, 1);
	tick(core, 32000);
	assert_int_equal(seen.losses, 1);
	feed(core, (struct record){ .type = RECORD_EVENT, .mono_ns = 35 * S,
				    .event = fact_of(2, HO_STATE, 35000) });
	pass(40);
	pass(50);
	pass(60);
	assert_int_equal(core__summary(core).endings, 2);
	tick(core, 62000);
	assert_int_equal(seen.losses, 2);
	assert_int_equal(seen.loss.reason, LOSS_UNSEEN);
	assert_int_equal(seen.loss.count, 1);
	assert_int_equal(core__summary(core).events_lost, 4);
}

static void test_namespaces_that_are_found_no_more(void **state)
{
	(void)state;
	enter(1, 8, 80, 7200);
	pass(1);
	assert_non_null(namespaces__find(core, &(struct namespace_key){ .netns = 8, .cookie = 80 }, 0));
	pass(10);
	assert_non_null(namespaces__find(core, &(struct namespace_key){ .netns = 8, .cookie = 80 }, 0));
	pass(20);
	assert_null(namespaces__find(core, &(struct namespace_key){ .netns = 8, .cookie = 80 }, 0));
}

static void find(uint64_t at_s, uint64_t cookie, uint32_t silent_s)
{
	feed(core, (struct record){ .type = RECORD_SILENT, .mono_ns = at_s * S,
				    .present = { 1, &cookie, &silent_s } });
}

/* What a pass says of its last sign of life counts for those that have something to tell. */
static void test_silences_that_passes_tell(void **state)
{
	(void)state;
	establish(core, 1);
	probe(core, 1, 12000, 1);
	answer(core, 1, 12040, 1);
	find(100, 2, 5);		/* of nobody */
	find(100, 1, 30);
	assert_int_equal(history(1)->last_heard_ns, 69 * S);
	find(110, 1, 109);		/* longer than that: nothing new */
	assert_int_equal(history(1)->last_heard_ns, 69 * S);
	find(120, 1, 130);		/* longer than the host is up */
	assert_int_equal(history(1)->last_heard_ns, 69 * S);
	find(70000, 1, 65535);		/* at least: when is not known */
	assert_int_equal(history(1)->last_heard_ns, 69 * S);
	find(70000, 1, 65534);
	assert_int_equal(history(1)->last_heard_ns, 4465 * S);
	/* where jiffies wrap after years, a long silence needs no history */
	establish(core, 3);
	find(80000, 3, 70000);
	assert_null(history(3));
	assert_int_equal(slot__touched_ns(table__find(&core->table, 3)) / S, 79999);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, begin, end)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_a_moment_after_its_end),
		TEST(test_others_wait_meanwhile),
		TEST(test_a_former_one_without_an_end),
		TEST(test_a_former_one_without_ends),
		TEST(test_a_reset_waits_for_the_next_connection),
		TEST(test_the_next_connection_comes),
		TEST(test_orderly_ends),
		TEST(test_who_would_never_notice),
		TEST(test_found_dead_without_an_error),
		TEST(test_owners_that_are_handed_on_take_no_memory),
		TEST(test_sockets_follow_the_sysctls_of_their_namespace),
		TEST(test_who_is_found_no_more_has_ended),
		TEST(test_endings_that_counted_losses_explain),
		TEST(test_namespaces_that_are_found_no_more),
		TEST(test_silences_that_passes_tell),
	};

	return cmocka_run_group_tests_name("sockets", tests, NULL, NULL);
}
