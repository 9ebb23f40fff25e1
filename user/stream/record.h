/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The one input of the core: everything that it learns is a record of this stream, ordered by time.
 * A recording is the stream in a file, so it replays to the same bytes.
 *
 * On the wire a record is a 16-byte header and a payload, both little-endian, padded to eight
 * bytes. Records are encoded once, where they arise, and decoded once, in front of the core; the
 * recording is the bytes in between.
 */
#ifndef HALFOPEN_STREAM_RECORD_H
#define HALFOPEN_STREAM_RECORD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "event.h"
#include "timeline/timeline.h"

/* Numbers are part of recordings: append, never renumber. */
enum record_type {
	RECORD_META = 1,     /* the run: first record of the stream */
	RECORD_START = 2,    /* everything is attached: from here on nothing is missed */
	RECORD_EVENT_3 = 3,  /* the same as it was in formats 1 to 4; read as RECORD_EVENT */
	RECORD_TICK = 4,     /* time passes */
	RECORD_CLOCK = 5,    /* wall clock minus monotonic clock, at the start and after a step */
	RECORD_OWNER = 6,    /* who holds a socket; no longer written */
	RECORD_SYSCTL = 7,   /* keepalive sysctls of a network namespace, and its names */
	RECORD_LOSS = 8,     /* lost events */
	RECORD_SNAPSHOT = 9, /* a pass over all open sockets has ended */
	RECORD_RESET_REASON = 10, /* a name of this kernel's enum sk_rst_reason */
	RECORD_STOP = 11,	  /* the watch ends here */
	RECORD_PRESENT = 12,	  /* cookies of sockets that a pass found open; no longer written */
	RECORD_IDENTITY = 13,	  /* the name of the device behind a peer */
	RECORD_SILENT_48 = 14,	  /* the same, with how long each had been silent; cookies of 48
				   * bits, no longer written */
	RECORD_NETNS_GONE = 15,	  /* a network namespace lost its name, and may have ended */
	RECORD_WAITING = 16,	  /* handshakes complete, without data (TCP_DEFER_ACCEPT) */
	RECORD_SILENT = 17,	  /* sockets that a pass found open, and how long each was silent */
	RECORD_HOLDER = 18,	  /* a process, and sockets that it holds */
	RECORD_EVENT = 19,	  /* a fact from the kernel */
	RECORD_TYPE_MAX
};

/* Are probes seen when they are sent, or known by what follows them? */
enum probes_seen {
	PROBES_BY_NAMES,	/* as the names of the programs tell: recordings of formats 1 to 4 */
	PROBES_SEEN,
	PROBES_UNSEEN,
};

/* A process that holds sockets. */
struct record_process {
	uint32_t pid;
	const char *comm, *cgroup, *container_id;	/* "" = not known */
};

/* Strings point into the encoded record (decode) or are the caller's (encode). */
struct record {
	enum record_type type;
	uint64_t mono_ns;
	union {
		struct {
			uint32_t hz;
			const char *version, *gateway, *boot_id, *run_id, *kernel;
			const char *peers;	/* how they are shown: full, prefix ... */
			uint32_t sockets;	/* of the host, about; 0: not told */
		} meta;
		struct {
			const char *attached;	/* program names, separated by spaces */
			uint32_t probes;	/* enum probes_seen; see record__sees_probes() */
		} start;
		struct {
			struct ho_event event;
			bool small;	/* only the first HO_EVENT_SMALL bytes were told */
		};
		struct {
			int64_t realtime_offset_ns;
		} clock;
		struct {
			uint64_t cookie;
			uint32_t pid;
			const char *comm, *cgroup, *container_id;	/* "" = not known */
		} owner;
		struct {
			uint32_t netns, idle_s, interval_s, probes;
			const char *name;	/* "" = has none */
			uint32_t half_cookie;	/* its low half, where that is all that is known */
			uint64_t cookie;	/* 0: not known */
			const char *host_name;	/* of who lives there; "" = not known */
		} sysctl;
		struct {
			uint32_t netns;
			uint32_t half_cookie;	/* as above */
			uint64_t cookie;
		} netns_gone;
		struct {
			uint64_t cookie;	/* of the socket, 0 = any */
			uint64_t count;
			uint64_t from_ns;
			enum loss_reason reason;
		} loss;
		struct {
			uint64_t begun_ns;
			bool complete;	/* every namespace was read: sockets missing from it have
					 * ended */
			bool last;	/* the stream ends with it: no second pass confirms it */
		} snapshot;
		struct {
			uint32_t number;
			const char *name;
		} reset_reason;
		struct {
			uint32_t netns, half_cookie, count;	/* as above */
			uint8_t local[16];	/* as in an event */
			uint16_t port;
			uint8_t family;
			uint64_t cookie;	/* of its namespace */
		} waiting;	/* told before RECORD_START, for each end of ours */
		struct {
			uint64_t at_ns;		/* since when */
			uint8_t peer[16];	/* an IPv4 address in its mapped form */
			uint16_t port;		/* 0: any */
			uint16_t local;		/* our port; 0: any */
			const char *device;
		} identity;
		struct {
			uint32_t count;		/* at most RECORD_PRESENT_MAX */
			/* aligned as the record is; in RECORD_SILENT_48 the low 48 bits of each,
			 * below the seconds */
			const uint64_t *cookies;
			const uint32_t *silent_s; /* RECORD_SILENT only, as many */
		} present;
		struct {
			/* Numbers a pass over processes: of several that hold a socket, the first
			 * that it meets is the owner. 0: these are the owner's, whoever else holds
			 * them (in recordings). */
			uint32_t pass;
			struct record_process by;
			uint32_t count;		/* at most RECORD_HELD_MAX */
			const uint64_t *cookies;	/* aligned as the record is */
			/* NULL, or each as the pass saw it (HO_SEEN), at most RECORD_SHOWN_MAX:
			 * taken if its owner is another than was known; never in recordings. */
			const struct ho_event *events;
		} holder;
	};
};

/* Of a RECORD_START. */
bool record__sees_probes(const struct record *r);

/* A socket that a pass found open, and for how many seconds the kernel had not heard the peer then,
 * rounded down. Old recordings can say no more than RECORD_SILENT_48_MAX_S. */
struct record_silence {
	uint64_t cookie;
	uint32_t silent_s;
};

#define RECORD_SILENT_48_MAX_S 0xffff

/* The i-th of a RECORD_SILENT or RECORD_SILENT_48. */
struct record_silence record__silence(const struct record *r, uint32_t i);

/* Unit of the times of last events: a pass that begins within the same unit as a socket's last
 * event cannot show whether it was found. */
#define RECORD_TOUCH_NS (1ULL << 29)

#define RECORD_HEADER_SIZE 16
#define RECORD_PRESENT_MAX 2048
#define RECORD_HELD_MAX 2048
#define RECORD_SHOWN_MAX 64
#define RECORD_SIZE_MAX 32768

/* An event as it lies in the kernel's ring and in a RECORD_EVENT. False if there is none of this
 * size. */
bool record__take_event(struct record *r, const void *data, size_t size);

/*
 * Encodes into `buf` of RECORD_SIZE_MAX bytes; strings that do not fit are cut. Returns the
 * number of bytes, a multiple of eight.
 */
size_t record__encode(const struct record *r, void *buf);

/*
 * Length of the record that starts at `buf`, from its header; 0 while fewer than
 * RECORD_HEADER_SIZE bytes are there, -EBADMSG if no record starts so.
 */
long record__size(const void *buf, size_t available);

/*
 * Decodes one whole record of `size` bytes. Strings point into `buf`, which must live as long as
 * `r` is used. Returns 0, or -EBADMSG with `*why` a constant sentence: the record is invalid, what
 * follows it may be valid; in its place record__senseless() belongs into the stream.
 */
int record__decode(const void *buf, size_t size, struct record *r, const char **why);

/* Takes the place of an invalid record, met when the stream had come to `mono_ns`. */
struct record record__senseless(uint64_t mono_ns);

#endif
