// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <string.h>
#include <sys/socket.h>

#include "record.h"

struct header {
	uint32_t size;
	uint16_t type;
	uint16_t reserved;
	uint64_t mono_ns;
};
_Static_assert(sizeof(struct header) == RECORD_HEADER_SIZE, "record header");

/* ---- encode ---- */

struct writer {
	uint8_t *buf;
	size_t at;
};

static void put(struct writer *w, const void *data, size_t size)
{
	if (!size)
		return;
	memcpy(w->buf + w->at, data, size);
	w->at += size;
}

static void put_u32(struct writer *w, uint32_t v)
{
	put(w, &v, sizeof(v));
}

static void put_u64(struct writer *w, uint64_t v)
{
	put(w, &v, sizeof(v));
}

/* NUL-terminated. The longest string that the kernel gives us is a path of 4096 bytes, and no
 * record has more than five. */
static void put_string(struct writer *w, const char *s)
{
	size_t length = s ? strnlen(s, 4096) : 0;

	put(w, s ? s : "", length);
	w->buf[w->at++] = '\0';
}

static void put_event(struct writer *w, const struct record *r)
{
	struct ho_small_tail tail = { .net_cookie = r->event.net_cookie };

	put(w, &r->event, r->small ? HO_EVENT_SMALL : sizeof(r->event));
	if (r->small)
		put(w, &tail, sizeof(tail));
}

size_t record__encode(const struct record *r, void *buf)
{
	struct writer w = { .buf = buf, .at = sizeof(struct header) };
	struct header header = { .type = r->type, .mono_ns = r->mono_ns };

	switch (r->type) {
	case RECORD_META:
		put_u32(&w, r->meta.hz);
		put_string(&w, r->meta.version);
		put_string(&w, r->meta.gateway);
		put_string(&w, r->meta.boot_id);
		put_string(&w, r->meta.run_id);
		put_string(&w, r->meta.kernel);
		put_string(&w, r->meta.peers);
		break;
	case RECORD_START:
		put_string(&w, r->start.attached);
		break;
	case RECORD_EVENT:
		put_event(&w, r);
		break;
	case RECORD_CLOCK:
		put_u64(&w, r->clock.realtime_offset_ns);
		break;
	case RECORD_OWNER:
		put_u64(&w, r->owner.cookie);
		put_u32(&w, r->owner.pid);
		put_string(&w, r->owner.comm);
		put_string(&w, r->owner.cgroup);
		put_string(&w, r->owner.container_id);
		break;
	case RECORD_SYSCTL:
		put_u32(&w, r->sysctl.netns);
		put_u32(&w, r->sysctl.idle_s);
		put_u32(&w, r->sysctl.interval_s);
		put_u32(&w, r->sysctl.probes);
		put_string(&w, r->sysctl.name);
		put_u32(&w, r->sysctl.net_cookie);
		put_u64(&w, r->sysctl.cookie);
		put_string(&w, r->sysctl.host_name);
		break;
	case RECORD_NETNS_GONE:
		put_u32(&w, r->netns_gone.netns);
		put_u32(&w, r->netns_gone.net_cookie);
		break;
	case RECORD_LOSS:
		put_u64(&w, r->loss.cookie);
		put_u64(&w, r->loss.count);
		put_u64(&w, r->loss.from_ns);
		put_u32(&w, r->loss.reason);
		break;
	case RECORD_SNAPSHOT:
		put_u64(&w, r->snapshot.begun_ns);
		put_u32(&w, r->snapshot.complete);
		put_u32(&w, r->snapshot.last);
		break;
	case RECORD_RESET_REASON:
		put_u32(&w, r->reset_reason.number);
		put_string(&w, r->reset_reason.name);
		break;
	case RECORD_PRESENT:
	case RECORD_SILENT_48:
	case RECORD_SILENT:
		put_u64(&w, r->present.count);
		put(&w, r->present.cookies, r->present.count * sizeof(uint64_t));
		if (r->type == RECORD_SILENT)
			put(&w, r->present.silent_s, r->present.count * sizeof(uint32_t));
		break;
	case RECORD_IDENTITY:
		put_u64(&w, r->identity.at_ns);
		put(&w, r->identity.peer, sizeof(r->identity.peer));
		put_u32(&w, r->identity.port);
		put_string(&w, r->identity.device);
		put_u32(&w, r->identity.local);
		break;
	case RECORD_WAITING:
		put_u32(&w, r->waiting.netns);
		put_u32(&w, r->waiting.net_cookie);
		put_u32(&w, r->waiting.count);
		put(&w, r->waiting.local, sizeof(r->waiting.local));
		put_u32(&w, r->waiting.port | (uint32_t)r->waiting.family << 16);
		break;
	case RECORD_TICK:
	case RECORD_STOP:
	case RECORD_TYPE_MAX:
		break;
	}
	while (w.at % 8)
		w.buf[w.at++] = 0;
	header.size = w.at;
	memcpy(buf, &header, sizeof(header));
	return w.at;
}

/* ---- decode ---- */

struct reader {
	const uint8_t *buf;
	size_t size, at;
	bool bad;
};

static void get(struct reader *r, void *out, size_t size)
{
	if (r->bad || r->size - r->at < size) {
		r->bad = true;
		memset(out, 0, size);
		return;
	}
	memcpy(out, r->buf + r->at, size);
	r->at += size;
}

static uint32_t get_u32(struct reader *r)
{
	uint32_t v;

	get(r, &v, sizeof(v));
	return v;
}

static uint64_t get_u64(struct reader *r)
{
	uint64_t v;

	get(r, &v, sizeof(v));
	return v;
}

static const char *get_string(struct reader *r)
{
	const char *s = (const char *)r->buf + r->at;
	const char *end = r->bad ? NULL : memchr(s, '\0', r->size - r->at);

	if (!end) {
		r->bad = true;
		return "";
	}
	r->at += end - s + 1;
	return s;
}

/* TCP_ESTABLISHED ... TCP_BOUND_INACTIVE (include/net/tcp_states.h) */
static bool is_state(uint8_t state)
{
	return state >= 1 && state <= 13;
}

/* The socket's clocks are read with the event, or while the timer runs that it tells of. */
#define CLOCK_AHEAD_NS 60000000000ULL

static bool is_ahead(uint64_t clock_ns, const struct ho_event *e)
{
	return clock_ns > e->mono_ns && clock_ns - e->mono_ns > CLOCK_AHEAD_NS;
}

/* What no kernel tells; NULL if it may be true. */
static const char *contradiction_in(const struct ho_event *e, uint64_t mono_ns)
{
	if (e->kind == 0 || e->kind >= HO_KIND_MAX)
		return "an event of a kind that this version does not know";
	if (e->cookie == 0)
		return "an event without a socket cookie";
	if (e->family != AF_INET && e->family != AF_INET6)
		return "an event of an address family that TCP does not have";
	if (!is_state(e->state) || (e->kind == HO_STATE && !is_state(e->old_state)))
		return "an event of a state that TCP does not have";
	if (e->mono_ns != mono_ns)
		return "an event whose time is not that of its record";
	if (is_ahead(e->last_tx_ns, e) || is_ahead(e->delivered_ns, e) ||
	    is_ahead(e->acknowledged_ns, e))
		return "an event that is older than what it tells of";
	return NULL;
}

/* One of an older version, or a small one, is a prefix of a full one: what it leaves out reads as
 * zero. A small one has a tail, but for older versions. */
bool record__take_event(struct record *r, const void *data, size_t size)
{
	bool has_tail = size == HO_EVENT_SMALL_TOLD;
	struct ho_small_tail tail;

	if (size != HO_EVENT_SMALL && !has_tail && size != HO_EVENT_FULL_1 &&
	    size != HO_EVENT_FULL_2 && size != sizeof(r->event))
		return false;
	r->small = has_tail || size == HO_EVENT_SMALL;
	memset(&r->event, 0, sizeof(r->event));
	memcpy(&r->event, data, r->small ? HO_EVENT_SMALL : size);
	if (has_tail) {
		memcpy(&tail, (const char *)data + HO_EVENT_SMALL, sizeof(tail));
		r->event.net_cookie = tail.net_cookie;
	}
	return true;
}

static const char *get_event(const struct reader *r, struct record *out)
{
	const struct ho_event *e = &out->event;

	if (!record__take_event(out, r->buf + r->at, r->size - r->at))
		return "an event of a size that this version does not know";
	return contradiction_in(e, out->mono_ns);
}

/* Cookies, and behind those of RECORD_SILENT the seconds, padded. */
static void get_present(struct reader *r, struct record *out)
{
	size_t count = out->present.count = get_u64(r), size = count * sizeof(uint64_t);

	if (r->bad || count > RECORD_PRESENT_MAX) {
		r->bad = true;
		return;
	}
	out->present.cookies = (const void *)(r->buf + r->at);
	if (out->type == RECORD_SILENT) {
		out->present.silent_s = (const void *)(r->buf + r->at + size);
		size += (count + count % 2) * sizeof(uint32_t);
	}
	r->bad = r->size - r->at != size;
}

struct record_silence record__silence(const struct record *r, uint32_t i)
{
	uint64_t cookie = r->present.cookies[i];

	if (r->type == RECORD_SILENT)
		return (struct record_silence){ cookie, r->present.silent_s[i] };
	return (struct record_silence){ cookie & ((1ULL << 48) - 1), cookie >> 48 };
}

long record__size(const void *buf, size_t available)
{
	struct header header;

	if (available < sizeof(header))
		return 0;
	memcpy(&header, buf, sizeof(header));
	if (header.size < sizeof(header) || header.size > RECORD_SIZE_MAX || header.size % 8)
		return -EBADMSG;
	return header.size;
}

int record__decode(const void *buf, size_t size, struct record *out, const char **why)
{
	struct reader r = { .buf = buf, .size = size, .at = sizeof(struct header) };
	struct header header;
	bool has_host;

	*why = "a record whose length does not fit its content";
	if (record__size(buf, size) != (long)size)
		return -EBADMSG;
	memcpy(&header, buf, sizeof(header));
	memset(out, 0, sizeof(*out));
	out->type = header.type;
	out->mono_ns = header.mono_ns;
	if (out->mono_ns > INT64_MAX) {
		*why = "a time that no clock has";
		return -EBADMSG;
	}

	switch (out->type) {
	case RECORD_META:
		out->meta.hz = get_u32(&r);
		out->meta.version = get_string(&r);
		out->meta.gateway = get_string(&r);
		out->meta.boot_id = get_string(&r);
		out->meta.run_id = get_string(&r);
		out->meta.kernel = get_string(&r);
		/* format 1 ended here, give or take the padding */
		out->meta.peers = r.at < r.size ? get_string(&r) : "";
		if (!r.bad && (out->meta.hz < 10 || out->meta.hz > 10000)) {
			*why = "a clock rate (HZ) that no kernel has";
			return -EBADMSG;
		}
		break;
	case RECORD_START:
		out->start.attached = get_string(&r);
		break;
	case RECORD_EVENT: {
		const char *wrong = get_event(&r, out);

		if (wrong) {
			*why = wrong;
			return -EBADMSG;
		}
		break;
	}
	case RECORD_CLOCK:
		out->clock.realtime_offset_ns = get_u64(&r);
		break;
	case RECORD_OWNER:
		out->owner.cookie = get_u64(&r);
		out->owner.pid = get_u32(&r);
		out->owner.comm = get_string(&r);
		out->owner.cgroup = get_string(&r);
		out->owner.container_id = get_string(&r);
		break;
	case RECORD_SYSCTL:
		out->sysctl.netns = get_u32(&r);
		out->sysctl.idle_s = get_u32(&r);
		out->sysctl.interval_s = get_u32(&r);
		out->sysctl.probes = get_u32(&r);
		out->sysctl.name = get_string(&r);
		/* the padding behind it, where it was recorded without one */
		out->sysctl.net_cookie = r.at + sizeof(uint32_t) <= r.size ? get_u32(&r) : 0;
		/* where it ended here, no more than padding follows */
		has_host = r.at + sizeof(uint64_t) < r.size;
		out->sysctl.cookie = has_host ? get_u64(&r) : 0;
		out->sysctl.host_name = has_host ? get_string(&r) : "";
		break;
	case RECORD_NETNS_GONE:
		out->netns_gone.netns = get_u32(&r);
		out->netns_gone.net_cookie = r.at + sizeof(uint32_t) <= r.size ? get_u32(&r) : 0;
		break;
	case RECORD_LOSS:
		out->loss.cookie = get_u64(&r);
		out->loss.count = get_u64(&r);
		out->loss.from_ns = get_u64(&r);
		out->loss.reason = get_u32(&r);
		if (r.bad)
			break;
		if (out->loss.reason < LOSS_RING_FULL || out->loss.reason >= LOSS_REASON_MAX) {
			*why = "a loss for a reason that this version does not know";
			return -EBADMSG;
		}
		if (out->loss.from_ns > out->mono_ns) {
			*why = "a loss that ends before it begins";
			return -EBADMSG;
		}
		break;
	case RECORD_SNAPSHOT:
		out->snapshot.begun_ns = get_u64(&r);
		out->snapshot.complete = get_u32(&r) != 0;
		/* the padding, where it was recorded without */
		out->snapshot.last = r.at + sizeof(uint32_t) <= r.size && get_u32(&r) != 0;
		if (!r.bad && out->snapshot.begun_ns > out->mono_ns) {
			*why = "a pass that ends before it begins";
			return -EBADMSG;
		}
		break;
	case RECORD_RESET_REASON:
		out->reset_reason.number = get_u32(&r);
		out->reset_reason.name = get_string(&r);
		break;
	case RECORD_PRESENT:
	case RECORD_SILENT_48:
	case RECORD_SILENT:
		get_present(&r, out);
		break;
	case RECORD_IDENTITY:
		out->identity.at_ns = get_u64(&r);
		get(&r, out->identity.peer, sizeof(out->identity.peer));
		out->identity.port = get_u32(&r);
		out->identity.device = get_string(&r);
		/* the padding behind it, where it was recorded without */
		out->identity.local = r.at + sizeof(uint32_t) <= r.size ? get_u32(&r) : 0;
		break;
	case RECORD_WAITING: {
		uint32_t end;

		out->waiting.netns = get_u32(&r);
		out->waiting.net_cookie = get_u32(&r);
		out->waiting.count = get_u32(&r);
		get(&r, out->waiting.local, sizeof(out->waiting.local));
		end = get_u32(&r);
		out->waiting.port = end;
		out->waiting.family = end >> 16;
		break;
	}
	case RECORD_TICK:
	case RECORD_STOP:
		break;
	default:
		*why = "a record of a type that this version does not know";
		return -EBADMSG;
	}
	return r.bad ? -EBADMSG : 0;
}

struct record record__senseless(uint64_t mono_ns)
{
	return (struct record){ .type = RECORD_LOSS, .mono_ns = mono_ns,
				.loss = { .count = 1, .from_ns = mono_ns,
					  .reason = LOSS_SENSELESS } };
}
