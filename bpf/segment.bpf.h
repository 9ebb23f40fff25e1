/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The kernel's verdict on a segment, by its own rules in ESTABLISHED: tcp_probe fires
 * before tcp_validate_incoming(), tcp_ack() and tcp_data_queue() have looked at it. Offsets are
 * relative: of sequence numbers to rcv_nxt, of acknowledgements to snd_una.
 */
#ifndef HALFOPEN_SEGMENT_BPF_H
#define HALFOPEN_SEGMENT_BPF_H

#include "socket.bpf.h"

#define TCPOPT_EOL 0
#define TCPOPT_NOP 1
#define TCPOPT_TIMESTAMP 8
#define TCPOLEN_TIMESTAMP 10
#define OPTIONS_MAX 40
/* A header is 60 bytes at most, of which the first 12 stand in the control block. */
#define HEADER_READ 48
#define CHECKSUM_UNNECESSARY 1
#define CHECKSUM_PARTIAL 3
#define PAWS_24DAYS_S (60 * 60 * 24 * 24)
#define HEADER_PREDICTED 0xf0f7ffff	/* TCP_HP_BITS, as the word lies in the header */
/* A repetition is at most one window below the next byte; of a closed window, this much. */
#define WINDOW_LEAST 65535

struct segment {
	__s32 seq, end, ack;
	__u32 payload;
	__u32 tsval;
	__u32 words[20];	/* of the header, from byte 12 on: options from [2] on */
	__u8 tcp_flags;
	__u8 ttl;
	bool timestamp;
};

/* The timestamp option, as tcp_fast_parse_options() finds it in an established connection: if it is
 * all there is, at once; else the last of a list, as far as that can be read. */
static __always_inline void segment__find_timestamp(struct segment *s)
{
	const __u8 *options = (const __u8 *)&s->words[2];
	__u32 length = (bpf_ntohl(s->words[0]) >> 28) * 4 - 20, at = 0, i;

	if (s->words[2] == bpf_htonl(0x0101080a) && length == 12) {
		s->tsval = bpf_ntohl(s->words[3]);
		s->timestamp = true;
		return;
	}
	for (i = 0; i < OPTIONS_MAX; i++) {
		__u8 kind, size;

		if (at >= length || at >= OPTIONS_MAX)
			return;
		/* less than 64, which the verifier does not see */
		asm volatile("%0 &= 63" : "+r"(at));
		kind = options[at];
		if (kind == TCPOPT_NOP) {
			at++;
			continue;
		}
		size = options[at + 1];
		if (kind == TCPOPT_EOL || at + 2 > length || size < 2 || at + size > length)
			return;
		if (kind == TCPOPT_TIMESTAMP && size == TCPOLEN_TIMESTAMP) {
			s->tsval = (__u32)options[at + 2] << 24 | options[at + 3] << 16 |
				   options[at + 4] << 8 | options[at + 5];
			s->timestamp = true;
		}
		at += size;
	}
}

/* Was its checksum verified? The kernel verifies later where no device did and the segment is
 * longer than 76 bytes (skb_csum_unnecessary()). */
static __always_inline bool segment__is_verified(const struct sk_buff *skb)
{
	__u8 by_device = BPF_CORE_READ_BITFIELD(skb, ip_summed);

	return by_device == CHECKSUM_UNNECESSARY || by_device == CHECKSUM_PARTIAL ||
	       BPF_CORE_READ_BITFIELD(skb, csum_valid);
}

/* From TCP's control block, filled before tcp_rcv_established(), and from the headers. Without the
 * headers (memory cannot be read) timestamps and the time to live stay unknown. */
static __always_inline void segment__read(struct segment *s, const struct sk_buff *skb,
					  const struct tcp_sock *tp, const bool cast)
{
	const struct tcp_skb_cb *cb = (const void *)skb->cb;
	const void *head = (const void *)skb->head;
	__u32 ip[4];

	s->tcp_flags = compat__tcp_flags(cb);
	s->seq = cb->seq - tp->rcv_nxt;
	s->end = cb->end_seq - tp->rcv_nxt;
	s->ack = cb->ack_seq - tp->snd_una;
	/* SYN and FIN take a sequence number each */
	s->payload = cb->end_seq - cb->seq - !!(s->tcp_flags & HO_TCP_SYN) -
		     !!(s->tcp_flags & HO_TCP_FIN);
	s->timestamp = false;
	s->tsval = 0;
	s->ttl = 0;
	__builtin_memset(s->words, 0, sizeof(s->words));
	if (!compat__read_words(s->words, head + skb->transport_header + 12, HEADER_READ, cast))
		return;
	segment__find_timestamp(s);
	if (compat__read_words(ip, head + skb->network_header, 12, cast))
		s->ttl = (ip[0] & 0xf0) == 0x40 ? ip[2] & 0xff : ip[1] >> 24;
}

/* tcp_may_update_window() */
static __always_inline bool segment__updates_window(const struct segment *s,
						    const struct tcp_sock *tp)
{
	__u32 window = bpf_ntohl(s->words[0]) & 0xffff;
	__s32 newer = s->seq + tp->rcv_nxt - tp->snd_wl1;

	window <<= BPF_CORE_READ_BITFIELD(tp, rx_opt.snd_wscale);
	return s->ack > 0 || newer > 0 || (!newer && (window > tp->snd_wnd || !window));
}

/* tcp_disordered_ack(): a recent duplicate, whose timestamp may be as old. */
static __always_inline bool segment__is_disordered_ack(const struct segment *s,
						       const struct tcp_sock *tp, __s32 behind)
{
	__u32 ticks_a_second = compat__replay_ticks(tp);

	return s->seq == s->end && !s->seq && !s->ack && !segment__updates_window(s, tp) &&
	       behind <= (__s32)((__u64)tp->inet_conn.icsk_rto * ticks_a_second / hz);
}

/* tcp_paws_check(): older than what the peer sent before, in a connection with timestamps. */
static __always_inline bool segment__fails_paws(const struct segment *s,
						const struct tcp_sock *tp)
{
	__s32 behind = tp->rx_opt.ts_recent - s->tsval;
	__u32 now_s;

	if (!s->timestamp || !BPF_CORE_READ_BITFIELD(tp, rx_opt.tstamp_ok) ||
	    !tp->rx_opt.ts_recent || behind <= 1)
		return false;
	now_s = bpf_ktime_get_ns() / 1000000000;
	if (now_s - (__u32)tp->rx_opt.ts_recent_stamp >= PAWS_24DAYS_S)
		return false;
	return !segment__is_disordered_ack(s, tp, behind);
}

/* Header prediction takes data with any old acknowledgement. */
static __always_inline bool segment__is_predicted(const struct segment *s,
						  const struct sk_buff *skb,
						  const struct tcp_sock *tp)
{
	const struct sock *sk = (const void *)tp;

	return s->payload && !s->seq && s->words[0] &&
	       (s->words[0] & HEADER_PREDICTED) == tp->pred_flags &&
	       (!s->timestamp || (__s32)(s->tsval - tp->rx_opt.ts_recent) >= 0) &&
	       (int)skb->truesize <= sk->sk_forward_alloc;
}

/* The tests of tcp_ack(). */
static __always_inline bool segment__ack_is_taken(const struct segment *s,
						  const struct sk_buff *skb,
						  const struct tcp_sock *tp)
{
	__u64 oldest = tp->max_window;

	if (s->ack >= 0)
		return (__u32)s->ack <= tp->snd_nxt - tp->snd_una;
	if (tp->bytes_acked < oldest)
		oldest = tp->bytes_acked;
	return (__u64)-(__s64)s->ack <= oldest || segment__is_predicted(s, skb, tp);
}

/* Refused, but its sender knows the connection: bytes of the last window once more (or the one
 * before them all, a keepalive probe), acknowledging nothing that we never sent. */
static __always_inline bool segment__repeats(const struct segment *s, const struct tcp_sock *tp)
{
	__u32 window = tp->rcv_wnd > WINDOW_LEAST ? tp->rcv_wnd : WINDOW_LEAST;

	if (s->seq >= 0 || (__u32)-s->seq > window)
		return false;
	return s->ack < 0 ? (__u64)-(__s64)s->ack <= tp->bytes_acked
			  : (__u32)s->ack <= tp->snd_nxt - tp->snd_una;
}

/* The upper half of tcp_sequence(). Of those kernels that refuse an end above the window some take
 * a FIN there and some do not, without a way to distinguish them: if it is taken, the state shows
 * it. */
static __always_inline bool segment__is_within_window(const struct segment *s,
						      const struct tcp_sock *tp)
{
	__s32 window = tp->rcv_wup + tp->rcv_wnd - tp->rcv_nxt;
	const struct sock *sk = (const void *)tp;

	if (window < 0)
		window = 0;
	return s->seq <= window && !(compat__refuses_end_above_window() && s->end > window &&
				     sk->sk_receive_queue.qlen);
}

/* The kernel takes a reset with the next sequence number only, and answers others by a challenge
 * ACK (RFC 5961, 3.2): a reset that it does not take ends nothing. */
static __always_inline bool segment__resets(const struct segment *s, const struct tcp_sock *tp)
{
	return !s->seq && segment__is_within_window(s, tp);
}

/* enum ho_segment; not of a reset. */
static __always_inline __u8 segment__judge(const struct segment *s, const struct sk_buff *skb,
					   const struct tcp_sock *tp)
{
	__s32 wup = tp->rcv_wup - tp->rcv_nxt;

	if ((s->tcp_flags & HO_TCP_SYN) || !(s->tcp_flags & HO_TCP_ACK) ||
	    segment__fails_paws(s, tp))
		return HO_SEGMENT_REFUSED;
	/* tcp_sequence() */
	if (s->end < wup)
		return segment__repeats(s, tp) ? HO_SEGMENT_REPEATED : HO_SEGMENT_REFUSED;
	if (!segment__is_within_window(s, tp))
		return HO_SEGMENT_REFUSED;
	return segment__ack_is_taken(s, skb, tp) ? HO_SEGMENT_TAKEN : HO_SEGMENT_REFUSED;
}

/* A segment that could arrive a million times a second and be taken each time without moving a
 * clock of the kernel: it brings no new byte, or one that has to wait for others, and acknowledges
 * nothing new. */
static __always_inline bool segment__is_idle(const struct segment *s)
{
	return s->ack < 0 && !(s->seq <= 0 && s->end > 0);
}

#endif
