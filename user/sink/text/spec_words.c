// SPDX-License-Identifier: GPL-2.0
#include "text/spec_words.h"

/* ---- what was read ---- */

void spec_words__add_note(struct words *w, const struct party_note *n)
{
	switch (n->kind) {
	case NOTE_TOTAL:
		words__add(w, "connection %lu, TCP (6), TCP_KEEPALIVE (4001): all probes together "
			   "take %.0f s", n->connection, n->value);
		break;
	case NOTE_COUNT:
		words__add(w, "connection %lu, TCP (6), TCP_KEEPALIVE_CNT (4005): %.0f probe%s",
			   n->connection, n->value, n->value == 1 ? "" : "s");
		break;
	case NOTE_MAXRT:
		words__add(w, "connection %lu, TCP (6), TCP_MAXRT (10): unacknowledged data end it "
			   "after %.0f s", n->connection, n->value);
		break;
	case NOTE_KEEPALIVE:
		words__add(w, "connection %lu, socket (65535), SO_KEEPALIVE (8): %s",
			   n->connection, n->value ? "on" : "off");
		break;
	case NOTE_TOTAL_TOO_SHORT:
		words__add(w, "%.0f s are less than %u probes of %d s: it stays at %u s. For less, "
			   "set the count first: AT+SETSOCKOPT=0,6,4005,1,4", n->value, n->probes,
			   WIZFI_INTERVAL_MIN_S, n->probes * WIZFI_INTERVAL_MIN_S);
		break;
	}
}

/* ---- what was expected ---- */

static const char *const expected_words[] = {
	[EXPECTED_PARTY] =
		"linux, lwip, zephyr, windows, bsd, macos, solaris (each [:IDLE/INTERVAL/PROBES]), "
		"wizfi210[:TOTAL[/COUNT]], AT+SETSOCKOPT=..., astra:ping=S,timeout=S, nat=S, "
		"nat=NAME, platform=NAME or mqtt=S",
	[EXPECTED_STACK] = "IDLE/INTERVAL/PROBES in seconds behind the colon (7200/75/9)",
	[EXPECTED_TIMEOUT] = "nothing, or /user_timeout=SECONDS, behind the probes",
	[EXPECTED_LINUX_TIMEOUTS] =
		"nothing, or /user_timeout=SECONDS, /retries2=N or /rto_max=SECONDS, behind the "
		"probes",
	[EXPECTED_LINUX_VALUES] =
		"what Linux takes: whole seconds from 1 to 32767 (TCP_KEEPIDLE, TCP_KEEPINTVL) and "
		"1 to 127 probes (TCP_KEEPCNT)",
	[EXPECTED_LINUX_USER_TIMEOUT] =
		"a user timeout that Linux takes: up to 2147483 seconds (TCP_USER_TIMEOUT)",
	[EXPECTED_LINUX_RETRIES2] =
		"retries2 as Linux takes it: a whole number up to 255 (net.ipv4.tcp_retries2)",
	[EXPECTED_LINUX_RTO_MAX] =
		"rto_max as Linux takes it: 1 to 120 seconds (net.ipv4.tcp_rto_max_ms, "
		"TCP_RTO_MAX_MS)",
	[EXPECTED_WIZFI] =
		"TOTAL[/COUNT] behind the colon: seconds that all probes take together (600), and "
		"how many (8)",
	[EXPECTED_MODULE_NUMBERS] =
		"CID,TYPE,PARAM,VALUE,LENGTH behind AT+SETSOCKOPT= (0,6,4001,75,4)",
	[EXPECTED_MODULE_LENGTH] = "the length 4: these options are of four bytes",
	[EXPECTED_MODULE_OPTION] =
		"one of 65535,8 (SO_KEEPALIVE), 6,4001 (TCP_KEEPALIVE, seconds), 6,4005 "
		"(TCP_KEEPALIVE_CNT), 6,10 (TCP_MAXRT, seconds), and a value above 0",
	[EXPECTED_ASTRA] = "ping=SECONDS,timeout=SECONDS behind the colon",
	[EXPECTED_NAT] = "seconds, or one of",
	[EXPECTED_PLATFORM] = "one of",
	[EXPECTED_MQTT] = "the device's keep alive in seconds behind mqtt=",
};

static void add_names(struct words *w, bool of_platforms)
{
	const struct documented_timer *t;
	size_t i;

	for (i = 0; (t = documented_timer__at(i)); i++)
		if (t->is_platform == of_platforms)
			words__add(w, " %s", t->name);
}

void spec_words__add_expected(struct words *w, enum party_spec_expected expected)
{
	words__add(w, "%s", expected_words[expected]);
	if (expected == EXPECTED_NAT || expected == EXPECTED_PLATFORM)
		add_names(w, expected == EXPECTED_PLATFORM);
}
