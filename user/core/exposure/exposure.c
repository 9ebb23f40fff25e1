// SPDX-License-Identifier: GPL-2.0
#include <math.h>
#include <string.h>
#include <sys/socket.h>

#include "exposure/exposure.h"
#include "tcp/jiffies.h"
#include "tcp/stamps.h"
#include "tcp/tcp_states.h"

uint32_t exposure__last_ask_jiffies(const struct ho_event *e, uint32_t hz)
{
	uint64_t ago_ns = e->mono_ns > e->last_tx_ns ? e->mono_ns - e->last_tx_ns : 0;

	return e->jiffies - ago_ns / jiffies__to_ns(1, hz);
}

uint32_t exposure__asks(const struct ho_event *e, uint32_t hz)
{
	if (e->retransmits)
		return e->retransmits + 1;
	if (e->probes_out &&
	    jiffies__is_before(stamps__heard(e, hz), exposure__last_ask_jiffies(e, hz)))
		return e->probes_out;
	return 0;
}

static bool are_suspicious(uint32_t asks, const struct exposure_rules *r)
{
	return asks > (r->suspect_after ?: EXPOSURE_SUSPECT_AFTER);
}

bool exposure__is_suspect(const struct ho_event *e, const struct exposure_rules *r)
{
	return e->state != TCP_CLOSE && are_suspicious(exposure__asks(e, r->hz), r);
}

/* 127.0.0.0/8, by its address in bytes of either family. */
static bool is_loopback_ipv4(const uint8_t *address)
{
	return address[0] == 127;
}

static bool is_loopback(const struct ho_event *e)
{
	static const uint8_t loopback6[16] = { [15] = 1 };
	static const uint8_t mapped[12] = { [10] = 0xff, [11] = 0xff };

	if (e->family == AF_INET)
		return is_loopback_ipv4(e->peer);
	return !memcmp(e->peer, loopback6, sizeof(loopback6)) ||
	       (!memcmp(e->peer, mapped, sizeof(mapped)) && is_loopback_ipv4(e->peer + 12));
}

bool exposure__peer_is_here(const struct ho_event *e)
{
	static const uint8_t unknown[16] = { 0 };
	size_t size = e->family == AF_INET ? 4 : sizeof(e->peer);

	if (e->peer_place == HO_PLACE_HERE || e->peer_place == HO_PLACE_ELSEWHERE)
		return e->peer_place == HO_PLACE_HERE;
	return is_loopback(e) ||
	       (!memcmp(e->peer, e->local, size) && memcmp(e->peer, unknown, size));
}

/* Of a connection within this host, which is counted once: is it the end with the higher port, which
 * the other one stands for? */
static bool is_second_end(const struct ho_event *e)
{
	if (!exposure__peer_is_here(e))
		return false;
	if (e->local_port != e->peer_port)
		return e->local_port > e->peer_port;
	return memcmp(e->local, e->peer, e->family == AF_INET ? 4 : sizeof(e->peer)) > 0;
}

bool exposure__never_notices(const struct ho_event *e)
{
	bool fin_waits = (e->flags & HO_F_FIN_QUEUED) &&
			 ((e->flags & HO_F_ORPHAN) || !(e->flags & HO_F_ALL_ACKED));

	return e->state != TCP_CLOSE && !(e->flags & HO_F_KEEPALIVE) && !fin_waits &&
	       !is_second_end(e);
}

bool exposure__leaks_under_keepalive(const struct ho_row *row, uint32_t hz)
{
	const struct ho_event *e = &row->event;
	uint64_t quiet_ns = jiffies__to_ns(e->jiffies - e->lrcvtime_jiffies, hz);
	uint64_t sent_ns = jiffies__to_ns(e->jiffies - row->sent_data_jiffies, hz);

	return e->state == TCP_CLOSE_WAIT && (e->flags & HO_F_KEEPALIVE) &&
	       row->answered_since_fin && quiet_ns > EXPOSURE_LEAK_NS && sent_ns > EXPOSURE_LEAK_NS;
}

/* Its FIN was taken. Data or a FIN of ours that it never acknowledges make it half-open even then;
 * unanswered probes do not: our program leaks it. */
static bool said_goodbye(const struct ho_event *e)
{
	bool fin_taken = e->state == TCP_CLOSE_WAIT || e->state == TCP_LAST_ACK ||
			 e->state == TCP_CLOSING;

	return fin_taken && !e->retransmits;
}

/* After which silence of its peer its path has forgotten it. */
static bool path_is_known(const struct ho_event *e, const struct exposure_rules *r)
{
	return r->path_ns && !exposure__peer_is_here(e) && !said_goodbye(e);
}

/* The kernel's clock of what it last did with it stands still since. */
static struct exposure of_ended(const struct ho_event *e, uint64_t silent_ns)
{
	return (struct exposure){
		.state = EXPOSURE_CLOSING, .silent_ns = silent_ns, .ended = true,
		.ended_ns = e->mono_ns > e->last_tx_ns ? e->mono_ns - e->last_tx_ns : 0,
		.peer_is_here = exposure__peer_is_here(e) };
}

struct exposure exposure__of(const struct ho_event *e, const struct exposure_rules *r)
{
	struct keepalive k = keepalive__of(e);
	uint32_t asks = exposure__asks(e, r->hz);
	uint64_t arrived_ns = stamps__arrived_ns(e, r->hz);
	uint64_t silent_ns = e->mono_ns > arrived_ns ? e->mono_ns - arrived_ns : 0;

	if (e->state == TCP_CLOSE)
		return of_ended(e, silent_ns);
	return (struct exposure){
		.state = e->state == TCP_CLOSE_WAIT ? EXPOSURE_CLOSE_WAIT
			 : e->state == TCP_ESTABLISHED || e->state == TCP_SYN_RECV
				 ? EXPOSURE_ESTABLISHED : EXPOSURE_CLOSING,
		.peer_is_here = exposure__peer_is_here(e),
		.second_end = is_second_end(e),
		.silent_ns = silent_ns,
		.long_silent = r->long_ns && silent_ns > r->long_ns,
		.said_goodbye = said_goodbye(e),
		.path_known = path_is_known(e, r),
		/* no segment of the peer can arrive any more */
		.surely_dead = path_is_known(e, r) && silent_ns > r->path_ns,
		.leaked = e->state == TCP_CLOSE_WAIT && silent_ns > EXPOSURE_LEAK_NS,
		.window_closed = e->flags & HO_F_OWN_WINDOW_ZERO,
		.probes_off = k.enabled && !k.probes && !k.user_timeout_ms,
		.with_keepalive = k.enabled,
		.never_notices = exposure__never_notices(e),
		.unanswered = asks ? asks - 1 : 0,
		.suspect = are_suspicious(asks, r),
		.own_idle = k.enabled && k.idle_from_socket,
		.own_options = k.enabled && k.idle_from_socket && k.interval_from_socket &&
			       k.probes_from_socket,
		.dies_of_one_loss = keepalive__dies_of_one_loss(&k, r->hz),
	};
}

static enum option_source option_source(bool from_socket)
{
	return from_socket ? OPTION_FROM_SOCKET : OPTION_FROM_SYSCTL;
}

/* Of whole milliseconds. */
static double seconds_or_never(uint64_t ms)
{
	return ms == UINT64_MAX ? INFINITY : ms / 1e3;
}

struct timeline_keepalive exposure__keepalive(const struct keepalive *k, uint32_t rto_max_jiffies,
					      uint32_t hz)
{
	return (struct timeline_keepalive){
		.known = true, .enabled = k->enabled,
		.idle_s = seconds_or_never((uint64_t)k->idle_jiffies * 1000 / hz),
		.interval_s = seconds_or_never((uint64_t)k->interval_jiffies * 1000 / hz),
		.probes = k->probes, .user_timeout_ms = k->user_timeout_ms,
		.rto_max_ms = floor(rto_max_jiffies * 1e3 / hz),
		.idle_from = option_source(k->idle_from_socket),
		.interval_from = option_source(k->interval_from_socket),
		.probes_from = option_source(k->probes_from_socket),
		.detects_within_s = seconds_or_never(keepalive__detects_within_ms(k, hz)),
		.detects_within_max_s = seconds_or_never(keepalive__detects_within_max_ms(k, hz)) };
}
