// SPDX-License-Identifier: GPL-2.0
/* Predictions of sockets that are idle, or nearly so: what the options alone say, worked out by
 * hand. */
#include "made_up.h"
#include "tuning/prediction.h"

#define HZ 250

static struct sockets_alike groups[2];
static struct tariff tariff;
static struct late_answers answers;
static struct prediction p;

static int begin(void **state)
{
	(void)state;
	memset(groups, 0, sizeof(groups));
	tariff = (struct tariff){ 0 };
	answers = (struct late_answers){ .probes_sent = 1e9 };
	return 0;
}

/* Sockets of which nothing was seen: as if their peers were silent for ever. */
static struct sockets_alike *have(unsigned int group, double count, double idle_s,
				  double interval_s, uint32_t probes)
{
	groups[group] = (struct sockets_alike){
		.setting = { .idle_s = idle_s, .interval_s = interval_s, .probes = probes },
		.count = count
	};
	return &groups[group];
}

static void predict(size_t count)
{
	assert_true(prediction__make(groups, count, HZ, &tariff, &answers, &p));
}

static void test_of_nobody(void **state)
{
	(void)state;
	predict(0);
	assert_true(p.sockets == 0 && p.probes_per_s == 0 && p.detection.p50_s == 0 &&
		    p.detection.max_s == 0);
}

/* With timestamps 52 bytes of IPv4, 72 of IPv6; each packet is billed by itself. */
static void test_what_packets_cost(void **state)
{
	struct tariff rounded = { .increment_bytes = 100 };

	(void)state;
	assert_same(prediction__packet_bytes(0, false, NULL), 52);
	assert_same(prediction__packet_bytes(10, true, &tariff), 82);
	assert_same(prediction__packet_bytes(48, false, &rounded), 100);
	assert_same(prediction__packet_bytes(49, false, &rounded), 200);
	assert_same(prediction__probe_bytes(false, NULL), 104);
	assert_same(prediction__probe_bytes(true, &rounded), 200);
}

/* An idle peer is asked every 60 s, is dead anywhere in that time, and is given up 30 s after the
 * probe that finds nobody: after 30 to 90 s, evenly, and what timers are late. */
static void test_idle_sockets(void **state)
{
	(void)state;
	have(0, 40, 60, 10, 3);
	predict(1);
	assert_near(p.sockets, 40, 1e-9);
	assert_near(p.detection.p50_s, 60, 3);
	assert_near(p.detection.p95_s, 87, 4);
	assert_near(p.detection.max_s, 90, 4);
	assert_true(p.detection.max_s >= p.detection.p95_s);
	assert_near(p.probes_per_s, 40 / 61.5, 0.03);
	assert_near(p.wakeups_per_socket_day, DAY_S / 61.5, 60);
	assert_near(p.bytes_per_socket_day, 104 * DAY_S / 61.5, 6000);
	groups[0].ipv6 = true;
	predict(1);
	assert_near(p.bytes_per_socket_day, 144 * DAY_S / 61.5, 8000);
	tariff.increment_bytes = 1000;
	predict(1);
	assert_near(p.bytes_per_socket_day / p.wakeups_per_socket_day, 2000, 1);
}

/* An answered probe arms the timer for the interval. */
static void test_an_interval_that_is_longer_than_the_idle_time(void **state)
{
	(void)state;
	have(0, 1, 10, 75, 2);
	predict(1);
	assert_near(p.probes_per_s, 1 / 76.5, 0.0006);
	assert_near(p.detection.max_s, 225, 10);
}

/* A user timeout of 80 s leaves two probes of nine. */
static void test_a_user_timeout(void **state)
{
	(void)state;
	have(0, 1, 60, 10, 9)->setting.user_timeout_s = 80;
	predict(1);
	assert_near(p.detection.max_s, 82, 10);
	assert_true(p.detection.p50_s < 60);
}

/* More probes than are simulated one by one. */
static void test_very_many_probes(void **state)
{
	(void)state;
	have(0, 1, 60, 1, 1000);
	predict(1);
	assert_near(p.detection.max_s, 60 + 1000, 40);
}

/* Nine in ten notice within 90 s, one in ten within 7,875. */
static void test_groups_weigh_by_their_sockets(void **state)
{
	(void)state;
	have(0, 9, 60, 10, 3);
	have(1, 1, 7200, 75, 9);
	predict(2);
	assert_near(p.sockets, 10, 1e-9);
	assert_near(p.detection.p50_s, 60 * 0.5 / 0.9 + 30, 4);
	/* the slower half of the last tenth */
	assert_near(p.detection.p95_s, 3600 + 675, 250);
	assert_near(p.detection.max_s, 7875, 200);
	assert_near(p.probes_per_s, 9 / 61.5 + 1 / 7230.0, 0.01);
	assert_near(p.wakeups_per_socket_day, 0.9 * DAY_S / 61.5 + 0.1 * DAY_S / 7230, 60);
}

/* One in five probes, or its answer, gets lost: another follows an interval later. */
static void test_probes_that_get_lost(void **state)
{
	(void)state;
	have(0, 1, 60, 10, 9);
	predict(1);
	assert_near(p.probes_per_s, 1 / 61.5, 0.0005);
	answers.probes_lost = answers.probes_sent / 5;
	predict(1);
	/* 1.25 probes for an answer, which comes a quarter of an interval later */
	assert_near(p.probes_per_s, 1.25 / (61.5 + 2.5), 0.0008);
	/* each is paid for, and so is each answer that is sent: the loss is one way or the other */
	assert_near(p.bytes_per_socket_day, DAY_S * 1.25 / 64 * 52 * 1.8, 3000);
	/* nearly all are lost: some get through */
	answers.probes_lost = answers.probes_sent;
	predict(1);
	assert_true(p.probes_per_s > 0.05 && p.probes_per_s < 0.1);
}

/* Live peers were never mute in ten socket-years: three in that time cannot be excluded. */
static void test_false_deaths_weigh_by_their_sockets(void **state)
{
	(void)state;
	answers.socket_hours = 87660;
	answers.asked = 87660 * 3600 / 60.0;
	have(0, 3, 60, 10, 9);
	predict(1);
	assert_near(p.false_deaths.low, 0, 1e-6);
	assert_near(p.false_deaths.high, 0.3, 0.01);
	/* half of the sockets are asked sixty times as seldom, and can be given up no more often
	 * than that */
	have(0, 1, 60, 10, 9);
	have(1, 1, 7200, 10, 9);
	predict(2);
	assert_near(p.false_deaths.high, 0.3, 0.01);
}

/* Ten live peers a year were mute for 200 s. Whose silences end after 70 s is never sent nine probes, from
 * 60 s on and 10 s apart; whose take 300 s are given up. */
static void test_a_silence_must_be_long_enough_for_the_last_probe(void **state)
{
	static const double lengths[] = { 70, 300 };
	struct late_answer late_answers[100];
	unsigned int i;

	(void)state;
	answers.socket_hours = 87660;
	answers.asked = 87660 * 3600 / 60.0;
	for (i = 0; i < 100; i++)
		late_answers[i] = (struct late_answer){ 150, 200, 60 };
	answers.all = late_answers;
	answers.count = 100;
	answers.share[(int)(log(200 / MUTE_SHORTEST_S) / MUTE_BIN)] = 1;
	for (i = 0; i < 2; i++) {
		struct sockets_alike *g = have(0, 1, 60, 10, 9);

		g->silences[silence__bin(lengths[i])].times = DAY_S / lengths[i];
		g->silences[silence__bin(lengths[i])].sum_s = DAY_S;
		g->covered_s = DAY_S;
		predict(1);
		assert_near(p.false_deaths.high, i ? 12.3 : fmax(0.3, p.false_deaths.low), 0.1);
	}
}

#define TEST(f) cmocka_unit_test_setup(f, begin)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_of_nobody),
		TEST(test_what_packets_cost),
		TEST(test_idle_sockets),
		TEST(test_an_interval_that_is_longer_than_the_idle_time),
		TEST(test_a_user_timeout),
		TEST(test_very_many_probes),
		TEST(test_groups_weigh_by_their_sockets),
		TEST(test_probes_that_get_lost),
		TEST(test_false_deaths_weigh_by_their_sockets),
		TEST(test_a_silence_must_be_long_enough_for_the_last_probe),
	};

	return cmocka_run_group_tests_name("predicted_figures", tests, NULL, NULL);
}
