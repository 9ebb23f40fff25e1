// SPDX-License-Identifier: GPL-2.0
/* Sockets that FILTER rejects are not in the recorded stream, and a replay of that gives the same
 * output. */
#include <stdio.h>
#include <stdlib.h>

#include "core/core.h"
#include "core/state.h"
#include "tcp/tcp_states.h"
#include "timeline/names.h"
#include "unit.h"

#define HZ 250
#define TOLD_MAX 64

/* The output of a run: each line as cookie, time and kind. */
struct told_lines {
	char lines[TOLD_MAX][160];
	unsigned int count;
};

/* The records that were taken, encoded as a recording has them. */
struct stream {
	uint8_t *bytes;
	size_t used;
};

struct run_of_core {
	struct core *core;
	struct filter *filter;
	struct stream stream;
	struct told_lines told;
	uint64_t now_ms;
};

static void note(struct told_lines *t, const struct timeline_socket *s, const char *what,
		 uint64_t at_ns, bool partial)
{

	assert_true(t->count < TOLD_MAX);
	snprintf(t->lines[t->count++], sizeof(t->lines[0]), "%s %llu of %llu %s %s %s%s", what,
		 (unsigned long long)(at_ns / MS), (unsigned long long)s->cookie,
		 s->owner.known ? s->owner.comm : "-", s->netns.name, *s->device ? s->device : "-",
		 partial ? " partial" : "");
}

static int on_event(void *context, const struct socket_event *e)
{
	char what[16];

	snprintf(what, sizeof(what), "event %u", e->event.kind);
	note(context, e->socket, what, e->event.mono_ns, false);
	return 0;
}

static int on_timeline(void *context, const struct timeline *t)
{
	char what[64];

	snprintf(what, sizeof(what), "%s%s%s", t->final ? "final" : "open",
		 t->half_open.is ? " half-open by " : "", found_by__name(t->half_open.found_by));
	note(context, &t->socket, what, t->ended_ns, t->partial);
	return 0;
}

static void on_taken(void *context, const struct record *r)
{
	struct stream *s = context;

	s->bytes = realloc(s->bytes, s->used + RECORD_SIZE_MAX);
	s->used += record__encode(r, s->bytes + s->used);
}

static void feed(struct run_of_core *run, const struct record *r)
{
	const char *why;

	assert_int_equal(core__feed(run->core, r, &why), 0);
}

static struct run_of_core *begin(const char *filter)
{
	struct run_of_core *run = calloc(1, sizeof(*run));
	struct core_config config = { .suspect_after = 2, .all = true, .events = true,
				      .taken = on_taken, .taken_context = &run->stream };
	struct sink sink = { .size = sizeof(sink), .context = &run->told, .event = on_event,
				  .timeline = on_timeline };
	struct filter_error error;

	if (filter) {
		config.filter = run->filter = filter__parse(filter, NULL, &error);
		assert_non_null(run->filter);
	}
	run->core = core__new(&config, &sink);
	return run;
}

static void start(struct run_of_core *run)
{
	feed(run, &(struct record){ .type = RECORD_META,
				    .meta = { HZ, "1", "gw", "b", "r", "6.18", "full" } });
	feed(run, &(struct record){ .type = RECORD_START,
				    .start = { "tcp_probe timer_expire_exit" } });
}

static void feed_event(struct run_of_core *run, uint64_t ms, uint64_t cookie, uint8_t kind,
		       uint8_t state, uint8_t old_state)
{
	struct record r = { .type = RECORD_EVENT, .mono_ns = ms * MS };

	r.event = (struct ho_event){
		.mono_ns = ms * MS, .cookie = cookie, .kind = kind, .family = 2, .state = state,
		.old_state = old_state, .jiffies = ms * HZ / 1000, .netns = 7, .net_cookie = 70,
		.local = { 10, 0, 0, 1 }, .peer = { 10, 0, 0, 2 }, .local_port = 1883,
		.peer_port = 40000 + cookie, .flags = HO_F_KEEPALIVE, .sock_idle_jiffies = HZ,
		.sock_interval_jiffies = HZ, .sock_probes = 9, .last_tx_ns = ms * MS };
	feed(run, &r);
}

static void open_socket(struct run_of_core *run, uint64_t ms, uint64_t cookie)
{
	feed_event(run, ms, cookie, HO_STATE, TCP_ESTABLISHED, TCP_SYN_RECV);
}

static void probe(struct run_of_core *run, uint64_t ms, uint64_t cookie)
{
	feed_event(run, ms, cookie, HO_PROBE_SENT, TCP_ESTABLISHED, 0);
}

static void end_socket(struct run_of_core *run, uint64_t ms, uint64_t cookie)
{
	feed_event(run, ms, cookie, HO_STATE, TCP_CLOSE, TCP_FIN_WAIT2);
}

/* A new holder as the source reports it: with the socket's present state (`seen`), or behind a
 * walk. */
static void hold_by(struct run_of_core *run, uint64_t ms, uint64_t cookie, const char *comm,
		    bool seen)
{
	if (seen)
		feed_event(run, ms, cookie, HO_SEEN, TCP_ESTABLISHED, 0);
	feed(run, &(struct record){ .type = RECORD_OWNER, .mono_ns = ms * MS,
				    .owner = { cookie, 812, comm, "", "" } });
}

static void hold(struct run_of_core *run, uint64_t ms, uint64_t cookie, const char *comm)
{
	hold_by(run, ms, cookie, comm, true);
}

static void name_netns(struct run_of_core *run, uint64_t ms, const char *name)
{
	feed(run, &(struct record){ .type = RECORD_SYSCTL, .mono_ns = ms * MS,
				    .sysctl = { 7, 7200, 75, 9, name, 70 } });
}

static void name_device(struct run_of_core *run, uint64_t ms, uint64_t cookie, uint16_t local,
			const char *device)
{
	struct record r = { .type = RECORD_IDENTITY, .mono_ns = ms * MS,
			    .identity = { .at_ns = ms * MS, .port = 40000 + cookie,
					  .local = local, .device = device } };
	struct endpoint peer = { .address = { 10, 0, 0, 2 } };

	peer = endpoint__mapped(&peer, 2);
	memcpy(r.identity.peer, peer.address, sizeof(r.identity.peer));
	feed(run, &r);
}

static void tick(struct run_of_core *run, uint64_t ms)
{
	feed(run, &(struct record){ .type = RECORD_TICK, .mono_ns = ms * MS });
}

static unsigned int lines_of(const struct run_of_core *run, uint64_t cookie)
{
	unsigned int i, count = 0;
	char of[32];

	snprintf(of, sizeof(of), " of %llu ", (unsigned long long)cookie);
	for (i = 0; i < run->told.count; i++)
		count += strstr(run->told.lines[i], of) != NULL;
	return count;
}

static bool says(const struct run_of_core *run, const char *text)
{
	unsigned int i;

	for (i = 0; i < run->told.count; i++)
		if (strstr(run->told.lines[i], text))
			return true;
	return false;
}

/* No record has anything of the rejected socket, and a replay without the filter gives the same. */
static void finish(struct run_of_core *run, uint64_t ms, uint64_t rejected)
{
	struct run_of_core *replay = begin(NULL);
	uint16_t port = 40000 + rejected;
	size_t at, size;
	unsigned int i;
	const char *why;
	struct record r;

	feed(run, &(struct record){ .type = RECORD_STOP, .mono_ns = ms * MS });
	for (at = 0; at < run->stream.used; at += size) {
		size = record__size(run->stream.bytes + at, RECORD_HEADER_SIZE);
		assert_int_equal(record__decode(run->stream.bytes + at, size, &r, &why), 0);
		if (r.type == RECORD_EVENT)
			assert_int_not_equal(r.event.cookie, rejected);
		else if (r.type == RECORD_HOLDER)
			for (i = 0; i < r.holder.count; i++)
				assert_int_not_equal(r.holder.cookies[i], rejected);
		else if (r.type == RECORD_LOSS)
			assert_int_not_equal(r.loss.cookie, rejected);
		else if (r.type == RECORD_IDENTITY)
			assert_int_not_equal(r.identity.port, port);
		else if (r.type == RECORD_SILENT)
			for (i = 0; i < r.present.count; i++)
				assert_int_not_equal(r.present.cookies[i], rejected);
		feed(replay, &r);
	}
	assert_int_equal(lines_of(run, rejected), 0);
	assert_int_equal(replay->told.count, run->told.count);
	for (i = 0; i < run->told.count; i++)
		assert_string_equal(replay->told.lines[i], run->told.lines[i]);
	core__free(replay->core);
	free(replay->stream.bytes);
	free(replay);
	core__free(run->core);
	filter__free(run->filter);
	free(run->stream.bytes);
	free(run);
}

static void feed_loss(struct run_of_core *run, uint64_t ms, uint64_t cookie)
{
	feed(run, &(struct record){ .type = RECORD_LOSS, .mono_ns = ms * MS,
				    .loss = { cookie, 1, ms * MS, LOSS_RING_FULL } });
}

static void feed_silent(struct run_of_core *run, uint64_t ms)
{
	const uint64_t cookies[] = { 1, 2 };
	const uint32_t silent_s[] = { 3, 3 };

	feed(run, &(struct record){ .type = RECORD_SILENT, .mono_ns = ms * MS,
				    .present = { 2, cookies, silent_s } });
}

static void test_by_owner(void **state)
{
	struct run_of_core *run = begin("comm = nginx");
	uint64_t cookie;

	(void)state;
	start(run);
	for (cookie = 1; cookie <= 3; cookie++)		/* the third is never held */
		open_socket(run, 1000 + cookie, cookie);
	for (cookie = 1; cookie <= 3; cookie++)
		probe(run, 2100 + cookie, cookie);
	tick(run, 2200);
	assert_int_equal(run->told.count, 0);
	feed_silent(run, 2300);
	feed_loss(run, 2400, 1);
	feed_loss(run, 2400, 2);
	hold(run, 2500, 2, "redis");
	hold(run, 2600, 1, "nginx");
	assert_int_equal(lines_of(run, 1), 3);	/* opened, probed, lost */
	feed_silent(run, 2700);
	for (cookie = 1; cookie <= 3; cookie++) {
		probe(run, 3200 + cookie, cookie);
		feed_loss(run, 3300, cookie);
		end_socket(run, 4000 + cookie, cookie);
	}
	tick(run, 5000);
	assert_int_equal(core__summary(run->core).endings, 1);
	assert_int_equal(core__summary(run->core).events, 4);
	assert_int_equal(core__summary(run->core).open, 0);
	assert_int_equal(lines_of(run, 3), 0);
	finish(run, 20000, 2);
}

static void test_what_ends_undecided_is_forgotten(void **state)
{
	struct run_of_core *run = begin("comm = nginx");
	uint64_t cookie;

	(void)state;
	start(run);
	for (cookie = 1; cookie <= 1000; cookie++) {
		open_socket(run, 1000 + cookie, cookie);
		end_socket(run, 1001 + cookie, cookie);
	}
	assert_int_equal(run->core->table.used, 1000);
	tick(run, 8000);
	assert_int_equal(run->core->table.used, 0);
	assert_int_equal(run->core->withheld.bytes, 0);
	finish(run, 9000, 7);
}

static void test_what_is_withheld_is_bounded(void **state)
{
	struct run_of_core *run = begin("comm = nginx");
	uint64_t cookie, i;

	(void)state;
	start(run);
	for (cookie = 1; cookie <= 70000; cookie++) {
		open_socket(run, 1000, cookie);
		assert_true(run->core->withheld.bytes <= WITHHELD_MAX);
	}
	for (i = 0; i < 1000; i++)	/* records of the others stay */
		probe(run, 2000 + i, 70000);
	assert_non_null(withheld__find(&run->core->withheld, 69999));
	assert_null(withheld__find(&run->core->withheld, 1));
	/* A socket whose records were dropped begins when it is accepted. */
	hold(run, 4000, 1, "nginx");
	hold(run, 4000, 69999, "nginx");
	assert_true(says(run, "event 0 4000 of 1 - "));
	assert_true(says(run, "event 1 1000 of 69999 - "));
	assert_int_equal(lines_of(run, 1), 1);
	finish(run, 5000, 2);
}

/* Its namespace gets a name a moment later; in that of the other name no socket is accepted. */
static void test_by_the_name_of_a_new_namespace(void **state)
{
	const char *const names[] = { "pod-1", "pod-2" };
	unsigned int i;

	(void)state;
	for (i = 0; i < 2; i++) {
		struct run_of_core *run = begin("netns = pod-1");

		start(run);
		feed(run, &(struct record){ .type = RECORD_SNAPSHOT, .mono_ns = 500 * MS,
					    .snapshot = { 400 * MS, true } });
		open_socket(run, 1000, 1);
		name_netns(run, 1010, "");	/* it is born without */
		open_socket(run, 1100, 2);
		end_socket(run, 1110, 2);
		tick(run, 1200);
		assert_int_equal(run->told.count, 0);
		name_netns(run, 1210, names[i]);
		tick(run, 1300);
		tick(run, 2000);
		assert_int_equal(lines_of(run, 1), i == 0);
		assert_int_equal(lines_of(run, 2), i == 0 ? 3 : 0);	/* opened, closed, told */
		assert_int_equal(run->core->withheld.bytes, 0);
		finish(run, 3000, i == 0 ? 3 : 1);
	}
}

/* A namespace without a name, which had none when it was read before, gets none. */
static void test_a_namespace_without_a_name_is_decided(void **state)
{
	struct run_of_core *run = begin("netns = pod-1");

	(void)state;
	start(run);
	name_netns(run, 100, "");
	open_socket(run, 1000, 1);
	assert_int_equal(run->core->withheld.bytes, 0);
	assert_int_equal(run->core->table.used, 0);
	finish(run, 3000, 1);
}

static void test_by_state(void **state)
{
	struct run_of_core *run = begin("state close-wait");

	(void)state;
	start(run);
	open_socket(run, 1000, 1);
	open_socket(run, 1000, 2);
	feed_event(run, 2000, 1, HO_STATE, TCP_CLOSE_WAIT, TCP_ESTABLISHED);
	end_socket(run, 2500, 2);
	tick(run, 3000);
	assert_int_equal(core__summary(run->core).open, 1);
	assert_int_equal(core__summary(run->core).endings, 0);
	core__free(run->core);
	filter__free(run->filter);
	free(run->stream.bytes);
	free(run);
}

/* ---- the owner changes ---- */

static void test_handed_in_and_out(void **state)
{
	struct run_of_core *run = begin("comm = bravo");

	(void)state;
	start(run);
	open_socket(run, 1000, 1);
	open_socket(run, 1000, 2);
	open_socket(run, 1000, 3);
	hold(run, 2000, 1, "alpha");
	hold(run, 2000, 2, "alpha");
	hold(run, 2000, 3, "bravo");
	probe(run, 3000, 1);
	probe(run, 3000, 2);
	assert_int_equal(lines_of(run, 1), 0);
	hold(run, 6000, 1, "bravo");		/* comes in */
	assert_true(says(run, "event 0 6000 of 1 - "));
	probe(run, 7000, 1);
	assert_true(says(run, "of 1 bravo  -"));
	hold(run, 8000, 3, "alpha");		/* handed on: it stays */
	probe(run, 9000, 3);
	assert_true(says(run, "of 3 alpha  -"));
	hold(run, 9500, 1, "charlie");
	end_socket(run, 10000, 1);
	end_socket(run, 10000, 2);
	end_socket(run, 10000, 3);
	tick(run, 11000);
	assert_true(says(run, "final 10000 of 1 charlie  - partial"));
	assert_true(says(run, "final 10000 of 3 alpha  -"));
	assert_int_equal(core__summary(run->core).endings, 2);
	assert_int_equal(run->core->table.used, 0);
	finish(run, 12000, 2);
}

/* The same for a socket without an event when it was handed on, and then dies. */
/* In a walk over all sockets owners come behind the last of them: `walk`. */
static void hand_out_while_well(bool walk)
{
	struct run_of_core *run = begin("comm = bravo and sport = 1883");
	uint64_t ms;

	run->core->config.all = run->core->config.events = false;
	run->core->rules.fold = true;
	start(run);
	open_socket(run, 1000, 1);
	hold(run, 2000, 1, "bravo");
	assert_int_equal(run->core->table.histories_used, 0);
	if (walk)
		feed_event(run, 2500, 2, HO_SEEN, TCP_ESTABLISHED, 0);
	hold_by(run, 3000, 1, "alpha", !walk);
	assert_int_equal(core__summary(run->core).open, 1);
	for (ms = 4000; ms < 8000; ms += 1000)
		probe(run, ms, 1);
	assert_int_equal(core__summary(run->core).suspect, 1);
	feed_event(run, 9000, 1, HO_STATE, TCP_CLOSE, TCP_ESTABLISHED);
	tick(run, 10000);
	assert_true(says(run, " 9000 of 1 alpha  -"));
	assert_int_equal(core__summary(run->core).endings, 1);
	core__free(run->core);
	filter__free(run->filter);
	free(run->stream.bytes);
	free(run);
}

static void test_handed_out_while_well(void **state)
{
	(void)state;
	hand_out_while_well(false);
	hand_out_while_well(true);
}

/* Before its owner is known, its program has connected it once more. */
static void test_connected_again_while_undecided(void **state)
{
	struct run_of_core *run = begin("comm = nginx");

	(void)state;
	start(run);
	feed_event(run, 1000, 1, HO_STATE, TCP_ESTABLISHED, TCP_SYN_SENT);
	end_socket(run, 2000, 1);
	feed_event(run, 3000, 1, HO_STATE, TCP_ESTABLISHED, TCP_SYN_SENT);
	tick(run, 9000);	/* longer than an ended one waits */
	hold(run, 9100, 1, "nginx");
	assert_int_equal(core__summary(run->core).open, 1);
	probe(run, 10000, 1);
	end_socket(run, 11000, 1);
	tick(run, 12000);
	assert_int_equal(core__summary(run->core).endings, 2);
	finish(run, 13000, 2);
}

/* ---- names ---- */

static void test_a_name_lets_in_at_once(void **state)
{
	struct run_of_core *run = begin("device = scooter-1");

	(void)state;
	start(run);
	open_socket(run, 1000, 1);
	open_socket(run, 1000, 2);
	probe(run, 2000, 1);
	tick(run, 2100);
	assert_int_equal(run->told.count, 0);
	name_device(run, 2200, 2, 0, "scooter-2");
	name_device(run, 2200, 1, 0, "scooter-1");
	tick(run, 2250);
	assert_int_equal(lines_of(run, 1), 2);
	assert_true(says(run, "of 1 -  scooter-1"));
	finish(run, 3000, 2);
}

/* A NAT uses one public port for two connections to two ports of ours: each has its own name. */
static void test_our_port_belongs_to_the_key(void **state)
{
	struct run_of_core *run = begin(NULL);

	(void)state;
	start(run);
	open_socket(run, 1000, 1);
	open_socket(run, 1000, 2);
	open_socket(run, 1000, 3);
	name_device(run, 1100, 1, 443, "the other port's");
	name_device(run, 1100, 2, 1883, "this port's");
	name_device(run, 1100, 2, 443, "the other port's");
	name_device(run, 1100, 3, 0, "whichever port's");
	feed(run, &(struct record){ .type = RECORD_STOP, .mono_ns = 2000 * MS });
	assert_true(says(run, "open 0 of 1 -  -"));
	assert_true(says(run, "open 0 of 2 -  this port's"));
	assert_true(says(run, "open 0 of 3 -  whichever port's"));
	core__free(run->core);
	free(run->stream.bytes);
	free(run);
}

static void name_peer(struct run_of_core *run, uint64_t n, const char *device)
{
	struct record r = { .type = RECORD_IDENTITY, .mono_ns = 2000 * MS,
			    .identity = { .at_ns = 2000 * MS, .port = 9, .device = device } };

	r.identity.peer[0] = 0xfd;
	memcpy(r.identity.peer + 4, &n, sizeof(n));
	feed(run, &r);
}

/* A peer that connects with ever new names fills no memory, and removes no open socket's name. */
static void test_names_are_bounded(void **state)
{
	struct run_of_core *run = begin("sport = 1883");
	const struct identities *i = &run->core->identities;
	char name[32];
	uint64_t n;

	(void)state;
	start(run);
	open_socket(run, 1000, 1);
	name_device(run, 1000, 1, 0, "the open one's");
	for (n = 0; n < 5 * IDENTITIES_GENERATION; n++) {	/* each from another address */
		snprintf(name, sizeof(name), "device %llu", (unsigned long long)n);
		name_peer(run, n, name);
	}
	assert_true(i->names.used <= 3 * IDENTITIES_GENERATION + 1);
	assert_true(i->count <= 3 * IDENTITIES_GENERATION + 1);
	assert_int_equal(core__names_forgotten(run->core) + i->names.used,
			 5 * IDENTITIES_GENERATION + 1);
	for (n = 0; n < 5 * IDENTITIES_GENERATION; n++) {	/* all from one */
		snprintf(name, sizeof(name), "changeling %llu", (unsigned long long)n);
		name_peer(run, 1, name);
	}
	assert_true(i->names.used <= 3 * IDENTITIES_GENERATION + 1);
	probe(run, 3000, 1);
	assert_true(says(run, "of 1 -  the open one's"));
	finish(run, 4000, 2);
}

/* ---- a device with two connections ---- */

static struct run_of_core *device_with_two(void)
{
	struct run_of_core *run = begin(NULL);

	start(run);
	open_socket(run, 1000, 1);
	name_device(run, 1100, 1, 0, "two-at-once");
	open_socket(run, 5000, 2);
	name_device(run, 5100, 2, 0, "two-at-once");
	assert_true(says(run, "event 15 5000 of 1 "));	/* the suspicion */
	return run;
}

static void feed_pass_over_both(struct run_of_core *run, uint64_t ms, uint32_t silent_s)
{
	const uint64_t cookies[] = { 1, 2 };
	const uint32_t silences[] = { silent_s, 1 };

	feed(run, &(struct record){ .type = RECORD_SILENT, .mono_ns = ms * MS,
				    .present = { 2, cookies, silences } });
}

static void hear(struct run_of_core *run, uint64_t ms, uint64_t cookie)
{
	struct record r = { .type = RECORD_EVENT, .mono_ns = ms * MS };

	r.event = (struct ho_event){
		.mono_ns = ms * MS, .cookie = cookie, .kind = HO_HEARD, .family = 2,
		.state = TCP_ESTABLISHED, .jiffies = ms * HZ / 1000, .netns = 7, .net_cookie = 70,
		.rcv_tstamp_jiffies = ms * HZ / 1000, .tcp_flags = HO_TCP_ACK,
		.local = { 10, 0, 0, 1 }, .peer = { 10, 0, 0, 2 }, .local_port = 1883,
		.peer_port = 40000 + cookie, .flags = HO_F_KEEPALIVE | HO_F_SEGMENT,
		.sock_idle_jiffies = HZ, .sock_interval_jiffies = HZ, .sock_probes = 9,
		.last_tx_ns = ms * MS };
	feed(run, &r);
}

/* However long the older one is idle: it was not asked, so nothing is known. */
static void test_silence_is_no_evidence(void **state)
{
	struct run_of_core *run = device_with_two();
	uint64_t s;

	(void)state;
	for (s = 15; s < 4000; s += 10)
		feed_pass_over_both(run, s * 1000, s - 1);
	assert_false(says(run, "half-open"));
	feed_event(run, 4000000, 1, HO_STATE, TCP_CLOSE, TCP_ESTABLISHED);	/* aborted */
	tick(run, 4005000);
	assert_true(says(run, "final 4000000 of 1 "));
	assert_false(says(run, "half-open"));
	finish(run, 4010000, 9);
}

static void test_an_ask_in_vain_is(void **state)
{
	struct run_of_core *run = device_with_two();

	(void)state;
	probe(run, 5500, 1);
	feed_pass_over_both(run, 10000, 9);	/* too early */
	feed_pass_over_both(run, 61000, 55);	/* it may have been heard after the ask */
	assert_false(says(run, "half-open"));
	feed_pass_over_both(run, 71000, 70);
	assert_true(says(run, "open half-open by superseded 0 of 1 "));
	run->told.count = 0;
	feed_pass_over_both(run, 81000, 80);
	assert_int_equal(run->told.count, 0);
	hear(run, 82000, 1);	/* it was there after all */
	assert_true(says(run, "open 0 of 1 "));
	core__free(run->core);
	free(run->stream.bytes);
	free(run);
}

static void test_asks_in_vain_need_no_pass(void **state)
{
	struct run_of_core *run = device_with_two();
	uint64_t s;

	(void)state;
	for (s = 60; s <= 66; s++)
		probe(run, s * 1000, 1);
	assert_true(says(run, "open half-open by superseded 0 of 1 "));
	finish(run, 70000, 9);
}

static uint64_t waiting_under(const char *filter, uint16_t port)
{
	struct run_of_core *run = begin(filter);
	struct record r = { .type = RECORD_WAITING, .mono_ns = 2 * S,
			    .waiting = { 7, 70, 3, { 10, 0, 0, 1 }, port, 2 } };
	uint64_t waiting;

	feed(run, &(struct record){ .type = RECORD_META,
				    .meta = { HZ, "1", "gw", "b", "r", "6.18", "full" } });
	name_netns(run, 1000, "pod");
	feed(run, &r);
	waiting = run->core->run.waiting;
	finish(run, 3000, 1);
	return waiting;
}

/* Handshakes that wait for data are many peers': wanted where their own end alone says so. */
static void test_handshakes_that_wait(void **state)
{
	(void)state;
	assert_int_equal(waiting_under("sport = :1883", 1883), 3);
	assert_int_equal(waiting_under("sport = :1883", 80), 0);
	assert_int_equal(waiting_under("state syn-recv", 80), 3);
	assert_int_equal(waiting_under("state established", 80), 0);
	assert_int_equal(waiting_under("src 10.0.0.1", 80), 3);
	assert_int_equal(waiting_under("src 10.0.0.2", 80), 0);
	assert_int_equal(waiting_under("netns pod", 80), 3);
	assert_int_equal(waiting_under("netns other", 80), 0);
	assert_int_equal(waiting_under("netns 7", 80), 3);
	assert_int_equal(waiting_under("dst 10.0.0.2", 80), 0);	/* some may be, others not */
	assert_int_equal(waiting_under("dport = :5", 80), 0);
	assert_int_equal(waiting_under("comm = nginx", 80), 0);
	assert_int_equal(waiting_under(NULL, 80), 3);
}

/* Losses that are nobody's count, whatever is wanted; and of a socket that is destroyed no number of
 * connections is remembered. */
static void test_what_is_nobodys(void **state)
{
	struct run_of_core *run = begin("sport = :1883");

	(void)state;
	start(run);
	feed_loss(run, 1000, 0);
	assert_int_equal(core__summary(run->core).events_lost, 1);
	open_socket(run, 2000, 1);
	end_socket(run, 3000, 1);
	tick(run, 4000);
	assert_int_equal(run->core->connections.used, 1);
	feed_event(run, 5000, 1, HO_GONE, TCP_CLOSE, 0);
	assert_int_equal(run->core->connections.used, 0);
	finish(run, 6000, 2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_handshakes_that_wait),
		cmocka_unit_test(test_what_is_nobodys),
		cmocka_unit_test(test_by_owner),
		cmocka_unit_test(test_what_ends_undecided_is_forgotten),
		cmocka_unit_test(test_what_is_withheld_is_bounded),
		cmocka_unit_test(test_by_the_name_of_a_new_namespace),
		cmocka_unit_test(test_a_namespace_without_a_name_is_decided),
		cmocka_unit_test(test_by_state),
		cmocka_unit_test(test_handed_in_and_out),
		cmocka_unit_test(test_handed_out_while_well),
		cmocka_unit_test(test_connected_again_while_undecided),
		cmocka_unit_test(test_a_name_lets_in_at_once),
		cmocka_unit_test(test_our_port_belongs_to_the_key),
		cmocka_unit_test(test_names_are_bounded),
		cmocka_unit_test(test_silence_is_no_evidence),
		cmocka_unit_test(test_an_ask_in_vain_is),
		cmocka_unit_test(test_asks_in_vain_need_no_pass),
	};

	return cmocka_run_group_tests_name("filtered", tests, NULL, NULL);
}
