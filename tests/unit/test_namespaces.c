// SPDX-License-Identifier: GPL-2.0
/* Network namespaces, whose inodes are given on: which one a socket lives in, and under what name. */
#include <stdlib.h>

#include "core/core.h"
#include "core/namespaces.h"
#include "core/state.h"
#include "tcp/tcp_states.h"
#include "unit.h"

static struct core *core;

static int begin(void **state)
{
	struct core_config config = { .suspect_after = 2 };

	(void)state;
	core = core__new(&config, &(struct sink){ .size = sizeof(struct sink) });
	return core ? 0 : -1;
}

static int end(void **state)
{
	(void)state;
	core__free(core);
	return 0;
}

/* A pass entered it; returns whether its sysctls are others than before. */
static bool enter(uint64_t s, uint32_t netns, uint32_t net_cookie, const char *name)
{
	struct record r = { .type = RECORD_SYSCTL, .mono_ns = s * S,
			    .sysctl = { netns, 7200, 75, 9, name, net_cookie, net_cookie, "host" } };
	struct namespace_sysctl *ns;
	bool changed;

	assert_int_equal(namespaces__take(core, &r, &ns, &changed), 0);
	assert_int_equal(ns->netns, netns);
	namespaces__settle(core, ns);
	return changed;
}

static void lose_name(uint64_t s, uint32_t netns, uint32_t net_cookie)
{
	struct record r = { .type = RECORD_NETNS_GONE, .mono_ns = s * S,
			    .netns_gone = { netns, net_cookie } };

	namespaces__lose_name(core, &r);
}

static struct ho_event event(uint8_t kind, uint32_t netns, uint32_t net_cookie)
{
	return (struct ho_event){ .kind = kind, .state = TCP_ESTABLISHED, .netns = netns,
				  .net_cookie = net_cookie };
}

static struct namespace_sysctl *find(uint32_t netns, uint64_t cookie, uint64_t mono_ns)
{
	const struct namespace_key key = { .netns = netns, .cookie = cookie };

	return namespaces__find(core, &key, mono_ns);
}

/* The name of the one that had it; "-": nothing is known of it. */
static const char *name_at(uint32_t netns, uint64_t net_cookie, uint64_t s)
{
	const struct namespace_sysctl *ns = find(netns, net_cookie, s * S);

	return ns ? ns->name : "-";
}

/* ---- inodes and cookies ---- */

/* Of one inode, and alike in the low half of their cookies, which is all that old recordings have. */
static void test_whole_cookies_are_compared(void **state)
{
	const struct namespace_key half = { .netns = 7, .cookie = 5, .is_half = true };
	uint64_t i;

	(void)state;
	for (i = 1; i <= 2; i++) {
		struct record r = { .type = RECORD_SYSCTL, .mono_ns = i * S,
				    .sysctl = { 7, 7200, 75, 9, i == 1 ? "former" : "latter", 0,
						i << 32 | 5, "" } };
		struct namespace_sysctl *taken;
		bool has_changed;

		assert_int_equal(namespaces__take(core, &r, &taken, &has_changed), 0);
		namespaces__settle(core, taken);
	}
	assert_string_equal(name_at(7, 1ULL << 32 | 5, 3), "former");
	assert_string_equal(name_at(7, 2ULL << 32 | 5, 3), "latter");
	assert_string_equal(name_at(7, 5, 3), "-");
	assert_string_equal(namespaces__find(core, &half, 3 * S)->name, "former");
	assert_true(namespace__cookie(namespaces__at(core, 1)) == (1ULL << 32 | 5));
}

static void test_by_cookie_or_by_time(void **state)
{
	(void)state;
	assert_string_equal(name_at(7, 0, 1), "-");
	assert_false(enter(10, 7, 100, "one"));
	assert_string_equal(name_at(7, 0, 5), "one");	/* it may have been there for long */
	assert_string_equal(name_at(8, 0, 5), "-");
	enter(20, 7, 100, "one");
	enter(30, 7, 101, "two");		/* the inode was given on, some time since 20 s */
	assert_string_equal(name_at(7, 0, 20), "one");
	assert_string_equal(name_at(7, 0, 21), "two");
	assert_string_equal(name_at(7, 100, 50), "one");
	assert_string_equal(name_at(7, 101, 5), "two");
	assert_string_equal(name_at(7, 102, 50), "-");	/* of another cookie */
	enter(40, 7, 102, "three");
	assert_string_equal(name_at(7, 0, 20), "one");
	assert_string_equal(name_at(7, 0, 25), "two");
	assert_string_equal(name_at(7, 0, 41), "three");
}

/* Kernels that give namespaces no cookie: one record after the other is of the same. */
static void test_without_cookies(void **state)
{
	(void)state;
	enter(10, 7, 0, "one");
	enter(20, 7, 0, "one");
	assert_int_equal(core->namespace_count, 1);
	assert_string_equal(name_at(7, 0, 15), "one");
	assert_string_equal(name_at(7, 5, 15), "one");
	lose_name(25, 7, 0);
	assert_string_equal(name_at(7, 0, 24), "one");
	assert_string_equal(name_at(7, 0, 25), "-");	/* the next may have it now */
	enter(30, 7, 0, "two");
	assert_int_equal(core->namespace_count, 2);
	assert_string_equal(name_at(7, 0, 24), "one");
	assert_string_equal(name_at(7, 0, 31), "two");
}

static bool change(uint32_t idle_s, uint32_t interval_s, uint32_t probes)
{
	struct record r = { .type = RECORD_SYSCTL, .mono_ns = 20 * S,
			    .sysctl = { 7, idle_s, interval_s, probes, "", 100, 100, "" } };
	struct namespace_sysctl *ns;
	bool changed;

	assert_int_equal(namespaces__take(core, &r, &ns, &changed), 0);
	assert_int_equal(ns->idle_s, idle_s);
	assert_int_equal(ns->interval_s, interval_s);
	assert_int_equal(ns->probes, probes);
	return changed;
}

static void test_changes_of_sysctls(void **state)
{
	(void)state;
	assert_false(enter(10, 7, 100, ""));	/* the first word is no change */
	assert_false(change(7200, 75, 9));
	assert_true(change(600, 75, 9));
	assert_true(change(600, 30, 9));
	assert_true(change(600, 30, 4));
	assert_false(change(600, 30, 4));
}

/* ---- names ---- */

static const char *settled(uint64_t s)
{
	const struct namespace_sysctl *ns = find(7, 100, s * S);

	return namespaces__settled_name(ns, s * S);
}

static void test_a_name_is_settled_by_a_second_look(void **state)
{
	(void)state;
	assert_null(settled(1));
	enter(10, 7, 100, "");		/* before the first pass: it was there, and has none */
	assert_string_equal(settled(11), "");
	core->last_pass_ns = 15 * S;
	enter(20, 8, 200, "");		/* born before our eyes: it may get one */
	assert_null(namespaces__settled_name(find(8, 200, 0), 21 * S));
	enter(30, 8, 200, "");
	assert_string_equal(namespaces__settled_name(find(8, 200, 0), 31 * S), "");
	enter(40, 9, 300, "pod");
	assert_string_equal(namespaces__settled_name(find(9, 300, 0), 41 * S),
			    "pod");
}

static void test_a_name_stays_with_who_has_it(void **state)
{
	const struct namespace_sysctl *ns;

	(void)state;
	enter(10, 7, 100, "pod");
	ns = find(7, 100, 0);
	assert_string_equal(ns->host_name, "host");
	lose_name(20, 7, 100);
	assert_string_equal(namespaces__name(ns, 19 * S), "pod");
	assert_string_equal(namespaces__name(ns, 20 * S), "");
	enter(30, 7, 100, "");		/* it lives on */
	assert_int_equal(ns->gone_ns, 0);
	assert_string_equal(namespaces__name(ns, 19 * S), "pod");
	assert_string_equal(namespaces__name(ns, 25 * S), "");	/* since it was gone, not since now */
	enter(40, 7, 100, "again");
	assert_string_equal(namespaces__name(ns, 25 * S), "again");
	enter(50, 7, 100, "");		/* nobody said when */
	assert_string_equal(namespaces__name(ns, 49 * S), "again");
	assert_string_equal(namespaces__name(ns, 50 * S), "");
	lose_name(60, 99, 0);		/* of one that nobody knows */
}

/* ---- where an event happened ---- */

static const struct namespace_sysctl *of(struct ho_event e, bool stranger)
{
	return namespaces__of_event(core, &e, stranger, 50 * S);
}

/* Who is first heard of in mid-life is not from one that was born before our eyes. */
static void test_strangers_are_older_than_the_newborn(void **state)
{
	struct ho_event opened = event(HO_STATE, 7, 0), closed = event(HO_STATE, 7, 0);

	(void)state;
	closed.state = TCP_CLOSE;
	enter(10, 7, 100, "old");
	assert_non_null(of(event(HO_HEARD, 7, 0), true));
	core->last_pass_ns = 5 * S;
	enter(20, 7, 101, "newborn");
	assert_null(of(event(HO_HEARD, 7, 0), true));
	assert_null(of(closed, true));
	assert_non_null(of(event(HO_HEARD, 7, 0), false));
	assert_non_null(of(event(HO_HEARD, 7, 101), true));	/* its own word */
	assert_non_null(of(event(HO_SEEN, 7, 0), true));	/* a pass found it there */
	assert_non_null(of(opened, true));
}

/* ---- slots ---- */

static struct slot *socket_in(uint64_t cookie, uint32_t netns, uint32_t net_cookie, uint64_t s,
			      bool stranger)
{
	struct ho_event e = event(stranger ? HO_HEARD : HO_SEEN, netns, net_cookie);
	bool added;
	struct slot *slot = table__get(&core->table, cookie, &added);

	slot->first_seen_us = s * 1000000;
	slot->partial = stranger;
	slot->netns = namespaces__index(core, &e, stranger, s * S);
	return slot;
}

static const char *home_of(const struct slot *s)
{
	const struct namespace_sysctl *ns = namespaces__at(core, s->netns);

	return !ns ? "none" : ns->awaited ? "awaited" : !ns->read_ns ? "nameless" : ns->name;
}

static void test_sockets_of_before_their_namespace_was_entered(void **state)
{
	struct slot *a, *b, *c, *d;

	(void)state;
	assert_null(namespaces__at(core, 0));
	core->last_pass_ns = 1 * S;
	a = socket_in(1, 7, 0, 5, false);
	assert_string_equal(home_of(a), "awaited");
	b = socket_in(2, 7, 0, 5, true);	/* in mid-life: from nobody knows where */
	c = socket_in(3, 7, 99, 5, false);	/* of a cookie of its own */
	assert_string_equal(home_of(c), "awaited");
	assert_int_equal(a->netns, b->netns);
	assert_int_not_equal(a->netns, c->netns);
	enter(10, 7, 100, "pod");
	assert_string_equal(home_of(table__find(&core->table, 1)), "pod");
	assert_string_equal(home_of(table__find(&core->table, 2)), "nameless");
	/* another one's, which nobody will enter any more */
	assert_string_equal(home_of(table__find(&core->table, 3)), "nameless");
	d = socket_in(4, 8, 0, 12, false);	/* of another inode: it is waited for still */
	assert_string_equal(home_of(d), "awaited");
	enter(13, 9, 200, "other");
	assert_string_equal(home_of(table__find(&core->table, 4)), "awaited");
	d = socket_in(5, 10, 500, 13, false);
	assert_string_equal(home_of(d), "awaited");
	enter(14, 10, 500, "mine");	/* the very one, by its cookie */
	assert_string_equal(home_of(table__find(&core->table, 5)), "mine");
}

/* Those that are younger than the last time that the former was entered are the next one's. */
static void test_sockets_of_the_next_one(void **state)
{
	(void)state;
	core->last_pass_ns = 1 * S;
	enter(10, 7, 100, "one");
	socket_in(1, 7, 0, 9, false);
	socket_in(2, 7, 0, 11, false);
	socket_in(3, 8, 0, 11, false);
	enter(20, 7, 101, "two");
	assert_string_equal(home_of(table__find(&core->table, 1)), "one");
	assert_string_equal(home_of(table__find(&core->table, 2)), "two");
	assert_string_equal(home_of(table__find(&core->table, 3)), "awaited");
	/* and once it has an owner it is not taken away again */
	socket_in(4, 7, 0, 15, false);
	enter(30, 7, 102, "three");
	assert_string_equal(home_of(table__find(&core->table, 2)), "two");
	assert_int_equal(find(7, 100, 0)->gone_ns, 10 * S + 1);
	assert_int_equal(find(7, 101, 0)->gone_ns, 20 * S + 1);
}

/* One older than who has the inode, by its cookie, is not to come. */
static void test_who_is_to_come(void **state)
{
	(void)state;
	core->last_pass_ns = 1 * S;
	enter(10, 7, 100, "one");
	assert_string_equal(home_of(socket_in(1, 7, 99, 11, false)), "nameless");
	assert_string_equal(home_of(socket_in(2, 7, 101, 11, false)), "awaited");
	assert_string_equal(home_of(socket_in(3, 7, 100, 11, false)), "one");
	/* the same place for all of one cookie */
	assert_int_equal(table__find(&core->table, 1)->netns, socket_in(4, 7, 99, 12, false)->netns);
}

/* ---- where a connection lives, and where it is looked for ---- */

static struct connection connection_of(const struct slot *s, uint32_t netns)
{
	return (struct connection){ .cookie = s->cookie, .netns = netns, .addressed = true,
				    .first_seen_ns = (uint64_t)s->first_seen_us * 1000,
				    .partial = s->partial };
}

static void test_where_a_connection_lives(void **state)
{
	struct slot *s;
	struct connection c;

	(void)state;
	core->last_pass_ns = 1 * S;
	s = socket_in(1, 7, 0, 5, false);
	c = connection_of(s, 7);
	assert_null(namespaces__of_connection(core, &c));	/* not entered yet */
	enter(10, 7, 100, "pod");
	assert_string_equal(namespaces__of_connection(core, &c)->name, "pod");
	s = socket_in(2, 7, 200, 12, false);
	c = connection_of(s, 7);
	assert_null(namespaces__of_connection(core, &c));	/* of a cookie that is to come */
	c.cookie = 99;		/* no slot remembers it */
	assert_string_equal(namespaces__of_connection(core, &c)->name, "pod");
	c.partial = true;	/* it is newborn: not a stranger's */
	assert_null(namespaces__of_connection(core, &c));
	c.netns = 8;
	assert_null(namespaces__of_connection(core, &c));
	/* who was open before the watch was there while it had its name */
	lose_name(20, 7, 100);
	c.first_seen_ns = 21 * S;
	assert_string_equal(namespaces__name_for(find(7, 100, 0), &c), "pod");
	c.partial = false;
	assert_string_equal(namespaces__name_for(find(7, 100, 0), &c), "");
}

static void test_where_a_pass_would_find_it(void **state)
{
	struct slot *s;

	(void)state;
	s = socket_in(1, 7, 0, 5, false);
	s->netns = 0;
	assert_null(namespaces__to_look_in(core, s));
	enter(10, 7, 100, "one");
	s = socket_in(2, 7, 100, 11, false);
	assert_string_equal(namespaces__to_look_in(core, s)->name, "one");
	core->last_pass_ns = 10 * S;
	assert_string_equal(namespaces__to_look_in(core, s)->name, "one");
	core->last_pass_ns = 15 * S;	/* this one was not entered: whoever has its inode was */
	enter(20, 7, 101, "two");
	enter(20, 8, 300, "elsewhere");
	assert_string_equal(namespaces__to_look_in(core, s)->name, "two");
}

static void test_one_that_nobody_lives_in_is_forgotten(void **state)
{
	(void)state;
	enter(10, 7, 100, "one");
	enter(10, 8, 200, "two");
	enter(20, 9, 300, "three");
	socket_in(1, 8, 200, 11, false);
	namespaces__forget(core, 10 * S);
	assert_string_equal(name_at(7, 100, 0), "one");
	namespaces__forget(core, 20 * S);
	assert_string_equal(name_at(7, 100, 0), "-");
	assert_string_equal(name_at(8, 200, 0), "two");
	assert_string_equal(name_at(9, 300, 0), "three");
	assert_int_equal(core->namespace_count, 3);
	enter(30, 6, 400, "four");	/* in its place */
	assert_int_equal(core->namespace_count, 3);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, begin, end)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_by_cookie_or_by_time),
		TEST(test_whole_cookies_are_compared),
		TEST(test_without_cookies),
		TEST(test_changes_of_sysctls),
		TEST(test_a_name_is_settled_by_a_second_look),
		TEST(test_a_name_stays_with_who_has_it),
		TEST(test_strangers_are_older_than_the_newborn),
		TEST(test_sockets_of_before_their_namespace_was_entered),
		TEST(test_sockets_of_the_next_one),
		TEST(test_who_is_to_come),
		TEST(test_where_a_connection_lives),
		TEST(test_where_a_pass_would_find_it),
		TEST(test_one_that_nobody_lives_in_is_forgotten),
	};

	return cmocka_run_group_tests_name("namespaces", tests, NULL, NULL);
}
