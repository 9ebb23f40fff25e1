// SPDX-License-Identifier: GPL-2.0
/* Places of many sockets in order: the radix sort and the heap of the first against qsort(3). */
#include <math.h>
#include <stdlib.h>

#include "exposure/places.h"
#include "unit.h"

#define COUNT 5000

static struct owners owners;
static const struct owners *by_owners;	/* or NULL */
static struct place places[COUNT];

static uint64_t any(uint64_t below)
{
	return ((uint64_t)random() << 31 ^ random()) % below;
}

/* Owners of which some have the same name, and two are the same process but for its cgroup. */
static int begin(void **state)
{
	static const struct {
		uint32_t pid;
		const char *comm, *cgroup;
	} all[] = { { 7, "redis", "/a" }, { 9, "redis", "/a" }, { 8, "haproxy", "/b" },
		       { 7, "redis", "/c" }, { 10, "", "/" } };
	unsigned int i;

	(void)state;
	srandom(26);
	owners = (struct owners){ 0 };
	for (i = 0; i < sizeof(all) / sizeof(all[0]); i++)
		assert_int_equal(owners__take(&owners, all[i].pid, all[i].comm, all[i].cgroup, ""),
				 i + 1);
	return 0;
}

static int end(void **state)
{
	(void)state;
	owners__free(&owners);
	return 0;
}

static int compare(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return place__compare(&places[x], &places[y], by_owners) ?: (x > y) - (x < y);
}

static void check_order(uint32_t count)
{
	uint32_t *order = places__order(places, count, by_owners), expected[COUNT], i;

	assert_non_null(order);
	for (i = 0; i < count; i++)
		expected[i] = i;
	qsort(expected, count, sizeof(*expected), compare);
	assert_memory_equal(order, expected, count * sizeof(*expected));
	free(order);
}

static const uint64_t numbers[] = { 1, 3, 1000, 1ULL << 40, UINT64_MAX };

static struct place any_place(uint64_t below)
{
	return (struct place){ .number = any(below), .peer = { any(numbers[any(5)]), any(below) },
			       .owner = any(6), .peer_port = any(65536) };
}

/* Words of all bits, of few, and of one. */
static void test_the_order(void **state)
{
	static const uint32_t counts[] = { 0, 1, 2, 3, 100, COUNT };
	unsigned int n, c, owned;
	uint32_t i;

	(void)state;
	for (owned = 0; owned < 2; owned++)
		for (n = 0; n < 5; n++)
			for (c = 0; c < 6; c++) {
				by_owners = owned ? &owners : NULL;
				for (i = 0; i < counts[c]; i++)
					places[i] = any_place(numbers[n]);
				check_order(counts[c]);
			}
}

/* The heap keeps what the whole order has first, and in that order. */
static void check_first(size_t most)
{
	struct first_places first = { .most = most, .owners = by_owners };
	uint32_t *kept = calloc(most, sizeof(*kept)), *order, i, slot;
	enum place_taken taken;

	order = places__order(places, COUNT, by_owners);
	assert_true(kept && order);
	for (i = 0; i < COUNT; i++) {
		taken = first_places__add(&first, &places[i], &slot);
		assert_true(taken != PLACE_FAILED);
		if (taken != PLACE_TAKEN)
			continue;
		assert_true(slot < most);
		kept[slot] = i;
	}
	first_places__sort(&first);
	assert_int_equal(first.count, most < COUNT ? most : COUNT);
	for (i = 0; i < first.count; i++)
		assert_int_equal(kept[first.ranked[i].slot], order[i]);
	first_places__free(&first);
	free(kept);
	free(order);
}

static void test_the_first(void **state)
{
	static const size_t most[] = { 1, 2, 20, 999, COUNT, COUNT + 1 };
	unsigned int n, m;
	uint32_t i;

	(void)state;
	for (n = 0; n < 5; n++)
		for (m = 0; m < 6; m++) {
			by_owners = m % 2 ? &owners : NULL;
			for (i = 0; i < COUNT; i++)
				places[i] = any_place(numbers[n]);
			check_first(most[m]);
		}
}

static void test_numbers_of_doubles(void **state)
{
	static const double ascending[] = { -INFINITY, -2e18, -1e18 - 1e9, -1e18, -1.5, -1e-300, 0,
					    1e-300, 1, 1.5, 1e18, INFINITY };
	unsigned int i;

	(void)state;
	for (i = 1; i < sizeof(ascending) / sizeof(ascending[0]); i++)
		assert_true(place__number(ascending[i - 1]) < place__number(ascending[i]));
	assert_true(place__number(-0.0) == place__number(0.0));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_the_order, begin, end),
		cmocka_unit_test_setup_teardown(test_the_first, begin, end),
		cmocka_unit_test(test_numbers_of_doubles),
	};

	return cmocka_run_group_tests_name("places", tests, NULL, NULL);
}
