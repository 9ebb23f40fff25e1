// SPDX-License-Identifier: GPL-2.0
/* Arrays that grow: what was in them stays, and where memory is short, nothing changes. */
#include <stdint.h>
#include <stdlib.h>

#include "unit.h"
#include "value/array.h"

/* AddressSanitizer ends a program that asks for too much, unless told so. */
const char *__asan_default_options(void);

const char *__asan_default_options(void)
{
	return "allocator_may_return_null=1";
}

static void test_what_was_in_it_stays(void **state)
{
	uint64_t *all = NULL, *bigger, i;
	size_t size = 0;

	(void)state;
	for (i = 0; i < 1000; i++) {
		bigger = array__with_room(all, i, &size, sizeof(*all));
		assert_non_null(bigger);
		assert_true(size > i && size <= 64 + 2 * i);
		all = bigger;
		all[i] = i;
	}
	for (i = 0; i < 1000; i++)
		assert_int_equal(all[i], i);
	free(all);
}

static void test_where_memory_is_short(void **state)
{
	size_t size = 64;
	char *all = malloc(size);

	(void)state;
	assert_non_null(all);
	/* with room left it asks for none */
	assert_ptr_equal(array__with_room(all, 63, &size, 1), all);
	assert_null(array__with_room(all, 64, &size, SIZE_MAX / 256));
	assert_int_equal(size, 64);
	all[63] = 1;	/* it is there still */
	free(all);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_what_was_in_it_stays),
		cmocka_unit_test(test_where_memory_is_short),
	};

	return cmocka_run_group_tests_name("arrays", tests, NULL, NULL);
}
