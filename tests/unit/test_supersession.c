// SPDX-License-Identifier: GPL-2.0
/* Reconnects, where addresses and names are chosen to collide: no false reports. */
#include <stdio.h>
#include <stdlib.h>

#include "core/core.h"
#include "core/state.h"
#include "tcp/tcp_states.h"
#include "unit.h"
#include "value/address.h"
#include "value/hash.h"

#define HZ 250
#define OLD 7
#define NEW 8

struct got {
	unsigned int suspicions;
	char shown[64];	 /* the peer of the old one */
	char said[1024]; /* all of them, in order */
	struct change last;
};

static int on_change(void *context, const struct change *c)
{
	struct got *got = context;

	if (c->kind != CHANGE_SUPERSEDED)
		return 0;
	got->suspicions++;
	got->last = *c;
	snprintf(got->shown, sizeof(got->shown), "%s", c->socket->peer.address);
	snprintf(got->said + strlen(got->said), sizeof(got->said) - strlen(got->said), "%s %.6f\n",
		 got->shown, c->confidence);
	return 0;
}

static void feed(struct core *core, struct record r)
{
	const char *why;

	assert_int_equal(core__feed(core, &r, &why), 0);
}

static struct core *started_core(struct got *got)
{
	struct core_config config = { .suspect_after = 2 };
	struct sink sink = { .size = sizeof(sink), .context = got, .change = on_change };
	struct core *core = core__new(&config, &sink);

	feed(core,
	     (struct record){ .type = RECORD_META, .meta = { HZ, "1", "gw", "b", "r", "6.18" } });
	feed(core,
	     (struct record){ .type = RECORD_START, .start = { "tcp_probe timer_expire_exit" } });
	return core;
}

/* ---- connections ---- */

static struct endpoint ipv4(uint32_t host, uint16_t port)
{
	struct endpoint e = { .port = port };
	uint8_t address[] = { 10, host >> 16, host >> 8, host };

	memcpy(e.address, address, sizeof(address));
	return e;
}

static const struct endpoint ours = { { 192, 0, 2, 1 }, 1883 };

static struct record event(uint64_t s, uint64_t cookie, uint8_t kind, const struct endpoint *peer)
{
	struct record r = { .type = RECORD_EVENT, .mono_ns = s * S };

	r.event = (struct ho_event){ .mono_ns = s * S,
				     .cookie = cookie,
				     .kind = kind,
				     .family = AF_INET,
				     .state = TCP_ESTABLISHED,
				     .old_state = kind == HO_STATE ? TCP_SYN_RECV : 0,
				     .netns = 1,
				     .local_port = ours.port,
				     .peer_port = peer->port,
				     .net_idle_jiffies = 7200 * HZ,
				     .last_tx_ns = S,
				     .net_interval_jiffies = 75 * HZ,
				     .net_probes = 9,
				     .jiffies = s * HZ,
				     .rcv_tstamp_jiffies = HZ,
				     .lrcvtime_jiffies = HZ };
	memcpy(r.event.local, ours.address, sizeof(r.event.local));
	memcpy(r.event.peer, peer->address, sizeof(r.event.peer));
	return r;
}

/* Its former connection is seen by a pass, or opens during the watch; then a new one arrives. */
static struct core *play(struct got *got, uint8_t first, const struct endpoint *old,
			 const struct endpoint *new)
{
	struct core *core = started_core(got);

	feed(core, event(10, OLD, first, old));
	feed(core, event(60, NEW, HO_STATE, new));
	feed(core, (struct record){ .type = RECORD_TICK, .mono_ns = 62 * S });
	return core;
}

static void test_who_comes_back_is_found(void **state)
{
	static const uint8_t firsts[] = { HO_SEEN, HO_STATE };
	struct endpoint old = ipv4(5, 1000), new = ipv4(5, 1001);
	unsigned int i;

	(void)state;
	for (i = 0; i < 2; i++) {
		struct got got = { 0 };
		struct core *core = play(&got, firsts[i], &old, &new);
		char text[ADDRESS_TEXT_SIZE];

		assert_int_equal(got.suspicions, 1);
		assert_int_equal(got.last.by_cookie, NEW);
		assert_string_equal(got.shown, address__format(AF_INET, 0, old.address, text));
		core__free(core);
	}
}

/* ---- collisions ---- */

struct keyed {
	uint64_t key;
	uint32_t host;
};

static int by_low_half(const void *a, const void *b)
{
	uint32_t x = ((const struct keyed *)a)->key, y = ((const struct keyed *)b)->key;

	return x < y ? -1 : x > y;
}

/* Two addresses whose keys agree in 32 bits, as anybody can compute who knows the hash. */
static void find_collision(uint32_t *one, uint32_t *other)
{
	enum { HOSTS = 1 << 19 };
	struct keyed *all = calloc(HOSTS, sizeof(*all));
	struct arrivals a = { 0 }; /* under the key of the cores here */
	uint32_t i;

	for (i = 0; i < HOSTS; i++) {
		struct endpoint peer = ipv4(i, 1000);

		all[i] = (struct keyed){ arrivals__key(&a, 1, AF_INET, &ours, &peer), i };
	}
	qsort(all, HOSTS, sizeof(*all), by_low_half);
	for (i = 1; i < HOSTS && by_low_half(&all[i - 1], &all[i]); i++)
		;
	assert_true(i < HOSTS);
	*one = all[i - 1].host;
	*other = all[i].host;
	free(all);
}

/* Nor is it enough that half of the bits agree. */
static void test_an_address_that_was_searched_for(void **state)
{
	struct endpoint old, new;
	struct got got = { 0 };
	uint32_t one, other;
	struct core *core;

	(void)state;
	find_collision(&one, &other);
	old = ipv4(one, 1000);
	new = ipv4(other, 1001);
	core = play(&got, HO_SEEN, &old, &new);
	assert_int_equal(got.suspicions, 0);
	core__free(core);
}

/* Where all bits agreed, by chance, the state of the old one decides: its history, or its own
 * arrival. */
static void test_keys_that_agree_are_compared(void **state)
{
	struct endpoint old = ipv4(5, 1000), new = ipv4(6, 1001);
	static const uint8_t firsts[] = { HO_PROBE_SENT, HO_STATE };
	unsigned int i;

	(void)state;
	for (i = 0; i < 2; i++) {
		struct got got = { 0 };
		struct core *core = started_core(&got);
		struct arrivals *a = &core->supersession.arrivals;
		struct slot *s;

		feed(core, event(10, OLD, firsts[i], &old));
		feed(core, event(60, NEW, HO_STATE, &new));
		s = table__find(&core->table, OLD);
		s->peer_key = arrivals__key(a, 1, AF_INET, &ours, &new);
		if (i) { /* the same, and in one chain */
			arrivals__at(a, 1)->key = s->peer_key;
			arrivals__at(a, 2)->older_of_key = 1;
		}
		assert_int_equal(table__history(&core->table, s) != NULL, !i);
		feed(core, (struct record){ .type = RECORD_TICK, .mono_ns = 62 * S });
		feed(core, (struct record){ .type = RECORD_STOP, .mono_ns = 63 * S });
		assert_int_equal(got.suspicions, 0);
		core__free(core);
	}
}

/* The same bytes may be an IPv4 address or the network of an IPv6 one. */
static void test_families_are_told_apart(void **state)
{
	struct endpoint peer = ipv4(5, 1000);
	struct arrivals a = { 0 };

	(void)state;
	assert_true(arrivals__key(&a, 1, AF_INET, &ours, &peer) !=
		    arrivals__key(&a, 1, AF_INET6, &ours, &peer));
	assert_false(arrivals__are_alike(
		&(struct arrival){ .netns = 1, .family = AF_INET6, .local = ours, .peer = peer }, 1,
		AF_INET, &ours, &peer));
}

/* ---- identities ---- */

/* With a network of his own, an attacker could solve for the half of an address that gives the hash
 * of another peer's, if the hash had no key. */
static void test_nobody_takes_anothers_name(void **state)
{
	struct endpoint victim = { { 0x20, 1, 0xd, 0xb8, 0, 1, [15] = 1 }, 0 };
	struct endpoint attacker = { { 0x20, 1, 0xd, 0xb8, 0, 2 }, 0 };
	uint64_t before[2], low;
	struct identities i = { 0 };

	(void)state;
	before[0] = hash__bytes(hash__number(0, 0), victim.address, 8);
	before[1] = hash__bytes(hash__number(0, 0), attacker.address, 8);
	memcpy(&low, victim.address + 8, sizeof(low));
	low ^= before[0] ^ before[1];
	memcpy(attacker.address + 8, &low, sizeof(low));
	assert_non_null(identities__learn(&i, &victim, 0, "scooter-17", 0));
	assert_non_null(identities__find(&i, &victim, 1883, 0, true));
	assert_null(identities__find(&i, &attacker, 1883, 0, true));
	identities__free(&i);
}

/* Namespaces of neighbouring inodes, devices of neighbouring numbers. */
static void test_each_has_its_own_seat(void **state)
{
	struct endpoint peer = ipv4(5, 0);
	struct identities i = { 0 };
	uint32_t device, netns;
	char name[16];

	(void)state;
	for (device = 1; device <= 64; device++) {
		snprintf(name, sizeof(name), "scooter-%u", device);
		peer.port = device;
		assert_non_null(identities__learn(&i, &peer, 1883, name, 0));
	}
	for (device = 1; device <= 64; device++)
		for (netns = 1; netns <= 16; netns++)
			assert_int_equal(identities__take_seat(&i, device, netns, 1883,
							       device * 100 + netns),
					 0);
	assert_int_equal(identities__take_seat(&i, 3, 4, 1883, 1), 304);
	identities__free(&i);
}

/* ---- arrivals ---- */

static struct ho_event came(uint64_t cookie, uint32_t host, uint16_t port, uint64_t s)
{
	struct endpoint peer = ipv4(host, port);

	return event(s, cookie, HO_STATE, &peer).event;
}

static void test_arrivals_in_order(void **state)
{
	struct endpoint peer = ipv4(5, 1002);
	struct arrivals a = { 0 };
	struct arrival *found;
	uint64_t cookie;

	(void)state;
	assert_null(arrivals__at(&a, 1));
	assert_null(arrivals__of_key(&a, 1));
	assert_null(arrivals__from(&a, &peer, 0));
	for (cookie = 1; cookie <= 600; cookie++) { /* it grows twice */
		struct ho_event e = came(cookie, cookie % 3 ? 5 : 6, 1000 + cookie, cookie);

		arrivals__add(&a, &e);
	}
	assert_int_equal(a.count, 600);
	assert_int_equal(arrivals__at(&a, 600)->cookie, 600);
	assert_int_equal(arrivals__at(&a, 1)->cookie, 1);
	assert_null(arrivals__at(&a, 0));
	found = arrivals__of_key(&a, arrivals__at(&a, 1)->key);
	assert_int_equal(found->cookie, 599);
	found = arrivals__older_of_key(&a, found);
	assert_int_equal(found->cookie, 598);
	assert_int_equal(arrivals__older_of_key(&a, found)->cookie, 596);
	assert_int_equal(arrivals__with_cookie(&a, found->key, 2)->peer.port, 1002);
	assert_null(arrivals__with_cookie(&a, found->key, 3));
	peer = endpoint__mapped(&peer, AF_INET);
	assert_int_equal(arrivals__from(&a, &peer, 0)->cookie, 2);
	assert_int_equal(arrivals__from(&a, &peer, 1883)->cookie, 2);
	assert_null(arrivals__from(&a, &peer, 1884));
	arrivals__free(&a);
}

static void test_the_oldest_arrivals_are_forgotten(void **state)
{
	struct arrivals a = { 0 };
	uint64_t cookie;

	(void)state;
	for (cookie = 1; cookie <= ARRIVALS_MAX + 10; cookie++) {
		struct ho_event e = came(cookie, 5, cookie % 60000 + 1, cookie);

		arrivals__add(&a, &e);
	}
	assert_null(arrivals__at(&a, 10));
	assert_int_equal(arrivals__at(&a, 11)->cookie, 11);
	assert_int_equal(a.size, ARRIVALS_MAX);
	arrivals__free(&a);
}

static void test_a_network_of_ones_own(void **state)
{
	static const struct endpoint one = { { 0x20, 1, 0xd, 0xb8, [7] = 1, [15] = 1 }, 1000 };
	static const struct endpoint same = { { 0x20, 1, 0xd, 0xb8, [7] = 1, [15] = 9 }, 1001 };
	static const struct endpoint other = { { 0x20, 1, 0xd, 0xb8, [7] = 2, [15] = 1 }, 1000 };
	static const struct endpoint local = { { 0xfe, 0x80, [15] = 1 }, 1000 };
	struct arrivals a = { 0 };
	uint64_t key = arrivals__key(&a, 1, AF_INET6, &ours, &one);

	(void)state;
	assert_true(key == arrivals__key(&a, 1, AF_INET6, &ours, &same));
	assert_true(key != arrivals__key(&a, 1, AF_INET6, &ours, &other));
	assert_true(key != arrivals__key(&a, 2, AF_INET6, &ours, &one));
	assert_true(key >> 60 == 0);
	assert_false(arrivals__is_exact(AF_INET6, &one));
	assert_true(arrivals__is_exact(AF_INET6, &local));
	assert_true(arrivals__is_exact(AF_INET, &one));
}

/* ---- confidence ---- */

/* The old one opens at 10 s; `kind` at 40 s, if there is one; a new one comes at `at_ms`. */
static unsigned int confidence(uint8_t kind, uint16_t step, uint64_t at_ms)
{
	struct endpoint old = ipv4(5, 2000), new = ipv4(5, 2000 + step);
	struct record arrival = event(at_ms / 1000, NEW, HO_STATE, &new);
	struct got got = { 0 };
	struct core *core = started_core(&got);

	feed(core, event(10, OLD, HO_STATE, &old));
	if (kind) {
		struct record r = event(40, OLD, kind, &old);

		r.event.probes_out = kind == HO_PROBE_SENT;
		r.event.last_tx_ns = 40 * S;
		feed(core, r);
	}
	arrival.mono_ns = arrival.event.mono_ns = at_ms * 1000000;
	feed(core, arrival);
	feed(core, (struct record){ .type = RECORD_TICK, .mono_ns = at_ms * 1000000 + 2 * S });
	core__free(core);
	return got.suspicions ? got.last.confidence * 1000 + 0.5 : 0;
}

static void test_how_sure(void **state)
{
	(void)state;
	assert_int_equal(confidence(0, 1, 10001), 0); /* at once */
	assert_int_equal(confidence(0, 1, 10099), 0);
	assert_in_range(confidence(0, 1, 60000), 400, 960);
	assert_in_range(confidence(0, 20000, 60000), 300, 500);
	assert_true(confidence(HO_PROBE_SENT, 20000, 60000) > confidence(0, 20000, 60000));
}

/* A lone old connection is no evidence about its NAT: whatever port the new one has, it is
 * suspected, and a near one more than a far one. */
static void test_a_lone_connection_is_suspected(void **state)
{
	static const uint64_t silent_ms[] = { 2100, 9900, 50000 };
	unsigned int i, step;

	(void)state;
	for (i = 0; i < sizeof(silent_ms) / sizeof(silent_ms[0]); i++) {
		unsigned int far = confidence(0, 20000, 10000 + silent_ms[i]);

		assert_in_range(far, 300, 990);
		for (step = 1; step < 4096; step += 1 + step / 4) {
			assert_in_range(confidence(0, step, 10000 + silent_ms[i]), far, 990);
			assert_in_range(confidence(0, -step, 10000 + silent_ms[i]), far, 990);
		}
	}
}

/* ---- what the program closes ---- */

/* Its first FIN is sent again: it was closed at `at_ms`. */
static struct record closing(uint64_t at_ms, uint64_t cookie, const struct endpoint *peer)
{
	struct record r = event(0, cookie, HO_RETRANSMIT, peer);

	r.mono_ns = r.event.mono_ns = r.event.last_tx_ns = (at_ms + 250) * MS;
	r.event.jiffies = r.mono_ns / (S / HZ);
	r.event.rto_jiffies = HZ / 5;
	r.event.state = TCP_FIN_WAIT1;
	r.event.packets_out = r.event.retransmits = 1;
	r.event.delivered_ns = at_ms * MS;
	r.event.flags = HO_F_FIN_QUEUED | HO_F_ORPHAN | HO_F_UNDELIVERED;
	return r;
}

static struct record opening(uint64_t at_ms, uint64_t cookie, const struct endpoint *peer)
{
	struct record r = event(at_ms / 1000, cookie, HO_STATE, peer);

	r.mono_ns = r.event.mono_ns = at_ms * MS;
	return r;
}

#define DEVICES 100

/* One that no other resembles. */
static uint16_t port_of(unsigned int n)
{
	return 1024 + hash__number(0, n) % 60000;
}

/* A hundred devices of one address, on ports that say nothing, come back one after the other every
 * five seconds; the program closes the old connection of each after a delay between these. Returns
 * how sure it is said to be of the last ten, together, in thousandths. */
static unsigned int said_of_closings(unsigned int least_ms, unsigned int most_ms,
				     unsigned int *right)
{
	struct got got = { 0 };
	struct core *core = started_core(&got);
	unsigned int i, sum = 0;

	for (i = 0; i < DEVICES; i++) {
		struct endpoint old = ipv4(5, port_of(i));

		feed(core, opening(10000 + i * 1000, 1 + i, &old));
	}
	for (i = 0; i < DEVICES; i++) {
		struct endpoint new = ipv4(5, port_of(DEVICES + i));
		struct endpoint old = ipv4(5, port_of(i));
		uint64_t at_ms = 300000 + i * 5000;
		uint64_t closed_ms = at_ms + least_ms + i * 7919 % (most_ms - least_ms);
		unsigned int before = got.suspicions;

		feed(core, opening(at_ms, 101 + i, &new));
		feed(core, closing(closed_ms, 1 + i, &old));
		feed(core, (struct record){ .type = RECORD_TICK, .mono_ns = (closed_ms + 100) * MS });
		if (i + 10 >= DEVICES && got.suspicions > before) {
			sum += got.last.confidence * 1000;
			*right += got.last.by_cookie == 101 + i;
		}
		feed(core, (struct record){ .type = RECORD_TICK, .mono_ns = (at_ms + 4900) * MS });
	}
	core__free(core);
	return sum;
}

/* Whatever their ports, what the program does shows who came back. */
static void test_takeovers_are_learned(void **state)
{
	static const unsigned int delays_ms[][2] = {
		{ 20, 40 }, { 110, 190 }, { 410, 790 }, { 1000, 1500 }, { 1700, 3000 },
	};
	unsigned int i, right, said;

	(void)state;
	for (i = 0; i < sizeof(delays_ms) / sizeof(delays_ms[0]); i++) {
		right = 0;
		said = said_of_closings(delays_ms[i][0], delays_ms[i][1], &right);
		assert_int_equal(right, 10);
		assert_true(said > 8000);
	}
}

/* Somebody came not long before every closing, at no delay in particular. */
static void test_closings_that_look_at_no_arrival(void **state)
{
	unsigned int right = 0;

	(void)state;
	assert_true(said_of_closings(1, 4000, &right) < 4000);
}

/* Tables have another key in each run: what one address teaches about the next, and the order of
 * suspicions, do not depend on it. A replay gives the same, byte for byte. */
static void test_no_key_decides(void **state)
{
	char first[1024] = "";
	unsigned int run, host;

	(void)state;
	for (run = 0; run < 8; run++) {
		struct core_config config = { .suspect_after = 2 };
		struct got got = { 0 };
		struct sink sink = { .size = sizeof(sink), .context = &got, .change = on_change };
		struct core *core;

		memset(config.hash.key, run + 1, sizeof(config.hash.key));
		core = core__new(&config, &sink);
		feed(core, (struct record){ .type = RECORD_META,
					    .meta = { HZ, "1", "gw", "b", "r", "6.18" } });
		feed(core, (struct record){ .type = RECORD_START,
					    .start = { "tcp_probe timer_expire_exit" } });
		for (host = 1; host <= 12; host++) {
			struct endpoint old = ipv4(host, 2000);

			feed(core, event(10, host, HO_STATE, &old));
		}
		for (host = 1; host <= 12; host++) {
			struct endpoint new = ipv4(host, 2000 + (host % 3 ? host : 9000 * host));

			feed(core, event(60, 100 + host, HO_STATE, &new));
		}
		feed(core, (struct record){ .type = RECORD_TICK, .mono_ns = 62 * S });
		assert_true(got.suspicions > 4);
		if (!run)
			strcpy(first, got.said);
		assert_string_equal(got.said, first);
		core__free(core);
	}
}

/* The estimate for a pair does not depend on what is reported, nor on what is kept for that. */
static void test_what_is_kept_changes_nothing(void **state)
{
	static const struct core_config configs[] = {
		{ .suspect_after = 2 },
		{ .suspect_after = 2, .all = true },
		{ .suspect_after = 2, .events = true },
	};
	struct endpoint old = ipv4(5, 2000), new = ipv4(5, 2001);
	unsigned int said[3] = { 0 }, i;

	(void)state;
	for (i = 0; i < 3; i++) {
		struct got got = { 0 };
		struct sink sink = { .size = sizeof(sink), .context = &got, .change = on_change };
		struct core *core = core__new(&configs[i], &sink);

		feed(core, (struct record){ .type = RECORD_META,
					    .meta = { HZ, "1", "gw", "b", "r", "6.18" } });
		feed(core, (struct record){ .type = RECORD_START,
					    .start = { "tcp_probe timer_expire_exit" } });
		feed(core, event(10, OLD, HO_STATE, &old));
		feed(core, event(60, NEW, HO_STATE, &new));
		feed(core, (struct record){ .type = RECORD_TICK, .mono_ns = 62 * S });
		said[i] = got.suspicions ? got.last.confidence * 1000 + 0.5 : 0;
		core__free(core);
	}
	assert_true(said[0] >= 300);
	assert_int_equal(said[0], said[1]);
	assert_int_equal(said[0], said[2]);
}

/* ---- names ---- */

static void test_a_later_word_replaces_an_earlier_one(void **state)
{
	struct endpoint peer = ipv4(5, 1000), elsewhere = ipv4(5, 0);
	struct identities i = { 0 };
	struct known_peer *known;

	(void)state;
	assert_null(identities__find(&i, &peer, 1883, 0, true));
	assert_null(identities__name(&i, 0));
	identities__learn(&i, &peer, 0, "a", 10 * S);
	identities__learn(&i, &peer, 1883, "b", 10 * S);
	identities__learn(&i, &elsewhere, 0, "c", 10 * S);
	known = identities__find(&i, &peer, 1883, 0, true);
	assert_string_equal(identities__name(&i, known->device), "b");
	known = identities__find(&i, &peer, 8883, 0, true);
	assert_string_equal(identities__name(&i, known->device), "a");
	/* a name is about the peer at that time, or a little later */
	known = identities__find(&i, &peer, 1883, 15 * S, false);
	assert_string_equal(identities__name(&i, known->device), "b");
	known = identities__find(&i, &peer, 1883, 15 * S + 1, false);
	assert_string_equal(identities__name(&i, known->device), "c");
	identities__learn(&i, &peer, 1883, "d", 20 * S);
	known = identities__find(&i, &peer, 1883, 15 * S + 1, false);
	assert_string_equal(identities__name(&i, known->device), "d");
	identities__free(&i);
}

static void test_generations(void **state)
{
	struct identities i = { 0 };
	struct endpoint asked = ipv4(1, 1), other = ipv4(2, 1), e;
	char name[16];
	uint32_t n;

	(void)state;
	identities__learn(&i, &asked, 0, "asked for", S);
	identities__learn(&i, &other, 0, "not asked for", S);
	identities__forget_older(&i);
	assert_non_null(identities__find(&i, &asked, 1883, 0, true));
	identities__begin_generation(&i);
	assert_false(identities__are_full(&i));
	for (n = 0; n < IDENTITIES_GENERATION; n++) {
		assert_false(identities__are_full(&i));
		e = ipv4(100 + n, 1);
		snprintf(name, sizeof(name), "%u", n);
		assert_non_null(identities__learn(&i, &e, 0, name, S));
	}
	assert_true(identities__are_full(&i));
	identities__forget_older(&i);
	assert_int_equal(i.forgotten, 1);
	assert_null(identities__find(&i, &other, 1883, 0, true));
	assert_non_null(identities__find(&i, &asked, 1883, 0, true));
	identities__free(&i);
}

static void test_a_device_with_many_seats(void **state)
{
	struct endpoint peer = ipv4(5, 1);
	struct identities i = { 0 };
	uint32_t device, port;

	(void)state;
	device = identities__learn(&i, &peer, 0, "many", 0)->device;
	for (port = 1; port <= 17; port++)
		assert_int_equal(identities__take_seat(&i, device, 1, port, 100 + port), 0);
	assert_int_equal(identities__take_seat(&i, device, 1, 2, 1), 102);
	assert_int_equal(identities__take_seat(&i, device, 1, 1, 1), 0); /* was replaced */
	identities__free(&i);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_who_comes_back_is_found),
		cmocka_unit_test(test_an_address_that_was_searched_for),
		cmocka_unit_test(test_keys_that_agree_are_compared),
		cmocka_unit_test(test_families_are_told_apart),
		cmocka_unit_test(test_nobody_takes_anothers_name),
		cmocka_unit_test(test_each_has_its_own_seat),
		cmocka_unit_test(test_arrivals_in_order),
		cmocka_unit_test(test_the_oldest_arrivals_are_forgotten),
		cmocka_unit_test(test_a_network_of_ones_own),
		cmocka_unit_test(test_how_sure),
		cmocka_unit_test(test_a_lone_connection_is_suspected),
		cmocka_unit_test(test_takeovers_are_learned),
		cmocka_unit_test(test_closings_that_look_at_no_arrival),
		cmocka_unit_test(test_no_key_decides),
		cmocka_unit_test(test_what_is_kept_changes_nothing),
		cmocka_unit_test(test_a_later_word_replaces_an_earlier_one),
		cmocka_unit_test(test_generations),
		cmocka_unit_test(test_a_device_with_many_seats),
	};

	return cmocka_run_group_tests_name("supersession", tests, NULL, NULL);
}
