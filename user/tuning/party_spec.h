/* SPDX-License-Identifier: GPL-2.0 */
/* A party as `explain` is given it: a SPEC, read by the numbers that the makers of TCP stacks and
 * modules of this field document. */
#ifndef HALFOPEN_TUNING_PARTY_SPEC_H
#define HALFOPEN_TUNING_PARTY_SPEC_H

#include "tuning/parties.h"

/* What a SPEC that was refused should have been, or had behind its name. */
enum party_spec_expected {
	EXPECTED_PARTY,			/* one that is known */
	EXPECTED_STACK,			/* IDLE/INTERVAL/PROBES */
	EXPECTED_TIMEOUT,		/* behind these: /user_timeout=S */
	EXPECTED_LINUX_TIMEOUTS,	/* ... /retries2=N, /rto_max=S */
	EXPECTED_LINUX_VALUES,		/* what Linux takes, of each */
	EXPECTED_LINUX_USER_TIMEOUT,
	EXPECTED_LINUX_RETRIES2,
	EXPECTED_LINUX_RTO_MAX,
	EXPECTED_WIZFI,			/* TOTAL[/COUNT] */
	EXPECTED_MODULE_NUMBERS,	/* CID,TYPE,PARAM,VALUE,LENGTH */
	EXPECTED_MODULE_LENGTH,		/* 4 */
	EXPECTED_MODULE_OPTION,		/* one that is known, and a value that it takes */
	EXPECTED_ASTRA,			/* ping=S,timeout=S */
	EXPECTED_NAT,			/* seconds, or a documented timer's name */
	EXPECTED_PLATFORM,		/* a documented timer's name */
	EXPECTED_MQTT,			/* seconds */
};

/* What was read of a module's option, or is to be said of its values. */
struct party_note {
	enum party_note_kind {
		NOTE_TOTAL,		/* TCP_KEEPALIVE: all probes take `value` seconds */
		NOTE_COUNT,		/* TCP_KEEPALIVE_CNT: `value` probes */
		NOTE_MAXRT,		/* TCP_MAXRT: `value` seconds */
		NOTE_KEEPALIVE,		/* SO_KEEPALIVE: on, or 0 */
		NOTE_TOTAL_TOO_SHORT,	/* `value` seconds, for so many `probes` */
	} kind;
	unsigned long connection;	/* of the module, by its number */
	double value;
	uint32_t probes;
};

#define PARTY_NOTES_MAX 2

struct party_spec {
	struct party party;
	bool is_new;	/* else the SPEC changed the party before it, and there is none */
	struct party_note notes[PARTY_NOTES_MAX];
	unsigned int note_count;
	enum party_spec_expected expected;	/* if it was refused */
};

/*
 * linux[:IDLE/INTERVAL/PROBES[/user_timeout=S]], behind that /retries2=N and /rto_max=S, lwip,
 * zephyr, windows, bsd, macos, solaris likewise; wizfi210[:TOTAL[/COUNT]]; astra:ping=S,timeout=S;
 * nat=S or nat=NAME of a documented timer; platform=NAME; mqtt=S, the device's MQTT keep alive; or
 * a module's own AT+SETSOCKOPT=CID,TYPE,PARAM,VALUE,LENGTH, which changes `previous`, the party
 * read before, if that is a WizFi210 (NULL: there is none). False: refused, nothing was changed.
 */
bool party_spec__read(const char *spec, struct party *previous, struct party_spec *s);

#endif
