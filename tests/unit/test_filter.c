// SPDX-License-Identifier: GPL-2.0
/* FILTER: what it accepts, its errors, and what it matches. */
#include <arpa/inet.h>
#include <stdio.h>
#include <sys/socket.h>

#include "filter/filter.h"
#include "tcp/tcp_states.h"
#include "unit.h"

static struct owner mosquitto = { .pid = 812, .comm = "mosquitto",
				  .cgroup = "/system.slice/mosquitto.service",
				  .container_id = "" };
static struct owner contained = { .pid = 90, .comm = "a program",
	.cgroup = "/kubepods/burstable/pod1/4f5a",
	.container_id = "4f5a00000000000000000000000000000000000000000000000000000000beef" };

enum which { V4, V6, MAPPED, UNKNOWN_OWNER };

static enum truth match(const char *text, enum which which)
{
	struct filter_subject s = { .family = AF_INET, .local.port = 1883, .peer.port = 46786,
				    .state = TCP_ESTABLISHED, .netns = 4026531840,
				    .netns_cookie = 7, .netns_name = "pod-7",
				    .owner = &mosquitto };
	struct filter_error error = { 0 };
	struct filter *f;
	enum truth truth;

	inet_pton(AF_INET, "198.51.100.1", s.local.address);
	inet_pton(AF_INET, "203.0.113.7", s.peer.address);
	if (which == V6 || which == MAPPED)
		s.family = AF_INET6;
	if (which == V6) {
		inet_pton(AF_INET6, "2001:db8::1", s.local.address);
		inet_pton(AF_INET6, "2001:db8:7::9", s.peer.address);
		s.owner = &contained;
		s.device = "scooter-17";
		s.state = TCP_CLOSE_WAIT;
	} else if (which == MAPPED) {
		inet_pton(AF_INET6, "::ffff:198.51.100.1", s.local.address);
		inet_pton(AF_INET6, "::ffff:203.0.113.7", s.peer.address);
	} else if (which == UNKNOWN_OWNER) {
		s.owner = NULL;
		s.netns_name = NULL;
		s.netns_cookie = 0;
		s.state = 0;
	}
	f = filter__parse(text, NULL, &error);
	if (!f)
		fail_msg("%s: column %u: %s", text, error.column, error.text);
	truth = filter__matches(f, &s);
	filter__free(f);
	return truth;
}

static void test_what_matches(void **state)
{
	static const struct {
		const char *text;
		enum which which;
		enum truth truth;
	} cases[] = {
		{ "sport = :1883", V4, TRUTH_YES },
		{ "sport eq 1883 and dport gt :1024", V4, TRUTH_YES },
		{ "sport :1883 dport < 1024", V4, TRUTH_NO },
		{ "( sport = :1883 or sport = :8883 ) and not dst 10.0.0.0/8", V4, TRUTH_YES },
		{ "dst 203.0.113.0/24", V4, TRUTH_YES },
		{ "dst 203.0.113.0/24", MAPPED, TRUTH_YES },
		{ "dst 203.0.113.0/24", V6, TRUTH_NO },
		{ "dst = 203.0.113.7:46786", V4, TRUTH_YES },
		{ "dst 203.0.113.7:46787", V4, TRUTH_NO },
		{ "dst != 203.0.113.7", V4, TRUTH_NO },
		{ "dst 203.0/16", V4, TRUTH_YES },
		{ "dst 203.0.113.6/31", V4, TRUTH_YES },
		{ "dst 203.0.113.4/31", V4, TRUTH_NO },
		{ "src :1883", V4, TRUTH_YES },
		{ "dst *", V6, TRUTH_YES },
		{ "dst 2001:db8:7::/48", V6, TRUTH_YES },
		{ "dst [2001:db8:7::9]:46786", V6, TRUTH_YES },
		{ "dst [2001:db8:7::]/48:46786", V6, TRUTH_YES },
		{ "dst 2001:db8::/33 and !dst 2001:db8:8000::/33", V6, TRUTH_YES },
		{ "dst 0.0.0.0/0", V6, TRUTH_NO },
		{ "dst ::/0", V4, TRUTH_YES },
		{ "state established", V4, TRUTH_YES },
		{ "state connected exclude close-wait", V6, TRUTH_NO },
		{ "exclude established", V4, TRUTH_NO },
		{ "netns = pod-7 & pid = 812", V4, TRUTH_YES },
		{ "netns 4026531840", UNKNOWN_OWNER, TRUTH_YES },
		{ "netns pod-*", UNKNOWN_OWNER, TRUTH_UNKNOWN },
		{ "netns = inode:4026531840,cookie:7", V4, TRUTH_YES },
		{ "netns = inode:4026531840,cookie:8", V4, TRUTH_NO },
		{ "netns = inode:4026531840,cookie:7", UNKNOWN_OWNER, TRUTH_UNKNOWN },
		{ "netns = inode:4026531841,cookie:7", UNKNOWN_OWNER, TRUTH_NO },
		{ "comm = mosquitto && pid != 813", V4, TRUTH_YES },
		{ "comm = 'a program'", V6, TRUTH_YES },
		{ "comm != \"a program\"", V6, TRUTH_NO },
		{ "cgroup /system.slice", V4, TRUTH_YES },
		{ "cgroup /system.slice/mos", V4, TRUTH_NO },
		{ "cgroup /system.slice/mos*", V4, TRUTH_YES },
		{ "container 4f5a", V6, TRUTH_YES },
		{ "container *", V4, TRUTH_NO },
		{ "not container *", V4, TRUTH_YES },
		{ "device = scooter-*", V6, TRUTH_YES },
		{ "device scooter-17", V4, TRUTH_UNKNOWN },
		/* an unknown value decides nothing by itself */
		{ "comm mosquitto", UNKNOWN_OWNER, TRUTH_UNKNOWN },
		{ "not comm mosquitto", UNKNOWN_OWNER, TRUTH_UNKNOWN },
		{ "comm mosquitto and sport 1", UNKNOWN_OWNER, TRUTH_NO },
		{ "comm mosquitto or sport 1883", UNKNOWN_OWNER, TRUTH_YES },
		{ "sport 1883 or comm mosquitto and sport 1", UNKNOWN_OWNER, TRUTH_YES },
		{ "state established", UNKNOWN_OWNER, TRUTH_UNKNOWN },
		/* and binds closer than or, from left to right */
		{ "sport 1 and sport 2 or sport 1883", V4, TRUTH_YES },
		{ "sport 1 sport 2|sport 1883", V4, TRUTH_YES },
		{ "!(sport 1||sport 2)", V4, TRUTH_YES },
	};
	unsigned int i;

	(void)state;
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		enum truth truth = match(cases[i].text, cases[i].which);

		if (truth != cases[i].truth)
			fail_msg("'%s' (%u): %d, not %d", cases[i].text, cases[i].which, truth,
				 cases[i].truth);
	}
}

static void test_errors_point_at_the_column(void **state)
{
	static const struct {
		const char *text;
		unsigned int column;
		const char *says;
	} cases[] = {
		{ "", 1, "here it ends" },
		{ "sport = :1883 foo", 15, "not 'foo'" },
		{ "sport = mqtt", 9, "port number" },
		{ "sport = :65536", 9, "port number" },
		{ "sport", 6, "port number" },
		{ "dst 10.0.0.0/33", 5, "a host" },
		{ "dst 10.0.0", 5, "a host" },
		{ "dst 2001:db8::/129", 5, "a host" },
		{ "dst 10.0.0.1:99999", 5, "a host" },
		{ "dst > 10.0.0.1", 5, "= or !=" },
		{ "state estab", 7, "a state" },
		{ "(sport 1", 9, "and, or or )" },
		{ "sport 1)", 8, "or the end" },
		{ "sport 1 or", 11, "here it ends" },
		{ "sport 1 and and sport 2", 13, "not 'and'" },
		{ "pid = x", 7, "process id" },
		{ "comm =", 7, "a name" },
		{ "comm = (", 8, "a name" },
		{ "= 1", 1, "not '='" },
		{ "\"sport\" 1", 2, "not 'sport'" },
		{ "comm = 'x", 8, "quote (') that begins here is never closed" },
		{ "sport = :1 and comm = \"x y", 23, "quote (\") that begins here" },
		{ "comm = 'x\"", 8, "never closed" },
		{ "comm = 'x''", 11, "never closed" },
		{ "comm = '", 8, "never closed" },
		{ "'", 1, "never closed" },
		{ "sport = '80", 9, "never closed" },
		{ "pid = \"1", 7, "never closed" },
		{ "dst '10.0.0.1", 5, "never closed" },
		{ "state 'established", 7, "never closed" },
		{ "comm '= x", 6, "never closed" },
		{ "(comm = x'y and comm = 'z)", 24, "never closed" },
	};
	struct filter_error error;
	char deep[200];
	unsigned int i;

	(void)state;
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct filter *f = filter__parse(cases[i].text, NULL, &error);

		if (f || error.column != cases[i].column || !strstr(error.text, cases[i].says))
			fail_msg("'%s': column %u: %s", cases[i].text, error.column, error.text);
	}
	memset(deep, '(', sizeof(deep) - 1);
	deep[sizeof(deep) - 1] = '\0';
	assert_null(filter__parse(deep, NULL, &error));
	assert_non_null(strstr(error.text, "fewer parentheses"));
}

static bool a_service(const char *name, size_t length, uint16_t *port)
{
	*port = 80;
	return length == 4 && !memcmp(name, "http", 4);
}

static void test_ports_by_the_name_of_a_service(void **state)
{
	static const struct {
		const char *text;
		uint16_t port;
		bool passes;
	} cases[] = {
		{ "sport = :http", 80, true }, { "sport = http", 80, true }, { "sport = :http", 81, false },
		{ "sport >= :http", 81, true }, { "src 10.0.0.1:http", 80, true },
		{ "src [::ffff:10.0.0.1]:http or src :http", 80, true },
	};
	struct filter_error error;
	unsigned int i;

	(void)state;
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct filter *f = filter__parse(cases[i].text, a_service, &error);
		struct filter_subject s = { .family = 2,
					    .local = { { 10, 0, 0, 1 }, cases[i].port } };

		if (!f)
			fail_msg("%s: %s", cases[i].text, error.text);
		assert_int_equal(filter__matches(f, &s) == TRUTH_YES, cases[i].passes);
		filter__free(f);
	}
	assert_null(filter__parse("sport = :htttp", a_service, &error));
	assert_int_equal(error.column, 9);
	assert_non_null(strstr(error.text, "the name of a service"));
	assert_null(filter__parse("sport = :http", NULL, &error));
}

static bool is_pod(const char *word)
{
	return !strncmp(word, "pod", 3);
}

static void test_names_of_namespaces_are_found(void **state)
{
	static const struct {
		const char *text, *found;
	} cases[] = {
		{ "netns = pod-7", "pod-7" },
		{ "sport = :1 and not (netns gw or netns != pod-8)", "pod-8" },
		{ "netns = 4026531840 or comm = pod-9", NULL },
		{ "sport = :1", NULL },
	};
	unsigned int i;

	(void)state;
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct filter_error error;
		struct filter *f = filter__parse(cases[i].text, NULL, &error);
		const char *found = f ? filter__find_netns(f, is_pod) : "no filter";

		if (cases[i].found)
			assert_string_equal(found, cases[i].found);
		else
			assert_null(found);
		filter__free(f);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_what_matches),
		cmocka_unit_test(test_errors_point_at_the_column),
		cmocka_unit_test(test_ports_by_the_name_of_a_service),
		cmocka_unit_test(test_names_of_namespaces_are_found),
	};

	return cmocka_run_group_tests_name("filter", tests, NULL, NULL);
}
