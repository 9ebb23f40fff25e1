// SPDX-License-Identifier: GPL-2.0
/* How programs are told to set SO_KEEPALIVE: docs/TIMERS.md has the sources. */
#include <string.h>

#include "text/keepalive_switches.h"
#include "unit.h"

static void test_how_programs_switch_it_on(void **state)
{
	(void)state;
	assert_non_null(strstr(keepalive_switch__of("nginx"), "so_keepalive=on"));
	assert_non_null(strstr(keepalive_switch__of("beam.smp"), "keepalive = true"));
	assert_null(keepalive_switch__of("mosquitto"));	/* it has no such switch */
	assert_null(keepalive_switch__of(""));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_how_programs_switch_it_on),
	};

	return cmocka_run_group_tests_name("keepalive switches", tests, NULL, NULL);
}
