// SPDX-License-Identifier: GPL-2.0
/* Peers' addresses as they may be shown: prefixes, pseudonyms (BLAKE2b of the address, by Python's
 * hashlib), and the records that leave this process. */
#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "stream/private_record.h"
#include "timeline/privacy.h"
#include "unit.h"
#include "value/address.h"

/* 198.51.100.7, as each family has it; 2001:db8:1:2:3:4:5:6; fe80::7 */
static const uint8_t ipv4[16] = { 198, 51, 100, 7 };
static const uint8_t mapped[16] = { [10] = 0xff, 0xff, 198, 51, 100, 7 };
static const uint8_t ipv6[16] = { 0x20, 1, 0xd, 0xb8, 0, 1, 0, 2, 0, 3, 0, 4, 0, 5, 0, 6 };
static const uint8_t link_local[16] = { 0xfe, 0x80, [15] = 7 };

/* hashlib.blake2b(address, digest_size=16, key=b'0123456789abcdef') */
static const uint8_t ipv4_hash[16] = { 0x1f, 0x88, 0xaf, 0xa4, 0x5e, 0xf6, 0x7e, 0x8a,
				       0x08, 0xcc, 0xd8, 0xd9, 0x35, 0x06, 0x49, 0xe8 };

static const struct privacy full = { .kind = PRIVACY_NONE };
static const struct privacy prefix = { .kind = PRIVACY_PREFIX };
static const struct privacy pseudonym = { .kind = PRIVACY_PSEUDONYM, .key = "0123456789abcdef",
					  .key_size = 16 };

static void test_kinds_by_name(void **state)
{
	static const char *const names[] = { "full", "prefix", "pseudonym" };
	enum privacy_kind kind;
	unsigned int i;

	(void)state;
	for (i = 0; i < 3; i++) {
		assert_true(privacy__named(names[i], &kind));
		assert_int_equal(kind, i);
		assert_string_equal(privacy__name(kind), names[i]);
	}
	assert_false(privacy__named("none", &kind));
	assert_false(privacy__named("", &kind));
}

/* ---- keys ---- */

static int read_key_of(size_t size, struct privacy *d)
{
	uint8_t bytes[100];
	int ends[2], err;
	size_t i;

	for (i = 0; i < sizeof(bytes); i++)
		bytes[i] = i + 1;
	assert_int_equal(pipe(ends), 0);
	assert_int_equal(write(ends[1], bytes, size), size);
	close(ends[1]);
	err = privacy__read_key(d, ends[0]);
	close(ends[0]);
	return err;
}

static void test_keys(void **state)
{
	struct privacy d = { .key_size = 5 }, other;

	(void)state;
	assert_int_equal(read_key_of(15, &d), -EINVAL);
	assert_int_equal(d.key_size, 0);
	assert_int_equal(read_key_of(16, &d), 0);
	assert_int_equal(d.key_size, 16);
	assert_int_equal(d.key[15], 16);
	assert_int_equal(read_key_of(100, &d), 0);	/* its first 64 bytes count */
	assert_int_equal(d.key_size, 64);
	assert_int_equal(d.key[63], 64);
	assert_int_equal(privacy__read_key(&d, -1), -EBADF);
	assert_int_equal(d.key_size, 0);
	assert_int_equal(privacy__make_key(&d), 0);
	assert_int_equal(privacy__make_key(&other), 0);
	assert_int_equal(d.key_size, 16);
	assert_memory_not_equal(d.key, other.key, 16);
}

/* ---- addresses ---- */

static const char *shown(const struct privacy *d, uint8_t family, uint32_t bound_if,
			 const uint8_t *address)
{
	static char text[ADDRESS_TEXT_SIZE];

	return privacy__format_peer(d, family, bound_if, address, text);
}

static void test_addresses_as_text(void **state)
{
	struct privacy done = pseudonym;

	(void)state;
	assert_string_equal(shown(&full, AF_INET, 0, ipv4), "198.51.100.7");
	assert_string_equal(shown(&full, AF_INET6, 0, mapped), "198.51.100.7");
	assert_string_equal(shown(&full, AF_INET6, 3, link_local), "fe80::7%3");
	assert_string_equal(shown(&prefix, AF_INET, 0, ipv4), "198.51.100.0/24");
	assert_string_equal(shown(&prefix, AF_INET6, 0, mapped), "198.51.100.0/24");
	assert_string_equal(shown(&prefix, AF_INET6, 0, ipv6), "2001:db8:1::/48");
	assert_string_equal(shown(&prefix, AF_INET6, 3, link_local), "fe80::/48");
	/* the same peer is the same, through either family */
	assert_string_equal(shown(&pseudonym, AF_INET, 0, ipv4), "~1f88afa45ef67e8a");
	assert_string_equal(shown(&pseudonym, AF_INET6, 0, mapped), "~1f88afa45ef67e8a");
	assert_string_equal(shown(&pseudonym, AF_INET6, 0, ipv6), "~cd37e56bb50f2d91");
	done.done = true;	/* a recording has them so */
	assert_string_equal(shown(&done, AF_INET, 0, ipv4_hash), "~1f88afa45ef67e8a");
	done.kind = PRIVACY_PREFIX;
	assert_string_equal(shown(&done, AF_INET, 0, ipv4), "198.51.100.7/24");
}

static void test_addresses_in_place(void **state)
{
	static const uint8_t network[16] = { 198, 51, 100 };
	uint8_t address[16];
	struct privacy done = prefix;

	(void)state;
	memcpy(address, ipv4, 16);
	privacy__address(&full, AF_INET, address);
	assert_memory_equal(address, ipv4, 16);
	done.done = true;
	privacy__address(&done, AF_INET, address);
	assert_memory_equal(address, ipv4, 16);
	privacy__address(&prefix, AF_INET, address);
	assert_memory_equal(address, network, 16);
	memcpy(address, mapped, 16);
	privacy__address(&prefix, AF_INET6, address);
	assert_memory_equal(address, mapped, 15);
	assert_int_equal(address[15], 0);
	memcpy(address, mapped, 16);
	privacy__address(&pseudonym, AF_INET6, address);
	assert_memory_equal(address, ipv4_hash, 16);
}

/* ---- records ---- */

static struct record event_of(uint8_t family, const uint8_t *local, const uint8_t *peer)
{
	struct record r = { .type = RECORD_EVENT };

	r.event = (struct ho_event){ .kind = 2, .cookie = 7, .family = family, .peer_port = 99 };
	memcpy(r.event.local, local, 16);
	memcpy(r.event.peer, peer, 16);
	return r;
}

static void test_events(void **state)
{
	static const uint8_t ours[16] = { [10] = 0xff, 0xff, 192, 0, 2, 1 };
	static const uint8_t ours_ipv4[16] = { 192, 0, 2, 1 }, network[16] = { 198, 51, 100 };
	struct record r = event_of(AF_INET, ours_ipv4, ipv4);

	(void)state;
	privacy__record(&full, &r);
	assert_memory_equal(r.event.peer, ipv4, 16);
	privacy__record(&prefix, &r);
	assert_int_equal(r.event.peer[2], 100);
	assert_int_equal(r.event.peer[3], 0);
	assert_memory_equal(r.event.local, ours_ipv4, 16);	/* our own end is no secret */
	assert_int_equal(r.event.peer_port, 99);
	/* whoever reads a pseudonym cannot see that it was mapped: the family says so */
	r = event_of(AF_INET6, ours, mapped);
	privacy__record(&pseudonym, &r);
	assert_int_equal(r.event.family, AF_INET);
	assert_memory_equal(r.event.peer, ipv4_hash, 16);
	assert_memory_equal(r.event.local, ours_ipv4, 16);
	r = event_of(AF_INET6, ours, mapped);
	privacy__record(&prefix, &r);
	assert_int_equal(r.event.family, AF_INET);
	assert_memory_equal(r.event.peer, network, 16);
	assert_memory_equal(r.event.local, ours_ipv4, 16);
	r = event_of(AF_INET6, ipv6, ipv6);
	privacy__record(&prefix, &r);
	assert_int_equal(r.event.family, AF_INET6);
	assert_memory_equal(r.event.peer, ipv6, 6);
	assert_int_equal(r.event.peer[7], 0);
	assert_memory_equal(r.event.local, ipv6, 16);
}

static void test_identities_and_runs(void **state)
{
	struct record r = { .type = RECORD_IDENTITY, .identity = { .device = "d" } };
	struct record meta = { .type = RECORD_META, .meta = { .peers = "" } };
	struct record owner = { .type = RECORD_OWNER, .owner = { .comm = "c" } };
	struct privacy done = pseudonym;

	(void)state;
	memcpy(r.identity.peer, mapped, 16);
	privacy__record(&pseudonym, &r);
	/* looked up by the first four bytes, as by an address */
	assert_memory_equal(r.identity.peer, mapped, 12);
	assert_memory_equal(r.identity.peer + 12, ipv4_hash, 4);
	memcpy(r.identity.peer, mapped, 16);
	privacy__record(&prefix, &r);
	assert_memory_equal(r.identity.peer, mapped, 15);
	assert_int_equal(r.identity.peer[15], 0);
	memcpy(r.identity.peer, ipv6, 16);
	privacy__record(&pseudonym, &r);
	assert_int_equal(r.identity.peer[0], 0xcd);
	assert_int_equal(r.identity.peer[15], 0xe4);
	done.done = true;
	memcpy(r.identity.peer, ipv6, 16);
	privacy__record(&done, &r);
	assert_memory_equal(r.identity.peer, ipv6, 16);
	privacy__record(&done, &meta);
	assert_string_equal(meta.meta.peers, "");
	privacy__record(&prefix, &meta);
	assert_string_equal(meta.meta.peers, "prefix");
	privacy__record(&prefix, &owner);
	assert_string_equal(owner.owner.comm, "c");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_kinds_by_name),
		cmocka_unit_test(test_keys),
		cmocka_unit_test(test_addresses_as_text),
		cmocka_unit_test(test_addresses_in_place),
		cmocka_unit_test(test_events),
		cmocka_unit_test(test_identities_and_runs),
	};

	return cmocka_run_group_tests_name("privacy", tests, NULL, NULL);
}
