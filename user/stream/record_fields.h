/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Fields of each type of record: one table, by which records are encoded, decoded and their peers
 * replaced (privacy). A new type of record is a line in enum record_type, a member of struct
 * record, and its fields here.
 */
#ifndef HALFOPEN_STREAM_RECORD_FIELDS_H
#define HALFOPEN_STREAM_RECORD_FIELDS_H

#include "stream/record.h"

/* The encoding of a field, and the type at its offset in struct record. Little-endian. */
enum field_kind {
	FIELD_END,
	FIELD_U8,	/* uint8_t, in 16 bits */
	FIELD_U16,	/* uint16_t, in as many bits */
	FIELD_PORT,	/* uint16_t, in 32 bits */
	FIELD_BOOL,	/* bool, in 32 bits */
	FIELD_U32,
	FIELD_U64,
	FIELD_ADDRESS,	/* 16 bytes */
	FIELD_TEXT,	/* const char *; NUL-terminated */
	FIELD_EVENT,	/* struct ho_event, or what a small one has of it */
	FIELD_EVENT_3,	/* the same as it was in formats 1 to 4 */
	FIELD_SOCKETS,	/* a count, as many cookies, and of RECORD_SILENT seconds */
	FIELD_HELD,	/* a count, whether there are events, as many cookies, and events */
};

struct record_field {
	enum field_kind kind;
	size_t offset;
	bool later;	/* old recordings end before it: then it is 0, or "" */
};

/* The part of a record that may not leave this host unchanged, where peers are not to be shown. */
enum record_shows {
	SHOWS_UNDECIDED,	/* not decided: no valid record has this */
	SHOWS_NO_PEER,
	SHOWS_PEER_OF_EVENT,		/* the event's peer */
	SHOWS_PEER_OF_DEVICE,	/* the peer behind which the device is */
	SHOWS_PEERS_OF_HELD,	/* those of its events, if it has some */
	SHOWS_HOW,		/* the way in which peers are shown */
};

#define RECORD_FIELDS_MAX 9

struct record_form {
	enum record_shows shows;
	struct record_field fields[RECORD_FIELDS_MAX];	/* FIELD_END ends them */
	/* The contradiction in a decoded record; NULL: none. */
	const char *(*contradiction)(const struct record *r);
};

/* NULL for a type that no version of ours writes. */
const struct record_form *record_form__of(enum record_type type);

#endif
