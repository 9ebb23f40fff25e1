// SPDX-License-Identifier: GPL-2.0
/* Groups of advice: namespaces and how they are addressed, peers behind a service. */
#include "tuning/idle_timeout.h"
#include "tuning/scopes.h"
#include "unit.h"

static struct lives lives;
static struct scopes scopes;

/* One at 10.0.x.y, on our port 1883. */
static struct life life_of(uint64_t cookie, unsigned int host)
{
	struct life l = { .boot = 1, .cookie = cookie, .run = 1, .family = AF_INET, .has_peer = true,
			  .place = { .gateway = 1, .boot = 1, .inode = 77, .cookie = 7 },
			  .local = { .port = 1883 }, .seen_s = 1000, .ended_s = 2000 };

	l.peer = (struct endpoint){ { 10, 0, host >> 8, host }, 20000 + cookie };
	return l;
}

static void add(struct life l)
{
	assert_true(lives__add(&lives, &l));
}

static void make(const struct named_network *networks, unsigned int count)
{
	assert_true(scopes__make(&lives, networks, count, &scopes));
}

static int begin(void **state)
{
	(void)state;
	lives = (struct lives){ 0 };
	scopes = (struct scopes){ 0 };
	return 0;
}

static int end(void **state)
{
	(void)state;
	scopes__free(&scopes);
	assert_null(scopes.all);
	assert_int_equal(scopes.count, 0);
	lives__free(&lives);
	return 0;
}

/* The n-th scope of a kind; fails if there is none. */
static const struct scope *scope_of(enum scope_kind kind, unsigned int n)
{
	size_t i;

	for (i = 0; i < scopes.count; i++)
		if (scopes.all[i].kind == kind && !n--)
			return &scopes.all[i];
	fail_msg("there is none");
	return NULL;
}

static unsigned int count_of(enum scope_kind kind)
{
	unsigned int count = 0;
	size_t i;

	for (i = 0; i < scopes.count; i++)
		count += scopes.all[i].kind == kind;
	return count;
}

static void assert_group(const struct scope *s, uint16_t port, unsigned int bits, size_t count)
{
	assert_int_equal(s->port, port);
	assert_int_equal(s->bits, bits);
	assert_int_equal(s->count, count);
}

/* ---- groups ---- */

static void test_a_network_of_many_stands_by_itself(void **state)
{
	static const uint8_t first[16] = { [10] = 0xff, 0xff, 10, 0, 1, 0 };
	unsigned int i;

	(void)state;
	for (i = 0; i < IDLE_DEVICES_MIN; i++)
		add(life_of(1 + i, 0x100 + i));
	for (i = 0; i < IDLE_DEVICES_MIN; i++)
		add(life_of(101 + i, 0x200 + i));
	make(NULL, 0);
	assert_int_equal(count_of(SCOPE_NAMESPACE), 1);
	assert_int_equal(scope_of(SCOPE_NAMESPACE, 0)->count, 2 * IDLE_DEVICES_MIN);
	assert_int_equal(count_of(SCOPE_GROUP), 2);
	assert_group(scope_of(SCOPE_GROUP, 0), 1883, 96 + 24, IDLE_DEVICES_MIN);
	assert_memory_equal(scope_of(SCOPE_GROUP, 0)->network, first, 16);
	assert_false(scope_of(SCOPE_GROUP, 0)->outgoing);
	assert_group(scope_of(SCOPE_GROUP, 1), 1883, 96 + 24, IDLE_DEVICES_MIN);
	assert_int_equal(scope_of(SCOPE_GROUP, 1)->network[14], 2);
}

/* One too few: they join the wider network; networks with enough stay. */
static void test_what_is_thin_goes_into_the_wider_network(void **state)
{
	unsigned int i;

	(void)state;
	for (i = 0; i < IDLE_DEVICES_MIN; i++)
		add(life_of(1 + i, 0x100 + i));
	for (i = 0; i < IDLE_DEVICES_MIN - 1; i++)
		add(life_of(101 + i, 0x200 + i));
	add(life_of(201, 0x301));
	make(NULL, 0);
	assert_int_equal(count_of(SCOPE_GROUP), 2);
	assert_group(scope_of(SCOPE_GROUP, 0), 1883, 96 + 16, IDLE_DEVICES_MIN);
	assert_int_equal(scope_of(SCOPE_GROUP, 0)->network[14], 0);
	assert_int_equal(scope_of(SCOPE_GROUP, 0)->network[13], 0);
	assert_int_equal(scope_of(SCOPE_GROUP, 0)->network[12], 10);
	assert_group(scope_of(SCOPE_GROUP, 1), 1883, 96 + 24, IDLE_DEVICES_MIN);
}

static void test_the_thinnest_are_all_of_a_port(void **state)
{
	struct life l;
	unsigned int i;

	(void)state;
	for (i = 0; i < 5; i++) {
		l = life_of(1 + i, 1);
		l.peer.address[1] = i;	/* 10.i.0.1: another /16 each */
		add(l);
	}
	l = life_of(50, 1);
	l.local.port = 8883;
	add(l);
	l.cookie = 51;
	add(l);
	l.cookie = 52;
	add(l);
	make(NULL, 0);
	assert_int_equal(count_of(SCOPE_GROUP), 2);
	assert_group(scope_of(SCOPE_GROUP, 0), 1883, 0, 5);
	assert_group(scope_of(SCOPE_GROUP, 1), 8883, 0, 3);
}

static void test_ipv6_is_grouped_by_48_and_32_bits(void **state)
{
	static const uint8_t subnet[16] = { 0x20, 1, 0xd, 0xb8, 0, 9 };
	static const uint8_t site[16] = { 0x20, 1, 0xd, 0xb8 };
	unsigned int i;
	struct life l;

	(void)state;
	for (i = 0; i < 2 * IDLE_DEVICES_MIN; i++) {
		l = life_of(1 + i, 1);
		l.family = AF_INET6;
		memcpy(l.peer.address, subnet, 16);
		l.peer.address[7] = i;		/* within the /48 */
		if (i >= IDLE_DEVICES_MIN)
			l.peer.address[5] = i;	/* a /48 each */
		add(l);
	}
	make(NULL, 0);
	assert_int_equal(count_of(SCOPE_GROUP), 2);
	assert_group(scope_of(SCOPE_GROUP, 0), 1883, 32, IDLE_DEVICES_MIN);
	assert_memory_equal(scope_of(SCOPE_GROUP, 0)->network, site, 16);
	assert_group(scope_of(SCOPE_GROUP, 1), 1883, 48, IDLE_DEVICES_MIN);
	assert_memory_equal(scope_of(SCOPE_GROUP, 1)->network, subnet, 16);
}

static void test_who_was_told_in_disguise_is_in_no_group(void **state)
{
	struct life l = life_of(1, 1);

	(void)state;
	l.has_peer = false;
	add(l);
	make(NULL, 0);
	assert_int_equal(count_of(SCOPE_GROUP), 0);
	assert_int_equal(count_of(SCOPE_NAMESPACE), 1);
}

/* ---- an operator's networks ---- */

static void test_the_narrowest_network_names(void **state)
{
	struct named_network networks[] = {
		{ { { [10] = 0xff, 0xff, 10 }, 96 + 8 }, (char *)"ten" },
		{ { { [10] = 0xff, 0xff, 10, 0, 0x80 }, 96 + 17 }, (char *)"upper" },
		{ { { [10] = 0xff, 0xff }, 96 }, (char *)"all" },
	};
	struct endpoint upper = { .address = { [10] = 0xff, 0xff, 10, 0, 0xff, 1 } };
	struct endpoint lower = { .address = { [10] = 0xff, 0xff, 10, 0, 0x7f, 1 } };
	struct endpoint other = { .address = { [10] = 0xff, 0xff, 11, 0, 0xff, 1 } };
	struct endpoint ipv6 = { .address = { 0x20, 1 } };

	(void)state;
	assert_string_equal(named_network__of(upper.address, networks, 3), "upper");
	assert_string_equal(named_network__of(lower.address, networks, 3), "ten");
	assert_string_equal(named_network__of(other.address, networks, 3), "all");
	assert_null(named_network__of(ipv6.address, networks, 3));
	assert_null(named_network__of(upper.address, networks, 0));
}

static void test_a_named_network_is_a_group_however_thin(void **state)
{
	struct named_network networks[] = {
		{ { { [10] = 0xff, 0xff, 10, 0, 1 }, 96 + 24 }, (char *)"north" },
		{ { { [10] = 0xff, 0xff, 10, 0, 2 }, 96 + 24 }, (char *)"north" },
	};

	(void)state;
	add(life_of(1, 0x101));
	add(life_of(2, 0x202));
	add(life_of(3, 0x303));
	make(networks, 2);
	assert_int_equal(count_of(SCOPE_GROUP), 2);
	assert_null(scope_of(SCOPE_GROUP, 0)->name);
	assert_group(scope_of(SCOPE_GROUP, 0), 1883, 0, 1);
	assert_string_equal(scope_of(SCOPE_GROUP, 1)->name, "north");
	assert_group(scope_of(SCOPE_GROUP, 1), 1883, 0, 2);
	assert_int_equal(scope_of(SCOPE_GROUP, 1)->network_count, 2);
}

/* ---- whose port is the service's ---- */

static void add_ports(uint64_t cookie, uint16_t ours, uint16_t theirs)
{
	struct life l = life_of(cookie, 1);

	l.local.port = ours;
	l.peer.port = theirs;
	add(l);
}

static void test_a_port_of_many_connections_is_a_listeners(void **state)
{
	unsigned int i;

	(void)state;
	for (i = 0; i < 3; i++)		/* ours, in the ephemeral range */
		add_ports(1 + i, 40000, 1024 + i);
	for (i = 0; i < 3; i++)		/* theirs, though 2000 + i is none of that range */
		add_ports(11 + i, 2000 + i, 50000);
	make(NULL, 0);
	assert_int_equal(count_of(SCOPE_GROUP), 2);
	assert_group(scope_of(SCOPE_GROUP, 0), 40000, 0, 3);
	assert_false(scope_of(SCOPE_GROUP, 0)->outgoing);
	assert_group(scope_of(SCOPE_GROUP, 1), 50000, 0, 3);
	assert_true(scope_of(SCOPE_GROUP, 1)->outgoing);
}

static void test_of_few_the_usual_range_decides(void **state)
{
	static const struct {
		uint16_t ours, theirs;
		bool outgoing;
	} cases[] = {
		{ 32768, 443, true }, { 60999, 443, true }, { 32767, 443, false },
		{ 61000, 443, false }, { 40000, 32768, false }, { 40000, 60999, false },
		{ 40000, 61000, true }, { 40000, 32767, true }, { 80, 40000, false },
	};
	unsigned int i;

	(void)state;
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		begin(NULL);
		add_ports(1, cases[i].ours, cases[i].theirs);
		add_ports(2, cases[i].ours, cases[i].theirs);	/* two make no service */
		make(NULL, 0);
		assert_int_equal(count_of(SCOPE_GROUP), 1);
		assert_int_equal(scope_of(SCOPE_GROUP, 0)->outgoing, cases[i].outgoing);
		assert_group(scope_of(SCOPE_GROUP, 0),
			     cases[i].outgoing ? cases[i].theirs : cases[i].ours, 0, 2);
		end(NULL);
	}
	begin(NULL);
}

/* As many at both ends: neither is the service by its number of connections. */
static void test_as_many_at_both_ends(void **state)
{
	unsigned int i;

	(void)state;
	for (i = 0; i < 4; i++)
		add_ports(1 + i, 40000, 443);
	make(NULL, 0);
	assert_group(scope_of(SCOPE_GROUP, 0), 443, 0, 4);
	assert_true(scope_of(SCOPE_GROUP, 0)->outgoing);
}

/* ---- how a namespace is addressed ---- */

static struct life life_in(uint64_t socket, uint64_t cookie, uint32_t inode, const char *name,
			   double seen_s, double ended_s)
{
	struct life l = life_of(socket, 1);

	l.place = (struct life_place){ .gateway = texts__of(&lives.texts, "gw"), .inode = inode,
				       .boot = texts__of(&lives.texts, "boot"), .cookie = cookie };
	l.place.run = cookie ? 0 : texts__of(&lives.texts, "run");
	l.netns_name = texts__of(&lives.texts, name);
	l.seen_s = seen_s;
	l.ended_s = ended_s;
	return l;
}

static const struct scope *named(uint64_t cookie)
{
	size_t i;

	for (i = 0; i < scopes.count; i++)
		if (scopes.all[i].kind == SCOPE_NAMESPACE && scopes.all[i].place.cookie == cookie)
			return &scopes.all[i];
	fail_msg("there is none");
	return NULL;
}

static void test_a_namespace_has_its_last_name_and_all_its_time(void **state)
{
	(void)state;
	add(life_in(1, 7, 77, "before", 1000, 5000));
	add(life_in(2, 7, 77, "pod-7", 1500, 2000));
	add(life_in(3, 7, 77, "", 1700, 1800));
	make(NULL, 0);
	assert_int_equal(count_of(SCOPE_NAMESPACE), 1);
	assert_string_equal(texts__at(&lives.texts, named(7)->netns_name), "pod-7");
	assert_true(named(7)->first_seen_s == 1000 && named(7)->last_seen_s == 5000);
	assert_int_equal(named(7)->count, 3);
	assert_int_equal(named(7)->address, ADDRESS_NAME);
	assert_string_equal(scope__address(&lives, named(7)), "pod-7");
}

static void test_who_has_no_name_has_a_cookie(void **state)
{
	(void)state;
	add(life_in(1, 7, 77, "", 1000, 2000));
	make(NULL, 0);
	assert_int_equal(named(7)->address, ADDRESS_COOKIE);
	assert_string_equal(scope__address(&lives, named(7)), "inode:77,cookie:7");
}

static void test_a_name_that_somebody_has_later_addresses_him(void **state)
{
	(void)state;
	add(life_in(1, 7, 77, "gw", 1000, 2000));
	add(life_in(2, 8, 78, "gw", 2500, 3000));
	add(life_in(3, 9, 79, "other", 1000, 9000));
	make(NULL, 0);
	assert_int_equal(named(7)->address, ADDRESS_COOKIE);
	assert_int_equal(named(8)->address, ADDRESS_NAME);
	assert_int_equal(named(9)->address, ADDRESS_NAME);
	assert_string_equal(scope__address(&lives, named(7)), "inode:77,cookie:7");
}

static void test_another_gateways_name_is_another(void **state)
{
	struct life l = life_in(2, 8, 78, "gw", 2500, 3000);

	(void)state;
	add(life_in(1, 7, 77, "gw", 1000, 2000));
	l.place.gateway = texts__of(&lives.texts, "gw-2");
	add(l);
	make(NULL, 0);
	assert_int_equal(named(7)->address, ADDRESS_NAME);
	assert_int_equal(named(8)->address, ADDRESS_NAME);
}

/* A namespace of a boot from 1000 s to 2000 s, and one of another boot of that gateway's name. */
static void make_of_two_boots(double from_s)
{
	struct life l = life_in(2, 8, 78, "b", from_s, 4000);

	add(life_in(1, 7, 77, "a", 1000, 2000));
	l.boot = 2;
	l.place.boot = texts__of(&lives.texts, "next boot");
	add(l);
	make(NULL, 0);
}

static void test_with_its_boot_a_namespace_is_over(void **state)
{
	(void)state;
	make_of_two_boots(3000);
	assert_int_equal(named(7)->address, ADDRESS_BOOT_IS_OVER);
	assert_int_equal(named(8)->address, ADDRESS_NAME);
}

/* Two gateways of one name: neither boot is over. */
static void test_boots_at_the_same_time(void **state)
{
	(void)state;
	make_of_two_boots(2000);	/* the last that was told of the one is not before the other */
	assert_int_equal(named(7)->address, ADDRESS_NAME);
	assert_int_equal(named(8)->address, ADDRESS_NAME);
}

static void test_without_a_cookie(void **state)
{
	(void)state;
	add(life_in(1, 0, 77, "", 1000, 2000));
	make(NULL, 0);
	assert_int_equal(named(0)->address, ADDRESS_INODE_ALONE);
	assert_string_equal(scope__address(&lives, named(0)), "77");
}

static void test_a_name_without_a_cookie(void **state)
{
	(void)state;
	add(life_in(1, 0, 77, "gw", 1000, 2000));
	make(NULL, 0);
	assert_int_equal(named(0)->address, ADDRESS_NAME);
	/* where the kernel has cookies, it was maybe a host name */
	scopes__free(&scopes);
	lives__run(&lives, texts__of(&lives.texts, "run"))->cookies_known = true;
	make(NULL, 0);
	assert_int_equal(named(0)->address, ADDRESS_HOST_NAME);
}

static void test_a_name_that_two_had_without_cookies(void **state)
{
	struct life_namespace other = { .name = texts__of(&lives.texts, "gw") };
	struct life l = life_in(1, 0, 77, "gw", 1000, 2000);

	(void)state;
	other.place = l.place;
	add(l);
	assert_true(lives__add_namespace(&lives, &other));
	make(NULL, 0);
	assert_int_equal(named(0)->address, ADDRESS_NAME);	/* itself */
	scopes__free(&scopes);
	other.place.inode = 78;
	other.place.gateway = texts__of(&lives.texts, "gw-2");
	assert_true(lives__add_namespace(&lives, &other));
	make(NULL, 0);
	assert_int_equal(named(0)->address, ADDRESS_NAME);	/* another gateway's */
	scopes__free(&scopes);
	other.place.gateway = l.place.gateway;
	assert_true(lives__add_namespace(&lives, &other));
	make(NULL, 0);
	assert_int_equal(named(0)->address, ADDRESS_SHARED_NAME);
}

/* Host names are shown: the one that it had last, none if it has none any more. */
static void test_a_namespace_has_its_last_host_name(void **state)
{
	struct life l = life_in(1, 7, 77, "", 2000, 3000);

	(void)state;
	l.host_name = texts__of(&lives.texts, "web-1");
	add(l);
	l = life_in(2, 7, 77, "", 1000, 5000);
	l.host_name = texts__of(&lives.texts, "web-0");
	add(l);
	make(NULL, 0);
	assert_string_equal(texts__at(&lives.texts, named(7)->host_name), "web-1");
	scopes__free(&scopes);
	add(life_in(3, 7, 77, "", 2500, 2600));
	make(NULL, 0);
	assert_int_equal(named(7)->host_name, 0);
	assert_true(named(7)->first_seen_s == 1000 && named(7)->last_seen_s == 5000);
}

/* Whoever was told of at the same time has the name as well; neither it nor what came before is
 * addressed by it. Without cookies nothing else is left. */
static void test_two_that_have_a_name_at_once(void **state)
{
	(void)state;
	add(life_in(1, 7, 77, "gw", 1000, 2000));
	add(life_in(2, 8, 78, "gw", 1500, 2000));
	make(NULL, 0);
	assert_int_equal(named(7)->address, ADDRESS_COOKIE);
	assert_int_equal(named(8)->address, ADDRESS_COOKIE);
	end(NULL);
	begin(NULL);
	add(life_in(1, 0, 77, "gw", 1000, 2000));
	add(life_in(2, 0, 78, "gw", 1500, 3000));
	make(NULL, 0);
	assert_int_equal(count_of(SCOPE_NAMESPACE), 2);
	assert_int_equal(scope_of(SCOPE_NAMESPACE, 0)->address, ADDRESS_SHARED_NAME);
	assert_int_equal(scope_of(SCOPE_NAMESPACE, 1)->address, ADDRESS_NAME);
	assert_string_equal(scope__address(&lives, scope_of(SCOPE_NAMESPACE, 0)), "77");
}

/* A name that is none of `ip netns` addresses nothing. */
static void test_a_name_that_no_command_takes(void **state)
{
	(void)state;
	add(life_in(1, 7, 77, "-rf", 1000, 2000));
	add(life_in(2, 0, 78, "a b", 1000, 2000));
	make(NULL, 0);
	assert_int_equal(named(7)->address, ADDRESS_COOKIE);
	assert_int_equal(named(0)->address, ADDRESS_INODE_ALONE);
}

/* The same scopes in the same order, whatever that of the input. */
static void test_the_order_of_the_input_makes_no_difference(void **state)
{
	static const unsigned int orders[3][4] = { { 0, 1, 2, 3 }, { 3, 2, 1, 0 }, { 2, 0, 3, 1 } };
	unsigned int i, k;

	(void)state;
	for (i = 0; i < 3; i++) {
		end(NULL);
		begin(NULL);
		for (k = 0; k < 4; k++) {
			unsigned int n = orders[i][k];
			struct life l = life_of(1 + n, 0x100 + n);

			l.place.gateway = texts__of(&lives.texts, "gw");
			l.place.inode = n < 2 ? 77 : 76;
			l.seen_s = n == 3 ? 500 : 1000;
			l.local.port = n == 2 ? 1884 : 1883;
			add(l);
		}
		make(NULL, 0);
		assert_int_equal(count_of(SCOPE_NAMESPACE), 2);
		assert_int_equal(scope_of(SCOPE_NAMESPACE, 0)->place.inode, 76);
		assert_int_equal(scope_of(SCOPE_NAMESPACE, 0)->lives[0]->cookie, 4);
		assert_int_equal(scope_of(SCOPE_NAMESPACE, 0)->lives[1]->cookie, 3);
		assert_int_equal(scope_of(SCOPE_NAMESPACE, 1)->lives[0]->cookie, 1);
		assert_int_equal(scope_of(SCOPE_NAMESPACE, 1)->lives[1]->cookie, 2);
		assert_int_equal(count_of(SCOPE_GROUP), 2);
		assert_group(scope_of(SCOPE_GROUP, 0), 1883, 0, 3);
		assert_int_equal(scope_of(SCOPE_GROUP, 0)->lives[0]->cookie, 4);
		assert_int_equal(scope_of(SCOPE_GROUP, 0)->lives[1]->cookie, 1);
		assert_int_equal(scope_of(SCOPE_GROUP, 0)->lives[2]->cookie, 2);
		assert_group(scope_of(SCOPE_GROUP, 1), 1884, 0, 1);
	}
}

/* Of one port: who came to us, and whom we dialled there. */
static void test_both_directions_of_a_port_are_two_groups(void **state)
{
	(void)state;
	add_ports(1, 1883, 40000);
	add_ports(2, 40000, 1883);
	add_ports(3, 41000, 1883);
	make(NULL, 0);
	assert_int_equal(count_of(SCOPE_GROUP), 2);
	assert_group(scope_of(SCOPE_GROUP, 0), 1883, 0, 1);
	assert_false(scope_of(SCOPE_GROUP, 0)->outgoing);
	assert_group(scope_of(SCOPE_GROUP, 1), 1883, 0, 2);
	assert_true(scope_of(SCOPE_GROUP, 1)->outgoing);
}

/* A namespace of another gateway ended no boot of this one. */
static void test_a_boot_of_another_gateway(void **state)
{
	struct life l = life_in(2, 8, 78, "b", 3000, 4000);

	(void)state;
	add(life_in(1, 7, 77, "a", 1000, 2000));
	l.boot = 2;
	l.place.boot = texts__of(&lives.texts, "next boot");
	l.place.gateway = texts__of(&lives.texts, "gw-2");
	add(l);
	make(NULL, 0);
	assert_int_equal(named(7)->address, ADDRESS_NAME);
	assert_int_equal(named(8)->address, ADDRESS_NAME);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, begin, end)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_a_network_of_many_stands_by_itself),
		TEST(test_what_is_thin_goes_into_the_wider_network),
		TEST(test_the_thinnest_are_all_of_a_port),
		TEST(test_ipv6_is_grouped_by_48_and_32_bits),
		TEST(test_who_was_told_in_disguise_is_in_no_group),
		TEST(test_the_narrowest_network_names),
		TEST(test_a_named_network_is_a_group_however_thin),
		TEST(test_a_port_of_many_connections_is_a_listeners),
		TEST(test_of_few_the_usual_range_decides),
		TEST(test_as_many_at_both_ends),
		TEST(test_a_namespace_has_its_last_name_and_all_its_time),
		TEST(test_who_has_no_name_has_a_cookie),
		TEST(test_a_name_that_somebody_has_later_addresses_him),
		TEST(test_another_gateways_name_is_another),
		TEST(test_with_its_boot_a_namespace_is_over),
		TEST(test_boots_at_the_same_time),
		TEST(test_a_namespace_has_its_last_host_name),
		TEST(test_two_that_have_a_name_at_once),
		TEST(test_a_name_that_no_command_takes),
		TEST(test_the_order_of_the_input_makes_no_difference),
		TEST(test_both_directions_of_a_port_are_two_groups),
		TEST(test_a_boot_of_another_gateway),
		TEST(test_without_a_cookie),
		TEST(test_a_name_without_a_cookie),
		TEST(test_a_name_that_two_had_without_cookies),
	};

	return cmocka_run_group_tests_name("scopes", tests, NULL, NULL);
}
