// SPDX-License-Identifier: GPL-2.0
/* Addresses as text, by inet_ntop(3) and printf(3). */
#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "unit.h"
#include "value/address.h"

/* Each byte takes each of its values in each place. */
static void test_ipv4_as_the_library_writes_it(void **state)
{
	char text[ADDRESS_TEXT_SIZE], theirs[INET_ADDRSTRLEN];
	uint8_t address[16] = { 0 }, mapped[16] = { [10] = 0xff, [11] = 0xff };
	unsigned int i, n;

	(void)state;
	for (i = 0; i < 4; i++)
		for (n = 0; n < 256; n++) {
			address[i] = n;
			memcpy(mapped + 12, address, 4);
			inet_ntop(AF_INET, address, theirs, sizeof(theirs));
			assert_string_equal(address__format(AF_INET, 0, address, text), theirs);
			assert_string_equal(address__format(AF_INET6, 7, mapped, text), theirs);
		}
}

static void test_ipv6_with_its_link(void **state)
{
	uint8_t address[16];
	char text[ADDRESS_TEXT_SIZE];

	(void)state;
	inet_pton(AF_INET6, "2001:db8::1:0:0:1", address);
	assert_string_equal(address__format(AF_INET6, 7, address, text), "2001:db8::1:0:0:1");
	inet_pton(AF_INET6, "fe80::1", address);
	assert_string_equal(address__format(AF_INET6, 7, address, text), "fe80::1%7");
	assert_string_equal(address__format(AF_INET6, 0, address, text), "fe80::1");
}

static void test_ports(void **state)
{
	static const char longest[] = "ffff:ffff:ffff:ffff:ffff:ffff:255.255.255.255%4294967295";
	char text[ADDRESS_TEXT_SIZE], theirs[80];
	unsigned int port;

	(void)state;
	for (port = 0; port <= 65535; port++) {
		snprintf(theirs, sizeof(theirs), "192.0.2.1:%u", port);
		assert_string_equal(address__with_port("192.0.2.1", port, text), theirs);
	}
	assert_string_equal(address__with_port("2001:db8::1", 80, text), "[2001:db8::1]:80");
	assert_string_equal(address__with_port("", 0, text), ":0");
	assert_int_equal(strlen(longest), 56);	/* cut: there is room for 55 beside the port */
	snprintf(theirs, sizeof(theirs), "[%.55s]:65535", longest);
	assert_string_equal(address__with_port(longest, 65535, text), theirs);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_ipv4_as_the_library_writes_it),
		cmocka_unit_test(test_ipv6_with_its_link),
		cmocka_unit_test(test_ports),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
