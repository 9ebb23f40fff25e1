// SPDX-License-Identifier: GPL-2.0
/* Lists of sockets as text: columns line up whatever stands in them, and lines fit a terminal. */
#include <locale.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "tcp/tcp_states.h"
#include "text/sockets_text.h"
#include "unit.h"

static struct sockets_text text;
static struct words w;

static int begin(void **state)
{
	(void)state;
	text = (struct sockets_text){ 0 };
	w = (struct words){ 0 };
	return 0;
}

static int end(void **state)
{
	(void)state;
	sockets_text__free(&text);
	words__free(&w);
	return 0;
}

static struct socket_now socket_of(const char *comm, uint32_t pid, const char *netns, uint16_t port)
{
	struct socket_now s = { .state = TCP_ESTABLISHED, .silent_s = 61, .exposed = true, .why = "",
				.next_probe_in_s = INFINITY, .dies_in_s = INFINITY,
				.notices_in_s = INFINITY, .dead_probability = NAN };

	s.socket.owner.known = true;
	s.socket.owner.comm = comm;
	s.socket.owner.pid = pid;
	s.socket.netns.name = netns;
	s.socket.device = "";
	strcpy(s.socket.peer.address, "198.51.100.7");
	strcpy(s.socket.local.address, "192.0.2.1");
	s.socket.peer.port = port;
	s.socket.local.port = 1883;
	return s;
}

static void add(const char *comm, uint32_t pid, const char *netns, uint16_t port)
{
	struct socket_now s = socket_of(comm, pid, netns, port);

	sockets_text__add(&text, &s);
}

static void test_columns(void **state)
{
	(void)state;
	add("redis", 7, "", 1);
	add("redis", 7, "", 40000);
	add("redis", 8, "", 1);
	add("redis", 8, "b", 1);
	add("", 8, "b", 1);
	sockets_text__compose(&text, &w);
	assert_string_equal(w.text,
		"STATE PEER               LOCAL          OWNER     KEEPALIVE SILENT ASKS NEXT DIES  NOTICES\n"
		"ESTAB 198.51.100.7:1     192.0.2.1:1883 redis/7   off       1m1s   0    -    never never\n"
		"ESTAB 198.51.100.7:40000 192.0.2.1:1883 redis/7   off       1m1s   0    -    never never\n"
		"ESTAB 198.51.100.7:1     192.0.2.1:1883 redis/8   off       1m1s   0    -    never never\n"
		"ESTAB 198.51.100.7:1     192.0.2.1:1883 redis/8@b off       1m1s   0    -    never never\n"
		"ESTAB 198.51.100.7:1     192.0.2.1:1883 ''/8@b    off       1m1s   0    -    never never\n");
}

static void test_no_line(void **state)
{
	(void)state;
	sockets_text__compose(&text, &w);
	assert_string_equal(w.text,
			    "STATE PEER LOCAL OWNER KEEPALIVE SILENT ASKS NEXT DIES NOTICES\n");
}

/* Where the column behind the owner begins, in columns of a terminal. */
static void check_alignment(const char *behind)
{
	unsigned int head = 0, columns;
	char *line, *rest = w.text, *at;

	while ((line = strsep(&rest, "\n")) && *line) {
		at = strstr(line, head ? behind : "KEEPALIVE");
		assert_non_null(at);
		*at = '\0';
		columns = plain_text__columns(line);
		assert_true(!head || columns == head);
		head = columns;
	}
}

/* Of two columns each, of none (an accent), an escape, and a name that takes all its columns. */
static void test_names_of_any_width(void **state)
{
	static const char long_name[] = "0123456789012345678901234567890123456789012345678901234567"
					"8901234567890123456789012345678901234567890123456789012345";

	(void)state;
	add("\xe7\x94\xb2\xe4\xb9\x99", 1, "", 1);
	add("e\xcc\x81t\xcc\x81", 1, "", 2);
	add("\x1b[31m", 1, "", 3);
	add("plain", 1, long_name, 4);
	add("\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff", 1,
	    "\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff", 5);
	sockets_text__compose(&text, &w);
	assert_non_null(strstr(w.text, "\\x1b[31m/1 "));
	assert_non_null(strstr(w.text, "\xe7\x94\xb2\xe4\xb9\x99/1 "));
	check_alignment("off ");
}

static void test_each_width_of_a_terminal(void **state)
{
	unsigned int width;
	char *line, *rest;

	(void)state;
	for (width = 6; width < 200; width++) {
		begin(NULL);
		text.width = width;
		add("redis", 7, "", 40000);
		add("\xe7\x94\xb2\xe4\xb9\x99-with-a-long-name", 4000000, "namespace-of-a-name", 1);
		sockets_text__compose(&text, &w);
		rest = w.text;
		while ((line = strsep(&rest, "\n")) && *line) {
			assert_true(plain_text__columns(line) <= width);
			assert_true(line[strlen(line) - 1] != ' ');
		}
		end(NULL);
	}
}

/* ---- a terminal of 80 columns ---- */

/* Sets an end in text: "2001:db8::1", 80. */
static void set_end(struct timeline_end *end, const char *address, uint16_t port)
{
	snprintf(end->address, sizeof(end->address), "%s", address);
	end->port = port;
}

static void add_from(const char *peer, uint16_t port, unsigned int state, unsigned int faults)
{
	struct socket_now s = socket_of("mosquitto", 4711, "gateway", port);

	set_end(&s.socket.peer, peer, port);
	set_end(&s.socket.local, "192.0.2.101", 65535);
	s.keepalive = (struct timeline_keepalive){ .enabled = true, .idle_s = 7200,
						   .interval_s = 75, .probes = 9 };
	s.silent_s = s.next_probe_in_s = s.dies_in_s = s.notices_in_s = 99 * 86400 + 83000;
	s.state = state;
	s.faults = faults;
	sockets_text__add(&text, &s);
}

/* The peer is whole, whatever states and faults others have; the owner and what is asked stay. */
static void test_peers_of_ipv4_are_whole(void **state)
{
	(void)state;
	text.width = 78;
	add_from("198.51.100.201", 39850, TCP_ESTABLISHED, 1U << FAULT_WINDOW_CLOSED);
	add_from("198.51.100.202", 40182, TCP_FIN_WAIT1, 0);
	add_from("198.51.100.202", 40183, TCP_CLOSE_WAIT,
		 1U << FAULT_CLOSE_WAIT | 1U << FAULT_PROBES_OFF);
	sockets_text__compose(&text, &w);
	assert_string_equal(w.text,
		"STATE   PEER                 OWNER    SILENT ASKS NEXT   DIES   FAULT\n"
		"ESTAB   198.51.100.201:39850 mosqu... 99d23h 0    99d23h 99d23h window_closed\n"
		"FIN-W-1 198.51.100.202:40182 mosqu... 99d23h 0    99d23h 99d23h\n"
		"CLOSE-W 198.51.100.202:40183 mosqu... 99d23h 0    99d23h 99d23h close_wait+\n");
}

/* Of IPv6 the middle is left out, where hosts are told apart without it. */
static void test_peers_of_ipv6_keep_their_ends(void **state)
{
	(void)state;
	text.width = 80;
	add_from("2001:db8:1234:5678:9abc:def0:1234:5671", 56317, TCP_ESTABLISHED, 0);
	add_from("2001:db8:1234:5678:9abc:def0:1234:5672", 80, TCP_FIN_WAIT2,
		 1U << FAULT_CLOSE_WAIT);
	sockets_text__compose(&text, &w);
	assert_string_equal(w.text,
		"STATE   PEER                     OWNER      SILENT ASKS NEXT   DIES   FAULT\n"
		"ESTAB   [2001:db8..4:5671]:56317 mosquitto  99d23h 0    99d23h 99d23h\n"
		"FIN-W-2 [2001:db8..4:5672]:80    mosquitto  99d23h 0    99d23h 99d23h close_wait\n");
}

/* Who differs in the end, in the middle, in the network of a carrier; and names of devices. */
static const char *const alike[][3] = {
	{ "2001:db8:1234:5678:9abc:def0:1234:5671", "2001:db8:1234:5678:9abc:def0:1234:5672",
	  "2001:db8:1234:5678:9abc:def0:1235:5672" },
	{ "2001:db8:1234:5678:9abc:def0:1234:5671", "2001:db8:1234:5678:9abd:def0:1234:5671",
	  "2001:db8:1234:5678:9abe:def0:1234:5671" },
	{ "2001:db8:1234:5671:9abc:def0:1234:1", "2001:db8:1234:5672:9abc:def0:1234:1",
	  "2001:db8:1235:5672:9abc:def0:1234:1" },
	{ "fe80::9abc:def0:1234:5671%11111111", "fe80::9abc:def0:1234:5672%11111111",
	  "fe80::9abc:def0:1234:5673%11111111" },
	{ "10.64.200.101", "10.64.200.102", "10.64.201.101" },
};

/* The text of a column in a line, whose neighbours are blank. */
static char *cell_at(const char *head, char *line, const char *name)
{
	char *at = strstr(head, name);

	if (!at || (size_t)(at - head) >= strlen(line))
		return NULL;
	return strtok(line + (at - head), " ");
}

static void check_alike(unsigned int set, unsigned int width, bool by_device)
{
	struct socket_now s = socket_of("mosquitto", 4711, "gateway", 40000);
	char device[64], *head, *rest, *cells[3];
	unsigned int i, j;

	begin(NULL);
	text.width = width;
	for (i = 0; i < 3; i++) {
		set_end(&s.socket.peer, alike[set][i], 40000);
		snprintf(device, sizeof(device), "device of a fleet, number %u, of three", i);
		s.socket.device = by_device ? device : "";
		s.faults = 1U << FAULT_CONNTRACK;
		s.state = i ? TCP_ESTABLISHED : TCP_FIN_WAIT1;
		sockets_text__add(&text, &s);
	}
	sockets_text__compose(&text, &w);
	rest = w.text;
	head = strsep(&rest, "\n");
	assert_true(strstr(head, "OWNER") || !strstr(head, "FAULT"));
	for (i = 0; i < 3; i++) {
		cells[i] = cell_at(head, strsep(&rest, "\n"), "PEER");
		assert_true(cells[i] && strstr(cells[i], ":40000"));
		for (j = 0; j < i && width >= 53; j++)
			if (!strcmp(cells[i], cells[j]))
				fail_msg("%s and %s are both %s at %u", alike[set][i], alike[set][j],
					 cells[i], width);
	}
	end(NULL);
}

static void test_who_is_who_at_each_width(void **state)
{
	unsigned int set, width;

	(void)state;
	for (set = 0; set < sizeof(alike) / sizeof(alike[0]); set++)
		for (width = 24; width < 160; width++) {
			check_alike(set, width, false);
			check_alike(set, width, true);
		}
}

/* Chosen by others, and no wider for that. */
static void test_times_without_end(void **state)
{
	struct socket_now s = socket_of("a", 1, "", 1);

	(void)state;
	s.dies_in_s = 2147483.0 * 256;
	s.silent_s = 86400 * 100 - 1;
	s.keepalive = (struct timeline_keepalive){ .user_timeout_ms = 5000 };
	sockets_text__add(&text, &s);
	sockets_text__compose(&text, &w);
	assert_non_null(strstr(w.text, " off ut=5s 99d23h 0    -    6362d never"));
}

/* Pairs that are told when all lines are there, of some. */
static void test_pairs_of_lines(void **state)
{
	struct timeline_pair pair = { .cookie = 9, .peer = { "10.0.0.1", 80 }, .suspect = true };
	unsigned int i;

	(void)state;
	for (i = 0; i < 9; i++)
		add("haproxy", 7, "", i);
	sockets_text__set_pair(&text, 1, &pair);
	pair.suspect = false;
	sockets_text__set_pair(&text, 4, &pair);
	sockets_text__set_pair(&text, 5, &pair);
	sockets_text__set_pair(&text, 8, &pair);
	sockets_text__compose(&text, &w);
	assert_non_null(strstr(w.text, " DIES  PAIR                NOTICES\n"));
	for (i = 0; i < 9; i++) {
		char peer[32], expected[64], *line;

		snprintf(peer, sizeof(peer), "198.51.100.7:%u ", i);
		snprintf(expected, sizeof(expected), "never %-19s never",
			 i == 1 ? "suspect 10.0.0.1:80" : i == 4 || i == 5 || i == 8 ? "10.0.0.1:80" : "");
		line = strstr(w.text, peer);
		assert_non_null(line);
		assert_int_equal(strcspn(line, "\n"), strstr(line, expected) + strlen(expected) - line);
	}
}

/* More than is written at once, in an order of its own. */
static void test_an_order(void **state)
{
	enum { COUNT = 3000 };
	static uint32_t order[COUNT];
	FILE *file = tmpfile();
	struct output o = { .name = "list", .ending = -1 };
	char line[256];
	unsigned int port;
	uint32_t i;

	(void)state;
	assert_non_null(file);
	o.fd = fileno(file);
	for (i = 0; i < COUNT; i++) {
		add("redis", 7, "", i);
		order[i] = i * 7 % COUNT;
	}
	assert_int_equal(sockets_text__write(&text, order, &o), 0);
	rewind(file);
	assert_non_null(fgets(line, sizeof(line), file));
	for (i = 0; i < COUNT; i++) {
		assert_non_null(fgets(line, sizeof(line), file));
		assert_int_equal(sscanf(line, "ESTAB 198.51.100.7:%u", &port), 1);
		assert_int_equal(port, order[i]);
	}
	assert_null(fgets(line, sizeof(line), file));
	fclose(file);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_columns, begin, end),
		cmocka_unit_test_setup_teardown(test_no_line, begin, end),
		cmocka_unit_test_setup_teardown(test_names_of_any_width, begin, end),
		cmocka_unit_test(test_each_width_of_a_terminal),
		cmocka_unit_test_setup_teardown(test_peers_of_ipv4_are_whole, begin, end),
		cmocka_unit_test_setup_teardown(test_peers_of_ipv6_keep_their_ends, begin, end),
		cmocka_unit_test(test_who_is_who_at_each_width),
		cmocka_unit_test_setup_teardown(test_times_without_end, begin, end),
		cmocka_unit_test_setup_teardown(test_pairs_of_lines, begin, end),
		cmocka_unit_test_setup_teardown(test_an_order, begin, end),
	};

	setlocale(LC_CTYPE, "C.UTF-8");
	return cmocka_run_group_tests_name("sockets_text", tests, NULL, NULL);
}
