// SPDX-License-Identifier: GPL-2.0
/* Who came back, where addresses and names are chosen to collide: nothing false is told. */
#include <stdio.h>
#include <stdlib.h>

#include "address.h"
#include "core.h"
#include "mix.h"
#include "state.h"
#include "tcp_states.h"
#include "unit.h"

#define HZ 250
#define OLD 7
#define NEW 8

struct got {
	unsigned int suspicions;
	char shown[64];	/* the peer of the old one */
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

	feed(core, (struct record){ .type = RECORD_META,
				    .meta = { HZ, "1", "gw", "b", "r", "6.18" } });
	feed(core, (struct record){ .type = RECORD_START,
				    .start = { "tcp_probe timer_expire_exit" } });
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

	r.event = (struct ho_event){ .mono_ns = s * S, .cookie = cookie, .kind = kind,
				     .family = AF_INET, .state = TCP_ESTABLISHED,
				     .old_state = kind == HO_STATE ? TCP_SYN_RECV : 0, .netns = 1,
				     .local_port = ours.port, .peer_port = peer->port,
				     .net_idle_jiffies = 7200 * HZ, .last_tx_ns = S,
				     .net_interval_jiffies = 75 * HZ, .net_probes = 9,
				     .jiffies = s * HZ, .rcv_tstamp_jiffies = HZ,
				     .lrcvtime_jiffies = HZ };
	memcpy(r.event.local, ours.address, sizeof(r.event.local));
	memcpy(r.event.peer, peer->address, sizeof(r.event.peer));
	return r;
}

/* Its former connection is seen by a pass, or opens before our eyes; then somebody comes. */
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

/* Two addresses whose keys agree in 32 bits, as anybody finds them who knows the hash. */
static void find_collision(uint32_t *one, uint32_t *other)
{
	enum { HOSTS = 1 << 19 };
	struct keyed *all = calloc(HOSTS, sizeof(*all));
	struct arrivals a = { 0 };	/* under the key of the cores here */
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

/* Where all bits agreed, by chance, what is known of the old one decides: from its history, or from
 * its own arrival. */
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
		if (i) {	/* the same, and in one chain */
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
	assert_false(arrivals__are_alike(&(struct arrival){ .netns = 1, .family = AF_INET6,
							    .local = ours, .peer = peer },
					 1, AF_INET, &ours, &peer));
}

/* ---- identities ---- */

/* With a network of its own, one solves for the half of an address that gave the hash of somebody
 * else's, where the hash had no key. */
static void test_nobody_takes_anothers_name(void **state)
{
	struct endpoint victim = { { 0x20, 1, 0xd, 0xb8, 0, 1, [15] = 1 }, 0 };
	struct endpoint attacker = { { 0x20, 1, 0xd, 0xb8, 0, 2 }, 0 };
	uint64_t before[2], low;
	struct identities i = { 0 };

	(void)state;
	before[0] = mix__bytes(mix__number(0, 0), victim.address, 8);
	before[1] = mix__bytes(mix__number(0, 0), attacker.address, 8);
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
							       device * 100 + netns), 0);
	assert_int_equal(identities__take_seat(&i, 3, 4, 1883, 1), 304);
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
	};

	return cmocka_run_group_tests_name("supersession", tests, NULL, NULL);
}
