// SPDX-License-Identifier: GPL-2.0
#include <ctype.h>
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tcp/retransmission.h"
#include "tuning/prediction.h"
#include "tuning/stacks.h"

static const struct {
	const char *name;
	double idle_s, interval_s;
	uint32_t probes;
} stacks[] = {
	{ "linux", 7200, 75, 9 },
	{ "lwip", 7200, 75, 9 },
	{ "zephyr", 7200, 75, 9 },
	{ "windows", 7200, 1, 10 },
	{ "bsd", 7200, 75, 8 },
	{ "macos", 7200, 75, 8 },
	{ "solaris", 7200, 480, 1 },	/* gives up after eight minutes */
};

#define WIZFI_TOTAL_S 600
#define WIZFI_PROBES 8

static bool fail(char *expected, size_t size, const char *what)
{
	snprintf(expected, size, "%s", what);
	return false;
}

static void note(struct party_notes *notes, const char *text)
{
	if (notes->count < PARTY_NOTES_MAX)
		snprintf(notes->text[notes->count++], sizeof(notes->text[0]), "%s", text);
}

/* Longer times are taken for mistakes. */
#define SECONDS_MAX 1e7

/* A decimal number above 0 at `*text`, which moves behind it. */
static bool number(const char **text, double *value)
{
	const char *end = *text + strspn(*text, "0123456789");

	if (end == *text)
		return false;
	if (*end == '.' && isdigit((unsigned char)end[1]))
		end += 1 + strspn(end + 1, "0123456789");
	*value = strtod(*text, NULL);
	*text = end;
	return *value > 0 && *value <= SECONDS_MAX;
}

/* A whole one up to `max`, in this base; 0 is one. */
static bool whole(const char **text, int base, unsigned long max, unsigned long *value)
{
	char *end;

	if (!isxdigit((unsigned char)**text))
		return false;
	errno = 0;
	*value = strtoul(*text, &end, base);
	if (end == *text || errno || *value > max)
		return false;
	*text = end;
	return true;
}

static bool keyed(const char **text, const char *key, double *value)
{
	size_t length = strlen(key);

	if (strncmp(*text, key, length))
		return false;
	*text += length;
	return number(text, value);
}

/* ---- stacks ---- */

/* Values that setsockopt(2) of Linux accepts: MAX_TCP_KEEPIDLE, MAX_TCP_KEEPINTVL and
 * MAX_TCP_KEEPCNT of net/tcp.h, whole seconds; and TCP_USER_TIMEOUT, milliseconds in an int. */
static bool linux_takes(const struct party *p)
{
	return p->idle_s <= 32767 && p->interval_s <= 32767 && p->probes <= 127 &&
	       p->idle_s == floor(p->idle_s) && p->interval_s == floor(p->interval_s);
}

#define LINUX_USER_TIMEOUT_MAX_S (INT32_MAX / 1000)

/* The timeouts of unacknowledged data; the user timeout ends a silence of keepalive, too. */
static bool parse_timeouts(const char *rest, bool is_linux, struct party *p, char *expected,
			   size_t size)
{
	while (*rest)
		if (*rest++ != '/' ||
		    (!keyed(&rest, "user_timeout=", &p->user_timeout_s) &&
		     !(is_linux && (keyed(&rest, "retries2=", &p->retries2) ||
				    keyed(&rest, "rto_max=", &p->rto_max_s)))))
			return fail(expected, size, is_linux
				    ? "nothing, or /user_timeout=SECONDS, /retries2=N or "
				      "/rto_max=SECONDS, behind the probes"
				    : "nothing, or /user_timeout=SECONDS, behind the probes");
	if (is_linux && p->user_timeout_s > LINUX_USER_TIMEOUT_MAX_S)
		return fail(expected, size, "a user timeout that Linux takes: up to 2147483 "
			    "seconds (TCP_USER_TIMEOUT)");
	if (p->retries2 > 255 || p->retries2 != floor(p->retries2))
		return fail(expected, size, "retries2 as Linux takes it: a whole number up to 255 "
			    "(net.ipv4.tcp_retries2)");
	if (p->rto_max_s && (p->rto_max_s < 1 || p->rto_max_s > RTO_MAX_DEFAULT_S))
		return fail(expected, size, "rto_max as Linux takes it: 1 to 120 seconds "
			    "(net.ipv4.tcp_rto_max_ms, TCP_RTO_MAX_MS)");
	return true;
}

static bool parse_stack(unsigned int which, const char *rest, struct party *p, char *expected,
			size_t size)
{
	bool is_linux = !strcmp(stacks[which].name, "linux");
	double probes;

	*p = (struct party){ .kind = PARTY_STACK,
			     .enabled = true,
			     .idle_s = stacks[which].idle_s,
			     .interval_s = stacks[which].interval_s,
			     .probes = stacks[which].probes };
	snprintf(p->name, sizeof(p->name), "%s", stacks[which].name);
	if (!*rest)
		return true;
	if (*rest++ != ':' || !number(&rest, &p->idle_s) || *rest++ != '/' ||
	    !number(&rest, &p->interval_s) || *rest++ != '/' || !number(&rest, &probes) ||
	    probes != floor(probes) || probes > 255)
		return fail(expected, size,
			    "IDLE/INTERVAL/PROBES in seconds behind the colon (7200/75/9)");
	p->probes = probes;
	if (is_linux && !linux_takes(p))
		return fail(expected, size, "what Linux takes: whole seconds from 1 to 32767 "
			    "(TCP_KEEPIDLE, TCP_KEEPINTVL) and 1 to 127 probes (TCP_KEEPCNT)");
	return parse_timeouts(rest, is_linux, p, expected, size);
}

/* ---- the WizFi210 ---- */

static void warn_of_floor(const struct party *p, struct party_notes *notes)
{
	char text[200];

	if (p->total_s >= p->probes * WIZFI_INTERVAL_MIN_S)
		return;
	snprintf(text, sizeof(text),
		 "%.0f s are less than %u probes of %d s: it stays at %u s. For less, set "
		 "the count first: AT+SETSOCKOPT=0,6,4005,1,4",
		 p->total_s, p->probes, WIZFI_INTERVAL_MIN_S, p->probes * WIZFI_INTERVAL_MIN_S);
	note(notes, text);
}

static struct party wizfi(bool enabled)
{
	return (struct party){ .kind = PARTY_TOTAL, .name = "wizfi210", .total_s = WIZFI_TOTAL_S,
			       .probes = WIZFI_PROBES, .enabled = enabled };
}

static bool parse_wizfi(const char *rest, struct party *p, struct party_notes *notes,
			char *expected, size_t size)
{
	double probes = WIZFI_PROBES;

	*p = wizfi(true);
	if (*rest && (*rest++ != ':' || !number(&rest, &p->total_s) ||
		      (*rest && (*rest++ != '/' || !number(&rest, &probes))) || *rest ||
		      probes != floor(probes) || probes > 255))
		return fail(expected, size,
			    "TOTAL[/COUNT] behind the colon: seconds that all probes take "
			    "together (600), and how many (8)");
	p->probes = probes;
	warn_of_floor(p, notes);
	return true;
}

/* Numbers as the module's manual writes them: types in decimal, parameters in hexadecimal. */
static bool parse_at(const char *rest, struct party *p, struct party_notes *notes, char *expected,
		     size_t size)
{
	unsigned long cid, type, param, value, length;
	char text[200];

	if (!whole(&rest, 10, 255, &cid) || *rest++ != ',' || !whole(&rest, 10, 65535, &type) ||
	    *rest++ != ',' || !whole(&rest, 16, 65535, &param) || *rest++ != ',' ||
	    !whole(&rest, 10, SECONDS_MAX, &value) || *rest++ != ',' ||
	    !whole(&rest, 10, 65535, &length) || *rest)
		return fail(expected, size,
			    "CID,TYPE,PARAM,VALUE,LENGTH behind AT+SETSOCKOPT= (0,6,4001,75,4)");
	if (length != 4)
		return fail(expected, size, "the length 4: these options are of four bytes");
	if (type == 6 && param == 0x4001 && value) {
		p->total_s = value;
		snprintf(text, sizeof(text),
			 "connection %lu, TCP (6), TCP_KEEPALIVE (4001): all probes together "
			 "take %lu s",
			 cid, value);
		note(notes, text);
		warn_of_floor(p, notes);
	} else if (type == 6 && param == 0x4005 && value && value < 256) {
		p->probes = value;
		snprintf(text, sizeof(text),
			 "connection %lu, TCP (6), TCP_KEEPALIVE_CNT (4005): %lu probe%s", cid,
			 value, value == 1 ? "" : "s");
		note(notes, text);
	} else if (type == 6 && param == 0x10 && value) {
		p->retransmits_s = value;
		snprintf(text, sizeof(text),
			 "connection %lu, TCP (6), TCP_MAXRT (10): unacknowledged data end it "
			 "after %lu s",
			 cid, value);
		note(notes, text);
	} else if (type == 65535 && param == 0x8) {
		p->enabled = value;
		snprintf(text, sizeof(text), "connection %lu, socket (65535), SO_KEEPALIVE (8): %s",
			 cid, value ? "on" : "off");
		note(notes, text);
	} else {
		return fail(
			expected, size,
			"one of 65535,8 (SO_KEEPALIVE), 6,4001 (TCP_KEEPALIVE, seconds), 6,4005 "
			"(TCP_KEEPALIVE_CNT), 6,10 (TCP_MAXRT, seconds), and a value above 0");
	}
	return true;
}

/* ---- timers ---- */

/* MQTT 3.1.1 (3.1.2.10) and 5.0: a broker waits one and a half times the keep alive. */
#define MQTT_PATIENCE 1.5

static bool parse_timer(const char *rest, bool of_platform, struct party *p, char *expected,
			size_t size)
{
	const struct documented_timer *t = documented_timer__named(rest);
	size_t used, i;
	int n;

	*p = (struct party){ .kind = of_platform ? PARTY_PLATFORM : PARTY_NAT,
			     .name = "nat", .documented = t };
	if (t && t->is_platform == of_platform) {
		snprintf(p->name, sizeof(p->name), "%s", t->name);
		p->forgets_s = t->idle_s;
		return true;
	}
	p->documented = NULL;
	if (!of_platform && number(&rest, &p->forgets_s) && !*rest)
		return true;
	used = snprintf(expected, size, "%s", of_platform ? "one of" : "seconds, or one of");
	for (i = 0; (t = documented_timer__at(i)); i++) {
		if (t->is_platform != of_platform || used >= size)
			continue;
		n = snprintf(expected + used, size - used, " %s", t->name);
		used += n;
	}
	return false;
}

/* ---- all of them ---- */

/* The text behind `prefix`; NULL if it does not begin so. */
static const char *behind(const char *text, const char *prefix)
{
	size_t length = strlen(prefix);

	return strncmp(text, prefix, length) ? NULL : text + length;
}

bool party__parse(const char *spec, struct party *previous, struct party *p, bool *is_new,
		  struct party_notes *notes, char *expected, size_t size)
{
	const char *rest;
	unsigned int i;

	notes->count = 0;
	*is_new = true;
	for (i = 0; i < sizeof(stacks) / sizeof(stacks[0]); i++) {
		rest = behind(spec, stacks[i].name);
		if (rest && (!*rest || *rest == ':'))
			return parse_stack(i, rest, p, expected, size);
	}
	rest = behind(spec, "wizfi210");
	if (rest && (!*rest || *rest == ':'))
		return parse_wizfi(rest, p, notes, expected, size);
	if ((rest = behind(spec, "AT+SETSOCKOPT="))) {
		*is_new = !previous || previous->kind != PARTY_TOTAL;
		if (*is_new)
			*p = wizfi(true);
		return parse_at(rest, *is_new ? p : previous, notes, expected, size);
	}
	if ((rest = behind(spec, "astra:"))) {
		*p = (struct party){ .kind = PARTY_PING, .name = "astra" };
		if (!keyed(&rest, "ping=", &p->ping_s) || *rest++ != ',' ||
		    !keyed(&rest, "timeout=", &p->timeout_s) || *rest)
			return fail(expected, size,
				    "ping=SECONDS,timeout=SECONDS behind the colon");
		return true;
	}
	if ((rest = behind(spec, "nat=")))
		return parse_timer(rest, false, p, expected, size);
	if ((rest = behind(spec, "platform=")))
		return parse_timer(rest, true, p, expected, size);
	if ((rest = behind(spec, "mqtt="))) {
		*p = (struct party){ .kind = PARTY_PLATFORM, .name = "an MQTT broker" };
		if (!number(&rest, &p->forgets_s) || *rest)
			return fail(expected, size,
				    "the device's keep alive in seconds behind mqtt=");
		p->forgets_s *= MQTT_PATIENCE;
		return true;
	}
	return fail(
		expected, size,
		"linux, lwip, zephyr, windows, bsd, macos, solaris (each [:IDLE/INTERVAL/PROBES]), "
		"wizfi210[:TOTAL[/COUNT]], AT+SETSOCKOPT=..., astra:ping=S,timeout=S, nat=S, "
		"nat=NAME, platform=NAME or mqtt=S");
}

double party__notices_within_s(const struct party *p)
{
	struct setting s = { .idle_s = p->idle_s, .interval_s = p->interval_s, .probes = p->probes,
			     .user_timeout_s = p->user_timeout_s };

	switch (p->kind) {
	case PARTY_STACK:
		return setting__period_s(&s) + setting__silence_s(&s);
	case PARTY_TOTAL:
		return p->enabled ? fmax(p->total_s, p->probes * WIZFI_INTERVAL_MIN_S) : 0;
	case PARTY_PING:
		return p->ping_s + p->timeout_s;
	case PARTY_NAT:
	case PARTY_PLATFORM:
		break;
	}
	return 0;
}

bool party__dies_of_one_loss(const struct party *p)
{
	struct setting s = { .idle_s = p->idle_s, .interval_s = p->interval_s, .probes = p->probes,
			     .user_timeout_s = p->user_timeout_s };

	if (p->kind == PARTY_TOTAL)
		return p->enabled && p->probes == 1;
	return p->kind == PARTY_STACK && setting__silence_s(&s) <= s.interval_s;
}

double party__speaks_every_s(const struct party *p)
{
	switch (p->kind) {
	case PARTY_STACK:
		return fmax(p->idle_s, p->interval_s);
	case PARTY_PING:
		return p->ping_s;
	case PARTY_TOTAL:	/* the time of its first probe is not documented */
	case PARTY_NAT:
	case PARTY_PLATFORM:
		break;
	}
	return 0;
}

const struct party *parties__first_noticing(const struct party *all, unsigned int count)
{
	const struct party *first = NULL;
	unsigned int i;

	for (i = 0; i < count; i++)
		if (party__notices_within_s(&all[i]) > 0 &&
		    (!first || party__notices_within_s(&all[i]) < party__notices_within_s(first)))
			first = &all[i];
	return first;
}

const struct party *parties__first_speaking(const struct party *all, unsigned int count)
{
	const struct party *first = NULL;
	unsigned int i;

	for (i = 0; i < count; i++)
		if (party__speaks_every_s(&all[i]) > 0 &&
		    (!first || party__speaks_every_s(&all[i]) < party__speaks_every_s(first)))
			first = &all[i];
	return first;
}

bool party__may_lose(const struct party *p, double forgets_s, unsigned int *lost)
{
	double probes;

	if (p->kind != PARTY_STACK)
		return false;
	probes = ceil((forgets_s - party__speaks_every_s(p)) / p->interval_s) - 1;
	*lost = probes > 0 ? probes : 0;
	return *lost < p->probes;
}
