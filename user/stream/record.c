// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <string.h>

#include "stream/old_event.h"
#include "stream/record.h"
#include "stream/record_fields.h"

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

static void put_u16(struct writer *w, uint16_t v)
{
	put(w, &v, sizeof(v));
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
	put(w, &r->event, r->small ? HO_EVENT_SMALL : sizeof(r->event));
}

static void put_sockets(struct writer *w, const struct record *r)
{
	put_u64(w, r->present.count);
	put(w, r->present.cookies, r->present.count * sizeof(uint64_t));
	if (r->type == RECORD_SILENT)
		put(w, r->present.silent_s, r->present.count * sizeof(uint32_t));
}

static void put_held(struct writer *w, const struct record *r)
{
	uint32_t count = r->holder.count;

	put_u32(w, count);
	put_u32(w, r->holder.events != NULL);
	put(w, r->holder.cookies, count * sizeof(uint64_t));
	if (r->holder.events)
		put(w, r->holder.events, count * sizeof(struct ho_event));
}

static void put_field(struct writer *w, const struct record_field *f, const struct record *r)
{
	const void *at = (const char *)r + f->offset;

	switch (f->kind) {
	case FIELD_U8:
		put_u16(w, *(const uint8_t *)at);
		break;
	case FIELD_U16:
		put_u16(w, *(const uint16_t *)at);
		break;
	case FIELD_PORT:
		put_u32(w, *(const uint16_t *)at);
		break;
	case FIELD_BOOL:
		put_u32(w, *(const bool *)at);
		break;
	case FIELD_U32:
		put_u32(w, *(const uint32_t *)at);
		break;
	case FIELD_U64:
		put_u64(w, *(const uint64_t *)at);
		break;
	case FIELD_ADDRESS:
		put(w, at, 16);
		break;
	case FIELD_TEXT:
		put_string(w, *(const char *const *)at);
		break;
	case FIELD_EVENT:
		put_event(w, r);
		break;
	case FIELD_EVENT_3:	/* no longer written */
	case FIELD_SOCKETS:
		put_sockets(w, r);
		break;
	case FIELD_HELD:
		put_held(w, r);
		break;
	case FIELD_END:
		break;
	}
}

size_t record__encode(const struct record *r, void *buf)
{
	struct writer w = { .buf = buf, .at = sizeof(struct header) };
	struct header header = { .type = r->type, .mono_ns = r->mono_ns };
	const struct record_form *form = record_form__of(r->type);
	const struct record_field *f;

	for (f = form ? form->fields : NULL; f && f->kind != FIELD_END; f++)
		put_field(&w, f, r);
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

static uint16_t get_u16(struct reader *r)
{
	uint16_t v;

	get(r, &v, sizeof(v));
	return v;
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

/* A small one is a prefix of a full one: what it leaves out reads as zero. */
bool record__take_event(struct record *r, const void *data, size_t size)
{
	if (size != HO_EVENT_SMALL && size != sizeof(r->event))
		return false;
	r->small = size == HO_EVENT_SMALL;
	memcpy(&r->event, data, size);
	memset((char *)&r->event + size, 0, sizeof(r->event) - size);
	return true;
}

/* Of today, or as it was once: RECORD_EVENT either way. */
static bool get_event(struct reader *r, enum field_kind kind, struct record *out)
{
	const uint8_t *data = r->buf + r->at;
	size_t size = r->size - r->at;

	out->type = RECORD_EVENT;
	return kind == FIELD_EVENT ? record__take_event(out, data, size)
				   : old_event__take(&out->event, &out->small, data, size);
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

static void get_held(struct reader *r, struct record *out)
{
	uint32_t count = out->holder.count = get_u32(r), shown = get_u32(r);
	size_t cookies = count * sizeof(uint64_t);
	size_t events = shown ? count * sizeof(struct ho_event) : 0;

	if (r->bad || shown > 1 || count > (shown ? RECORD_SHOWN_MAX : RECORD_HELD_MAX) ||
	    r->size - r->at < cookies + events) {
		r->bad = true;
		return;
	}
	out->holder.cookies = (const void *)(r->buf + r->at);
	if (shown)
		out->holder.events = (const void *)(r->buf + r->at + cookies);
	r->at += cookies + events;
}

bool record__sees_probes(const struct record *r)
{
	if (r->start.probes == PROBES_BY_NAMES)
		return strstr(r->start.attached, "timer_expire_exit") != NULL;
	return r->start.probes == PROBES_SEEN;
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

/* Old recordings may end before it, apart from padding. */
static bool is_there(const struct reader *r, const struct record_field *f)
{
	size_t size = f->kind == FIELD_TEXT ? 1
		      : f->kind == FIELD_U64 ? sizeof(uint64_t) : sizeof(uint32_t);

	return !f->later || r->size - r->at >= size;
}

static void get_field(struct reader *r, const struct record_field *f, struct record *out)
{
	void *at = (char *)out + f->offset;

	switch (f->kind) {
	case FIELD_U8:
		*(uint8_t *)at = get_u16(r);
		break;
	case FIELD_U16:
		*(uint16_t *)at = get_u16(r);
		break;
	case FIELD_PORT:
		*(uint16_t *)at = get_u32(r);
		break;
	case FIELD_BOOL:
		*(bool *)at = get_u32(r) != 0;
		break;
	case FIELD_U32:
		*(uint32_t *)at = get_u32(r);
		break;
	case FIELD_U64:
		*(uint64_t *)at = get_u64(r);
		break;
	case FIELD_ADDRESS:
		get(r, at, 16);
		break;
	case FIELD_TEXT:
		*(const char **)at = is_there(r, f) ? get_string(r) : "";
		break;
	case FIELD_SOCKETS:
		get_present(r, out);
		break;
	case FIELD_HELD:
		get_held(r, out);
		break;
	case FIELD_EVENT:	/* by get_event(): what is wrong with it is said */
	case FIELD_EVENT_3:
	case FIELD_END:
		break;
	}
}

/* Returns the error, NULL if there is none. */
static const char *get_fields(struct reader *r, const struct record_form *form, struct record *out)
{
	const struct record_field *f;

	for (f = form->fields; f->kind != FIELD_END; f++) {
		if ((f->kind == FIELD_EVENT || f->kind == FIELD_EVENT_3) &&
		    !get_event(r, f->kind, out))
			return "an event of a size that this version does not know";
		if (f->kind == FIELD_TEXT || is_there(r, f))
			get_field(r, f, out);
	}
	if (r->bad)
		return "a record whose length does not fit its content";
	return form->contradiction ? form->contradiction(out) : NULL;
}

int record__decode(const void *buf, size_t size, struct record *out, const char **why)
{
	struct reader r = { .buf = buf, .size = size, .at = sizeof(struct header) };
	const struct record_form *form;
	struct header header;

	*why = "a record whose length does not fit its content";
	if (record__size(buf, size) != (long)size)
		return -EBADMSG;
	memcpy(&header, buf, sizeof(header));
	memset(out, 0, sizeof(*out));
	out->type = header.type;
	out->mono_ns = header.mono_ns;
	form = record_form__of(out->type);
	if (out->mono_ns > INT64_MAX)
		*why = "a time that no clock has";
	else if (!form)
		*why = "a record of a type that this version does not know";
	else
		*why = get_fields(&r, form, out);
	return *why ? -EBADMSG : 0;
}

struct record record__senseless(uint64_t mono_ns)
{
	return (struct record){ .type = RECORD_LOSS, .mono_ns = mono_ns,
				.loss = { .count = 1, .from_ns = mono_ns,
					  .reason = LOSS_SENSELESS } };
}
