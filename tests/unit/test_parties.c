// SPDX-License-Identifier: GPL-2.0
/* The stacks and modules that explain knows, against the numbers of their own documents. */
#include <string.h>

#include "tuning/party_spec.h"
#include "unit.h"

static struct party read_spec(const char *spec)
{
	struct party_spec s;

	if (!party_spec__read(spec, NULL, &s))
		fail_msg("'%s' is refused: %d", spec, s.expected);
	assert_true(s.is_new);
	return s.party;
}

static void assert_refused(const char *spec, enum party_spec_expected expected)
{
	struct party_spec s;

	if (party_spec__read(spec, NULL, &s))
		fail_msg("'%s' is taken", spec);
	if (s.expected != expected)
		fail_msg("'%s': %d was expected, not %d", spec, s.expected, expected);
}

struct known {
	const char *spec;
	double notices_s, speaks_s;
};

static void test_numbers_of_their_documents(void **state)
{
	static const struct known all[] = {
		{ "linux", 7875, 7200 },	/* TCP-Keepalive-HOWTO: 7200 + 9 * 75 */
		{ "linux:7200/75/9", 7875, 7200 },
		{ "linux:60/75/9", 750, 75 },	/* an answered probe is armed for the interval */
		{ "linux:60/10/6/user_timeout=25", 70, 60 },
		{ "windows", 7210, 7200 },
		{ "bsd", 7800, 7200 },
		{ "solaris", 7680, 7200 },
		{ "lwip", 7875, 7200 },
		{ "zephyr:30/5/3", 45, 30 },
		{ "wizfi210", 600, 0 },		/* 8 * 75 */
		{ "wizfi210:600", 600, 0 },
		{ "wizfi210:75", 600, 0 },	/* not less than its count allows */
		{ "wizfi210:75/1", 75, 0 },
		{ "wizfi210:1200", 1200, 0 },
		{ "astra:ping=540,timeout=30", 570, 540 },
		{ "nat=900", 0, 0 },
	};
	unsigned int i;

	(void)state;
	for (i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
		struct party p = read_spec(all[i].spec);

		if (party__notices_within_s(&p) != all[i].notices_s ||
		    party__speaks_every_s(&p) != all[i].speaks_s)
			fail_msg("%s: notices within %f, speaks every %f", all[i].spec,
				 party__notices_within_s(&p), party__speaks_every_s(&p));
	}
}

static void test_lines_typed_into_the_module(void **state)
{
	struct party_spec s;
	struct party p;

	(void)state;
	/* 75 s by itself are less than eight probes take: it is warned of ... */
	assert_true(party_spec__read("AT+SETSOCKOPT=0,6,4001,75,4", NULL, &s));
	assert_true(s.is_new && s.note_count == 2);
	assert_int_equal(s.notes[1].kind, NOTE_TOTAL_TOO_SHORT);
	p = s.party;
	assert_true(party__notices_within_s(&p) == 600);
	/* ... and with the count first it is taken. */
	assert_true(party_spec__read("AT+SETSOCKOPT=0,6,4005,1,4", &p, &s));
	assert_true(!s.is_new && p.probes == 1);
	assert_true(party__notices_within_s(&p) == 75);
	assert_true(party_spec__read("AT+SETSOCKOPT=0,6,10,30,4", &p, &s));
	assert_true(p.retransmits_s == 30);
	assert_true(party_spec__read("AT+SETSOCKOPT=0,65535,8,0,4", &p, &s));
	assert_true(party__notices_within_s(&p) == 0);
}

static void test_what_is_no_spec(void **state)
{
	static const struct {
		const char *spec;
		enum party_spec_expected expected;
	} all[] = {
		{ "", EXPECTED_PARTY },
		{ "linux:", EXPECTED_STACK },
		{ "linux:7200", EXPECTED_STACK },
		{ "linux:7200/75", EXPECTED_STACK },
		{ "linux:7200/75/0", EXPECTED_STACK },
		{ "linux:-1/75/9", EXPECTED_STACK },
		{ "linux:7200/75/9/", EXPECTED_LINUX_TIMEOUTS },
		{ "linux:7200/75/9/user_timeout=", EXPECTED_LINUX_TIMEOUTS },
		{ "linuxx", EXPECTED_PARTY },
		{ "wizfi210:0", EXPECTED_WIZFI },
		{ "wizfi210:600/", EXPECTED_WIZFI },
		{ "wizfi210x", EXPECTED_PARTY },
		{ "astra", EXPECTED_PARTY },
		{ "astra:ping=540", EXPECTED_ASTRA },
		{ "astra:ping=540,timeout=x", EXPECTED_ASTRA },
		{ "nat", EXPECTED_PARTY },
		{ "nat=", EXPECTED_NAT },
		{ "nat=0", EXPECTED_NAT },
		{ "nat=1s", EXPECTED_NAT },
		{ "AT+SETSOCKOPT=", EXPECTED_MODULE_NUMBERS },
		{ "AT+SETSOCKOPT=0,6,4001,75", EXPECTED_MODULE_NUMBERS },
		{ "AT+SETSOCKOPT=0,6,4001,75,2", EXPECTED_MODULE_LENGTH },
		{ "AT+SETSOCKOPT=0,6,4002,75,4", EXPECTED_MODULE_OPTION },
		{ "AT+SETSOCKOPT=0,6,4001,75,4,5", EXPECTED_MODULE_NUMBERS },
	};
	unsigned int i;

	(void)state;
	for (i = 0; i < sizeof(all) / sizeof(all[0]); i++)
		assert_refused(all[i].spec, all[i].expected);
}

/* setsockopt(2) of Linux takes 1 to 32767 s and 1 to 127 probes; other stacks are not bound by that. */
static void test_what_linux_takes(void **state)
{
	static const char *const refuses[] = { "linux:32768/75/9", "linux:7200/32768/9", "linux:7200/75/128",
					       "linux:7200.5/75/9", "linux:7200/75.5/9",
					       "linux:7200/75/9/user_timeout=2147484" };
	unsigned int i;

	(void)state;
	for (i = 0; i < 5; i++)
		assert_refused(refuses[i], EXPECTED_LINUX_VALUES);
	assert_refused(refuses[5], EXPECTED_LINUX_USER_TIMEOUT);
	assert_true(read_spec("linux:32767/32767/127/user_timeout=2147483").user_timeout_s == 2147483);
	assert_true(read_spec("bsd:40000/0.5/255").interval_s == 0.5);
	assert_refused("bsd:40000/1/256", EXPECTED_STACK);
	assert_refused("linux:60/10/2.5", EXPECTED_STACK);
	assert_refused("linux:10000001/10/2", EXPECTED_STACK);
	assert_refused("linux:60/10/3/", EXPECTED_LINUX_TIMEOUTS);
	assert_refused("linux:60/10/3/user_timeout=9s", EXPECTED_LINUX_TIMEOUTS);
	assert_true(read_spec("linux:60.0/10/3").idle_s == 60);
	assert_refused("linux:60./10/3", EXPECTED_STACK);
}

/* What ends unacknowledged data of Linux, in any order; of other stacks nobody knows it. */
static void test_what_ends_unacknowledged_data(void **state)
{
	struct party p = read_spec("linux:60/10/3/rto_max=30/retries2=5/user_timeout=45");

	(void)state;
	assert_true(p.rto_max_s == 30 && p.retries2 == 5 && p.user_timeout_s == 45);
	p = read_spec("linux:60/10/3/retries2=255/rto_max=120");
	assert_true(p.retries2 == 255 && p.rto_max_s == 120 && p.user_timeout_s == 0);
	p = read_spec("linux");
	assert_true(p.retries2 == 0 && p.rto_max_s == 0);
	assert_true(read_spec("linux:60/10/3/rto_max=1").rto_max_s == 1);
	assert_refused("linux:60/10/3/retries2=256", EXPECTED_LINUX_RETRIES2);
	assert_refused("linux:60/10/3/retries2=2.5", EXPECTED_LINUX_RETRIES2);
	assert_refused("linux:60/10/3/rto_max=0.5", EXPECTED_LINUX_RTO_MAX);
	assert_refused("linux:60/10/3/rto_max=121", EXPECTED_LINUX_RTO_MAX);
	assert_refused("linux:60/10/3/retries3=5", EXPECTED_LINUX_TIMEOUTS);
	assert_refused("linux:60/10/3,retries2=5", EXPECTED_LINUX_TIMEOUTS);
	assert_refused("bsd:60/10/3/retries2=5", EXPECTED_TIMEOUT);
	assert_true(read_spec("bsd:60/10/3/user_timeout=5").user_timeout_s == 5);
}

static void test_each_party_has_its_kind_and_name(void **state)
{
	static const struct {
		const char *spec, *name;
		enum party_kind kind;
	} all[] = { { "windows", "windows", PARTY_STACK }, { "wizfi210", "wizfi210", PARTY_TOTAL },
		    { "AT+SETSOCKOPT=0,6,4001,600,4", "wizfi210", PARTY_TOTAL },
		    { "astra:ping=540,timeout=30", "astra", PARTY_PING }, { "nat=900", "nat", PARTY_NAT },
		    { "nat=1nce", "1nce", PARTY_NAT }, { "platform=traccar", "traccar", PARTY_PLATFORM },
		    { "mqtt=60", "an MQTT broker", PARTY_PLATFORM } };
	unsigned int i;

	(void)state;
	for (i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
		struct party p = read_spec(all[i].spec);

		assert_string_equal(p.name, all[i].name);
		assert_int_equal(p.kind, all[i].kind);
		assert_int_equal(p.enabled, all[i].kind == PARTY_STACK || all[i].kind == PARTY_TOTAL);
	}
}

/* Documented timers are the path's or a platform's; a broker waits one and a half times the keep alive
 * (MQTT 3.1.1, 3.1.2.10). */
static void test_timers_by_name(void **state)
{
	struct party p;

	(void)state;
	p = read_spec("nat=azure-lb");
	assert_true(p.forgets_s == 240 && p.documented && !strcmp(p.documented->name, "azure-lb"));
	p = read_spec("nat=900.5");
	assert_true(p.forgets_s == 900.5 && !p.documented);
	p = read_spec("platform=thingsboard");
	assert_true(p.forgets_s == 600 && p.documented && p.documented->is_platform);
	assert_true(read_spec("mqtt=60").forgets_s == 90);
	assert_refused("nat=traccar", EXPECTED_NAT);
	assert_refused("platform=1nce", EXPECTED_PLATFORM);
	assert_refused("platform=600", EXPECTED_PLATFORM);
	assert_refused("mqtt=60s", EXPECTED_MQTT);
	assert_refused("mqtt=", EXPECTED_MQTT);
}

/* As their makers document them: docs/TIMERS.md has the sources. */
static void test_values_of_documented_timers(void **state)
{
	static const struct {
		const char *name;
		double idle_s;
	} all[] = {
		{ "1nce", 350 },	    { "aws-nat-gateway", 350 },	   { "aws-network-firewall", 350 },
		{ "aws-nlb", 350 },	    { "azure-lb", 4 * 60 },	   { "cilium", 6 * 3600 },
		{ "cloudflare-gateway", 270 }, { "fortigate", 3600 },	   { "gcp", 10 * 60 },
		{ "linux-conntrack", 5 * 86400 }, { "linux-flowtable", 30 + 120 }, { "palo-alto", 3600 },
		{ "rfc5382", 2 * 3600 + 4 * 60 }, { "thingsboard", 600 }, { "traccar", 1800 },
		{ "traccar-status", 600 },  { "twilio-supersim", 6 * 3600 },
	};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
		assert_string_equal(documented_timer__at(i)->name, all[i].name);
		assert_true(documented_timer__at(i)->idle_s == all[i].idle_s);
	}
	assert_null(documented_timer__at(i));
}

static unsigned int agreeing(double low_s, double estimate_s, double high_s)
{
	struct idle_timeout t = { .low_s = low_s, .estimate_s = estimate_s, .high_s = high_s };
	unsigned int n = 0;
	size_t i = 0;

	while (documented_timer__agreeing(&t, &i))
		n++;
	return n;
}

static void test_documented_timers(void **state)
{
	struct idle_timeout ten_minutes = { .low_s = 600, .estimate_s = 600, .high_s = 600 };
	const struct documented_timer *t;
	size_t i;

	(void)state;
	for (i = 0; (t = documented_timer__at(i)); i++) {
		assert_ptr_equal(documented_timer__named(t->name), t);
		assert_true(t->idle_s > 0 && *t->what);
		if (i)	/* in order */
			assert_true(strcmp(documented_timer__at(i - 1)->name, t->name) < 0);
	}
	assert_true(i > 10);
	assert_null(documented_timer__at(i));
	assert_null(documented_timer__named("nobody"));
	assert_true(documented_timer__named("cloudflare-gateway")->ends_tcp);
	/* none that was survived, none beyond the interval, none far from the estimate */
	assert_int_equal(agreeing(349.7, 350, 352), 4);
	assert_int_equal(agreeing(350, 350, 350), 4);
	assert_int_equal(agreeing(350.1, 352, 400), 0);
	assert_int_equal(agreeing(300, 343, 343.2), 4);
	assert_int_equal(agreeing(300, 343, 343), 0);
	assert_int_equal(agreeing(600.9, 735, 900.2), 0);
	assert_int_equal(agreeing(590, 735, 900.2), 0);
	assert_int_equal(agreeing(590, 640, 700), 1);
	/* a platform's is none of the path */
	i = 0;
	assert_string_equal(documented_timer__agreeing(&ten_minutes, &i)->name, "gcp");
	assert_null(documented_timer__agreeing(&ten_minutes, &i));
	assert_int_equal(agreeing(1800, 1800, 1800), 0);
}

/* Its manual: the type in decimal, the parameter in hexadecimal, four bytes of a value above 0. */
static void test_each_option_of_the_module(void **state)
{
	static const struct {
		const char *line;
		struct party_note note;
	} all[] = {
		{ "AT+SETSOCKOPT=3,6,4001,1200,4", { NOTE_TOTAL, 3, 1200, 0 } },
		{ "AT+SETSOCKOPT=0,6,4005,1,4", { NOTE_COUNT, 0, 1, 0 } },
		{ "AT+SETSOCKOPT=0,6,4005,255,4", { NOTE_COUNT, 0, 255, 0 } },
		{ "AT+SETSOCKOPT=0,6,10,30,4", { NOTE_MAXRT, 0, 30, 0 } },
		{ "AT+SETSOCKOPT=255,65535,8,1,4", { NOTE_KEEPALIVE, 255, 1, 0 } },
		{ "AT+SETSOCKOPT=0,65535,8,0,4", { NOTE_KEEPALIVE, 0, 0, 0 } },
	};
	static const char *const refuses[] = { "0,6,4001,0,4", "0,6,4005,0,4", "0,6,4005,256,4", "0,6,10,0,4",
					       "0,7,4001,75,4", "0,6,8,1,4", "0,65535,4001,75,4",
					       "0,65535,10,75,4", "0,7,10,30,4", "0,7,4005,3,4" };
	static const char *const malformed[] = { "256,6,4001,75,4", "0,65536,4001,75,4", "0,6,10001,75,4",
						 "0,6,4001,10000001,4", "0;6,4001,75,4", "0,6;4001,75,4",
						 "0,6,4001;75,4", "0,6,4001,75;4", " 0,6,4001,75,4",
						 "0,6,4001,-75,4", "0,x,4001,75,4", "0,6,4001,75,65536",
						 "0,6,99999999999999999999,75,4" };
	struct party_spec s;
	unsigned int i;
	char line[80];

	(void)state;
	for (i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
		assert_true(party_spec__read(all[i].line, NULL, &s));
		assert_true(s.is_new && s.note_count == 1);
		assert_int_equal(s.notes[0].kind, all[i].note.kind);
		assert_int_equal(s.notes[0].connection, all[i].note.connection);
		assert_true(s.notes[0].value == all[i].note.value);
	}
	for (i = 0; i < sizeof(refuses) / sizeof(refuses[0]); i++) {
		strcpy(line, "AT+SETSOCKOPT=");
		assert_refused(strcat(line, refuses[i]), EXPECTED_MODULE_OPTION);
	}
	for (i = 0; i < sizeof(malformed) / sizeof(malformed[0]); i++) {
		strcpy(line, "AT+SETSOCKOPT=");
		assert_refused(strcat(line, malformed[i]), EXPECTED_MODULE_NUMBERS);
	}
	assert_refused("AT+SETSOCKOPT=0,6,4001,75,2", EXPECTED_MODULE_LENGTH);
}

/* A line changes the module that was named before; behind another party it is a module of its own. */
static void test_a_line_behind_another_party(void **state)
{
	struct party linux_host = read_spec("linux"), module = read_spec("wizfi210:1200");
	struct party_spec s;

	(void)state;
	assert_true(party_spec__read("AT+SETSOCKOPT=0,6,4001,900,4", &linux_host, &s));
	assert_true(s.is_new && s.party.total_s == 900 && s.party.probes == 8);
	assert_true(party_spec__read("AT+SETSOCKOPT=0,6,4001,900,4", &module, &s));
	assert_true(!s.is_new && module.total_s == 900);
	/* one that is refused changes nothing */
	assert_false(party_spec__read("AT+SETSOCKOPT=0,6,4001,800,5", &module, &s));
	assert_true(module.total_s == 900);
}

static void test_totals_that_are_too_short(void **state)
{
	struct party_spec s;

	(void)state;
	assert_true(party_spec__read("wizfi210:299/4", NULL, &s));
	assert_int_equal(s.note_count, 1);
	assert_int_equal(s.notes[0].kind, NOTE_TOTAL_TOO_SHORT);
	assert_true(s.notes[0].value == 299 && s.notes[0].probes == 4);
	assert_true(party_spec__read("wizfi210:300/4", NULL, &s));
	assert_int_equal(s.note_count, 0);
	assert_true(s.party.probes == 4 && s.party.total_s == 300);
	assert_refused("wizfi210:300/256", EXPECTED_WIZFI);
	assert_refused("wizfi210:300/2.5", EXPECTED_WIZFI);
	assert_refused("wizfi210:300/4/", EXPECTED_WIZFI);
	assert_int_equal(read_spec("wizfi210:30000/255").probes, 255);
}

static void test_what_a_single_lost_probe_does(void **state)
{
	static const struct {
		const char *spec;
		bool dies;
	} all[] = { { "linux", false }, { "linux:60/10/1", true }, { "linux:60/10/2", false },
		    { "linux:60/10/6/user_timeout=70", true }, { "linux:60/10/6/user_timeout=71", false },
		    { "solaris", true }, { "wizfi210:75/1", true }, { "wizfi210:150/2", false },
		    { "AT+SETSOCKOPT=0,65535,8,0,4", false }, { "astra:ping=5,timeout=1", false },
		    { "nat=900", false } };
	struct party p;
	unsigned int i;

	(void)state;
	for (i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
		p = read_spec(all[i].spec);
		if (party__dies_of_one_loss(&p) != all[i].dies)
			fail_msg("%s", all[i].spec);
	}
	p = read_spec("wizfi210:75/1");
	p.enabled = false;
	assert_false(party__dies_of_one_loss(&p));
}

/* Of probes after 60, 70, 80 s, ..., a mapping of 85 s outlives two. */
static void test_how_many_probes_may_be_lost(void **state)
{
	struct party p = read_spec("linux:60/10/5");
	unsigned int lost;

	(void)state;
	assert_true(party__may_lose(&p, 85, &lost));
	assert_int_equal(lost, 2);
	assert_true(party__may_lose(&p, 80, &lost));	/* the third comes when it is gone */
	assert_int_equal(lost, 1);
	assert_true(party__may_lose(&p, 61, &lost));
	assert_int_equal(lost, 0);
	assert_true(party__may_lose(&p, 30, &lost));
	assert_int_equal(lost, 0);
	assert_true(party__may_lose(&p, 110, &lost));
	assert_int_equal(lost, 4);
	assert_false(party__may_lose(&p, 111, &lost));	/* it has died of them */
	p = read_spec("astra:ping=5,timeout=1");
	assert_false(party__may_lose(&p, 85, &lost));
}

static void test_who_is_first(void **state)
{
	struct party all[5] = { read_spec("nat=900"), read_spec("linux"), read_spec("astra:ping=540,timeout=30"),
				read_spec("wizfi210"), read_spec("linux:60/75/9") };

	(void)state;
	assert_null(parties__first_noticing(all, 0));
	assert_null(parties__first_noticing(all, 1));
	assert_null(parties__first_speaking(all, 1));
	assert_ptr_equal(parties__first_noticing(all, 2), &all[1]);
	assert_ptr_equal(parties__first_noticing(all, 5), &all[2]);
	assert_ptr_equal(parties__first_speaking(all, 4), &all[2]);
	assert_ptr_equal(parties__first_speaking(all, 5), &all[4]);
	/* of equals, who was named first */
	all[4] = all[2];
	assert_ptr_equal(parties__first_noticing(all, 5), &all[2]);
	assert_ptr_equal(parties__first_speaking(all, 5), &all[2]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_what_linux_takes),
		cmocka_unit_test(test_what_ends_unacknowledged_data),
		cmocka_unit_test(test_each_party_has_its_kind_and_name),
		cmocka_unit_test(test_timers_by_name),
		cmocka_unit_test(test_values_of_documented_timers),
		cmocka_unit_test(test_documented_timers),
		cmocka_unit_test(test_each_option_of_the_module),
		cmocka_unit_test(test_a_line_behind_another_party),
		cmocka_unit_test(test_totals_that_are_too_short),
		cmocka_unit_test(test_what_a_single_lost_probe_does),
		cmocka_unit_test(test_how_many_probes_may_be_lost),
		cmocka_unit_test(test_who_is_first),
		cmocka_unit_test(test_numbers_of_their_documents),
		cmocka_unit_test(test_lines_typed_into_the_module),
		cmocka_unit_test(test_what_is_no_spec),
	};

	return cmocka_run_group_tests_name("parties", tests, NULL, NULL);
}
