// SPDX-License-Identifier: GPL-2.0
#include <sys/socket.h>

#include "stream/record_fields.h"

/* ---- values that no kernel produces ---- */

/* TCP_ESTABLISHED ... TCP_BOUND_INACTIVE (include/net/tcp_states.h) */
static bool is_state(uint8_t state)
{
	return state >= 1 && state <= 13;
}

/* The socket's clocks are read with the event, or while its timer runs. */
#define CLOCK_AHEAD_NS 60000000000ULL

static bool is_ahead(uint64_t clock_ns, const struct ho_event *e)
{
	return clock_ns > e->mono_ns && clock_ns - e->mono_ns > CLOCK_AHEAD_NS;
}

static const char *contradiction_in(const struct ho_event *e)
{
	if (e->kind == 0 || e->kind >= HO_KIND_MAX)
		return "an event of a kind that this version does not know";
	if (e->cookie == 0)
		return "an event without a socket cookie";
	if (e->family != AF_INET && e->family != AF_INET6)
		return "an event of an address family that TCP does not have";
	if (!is_state(e->state) || (e->kind == HO_STATE && !is_state(e->old_state)))
		return "an event of a state that TCP does not have";
	if (is_ahead(e->last_tx_ns, e) || is_ahead(e->delivered_ns, e) ||
	    is_ahead(e->acknowledged_ns, e))
		return "an event that is older than what it tells of";
	return NULL;
}

static const char *contradiction_in_event(const struct record *r)
{
	if (r->event.mono_ns != r->mono_ns)
		return "an event whose time is not that of its record";
	return contradiction_in(&r->event);
}

static const char *contradiction_in_holder(const struct record *r)
{
	const char *why = NULL;
	uint32_t i;

	for (i = 0; r->holder.events && i < r->holder.count && !why; i++) {
		const struct ho_event *e = &r->holder.events[i];

		why = contradiction_in(e);
		if (!why && (e->kind != HO_SEEN || e->cookie != r->holder.cookies[i] ||
			     e->mono_ns > r->mono_ns))
			why = "a process that holds what its pass did not see";
	}
	return why;
}

static const char *contradiction_in_meta(const struct record *r)
{
	return r->meta.hz < 10 || r->meta.hz > 10000 ? "a clock rate (HZ) that no kernel has"
						     : NULL;
}

static const char *contradiction_in_loss(const struct record *r)
{
	if (r->loss.reason < LOSS_RING_FULL || r->loss.reason >= LOSS_REASON_MAX)
		return "a loss for a reason that this version does not know";
	return r->loss.from_ns > r->mono_ns ? "a loss that ends before it begins" : NULL;
}

static const char *contradiction_in_snapshot(const struct record *r)
{
	return r->snapshot.begun_ns > r->mono_ns ? "a pass that ends before it begins" : NULL;
}

/* ---- the table ---- */

#define AT(member) .offset = offsetof(struct record, member)
#define LATER .later = true

static const struct record_form forms[RECORD_TYPE_MAX] = {
	[RECORD_META] = { SHOWS_HOW,
			  { { FIELD_U32, AT(meta.hz) },
			    { FIELD_TEXT, AT(meta.version) },
			    { FIELD_TEXT, AT(meta.gateway) },
			    { FIELD_TEXT, AT(meta.boot_id) },
			    { FIELD_TEXT, AT(meta.run_id) },
			    { FIELD_TEXT, AT(meta.kernel) },
			    { FIELD_TEXT, AT(meta.peers), LATER },
			    { FIELD_U32, AT(meta.sockets), LATER } },
			  contradiction_in_meta },
	[RECORD_START] = { SHOWS_NO_PEER, { { FIELD_TEXT, AT(start.attached) },
					   { FIELD_U32, AT(start.probes), LATER } } },
	[RECORD_EVENT_3] = { SHOWS_PEER_OF_EVENT, { { FIELD_EVENT_3 } }, contradiction_in_event },
	[RECORD_EVENT] = { SHOWS_PEER_OF_EVENT, { { FIELD_EVENT, AT(event) } }, contradiction_in_event },
	[RECORD_TICK] = { SHOWS_NO_PEER },
	[RECORD_CLOCK] = { SHOWS_NO_PEER, { { FIELD_U64, AT(clock.realtime_offset_ns) } } },
	[RECORD_OWNER] = { SHOWS_NO_PEER,
			   { { FIELD_U64, AT(owner.cookie) },
			     { FIELD_U32, AT(owner.pid) },
			     { FIELD_TEXT, AT(owner.comm) },
			     { FIELD_TEXT, AT(owner.cgroup) },
			     { FIELD_TEXT, AT(owner.container_id) } } },
	[RECORD_SYSCTL] = { SHOWS_NO_PEER,
			    { { FIELD_U32, AT(sysctl.netns) },
			      { FIELD_U32, AT(sysctl.idle_s) },
			      { FIELD_U32, AT(sysctl.interval_s) },
			      { FIELD_U32, AT(sysctl.probes) },
			      { FIELD_TEXT, AT(sysctl.name) },
			      { FIELD_U32, AT(sysctl.half_cookie), LATER },
			      { FIELD_U64, AT(sysctl.cookie), LATER },
			      { FIELD_TEXT, AT(sysctl.host_name), LATER } } },
	[RECORD_LOSS] = { SHOWS_NO_PEER,
			  { { FIELD_U64, AT(loss.cookie) },
			    { FIELD_U64, AT(loss.count) },
			    { FIELD_U64, AT(loss.from_ns) },
			    { FIELD_U32, AT(loss.reason) } },
			  contradiction_in_loss },
	[RECORD_SNAPSHOT] = { SHOWS_NO_PEER,
			      { { FIELD_U64, AT(snapshot.begun_ns) },
				{ FIELD_BOOL, AT(snapshot.complete) },
				{ FIELD_BOOL, AT(snapshot.last), LATER } },
			      contradiction_in_snapshot },
	[RECORD_RESET_REASON] = { SHOWS_NO_PEER,
				  { { FIELD_U32, AT(reset_reason.number) },
				    { FIELD_TEXT, AT(reset_reason.name) } } },
	[RECORD_STOP] = { SHOWS_NO_PEER },
	[RECORD_PRESENT] = { SHOWS_NO_PEER, { { FIELD_SOCKETS } } },
	[RECORD_IDENTITY] = { SHOWS_PEER_OF_DEVICE,
			      { { FIELD_U64, AT(identity.at_ns) },
				{ FIELD_ADDRESS, AT(identity.peer) },
				{ FIELD_PORT, AT(identity.port) },
				{ FIELD_TEXT, AT(identity.device) },
				{ FIELD_PORT, AT(identity.local), LATER } } },
	[RECORD_SILENT_48] = { SHOWS_NO_PEER, { { FIELD_SOCKETS } } },
	[RECORD_NETNS_GONE] = { SHOWS_NO_PEER,
				{ { FIELD_U32, AT(netns_gone.netns) },
				  { FIELD_U32, AT(netns_gone.half_cookie), LATER },
				  { FIELD_U64, AT(netns_gone.cookie), LATER } } },
	[RECORD_WAITING] = { SHOWS_NO_PEER,	/* our own end alone */
			     { { FIELD_U32, AT(waiting.netns) },
			       { FIELD_U32, AT(waiting.half_cookie) },
			       { FIELD_U32, AT(waiting.count) },
			       { FIELD_ADDRESS, AT(waiting.local) },
			       { FIELD_U16, AT(waiting.port) },
			       { FIELD_U8, AT(waiting.family) },
			       { FIELD_U64, AT(waiting.cookie), LATER } } },
	[RECORD_SILENT] = { SHOWS_NO_PEER, { { FIELD_SOCKETS } } },
	[RECORD_HOLDER] = { SHOWS_PEERS_OF_HELD,
			    { { FIELD_U32, AT(holder.pass) },
			      { FIELD_U32, AT(holder.by.pid) },
			      { FIELD_HELD },
			      { FIELD_TEXT, AT(holder.by.comm) },
			      { FIELD_TEXT, AT(holder.by.cgroup) },
			      { FIELD_TEXT, AT(holder.by.container_id) } },
			    contradiction_in_holder },
};

const struct record_form *record_form__of(enum record_type type)
{
	bool known = type > 0 && type < RECORD_TYPE_MAX;

	return known && forms[type].shows != SHOWS_UNDECIDED ? &forms[type] : NULL;
}
