/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The wire between kernel and user space.
 *
 * An event is a fact about one socket and carries everything needed to understand it:
 * identity, options in force, clocks, counters. A lost event therefore costs itself and no
 * more. Orderly opens and closes send only the first HO_EVENT_SMALL bytes; the reader takes the
 * rest as zero and knows it is missing from the record's length.
 *
 * Units: *_ns is CLOCK_MONOTONIC; *_jiffies are the low 32 bits of the kernel's jiffies, or a
 * duration in them; *_us and *_ms as named. Ports are in host byte order, addresses in network byte
 * order (IPv4 in the first four bytes).
 */
#ifndef HALFOPEN_EVENT_H
#define HALFOPEN_EVENT_H

#ifdef __BPF__
#define INT32_MIN (-2147483647 - 1)
typedef __u8 ho_u8;
typedef __u16 ho_u16;
typedef __u32 ho_u32;
typedef __s32 ho_s32;
typedef __u64 ho_u64;
#else
#include <stdint.h>
typedef uint8_t ho_u8;
typedef uint16_t ho_u16;
typedef uint32_t ho_u32;
typedef int32_t ho_s32;
typedef uint64_t ho_u64;
#endif

/* Numbers are part of recordings: append, never renumber. */
enum ho_kind {
	HO_SEEN = 1,		/* a snapshot found the socket open */
	HO_STATE = 2,		/* inet_sock_set_state: old_state -> state */
	HO_PROBE_SENT = 3,	/* the keepalive timer sent a probe */
	HO_PROBE_FAILED = 4,	/* the keepalive timer fired, nothing left the host */
	HO_HEARD = 5,		/* a segment arrived that ends a silence */
	HO_RETRANSMIT = 6,	/* a retransmission to a peer that keeps silent */
	HO_RESET_SENT = 7,
	HO_RESET_RECEIVED = 8,
	HO_ERROR = 9,		/* sk_err was reported to the program */
	HO_GONE = 10,		/* destroyed; second witness of the ending */
	HO_ZERO_WINDOW_PROBE = 11,	/* the persist timer asked for the window */
	HO_SEND_FAILED = 12,	/* this host dropped data, a FIN or a retransmission of ours */
	HO_ANSWER_DROPPED = 13,	/* this host dropped a segment of the peer's */
	HO_KIND_MAX
};

enum ho_flag {
	HO_F_KEEPALIVE = 1 << 0,    /* SO_KEEPALIVE is on */
	HO_F_ORPHAN = 1 << 1,	    /* no program holds it any more (SOCK_DEAD) */
	HO_F_HALF_COOKIE = 1 << 2,  /* net_cookie is the low 32 bits (formats 1 to 4) */
	HO_F_IN_KEEPALIVE = 1 << 3, /* happened inside tcp_keepalive_timer() */
	HO_F_MPTCP = 1 << 4,	    /* a subflow of an MPTCP connection */
	HO_F_SEGMENT = 1 << 5,	    /* tcp_flags, seq_offset, payload describe a segment */
	HO_F_FIN_QUEUED = 1 << 6,   /* our FIN was queued (SEND_SHUTDOWN) */
	HO_F_ZERO_WINDOW = 1 << 7,  /* the peer's window is closed */
	HO_F_DATA_IDLE = 1 << 8,    /* the segment's data follow a time without data either way */
	HO_F_FIN_TAKEN = 1 << 9,    /* the peer's FIN was taken (SOCK_DONE) */
	HO_F_REPAIR = 1 << 10,	    /* TCP_REPAIR: what it does sends nothing */
	HO_F_LINGER_0 = 1 << 11,    /* close() will reset (SO_LINGER, 0 s) */
	HO_F_ALL_ACKED = 1 << 12,   /* snd_una == write_seq */
	HO_F_OWN_WINDOW_ZERO = 1 << 13, /* our receive window is closed */
	HO_F_TIMESTAMP = 1 << 14,   /* the segment has a TCP timestamp */
	HO_F_UNDELIVERED = 1 << 15, /* of what was sent last nothing was acknowledged yet */
};

/* The kernel's verdict on a segment, predicted by its own rules (segment.bpf.h). */
enum ho_segment {
	HO_SEGMENT_UNJUDGED = 0,  /* in recordings of formats 1 and 2 */
	HO_SEGMENT_TAKEN = 1,	  /* accepted */
	HO_SEGMENT_REPEATED = 2,  /* bytes that were taken before, or the peer's own probe */
	HO_SEGMENT_REFUSED = 3,	  /* emitted only for a SYN: answered by a challenge ACK */
};

/* Bits of tcp_flags, as in the TCP header. */
enum ho_tcp_flag {
	HO_TCP_FIN = 0x01,
	HO_TCP_SYN = 0x02,
	HO_TCP_RST = 0x04,
	HO_TCP_ACK = 0x10,
};

/* Why a probe failed (reason of HO_PROBE_FAILED). */
enum ho_failure {
	HO_FAILED_CONGESTION = 0, /* a queue of this host was full; asked again in HZ/2 */
	HO_FAILED_DROPPED = 1,	  /* a filter or a missing route; the kernel counts it as sent */
};

/* Whether the peer is of this host, in the socket's own network namespace (peer_place). */
enum ho_place {
	HO_PLACE_UNKNOWN = 0,	/* the addresses decide; so in recordings of before this was told */
	HO_PLACE_HERE = 1,
	HO_PLACE_ELSEWHERE = 2,
};

/* icsk_pending of a socket that sends zero-window probes (ICSK_TIME_PROBE0). */
#define HO_PENDING_PROBE0 3

struct ho_event {
	ho_u64 mono_ns;
	ho_u64 cookie;			/* never 0 */
	ho_u8 kind;			/* enum ho_kind */
	ho_u8 family;			/* AF_INET or AF_INET6 */
	ho_u8 state;			/* TCP_ESTABLISHED = 1 ...; for HO_STATE the new one */
	ho_u8 old_state;		/* HO_STATE only */
	ho_u32 netns;			/* inode */
	ho_u8 local[16];
	ho_u8 peer[16];
	ho_u16 local_port;
	ho_u16 peer_port;
	ho_u16 flags;			/* enum ho_flag */
	ho_u16 error;			/* sk_err, a positive errno */
	ho_u32 jiffies;			/* now */
	ho_u32 rcv_tstamp_jiffies;	/* last acceptable ACK */
	ho_u32 lrcvtime_jiffies;	/* last data */
	ho_u32 srtt_us;			/* smoothed, not scaled; 0 = never measured */
	/* Options: the socket's own (0 = follows the sysctl), and the sysctl's. */
	ho_u32 sock_idle_jiffies;
	ho_u32 sock_interval_jiffies;
	ho_u32 net_idle_jiffies;
	ho_u32 net_interval_jiffies;
	ho_u32 user_timeout_ms;
	ho_u8 sock_probes;
	ho_u8 net_probes;
	ho_u8 probes_out;		/* icsk_probes_out */
	ho_u8 peer_place;		/* enum ho_place */
	ho_u64 net_cookie;		/* of its namespace; 0: not known */
	/* ---- HO_EVENT_SMALL ends here ---- */
	ho_u64 last_tx_ns;		/* tcp_mstamp: last transmission or keepalive expiry */
	ho_u64 bytes_acked;
	ho_u64 bytes_received;
	ho_u32 lsndtime_jiffies;	/* last data we sent */
	ho_u32 chrono_start_jiffies;	/* the write queue is busy since */
	ho_u32 rto_jiffies;
	ho_u32 packets_out;
	ho_u32 unsent;			/* write_seq - snd_nxt */
	ho_u32 data_segs_out;
	ho_u32 data_segs_in;
	ho_u32 total_retrans;
	ho_u32 mdev_us;			/* 4 * rttvar of RFC 6298 */
	ho_s32 seq_offset;		/* the segment's sequence number - rcv_nxt */
	ho_u32 payload;			/* its bytes of data: a length, never the data */
	ho_u32 reason;			/* enum sk_rst_reason of this kernel, or enum ho_failure */
	ho_u8 tcp_flags;
	ho_u8 window_probed;		/* left TCP_REPAIR, which asks, and nothing was taken since;
					 * at last_tx_ns, if no timer ran since */
	ho_u8 retransmits;
	ho_u8 pending;
	ho_u8 chrono_type;		/* 0: the write queue is empty */
	ho_u8 segment;			/* enum ho_segment */
	ho_u8 ttl;			/* the segment's time to live or hop limit; 0: not read */
	ho_u8 unverified;		/* its checksum was not looked at yet: it may be refused */
	ho_u32 bound_if;		/* index of the interface it is bound to; 0: none */
	ho_u32 pad_full;
	ho_u64 delivered_ns;		/* with HO_F_UNDELIVERED, what was sent last was first sent
					 * then; else data was last acknowledged */
	ho_s32 ack_offset;		/* the segment's acknowledgement - snd_una */
	ho_u32 segs_in;			/* segments received so far, taken or not */
	ho_u32 oow_ack_jiffies;		/* last answer to an unacceptable segment (challenge ACK) */
	ho_u32 retransmitting_ms;	/* since the first retransmission of what is under way */
	ho_u64 acknowledged_ns;		/* something new of ours was; 0: not known */
	ho_u32 ts_recent_s;		/* of the peer's last timestamp; 0: none */
	ho_u32 rto_max_jiffies;		/* between two retransmissions, at most; 0: not known */
};

#define HO_EVENT_SMALL 112
#define HO_EVENT_FULL 240
#define HO_EVENT_MAX 240

_Static_assert(__builtin_offsetof(struct ho_event, last_tx_ns) == HO_EVENT_SMALL, "small event");
_Static_assert(sizeof(struct ho_event) == HO_EVENT_FULL, "full event");

/* Of a timer that is not armed. */
#define HO_TIMER_OFF INT32_MIN

/* One row of a snapshot: the socket, the process whose file it is (pid 0: none), and what is true
 * at this moment alone. */
struct ho_row {
	struct ho_event event;
	ho_u32 pid;
	char comm[16];
	ho_u32 receive_window;		/* ours, as the peer may use it: bytes */
	/* Until they run out; below 0: they have, and wait for their processor. */
	ho_s32 keepalive_in_jiffies;	/* an orphan's is that of FIN_WAIT2 */
	ho_s32 write_in_jiffies;	/* of retransmissions and zero-window probes */
	ho_u32 sent_data_jiffies;	/* in CLOSE_WAIT: last data we sent; else 0 */
	ho_u8 answered_since_fin;	/* in CLOSE_WAIT: an ACK came behind the peer's FIN */
	ho_u8 transparent;		/* IP_TRANSPARENT: any local address will do */
	ho_u8 unaccepted;		/* it waits in its listener's queue */
	ho_u8 pad[1];
};

_Static_assert(sizeof(struct ho_row) == HO_EVENT_FULL + 40, "row");

/* The process of a socket, and nothing else of it. */
struct ho_holder {
	ho_u64 cookie;
	ho_u32 pid;
	char comm[16];
	ho_u32 pad;
};

_Static_assert(sizeof(struct ho_holder) == 32, "holder");

/* Connections that one process holds (files.bpf.h): of all its descriptors, or of some. */
#define HO_HELD_MAX 8192	/* a power of two */
struct ho_held {
	ho_u64 socket_operations;	/* address of the operations of files that are sockets */
	ho_u32 thread;			/* whose descriptors are not all read yet; 0: none's */
	ho_u32 descriptor;		/* to be read next */
	ho_u32 without_cookie;		/* sockets so far that are not in `cookies`: without, ... */
	ho_u32 dead;			/* ... and those that were connected and have died */
	ho_u32 count;
	ho_u32 pid;
	char comm[16];
	ho_u64 cookies[HO_HELD_MAX];
};

/* The rows of one run over the table of connections (table.bpf.h): whole buckets. */
#define HO_BATCH_ROWS 1024	/* a power of two */
struct ho_batch {
	ho_u32 bucket;			/* to be read next */
	ho_u32 buckets;			/* in the table; 0: it is not to be found */
	ho_u32 count;			/* rows of this run */
	ho_u8 known;			/* to be emitted: sockets with a cookie, ... */
	ho_u8 unknown;			/* ... without (state, namespace), ... */
	ho_u8 waiting;			/* ... and handshakes that are complete (the same) */
	ho_u8 lean;			/* of each only the members for counting, ... */
	ho_u8 old_stamps;		/* ... with those that tell how old the clocks are */
	ho_u8 untimed;			/* rows have jiffies, and not mono_ns */
	ho_u8 pad[2];
	ho_u32 begun_jiffies;		/* when the run began */
	ho_u64 begun_ns;
	struct ho_row rows[HO_BATCH_ROWS];
};

/* This kernel's properties, learned from a socket of our own (see pass.bpf.c). */
struct ho_learned {
	ho_u64 socket_operations;	/* of its file; 0: not known */
	ho_u64 keepalive_function;	/* address of tcp_keepalive_timer() ... */
	char keepalive_name[32];	/* ... and what is there, by kallsyms; "": not told */
	ho_u64 write_function;		/* of tcp_write_timer(); 0 = not found */
	ho_u32 keepalive_offset;	/* of its timer_list within struct sock */
	ho_u32 write_offset;
	ho_u32 keepalive_time_jiffies;	/* of the TCP_KEEPIDLE that we set: gives HZ */
	ho_u32 pad;
};

/* Failed reservations since the start, one slot a CPU. */
struct ho_losses {
	ho_u64 ring_full;
	ho_u64 no_cookie;
	ho_u64 made_good;	/* runs that recursion took from a program, and its twin had */
};

#endif
