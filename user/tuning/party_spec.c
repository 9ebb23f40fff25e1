// SPDX-License-Identifier: GPL-2.0
#include <ctype.h>
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "tcp/retransmission.h"
#include "tuning/party_spec.h"
#include "tuning/setting.h"

/* As their makers document them. */
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

static bool refuse(struct party_spec *s, enum party_spec_expected expected)
{
	s->expected = expected;
	return false;
}

static void note(struct party_spec *s, struct party_note note)
{
	s->notes[s->note_count++] = note;
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
	return p->idle_s <= SETTING_SECONDS_MAX && p->interval_s <= SETTING_SECONDS_MAX &&
	       p->probes <= SETTING_PROBES_MAX && p->idle_s == floor(p->idle_s) &&
	       p->interval_s == floor(p->interval_s);
}

#define LINUX_USER_TIMEOUT_MAX_S (INT32_MAX / 1000)

/* The timeouts of unacknowledged data; the user timeout ends a silence of keepalive, too. */
static bool read_timeouts(const char *rest, bool is_linux, struct party_spec *s)
{
	struct party *p = &s->party;

	while (*rest)
		if (*rest++ != '/' ||
		    (!keyed(&rest, "user_timeout=", &p->user_timeout_s) &&
		     !(is_linux && (keyed(&rest, "retries2=", &p->retries2) ||
				    keyed(&rest, "rto_max=", &p->rto_max_s)))))
			return refuse(s, is_linux ? EXPECTED_LINUX_TIMEOUTS : EXPECTED_TIMEOUT);
	if (is_linux && p->user_timeout_s > LINUX_USER_TIMEOUT_MAX_S)
		return refuse(s, EXPECTED_LINUX_USER_TIMEOUT);
	if (p->retries2 > 255 || p->retries2 != floor(p->retries2))
		return refuse(s, EXPECTED_LINUX_RETRIES2);
	if (p->rto_max_s && (p->rto_max_s < 1 || p->rto_max_s > RTO_MAX_DEFAULT_S))
		return refuse(s, EXPECTED_LINUX_RTO_MAX);
	return true;
}

static bool read_stack(unsigned int which, const char *rest, struct party_spec *s)
{
	bool is_linux = !strcmp(stacks[which].name, "linux");
	struct party *p = &s->party;
	double probes;

	*p = (struct party){ .kind = PARTY_STACK,
			     .name = stacks[which].name,
			     .enabled = true,
			     .idle_s = stacks[which].idle_s,
			     .interval_s = stacks[which].interval_s,
			     .probes = stacks[which].probes };
	if (!*rest)
		return true;
	if (*rest++ != ':' || !number(&rest, &p->idle_s) || *rest++ != '/' ||
	    !number(&rest, &p->interval_s) || *rest++ != '/' || !number(&rest, &probes) ||
	    probes != floor(probes) || probes > 255)
		return refuse(s, EXPECTED_STACK);
	p->probes = probes;
	if (is_linux && !linux_takes(p))
		return refuse(s, EXPECTED_LINUX_VALUES);
	return read_timeouts(rest, is_linux, s);
}

/* ---- the WizFi210 ---- */

static void warn_of_floor(const struct party *p, struct party_spec *s)
{
	if (p->total_s < p->probes * WIZFI_INTERVAL_MIN_S)
		note(s, (struct party_note){ .kind = NOTE_TOTAL_TOO_SHORT, .value = p->total_s,
					     .probes = p->probes });
}

static struct party wizfi(void)
{
	return (struct party){ .kind = PARTY_TOTAL, .name = "wizfi210", .total_s = WIZFI_TOTAL_S,
			       .probes = WIZFI_PROBES, .enabled = true };
}

static bool read_wizfi(const char *rest, struct party_spec *s)
{
	struct party *p = &s->party;
	double probes = WIZFI_PROBES;

	*p = wizfi();
	if (*rest && (*rest++ != ':' || !number(&rest, &p->total_s) ||
		      (*rest && (*rest++ != '/' || !number(&rest, &probes))) || *rest ||
		      probes != floor(probes) || probes > 255))
		return refuse(s, EXPECTED_WIZFI);
	p->probes = probes;
	warn_of_floor(p, s);
	return true;
}

/* AT+SETSOCKOPT=CID,TYPE,PARAM,VALUE,LENGTH */
struct module_option {
	unsigned long connection, type, param, value, length;
};

/* Numbers as the module's manual writes them: types in decimal, parameters in hexadecimal. */
static bool read_numbers(const char *rest, struct module_option *o)
{
	return whole(&rest, 10, 255, &o->connection) && *rest++ == ',' &&
	       whole(&rest, 10, 65535, &o->type) && *rest++ == ',' &&
	       whole(&rest, 16, 65535, &o->param) && *rest++ == ',' &&
	       whole(&rest, 10, SECONDS_MAX, &o->value) && *rest++ == ',' &&
	       whole(&rest, 10, 65535, &o->length) && !*rest;
}

/* Sets it in the module; false: it has no such option, or not with that value. */
static bool set_option(const struct module_option *o, struct party *p, enum party_note_kind *kind)
{
	if (o->type == 6 && o->param == 0x4001 && o->value) {
		p->total_s = o->value;
		*kind = NOTE_TOTAL;
	} else if (o->type == 6 && o->param == 0x4005 && o->value && o->value < 256) {
		p->probes = o->value;
		*kind = NOTE_COUNT;
	} else if (o->type == 6 && o->param == 0x10 && o->value) {
		p->retransmits_s = o->value;
		*kind = NOTE_MAXRT;
	} else if (o->type == 65535 && o->param == 0x8) {
		p->enabled = o->value;
		*kind = NOTE_KEEPALIVE;
	} else {
		return false;
	}
	return true;
}

static bool read_module_option(const char *rest, struct party *previous, struct party_spec *s)
{
	struct module_option option;
	enum party_note_kind kind;
	struct party *p;

	s->is_new = !previous || previous->kind != PARTY_TOTAL;
	p = s->is_new ? &s->party : previous;
	if (s->is_new)
		*p = wizfi();
	if (!read_numbers(rest, &option))
		return refuse(s, EXPECTED_MODULE_NUMBERS);
	if (option.length != 4)
		return refuse(s, EXPECTED_MODULE_LENGTH);
	if (!set_option(&option, p, &kind))
		return refuse(s, EXPECTED_MODULE_OPTION);
	note(s, (struct party_note){ .kind = kind, .connection = option.connection,
				     .value = option.value });
	if (kind == NOTE_TOTAL)
		warn_of_floor(p, s);
	return true;
}

/* ---- timers ---- */

static bool read_astra(const char *rest, struct party_spec *s)
{
	struct party *p = &s->party;

	*p = (struct party){ .kind = PARTY_PING, .name = "astra" };
	if (!keyed(&rest, "ping=", &p->ping_s) || *rest++ != ',' ||
	    !keyed(&rest, "timeout=", &p->timeout_s) || *rest)
		return refuse(s, EXPECTED_ASTRA);
	return true;
}

/* By the name of a documented one. */
static bool read_named(const char *name, enum party_kind kind, struct party *p)
{
	const struct documented_timer *t = documented_timer__named(name);

	if (!t || t->is_platform != (kind == PARTY_PLATFORM))
		return false;
	*p = (struct party){ .kind = kind, .name = t->name, .forgets_s = t->idle_s,
			     .documented = t };
	return true;
}

static bool read_nat(const char *rest, struct party_spec *s)
{
	struct party *p = &s->party;

	if (read_named(rest, PARTY_NAT, p))
		return true;
	*p = (struct party){ .kind = PARTY_NAT, .name = "nat" };
	if (!number(&rest, &p->forgets_s) || *rest)
		return refuse(s, EXPECTED_NAT);
	return true;
}

/* MQTT 3.1.1 (3.1.2.10) and 5.0: a broker waits one and a half times the keep alive. */
#define MQTT_PATIENCE 1.5

static bool read_mqtt(const char *rest, struct party_spec *s)
{
	struct party *p = &s->party;

	*p = (struct party){ .kind = PARTY_PLATFORM, .name = "an MQTT broker" };
	if (!number(&rest, &p->forgets_s) || *rest)
		return refuse(s, EXPECTED_MQTT);
	p->forgets_s *= MQTT_PATIENCE;
	return true;
}

/* ---- all of them ---- */

/* The text behind `prefix`; NULL if it does not begin so. */
static const char *behind(const char *text, const char *prefix)
{
	size_t length = strlen(prefix);

	return strncmp(text, prefix, length) ? NULL : text + length;
}

/* The text behind a name that ends there, or at a colon; NULL: it is another. */
static const char *behind_name(const char *text, const char *name)
{
	const char *rest = behind(text, name);

	return rest && (!*rest || *rest == ':') ? rest : NULL;
}

bool party_spec__read(const char *spec, struct party *previous, struct party_spec *s)
{
	const char *rest;
	unsigned int i;

	*s = (struct party_spec){ .is_new = true };
	for (i = 0; i < sizeof(stacks) / sizeof(stacks[0]); i++)
		if ((rest = behind_name(spec, stacks[i].name)))
			return read_stack(i, rest, s);
	if ((rest = behind_name(spec, "wizfi210")))
		return read_wizfi(rest, s);
	if ((rest = behind(spec, "AT+SETSOCKOPT=")))
		return read_module_option(rest, previous, s);
	if ((rest = behind(spec, "astra:")))
		return read_astra(rest, s);
	if ((rest = behind(spec, "nat=")))
		return read_nat(rest, s);
	if ((rest = behind(spec, "platform=")))
		return read_named(rest, PARTY_PLATFORM, &s->party) || refuse(s, EXPECTED_PLATFORM);
	if ((rest = behind(spec, "mqtt=")))
		return read_mqtt(rest, s);
	return refuse(s, EXPECTED_PARTY);
}
