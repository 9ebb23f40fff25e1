// SPDX-License-Identifier: GPL-2.0
/* Records of sockets that the filter cannot decide on yet: their order, and their limits. */
#include <stdlib.h>

#include "core/withheld.h"
#include "tcp/tcp_states.h"
#include "unit.h"

static struct record event(uint64_t cookie, uint64_t at_s, uint8_t kind)
{
	return (struct record){ .type = RECORD_EVENT, .mono_ns = at_s * S,
				.event = { .mono_ns = at_s * S, .cookie = cookie, .kind = kind,
					   .family = 2, .state = TCP_ESTABLISHED } };
}

static void add(struct withheld *w, uint64_t cookie, uint64_t at_s)
{
	struct record r = event(cookie, at_s, HO_PROBE_SENT);

	withheld__add(w, cookie, &r, false);
}

static struct record read(const struct withheld_record *kept)
{
	struct record r;
	const char *why;

	assert_int_equal(record__decode(kept->encoded,
					record__size(kept->encoded, RECORD_HEADER_SIZE),
					&r, &why), 0);
	return r;
}

static void test_records_come_back_in_order(void **state)
{
	struct record loss = { .type = RECORD_LOSS, .mono_ns = 3 * S,
			       .loss = { .cookie = 7, .count = 5, .reason = LOSS_RING_FULL } };
	struct withheld_record *kept, *next;
	struct withheld w = { 0 };
	unsigned int n = 0;

	(void)state;
	assert_null(withheld__find(&w, 7));
	assert_null(withheld__take(&w, 7));
	add(&w, 7, 1);
	add(&w, 8, 1);
	add(&w, 7, 2);
	withheld__add(&w, 7, &loss, false);
	assert_int_equal(withheld__find(&w, 7)->count, 3);
	/* a loss is no event */
	assert_int_equal(withheld__latest(withheld__find(&w, 7)).mono_ns, 2 * S);
	for (kept = withheld__take(&w, 7); kept; kept = next, n++) {
		struct record r = read(kept);

		assert_int_equal(r.mono_ns, (n + 1) * S);
		assert_int_equal(r.type, n < 2 ? RECORD_EVENT : RECORD_LOSS);
		next = kept->next;
		free(kept);
	}
	assert_int_equal(n, 3);
	assert_null(withheld__find(&w, 7));
	assert_int_equal(withheld__find(&w, 8)->count, 1);
	assert_int_equal(w.used, 1);
	withheld__free(&w);
}

static void test_memory_is_counted_to_the_byte(void **state)
{
	struct withheld w = { 0 };
	size_t before;

	(void)state;
	add(&w, 1, 1);
	before = w.bytes;
	assert_true(before > sizeof(struct withheld_socket) + sizeof(struct withheld_record));
	add(&w, 2, 1);
	assert_int_equal(w.bytes, 2 * before);
	add(&w, 2, 2);
	assert_int_equal(w.bytes, withheld__find(&w, 1)->bytes + withheld__find(&w, 2)->bytes);
	assert_true(w.bytes > 2 * before);
	withheld__drop(&w, 2);
	assert_int_equal(w.bytes, before);
	withheld__drop(&w, 2);
	withheld__drop(&w, 1);
	assert_int_equal(w.bytes, 0);
	assert_null(w.oldest);
	assert_null(w.youngest);
	withheld__free(&w);
}

/* Half of them would describe another history. */
static void test_one_with_too_many_keeps_none(void **state)
{
	struct withheld w = { 0 };
	unsigned int i;

	(void)state;
	for (i = 1; i <= WITHHELD_RECORDS_MAX; i++)
		add(&w, 7, i);
	assert_int_equal(withheld__find(&w, 7)->count, WITHHELD_RECORDS_MAX);
	add(&w, 7, i);
	assert_null(withheld__find(&w, 7));
	assert_int_equal(w.bytes, 0);
	add(&w, 7, i + 1);	/* it begins later */
	assert_int_equal(withheld__find(&w, 7)->count, 1);
	withheld__free(&w);
}

static void test_who_has_waited_longest_gives_way(void **state)
{
	struct withheld w = { 0 };
	uint64_t cookie = 0, first;
	size_t last = 0;

	(void)state;
	while (w.bytes > last || !last) {	/* until one gives way */
		last = w.bytes;
		add(&w, ++cookie, 1);
		add(&w, cookie, 2);
	}
	assert_true(w.bytes <= WITHHELD_MAX);
	assert_true(w.bytes + 2 * withheld__find(&w, cookie)->bytes > WITHHELD_MAX);
	assert_null(withheld__find(&w, 1));
	assert_non_null(withheld__find(&w, cookie));
	first = w.oldest->cookie;
	assert_true(first == 2 || first == 3);
	assert_int_equal(w.youngest->cookie, cookie);
	assert_int_equal(w.used, cookie - first + 1);
	withheld__free(&w);
}

static void test_when_it_ended(void **state)
{
	struct record closed = event(7, 9, HO_STATE), again = event(7, 11, HO_STATE);
	struct withheld w = { 0 };

	(void)state;
	closed.event.state = TCP_CLOSE;
	add(&w, 7, 1);
	assert_int_equal(withheld__find(&w, 7)->ended_ns, 0);
	withheld__add(&w, 7, &closed, true);
	assert_int_equal(withheld__find(&w, 7)->ended_ns, 9 * S);
	add(&w, 7, 10);		/* what follows an end undoes none */
	assert_int_equal(withheld__find(&w, 7)->ended_ns, 9 * S);
	withheld__add(&w, 7, &again, false);	/* connected once more */
	assert_int_equal(withheld__find(&w, 7)->ended_ns, 0);
	withheld__free(&w);
}

static void test_many_against_the_obvious(void **state)
{
	enum { N = 400, STEPS = 20000 };
	static unsigned int counts[N + 1];
	struct withheld w = { 0 };
	uint64_t random = 3, cookie, used = 0;
	struct withheld_socket *s;
	unsigned int step;

	(void)state;
	memset(counts, 0, sizeof(counts));
	for (step = 0; step < STEPS; step++) {
		random = random * 6364136223846793005ULL + 1442695040888963407ULL;
		cookie = (random >> 33) % N + 1;
		if (random >> 62 && counts[cookie] < WITHHELD_RECORDS_MAX) {
			add(&w, cookie, step + 1);
			used += !counts[cookie]++;
		} else {
			withheld__drop(&w, cookie);
			used -= counts[cookie] > 0;
			counts[cookie] = 0;
		}
		assert_int_equal(w.used, used);
	}
	for (cookie = 1; cookie <= N; cookie++) {
		s = withheld__find(&w, cookie);
		assert_int_equal(s ? s->count : 0, counts[cookie]);
	}
	/* both ways through all of them */
	for (s = w.oldest; s; s = s->younger, used--)
		assert_true(s->younger ? s->younger->older == s : w.youngest == s);
	assert_int_equal(used, 0);
	assert_null(w.oldest->older);
	withheld__free(&w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_records_come_back_in_order),
		cmocka_unit_test(test_memory_is_counted_to_the_byte),
		cmocka_unit_test(test_one_with_too_many_keeps_none),
		cmocka_unit_test(test_who_has_waited_longest_gives_way),
		cmocka_unit_test(test_when_it_ended),
		cmocka_unit_test(test_many_against_the_obvious),
	};

	return cmocka_run_group_tests_name("withheld", tests, NULL, NULL);
}
